package chat

import (
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// outbox is the schedule, in memory, of the messages that are not acknowledged.
// The store has the same rows, with the bytes.
type outbox struct {
	mu     sync.Mutex
	byMVDS map[[32]byte]*outboxRow
	texts  map[[32]byte]*outboxRow // those in a history, by message id
	last   atomic.Uint64           // number of a row that was given out last
	kept   int                     // bytes of all bodies
}

// keptBodies bounds the bytes kept for the first sending of new rows; others are read
// from the store again.
const keptBodies = 4 << 20

// outboxRow is one message to one identity: another person, or our own other
// devices. It is named by its MVDS id, since both have the same message id.
type outboxRow struct {
	id, mvds  [32]byte
	number    uint64 // its key in the table
	peer      key.Public
	clock     uint64
	size      int
	sends     int
	nextSend  time.Time
	attempt   uint64 // not 0: in an attempt that is not out yet
	carrier   uint64 // not 0: the attempt whose record says when it is due again
	acked     []string
	delivered bool
	hurried   time.Time // when it was last made due early for an installation that asked
	hurries   int       // how often it was hurried because somebody was heard: see returns.go
	quick     int       // how often it is to be sent soon, beside its schedule
	quickSent int       // how often it was
	scheduled time.Time // when quick is not 0: when it is due by its schedule
	// text tells that its message is in a history, to somebody else; ref is its client_ref.
	text bool
	ref  string
	sent *sentAs // its message is sent, which its record may not say: see sent.go
	// body is what it sends, until that was published once, if there was room.
	body *datasync.Message
}

func (o *outbox) add(rows ...*outboxRow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byMVDS == nil {
		o.byMVDS, o.texts = map[[32]byte]*outboxRow{}, map[[32]byte]*outboxRow{}
	}
	for _, r := range rows {
		o.byMVDS[r.mvds] = r
		if r.text {
			o.texts[r.id] = r
		}
		if r.body == nil {
			continue
		}
		if o.kept+r.size > keptBodies {
			r.body = nil
		} else {
			o.kept += r.size
		}
	}
}

// letGo forgets what a row sends; o.mu is held.
func (o *outbox) letGo(r *outboxRow) {
	if r.body != nil {
		r.body = nil
		o.kept -= r.size
	}
}

// published notes that the attempt a row was in is out.
func (o *outbox) published(s sentRow, attempt uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r := o.byMVDS[s.row.mvds]; r != nil {
		r.attempt, r.carrier, r.nextSend = 0, attempt, s.next
		r.quick, r.quickSent, r.scheduled = s.quick, r.quickSent+1, s.scheduled
		o.letGo(r)
	}
}

func (o *outbox) remove(mvds [32]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.byMVDS[mvds]
	if r == nil {
		return
	}
	o.letGo(r)
	delete(o.byMVDS, mvds)
	if r.text {
		delete(o.texts, r.id)
	}
}

// forMVDS hands out a copy: rows change under the lock only.
func (o *outbox) forMVDS(id [32]byte) (outboxRow, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r := o.byMVDS[id]; r != nil {
		return *r, true
	}
	return outboxRow{}, false
}

// copies are those rows of an attempt that are still there.
func (o *outbox) copies(in []attemptRow) []outboxRow {
	o.mu.Lock()
	defer o.mu.Unlock()
	rows := make([]outboxRow, 0, len(in))
	for _, row := range in {
		if r := o.byMVDS[row.mvds]; r != nil {
			rows = append(rows, *r)
		}
	}
	return rows
}

// latestClock is the latest clock among those rows of an attempt that are still there.
func (o *outbox) latestClock(in []attemptRow) (clock uint64) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, row := range in {
		if r := o.byMVDS[row.mvds]; r != nil {
			clock = max(clock, r.clock)
		}
	}
	return clock
}

// carried are copies of those rows about which an earlier attempt says something.
func (o *outbox) carried(in []attemptRow) (rows []outboxRow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, row := range in {
		if r := o.byMVDS[row.mvds]; r != nil && (r.carrier != 0 || r.sent != nil) {
			rows = append(rows, *r)
		}
	}
	return rows
}

func (o *outbox) change(mvds [32]byte, f func(*outboxRow)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r := o.byMVDS[mvds]; r != nil {
		f(r)
	}
}

