package chat

import (
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Retry sends a message that has failed again, with the same message id, so that nobody
// has it twice. Messages whose recipient comes back are tried again without it.
func (c *Client) Retry(id [32]byte) (event.Message, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	if _, err := c.account(); err != nil {
		return event.Message{}, err
	}
	var m wire.MessageRecord
	err := c.update(func(t *txn) error {
		if err := t.ownMessage(id, &m); err != nil {
			return err
		}
		if m.GetState() != stateFailed {
			return wrongMessageState(&m, "the message has not failed")
		}
		var rec wire.OutboxRecord
		found, err := get(t, tableFailed, id[:], &rec)
		if err != nil {
			return err
		}
		if !found {
			return wrongMessageState(&m, "the message is not kept for that any more, or never fits; send its text anew")
		}
		if to, err := key.ParsePublic(rec.GetPeer()); err == nil {
			if s, _ := c.people.contacts.get(to); s.blocked {
				return Errorf(CodeBlocked, "message_id", "its recipient is blocked")
			}
		}
		if !c.stillAsked(&m) {
			return wrongMessageState(&m, "the contact request was taken back")
		}
		rec.Revived = 0
		return t.revive(&rec, &m)
	})
	if err != nil {
		return event.Message{}, err
	}
	c.kick()
	return messageOf(&m), nil
}

// Cancel ends the sending of a message that is not delivered: it has failed then, with
// CodeCancelled, and is not sent again unless Retry asks for it. wentOut tells that it
// was handed to the network before, so that it may arrive all the same; if it does, it
// is delivered after all.
func (c *Client) Cancel(id [32]byte) (m event.Message, wentOut bool, err error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	if _, err := c.account(); err != nil {
		return event.Message{}, false, err
	}
	rows := c.outbox.rowsOf(id)
	var rec wire.MessageRecord
	var recalled *attempt
	err = c.update(func(t *txn) error {
		if err := t.ownMessage(id, &rec); err != nil {
			return err
		}
		if err := mayCancel(&rec, rows); err != nil {
			return err
		}
		if rec.GetState() == stateFailed {
			wentOut = rec.GetEvidenceKind() != ""
			return t.cancelFailed(id, &rec)
		}
		wentOut, recalled, err = t.cancelRows(rows)
		if err != nil {
			return err
		}
		rec.State, rec.Failure = stateFailed, string(CodeCancelled)
		return t.putState(&rec)
	})
	if err != nil {
		return event.Message{}, false, err
	}
	if recalled != nil {
		c.loop.unpublished = slices.DeleteFunc(c.loop.unpublished, func(at *attempt) bool { return at == recalled })
	}
	return messageOf(&rec), wentOut, nil
}

// ownMessage reads a message that we may have sent, in the state that is known.
func (t *txn) ownMessage(id [32]byte, m *wire.MessageRecord) error {
	found, err := get(t, tableMessages, id[:], m)
	if err != nil {
		return err
	}
	if !found {
		return Errorf(CodeNotFound, "message_id", "there is no message with this id")
	}
	if !m.GetOutgoing() {
		return wrongMessageState(m, "the message was received")
	}
	t.c.outbox.sentState(m)
	return nil
}

func wrongMessageState(m *wire.MessageRecord, format string) error {
	return Errorf(CodeWrongState, "message_id", "%s", format).With("state", m.GetState())
}

// mayCancel tells why a message cannot be cancelled, nil if it can.
func mayCancel(m *wire.MessageRecord, rows []outboxRow) error {
	ours := slices.ContainsFunc(rows, func(r outboxRow) bool { return r.text })
	switch {
	case m.GetState() == stateDelivered:
		return wrongMessageState(m, "the message is delivered")
	case m.GetKind() == kindContactRequest:
		return wrongMessageState(m, "a contact request is taken back with contacts.retract")
	case m.GetState() != stateFailed && !ours:
		return wrongMessageState(m, "another device of this identity sends the message")
	}
	return nil
}

// cancelFailed has a message that has failed not tried again when its recipient is back.
func (t *txn) cancelFailed(id [32]byte, m *wire.MessageRecord) error {
	var rec wire.OutboxRecord
	found, err := get(t, tableFailed, id[:], &rec)
	if err != nil || !found || rec.GetCancelled() {
		return err
	}
	row, err := rowFromRecord(&rec, 0)
	if err != nil {
		return err
	}
	rec.Cancelled = true
	if err := t.putFailed(row.peer, &rec); err != nil {
		return err
	}
	m.Failure = string(CodeCancelled)
	return t.putState(m)
}

// putState stores a message in its new state and tells of it.
func (t *txn) putState(m *wire.MessageRecord) error {
	if err := put(t, tableMessages, m.GetId(), m); err != nil {
		return err
	}
	return t.emit(stateEvent(m))
}

// cancelRows takes the rows of a message out of the outbox, and with them an attempt
// that is not out and carries nothing else, which it returns. An acknowledgement of the
// recipient is still understood.
func (t *txn) cancelRows(rows []outboxRow) (wentOut bool, recalled *attempt, err error) {
	for _, r := range rows {
		if r.text {
			wentOut = r.sends > 0
			if at := t.c.recallable(r); at != nil {
				wentOut, recalled = r.sends > 1, at
				if err := t.Delete(tableAttempts, attemptKey(at.id)); err != nil {
					return false, nil, err
				}
			}
			if err := t.keepFailed(r, true); err != nil {
				return false, nil, err
			}
			if err := t.rememberSent(r.mvds, r.id); err != nil {
				return false, nil, err
			}
		}
		if err := t.dropRow(r); err != nil {
			return false, nil, err
		}
	}
	return wentOut, recalled, nil
}

// recallable is the attempt a row is in, if that was certainly not handed to the network
// and carries nothing but the row.
func (c *Client) recallable(r outboxRow) *attempt {
	for _, at := range c.loop.unpublished {
		if r.attempt != 0 && at.id == r.attempt && !at.tried && len(at.rows) == 1 && len(at.acks) == 0 && r.quick == 0 {
			return at
		}
	}
	return nil
}

// rowsOf are copies of the rows of a message: to its recipient, and to own devices.
func (o *outbox) rowsOf(id [32]byte) (rows []outboxRow) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, r := range o.byMVDS {
		if r.id == id {
			rows = append(rows, *r)
		}
	}
	slices.SortFunc(rows, func(a, b outboxRow) int { return byClock(&a, &b) })
	return rows
}
