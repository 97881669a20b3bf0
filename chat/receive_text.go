package chat

import (
	"encoding/json"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// received is a ChatMessage and what is stored of it, encoded already: only one
// transaction runs at a time.
type received struct {
	message     *wire.ChatMessage
	lamport     uint64 // its clock, as it was sent
	latest      uint64 // the latest clock its contact state may have
	chat        key.Public
	record      *wire.MessageRecord
	recordBytes []byte
	event       []byte
}

// readChatMessage makes what is stored of a ChatMessage. It changes nothing: it runs
// on several goroutines.
func (p *pass) readChatMessage(m *inbound, app message.Application, b []byte) (*received, error) {
	cm, err := message.DecodeChatMessage(app.Payload)
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
	r := &received{message: cm, lamport: cm.GetClock(), chat: chat, record: p.recordOf(m, cm, chat, message.ID(m.sender, b))}
	r.latest = p.latestClock(m, cm)
	if r.recordBytes, err = proto.Marshal(r.record); err != nil {
		return nil, err
	}
	r.event, err = json.Marshal(event.MessageReceived{Message: messageOf(r.record)})
	return r, err
}

// latestClock is the latest clock that is believed of the contact state in a text. Only
// where our own time does not settle it the others are looked at.
func (p *pass) latestClock(m *inbound, cm *wire.ChatMessage) uint64 {
	s, latest := cm.GetContactRequestPropagatedState(), message.LatestClock(p.now)
	if max(cm.GetClock(), s.GetLocalClock(), s.GetRemoteClock()) <= latest {
		return latest
	}
	return message.LatestClock(p.judged(m))
}

// maxTime is the largest time we hand on: JSON numbers are exact up to 2^53.
const maxTime = 1<<53 - 1

func (p *pass) recordOf(m *inbound, cm *wire.ChatMessage, chat key.Public, id [32]byte) *wire.MessageRecord {
	own, state := m.sender == p.a.public, stateReceived
	if own {
		state = stateSent // by another device of ours
	}
	rec := &wire.MessageRecord{
		Id: id[:], Chat: chat.Compressed(), From: m.sender.Compressed(), Kind: kindUnsupported, Text: boundedName(cm.GetText(), message.MaxTextLength),
		Clock: cm.GetClock(), SentAt: int64(min(cm.GetTimestamp(), maxTime)), ReceivedAt: p.now.UnixMilli(), State: state,
		SenderName: shownName(cm.GetDisplayName(), MaxName), Outgoing: own, Read: own,
		ApplicationType: int32(wire.ApplicationMetadataMessage_CHAT_MESSAGE),
		BeforeDevice:    p.beforeDevice(m, cm),
	}
	switch cm.GetContentType() {
	case wire.ChatMessage_TEXT_PLAIN, wire.ChatMessage_EMOJI:
		rec.Kind = kindText
	case wire.ChatMessage_CONTACT_REQUEST:
		rec.Kind = kindContactRequest
	}
	return rec
}

// beforeDevice reports whether a message was for any device of ours and is older than
// this one, by the clock and the time in it, which its sender signed. The envelope of such
// a message can be published again years later, by anybody, and is new on every device that
// is set up in between. It may as well be an honest one that has been under way, so it is
// shown, and said to be that.
func (p *pass) beforeDevice(m *inbound, cm *wire.ChatMessage) bool {
	written := min(cm.GetClock(), cm.GetTimestamp())
	return m.in.Session < 0 && m.sender != p.a.public && written < uint64(max(p.a.createdAt, 0))
}

// chatMessage takes a ChatMessage once in a pass. One that comes a second time, under
// another MVDS id, is refused if the first was.
func (p *pass) chatMessage(l *mail) {
	id := [32]byte(l.text.record.GetId())
	first, again := p.taken[id]
	if !again {
		p.taken[id] = l.body.known.mvds
		p.take(l, func(t *txn) error { return t.takeChatMessage(l) })
		return
	}
	p.do(func(*txn) error {
		if p.refused[first] {
			p.refuse(l.body)
		}
		return nil
	})
}

// takeChatMessage stores a ChatMessage once, by its message id, and takes the contact
// state it carries.
func (t *txn) takeChatMessage(l *mail) error {
	m, r := l.from, l.text
	chat, rec := r.chat, r.record
	if l.body.known == (knownAs{}) { // nobody has looked yet
		if old, err := t.Get(tableMessages, rec.GetId()); err != nil || old != nil {
			return err
		}
	}
	if err := t.unasked(r); err != nil {
		return err
	}
	b := r.recordBytes
	if rec.GetRequest() {
		var err error
		if b, err = proto.Marshal(rec); err != nil {
			return err
		}
	}
	moved, err := t.addEncoded(rec, b)
	if err != nil {
		return err
	}
	seen := rec.GetClock()
	if r.lamport <= millis(t.c.now().Add(maxFollow)) {
		seen = max(seen, r.lamport)
	}
	t.then(func() { t.c.clocks.saw(chat, seen) })
	if err := t.tellOf(r, moved); err != nil {
		return err
	}
	if rec.GetOutgoing() { // another device of ours keeps its own count
		if err := t.wroteTo(chat); err != nil {
			return err
		}
		return t.sentElsewhere(m, rec, l.body.bytes)
	}
	return t.contactState(r)
}

// tellOf emits the event of a message that was stored; what is encoded of it already is
// right unless the message has changed since.
func (t *txn) tellOf(r *received, changed bool) error {
	switch {
	case r.record.GetRequest():
		return t.tellOfRequest(r)
	case changed:
		return t.emit(event.MessageReceived{Message: messageOf(r.record)})
	}
	return t.emitEncoded(event.MessageReceived{}.Type(), r.event)
}
