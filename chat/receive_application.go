package chat

import (
	"errors"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/actions"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// applicationMessage is a decrypted application message on its way through the pipeline.
type applicationMessage struct {
	from      *inbound
	body      body
	app       message.Application
	authentic bool // signed by the sender of its envelope
	// kept: it came before, and nobody could read it then; unread: nor can this version.
	kept, unread bool
	// marked: it was accepted and is in no history, so it needs a mark of its own.
	marked bool
	// text holds the record to be stored of a ChatMessage, fault the reason for storing
	// none.
	text  *receivedText
	fault error
	// sync is a message of another device of ours, if it is one that is read.
	sync *ownSync
	// steps are its writes. They have their place among those of its envelope from the
	// start, although they are added later.
	steps *stepList
}

// id is the id of the message. That of one in an MVDS payload is computed already.
func (am *applicationMessage) id() [32]byte {
	if am.body.known != (knownAs{}) {
		return am.body.known.id
	}
	return message.ID(am.from.sender, am.body.bytes)
}

// plaintext reads what was decrypted: an MVDS payload, a bare application message, or
// nothing, which advertises the bundle beside it. In each case its envelope is marked as
// seen.
func (p *pass) plaintext(m *inbound) {
	sync, err := datasync.Decode(m.in.Plaintext)
	switch {
	case len(m.in.Plaintext) == 0:
	case errors.Is(err, datasync.ErrNotMVDS):
		p.queueApplications(m, []body{{bytes: m.in.Plaintext}})
	case err != nil:
		p.c.counters.drop("datasync")
	default:
		p.sync(m, sync)
	}
	p.setMark(m, m.mvds)
	if len(m.mvds) > 0 {
		p.acknowledge(m.sender, m.mvds)
	}
}

// acknowledge acknowledges what was not refused.
func (p *pass) acknowledge(to key.Public, mvds [][32]byte) {
	p.do(func(t *txn) error {
		if ids := p.notRefused(mvds); len(ids) > 0 {
			t.c.outbox.Acknowledge(t.Tx, to, ids)
		}
		return nil
	})
}

// notRefused leaves out what was refused; in the transaction.
func (p *pass) notRefused(mvds [][32]byte) [][32]byte {
	if len(p.refused) == 0 {
		return mvds
	}
	return slices.DeleteFunc(slices.Clone(mvds), func(id [32]byte) bool { return p.refused[id] })
}

// maxSyncMessages limits the messages read from one MVDS payload: each costs the recovery
// of a signature. The rest is not acknowledged, so it comes again.
const maxSyncMessages = 1000

// sync handles the acknowledgements and messages of an MVDS payload. Offers and requests
// are not used in batch mode. A message that came before is acknowledged again and goes no
// further. Spec: 2/MVDS, "Batch mode".
func (p *pass) sync(m *inbound, sync datasync.Payload) {
	if len(sync.Acks) > 0 {
		peer, _ := p.peer(m.sender)
		by := acknowledgerOf(peer, m.in.InstallationID)
		p.do(func(t *txn) error { return t.c.outbox.Acknowledged(t.Tx, by, sync.Acks) })
	}
	m.timestamps = map[[32]byte]int64{}
	var bodies []body
	messages := p.ofGroup(m, sync.Messages[:min(len(sync.Messages), maxSyncMessages)])
	known, err := p.lookUpMessages(m, messages)
	if err != nil {
		p.cannotRead(err)
		p.c.counters.drop("store") // it is not acknowledged, so it comes again
		return
	}
	listed := map[[32]byte]bool{}
	for i, sm := range messages {
		id := known[i].mvds
		_, found, err := p.findMark(seenMVDS, id)
		if err != nil { // as above
			p.cannotRead(err)
			p.c.counters.drop("store")
			continue
		}
		if !listed[id] {
			listed[id] = true
			m.mvds = append(m.mvds, id)
		}
		if found || known[i].stored {
			continue
		}
		p.seen[string(seenKey(seenMVDS, id))] = nil
		if m.sender == p.a.public {
			m.timestamps[known[i].id] = sm.Timestamp
		}
		bodies = append(bodies, body{sm.Body, known[i]})
	}
	p.queueApplications(m, bodies)
}

// ofGroup returns the messages of the group that the sender and we are; others are dropped.
func (p *pass) ofGroup(m *inbound, all []datasync.Message) (messages []datasync.Message) {
	group := datasync.GroupID(p.a.public, m.sender)
	for _, sm := range all {
		if sm.GroupID == group {
			messages = append(messages, sm)
		} else {
			p.c.counters.drop("group")
		}
	}
	return messages
}

// queueApplications notes the application messages of one envelope: those of all
// envelopes are opened together, on all cores.
func (p *pass) queueApplications(m *inbound, bodies []body) {
	if len(bodies) == 0 {
		return
	}
	steps := &stepList{}
	p.do(steps.run)
	for _, b := range bodies {
		if len(b.bytes) > outbox.MaxMessage {
			p.c.counters.drop("too_large")
			p.refuse(b)
			continue
		}
		p.applications = append(p.applications, applicationMessage{from: m, body: b, steps: steps})
	}
}

// openApplications opens the application messages of the pass. Recovering who signed
// them is most of the work of receiving, and each is independent of the others; what they
// come to is decided afterwards, in their order.
func (p *pass) openApplications() {
	parallel.Do(len(p.applications), func(i int) {
		am := &p.applications[i]
		am.app, am.authentic = p.unwrap(am.from, am.body.bytes)
		if am.authentic && am.app.Type == wire.ApplicationMetadataMessage_CHAT_MESSAGE {
			am.text, am.fault = p.readChatMessage(am)
		} else if am.authentic {
			am.text, am.fault = p.readUnknown(am)
		}
		if am.authentic {
			am.sync = p.readSync(am)
		}
	})
	for i := range p.applications {
		am := &p.applications[i]
		p.into = am.steps
		switch {
		case am.from.silent:
			p.ignore(am)
		case am.authentic && am.kept:
			p.dispatchKept(am)
		case am.authentic:
			p.dispatch(am)
		}
		if am.marked && am.body.known != (knownAs{}) {
			p.do(func(t *txn) error { return p.remember(t, am) })
		}
	}
}

// dispatch hands an authentic application message to what handles its type.
// Spec: 62/STATUS-PAYLOADS.
func (p *pass) dispatch(am *applicationMessage) {
	m, app := am.from, am.app
	switch app.Type {
	case wire.ApplicationMetadataMessage_CHAT_MESSAGE:
		switch {
		case errors.Is(am.fault, message.ErrNotOneToOne): // a group's: reported, but not shown as theirs
			p.unsupported(am)
		case am.fault != nil:
			p.c.counters.drop("chat_message")
		default:
			p.chatMessage(am)
		}
	case wire.ApplicationMetadataMessage_CHAT_IDENTITY:
		var profile wire.ChatIdentity
		if err := proto.Unmarshal(app.Payload, &profile); err != nil {
			p.c.counters.drop("application")
			return
		}
		if !p.profile(m, &profile) {
			p.refuse(am.body)
			return
		}
		am.marked = true
	case wire.ApplicationMetadataMessage_STATUS_UPDATE: // it is published in the clear by deployed clients
		if !p.presence(m, app) {
			p.refuse(am.body)
			return
		}
		am.marked = true
	case wire.ApplicationMetadataMessage_SYNC_PAIR_INSTALLATION:
		am.marked = true
		p.deviceNamed(m, app)
	default:
		switch {
		case message.IsAction(app.Type):
			p.action(am)
		case app.Type == wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE:
			if p.fromOwn(am) {
				p.deletedForMe(am)
			}
		case !p.ownSync(am) && !p.aboutContact(am):
			p.unsupported(am)
		}
	}
}

// public handles an application message that was sent in the clear: a contact code, or a
// presence. Spec: 53/WAKU2-X3DH, "Contact code".
func (p *pass) public(m *inbound) {
	if !m.route.kind.rule().public {
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
	switch app.Type {
	case wire.ApplicationMetadataMessage_CONTACT_CODE_ADVERTISEMENT:
		p.advertisement(m, app)
	case wire.ApplicationMetadataMessage_STATUS_UPDATE:
		p.presence(m, app) // one from the future is repeated by its sender anyway
	}
}

// advertisement accepts the profile in a contact code.
func (p *pass) advertisement(m *inbound, app message.Application) {
	var advertisement wire.ContactCodeAdvertisement
	if err := proto.Unmarshal(app.Payload, &advertisement); err != nil {
		p.c.counters.drop("application")
		return
	}
	p.profile(m, advertisement.GetChatIdentity()) // one from the future comes again with the next contact code
}

// unwrap recovers the signer of an application message and drops it if that is not its
// sender.
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

// errLater refuses what may be accepted when it comes again: a bound is reached, or a
// time is wrong. It is neither marked nor acknowledged, so its sender repeats it, and
// knows in the end that it did not arrive. Only a judge returns it.
var errLater = errors.New("not accepted now")

// A judge decides about one application message in the transaction, by the state as the
// messages before it have left it. It returns the function that writes the message, nil if
// nothing is to be written, or errLater. A lookup cannot write: so nothing is ever stored
// of what is refused, and the sender's next attempt finds the state as this one did.
type judge func(lookup) (write func(*txn) error, err error)

// reader reads a record: a transaction, or a judge's lookup.
type reader interface {
	Get(table Table, name []byte) ([]byte, error)
}

// lookup is a transaction as a judge has it.
type lookup interface {
	reader
	unaskedIn(chat []byte) (messages uint32, bytes uint64, err error)
	isGone(m *wire.MessageRecord, lamport uint64) (bool, error)
	message(id [32]byte) (*wire.MessageRecord, bool, error)
	planWaiting(actions.Action) (*actions.Plan, bool, error)
}

// read reads a record into m and reports whether there is one.
func read(from reader, table Table, name []byte, m proto.Message) (bool, error) {
	b, err := from.Get(table, name)
	if err != nil || b == nil {
		return false, err
	}
	return true, ledger.Decode(table, b, m)
}

// apply decides about an application message in the transaction, and writes it at once.
// Its sender may have been blocked since the pass began.
func (p *pass) apply(am *applicationMessage, f judge) {
	p.do(func(t *txn) error {
		if !t.c.people.contacts.hears(am.from.sender) {
			t.c.counters.drop("blocked")
			return nil
		}
		write, err := f(t)
		if errors.Is(err, errLater) {
			p.refuse(am.body)
			return nil
		}
		if err != nil || write == nil {
			return err
		}
		return write(t)
	})
}

// refuse has a message neither marked nor acknowledged.
func (p *pass) refuse(b body) {
	if b.known != (knownAs{}) {
		p.refused[b.known.mvds] = true
	}
}

// remember marks a message of an MVDS payload that is in no history.
func (p *pass) remember(t *txn, am *applicationMessage) error {
	if p.refused[am.body.known.mvds] {
		return nil
	}
	return t.remember(am.from.sender, seenMVDS, am.body.known.mvds, nil)
}

// ignore drops what somebody blocked has sent. What would be refused if they were not
// blocked is refused here too: an acknowledgement would show them that they are.
func (p *pass) ignore(am *applicationMessage) {
	p.c.counters.drop("blocked")
	if am.text != nil {
		p.do(func(t *txn) error { return p.ignoreText(t, am) })
	}
	p.ignoreAction(am)
	p.ignorePresence(am)
	clock, isState := stateClock(am.app)
	if am.authentic && isState && clock != 0 && message.ValidateClock(clock, p.judged(am.from)) != nil {
		p.refuse(am.body)
	}
}

// ignoreText counts a message of somebody blocked as it would be counted if they were not, once,
// and notes its id: what is done to it later would find it.
func (p *pass) ignoreText(t *txn, am *applicationMessage) error {
	rec := am.text.record
	gone, err := t.isGone(rec, am.text.lamport)
	if err != nil || gone {
		return err
	}
	if known, err := ignored(t, rec.GetId()); err != nil || known {
		return err
	}
	if old, err := t.Get(tableMessages, rec.GetId()); err != nil || old != nil { // from before
		return err
	}
	if s, _ := t.c.people.contacts.get(am.from.sender); !s.familiar() {
		if room, err := t.c.roomForUnasked(t, am.text); err != nil {
			return err
		} else if !room {
			p.refuse(am.body)
			return nil
		}
		if _, err := t.countUnasked(am.text); err != nil {
			return err
		}
	}
	return t.remember(am.from.sender, seenIgnored, [32]byte(rec.GetId()), nil)
}

// ignored reports whether a message came while its author was blocked, as far as is known.
func ignored(r reader, id []byte) (bool, error) {
	b, err := r.Get(tableSeen, seenKey(seenIgnored, [32]byte(id)))
	return b != nil, err
}

// judged returns the time by which the clocks of states in m are judged.
func (p *pass) judged(m *inbound) time.Time {
	return p.c.history.Judged(message.ConversationWith(m.sender), m.at, p.now)
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
		t.After(func() { t.c.listen(r) })
		if m.sender == p.a.public {
			return nil
		}
		return t.changeContact(m.sender, func(*wire.ContactRecord) bool { return true })
	})
	return nil
}
