package outbox

import (
	"time"

	"libstatus1to1/chat/protocol/key"
)

// A receiver refuses a message more than 1000 steps ahead of the last one it has of a
// sending chain. A chain that is not answered is therefore held: up to maxUnanswered
// messages go out as they are due, up to maxProbed one at a time, less and less often, so
// that somebody who comes back hears from us; then nothing, until an answer or a new
// bundle of theirs.
const (
	// maxUnanswered leaves room for the probes.
	maxUnanswered = 800
	// maxProbed is below the receivers' limit of 1000 steps.
	maxProbed = 990
	// probeEvery is the longest wait between two probes: those there is room for last
	// about a week.
	probeEvery = time.Hour
	// maxDoublings bounds the shift of the wait.
	maxDoublings = 10
)

// hold is about one person whose chain is held.
type hold struct {
	probes int
	next   time.Time // when the next probe may go
}

// heldUntil tells whether nothing may go to somebody now, and until when. When something
// may go though the chain is held, that is a probe.
func (o *Outbox) heldUntil(peer key.Public, to Recipient, now time.Time) (until time.Time, held bool) {
	if to.Unanswered < maxUnanswered {
		delete(o.holds, peer)
		return now, false
	}
	h := o.holds[peer]
	if h == nil {
		h = &hold{next: now.Add(o.ResendBase)}
		o.holds[peer] = h
	}
	if to.Unanswered >= maxProbed {
		return now.Add(probeEvery), true
	}
	if now.Before(h.next) {
		return h.next, true
	}
	h.probes++
	h.next = now.Add(min(o.ResendBase<<min(h.probes, maxDoublings), probeEvery))
	return now, false
}

// hold puts off what is for peer.
func (o *Outbox) hold(peer key.Public, rows []row, until time.Time) {
	for _, r := range rows {
		o.rows.change(r.mvds, func(r *row) { r.due.next, r.due.quick = until, 0 })
	}
	if p := o.acks[peer]; p != nil {
		p.due = until
	}
}