func (o *outbox) len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.byMVDS)
}

// nextDue is when the next row has to be sent.
func (o *outbox) nextDue() (t time.Time, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byMVDS {
		if r.attempt == 0 && (!ok || r.nextSend.Before(t)) {
			t, ok = r.nextSend, true
		}
	}
	return t, ok
}

// due lists, by person, copies of the rows to be sent now in the order of their
// clocks. For somebody who has one due, those due within coalesce come along.
func (o *outbox) due(now time.Time, coalesce time.Duration) map[key.Public][]outboxRow {
	o.mu.Lock()
	defer o.mu.Unlock()
	soon, waiting := now.Add(coalesce), map[key.Public]*dueRows{}
	for _, r := range o.byMVDS {
		if r.attempt != 0 || r.nextSend.After(soon) {
			continue
		}
		w := waiting[r.peer]
		if w == nil {
			w = &dueRows{}
			waiting[r.peer] = w
		}
		w.rows = append(w.rows, r)
		w.now = w.now || !r.nextSend.After(now)
	}
	due := map[key.Public][]outboxRow{}
	for peer, w := range waiting {
		if !w.now {
			continue
		}
		slices.SortFunc(w.rows, byClock)
		list := make([]outboxRow, len(w.rows))
		for i, r := range w.rows {
			list[i] = *r
		}
		due[peer] = list
	}
	return due
}

// dueRows are rows of one person that are due soon; now tells that one is already.
type dueRows struct {
	rows []*outboxRow
	now  bool
}

func byClock(a, b *outboxRow) int {
	if a.clock != b.clock {
		if a.clock < b.clock {
			return -1
		}
		return 1
	}
	return slices.Compare(a.mvds[:], b.mvds[:])
}

// rowKeySize is the size of the keys of the outbox.
const rowKeySize = 8

func rowKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 0, rowKeySize), number)
}

func rowFromRecord(rec *wire.OutboxRecord, number uint64) (*outboxRow, error) {
	peer, err := key.ParsePublic(rec.GetPeer())
	if err != nil || len(rec.GetMessageId()) != 32 || len(rec.GetMvdsId()) != 32 {
		return nil, Errorf(CodeStoreCorrupt, "", "an outbox row does not read back")
	}
	return newRow(peer, rec, number), nil
}

// newRow is the row of a record that is whole, for peer.
func newRow(peer key.Public, rec *wire.OutboxRecord, number uint64) *outboxRow {
	return &outboxRow{
		id: [32]byte(rec.GetMessageId()), mvds: [32]byte(rec.GetMvdsId()), number: number, peer: peer,
		clock: rec.GetClock(), size: len(rec.GetApplication()), sends: int(rec.GetSends()),
		nextSend: time.UnixMilli(rec.GetNextSendAt()),
		// Earlier versions counted devices that nobody knew, without end.
		acked:     rec.GetAcknowledgedBy()[:min(len(rec.GetAcknowledgedBy()), session.MaxKnownInstallations)],
		delivered: len(rec.GetAcknowledgedBy()) > 0,
		text:      rec.GetInHistory(), ref: rec.GetClientRef(),
	}
}

// addRow stores a new row of the outbox, for peer.
func (t *txn) addRow(peer key.Public, rec *wire.OutboxRecord) error {
	b, err := proto.Marshal(rec)
	if err != nil {
		return err
	}
	return t.addEncodedRow(peer, rec, b, nil)
}

// addEncodedRow is addRow where the record is encoded already, as b, and body is what
// the row sends, if it is to be kept.
func (t *txn) addEncodedRow(peer key.Public, rec *wire.OutboxRecord, b []byte, body *datasync.Message) error {
	row := newRow(peer, rec, t.c.outbox.last.Add(1))
	row.body = body
	t.then(func() { t.c.outbox.add(row) })
	return t.Put(tableOutbox, rowKey(row.number), b)
}

// dropRow takes a row out of the outbox.
func (t *txn) dropRow(r outboxRow) error {
	t.then(func() { t.c.outbox.remove(r.mvds); t.c.loop.awaitMore = true })
	if err := t.leaveCarrier(r); err != nil {
		return err
	}
	return t.Delete(tableOutbox, rowKey(r.number))
}
