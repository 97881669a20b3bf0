package chat

import (
	"errors"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Package outbox delivers; here is what it needs of the rest of the engine, beside
// sealing (seal.go) and copies for own devices (owncopies.go), and what users do about a
// message that is not delivered.

// newOutbox makes the part; the ledger must be open.
func (c *Client) newOutbox() *outbox.Outbox {
	return outbox.New(outbox.Options{
		Ledger: c.ledger, Sealer: sealer{c}, Messages: sentMessages{c}, OwnDevices: ownDevices{c}, People: addressBook{c}, Network: network{c},
		Now: c.now, Rand: c.rand, Log: c.log,
		ResendBase: c.settings.ResendBase, AckDelay: c.settings.AckDelay, StrangerMessages: MaxStrangerMessages,
		Drop:           c.counters.drop,
		Wake:           c.kick,
		AwaitedChanged: func() { c.loop.awaitMore = true },
		Stored:         func() { c.loop.storePause.wentWell() },
		Stopping:       func() bool { return c.life.ctx.Err() != nil },
	})
}

// addressBook implements outbox.People.
type addressBook struct{ c *Client }

// Blocked implements outbox.People.
func (b addressBook) Blocked(k key.Public) bool {
	s, _ := b.c.roster.get(k)
	return s.blocked
}

// Familiar implements outbox.People.
func (b addressBook) Familiar(k key.Public) bool {
	s, _ := b.c.roster.get(k)
	return s.familiar()
}

// network implements outbox.Network.
type network struct{ c *Client }

// MaxPayload implements outbox.Network.
func (n network) MaxPayload() int { return n.c.net.MaxPayload() }

// Publish implements outbox.Network. After a failure of the network there are no turns
// that are online for a while.
func (n network) Publish(contentTopic string, b []byte, clock uint64) (Evidence, error) {
	evidence, err := n.c.publish(contentTopic, b, clock)
	if err == nil || errors.Is(err, ErrTooLarge) {
		n.c.loop.networkPause.wentWell()
	} else {
		n.c.loop.networkPause.failed(n.c.now())
	}
	return evidence, err
}

// sentMessages implements outbox.Messages.
type sentMessages struct{ c *Client }

// Message implements outbox.Messages.
func (s sentMessages) Message(tx Tx, id [32]byte) (m outbox.Message, found bool, err error) {
	var rec wire.MessageRecord
	if found, err = get(tx, tableMessages, id[:], &rec); err != nil || !found {
		return m, false, err
	}
	return outbox.Message{
		ClientRef: rec.GetClientRef(), Delivered: rec.GetState() == stateDelivered, Failed: rec.GetState() == stateFailed,
		Obsolete: !s.c.stillAsked(&rec),
	}, true, nil
}

// Sent implements outbox.Messages.
func (s sentMessages) Sent(tx *ledger.Tx, id [32]byte, by outbox.Sent) error {
	var rec wire.MessageRecord
	found, err := get(tx, tableMessages, id[:], &rec)
	if err != nil || !found || !raiseToSent(&rec, &by) {
		return err
	}
	return put(tx, tableMessages, id[:], &rec)
}

// Fail implements outbox.Messages.
func (s sentMessages) Fail(tx *ledger.Tx, id [32]byte, code Code) error {
	return s.c.txn(tx).climb(id, stateFailed, func(m *wire.MessageRecord) { m.Failure = string(code) })
}

// Acknowledged implements outbox.Messages.
func (s sentMessages) Acknowledged(tx *ledger.Tx, id [32]byte, installation string, own bool) (afterFailure bool, err error) {
	return s.c.txn(tx).deviceHas(id, installation, own)
}

// Requeue implements outbox.Messages.
func (s sentMessages) Requeue(tx *ledger.Tx, id [32]byte) error {
	var m wire.MessageRecord
	found, err := get(tx, tableMessages, id[:], &m)
	if err != nil || !found {
		return err
	}
	m.State, m.Failure = stateQueued, ""
	m.EvidenceKind, m.EvidencePeers, m.EvidenceInstallation, m.EvidenceAt = "", 0, "", 0
	return s.c.txn(tx).putState(&m)
}

// stillAsked is false for a contact request that was taken back since.
func (c *Client) stillAsked(m *wire.MessageRecord) bool {
	if m.GetKind() != kindContactRequest {
		return true
	}
	k, err := key.ParsePublic(m.GetChat())
	s, _ := c.roster.get(k)
	return err == nil && s.request.Added()
}

// raiseToSent brings a message record that is queued to the state "sent". It reports
// whether it was queued. nil changes nothing.
func raiseToSent(rec *wire.MessageRecord, by *outbox.Sent) bool {
	if by == nil || rank[stateSent] <= rank[rec.GetState()] {
		return false
	}
	rec.State = stateSent
	rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = by.Evidence.Kind, uint32(by.Evidence.Peers), by.At.UnixMilli()
	return true
}

// sentState brings a message record to the state that the outbox knows. It reports
// whether the outbox knows the message.
func (c *Client) sentState(rec *wire.MessageRecord) bool {
	if !rec.GetOutgoing() || len(rec.GetId()) != len([32]byte{}) {
		return false
	}
	by, known := c.outbox.SentState([32]byte(rec.GetId()))
	raiseToSent(rec, by)
	return known
}

// sentStates brings records that were just read to the state of their messages. One
// that says "queued" and is in the outbox no more has changed meanwhile: it is read again.
func (c *Client) sentStates(records ...*wire.MessageRecord) error {
	for _, rec := range records {
		if rec.GetState() != stateQueued || c.sentState(rec) {
			continue
		}
		if _, err := c.record(tableMessages, rec.GetId(), rec); err != nil {
			return err
		}
	}
	return nil
}

// Retry sends a message that has failed again, with the same message id, so that nobody
// has it twice. Messages whose recipient comes back are tried again without it.
func (c *Client) Retry(id [32]byte) (event.Message, error) {
	var m wire.MessageRecord
	err := c.exclusive(func(*ledger.Turn) error {
		if _, err := c.account(); err != nil {
			return err
		}
		return c.update(func(t *txn) error { return t.retry(id, &m) })
	})
	if err != nil {
		return event.Message{}, err
	}
	c.kick()
	return messageOf(&m), nil
}

func (t *txn) retry(id [32]byte, m *wire.MessageRecord) error {
	if err := t.ownMessage(id, m); err != nil {
		return err
	}
	if m.GetState() != stateFailed {
		return wrongMessageState(m, "the message has not failed")
	}
	to, kept, err := t.c.outbox.Kept(t.Tx, id)
	if err != nil {
		return err
	}
	if !kept {
		return wrongMessageState(m, "the message is not kept for that any more, or never fits; send its text anew")
	}
	if s, _ := t.c.roster.get(to); s.blocked {
		return Errorf(CodeBlocked, "message_id", "its recipient is blocked")
	}
	if !t.c.stillAsked(m) {
		return wrongMessageState(m, "the contact request was taken back")
	}
	if err := t.c.outbox.Retry(t.Tx, id); err != nil {
		return err
	}
	_, err = get(t, tableMessages, id[:], m)
	return err
}

// Cancel ends the sending of a message that is not delivered: it has failed then, with
// CodeCancelled, and is not sent again unless Retry asks for it. wentOut tells that it
// was handed to the network before, so that it may arrive all the same; if it does, it
// is delivered after all.
func (c *Client) Cancel(id [32]byte) (m event.Message, wentOut bool, err error) {
	var rec wire.MessageRecord
	err = c.exclusive(func(*ledger.Turn) error {
		if _, err := c.account(); err != nil {
			return err
		}
		return c.update(func(t *txn) (err error) {
			wentOut, err = t.cancel(id, &rec)
			return err
		})
	})
	if err != nil {
		return event.Message{}, false, err
	}
	return messageOf(&rec), wentOut, nil
}

func (t *txn) cancel(id [32]byte, m *wire.MessageRecord) (wentOut bool, err error) {
	if err := t.ownMessage(id, m); err != nil {
		return false, err
	}
	if err := mayCancel(m, t.c.outbox.Sending(id)); err != nil {
		return false, err
	}
	if m.GetState() == stateFailed {
		wentOut = m.GetEvidenceKind() != ""
		changed, err := t.c.outbox.CancelFailed(t.Tx, id)
		if err != nil || !changed {
			return wentOut, err
		}
	} else if wentOut, err = t.c.outbox.Cancel(t.Tx, id); err != nil {
		return false, err
	}
	m.State, m.Failure = stateFailed, string(CodeCancelled)
	return wentOut, t.putState(m)
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
	t.c.sentState(m)
	return nil
}

func wrongMessageState(m *wire.MessageRecord, format string) error {
	return Errorf(CodeWrongState, "message_id", "%s", format).With("state", m.GetState())
}

// mayCancel tells why a message cannot be cancelled, nil if it can. ours: this device
// sends it.
func mayCancel(m *wire.MessageRecord, ours bool) error {
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

// putState stores a message in its new state and emits it.
func (t *txn) putState(m *wire.MessageRecord) error {
	if err := put(t, tableMessages, m.GetId(), m); err != nil {
		return err
	}
	return t.emit(stateEvent(m))
}
