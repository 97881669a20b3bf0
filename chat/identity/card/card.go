// Package card makes and reads contact cards: what one person shows another, mostly as a
// QR code, so that they can write to each other at once. A card is the first phase of
// 55/STATUS-1TO1-CHAT and the key material for the second: it names a chat key, and
// carries what a first message by 53 or a handshake by 35 needs. So nothing has to be
// fetched between the scan and the first message.
//
//	card.go    what a card says, and how long it is valid
//	encode.go  its bytes, written and signed
//	parse.go   its bytes, read and verified
//	forms.go   the texts that stand for the bytes: QR text and link
//	secret.go  the pre-shared secret for XXpsk0
//
// Whoever sees a card has all of it. The secret in it therefore adds to the keys of a
// handshake and replaces none of them.
package card

import (
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/x3dh"
)

const (
	// Version is the first byte of a card. A reader refuses other versions.
	Version = 1
	// MaxSize is the length of the longest card, in bytes: its QR code can still be read
	// from the screen of a telephone.
	MaxSize = 350
	// MaxDisplayName is the length of the longest display name in a card, in bytes: the 24
	// code points that Status allows.
	MaxDisplayName = 24 * 4

	// MaxLife is the longest time for which a card may be valid. The pre-key in a card is
	// kept for x3dh.KeepSpent after it was replaced, which is after the card was issued.
	// What MaxLife is shorter by remains for a first message of the last minute: it may
	// wait in a store node until its recipient is back.
	MaxLife = x3dh.KeepSpent - 9*24*time.Hour
	// MaxClockSkew bounds the time by which the issuer's clock may be ahead of ours, as it
	// does for certificates.
	MaxClockSkew = noise.MaxClockSkew
)

// Card holds the content of a contact card. One that Parse returned is verified, except for
// what needs a clock: see Check. Times are in whole seconds.
type Card struct {
	Identity key.Public
	// Device is the signed pre-key of the device that issued the card, Others are those of
	// further devices of the identity.
	Device x3dh.SignedPreKey
	Others []x3dh.SignedPreKey
	// Certificate is for the device's static key for Noise.
	Certificate noise.Certificate
	Secret      Secret
	DisplayName string // may be empty; whoever shows it cleans it
	// Noise: the issuer wants to talk over Noise (35) rather than by 53.
	Noise           bool
	Issued, Expires time.Time
}

// Check looks whether the card may be used at now. Errors: CauseFuture, CauseExpired.
func (c Card) Check(now time.Time) error {
	switch {
	case now.Add(MaxClockSkew).Before(c.Issued):
		return fault(CauseFuture)
	case !now.Before(c.Expires):
		return fault(CauseExpired)
	}
	if c.Certificate.Verify(now) != nil { // the signature was verified when the card was read
		return fault(CauseExpired)
	}
	return nil
}

// Bundle is the pre-keys of the card as a bundle that its identity signed when it issued
// the card. The signature of the card stands for that of a bundle, and covers more: where
// a version ends and the next id begins, and the protocol version.
//
// Spec: 53/WAKU2-X3DH, "Pre-keys".
func (c Card) Bundle() x3dh.Bundle {
	return x3dh.Bundle{
		Identity: c.Identity, Timestamp: c.Issued.UnixNano(),
		SignedPreKeys: append([]x3dh.SignedPreKey{c.Device}, c.Others...),
	}
}

// Cause says why a text or its bytes are no card that can be used.
type Cause string

// The causes.
const (
	CauseOtherText Cause = "other_text" // it is not a card at all
	CauseNoCard    Cause = "no_card"    // a key or a link to a person, without a card
	CauseTruncated Cause = "truncated"  // something is missing at the end
	CauseVersion   Cause = "version"    // of a version that this library does not know
	// CauseAltered: not as its identity signed it. That it was altered and that somebody
	// else signed it look the same, since the signature is all that names the identity.
	CauseAltered Cause = "altered"
	CauseInvalid Cause = "invalid"       // signed as it is, but has a value that no card may have
	CauseOther   Cause = "somebody_else" // not the card of the person that its link names
	CauseFuture  Cause = "future"        // issued later than now
	CauseExpired Cause = "expired"
)

// meanings are the causes in words.
var meanings = map[Cause]string{
	CauseOtherText: "this is not a contact card",
	CauseNoCard:    "this names a person, but has no contact card in it",
	CauseTruncated: "the contact card is truncated",
	CauseVersion:   "the contact card is of a version that this library does not know",
	CauseAltered:   "the contact card was altered, or signed by somebody else",
	CauseInvalid:   "the contact card has a value that no card may have",
	CauseOther:     "the contact card is that of somebody else",
	CauseFuture:    "the contact card was issued in the future: one of the clocks is wrong",
	CauseExpired:   "the contact card has expired",
}

// Error is a refusal of a card. It does not repeat any of it.
type Error struct{ Cause Cause }

// Error is the cause in words.
func (e *Error) Error() string { return "card: " + e.Meaning() }

// Meaning is the cause as a program can show it.
func (e *Error) Meaning() string { return meanings[e.Cause] }

func fault(cause Cause) error { return &Error{cause} }
