package contact

import "libstatus1to1/chat/enum"

// Trust is the level of trust in a person, as one word.
type Trust = enum.Trust

// The levels, the weakest first; Blocked stands beside them.
const (
	Unknown   = enum.TrustUnknown   // wrote to us, or we to them
	Requested = enum.TrustRequested // one side has asked to be contacts
	Mutual    = enum.TrustMutual    // both have
	Verified  = enum.TrustVerified  // we have made sure that the key is theirs
	Blocked   = enum.TrustBlocked   // we want to hear nothing of them
)

// How somebody was verified.
const (
	ByKey      = "safety_number" // the safety numbers were compared
	ByQuestion = "question"      // they answered a question only they can answer
	ByCard     = "card"          // they handed us their contact card
	// ByOwnDevice: the user has said so in the Status app, on another device of theirs.
	ByOwnDevice = "own_device"
)

// Ways lists them.
var Ways = []string{ByKey, ByQuestion, ByCard, ByOwnDevice}

// Level is the trust in somebody whose requests are r.
func (r Request) Level(verified, blocked bool) Trust {
	switch {
	case blocked:
		return Blocked
	case verified:
		return Verified
	case r.Mutual():
		return Mutual
	case r.Added() || r.AddedUs():
		return Requested
	}
	return Unknown
}

// Name is the state of r in one word, as events and answers have it: "none",
// "sent", "received", "declined" or "mutual".
func (r Request) Name() string {
	switch {
	case r.Mutual():
		return "mutual"
	case r.Local.State == Dismissed:
		return "declined"
	case r.Added():
		return "sent"
	case r.AddedUs():
		return "received"
	}
	return "none"
}
