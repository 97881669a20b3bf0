// Package contact computes how two people stand to each other: the state of their
// contact requests, the safety number they compare, the colours Status draws for a key,
// and the level of trust. It works on values; nothing is stored or sent.
//
// Spec: 62/STATUS-PAYLOADS leaves contact requests out; the states, numbers and
// messages are those of the deployed Status app.
package contact

import "errors"

// State is the latest statement of one side about being a contact of the other. The
// numbers are those on the wire; 1 is never sent.
type State uint8

// The states. A side's own half is None, Sent or Dismissed; what it knows of the
// other half is None or Received.
const (
	None      State = 0 // nothing, or taken back
	Sent      State = 2 // asked, or accepted: there is no difference
	Received  State = 3 // the other side asked, or accepted
	Dismissed State = 4 // declined, which the other side is not told
)

// String is the state's name for people.
func (s State) String() string {
	switch s {
	case None:
		return "none"
	case Sent:
		return "sent"
	case Received:
		return "received"
	case Dismissed:
		return "dismissed"
	}
	return "unknown"
}

// MaxClock bounds the clocks that are believed: milliseconds below 2^53, which every
// JSON reader keeps exact, and far from overflowing.
const MaxClock = 1<<53 - 1

// What a propagated state can be refused for.
var (
	// ErrState: the number is not a state, or not one that this half may have.
	ErrState = errors.New("contact: unknown state of a contact request")
	// ErrClock: past what can be believed.
	ErrClock = errors.New("contact: clock of a contact request is out of bounds")
)

// Half is the state of one side and the time it was set, by the Lamport clock of the
// chat in ms.
type Half struct {
	State State
	Clock uint64
}

// Request is the state of the contact requests between us and one person. The zero
// value is the state between strangers. Methods return the next value and change
// nothing.
//
// Each half is a register in which the later clock wins. Four actions write to it:
// asking and accepting set the half of the side that acts; retracting sets both halves
// to None; declining sets the half of the side that declines, and is not told to the
// other. At equal clocks None wins. So both sides end with the same halves however
// messages are lost, repeated or reordered, once each has received the other's latest
// statement.
type Request struct {
	Local, Remote Half
}

// Outcome is the effect of an event.
type Outcome struct {
	// Changed: the request is another value now.
	Changed bool
	// New: a request of theirs waits for an answer of ours, and none did before.
	New bool
	// SendBack: the other side holds an older state of ours: tell it (CONTACT_UPDATE).
	SendBack bool
}

// Added reports whether our word is that they are a contact.
func (r Request) Added() bool { return r.Local.State == Sent }

// AddedUs reports whether their word is that we are one.
func (r Request) AddedUs() bool { return r.Remote.State == Received }

// Mutual reports whether both have said so.
func (r Request) Mutual() bool { return r.Added() && r.AddedUs() }

// Pending reports whether their request waits for an answer of ours.
func (r Request) Pending() bool { return r.AddedUs() && r.Local.State == None }

// NextClock is a clock for our next action: at least proposed, and later than all
// that was said, so that it wins.
func (r Request) NextClock(proposed uint64) uint64 {
	return max(proposed, r.Local.Clock+1, r.Remote.Clock+1)
}

// Send is our request, or our acceptance of theirs, at clock. Not later than our
// last word it changes nothing.
func (r Request) Send(clock uint64) (Request, Outcome) {
	return r.say(Half{Sent, clock})
}

// Dismiss is our refusal.
func (r Request) Dismiss(clock uint64) (Request, Outcome) {
	return r.say(Half{Dismissed, clock})
}

func (r Request) say(h Half) (Request, Outcome) {
	if h.Clock <= r.Local.Clock || h.Clock > MaxClock {
		return r, Outcome{}
	}
	r.Local = h
	return r, Outcome{Changed: true}
}

