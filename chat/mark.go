package chat

import (
	"encoding/json"
	"errors"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/parallel"
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
	row   outboxRow
	next  time.Time // when it is due again
	event []byte    // that its message is sent now; nil if it was before
	// When that is beside its schedule: how often it is sent so, and when it is due by it.
	quick     int
	scheduled time.Time
}

// readMarks tells what is to be stored about published attempts. The loop only: nobody
// else changes the state of messages of ours.
func (c *Client) readMarks(published []*attempt) (*marks, error) {
	m := &marks{at: c.now(), attempts: published, rows: make([][]sentRow, len(published))}
	var all []*sentRow
	var of []*attempt
	for i, at := range published {
		rows := c.outbox.copies(at.rows)
		m.rows[i] = make([]sentRow, 0, len(rows))
		for _, r := range rows {
			next, quick, scheduled := c.again(r, m.at)
			m.rows[i] = append(m.rows[i], sentRow{row: r, next: next, quick: quick, scheduled: scheduled})
		}
		if at.failure != "" {
			continue
		}
		at.sent = &sentAs{evidence: at.evidence, at: m.at}
		for j := range m.rows[i] {
			if m.rows[i][j].row.firstSent() {
				// Before the event of it can be read. It is out, whatever becomes of the mark.
				c.outbox.change(m.rows[i][j].row.mvds, func(r *outboxRow) { r.sent = at.sent })
				all, of = append(all, &m.rows[i][j]), append(of, at)
			}
		}
	}
	failures := make([]error, len(all))
	parallel.Do(len(all), func(i int) { all[i].event, failures[i] = json.Marshal(of[i].sent.event(all[i].row)) })
	return m, errors.Join(failures...)
}

// mark takes the ciphertext of published attempts away and sets when their messages
// are due again. nil is fine.
func (t *txn) mark(m *marks) error {
	if m == nil {
		return nil
	}
	for i, at := range m.attempts {
		carrier := &wire.AttemptRecord{Id: at.id}
		at.sent.tell(carrier)
		for _, r := range m.rows[i] {
			if at.failure != "" {
				if err := t.fail(r.row, at.failure); err != nil {
					return err
				}
				continue
			}
			carrier.Rows = append(carrier.Rows, &wire.AttemptRowRecord{
				Row: r.row.number, Sends: uint32(r.row.sends), NextSendAt: r.scheduled.UnixMilli(),
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
	t.then(func() { t.c.outbox.published(r, at.id) })
	if r.event == nil {
		return nil
	}
	return t.emitEncoded(event.MessageState{}.Type(), r.event)
}

// markPublished stores that attempts are out, if no other transaction did.
func (c *Client) markPublished() {
	if len(c.loop.published) == 0 {
		return
	}
	done, err := isolated(c.loop.published, c.storeMarks, c.markFailed)
	if c.loop.published = c.loop.published[done:]; err != nil {
		c.log.Log("error", "marking attempts failed", "code", string(CodeOf(err)))
		c.loop.storePause.failed(c.now())
	}
}

func (c *Client) storeMarks(published []*attempt) error {
	marks, err := c.readMarks(published)
	if err != nil {
		return err
	}
	return c.update(func(t *txn) error { return t.mark(marks) })
}

// markFailed leaves an attempt that is out without its mark: what it carried is due
// again, as if it were lost on its way.
func (c *Client) markFailed(at *attempt, err error) {
	c.log.Log("error", "an attempt cannot be marked", "code", string(CodeOf(err)))
	c.counters.drop("attempt_" + unstorable(err))
	for _, r := range c.outbox.copies(at.rows) {
		next, quick, scheduled := c.again(r, c.now())
		c.outbox.published(sentRow{row: r, next: next, quick: quick, scheduled: scheduled}, at.id)
	}
}
