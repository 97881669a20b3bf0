package outbox

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// row is one message to one identity: another person, or our own other devices. It is
// named by its MVDS id, since both have the same message id.
type row struct {
	id, mvds [32]byte
	number   uint64 // its key in the table
	peer     key.Public
	clock    uint64 // Lamport clock, ms: rows of one person go out in this order
	size     int    // bytes of the application message
	// inHistory is true if its message is in a history, so that an acknowledgement of its
	// recipient delivers it; clientRef is the message's.
	inHistory bool
	clientRef string

	at        stage
	sends     int // how often it was sent by its schedule; with the attempt it is in
	due       schedule
	acked     []string // installations that have it
	delivered bool     // some installation has it
	// sent and stored are the evidence that its message was sent, and that store nodes have
	// it, which its record may lack: publish.go, stored.go.
	sent   *Sent
	stored *Stored
	// inStore is true once store nodes have its message, and safely if each that was asked
	// has.
	inStore, safely bool
	// awaits: it is not sent because a handshake with its recipient is pending; see waiting.go.
	awaits bool
	// body is the message it sends, until that was published once, if there was room.
	body *datasync.Message
	// places is where an idle row is in the queues of its person; nil for others.
	places *places
}

// stage is the state of a row in its life:
//
//	       storeAttempt               published
//	waiting ---------> inAttempt ------------------> out
//	                       ^                          |
//	                       |       storeAttempt       |
//	                       +--------------------------+
//
// A row begins as waiting. When it is due, it is sealed into an attempt, and is inAttempt
// once the ciphertext is stored. When the network has that, it is out, and waits for an
// acknowledgement; when that does not come it is due again, by another attempt. From each
// state a row may leave the outbox: acknowledged by all its devices, given up after its
// last attempt, or cancelled.
//
// The time at which a row is due is stored in its own record while it is waiting, and in
// the record of the attempt afterwards, so that a row itself is written once.
type stage struct {
	state   state
	attempt uint64 // the one it is in, or was in last; 0 while it is waiting
}

type state uint8

const (
	waiting   state = iota // not sent yet
	inAttempt              // its ciphertext is stored and not out
	out                    // the network had it; no device, or not each, has acknowledged it
)

// follows says which states may follow which.
var follows = [...][]state{
	waiting:   {inAttempt},
	inAttempt: {out},
	out:       {inAttempt},
}

func (s state) String() string {
	return [...]string{waiting: "waiting", inAttempt: "in an attempt", out: "out"}[s]
}

// enter returns the stage of a row after the change to next, in or by an attempt; false if
// next may not follow. A row goes out by the attempt it is in.
func (s stage) enter(next state, attempt uint64) (stage, bool) {
	if !slices.Contains(follows[s.state], next) || attempt == 0 || next == out && attempt != s.attempt {
		return s, false
	}
	return stage{next, attempt}, true
}

// idle reports whether a row is in no attempt that is still to go out: only then it can
// be due.
func (r *row) idle() bool { return r.at.state != inAttempt }

// firstSent reports whether the attempt of a row is the one that makes its message sent.
func (r *row) firstSent() bool { return r.inHistory && r.sends == 1 && !r.delivered }

// groupMessage is a row's message as MVDS sends it, from its record.
func groupMessage(self, peer key.Public, rec *wire.OutboxRecord) datasync.Message {
	return datasync.Message{
		GroupID: datasync.GroupID(self, peer), Timestamp: rec.GetMvdsTimestamp(), Body: rec.GetApplication(),
	}
}

func byClock(a, b *row) int {
	if a.clock != b.clock {
		if a.clock < b.clock {
			return -1
		}
		return 1
	}
	return slices.Compare(a.mvds[:], b.mvds[:])
}

func rowFromRecord(rec *wire.OutboxRecord, number uint64) (*row, error) {
	peer, err := key.ParsePublic(rec.GetPeer())
	if err != nil || len(rec.GetMessageId()) != 32 || len(rec.GetMvdsId()) != 32 {
		return nil, port.Errorf(port.CodeStoreCorrupt, "", "an outbox row does not read back")
	}
	return newRow(peer, rec, number), nil
}

