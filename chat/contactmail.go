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

// What comes in about contacts. All of it is applied in the pass's transaction, to
// the record as it is then.

// aboutContact takes an application message about contacts; false for other types.
// What our own other devices send is not for us.
func (p *pass) aboutContact(m *inbound, app message.Application, b []byte) bool {
	var body proto.Message
	var take func(t *txn) error
	at := p.c.clocks.judged(p.c, m.sender, m.at)
	switch app.Type {
	case wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST:
		accept := &wire.AcceptContactRequest{}
		body, take = accept, func(t *txn) error { return t.accepted(m.sender, accept, at) }
	case wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST:
		retract := &wire.RetractContactRequest{}
		body, take = retract, func(t *txn) error { return t.retracted(m.sender, retract, at) }
	case wire.ApplicationMetadataMessage_CONTACT_UPDATE:
		update := &wire.ContactUpdate{}
		body, take = update, func(t *txn) error { return t.updated(m.sender, update, at) }
	default:
		if body, take = p.aboutVerification(m, app, b, at); body == nil {
			return false
		}
	}
	if err := proto.Unmarshal(app.Payload, body); err != nil {
		p.c.counters.drop("application")
	} else if m.sender != p.a.public {
		p.do(take)
	}
	return true
}

// changeRequest applies f to the contact requests with k and tells what came of it.
// asked is the message in which they ask, if this is one.
func (t *txn) changeRequest(k key.Public, asked *wire.MessageRecord, f func(contact.Request) (contact.Request, contact.Outcome)) error {
	rec, err := contactRecord(t, k)
	if err != nil {
		return err
	}
	r, o := f(requestOf(rec))
	if o.SendBack {
		t.sendBack(k, rec, r)
	}
	if asked != nil && r.AddedUs() {
		rec.RequestId = asked.GetId()
	} else if !o.Changed {
		return nil
	}
	setRequest(rec, r)
	if err := t.putContact(k, rec); err != nil {
		return err
	}
	if err := t.emit(event.ContactChanged{Contact: contactOf(rec)}); err != nil || !o.New || r.Added() {
		return err
	}
	e := event.ContactRequestReceived{Contact: contactOf(rec)}
	if asked != nil {
		m := messageOf(asked)
		e.Message = &m
	}
	return t.emit(e)
}

// accepted takes an ACCEPT_CONTACT_REQUEST. A message it names must be one of ours
// to them.
func (t *txn) accepted(from key.Public, m *wire.AcceptContactRequest, at time.Time) error {
	if message.ValidateClock(m.GetClock(), at) != nil {
		t.c.counters.drop("contact_clock")
		return nil
	}
	if id, err := hex.DecodeString(strings.TrimPrefix(m.GetId(), "0x")); err == nil && len(id) == 32 {
		var asked wire.MessageRecord
		found, err := get(t, tableMessages, id, &asked)
		if err != nil {
			return err
		}
		if found && (string(asked.GetChat()) != string(from.Compressed()) || !asked.GetOutgoing()) {
			t.c.counters.drop("contact_request")
			return nil
		}
	}
	return t.changeRequest(from, nil, func(r contact.Request) (contact.Request, contact.Outcome) {
		return r.RequestReceived(m.GetClock())
	})
}

// retracted takes a RETRACT_CONTACT_REQUEST.
func (t *txn) retracted(from key.Public, m *wire.RetractContactRequest, at time.Time) error {
	if message.ValidateClock(m.GetClock(), at) != nil {
		t.c.counters.drop("contact_clock")
		return nil
	}
	return t.changeRequest(from, nil, func(r contact.Request) (contact.Request, contact.Outcome) {
		return r.RetractReceived(m.GetClock())
	})
}

// updated takes a CONTACT_UPDATE: the contact state, and who they say they are.
func (t *txn) updated(from key.Public, m *wire.ContactUpdate, at time.Time) error {
	if message.ValidateClock(m.GetClock(), at) != nil {
		t.c.counters.drop("contact_clock")
		return nil
	}
	state := m.GetContactRequestPropagatedState()
	p, known := t.c.parseState(state, at)
	err := t.changeRequest(from, nil, func(r contact.Request) (contact.Request, contact.Outcome) {
		var o contact.Outcome
		if state != nil && known {
			r, o = r.StateReceived(p)
		}
		// Versions without the four values say only that they ask, and when.
		if asks := m.GetContactRequestClock(); state == nil && asks <= message.LatestClock(at) {
			return r.RequestReceived(asks)
		}
		return r, o
	})
	if err != nil {
		return err
	}
	return t.profileOf(from, profileNews{clock: m.GetClock(), name: m.GetDisplayName()})
}

// parseState reads the four values a message carries; false if they make no sense.
func (c *Client) parseState(s *wire.ContactRequestPropagatedState, at time.Time) (contact.Propagated, bool) {
	p, err := contact.ParsePropagated(s.GetLocalState(), s.GetLocalClock(), s.GetRemoteState(), s.GetRemoteClock(), message.LatestClock(at))
	if err != nil {
		c.counters.drop("contact_state")
	}
	return p, err == nil
}

// takeChatMessage stores a ChatMessage and takes the contact state it carries.
func (t *txn) takeChatMessage(m *inbound, cm *wire.ChatMessage, chat key.Public, rec *wire.MessageRecord, application []byte) error {
	old, err := t.Get(tableMessages, rec.GetId())
	if err != nil || old != nil {
		return err
	}
	listed, err := t.wanted(chat, rec)
	if err != nil {
		return err
	}
	if listed {
		if err := t.addToHistory(rec); err != nil {
			return err
		}
		t.then(func() { t.c.clocks.saw(chat, rec.GetClock()) })
		if err := t.emit(event.MessageReceived{Message: messageOf(rec)}); err != nil {
			return err
		}
	}
	if rec.GetOutgoing() { // another device of ours keeps its own count
		if err := t.wroteTo(chat); err != nil {
			return err
		}
		return t.sentElsewhere(m, rec, application)
	}
	return t.contactState(m, cm, chat, rec, listed)
}

// contactState takes the four values of a ChatMessage, and the request if it is one.
func (t *txn) contactState(m *inbound, cm *wire.ChatMessage, chat key.Public, rec *wire.MessageRecord, listed bool) error {
	state := cm.GetContactRequestPropagatedState()
	p, known := contact.Propagated{}, false
	if state != nil {
		p, known = t.c.parseState(state, m.at)
	}
	asked := rec
	if rec.GetKind() != kindContactRequest || !listed {
		asked = nil
	}
	if asked == nil && (!known || p == contact.Propagated{}) {
		s, _ := t.c.roster.get(chat)
		if !known || s.request == (contact.Request{}) {
			return nil
		}
	}
	return t.changeRequest(chat, asked, func(r contact.Request) (contact.Request, contact.Outcome) {
		var o contact.Outcome
		if known {
			r, o = r.StateReceived(p)
		}
		if asked == nil {
			return r, o
		}
		next, more := r.RequestReceived(rec.GetClock())
		return next, contact.Outcome{Changed: o.Changed || more.Changed, New: o.New || more.New, SendBack: o.SendBack}
	})
}
