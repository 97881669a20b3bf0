package outbox

import (
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/ratelimit"
	"libstatus1to1/chat/protocol/key"
)

// The waits between two sendings of a message grow to days. When somebody comes back,
// or we do, what waits is hurried: it goes at once, and a few times more soon after that
// in case something gets lost. Those sendings are beside the schedule, which goes on as
// it was: so a message is given up when it would have been, and nobody who never
// acknowledges it can have it sent for ever.

const (
	// hurryEvery is the least time, in waits of ResendBase, between two times that a device
	// makes us hurry by being heard: one that sends often must not have everything sent
	// each time.
	hurryEvery = 10
	// maxHurries bounds how often that happens to one message.
	maxHurries = 8
	// heardSends is the number of times a hurried message is sent after its recipient was
	// heard: they are online, so that only losses can keep it from them. backSends is that
	// number after our own return, when they may be offline.
	heardSends = 6
	backSends  = 3
	// maxBackSends ends that for a message: who comes and goes all day long would have it
	// sent all month long to somebody who does not.
	maxBackSends = 4 * backSends

	// Each time we are back takes one of backAtOnce tokens, of which one comes again in
	// backEvery waits of ResendBase, with the default one in 9 minutes: a network that
	// comes and goes must not have everything sent each time. Without one it waits.
	backAtOnce = 6
	backEvery  = 20
	// maxPeopleBack bounds the people we send to because we are back, those written to
	// last: each is an envelope, and the network carries everybody's.
	maxPeopleBack = 256
)

// quickBytes bounds the bytes of the sendings soon of one message at a time: a large one is
// sent less often, but once at least.
const quickBytes = 1 << 20

// soon returns how many times a row is sent soon when times would be right for a small one.
func (r *row) soon(times int) int { return max(1, min(times, quickBytes/max(1, r.size))) }

// hasten makes a row due now that was sent before and waits for its next time; times is the
// number of sendings soon.
func (d *schedule) hasten(now time.Time, times int) {
	if d.quick == 0 {
		d.regular = latest(d.next, d.early)
	}
	d.next, d.quick, d.sent = now, max(d.quick, times), 0
}

// waits reports whether a row can be hastened. Before its second sending the wait is
// short, and an acknowledgement may be on its way.
func (r *row) waits(now time.Time) bool {
	return r.idle() && r.sends > 1 && r.due.next.After(now)
}

// hurry sends sooner what waits for a device that was heard; addressed means that messages
// go to it. A message that another device has acknowledged is sent only to a device that
// lacks it, and only if it would wait for longer than pause: the devices that have it see
// an envelope that is not for them, and may conclude that its sender does not know them.
func (s *rows) hurry(from Device, addressed, own bool, now time.Time, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.idleOf(from.Peer) {
		if !r.waits(now) || r.due.hurries >= maxHurries || r.due.extra >= maxHurries*heardSends {
			continue
		}
		if (own || r.delivered) && (!addressed || slices.Contains(r.acked, from.Installation)) {
			continue
		}
		if r.delivered && r.due.next.Sub(now) < pause {
			continue
		}
		r.due.hasten(now, r.soon(heardSends))
		r.due.hurries++
		s.place(r)
	}
}

// resend makes due what an installation has been sent and has not acknowledged. A message
// is hurried so at most once in pause.
func (s *rows) resend(to Device, now time.Time, pause time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.idleOf(to.Peer) {
		waits := r.sends > 0 && r.due.next.After(now)
		if waits && !slices.Contains(r.acked, to.Installation) && now.Sub(r.due.hurried) >= pause {
			r.due.next, r.due.hurried = now, now
			s.place(r)
		}
	}
}

// release makes the messages due whose sending was held.
func (s *rows) release(peer key.Public, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.idleOf(peer) {
		if r.due.next.After(now) {
			r.due.next, r.sends, r.due.quick = now, min(r.sends, 1), 0
			s.place(r)
		}
	}
}

