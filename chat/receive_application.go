package chat

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

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
	parallel(len(p.mail), func(i int) {
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

// isUnsignedName reports whether b may go without a signature of its own.
func (p *pass) isUnsignedName(m *inbound, b []byte) bool {
	app, err := message.UnwrapUnsigned(b)
	return err == nil && m.sender == p.a.public && app.Type == wire.ApplicationMetadataMessage_SYNC_PAIR_INSTALLATION
}

// errLater refuses what may be taken when it comes again: a bound is reached, or a time
// is wrong. It is neither marked nor acknowledged, so its sender repeats it, and knows in
// the end that it did not arrive.
var errLater = errors.New("not taken now")

// take applies an application message in the transaction, unless its sender has been
// blocked meanwhile, or it is refused.
func (p *pass) take(l *mail, f func(*txn) error) {
	p.do(func(t *txn) error {
		if !t.c.people.contacts.heard(l.from.sender) {
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

// unheard drops what somebody blocked has sent. What would be refused if they were not
// blocked is, so that they cannot tell.
func (p *pass) unheard(l *mail) {
	p.c.counters.drop("blocked")
	if s, _ := p.c.people.contacts.get(l.from.sender); l.text != nil && !s.familiar() {
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

// judged is the time by which what m says of states is judged.
func (p *pass) judged(m *inbound) time.Time { return p.c.clocks.judged(p.c, m.sender, m.at, p.now) }

// unsupported reports what this version does not handle.
func (p *pass) unsupported(l *mail) {
	m, app, b := l.from, l.app, l.body.bytes
	id := message.ID(m.sender, b)
	l.marked = true
	p.take(l, func(t *txn) error {
		if shown, err := t.unsupportedOf(m.sender); err != nil || !shown {
			return err
		}
		s, _ := t.c.people.contacts.get(m.sender)
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
