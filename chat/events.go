package chat

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"libstatus1to1/chat/event"
)

// eventStream hands stored events out, each once a run, in the order of their
// numbers, and between them those that are not stored. Each number is handed out, or
// named by an overflow event, or is of something that somebody did who is blocked now.
type eventStream struct {
	store   Store
	now     func() time.Time
	blocked func(person) bool

	mu       sync.Mutex
	last     uint64 // highest committed number
	next     uint64 // first number not handed out; see setNext
	lost     uint64 // last number that was dropped because too many waited
	buffer   []DeliveredEvent
	volatile []DeliveredEvent
	closed   bool // no more stored events
	asleep   bool // the store is suspended: what is in it waits until it is resumed
	changed  chan struct{}
	waiting  bool
	notify   func(bool)

	// seen is next, for transactions: they must not wait for mu, whose holder may read
	// the store.
	seen atomic.Uint64
}

// setNext notes the first number that was not handed out; s.mu is held.
func (s *eventStream) setNext(seq uint64) {
	s.next = seq
	s.seen.Store(seq)
}

// eventsAtOnce is how many events are read from the store in one transaction.
const eventsAtOnce = 64

// maxVolatile bounds the events that are not stored: log lines nobody reads go.
const maxVolatile = 1000

func newEventStream(store Store, now func() time.Time, blocked func(person) bool) (*eventStream, error) {
	s := &eventStream{store: store, now: now, blocked: blocked, changed: make(chan struct{})}
	err := store.View(func(tx Tx) error {
		first, last, err := tx.Bounds(queueEvents)
		if err != nil {
			return err
		}
		s.setNext(first)
		s.last = last
		from, to, err := readLost(tx)
		if to > 0 {
			s.setNext(from)
			s.lost = to
		}
		return err
	})
	return s, err
}

// committed tells that events up to seq are durable.
func (s *eventStream) committed(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, seq)
	s.wake()
}

// gaveWay tells that events up to seq were dropped to make room.
func (s *eventStream) gaveWay(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = max(s.lost, seq)
}

// firstUnread is the lowest number that was not handed out. It waits for nobody.
func (s *eventStream) firstUnread() uint64 { return s.seen.Load() }

// barrier waits until whoever is taking an event has it: those who come later see
// who is blocked by now.
func (s *eventStream) barrier() {
	s.mu.Lock()
	defer s.mu.Unlock()
}

// push adds an event that is not stored.
func (s *eventStream) push(e event.Event, at int64) {
	data, err := json.Marshal(e)
	if err != nil {
		return // only strings and numbers in the events that are not stored
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.volatile) >= maxVolatile {
		return
	}
	s.volatile = append(s.volatile, DeliveredEvent{Type: e.Type(), At: at, Data: data})
	s.wake()
}

// close ends the stream: the closed event is the last one.
func (s *eventStream) close(reason string, at int64) {
	s.push(event.Closed{Reason: reason}, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.buffer = true, nil
	s.wake()
}

// sleep tells that the store is about to be suspended, or was resumed.
func (s *eventStream) sleep(asleep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asleep = asleep
	s.buffer = nil // read again: who gets an event must be able to acknowledge it
	s.wake()
}

// wake tells waiting readers and the readiness function; s.mu is held.
func (s *eventStream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
	s.tell()
}

func (s *eventStream) tell() {
	waiting := len(s.volatile) > 0 || s.closed || s.stored()
	if waiting != s.waiting {
		s.waiting = waiting
		if s.notify != nil {
			s.notify(waiting)
		}
	}
}

// stored tells whether the store has events to hand out; s.mu is held.
func (s *eventStream) stored() bool { return s.next <= s.last && !s.asleep }

// unread is how many events can be read now. Those that are lost are one.
func (s *eventStream) unread() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, next := uint64(len(s.volatile)+len(s.buffer)), s.next
	if len(s.buffer) > 0 {
		next = s.buffer[len(s.buffer)-1].Seq + 1
	}
	if next <= s.lost {
		next = s.lost + 1
		n++
	}
	if next <= s.last {
		n += s.last + 1 - next
	}
	return n
}