// newRow is the row of a record that is whole, for peer.
func newRow(peer key.Public, rec *wire.OutboxRecord, number uint64) *row {
	return &row{
		id: [32]byte(rec.GetMessageId()), mvds: [32]byte(rec.GetMvdsId()), number: number, peer: peer,
		clock: rec.GetClock(), size: len(rec.GetApplication()), sends: int(rec.GetSends()),
		due: schedule{next: time.UnixMilli(rec.GetNextSendAt())},
		// Earlier versions counted devices that nobody knew, without end.
		acked:     rec.GetAcknowledgedBy()[:min(len(rec.GetAcknowledgedBy()), session.MaxKnownInstallations)],
		delivered: len(rec.GetAcknowledgedBy()) > 0,
		inHistory: rec.GetInHistory(), clientRef: rec.GetClientRef(),
	}
}

// rows are the rows in memory, with the times at which they are due. The store has the same
// rows, with the bytes; memory follows it after each commit. Callers get copies, because a
// row changes under the lock only.
type rows struct {
	mu        sync.Mutex
	byMVDS    map[[32]byte]*row
	byMessage map[[32]byte]*row // those in a history, by message id
	last      atomic.Uint64     // number of a row that was given out last
	kept      int               // bytes of all bodies
	schedules
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
		if old := s.byMVDS[r.mvds]; old != nil {
			s.take(old)
		}
		s.byMVDS[r.mvds] = r
		s.place(r)
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
	s.take(r)
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
	clear(s.people)
	s.order, s.kept = nil, 0
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

// find is the row that an attempt names, nil if it is gone: a message that was cancelled
// and tried again is another row with the same MVDS id. s.mu is held.
func (s *rows) find(a attemptRow) *row {
	if r := s.byMVDS[a.mvds]; r != nil && r.number == a.number {
		return r
	}
	return nil
}

// in returns those rows of an attempt that are still there.
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

// recordedIn returns those rows of an attempt that the record of an earlier attempt is
// about.
func (s *rows) recordedIn(at *attempt) (all []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range at.rows {
		if r := s.find(a); r != nil && (r.at.state == out || r.sent != nil || r.stored != nil) {
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
		s.place(r)
	}
}

// stored moves the rows of an attempt into it, once its ciphertext is stored. It reports
// whether their states allowed that.
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
			r.at, r.sends, r.awaits = next, a.sends, false
			s.place(r)
		}
	}
	return good
}

// published moves a row out of the attempt it was in. It reports whether its state allowed
// that.
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
		r.sends = p.sends
		if p.sent != nil {
			r.sent = p.sent
		}
		r.due.next, r.due.quick, r.due.sent, r.due.regular = p.next, p.quick, r.due.sent+1, p.regular
		r.due.wait, r.due.extra, r.due.early = p.next.Sub(p.now), p.extra, time.Time{}
		s.dropBody(r)
		s.place(r)
	}
	return ok
}

// Entry is a message to be delivered to one identity.
type Entry struct {
	Peer   key.Public
	Record *wire.OutboxRecord
	// Encoded is Record, if it is encoded already; Body is the message it sends, if it is
	// at hand. Both save time in the transaction or later.
	Encoded []byte
	Body    *datasync.Message
}

// addedRows are the rows that a transaction adds.
type addedRows []*row

// addedKey is the key of the added rows in ledger.Local.
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

// drop removes a row from the outbox.
func (o *Outbox) drop(tx *ledger.Tx, r row) error {
	tx.After(func() { o.rows.remove(r.mvds); o.AwaitedChanged() })
	o.changedRows(tx)[r.number] = changedRow{gone: true}
	if err := o.leaveRecord(tx, r); err != nil {
		return err
	}
	return tx.Delete(tableRows, ledger.NumberKey(r.number))
}
