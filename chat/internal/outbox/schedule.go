package outbox

import (
	"container/heap"
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

// Rows that are idle are in queues, so that a look at what is due costs nothing for those
// that are not: each person has one by when their rows are due, and one by when they come
// along with others; people are in one by their first row.

// slot is the place of a row, or a person, in a queue.
type slot[T any] struct {
	at    time.Time
	of    T
	index int
}

// queue is a heap of slots, the earliest first: heap.Interface.
type queue[T any] []*slot[T]

func (q queue[T]) Len() int           { return len(q) }
func (q queue[T]) Less(i, j int) bool { return q[i].at.Before(q[j].at) }

func (q queue[T]) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *queue[T]) Push(x any) {
	s := x.(*slot[T])
	s.index = len(*q)
	*q = append(*q, s)
}

func (q *queue[T]) Pop() any {
	last := len(*q) - 1
	s := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return s
}

// until calls f with all that is in the queue up to at, in no order.
func (q queue[T]) until(at time.Time, f func(T)) { q.below(0, at, f) }

// below is until for a slot and those after it in the heap.
func (q queue[T]) below(i int, at time.Time, f func(T)) {
	if i >= len(q) || q[i].at.After(at) {
		return
	}
	f(q[i].of)
	q.below(2*i+1, at, f)
	q.below(2*i+2, at, f)
}

// person holds the idle rows of one person, of whom there is one at least.
type person struct {
	key        key.Public
	due, along queue[*row]
	place      slot[*person] // by the first of due
	listed     bool          // it is in the queue of people
}

// places are those of an idle row in the queues of its person.
type places struct {
	due, along slot[*row]
}

// schedules holds the rows that are idle by when they are due. It is part of rows.
type schedules struct {
	// coalesce is how much early a row goes out with others: see comesAlong.
	coalesce time.Duration
	people   map[key.Public]*person
	order    queue[*person]
}

// place puts a row where its times belong, or takes it out if it is not idle. It is called
// after each change of them; s.mu is held.
func (s *schedules) place(r *row) {
	if !r.idle() {
		s.take(r)
		return
	}
	p := s.people[r.peer]
	if p == nil {
		p = &person{key: r.peer}
		p.place.of = p
		if s.people == nil {
			s.people = map[key.Public]*person{}
		}
		s.people[r.peer] = p
	}
	if in := r.places; in != nil {
		in.due.at, in.along.at = r.due.next, r.comesAlong(s.coalesce)
		heap.Fix(&p.due, in.due.index)
		heap.Fix(&p.along, in.along.index)
	} else {
		r.places = &places{slot[*row]{at: r.due.next, of: r}, slot[*row]{at: r.comesAlong(s.coalesce), of: r}}
		heap.Push(&p.due, &r.places.due)
		heap.Push(&p.along, &r.places.along)
	}
	s.reorder(p)
}

// take takes a row out of the queues, if it is in them; s.mu is held.
func (s *schedules) take(r *row) {
	if r.places == nil {
		return
	}
	p := s.people[r.peer]
	heap.Remove(&p.due, r.places.due.index)
	heap.Remove(&p.along, r.places.along.index)
	r.places = nil
	s.reorder(p)
}

// reorder follows a change of the first row of a person.
func (s *schedules) reorder(p *person) {
	switch {
	case len(p.due) == 0:
		heap.Remove(&s.order, p.place.index)
		delete(s.people, p.key)
	case !p.listed:
		p.place.at, p.listed = p.due[0].at, true
		heap.Push(&s.order, &p.place)
	case !p.place.at.Equal(p.due[0].at):
		p.place.at = p.due[0].at
		heap.Fix(&s.order, p.place.index)
	}
}

// idleOf are the idle rows of a person, in no order; s.mu is held.
func (s *schedules) idleOf(peer key.Public) []*row {
	p := s.people[peer]
	if p == nil {
		return nil
	}
	all := make([]*row, len(p.due))
	for i, in := range p.due {
		all[i] = in.of
	}
	return all
}

// nextDue returns the time at which the next row has to be sent.
func (s *rows) nextDue() (t time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == 0 {
		return t, false
	}
	return s.order[0].at, true
}

// maxDueRows bounds the rows of a person of whom there is more than one attempt can have,
// so that a long backlog is not listed again for each attempt: large ones among them may
// have to wait for others.
const maxDueRows = 10 * maxBatchMessages

// due lists, by person, the rows to be sent now in the order of their clocks, the first
// maxDueRows. For somebody who has one due, others come along.
func (s *rows) due(now time.Time) map[key.Public][]row {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := map[key.Public][]row{}
	s.order.until(now, func(p *person) { due[p.key] = p.goNow(now) })
	return due
}

// isDue reports whether a row of a person is to be sent now.
func (s *rows) isDue(peer key.Public, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.people[peer]
	return p != nil && !p.place.at.After(now)
}

// goNow are the rows of somebody who has one due.
func (p *person) goNow(now time.Time) []row {
	var all []*row
	p.along.until(now, func(r *row) { all = append(all, r) })
	slices.SortFunc(all, byClock)
	list := make([]row, min(len(all), maxDueRows))
	for i := range list {
		list[i] = *all[i]
	}
	return list
}

// alongShare is the share of its wait by which a row may go out early with others.
const alongShare = 8

// comesAlong returns from when on a row goes out with one that is due: within a share of its
// wait, and within coalesce unless the wait is shorter than the schedule's. So what was
// written to somebody on one day goes out together on later ones, and what is about to be
// acknowledged does not go out with each new message.
func (r *row) comesAlong(coalesce time.Duration) time.Time {
	within := r.due.wait / alongShare
	if r.due.wait == 0 || r.due.wait >= 2*coalesce {
		within = max(within, coalesce)
	}
	return r.due.next.Add(-within)
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