// Retract ends it for both sides: what either said up to clock is void.
func (r Request) Retract(clock uint64) (Request, Outcome) {
	if clock <= r.Local.Clock || clock > MaxClock {
		return r, Outcome{}
	}
	r.Local = Half{None, clock}
	if clock >= r.Remote.Clock {
		r.Remote = Half{None, clock}
	}
	return r, Outcome{Changed: true}
}

// Block is the end of it for somebody we want to hear nothing of: refused from now
// on. If we had asked or accepted, that is taken back and retract says that they
// must be told; otherwise they learn nothing.
func (r Request) Block(clock uint64) (next Request, retract bool) {
	retract = r.Added()
	if retract {
		r, _ = r.Retract(clock)
	}
	if clock >= r.Local.Clock && clock <= MaxClock {
		r.Local = Half{Dismissed, clock}
	}
	return r, retract
}

// RequestReceived is their request, or their acceptance of ours.
func (r Request) RequestReceived(clock uint64) (Request, Outcome) {
	if clock <= r.Remote.Clock || clock > MaxClock {
		return r, Outcome{}
	}
	next := r
	next.Remote = Half{Received, clock}
	return next, Outcome{Changed: true, New: next.asksAfter(r)}
}

// asksAfter computes Outcome.New for the change from before to r. Their half may
// already say that they ask: then what ended is our own half, through a later statement
// of theirs that came with it.
func (r Request) asksAfter(before Request) bool { return r.Pending() && !before.Pending() }

// RetractReceived is their end of it. A refusal of ours stays one; so does what we
// said later than they retracted.
func (r Request) RetractReceived(clock uint64) (Request, Outcome) {
	if clock > MaxClock {
		return r, Outcome{}
	}
	next := r
	next.Remote = next.Remote.retracted(clock)
	if next.Local.State != Dismissed {
		next.Local = next.Local.retracted(clock)
	}
	return next, Outcome{Changed: next != r}
}

// retracted is a half after a retraction by the other side: at the same clock it
// wins.
func (h Half) retracted(clock uint64) Half {
	if clock > h.Clock || clock == h.Clock && h.State != None {
		return Half{None, clock}
	}
	return h
}

// Propagated is the four values a ChatMessage or CONTACT_UPDATE carries: how its
// sender sees the request.
type Propagated struct {
	Local, Remote Half
}

// Propagated returns the state that our messages carry.
func (r Request) Propagated() Propagated { return Propagated(r) }

// ParsePropagated checks the four values as they come from the wire. No clock may be
// later than latest. Errors: ErrState, ErrClock.
func ParsePropagated(localState, localClock, remoteState, remoteClock, latest uint64) (Propagated, error) {
	if max(localClock, remoteClock) > min(latest, MaxClock) {
		return Propagated{}, ErrClock
	}
	switch localState {
	case uint64(None), uint64(Sent), uint64(Dismissed):
	default:
		return Propagated{}, ErrState
	}
	switch remoteState {
	case uint64(None), uint64(Received):
	default:
		return Propagated{}, ErrState
	}
	return Propagated{Half{State(localState), localClock}, Half{State(remoteState), remoteClock}}, nil
}

// StateReceived takes how they see it: their local half is our remote one. Their own
// word is always believed. What they say of ours is believed only if it is a later
// None: they have retracted for both, and the message that said so got lost. When
// they have missed ours, SendBack says so.
func (r Request) StateReceived(p Propagated) (Request, Outcome) {
	var o Outcome
	if p.Remote.Clock < r.Local.Clock && (p.Remote.State == Received) != r.Added() {
		o.SendBack = true
	}
	next := r
	if p.Remote.State == None && p.Remote.Clock > 0 && next.Local.State != Dismissed {
		next.Local = next.Local.retracted(p.Remote.Clock)
	}
	switch p.Local.State {
	case Sent:
		if p.Local.Clock > next.Remote.Clock {
			next.Remote = Half{Received, p.Local.Clock}
		}
	case None:
		next.Remote = next.Remote.retracted(p.Local.Clock)
	}
	o.Changed, o.New = next != r, next.asksAfter(r)
	return next, o
}
