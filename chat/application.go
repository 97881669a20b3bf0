package chat

import (
	"encoding/json"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// public takes an application message that was sent in the clear: a contact code.
func (p *pass) public(m *inbound) {
	if m.route.kind != topicContactCode {
		p.c.counters.drop("public")
		p.setMark(m, nil) // the bundle beside it counts all the same
		return
	}
	p.setMark(m, nil)
	app, ok := p.unwrap(m, m.in.Plaintext)
	if !ok {
		return
	}
	p.heard(m, m.message.GetInstallationId(), m.news)
	if app.Type != wire.ApplicationMetadataMessage_CONTACT_CODE_ADVERTISEMENT {
		return
	}
	var advertisement wire.ContactCodeAdvertisement
	if err := proto.Unmarshal(app.Payload, &advertisement); err != nil {
		p.c.counters.drop("application")
		return
	}
	_ = p.profile(m, advertisement.GetChatIdentity()) // one from the future is told again with the next contact code
}

// unwrap recovers who signed an application message and drops it when that is not
// who sent it.
func (p *pass) unwrap(m *inbound, b []byte) (message.Application, bool) {
	app, err := message.Unwrap(b)
	if errors.Is(err, message.ErrUnsigned) && p.isUnsignedName(m, b) {
		app, err = message.UnwrapUnsigned(b)
		app.Signer = m.sender
	}
	if err != nil {
		p.c.counters.drop("application")
		return app, false
	}
	if app.Signer != m.sender {
		p.c.counters.drop("signer")
		return app, false
	}
	return app, true
}

// mail is an application message that was decrypted and is to be opened.
type mail struct {
	from *inbound
	body body
	app  message.Application
	good bool
	// marked: it was taken, and is in no history, so it needs a mark.
	marked bool
	// If it is a ChatMessage: what is to be stored, or why not.
	text  *received
	fault error
	// steps are what it comes to, at its place among those of its envelope.
	steps *stepList
}

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

// applications takes the application messages of one envelope.
func (p *pass) applications(m *inbound, bodies []body) {
	if len(bodies) == 0 {
		return
	}
	steps := &stepList{}
	p.do(steps.run)
	for _, b := range bodies {
		p.mail = append(p.mail, mail{from: m, body: b, steps: steps})
	}
}

// openMail opens the application messages of the pass. Recovering who signed them is
// most of the work of receiving.
func (p *pass) openMail() {
	parallel.Do(len(p.mail), func(i int) {
		l := &p.mail[i]
		l.app, l.good = p.unwrap(l.from, l.body.bytes)
		if l.good && l.app.Type == wire.ApplicationMetadataMessage_CHAT_MESSAGE {
			l.text, l.fault = p.readChatMessage(l.from, l.app, l.body.bytes)
		}
	})
	for i := range p.mail {
		l := &p.mail[i]
		p.into = l.steps
		switch {
		case l.from.silent:
			p.unheard(l)
		case l.good:
			p.application(l)
		}
		if l.marked && l.body.known != (knownAs{}) {
			p.do(func(t *txn) error { return p.remember(t, l) })
		}
	}
}

// errLater refuses what may be taken when it comes again: a bound is reached, or a time
// is wrong. It is neither marked nor acknowledged, so its sender repeats it, and knows in
// the end that it did not arrive.
var errLater = errors.New("not taken now")

// take applies an application message in the transaction, unless its sender has been
// blocked meanwhile, or it is refused.
func (p *pass) take(l *mail, f func(*txn) error) {
	p.do(func(t *txn) error {
		if !t.c.roster.heard(l.from.sender) {
			t.c.counters.drop("blocked")
			return nil
		}
		err := f(t)
		if errors.Is(err, errLater) {
			p.refuse(l.body)
			return nil
		}
		return err
	})
}

// unheard drops what somebody blocked has sent. What would be refused if they were not
// blocked is, so that they cannot tell.
func (p *pass) unheard(l *mail) {
	p.c.counters.drop("blocked")
	if s, _ := p.c.roster.get(l.from.sender); l.text != nil && !s.familiar() {
		p.do(func(t *txn) error {
			_, err := t.countUnasked(l.text.record)
			if errors.Is(err, errLater) {
				p.refuse(l.body)
				return nil
			}
			return err
		})
	}
	clock, isState := stateClock(l.app)
	if l.good && isState && clock != 0 && message.ValidateClock(clock, p.judged(l.from)) != nil {
		p.refuse(l.body)
	}
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

func (p *pass) refuse(b body) {
	if b.known != (knownAs{}) {
		p.refused[b.known.mvds] = true
	}
}

// remember marks a message of an MVDS payload that is in no history.
func (p *pass) remember(t *txn, l *mail) error {
	if p.refused[l.body.known.mvds] {
		return nil
	}
	return t.remember(l.from.sender, seenMVDS, l.body.known.mvds, nil)
}

// application takes one authentic application message. Spec: 62/STATUS-PAYLOADS.
func (p *pass) application(l *mail) {
	m, app := l.from, l.app
	switch app.Type {
	case wire.ApplicationMetadataMessage_CHAT_MESSAGE:
		switch {
		case errors.Is(l.fault, message.ErrNotOneToOne): // a group's: not lost, but not shown as theirs
			p.unsupported(l)
		case l.fault != nil:
			p.c.counters.drop("chat_message")
		default:
			p.chatMessage(l)
		}
	case wire.ApplicationMetadataMessage_CHAT_IDENTITY:
		var profile wire.ChatIdentity
		if err := proto.Unmarshal(app.Payload, &profile); err != nil {
			p.c.counters.drop("application")
			return
		}
		if p.profile(m, &profile) != nil {
			p.refuse(l.body)
			return
		}
		l.marked = true
	case wire.ApplicationMetadataMessage_SYNC_PAIR_INSTALLATION:
		l.marked = true
		p.deviceNamed(m, app)
	default:
		if !p.aboutContact(l) {
			p.unsupported(l)
		}
	}
}

// unsupported reports what this version does not handle.
func (p *pass) unsupported(l *mail) {
	m, app, b := l.from, l.app, l.body.bytes
	id := message.ID(m.sender, b)
	l.marked = true
	p.take(l, func(t *txn) error {
		if shown, err := t.unsupportedOf(m.sender); err != nil || !shown {
			return err
		}
		s, _ := t.c.roster.get(m.sender)
		return t.emit(event.UnsupportedReceived{
			From: m.sender.Hex(), ApplicationType: int32(app.Type), TypeName: app.Type.String(),
			MessageID: hexOf(id[:]), Payload: reported(app.Payload, s.stranger() && !t.isOwn(m.sender.Compressed())),
		})
	})
}

// maxReported bounds what an unsupported_received event carries: thousands of
// events may wait.
const maxReported = 16 << 10

// reported is a payload as an event carries it: whole, or not at all. Those of
// strangers are not asked for.
func reported(payload []byte, stranger bool) []byte {
	if stranger || len(payload) > maxReported {
		return nil
	}
	return payload
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

// judged is the time by which what m says of states is judged.
func (p *pass) judged(m *inbound) time.Time {
	return p.c.history.Judged(message.ConversationWith(m.sender), m.at, p.now)
}

func (p *pass) recordOf(m *inbound, cm *wire.ChatMessage, chat key.Public, id [32]byte) *wire.MessageRecord {
	own, state := m.sender == p.a.public, history.Received
	if own {
		state = history.Sent // by another device of ours
	}
	rec := &wire.MessageRecord{
		Id: id[:], Chat: message.ConversationWith(chat).Bytes(), From: m.sender.Compressed(), Kind: history.KindUnsupported, Text: boundedName(cm.GetText(), message.MaxTextLength),
		Clock: cm.GetClock(), SentAt: int64(min(cm.GetTimestamp(), history.MaxTime)), ReceivedAt: p.now.UnixMilli(), State: string(state),
		SenderName: shownName(cm.GetDisplayName(), MaxName), Outgoing: own, Read: own,
		ApplicationType: int32(wire.ApplicationMetadataMessage_CHAT_MESSAGE),
		BeforeDevice:    p.beforeDevice(m, cm),
	}
	switch cm.GetContentType() {
	case wire.ChatMessage_TEXT_PLAIN, wire.ChatMessage_EMOJI:
		rec.Kind = history.KindText
	case wire.ChatMessage_CONTACT_REQUEST:
		rec.Kind = history.KindContactRequest
	}
	return rec
}

// knowSender makes sure that somebody who wrote to us for the first time is in
// the address book, as not added, and that we listen on the topic shared with them.
func (p *pass) knowSender(m *inbound) error {
	if p.routed[m.sender] { // by an earlier envelope of this pass
		return nil
	}
	r, known, err := p.c.negotiatedRoute(p.a, m.sender)
	if err != nil || known {
		return err
	}
	p.routed[m.sender] = true
	p.do(func(t *txn) error {
		if err := r.store(t); err != nil {
			return err
		}
		t.then(func() { t.c.listen(r) })
		if m.sender == p.a.public {
			return nil
		}
		return t.changeContact(m.sender, func(*wire.ContactRecord) bool { return true })
	})
	return nil
}

// boundedName cuts a name or text from outside to a length.
func boundedName(name string, limit int) string {
	runes := []rune(name)
	return string(runes[:min(len(runes), limit)])
}

// contactOf is how people see a contact.
func contactOf(rec *wire.ContactRecord) event.Contact {
	r := requestOf(rec)
	out := event.Contact{
		Name: rec.GetName(), DisplayName: rec.GetDisplayName(), Added: rec.GetAdded(), AddedAt: rec.GetAddedAt(),
		Trust: string(r.Level(rec.GetVerifiedAt() != 0, rec.GetBlockedAt() != 0)), Request: r.Name(),
		VerifiedBy: rec.GetVerifiedBy(), VerifiedAt: rec.GetVerifiedAt(), BlockedAt: rec.GetBlockedAt(),
		Bio: rec.GetBio(), HasPicture: rec.GetPictureFormat() != 0,
	}
	if rec.GetRequestId() != nil {
		out.RequestID = hexOf(rec.GetRequestId())
	}
	if k, err := key.ParsePublic(rec.GetKey()); err == nil {
		out.PublicKey, out.ChatKey = k.Hex(), identity.FormatChatKey(k)
	}
	return out
}

// changeContact changes or makes the record of a person and emits it, unless
// change says that there is nothing to do.
func (t *txn) changeContact(k key.Public, change func(*wire.ContactRecord) bool) error {
	var rec wire.ContactRecord
	if _, err := get(t, tableContacts, k.Compressed(), &rec); err != nil {
		return err
	}
	rec.Key = k.Compressed()
	if !change(&rec) {
		return nil
	}
	if err := t.putContact(k, &rec); err != nil {
		return err
	}
	return t.emit(event.ContactChanged{Contact: contactOf(&rec)})
}
