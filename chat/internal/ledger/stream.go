package ledger

import (
	"context"
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// Stream hands stored events out, each once a run, in the order of their
// numbers, and between them those that are not stored. Each number is handed out, or
// named by an overflow event, or is of something that somebody did who is blocked now, or of a
// message that is gone.
type Stream struct {
	store    port.Store
	now      func() time.Time
	blocked  func(key.Compact) bool
	says     Says // see Ask
	arrivals *arrivals

	mu       sync.Mutex
	last     uint64 // highest number that may be read
	next     uint64 // first number not handed out; see setNext
	lost     uint64 // last number that was dropped because too many waited
	buffer   []event.Delivered
	volatile []volatileEvent
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
func (s *Stream) setNext(seq uint64) {
	s.next = seq
	s.seen.Store(seq)
}

// eventsAtOnce is the number of events read from the store in one transaction.
const eventsAtOnce = 64

func newStream(store port.Store, now func() time.Time, blocked func(key.Compact) bool, a *arrivals) *Stream {
	return &Stream{store: store, now: now, blocked: blocked, arrivals: a, changed: make(chan struct{})}
}

// load finds where handing out begins: at the oldest event that was not acknowledged, or
// at what is lost.
func (s *Stream) load() error {
	return s.store.View(func(tx port.Tx) error {
		first, last, err := tx.Bounds(QueueEvents)
		if err != nil {
			return err
		}
		s.setNext(first)
		s.last = last
		from, to, err := ReadLost(tx)
		if to > 0 {
			s.setNext(from)
			s.lost = to
		}
		return err
	})
}

// committed allows events up to seq to be read: they are durable, and memory has changed
// with them.
func (s *Stream) committed(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, seq)
	s.wake()
}

// gaveWay notes that events up to seq were dropped to make room.
func (s *Stream) gaveWay(seq uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = max(s.lost, seq)
	s.arrivals.dropTo(seq)
}

// FirstUnread returns the lowest number that was not handed out. It takes no lock.
func (s *Stream) FirstUnread() uint64 { return s.seen.Load() }

// Barrier waits for the readers that are choosing an event at the moment. Later ones see
// the people who are blocked by now.
func (s *Stream) Barrier() {
	s.mu.Lock()
	defer s.mu.Unlock()
}

// Close ends the stream: the closed event is the last one.
func (s *Stream) Close(reason enum.CloseReason, at int64) {
	s.Push(event.Closed{Reason: reason}, at)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed, s.buffer = true, nil
	s.arrivals.clear()
	s.wake()
}

// Sleep notes that the store is about to be suspended, or was resumed.
func (s *Stream) Sleep(asleep bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asleep = asleep
	s.buffer = nil // read again: an event that is handed out must be one that can be acknowledged
	s.arrivals.clear()
	s.wake()
}

// wake wakes waiting readers and calls the readiness function; s.mu is held.
func (s *Stream) wake() {
	close(s.changed)
	s.changed = make(chan struct{})
	s.reportWaiting()
}

// reportWaiting calls the readiness function if readers have begun or ceased to have something
// to read; s.mu is held.
func (s *Stream) reportWaiting() {
	waiting := len(s.volatile) > 0 || s.closed || s.stored()
	if waiting != s.waiting {
		s.waiting = waiting
		if s.notify != nil {
			s.notify(waiting)
		}
	}
}

// stored reports whether the store has events to hand out; s.mu is held.
func (s *Stream) stored() bool { return s.next <= s.last && !s.asleep }

// Unread returns the number of events that can be read now. Lost events count as one.
func (s *Stream) Unread() uint64 {
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

func (s *Stream) OnWaiting(f func(bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notify = f
	if f != nil {
		f(s.waiting)
	}
}

// handOut returns the next event, or a channel that closes when something changed.
func (s *Stream) handOut() (*event.Delivered, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.reportWaiting()
	for len(s.volatile) > 0 {
		e := s.volatile[0].Delivered
		s.volatile = s.volatile[1:]
		if !s.silenced(e) {
			return &e, nil, nil
		}
	}
	if s.closed {
		return nil, nil, port.Errorf(port.CodeClosed, "", "the client is closed")
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
		data, found, err := s.whole(e)
		if err != nil {
			return nil, nil, err
		}
		s.buffer = s.buffer[1:]
		s.setNext(e.Seq + 1)
		if silenced := s.silenced(e); found && !silenced {
			e.Data = data
			return &e, nil, nil
		}
	}
}

// silenced reports whether an event is about an action of somebody blocked. Changes of
// their contact are handed out all the same: the blocking is one.
func (s *Stream) silenced(e event.Delivered) bool {
	if e.Type == (event.ContactChanged{}).Type() {
		return false
	}
	who, found := eventAbout(e.Type, e.Data)
	return found && s.blocked(who)
}

// fill reads the next events; an overflow event stands for those that were lost.
func (s *Stream) fill() error {
	err := s.store.View(func(tx port.Tx) error {
		if err := s.fillLost(tx); err != nil {
			return err
		}
		return tx.Range(QueueEvents, s.next, func(seq uint64, value []byte) (bool, error) {
			if seq > s.last {
				return false, nil // durable, but memory has not changed with it yet
			}
			stored, ok := decodeEvent(value)
			if !ok {
				if err := json.Unmarshal(value, &stored); err != nil {
					return false, port.Errorf(port.CodeStoreCorrupt, "", "event %d does not decode", seq).Because(err)
				}
			}
			s.buffer = append(s.buffer, event.Delivered{Seq: seq, Type: stored.Type, At: stored.At, Data: stored.Data})
			return len(s.buffer) < eventsAtOnce, nil
		})
	})
	if err == nil && len(s.buffer) == 0 {
		s.setNext(s.last + 1) // acknowledged before they were handed out
	}
	return err
}

// fillLost adds the overflow event, if events from the next number on are lost.
func (s *Stream) fillLost(tx port.Tx) error {
	first, _, err := tx.Bounds(QueueEvents)
	if err != nil || first <= s.next {
		return err
	}
	_, to, err := ReadLost(tx)
	if err != nil || to < s.next {
		return err
	}
	over := event.Overflow{FromSeq: s.next, ToSeq: to}
	data, err := json.Marshal(over)
	if err != nil {
		return err
	}
	e := event.Delivered{Seq: to, Type: over.Type(), At: s.now().UnixMilli(), Data: data}
	s.buffer = append(s.buffer, e)
	return nil
}

// Next waits for the next event that was not handed out, until ctx ends: then nil, nil.
// After the closed event the error is CodeClosed.
func (s *Stream) Next(ctx context.Context) (*event.Delivered, error) {
	for {
		e, changed, err := s.handOut()
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

// Acknowledge deletes all events up to and including seq upTo. Those that were not handed
// out cannot be acknowledged.
func (l *Ledger) Acknowledge(upTo uint64) error {
	l.Events.mu.Lock()
	next := l.Events.next
	l.Events.mu.Unlock()
	if upTo >= next {
		return port.Errorf(port.CodeBadParams, "up_to", "event %d was not delivered yet", upTo).With("delivered", next-1)
	}
	return l.Update(func(t *Tx) error { return t.acknowledge(upTo) })
}
