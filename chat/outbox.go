package chat

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/wire"
)

// Package outbox delivers; this file implements what it needs of the rest of the engine,
// except sealing (seal.go) and copies for own devices (owncopies.go), and the calls for a
// message that is not delivered.

// newOutbox makes the part; the ledger must be open.
func (c *Client) newOutbox() *outbox.Outbox {
	archive, _ := c.net.(port.Archive)
	return outbox.New(outbox.Options{
		Archive: archive, Beside: func(f func(context.Context)) { c.beside("asking store nodes", f) },
		Ledger: c.ledger, Sealer: sealer{c}, Messages: sentMessages{c.history, c}, OwnDevices: ownDevices{c}, People: addressBook{c}, Network: network{c},
		Now: c.now, Rand: c.rand, Log: c.log,
		ResendBase: c.settings.ResendBase, AckDelay: c.settings.AckDelay, StrangerMessages: MaxStrangerMessages,
		Drop:           c.counters.drop,
		Wake:           c.kick,
		AwaitedChanged: func() { c.sessions.awaited.more = true },
		Stored:         func() { c.loop.storePause.End() },
		Stopping:       func() bool { return c.life.ctx.Err() != nil },
	})
}

// addressBook implements outbox.People.
type addressBook struct{ c *Client }

// Blocked implements outbox.People.
func (b addressBook) Blocked(k key.Public) bool {
	s, _ := b.c.people.contacts.get(k)
	return s.blocked
}

// Familiar implements outbox.People.
func (b addressBook) Familiar(k key.Public) bool {
	s, _ := b.c.people.contacts.get(k)
	return s.familiar()
}

// network implements outbox.Network.
type network struct{ c *Client }

// MaxPayload implements outbox.Network.
func (n network) MaxPayload() int { return n.c.net.MaxPayload() }

// Publish implements outbox.Network. After a failure of the network there are no turns
// that are online for a while.
func (n network) Publish(contentTopic string, b []byte, clock uint64) (Evidence, error) {
	version := uint32(1)
	if noise.IsSessionTopic(contentTopic) {
		version = noise.Version
	}
	evidence, err := n.c.hand(Envelope{
		ContentTopic: contentTopic, Payload: b, Version: version, Timestamp: history.EnvelopeTime(n.c.now(), clock).UnixNano(),
	})
	switch {
	case err == nil, errors.Is(err, ErrTooLarge):
		n.c.loop.networkPause.End()
	case errors.Is(err, port.ErrUnderWay), errors.Is(err, port.ErrBusy): // it shows later
	default:
		n.c.loop.networkPause.Failed(n.c.now())
	}
	return evidence, err
}

// store stores what came of a pass, and with it what was published before.
func (c *Client) store(p *pass) error {
	return c.update(func(t *txn) error {
		if err := c.outbox.Record(t.Tx); err != nil { // first: it is not about what others sent
			return err
		}
		t.ByOthers()
		return p.write(t)
	})
}

// sentMessages implements outbox.Messages.
type sentMessages struct {
	*history.History
	c *Client
}

// Message implements outbox.Messages.
func (s sentMessages) Message(tx Tx, id [32]byte) (m outbox.Message, found bool, err error) {
	rec, found, err := s.Record(tx, id)
	if err != nil || !found {
		return m, false, err
	}
	state := history.StateOf(rec)
	return outbox.Message{
		ClientRef: rec.GetClientRef(), Stored: state == history.Stored, Delivered: state == history.Delivered, Failed: state == history.Failed,
		Obsolete: !s.c.stillAsked(rec),
	}, true, nil
}

// Sent implements outbox.Messages.
func (s sentMessages) Sent(tx *ledger.Tx, id [32]byte, by *outbox.Sent, stored *outbox.Stored) error {
	return s.History.Sent(tx, id, progress(by, stored))
}

// stillAsked is false for a contact request that was taken back since.
func (c *Client) stillAsked(m *wire.MessageRecord) bool {
	if m.GetKind() != message.KindContactRequest {
		return true
	}
	k, err := message.ConversationID(m.GetChat()).Public()
	s, _ := c.people.contacts.get(k)
	return err == nil && s.request.Added()
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
	return history.EventOf(&m), nil
}

func (t *txn) retry(id [32]byte, m *wire.MessageRecord) error {
	if err := t.ownMessage(id, m); err != nil {
		return err
	}
	if history.StateOf(m) != history.Failed {
		return wrongMessageState(m, "the message has not failed")
	}
	to, kept, err := t.c.outbox.Kept(t.Tx, id)
	if err != nil {
		return err
	}
	if !kept {
		return wrongMessageState(m, "the message is not kept for that any more, or never fits; send its text anew")
	}
	if s, _ := t.c.people.contacts.get(to); s.blocked {
		return Errorf(CodeBlocked, "message_id", "its recipient is blocked")
	}
	if !t.c.stillAsked(m) {
		return wrongMessageState(m, "the contact request was taken back")
	}
	if err := t.c.outbox.Retry(t.Tx, id); err != nil {
		return err
	}
	return t.ownMessage(id, m) // as it is now
}

// Cancel ends the sending of a message that is not delivered: it has failed then, with
// CodeCancelled, and is not sent again unless Retry asks for it. wentOut reports that it
// was handed to the network before, so that it may arrive all the same; if it does, it is
// delivered after all.
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
	return history.EventOf(&rec), wentOut, nil
}

func (t *txn) cancel(id [32]byte, m *wire.MessageRecord) (wentOut bool, err error) {
	if err := t.ownMessage(id, m); err != nil {
		return false, err
	}
	if err := mayCancel(m, t.c.outbox.Sending(id)); err != nil {
		return false, err
	}
	if history.StateOf(m) == history.Failed {
		wentOut = m.GetEvidenceKind() != ""
		changed, err := t.c.outbox.CancelFailed(t.Tx, id)
		if err != nil || !changed {
			return wentOut, err
		}
		return wentOut, t.c.history.FailAgain(t.Tx, m, CodeCancelled)
	}
	if wentOut, err = t.c.outbox.Cancel(t.Tx, id); err != nil {
		return false, err
	}
	if err := t.c.history.Fail(t.Tx, id, CodeCancelled); err != nil {
		return false, err
	}
	return wentOut, t.ownMessage(id, m) // as it is now
}

// ownMessage reads a message that we may have sent, in the state that is known.
func (t *txn) ownMessage(id [32]byte, m *wire.MessageRecord) error {
	rec, found, err := t.c.history.Record(t.Tx, id)
	if err != nil {
		return err
	}
	if !found {
		return Errorf(CodeNotFound, "message_id", "there is no message with this id")
	}
	if !rec.GetOutgoing() {
		return wrongMessageState(rec, "the message was received")
	}
	proto.Reset(m)
	proto.Merge(m, rec)
	return nil
}

func wrongMessageState(m *wire.MessageRecord, format string) error {
	return Errorf(CodeWrongState, "message_id", "%s", format).With("state", m.GetState())
}

// mayCancel returns the error for a message that cannot be cancelled, nil if it can. ours
// is true if this device sends it.
func mayCancel(m *wire.MessageRecord, ours bool) error {
	switch {
	case history.StateOf(m) == history.Delivered:
		return wrongMessageState(m, "the message is delivered")
	case m.GetKind() == message.KindContactRequest:
		return wrongMessageState(m, "a contact request is taken back with contacts.retract")
	case history.StateOf(m) != history.Failed && !ours:
		return wrongMessageState(m, "another device of this identity sends the message")
	}
	return nil
}
