package history

import (
	"slices"

	"libstatus1to1/chat/wire"
)

// State says how far a message has come, as event.Message names it.
type State string

const (
	Queued    State = "queued"    // stored, not published yet
	Sent      State = "sent"      // handed to the network
	Stored    State = "stored"    // a store node has it
	Delivered State = "delivered" // a device of the recipient has acknowledged it
	Failed    State = "failed"    // given up or cancelled, with a failure that says why
	Received  State = "received"  // of incoming messages
)

// rule says what holds of a state.
type rule struct {
	outgoing bool    // of outgoing messages, else of incoming ones
	next     []State // the states that may follow
}

// states is the life of a message. An outgoing one begins queued, or sent if another
// device of ours sends it; an incoming one is received and stays so. Whatever was given
// up may still be acknowledged, since its copies are on the way, or be tried again.
//
//	queued -> sent -> stored -> delivered
//	  ^ |       |        |          ^
//	  | '-------+--------+-> failed-'
//	  '----------------------'
var states = map[State]rule{
	Queued:    {outgoing: true, next: []State{Sent, Failed, Delivered}},
	Sent:      {outgoing: true, next: []State{Stored, Failed, Delivered}},
	Stored:    {outgoing: true, next: []State{Failed, Delivered}},
	Failed:    {outgoing: true, next: []State{Queued, Delivered}},
	Delivered: {outgoing: true},
	Received:  {outgoing: false},
}

// StateOf is the state of a stored message.
func StateOf(rec *wire.MessageRecord) State { return State(rec.GetState()) }

// MayBecome reports whether a message in state s may come to be in state next.
func (s State) MayBecome(next State) bool { return slices.Contains(states[s].next, next) }

// become puts a message into a state, unless that may not follow the one it is in: then
// it changes nothing and reports false.
func become(rec *wire.MessageRecord, next State) bool {
	if !StateOf(rec).MayBecome(next) {
		return false
	}
	rec.State = string(next)
	return true
}
