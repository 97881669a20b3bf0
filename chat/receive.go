package chat

import (
	"errors"
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// The receiving pipeline, in the loop:
//
//	envelope -> 26 payload by the keys of its topic -> seen? -> ProtocolMessage:
//	bundles, session, decrypt on a copy -> MVDS -> application messages -> one
//	transaction: sessions, messages, marks, acknowledgements, events
//
// The payloads of a batch are opened on all cores, then its sessions go on one after
// the other, then all its application messages are opened on all cores.
//
// Until a message has authenticated nothing changes but a counter; from then on
// its ratchet step, its marks and its acknowledgement are stored whatever becomes
// of the payload: otherwise its sender would repeat it for days.

// pass is what one batch of envelopes amounts to, until it is committed. Later
// envelopes of the batch see what earlier ones changed.
type pass struct {
	c     *Client
	a     *account
	now   time.Time
	peers map[key.Public]*passPeer
	seen  map[string][][32]byte // marks made in this pass
	found map[string][]byte     // marks looked for in the store: nil where there is none
	all   stepList              // what to write, in order
	into  *stepList             // where the next step goes
	// applications are the application messages of all envelopes, in their order.
	applications []applicationMessage
	accepted     map[[32]byte][32]byte // ChatMessages of this pass: MVDS id by message id
	met          map[key.Public]bool   // strangers nothing was known of before this pass
	// welcomed are those of them who have said something that opened.
	welcomed map[key.Public]bool
	// routed are people whom this pass makes known, with the topic shared with them.
	routed map[key.Public]bool
	// refused are messages, by MVDS id, that are not to be acknowledged: see errLater.
	// Their fate is known in the transaction only.
	refused map[[32]byte]bool
}

// stepList is a list of writes. One can stand as a step in another and be filled
// later.
type stepList struct{ steps []func(*txn) error }

func (l *stepList) run(t *txn) error {
	for _, step := range l.steps {
		if err := step(t); err != nil {
			return err
		}
	}
	return nil
}

type passPeer struct{ before, after session.Peer }

// inbound is one envelope on its way through the pipeline.
type inbound struct {
	envelope Envelope
	at       time.Time // of the envelope, which nobody signs
	route    route
	sender   key.Public // who signed the payload
	message  *wire.ProtocolMessage
	digest   [32]byte
	in       session.Incoming
	mvds     [][32]byte // to be acknowledged
	// timestamps are the MVDS timestamps, s, by message id, of what another device of
	// ours sends.
	timestamps map[[32]byte]int64
	silent     bool // its sender is blocked: acknowledge it, and no more
	recent     bool // it cannot be an old one that the marks have forgotten: answers.go
	news       bool // the bundle with it is newer than all before of that installation
}

// receive handles a batch in one transaction, or, if one envelope of it cannot be
// stored, in several.
func (c *Client) receive(batch []Envelope) {
	a, err := c.account()
	if err != nil {
		return
	}
	p := &pass{
		c: c, a: a, now: c.now(), peers: map[key.Public]*passPeer{},
		seen: map[string][][32]byte{}, found: map[string][]byte{}, accepted: map[[32]byte][32]byte{}, refused: map[[32]byte]bool{},
		routed: map[key.Public]bool{},
	}
	p.into = &p.all
	opened, faults := make([]*inbound, len(batch)), make([]error, len(batch))
	parallel.Do(len(batch), func(i int) { opened[i], faults[i] = p.unseal(batch[i]) })
	p.lookForCopies(opened)
	for i, m := range opened {
		err := faults[i]
		if err == nil {
			err = p.handle(m)
		}
		if err != nil {
			c.counters.drop(reasonOf(err))
			c.log.Log("debug", "envelope dropped", "reason", reasonOf(err))
		}
	}
	p.openApplications()
	if len(p.all.steps) == 0 {
		return
	}
	err = c.update(func(t *txn) error { t.ByOthers(); return p.write(t) })
	switch {
	case err == nil:
		c.loop.storePause.wentWell()
	case passing(err):
		c.log.Log("error", "storing received messages failed", "code", string(CodeOf(err)))
		c.loop.unstored = append(c.loop.unstored, batch...)
		c.loop.storePause.failed(p.now)
	case len(batch) > 1: // one of them is the cause: it must not hold up the others
		c.receive(batch[:len(batch)/2])
		c.receive(batch[len(batch)/2:])
	default:
		c.log.Log("error", "a received message cannot be stored", "code", string(CodeOf(err)))
		c.counters.drop(unstorable(err))
	}
}

func (p *pass) write(t *txn) error {
	for _, pp := range p.peers {
		if err := t.savePeer(pp.before, pp.after); err != nil {
			return err
		}
		if err := t.reportDevices(pp.before, pp.after); err != nil {
			return err
		}
	}
	return p.all.run(t)
}

func (p *pass) do(step func(*txn) error) { p.into.steps = append(p.into.steps, step) }

// dropped is why an envelope has no effect.
type dropped string

func (d dropped) Error() string { return "dropped: " + string(d) }

func reasonOf(err error) string {
	var d dropped
	switch {
	case errors.As(err, &d):
		return string(d)
	case errors.Is(err, session.ErrBundle):
		return "bundle"
	case errors.Is(err, session.ErrNoPreKey), errors.Is(err, session.ErrNoSession):
		return "session"
	case errors.Is(err, session.ErrDecrypt):
		return "decrypt"
	case errors.Is(err, session.ErrEmpty), errors.Is(err, session.ErrHeader), errors.Is(err, session.ErrNoHeader):
		return "protocol"
	}
	return "error"
}

// handle takes an unsealed envelope through the rest of the pipeline, one after
// the other: each sees what those before it have changed.
func (p *pass) handle(m *inbound) error {
	if done, err := p.seenBefore(m); done || err != nil {
		return err
	}
	if err := p.admit(m); err != nil {
		return err
	}
	return p.open(m)
}

// unseal opens the 26/WAKU2-PAYLOAD with the keys of its topic and decodes the
// ProtocolMessage in it. It changes nothing and runs on several goroutines.
func (p *pass) unseal(e Envelope) (*inbound, error) {
	m := &inbound{envelope: e, at: time.Unix(0, e.Timestamp)}
	var opened payload.Opened
	err := error(dropped("topic"))
	for _, r := range p.c.routes.on(e.ContentTopic) {
		if opened, err = r.open(p.a.self.Identity, e.Payload); err == nil {
			m.route = r
			break
		}
		err = dropped("payload")
	}
	if err != nil {
		return nil, err
	}
	if opened.Signer.IsZero() {
		return nil, dropped("unsigned")
	}
	m.sender = opened.Signer
	if !m.route.kind.rule().anybody && m.sender.Compact() != m.route.peer && m.sender != p.a.public {
		return nil, dropped("signer")
	}
	if m.message, err = session.ParseMessage(opened.Data); err != nil {
		return nil, dropped("protocol")
	}
	if m.sender == p.a.public && m.message.GetInstallationId() == p.a.self.InstallationID {
		return nil, dropped("own")
	}
	m.digest = digest(opened.Data, m.sender)
	return m, nil
}

// seenBefore drops an exact copy of a message that was opened, undecrypted, and
// has what it carried acknowledged again: our acknowledgement may be lost.
func (p *pass) seenBefore(m *inbound) (bool, error) {
	mvds, found, err := p.mark(seenDigest, m.digest)
	if err != nil || !found {
		return false, err
	}
	if len(mvds) > 0 && p.c.loop.repeats.allow(m.sender, p.now, p.c.settings.ResendBase) {
		p.acknowledge(m.sender, mvds)
	}
	return true, dropped("duplicate")
}

// peer is an identity as the earlier envelopes of this pass left it.
func (p *pass) peer(k key.Public) (session.Peer, error) {
	if pp, ok := p.peers[k]; ok {
		return pp.after, nil
	}
	return p.c.peer(k)
}

func (p *pass) setPeer(before, after session.Peer) {
	if pp, ok := p.peers[after.Identity]; ok {
		pp.after = after
		return
	}
	p.peers[after.Identity] = &passPeer{before, after}
}

// open decrypts and hands on what it finds.
func (p *pass) open(m *inbound) error {
	peer, err := p.peer(m.sender)
	if err != nil {
		return err
	}
	m.recent = p.recent(m, peer)
	next, in, err := peer.Receive(p.a.self, m.message, p.now, p.c.source())
	if err != nil {
		p.unreadable(m, peer, err)
		return err
	}
	m.in, m.news = in, newer(peer, next, m.message.GetInstallationId())
	if in.Kind == session.Encrypted {
		if err := p.welcome(m); err != nil {
			return err
		}
	}
	next = p.join(m, next)
	p.ownBundleSeen(m)
	switch in.Kind {
	case session.NotAddressed:
		p.partitioned(m, peer)
		if p.met[m.sender] { // of a stranger nothing is kept before they have said something
			return dropped("not_addressed")
		}
		p.setPeer(peer, next)
		p.setMark(m, nil) // so that a copy of it, by anybody, changes nothing
		p.heard(m, m.message.GetInstallationId(), m.news)
		return dropped("not_addressed")
	case session.Public:
		if m.silent || p.met[m.sender] {
			return dropped("public")
		}
		p.setPeer(peer, next)
		p.public(m)
		return nil
	}
	if m.route.kind.rule().public {
		return dropped("protocol") // a contact code is public, or it is none
	}
	next = p.readSignals(m, next)
	p.setPeer(peer, next)
	p.heard(m, in.InstallationID, in.Session >= 0 || m.recent)
	if m.silent {
		p.plaintext(m)
		return nil
	}
	p.reportSession(next, in)
	if err := p.knowSender(m); err != nil {
		return err
	}
	p.plaintext(m)
	return nil
}

// heard notes that a device is there, if what came of it is news: see returns.go.
func (p *pass) heard(m *inbound, installation string, news bool) {
	if news {
		p.do(func(t *txn) error { t.then(func() { t.c.heard(device{m.sender, installation}) }); return nil })
	}
}

func (p *pass) reportSession(peer session.Peer, in session.Incoming) {
	if !in.Started && !in.Established {
		return
	}
	s := sessionOf(p.a, peer, in.Session)
	p.do(func(t *txn) error { return t.emit(event.SessionChanged{Session: s}) })
}

// plaintext reads what was decrypted: an MVDS payload, a bare application message,
// or nothing, which advertises the bundle beside it. Whatever it is, it has been
// opened and is marked so.
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
			t.queueAcks(to, ids)
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

// maxSyncMessages is how many messages of one MVDS payload are taken: each costs
// the recovery of a signature. The rest is not acknowledged, so it comes again.
const maxSyncMessages = 1000

// sync takes the acknowledgements and messages of an MVDS payload. Offers and
// requests are not used in batch mode. A message that came before is acknowledged
// again and goes no further. Spec: 2/MVDS, "Batch mode".
func (p *pass) sync(m *inbound, sync datasync.Payload) {
	if len(sync.Acks) > 0 {
		peer, _ := p.peer(m.sender)
		by := newAcknowledger(peer, m.in.InstallationID)
		p.do(func(t *txn) error { return t.acknowledged(by, sync.Acks) })
	}
	group := datasync.GroupID(p.a.public, m.sender)
	m.timestamps = map[[32]byte]int64{}
	var bodies []body
	var messages []datasync.Message
	for _, sm := range sync.Messages[:min(len(sync.Messages), maxSyncMessages)] {
		if sm.GroupID == group {
			messages = append(messages, sm)
		} else {
			p.c.counters.drop("group")
		}
	}
	known, err := p.lookUpMessages(m, messages)
	if err != nil {
		p.c.counters.drop("store") // it is not acknowledged, so it comes again
		return
	}
	listed := map[[32]byte]bool{}
	for i, sm := range messages {
		id := known[i].mvds
		_, found, err := p.mark(seenMVDS, id)
		if err != nil { // as above
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

func installationIDs(list []session.Installation) []string {
	ids := make([]string, len(list))
	for i, in := range list {
		ids[i] = in.ID
	}
	return ids
}
