package chat

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
)

// When an attempt is out: its ciphertext goes, its messages are sent and are due again
// some time.

// marks are attempts that went out, with what is to be stored about their messages,
// encoded already: only one transaction runs at a time.
type marks struct {
	at       time.Time
	attempts []*attempt
	rows     [][]sentRow // of each attempt
}

// sentRow is a row that is still there.
type sentRow struct {
	row  outboxRow
	next time.Time // when it is due again
	// Its message in its new state, and the event of that; nil if the state stays.
	record, event []byte
}

// readMarks reads and changes the messages of published attempts, on all cores. The
// loop only: nobody else changes messages of ours.
func (c *Client) readMarks(published []*attempt) (*marks, error) {
	m := &marks{at: c.now(), attempts: published, rows: make([][]sentRow, len(published))}
	var all []*sentRow
	var of []*attempt
	for i, at := range published {
		for _, r := range c.outbox.copies(at.rows) {
			next := m.at.Add(datasync.Backoff(r.sends, c.settings.ResendBase, c.rand))
			m.rows[i] = append(m.rows[i], sentRow{row: r, next: next})
		}
		for j := range m.rows[i] {
			all, of = append(all, &m.rows[i][j]), append(of, at)
		}
	}
	parts := (len(all) + marksAtOnce - 1) / marksAtOnce
	failures := make([]error, parts)
	parallel(parts, func(i int) {
		from, to := i*marksAtOnce, min(len(all), (i+1)*marksAtOnce)
		failures[i] = c.readSent(all[from:to], of[from:to], m.at)
	})
	for _, err := range failures {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// marksAtOnce is how many messages are read in one transaction.
const marksAtOnce = 16

func (c *Client) readSent(rows []*sentRow, of []*attempt, now time.Time) error {
	return c.store.View(func(tx Tx) error {
		for i, r := range rows {
			if of[i].failure != "" || r.row.peer == c.account_.Load().public {
				continue
			}
			var rec wire.MessageRecord
			found, err := get(tx, tableMessages, r.row.id[:], &rec)
			if err != nil {
				return err
			}
			if !found || rank[stateSent] <= rank[rec.GetState()] {
				continue
			}
			rec.State = stateSent
			rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = of[i].evidence.Kind, uint32(of[i].evidence.Peers), now.UnixMilli()
			if r.record, err = proto.Marshal(&rec); err != nil {
				return err
			}
			if r.event, err = json.Marshal(stateEvent(&rec)); err != nil {
				return err
			}
		}
		return nil
	})
}

// mark takes the ciphertext of published attempts away and sets when their messages
// are due again.
func (t *txn) mark(m *marks) error {
	for i, at := range m.attempts {
		carrier := &wire.AttemptRecord{Id: at.id}
		for _, r := range m.rows[i] {
			if at.failure != "" {
				if err := t.fail(r.row, at.failure); err != nil {
					return err
				}
				continue
			}
			carrier.Rows = append(carrier.Rows, &wire.AttemptRowRecord{
				Row: r.row.number, Sends: uint32(r.row.sends), NextSendAt: r.next.UnixMilli(),
			})
			if err := t.markRow(at, r); err != nil {
				return err
			}
		}
		if t.carriers == nil {
			t.carriers = map[uint64]*wire.AttemptRecord{}
		}
		t.carriers[at.id] = carrier
	}
	return nil
}

func (t *txn) markRow(at *attempt, r sentRow) error {
	t.then(func() { t.c.outbox.published(r.row.mvds, at.id, r.next) })
	if r.record == nil {
		return nil
	}
	if err := t.Put(tableMessages, r.row.id[:], r.record); err != nil {
		return err
	}
	return t.emitEncoded(event.MessageState{}.Type(), r.event)
}

// markPublished stores that attempts are out, if no other transaction did.
func (c *Client) markPublished() {
	if len(c.loop.published) == 0 {
		return
	}
	marks, err := c.readMarks(c.loop.published)
	if err == nil {
		err = c.update(func(t *txn) error { return t.mark(marks) })
	}
	if err != nil {
		c.log.Log("error", "marking attempts failed", "code", string(CodeOf(err)))
		c.loop.storePause.failed(c.now())
		return
	}
	c.loop.published = nil
}
