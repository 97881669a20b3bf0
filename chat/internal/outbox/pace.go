package outbox

import (
	"time"

	"libstatus1to1/chat/protocol/key"
)

// How long to wait for an acknowledgement, by person. Somebody who was heard a short while
// ago is there, and the time they take is measured: what they have not acknowledged by then
// got lost, and is sent again before the wait of the schedule is over. For everybody else
// the schedule holds. The number of sendings is the same for both. In memory
// only: after a start the schedule holds until the first acknowledgement.

const (
	// minWait is the shortest wait before a message is sent again. Receivers gather
	// acknowledgements for 0.3 s, and envelopes travel for seconds at times.
	minWait = 5 * time.Second
	// presentFor is the time for which somebody who was heard counts as there, in waits of ResendBase
	// (Options.unit): with the default one 9 minutes.
	presentFor = 20
)

// pace tells how fast a person acknowledges, and whether they are there.
type pace struct {
	heard time.Time // the last sign of life
	// silent is true if since then something was sent twice that they did not acknowledge,
	// though store nodes have it.
	silent bool
	// smoothed and varies are the round-trip time from publishing to the acknowledgement
	// and its mean deviation; 0 if none was measured.
	smoothed, varies time.Duration
}

// present notes that somebody was heard.
func (o *Outbox) present(peer key.Public, now time.Time) {
	p, _ := o.paces.Get(peer)
	p.heard, p.silent = now, false
	o.paces.Add(peer, p)
}

// silent notes that what somebody does not acknowledge is in the store.
func (o *Outbox) silent(peer key.Public) {
	p, _ := o.paces.Get(peer)
	p.silent = true
	o.paces.Add(peer, p)
}

func (o *Outbox) isSilent(peer key.Public) bool {
	p, _ := o.paces.Peek(peer)
	return p.silent
}

// isPresent reports whether somebody was heard a short while ago.
func (o *Outbox) isPresent(peer key.Public, now time.Time) bool {
	p, _ := o.paces.Peek(peer)
	return !p.heard.IsZero() && now.Sub(p.heard) < presentFor*o.unit()
}

// measured notes a round trip with somebody. One longer than the wait before the first
// resend shows that we, and not the message, were away.
// Spec: RFC 6298, "The Basic Algorithm".
func (o *Outbox) measured(peer key.Public, took time.Duration) {
	if took < 0 || took > o.ResendBase {
		return
	}
	p, _ := o.paces.Get(peer)
	if p.smoothed == 0 {
		p.smoothed, p.varies = max(took, 1), took/2
	} else {
		p.varies += ((p.smoothed - took).Abs() - p.varies) / 4
		p.smoothed += (took - p.smoothed) / 8
	}
	o.paces.Add(peer, p)
}

// wait returns the wait before the first resend to somebody. The later ones are multiples of it.
// Spec: RFC 6298, "The Basic Algorithm".
func (o *Outbox) wait(peer key.Public, now time.Time) time.Duration {
	p, _ := o.paces.Peek(peer)
	if p.smoothed == 0 || !o.isPresent(peer, now) {
		return o.ResendBase
	}
	return min(max(p.smoothed+4*p.varies, minWait), o.ResendBase)
}
