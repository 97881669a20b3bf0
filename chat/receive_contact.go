package chat

import (
	"encoding/hex"
	"errors"
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
func (p *pass) aboutContact(l *mail) bool {
	m, app, b := l.from, l.app, l.body.bytes
	var body proto.Message
	var take func(t *txn) error
	at := p.judged(m)
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
		l.marked = true
		p.take(l, take)
	}
	return true
}

// inTime reports whether the clock of a state is one. errLater says that it is too far
// ahead: by a wrong time of ours or theirs, so it may be taken when it comes again.
func (t *txn) inTime(clock uint64, at time.Time) (bool, error) {
	switch {
	case clock == 0:
		t.c.counters.drop("contact_clock")
		return false, nil
	case message.ValidateClock(clock, at) != nil:
		t.c.counters.drop("contact_clock")
		return false, errLater
	}
	return true, nil
}

// stateClock is the clock of an application message that is a state of its sender: one
// of those whose clock is judged.
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

// changeRequest applies f to the contact requests with k and tells what came of it.
// asked is the message in which they ask, if this is one.
func (t *txn) changeRequest(k key.Public, asked *wire.MessageRecord, f func(contact.Request) (contact.Request, contact.Outcome)) error {
	rec, err := contactRecord(t, k)
	if err != nil {
		return err
	}
	r, o := f(requestOf(rec))
	if o.Changed && asked == nil { // a request that comes as a message is counted as one
		if err := t.unaskedChange(k, rec); err != nil {
			return err
		}
	}
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
	if ok, err := t.inTime(m.GetClock(), at); err != nil || !ok {
		return err
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
	if ok, err := t.inTime(m.GetClock(), at); err != nil || !ok {
		return err
	}
	return t.changeRequest(from, nil, func(r contact.Request) (contact.Request, contact.Outcome) {
		return r.RetractReceived(m.GetClock())
	})
}

// updated takes a CONTACT_UPDATE: the contact state, and who they say they are.
func (t *txn) updated(from key.Public, m *wire.ContactUpdate, at time.Time) error {
	if ok, err := t.inTime(m.GetClock(), at); err != nil || !ok {
		return err
	}
	state, latest := m.GetContactRequestPropagatedState(), message.LatestClock(at)
	if max(state.GetLocalClock(), state.GetRemoteClock(), m.GetContactRequestClock()) > latest {
		t.c.counters.drop("contact_clock")
		return errLater
	}
	p, known := t.c.parseState(state, latest)
	err := t.changeRequest(from, nil, func(r contact.Request) (contact.Request, contact.Outcome) {
		var o contact.Outcome
		if state != nil && known {
			r, o = r.StateReceived(p)
		}
		// Versions without the four values say only that they ask, and when.
		if state == nil {
			return r.RequestReceived(m.GetContactRequestClock())
		}
		return r, o
	})
	if err != nil {
		return err
	}
	return t.profileOf(from, profileNews{clock: m.GetClock(), name: m.GetDisplayName()})
}

// parseState reads the four values a message carries; false if they make no sense.
func (c *Client) parseState(s *wire.ContactRequestPropagatedState, latest uint64) (contact.Propagated, bool) {
	p, err := contact.ParsePropagated(s.GetLocalState(), s.GetLocalClock(), s.GetRemoteState(), s.GetRemoteClock(), latest)
	if err != nil {
		c.counters.drop("contact_state")
	}
	return p, err == nil
}

// contactState takes the four values of a ChatMessage, and the request if it is one.
func (t *txn) contactState(r *received) error {
	chat, rec, state := r.chat, r.record, r.message.GetContactRequestPropagatedState()
	p, known := contact.Propagated{}, false
	if state != nil {
		p, known = t.c.parseState(state, r.latest)
	}
	asked := rec
	if rec.GetKind() != kindContactRequest {
		asked = nil
	}
	if asked == nil && (!known || p == contact.Propagated{}) {
		s, _ := t.c.people.contacts.get(chat)
		if !known || s.request == (contact.Request{}) {
			return nil
		}
	}
	lamport, latest := r.lamport, r.latest
	err := t.changeRequest(chat, asked, func(r contact.Request) (contact.Request, contact.Outcome) {
		var o contact.Outcome
		if known {
			r, o = r.StateReceived(p)
		}
		if asked == nil {
			return r, o
		}
		// Who asks with a wrong time asks all the same.
		next, more := r.RequestReceived(min(lamport, latest))
		return next, contact.Outcome{Changed: o.Changed || more.Changed, New: o.New || more.New, SendBack: o.SendBack}
	})
	if errors.Is(err, errLater) {
		return nil // the text is stored, and comes no second time
	}
	return err
}
