package chat

import (
	"slices"
	"strings"
	"sync"
	"time"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// outbox is the schedule, in memory, of the messages that are not acknowledged.
// The store has the same rows, with the bytes.
type outbox struct {
	mu     sync.Mutex
	byMVDS map[[32]byte]*outboxRow
}

// outboxRow is one message to one identity: another person, or our own other
// devices. It is named by its MVDS id, since both have the same message id.
type outboxRow struct {
	id, mvds  [32]byte
	peer      key.Public
	clock     uint64
	size      int
	sends     int
	nextSend  time.Time
	attempt   uint64 // not 0: in an attempt that is not out yet
	acked     []string
	delivered bool
	hurried   time.Time // when it was last made due early
	hurries   int       // how often it was made due early: see hold.go
}

func (o *outbox) add(rows ...*outboxRow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byMVDS == nil {
		o.byMVDS = map[[32]byte]*outboxRow{}
	}
	for _, r := range rows {
		o.byMVDS[r.mvds] = r
	}
}

func (o *outbox) remove(mvds [32]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.byMVDS, mvds)
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

// copies are the rows with these ids that are still there.
func (o *outbox) copies(mvds [][32]byte) (rows []outboxRow) {
	for _, id := range mvds {
		if r, ok := o.forMVDS(id); ok {
			rows = append(rows, r)
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

// sends is how often a message was sent, as far as its waits go.
func (o *outbox) sends(id [32]byte) int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r := o.byMVDS[id]; r != nil {
		return r.sends
	}
	return 0
}

// hurry makes due what waits for peer, is in no attempt, and may: as if it had
// been sent once, so that the waits begin anew.
func (o *outbox) hurry(peer key.Public, now time.Time, may func(outboxRow) bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byMVDS {
		if r.peer == peer && r.attempt == 0 && r.nextSend.After(now) && may(*r) {
			r.nextSend, r.sends, r.hurries = now, min(r.sends, 1), r.hurries+1
		}
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
	due := map[key.Public]bool{}
	for _, r := range o.byMVDS {
		if r.attempt == 0 && !r.nextSend.After(now) {
			due[r.peer] = true
		}
	}
	rows := map[key.Public][]outboxRow{}
	if len(due) == 0 {
		return rows
	}
	for _, r := range o.byMVDS {
		if due[r.peer] && r.attempt == 0 && !r.nextSend.After(now.Add(coalesce)) {
			rows[r.peer] = append(rows[r.peer], *r)
		}
	}
	for _, list := range rows {
		slices.SortFunc(list, byClock)
	}
	return rows
}

func byClock(a, b outboxRow) int {
	if a.clock != b.clock {
		if a.clock < b.clock {
			return -1
		}
		return 1
	}
	return slices.Compare(a.mvds[:], b.mvds[:])
}

// loadOutbox reads the rows and the attempts that were not published.
func (c *Client) loadOutbox() error {
	var rows []*outboxRow
	now, noJitter := c.now(), strings.NewReader("")
	err := c.store.View(func(tx Tx) error {
		err := tx.Each(tableOutbox, func(_, value []byte) error {
			var rec wire.OutboxRecord
			if err := decodeRecord(tableOutbox, value, &rec); err != nil {
				return err
			}
			r, err := rowFromRecord(&rec)
			if err != nil {
				return err
			}
			// Stored by a clock that was ahead, it would wait until then.
			if latest := now.Add(datasync.Backoff(r.sends, 2*c.settings.ResendBase, noJitter)); r.nextSend.After(latest) {
				r.nextSend = latest
			}
			rows = append(rows, r)
			return nil
		})
		if err != nil {
			return err
		}
		return tx.Each(tableAttempts, func(_, value []byte) error {
			a, err := attemptFromRecord(value)
			c.loop.unpublished = append(c.loop.unpublished, a)
			return err
		})
	})
	slices.SortFunc(c.loop.unpublished, func(a, b *attempt) int { return int(a.id) - int(b.id) })
	c.outbox.add(rows...)
	return err
}

func rowFromRecord(rec *wire.OutboxRecord) (*outboxRow, error) {
	peer, err := key.ParsePublic(rec.GetPeer())
	if err != nil || len(rec.GetMessageId()) != 32 || len(rec.GetMvdsId()) != 32 {
		return nil, Errorf(CodeStoreCorrupt, "", "an outbox row does not read back")
	}
	return newRow(peer, rec), nil
}

// newRow is the row of a record that is whole, for peer.
func newRow(peer key.Public, rec *wire.OutboxRecord) *outboxRow {
	return &outboxRow{
		id: [32]byte(rec.GetMessageId()), mvds: [32]byte(rec.GetMvdsId()), peer: peer,
		clock: rec.GetClock(), size: len(rec.GetApplication()), sends: int(rec.GetSends()),
		nextSend: time.UnixMilli(rec.GetNextSendAt()), attempt: rec.GetAttempt(),
		acked: rec.GetAcknowledgedBy(), delivered: len(rec.GetAcknowledgedBy()) > 0,
	}
}