func (s *eventStream) onWaiting(f func(bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify = f
	if f != nil {
		f(s.waiting)
	}
}

// take returns the next event, or a channel that closes when something changed.
func (s *eventStream) take() (*DeliveredEvent, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.tell()
	if len(s.volatile) > 0 {
		e := s.volatile[0]
		s.volatile = s.volatile[1:]
		return &e, nil, nil
	}
	if s.closed {
		return nil, nil, Errorf(CodeClosed, "", "the client is closed")
	}
	for {
		if len(s.buffer) == 0 && s.stored() {
			if err := s.fill(); err != nil {
				return nil, nil, err
			}
		}
		if len(s.buffer) == 0 {
			return nil, s.changed, nil
		}
		e := s.buffer[0]
		s.buffer = s.buffer[1:]
		s.setNext(e.Seq + 1)
		if !s.silenced(e) {
			return &e, nil, nil
		}
	}
}

// silenced reports whether an event is about what somebody did who is blocked. That
// the contact itself changed is told: the blocking is such a change.
func (s *eventStream) silenced(e DeliveredEvent) bool {
	if e.Type == (event.ContactChanged{}).Type() {
		return false
	}
	who, found := eventAbout(e.Type, e.Data)
	return found && s.blocked(who)
}

// fill reads what comes next; what was lost of it is an overflow event.
func (s *eventStream) fill() error {
	err := s.store.View(func(tx Tx) error {
		if err := s.fillLost(tx); err != nil {
			return err
		}
		return tx.Range(queueEvents, s.next, func(seq uint64, value []byte) (bool, error) {
			stored, ok := decodeEvent(value)
			if !ok {
				if err := json.Unmarshal(value, &stored); err != nil {
					return false, Errorf(CodeStoreCorrupt, "", "event %d does not decode", seq).Because(err)
				}
			}
			s.buffer = append(s.buffer, DeliveredEvent{Seq: seq, Type: stored.Type, At: stored.At, Data: stored.Data})
			return len(s.buffer) < eventsAtOnce, nil
		})
	})
	if err == nil && len(s.buffer) == 0 {
		s.setNext(s.last + 1) // acknowledged before they were handed out
	}
	return err
}

// fillLost names what is lost from the next number on.
func (s *eventStream) fillLost(tx Tx) error {
	first, _, err := tx.Bounds(queueEvents)
	if err != nil || first <= s.next {
		return err
	}
	_, to, err := readLost(tx)
	if err != nil || to < s.next {
		return err
	}
	over := event.Overflow{FromSeq: s.next, ToSeq: to}
	data, err := json.Marshal(over)
	if err != nil {
		return err
	}
	e := DeliveredEvent{Seq: to, Type: over.Type(), At: s.now().UnixMilli(), Data: data}
	s.buffer = append(s.buffer, e)
	return nil
}

// NextEvent waits for the next undelivered event until ctx ends: then nil, nil.
// After the closed event the error is CodeClosed.
func (c *Client) NextEvent(ctx context.Context) (*DeliveredEvent, error) {
	for {
		e, changed, err := c.events.take()
		if e != nil || err != nil {
			return e, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil
		}
	}
}

// OnEventsWaiting sets f to be called with true when undelivered events begin to
// wait and with false when none do, and once at once. It is called under a lock
// and must only do something like writing to a pipe. nil unsets it.
func (c *Client) OnEventsWaiting(f func(waiting bool)) { c.events.onWaiting(f) }

// AckEvents lets go of all events up to and including seq upTo. Those not handed
// out yet cannot be acknowledged.
func (c *Client) AckEvents(upTo uint64) error {
	if err := c.open(); err != nil {
		return err
	}
	c.events.mu.Lock()
	next := c.events.next
	c.events.mu.Unlock()
	if upTo >= next {
		return Errorf(CodeBadParams, "up_to", "event %d was not delivered yet", upTo).With("delivered", next-1)
	}
	return c.update(func(t *txn) error { return t.ackEvents(upTo) })
}