// unanswered are the people whom something was sent more than once, those written to
// last first.
func (s *rows) unanswered() []key.Public {
	s.mu.Lock()
	defer s.mu.Unlock()
	latest := map[key.Public]*row{}
	for _, r := range s.byMVDS {
		if l := latest[r.peer]; r.sends > 1 && (l == nil || byClock(l, r) < 0) {
			latest[r.peer] = r
		}
	}
	rows := make([]*row, 0, len(latest))
	for _, r := range latest {
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(a, b *row) int { return byClock(b, a) })
	people := make([]key.Public, len(rows))
	for i, r := range rows {
		people[i] = r.peer
	}
	return people
}

// hastenFor hastens what waits for people, except what they will find in the store.
func (s *rows) hastenFor(people []key.Public, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range people {
		for _, r := range s.idleOf(k) {
			if r.waits(now) && !r.safely && r.due.extra < maxBackSends {
				r.due.hasten(now, r.soon(backSends))
				s.place(r)
			}
		}
	}
}

// Heard notes that a device is there: it has sent something that is opened for the first
// time, or a bundle that is newer than all before. To be called in a Turn, after the commit
// of what it sent.
func (o *Outbox) Heard(from Device) {
	now := o.Now()
	o.present(from.Peer, now)
	if h := o.holds[from.Peer]; h != nil {
		*h = hold{next: now}
		o.rows.release(from.Peer, now)
		if p := o.acks[from.Peer]; p != nil {
			p.due = now
		}
	}
	pause := hurryEvery * o.ResendBase
	if last, ok := o.heard.Get(from); ok && !now.Before(last) && now.Sub(last) < pause {
		return
	}
	o.heard.Add(from, now)
	if o.failed.of(from.Peer) {
		o.back[from.Peer] = true
	}
	to, err := o.Sealer.Recipient(from.Peer)
	if err != nil {
		return
	}
	o.rows.hurry(from, slices.Contains(to.Devices, from.Installation), o.isSelf(from.Peer), now, pause)
}

// Resend has an installation sent again what it has not acknowledged, because it asked for
// that or has lost its session. To be called in a Turn.
func (o *Outbox) Resend(to Device) { o.rows.resend(to, o.Now(), o.ResendBase) }

// away notes our own return: the network is there again, the machine has slept, its clock
// was set, or one of few peers has connected.
type away struct {
	happened bool
	tokens   ratelimit.Bucket
}

// backRate limits how often waiting messages are hurried because of our own return.
func backRate(base time.Duration) ratelimit.Rate {
	return ratelimit.Rate{AtOnce: backAtOnce, Every: backEvery * base}
}

// next returns the time of the next token: now, or later.
func (a *away) next(base time.Duration, now time.Time) time.Time {
	if at := a.tokens.Next(backRate(base)); at.After(now) {
		return at
	}
	return now
}

// WasAway notes that we are back. What waits is hurried by the next ComeBack.
func (o *Outbox) WasAway(*ledger.Turn) { o.away.happened = true }

// ComeBack hurries the waiting messages if we were away. It reports whether it did: then
// the caller lets others see that we are back.
func (o *Outbox) ComeBack(t *ledger.Turn) bool {
	now := o.Now()
	if !o.away.happened || !t.Online || !o.away.tokens.Allow(now, backRate(o.ResendBase)) {
		return false
	}
	o.away.happened = false
	people := o.rows.unanswered()
	o.rows.hastenFor(people[:min(len(people), maxPeopleBack)], now)
	return true
}

// Awaited are the people for whom something waits: first those something is being sent to
// again, then those for whom something has failed, each time those written to last first.
// Nobody is in it twice. To be called in a Turn.
func (o *Outbox) Awaited() []key.Public {
	all := append(o.rows.unanswered(), o.failed.people()...)
	listed := map[key.Public]bool{}
	return slices.DeleteFunc(all, func(k key.Public) bool {
		twice := listed[k]
		listed[k] = true
		return twice
	})
}
