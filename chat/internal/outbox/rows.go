package outbox

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// rows are the rows in memory, with when they are due. The store has the same rows, with
// the bytes; memory follows it after each commit. What is handed out are copies: a row
// changes under the lock only.
type rows struct {
	mu        sync.Mutex
	byMVDS    map[[32]byte]*row
	byMessage map[[32]byte]*row // those in a history, by message id
	last      atomic.Uint64     // number of a row that was given out last
	kept      int               // bytes of all bodies
}

// keptBodies bounds the bytes kept for the first sending of new rows; others are read
// from the store again.
const keptBodies = 4 << 20

func (s *rows) add(all ...*row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byMVDS == nil {
		s.byMVDS, s.byMessage = map[[32]byte]*row{}, map[[32]byte]*row{}
	}
	for _, r := range all {
		s.byMVDS[r.mvds] = r
		if r.inHistory {
			s.byMessage[r.id] = r
		}
		if r.body == nil {
			continue
		}
		if s.kept+r.size > keptBodies {
			r.body = nil
		} else {
			s.kept += r.size
		}
	}
}

// dropBody forgets what a row sends; s.mu is held.
func (s *rows) dropBody(r *row) {
	if r.body != nil {
		r.body = nil
		s.kept -= r.size
	}
}

func (s *rows) remove(mvds [32]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.byMVDS[mvds]
	if r == nil {
		return
	}
	s.dropBody(r)
	delete(s.byMVDS, mvds)
	if r.inHistory {
		delete(s.byMessage, r.id)
	}
}

func (s *rows) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.byMVDS)
	clear(s.byMessage)
	s.kept = 0
}

func (s *rows) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byMVDS)
}

// forMVDS is the row of an MVDS id.
func (s *rows) forMVDS(id [32]byte) (row, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byMVDS[id]; r != nil {
		return *r, true
	}
	return row{}, false
}

// ofMessage are the rows of a message: to its recipient, and to own devices.
func (s *rows) ofMessage(id [32]byte) (all []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.byMVDS {
		if r.id == id {
			all = append(all, *r)
		}
	}
	slices.SortFunc(all, func(a, b row) int { return byClock(&a, &b) })
	return all
}

// find is the row that an attempt names, nil if it is gone: a message that was cancelled
// and tried again is another row with the same MVDS id. s.mu is held.
func (s *rows) find(a attemptRow) *row {
	if r := s.byMVDS[a.mvds]; r != nil && r.number == a.number {
		return r
	}
	return nil
}

// in are those rows of an attempt that are still there.
func (s *rows) in(at *attempt) []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]row, 0, len(at.rows))
	for _, a := range at.rows {
		if r := s.find(a); r != nil {
			all = append(all, *r)
		}
	}
	return all
}

// recordedIn are those rows of an attempt about which an earlier one says something.
func (s *rows) recordedIn(at *attempt) (all []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range at.rows {
		if r := s.find(a); r != nil && (r.at.state == out || r.sent != nil) {
			all = append(all, *r)
		}
	}
	return all
}

// latestClock is the latest clock among those rows of an attempt that are still there.
func (s *rows) latestClock(at *attempt) (clock uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range at.rows {
		if r := s.find(a); r != nil {
			clock = max(clock, r.clock)
		}
	}
	return clock
}

func (s *rows) change(mvds [32]byte, f func(*row)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.byMVDS[mvds]; r != nil {
		f(r)
	}
}

// stored has rows be in an attempt whose ciphertext is stored. It reports whether they
// might be.
func (s *rows) stored(at *attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	good := true
	for _, a := range at.rows {
		r := s.find(a)
		if r == nil {
			continue
		}
		next, ok := r.at.enter(inAttempt, at.id)
		if good = good && ok; ok {
			r.at, r.sends = next, a.sends
		}
	}
	return good
}

// published has a row be out by the attempt it was in. It reports whether it might be.
func (s *rows) published(p publishedRow, attempt uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(attemptRow{mvds: p.row.mvds, number: p.row.number})
	if r == nil {
		return true
	}
	next, ok := r.at.enter(out, attempt)
	if ok {
		r.at = next
		r.due.next, r.due.quick, r.due.sent, r.due.regular = p.next, p.quick, r.due.sent+1, p.regular
		s.dropBody(r)
	}
	return ok
}

// nextDue is when the next row has to be sent.
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
// somebody who has one due, those due within coalesce come along.
func (s *rows) due(now time.Time, coalesce time.Duration) map[key.Public][]row {
	s.mu.Lock()
	defer s.mu.Unlock()
	soon, people := now.Add(coalesce), map[key.Public]*dueRows{}
	for _, r := range s.byMVDS {
		if !r.idle() || r.due.next.After(soon) {
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

// dueRows are rows of one person that are due soon; now tells that one is already.
type dueRows struct {
	rows []*row
	now  bool
}

// shift moves when rows are due.
func (s *rows) shift(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.byMVDS {
		d := &r.due
		d.next, d.regular, d.hurried = d.next.Add(by), d.regular.Add(by), d.hurried.Add(by)
	}
}

// Entry is a message to be delivered to one identity.
type Entry struct {
	Peer   key.Public
	Record *wire.OutboxRecord
	// Encoded is Record, if it is encoded already; Body is what it sends, if it is at hand.
	// Both save time in the transaction or later.
	Encoded []byte
	Body    *datasync.Message
}

// addedRows are the rows that a transaction adds.
type addedRows []*row

// addedKey is where a transaction keeps them.
type addedKey struct{}

// Add has a message delivered.
func (o *Outbox) Add(tx *ledger.Tx, e Entry) error {
	if e.Encoded == nil {
		var err error
		if e.Encoded, err = proto.Marshal(e.Record); err != nil {
			return err
		}
	}
	r := newRow(e.Peer, e.Record, o.rows.last.Add(1))
	r.body = e.Body
	added, first := ledger.Local[addedRows](tx, addedKey{})
	if *added = append(*added, r); first {
		tx.After(func() { o.rows.add(*added...); o.Wake() })
	}
	return tx.Put(tableRows, ledger.NumberKey(r.number), e.Encoded)
}

// drop takes a row out of the outbox.
func (o *Outbox) drop(tx *ledger.Tx, r row) error {
	tx.After(func() { o.rows.remove(r.mvds); o.AwaitedChanged() })
	if err := o.leaveRecord(tx, r); err != nil {
		return err
	}
	return tx.Delete(tableRows, ledger.NumberKey(r.number))
}

// RecipientsOf are the identities that a message is still being sent to.
func (o *Outbox) RecipientsOf(id [32]byte) (people []key.Public) {
	for _, r := range o.rows.ofMessage(id) {
		people = append(people, r.peer)
	}
	return people
}

// Forget empties the outbox in memory, for benchmarks: as if all were acknowledged.
func (o *Outbox) Forget() { o.rows.clear() }
