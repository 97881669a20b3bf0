package chat

import (
	"encoding/hex"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Messages about contacts that come in: ACCEPT_CONTACT_REQUEST, RETRACT_CONTACT_REQUEST
// and CONTACT_UPDATE, and those about questions (verification.go). Each is judged by the
// record as the transaction finds it.
// Spec: 62/STATUS-PAYLOADS leaves them out; deployed.

// aboutContact handles an application message about contacts; it returns false for other
// types. What our own other devices send to our contacts is not about us.
func (p *pass) aboutContact(am *applicationMessage) bool {
	c, m, at := p.c, am.from, p.judged(am.from)
	var body proto.Message
	var f judge
	switch am.app.Type {
	case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST:
		accept := &wire.AcceptContactRequest{}
		body, f = accept, func(r lookup) (func(*txn) error, error) { return c.judgeAcceptance(r, m.sender, accept, at) }
	case wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST:
		retract := &wire.RetractContactRequest{}
		body, f = retract, func(r lookup) (func(*txn) error, error) { return c.judgeRetraction(r, m.sender, retract, at) }
	case wire.ApplicationMetadataMessage_CONTACT_UPDATE:
		update := &wire.ContactUpdate{}
		body, f = update, func(r lookup) (func(*txn) error, error) { return c.judgeUpdate(r, m.sender, update, at) }
	default:
		if body, f = p.aboutVerification(am, at); body == nil {
			return false
		}
	}
	if err := proto.Unmarshal(am.app.Payload, body); err != nil {
		c.counters.drop("application")
	} else if m.sender != p.a.public {
		am.marked = true
		p.apply(am, f)
	}
	return true
}

// inTime reports whether the clock of a state is valid. errLater: it is too far ahead, by a
// wrong time of ours or theirs, so it may be accepted when it comes again.
func (c *Client) inTime(clock uint64, at time.Time) (bool, error) {
	switch {
	case clock == 0:
		c.counters.drop("contact_clock")
		return false, nil
	case message.ValidateClock(clock, at) != nil:
		c.counters.drop("contact_clock")
		return false, errLater
	}
	return true, nil
}

// stateClock returns the clock of an application message that is a state of its sender, for
// those types whose clock is judged.
func stateClock(app message.Application) (clock uint64, isState bool) {
	var state interface {
		proto.Message
		GetClock() uint64
	}
	switch app.Type {
	case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST:
		state = &wire.AcceptContactRequest{}
	case wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST:
		state = &wire.RetractContactRequest{}
	case wire.ApplicationMetadataMessage_CONTACT_UPDATE:
		state = &wire.ContactUpdate{}
	case wire.ApplicationMetadataMessage_CHAT_IDENTITY:
		state = &wire.ChatIdentity{}
	default:
		return 0, false
	}
	if proto.Unmarshal(app.Payload, state) != nil {
		return 0, false
	}
	clock = state.GetClock()
	if update, ok := state.(*wire.ContactUpdate); ok && clock != 0 {
		s := update.GetContactRequestPropagatedState()
		clock = max(clock, s.GetLocalClock(), s.GetRemoteClock(), update.GetContactRequestClock())
	}
	return clock, true
}

// judgeRequest applies f to the contact requests with k. The write stores the result and
// emits it. asked is the message in which they ask, if this is one.
func (c *Client) judgeRequest(r reader, k key.Public, asked *wire.MessageRecord,
	f func(contact.Request) (contact.Request, contact.Outcome)) (func(*txn) error, error) {
	rec, err := contactRecord(r, k)
	if err != nil {
		return nil, err
	}
	next, o := f(requestOf(rec))
	// A request that comes as a message is counted as a message already.
	if o.Changed && asked == nil && !c.countChange(k, rec) {
		return nil, errLater
	}
	return func(t *txn) error {
		if o.SendBack {
			t.sendBack(k, rec, next)
		}
		if asked != nil && next.AddedUs() {
			rec.RequestId = asked.GetId()
		} else if !o.Changed {
			return nil
		}
		setRequest(rec, next)
		if err := t.putContact(k, rec); err != nil {
			return err
		}
		if err := t.Emit(event.ContactChanged{Contact: contactOf(rec)}); err != nil || !o.New || next.Added() {
			return err
		}
		if asked != nil {
			return t.EmitAsking(event.ContactRequestReceived{}, contactOf(rec), event.Hex(asked.GetId()))
		}
		return t.Emit(event.ContactRequestReceived{Contact: contactOf(rec)})
	}, nil
}

// judgeAcceptance accepts an ACCEPT_CONTACT_REQUEST. A message it names must be one of ours
// to them; a name we do not know may be that of a request another device of ours sent.
func (c *Client) judgeAcceptance(r lookup, from key.Public, m *wire.AcceptContactRequest, at time.Time) (func(*txn) error, error) {
	if ok, err := c.inTime(m.GetClock(), at); err != nil || !ok {
		return nil, err
	}
	if id, ok := parseID(m.GetId()); ok {
		var asked wire.MessageRecord
		found, err := read(r, tableMessages, id[:], &asked)
		if err != nil {
			return nil, err
		}
		if found && (message.ConversationID(asked.GetChat()) != message.ConversationWith(from) || !asked.GetOutgoing()) {
			c.counters.drop("contact_request")
			return nil, nil
		}
	}
	return c.judgeRequest(r, from, nil, func(before contact.Request) (contact.Request, contact.Outcome) {
		return before.RequestReceived(m.GetClock())
	})
}

// parseID reads the id of a message as payloads have it, 0x and hex digits.
func parseID(digits string) (id [32]byte, ok bool) {
	b, err := hex.DecodeString(strings.TrimPrefix(digits, "0x"))
	if err != nil || len(b) != len(id) {
		return id, false
	}
	return [32]byte(b), true
}

// judgeRetraction accepts a RETRACT_CONTACT_REQUEST.
func (c *Client) judgeRetraction(r lookup, from key.Public, m *wire.RetractContactRequest, at time.Time) (func(*txn) error, error) {
	if ok, err := c.inTime(m.GetClock(), at); err != nil || !ok {
		return nil, err
	}
	return c.judgeRequest(r, from, nil, func(before contact.Request) (contact.Request, contact.Outcome) {
		return before.RetractReceived(m.GetClock())
	})
}

// judgeUpdate accepts a CONTACT_UPDATE: the contact state, and the name they give
// themselves. Its clocks are judged together, so that it is applied as a whole or comes
// again.
func (c *Client) judgeUpdate(r lookup, from key.Public, m *wire.ContactUpdate, at time.Time) (func(*txn) error, error) {
	if ok, err := c.inTime(m.GetClock(), at); err != nil || !ok {
		return nil, err
	}
	state, latest := m.GetContactRequestPropagatedState(), message.LatestClock(at)
	if max(state.GetLocalClock(), state.GetRemoteClock(), m.GetContactRequestClock()) > latest {
		c.counters.drop("contact_clock")
		return nil, errLater
	}
	p, known := c.parseState(state, latest)
	write, err := c.judgeRequest(r, from, nil, func(before contact.Request) (contact.Request, contact.Outcome) {
		switch {
		case state == nil: // versions without the four values say only that they ask, and when
			return before.RequestReceived(m.GetContactRequestClock())
		case known:
			return before.StateReceived(p)
		}
		return before, contact.Outcome{}
	})
	if err != nil {
		return nil, err
	}
	return func(t *txn) error {
		if err := write(t); err != nil {
			return err
		}
		return t.profileOf(from, profileNews{clock: m.GetClock(), name: m.GetDisplayName()})
	}, nil
}
