package chat

import (
	"encoding/json"
	"errors"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// receivedText is a ChatMessage with the record that is stored of it. It is encoded before
// the transaction, on all cores: only one transaction runs at a time.
type receivedText struct {
	message *wire.ChatMessage
	lamport uint64 // its clock, as it was sent
	latest  uint64 // the latest clock that its contact state may have
	chat    key.Public
	record  *wire.MessageRecord
	// store stores what belongs to the record beside it, in the transaction that stores it;
	// nil is nothing.
	store func(*txn, *wire.MessageRecord) error
	// kept is how many bytes that leaves with us, beside the record.
	kept        int
	recordBytes []byte
	event       []byte // JSON of ledger.Arrival
}

// readChatMessage makes the record and the event of a ChatMessage. It changes nothing: it
// runs on several goroutines.
func (p *pass) readChatMessage(am *applicationMessage) (*receivedText, error) {
	m, b := am.from, am.body.bytes
	cm, err := message.DecodeChatMessage(am.app.Payload)
	if err != nil {
		return nil, err
	}
	if err := message.ValidateChatMessage(cm); err != nil {
		return nil, err
	}
	chat, err := message.ChatOf(p.a.public, m.sender, cm.GetChatId())
	if err != nil {
		return nil, err
	}
	if chat == p.a.public {
		return nil, dropped("chat_message")
	}
	r := &receivedText{message: cm, lamport: cm.GetClock(), chat: chat, record: p.recordOf(m, cm, chat, am.id())}
	r.latest, r.store = p.latestClock(m, cm), attach(r.record, cm, p.c.wasUnasked(r))
	if message.KeptWhole(r.record.GetKind()) {
		r.kept, r.store = len(b), keeping(m.sender, b, r.store)
	}
	if r.recordBytes, err = proto.Marshal(r.record); err != nil {
		return nil, err
	}
	r.event, err = json.Marshal(history.Arrival(r.record))
	return r, err
}

// latestClock returns the latest clock that is believed of the contact state in a text. It
// looks at other times than our own only if ours is not enough to accept it.
func (p *pass) latestClock(m *inbound, cm *wire.ChatMessage) uint64 {
	s, latest := cm.GetContactRequestPropagatedState(), message.LatestClock(p.now)
	if max(cm.GetClock(), s.GetLocalClock(), s.GetRemoteClock()) <= latest {
		return latest
	}
	return message.LatestClock(p.judged(m))
}

// recordOf makes the record of a ChatMessage, with all that others wrote cut to its bounds.
func (p *pass) recordOf(m *inbound, cm *wire.ChatMessage, chat key.Public, id [32]byte) *wire.MessageRecord {
	own, state := m.sender == p.a.public, history.Received
	if own {
		state = history.Sent // by another device of ours
	}
	rec := &wire.MessageRecord{
		Id: id[:], Chat: message.ConversationWith(chat).Bytes(), From: m.sender.Compressed(),
		Clock: cm.GetClock(), SentAt: int64(min(cm.GetTimestamp(), history.MaxTime)), ReceivedAt: p.now.UnixMilli(), State: string(state),
		SenderName: text.Shown(message.SenderName(cm), MaxName, text.Name), Outgoing: own, Read: own,
		ApplicationType: int32(wire.ApplicationMetadataMessage_CHAT_MESSAGE),
		BeforeDevice:    p.beforeDevice(m, cm),
	}
	message.Fill(rec, cm, p.a.public)
	message.FillExpiry(rec, cm, p.now)
	return rec
}

// beforeDevice reports whether a message was for any device of ours and is older than this
// one, by the clock and the time in it, which its sender signed. The envelope of such a
// message can be published again years later, by anybody, and is new on every device that
// is set up in between. It may as well be an honest one that was long on its way, so it is
// shown, with a note that it is older than the device.
func (p *pass) beforeDevice(m *inbound, cm *wire.ChatMessage) bool {
	written := min(cm.GetClock(), cm.GetTimestamp())
	return m.in.Session < 0 && m.sender != p.a.public && written < uint64(max(p.a.createdAt, 0))
}

// chatMessage accepts a ChatMessage once in a pass. A copy of it under another MVDS id is
// refused if the first one was: to acknowledge it would show its sender that it arrived.
func (p *pass) chatMessage(am *applicationMessage) {
	id := [32]byte(am.text.record.GetId())
	first, again := p.accepted[id]
	if !again {
		p.accepted[id] = am.body.known.mvds
		p.apply(am, func(r lookup) (func(*txn) error, error) { return p.c.judgeText(r, am) })
		return
	}
	p.do(func(*txn) error {
		if p.refused[first] {
			p.refuse(am.body)
		}
		return nil
	})
}

// judgeText accepts a ChatMessage that is not in the history yet, if its sender may leave
// one more with us.
func (c *Client) judgeText(r lookup, am *applicationMessage) (func(*txn) error, error) {
	rec := am.text.record
	if am.body.known == (knownAs{}) { // it came bare, so nobody has looked yet
		if old, err := r.Get(tableMessages, rec.GetId()); err != nil || old != nil {
			return nil, err
		}
	}
	if gone, err := r.isGone(rec, am.text.lamport); err != nil || gone {
		return nil, err
	}
	if c.isUnasked(am.text) {
		room, err := c.roomForUnasked(r, am.text)
		if err != nil {
			return nil, err
		}
		if !room {
			return nil, errLater
		}
	}
	if over, err := c.isOver(r, rec); err != nil || over {
		return func(t *txn) error { return t.passOver(am) }, err
	}
	return func(t *txn) error { return t.storeText(am) }, nil
}

// isUnasked reports whether a text comes from a stranger.
func (c *Client) isUnasked(r *receivedText) bool {
	s, _ := c.people.contacts.get(r.chat)
	return !r.record.GetOutgoing() && s.stranger()
}

// wasUnasked is isUnasked, and the same of somebody who was blocked since.
func (c *Client) wasUnasked(r *receivedText) bool {
	s, _ := c.people.contacts.get(r.chat)
	return !r.record.GetOutgoing() && !s.familiar()
}

// storeText stores a ChatMessage, reports it, and applies the contact state it carries.
func (t *txn) storeText(am *applicationMessage) error {
	m, r := am.from, am.text
	chat, rec := r.chat, r.record
	if was, err := t.c.history.SentAfterAll(t.Tx, rec); err != nil || was {
		return errors.Join(err, t.sentElsewhere(m, rec, am.body.bytes))
	}
	if t.c.isUnasked(r) {
		if err := t.addUnasked(r); err != nil {
			return err
		}
	}
	b := r.recordBytes
	if rec.GetRequest() { // it has changed since it was encoded
		var err error
		if b, err = proto.Marshal(rec); err != nil {
			return err
		}
	}
	if _, err := t.c.history.AddReceived(t.Tx, rec, b, r.lamport); err != nil {
		return err
	}
	if r.store != nil {
		if err := r.store(t, rec); err != nil {
			return err
		}
	}
	if err := t.reportText(r); err != nil {
		return err
	}
	if err := t.learnTimer(r); err != nil {
		return err
	}
	if rec.GetOutgoing() { // another device of ours sent it, and keeps its own count
		if err := t.wroteTo(chat); err != nil {
			return err
		}
		return t.sentElsewhere(m, rec, am.body.bytes)
	}
	return t.contactState(r)
}

// reportText emits the event of a message that was stored.
func (t *txn) reportText(r *receivedText) error {
	if r.record.GetRequest() {
		return t.reportRequest(r)
	}
	if r.record.GetOutgoing() { // how far it has come is not in its record alone
		return t.EmitEncoded(event.MessageReceived{}.Type(), r.event)
	}
	return t.EmitReceived(r.event, r.record)
}

// contactState applies the contact state in a ChatMessage, and the contact request if it is
// one. The text is stored even if the state is refused.
func (t *txn) contactState(r *receivedText) error {
	chat, rec, state := r.chat, r.record, r.message.GetContactRequestPropagatedState()
	p, known := contact.Propagated{}, false
	if state != nil {
		p, known = t.c.parseState(state, r.latest)
	}
	asked := rec
	if rec.GetKind() != message.KindContactRequest {
		asked = nil
	}
	if asked == nil && (!known || p == contact.Propagated{}) {
		// It says nothing of contact requests. That matters only if we know of some: then they
		// may hold an older state than we do.
		s, _ := t.c.people.contacts.get(chat)
		if !known || s.request == (contact.Request{}) {
			return nil
		}
	}
	write, err := t.c.judgeRequest(t, chat, asked, func(before contact.Request) (contact.Request, contact.Outcome) {
		next, o := before, contact.Outcome{}
		if known {
			next, o = before.StateReceived(p)
		}
		if asked == nil {
			return next, o
		}
		// A request with a clock of the future is one all the same, at the latest clock that
		// is believed.
		next, more := next.RequestReceived(min(r.lamport, r.latest))
		return next, contact.Outcome{Changed: o.Changed || more.Changed, New: o.New || more.New, SendBack: o.SendBack}
	})
	if errors.Is(err, errLater) { // the text is accepted, and will not come a second time
		return nil
	}
	if err != nil || write == nil {
		return err
	}
	return write(t)
}

// parseState reads the four values a message carries; false if they make no sense.
func (c *Client) parseState(s *wire.ContactRequestPropagatedState, latest uint64) (contact.Propagated, bool) {
	p, err := contact.ParsePropagated(s.GetLocalState(), s.GetLocalClock(), s.GetRemoteState(), s.GetRemoteClock(), latest)
	if err != nil {
		c.counters.drop("contact_state")
	}
	return p, err == nil
}
