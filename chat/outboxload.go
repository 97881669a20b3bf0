package chat

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strings"
	"time"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// loadOutbox reads the rows and the attempts: those that were not published, and what
// the others say about their rows.
func (c *Client) loadOutbox(own key.Public) error {
	loaded := loadedRows{byNumber: map[uint64]*outboxRow{}, byMVDS: map[[32]byte]*outboxRow{}}
	var lastAttempt uint64
	err := c.store.View(func(tx Tx) error {
		if err := tx.Each(tableOutbox, loaded.add); err != nil {
			return err
		}
		if err := loaded.olderRows(tx, own); err != nil {
			return err
		}
		return tx.Each(tableAttempts, func(_, value []byte) error {
			at, err := loaded.attempt(value)
			if err != nil {
				return err
			}
			lastAttempt = max(lastAttempt, at.id)
			if len(at.payload) > 0 {
				at.tried = true // before the last stop, perhaps
				c.loop.unpublished = append(c.loop.unpublished, at)
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	slices.SortFunc(c.loop.unpublished, func(a, b *attempt) int { return cmp.Compare(a.id, b.id) })
	c.loop.awaitMore = len(loaded.byNumber) > 0
	c.loop.lastAttempt = max(c.loop.lastAttempt, lastAttempt)
	now, noJitter := c.now(), strings.NewReader("")
	for number, r := range loaded.byNumber {
		// Stored by a clock that was ahead, it would wait until then.
		if latest := now.Add(datasync.Backoff(r.sends, 2*c.settings.ResendBase, noJitter)); r.nextSend.After(latest) {
			r.nextSend = latest
		}
		c.outbox.last.Store(max(c.outbox.last.Load(), number))
		c.outbox.add(r)
	}
	return nil
}

// loadedRows are the rows as they are read.
type loadedRows struct {
	byNumber map[uint64]*outboxRow
	byMVDS   map[[32]byte]*outboxRow
}

func (l loadedRows) add(name, value []byte) error {
	var rec wire.OutboxRecord
	if err := decodeRecord(tableOutbox, value, &rec); err != nil {
		return err
	}
	if len(name) != rowKeySize {
		return Errorf(CodeStoreCorrupt, "", "an outbox row does not read back")
	}
	r, err := rowFromRecord(&rec, binary.BigEndian.Uint64(name))
	if err != nil {
		return err
	}
	l.byNumber[r.number], l.byMVDS[r.mvds] = r, r
	return nil
}

// olderRows completes rows of an earlier version, which do not say whether their
// message is in a history.
func (l loadedRows) olderRows(tx Tx, own key.Public) error {
	for _, r := range l.byNumber {
		if r.text || r.peer == own {
			continue
		}
		var rec wire.MessageRecord
		found, err := get(tx, tableMessages, r.id[:], &rec)
		if err != nil {
			return err
		}
		r.text, r.ref = found, rec.GetClientRef()
	}
	return nil
}

// attempt reads an attempt and tells its rows what it says about them. Rows that are
// gone were acknowledged meanwhile.
func (l loadedRows) attempt(value []byte) (*attempt, error) {
	at, rec, err := attemptFromRecord(value)
	if err != nil {
		return nil, err
	}
	for _, row := range rec.GetRows() {
		r := l.byNumber[row.GetRow()]
		if r == nil {
			continue
		}
		r.sends = int(row.GetSends())
		if len(at.payload) > 0 {
			r.attempt = at.id
		} else {
			r.carrier, r.nextSend = at.id, time.UnixMilli(row.GetNextSendAt())
			if r.firstSent() {
				r.sent = sentOf(rec)
			}
		}
		at.rows = append(at.rows, attemptRow{r.mvds, r.number, r.sends})
	}
	ids, err := idsOf(rec.GetMvdsIds())
	for _, id := range ids { // of a store of version 2
		if r := l.byMVDS[id]; r != nil {
			r.attempt = at.id
			at.rows = append(at.rows, attemptRow{r.mvds, r.number, r.sends})
		}
	}
	return at, err
}
