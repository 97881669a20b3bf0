package outbox

import (
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// schedule holds the times at which a row is to be sent. Its regular times are by
// datasync.Backoff. When somebody is back it is sent sooner, a bounded number of times,
// beside them: see returns.go.
type schedule struct {
	next    time.Time
	quick   int       // the number of sendings soon that are left
	sent    int       // sendings since the last hastening
	regular time.Time // when quick is not 0: when it is due by its regular times
	// hurried is the last time it was made due early because an installation asked for it,
	// and hurries counts the times it was because somebody was heard.
	hurried time.Time
	hurries int
	// wait is the length of the wait that ends with next; 0 before the first sending.
	wait time.Duration
	// extra counts the sendings beside its regular times.
	extra int
	// early is the regular time from which next was brought forward; the zero time if it was
	// not. hastened counts how often that has happened.
	early    time.Time
	hastened int
}

// sendsThen returns the number of times a row will have been sent by its schedule once its
// next attempt is out.
func (r *row) sendsThen() int {
	if r.due.quick > 0 {
		return r.sends
	}
	return r.sends + 1
}

// nextDue returns the time at which the next row has to be sent.
func (s *rows) nextDue() (t time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.byMVDS {
		if r.idle() && (!ok || r.due.next.Before(t)) {
			t, ok = r.due.next, true
		}
	}
	return t, ok
}

// due lists, by person, the rows to be sent now in the order of their clocks. For
// somebody who has one due, others come along.
func (s *rows) due(now time.Time, coalesce time.Duration) map[key.Public][]row {
	s.mu.Lock()
	defer s.mu.Unlock()
	people := map[key.Public]*dueRows{}
	for _, r := range s.byMVDS {
		if !r.idle() || !r.comesAlong(now, coalesce) {
			continue
		}
		d := people[r.peer]
		if d == nil {
			d = &dueRows{}
			people[r.peer] = d
		}
		d.rows = append(d.rows, r)
		d.now = d.now || !r.due.next.After(now)
	}
	due := map[key.Public][]row{}
	for peer, d := range people {
		if !d.now {
			continue
		}
		slices.SortFunc(d.rows, byClock)
		list := make([]row, len(d.rows))
		for i, r := range d.rows {
			list[i] = *r
		}
		due[peer] = list
	}
	return due
}

// alongShare is the share of its wait by which a row may go out early with others.
const alongShare = 8

// comesAlong reports whether a row is due, or so soon that it goes out with one that is:
// within a share of its wait, and within coalesce unless the wait is shorter than the
// schedule's. So what was written to somebody on one day goes out together on later ones,
// and what is about to be acknowledged does not go out with each new message.
func (r *row) comesAlong(now time.Time, coalesce time.Duration) bool {
	within := r.due.wait / alongShare
	if r.due.wait == 0 || r.due.wait >= 2*coalesce {
		within = max(within, coalesce)
	}
	return r.due.next.Sub(now) <= within
}

// dueRows are rows of one person that are due soon; now is true if one is due already.
type dueRows struct {
	rows []*row
	now  bool
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
