package chat

import (
	"errors"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/internal/segments"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/segment"
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

// pass collects the effects of one batch of envelopes until they are committed. Later
// envelopes of the batch see what earlier ones changed.
type pass struct {
	c     *Client
	a     *account
	now   time.Time
	from  origin
	peers map[key.Public]*passPeer
	seen  map[string][][32]byte // marks made in this pass
	found map[string][]byte     // marks looked for in the store: nil where there is none
	all   stepList              // what to write, in order
	into  *stepList             // where the next step goes
	// applications are the application messages of all envelopes, in their order.
	applications []applicationMessage
	accepted     map[[32]byte][32]byte // ChatMessages of this pass: MVDS id by message id
	met          map[key.Public]bool   // strangers who were unknown before this pass
	// welcomed are the people in met of whom a message has opened.
	welcomed map[key.Public]bool
	// noise is what Noise knows of people that this pass has changed.
	noise map[key.Public]*passNoise
	// routed are the people whose shared topic an earlier envelope of this pass stores.
	routed   map[key.Public]bool
	segments *segments.Intake // nil before the first segment
	later    []Envelope       // for a transaction of their own: see segments.ErrLater
	unread   error            // the batch is to come again: see cannotRead
	known    []Envelope       // that need not be fetched from store nodes again
	early    []Envelope       // that came before the key of their topic
	// refused are messages, by MVDS id, that are not to be acknowledged: see errLater. Only
	// the transaction finds out which.
	refused map[[32]byte]bool
}

// stepList is a list of writes. One can stand as a step in another and be filled later.
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
	// segment is nil once message is there: from the start, or after it is put together.
	segment *segment.Segment
	message *wire.ProtocolMessage
	noise   bool     // a payload of a Noise session with the sender, who is known by its topic
	digest  [32]byte // names message, or the set of segments while that is all there is
	set     [32]byte // names the set of segments that message came in, if it did
	in      session.Incoming
	mvds    [][32]byte // to be acknowledged
	// timestamps are the MVDS timestamps, s, by message id, of what another device of
	// ours sends.
	timestamps map[[32]byte]int64
	silent     bool // its sender is blocked: acknowledge it, and no more
	recent     bool // it is too new to be a copy whose mark was forgotten
	news       bool // the bundle with it is newer than all before of that installation
}

// receive handles a batch in one transaction, or, if one envelope of it cannot be stored, in
// several. After an error, which is one that passes, unstored are the envelopes to be
// handled again.
func (c *Client) receive(batch []Envelope, from origin) (unstored []Envelope, err error) {
	a, err := c.account()
	if err != nil {
		return nil, nil
	}
	p := c.newPass(a, from)
	p.openAll(batch)
	if err = p.unread; err == nil && len(p.all.steps) > 0 {
		err = c.store(p)
	}
	if err != nil && !ledger.Passing(err) { // what was stored along with them may be the cause
		again, failed := c.outbox.RecordApart()
		if again {
			return c.receive(batch, from)
		}
		if failed != nil {
			err = failed // whatever the cause is, it shows once the store can be written
		}
	}
	switch {
	case err == nil:
		if len(p.all.steps) > 0 {
			c.loop.storePause.End()
		}
		c.holdEarly(p.early)  // whatever becomes of p.later, which alone is handled again
		if len(p.later) > 0 { // now: the caller goes by it that all is stored
			unstored, err = c.receive(p.later, from)
		}
		if err == nil {
			c.catchUp.Seen(p.known...)
		}
		return unstored, err
	case ledger.Passing(err):
		c.log.Log("error", "storing received messages failed", "code", string(CodeOf(err)))
		c.loop.storePause.Failed(p.now)
		return batch, err
	case len(batch) > 1: // one of them is the cause: it must not hold up the others
		first, err := c.receive(batch[:len(batch)/2], from)
		second, err2 := c.receive(batch[len(batch)/2:], from)
		return append(first, second...), errors.Join(err, err2)
	default:
		c.log.Log("error", "a received message cannot be stored", "code", string(CodeOf(err)))
		c.counters.drop(ledger.Unstorable(err))
	}
	return nil, nil
}

// newPass begins a pass.
func (c *Client) newPass(a *account, from origin) *pass {
	p := &pass{c: c, a: a, now: c.now(), from: from, peers: map[key.Public]*passPeer{}, routed: map[key.Public]bool{},
		seen: map[string][][32]byte{}, found: map[string][]byte{}, accepted: map[[32]byte][32]byte{}, refused: map[[32]byte]bool{}}
	p.into = &p.all
	return p
}

// openAll puts the envelopes of a batch through the pipeline, up to what is to be stored.
func (p *pass) openAll(batch []Envelope) {
	opened, faults := make([]*inbound, len(batch)), make([]error, len(batch))
	parallel.Do(len(batch), func(i int) { opened[i], faults[i] = p.unseal(batch[i]) })
	// Copies are looked up for the whole batch, in few reads of the store.
	p.lookForCopies(opened)
	for i, m := range opened {
		err := faults[i]
		if errors.Is(err, errNoKey) {
			p.early = append(p.early, batch[i])
			continue
		}
		if err == nil {
			err = p.handle(m)
		}
		p.concluded(batch[i], err)
	}
	p.openApplications()
}

func (p *pass) write(t *txn) error {
	for _, pp := range p.peers {
		if err := t.savePeer(pp.before, pp.after); err != nil {
			return err
		}
		report := t.reportConflicts
		if pp.after.Identity == p.a.public {
			report = t.reportDevices
		}
		if err := report(pp.before, pp.after); err != nil {
			return err
		}
	}
	return p.all.run(t)
}

func (p *pass) do(step func(*txn) error) { p.into.steps = append(p.into.steps, step) }

// dropped is the error of an envelope that has no effect: its text is the reason.
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

// handle puts an unsealed envelope through the rest of the pipeline. It is called for one
// after the other, because each sees what those before it have changed.
func (p *pass) handle(m *inbound) error {
	if done, err := p.seenBefore(m); done || err != nil {
		return err
	}
	if err := p.admit(m); err != nil {
		return err
	}
	switch {
	case m.noise:
		return p.openNoise(m)
	case m.segment != nil:
		return p.segment(m)
	}
	return p.open(m)
}

// admit decides about the sender of a payload before anything is decrypted or stored. What
// blocked people send is decrypted, so that it can be acknowledged, and goes no further:
// then it sets silent.
func (p *pass) admit(m *inbound) error {
	s, known := p.c.people.contacts.get(m.sender)
	switch {
	case m.sender == p.a.public, known && !s.stranger() && !s.blocked:
	case p.c.settings.Strangers == StrangersDeny && !s.familiar():
		return dropped("stranger") // also if they are blocked: it must look the same
	case s.blocked:
		m.silent = true
	case known, p.welcomed[m.sender]:
	case p.c.people.contacts.full():
		return dropped("strangers_full")
	case !p.c.people.entering.mayTry(p.now):
		return dropped("strangers_rate")
	default:
		if p.met == nil {
			p.met = map[key.Public]bool{}
		}
		p.met[m.sender] = true
	}
	return nil
}

// unseal opens the 26/WAKU2-PAYLOAD with the keys of its topic and decodes the segment or
// the ProtocolMessage in it. It changes nothing and runs on several goroutines.
func (p *pass) unseal(e Envelope) (*inbound, error) {
	m := &inbound{envelope: e, at: time.Unix(0, e.Timestamp)}
	if who, found := p.c.noise.Owner(e.ContentTopic); found {
		m.noise, m.sender, m.digest = true, who, digest(e.Payload, who)
		return m, nil
	}
	var opened payload.Opened
	var err error
	if m.route, opened, err = p.c.routes.open(p.a.self.Identity, e); err != nil {
		return nil, err
	}
	if opened.Signer.IsZero() {
		return nil, dropped("unsigned")
	}
	m.sender = opened.Signer
	if !m.route.kind.rule().anybody && m.sender.Compact() != m.route.peer && m.sender != p.a.public {
		return nil, dropped("signer")
	}
	if seg, err := segment.Parse(opened.Data); !errors.Is(err, segment.ErrNotSegment) {
		if err != nil {
			return nil, dropped("segment")
		}
		m.segment, m.digest = &seg, setDigest(seg.Hash, m.sender)
		return m, nil
	}
	return m, p.parse(m, opened.Data)
}

// seenBefore drops an exact copy of a message that was opened, undecrypted, and
// has what it carried acknowledged again: our acknowledgement may be lost. Not so for a copy
// in a store node, since nobody has published it again.
func (p *pass) seenBefore(m *inbound) (bool, error) {
	mvds, found, err := p.findMark(seenDigest, m.digest)
	if err != nil || !found {
		return false, err
	}
	if len(mvds) > 0 && p.from == live && p.c.outbox.AcknowledgeAgain(m.sender, p.now) {
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

// open decrypts a message and passes its content on.
func (p *pass) open(m *inbound) error {
	peer, err := p.peer(m.sender)
	if err != nil {
		return err
	}
	// Before Receive, because unreadable asks for it when that fails.
	m.recent = p.recent(m, peer)
	if len(m.message.GetNoiseHandshakes()) > 0 && !m.route.kind.rule().public {
		return p.handshakes(m, peer)
	}
	next, in, err := peer.Receive(p.a.self, m.message, p.now, p.c.source())
	if err != nil {
		p.unreadable(m, peer, err)
		return err
	}
	m.in, m.news = in, newer(peer, next, m.message.GetInstallationId())
	// Only now, because a stranger's entry is spent for a message that has opened, and not for
	// garbage; and before next is kept, because of one who is not let in nothing is stored.
	if in.Kind == session.Encrypted && p.met[m.sender] {
		if err := p.welcome(m); err != nil {
			return err
		}
	}
	if m.sender == p.a.public { // another device of ours
		next = p.join(m, next)
		p.ownBundleSeen(m)
	}
	switch in.Kind {
	case session.NotAddressed:
		p.notAddressed(m, peer, next)
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
	return p.encrypted(m, peer, next)
}

// notAddressed handles a message for other devices of ours: it is answered, and what its
// bundles say is kept.
func (p *pass) notAddressed(m *inbound, peer, next session.Peer) {
	p.partitioned(m, peer)
	if p.met[m.sender] { // of a stranger nothing is kept before they have said something
		return
	}
	p.setPeer(peer, next)
	p.setMark(m, nil) // so that a copy of it, by anybody, changes nothing
	p.heard(m, m.message.GetInstallationId(), m.news)
}

// encrypted handles a message that was encrypted for this device and has opened.
func (p *pass) encrypted(m *inbound, peer, next session.Peer) error {
	// The ratchet step is kept from here on, whatever the payload turns out to be: the message
	// has authenticated, and its key must not be used again.
	next = p.readSignals(m, next)
	p.setPeer(peer, next)
	p.heard(m, m.in.InstallationID, m.in.Session >= 0 || m.recent)
	// The payload of a blocked person is read so that it can be acknowledged like any
	// other, but no event shows that they wrote.
	if m.silent {
		p.plaintext(m)
		return nil
	}
	p.reportSession(next, m.in)
	if err := p.knowSender(m); err != nil {
		return err
	}
	p.plaintext(m)
	return nil
}

// recent reports whether the bundle of m is signed later than anything that the marks may
// have forgotten, and not before the last one of its installation. A copy that somebody
// publishes after the marks are gone is neither a sign of life nor a reason to do anything.
func (p *pass) recent(m *inbound, peer session.Peer) bool {
	at := m.signedAt()
	in, _ := peer.Find(m.message.GetInstallationId())
	return at > p.now.Add(-keepSeen).UnixNano() && at >= in.Activity
}

// newer reports whether a message taught a bundle of the installation it came from that
// was signed later than all we had: old ones, which anybody can send again, are no news.
func newer(before, after session.Peer, installation string) bool {
	was, _ := before.Find(installation)
	is, found := after.Find(installation)
	return found && is.Activity > was.Activity
}

// signedAt returns the time at which the sender signed the latest of the bundles beside a
// message, ns; 0 if there is none.
func (m *inbound) signedAt() (at int64) {
	for _, b := range m.message.GetBundles() {
		if string(b.GetIdentity()) == string(m.sender.Compressed()) {
			at = max(at, b.GetTimestamp())
		}
	}
	return at
}

// readSignals handles the requests that an opened message makes beside its content. An
// empty one asks for what was missed: everything unacknowledged is sent again, in a new
// session if the message came in none. One that came in a session ends the suspicion that
// the session is lost. It returns the peer, changed by that.
func (p *pass) readSignals(m *inbound, next session.Peer) session.Peer {
	from, peer := m.in.InstallationID, m.sender
	if m.in.Session >= 0 && p.c.sessions.suspicions.Contains(installationOf{peer, from}) {
		p.answeredInSession(m, next.Sessions[m.in.Session])
	}
	// Without a session it may be one from before the marks, published again.
	if len(m.in.Plaintext) == 0 && (m.in.Session >= 0 || m.recent) {
		if m.in.Session < 0 {
			next = next.Rekey(from)
		}
		p.do(func(t *txn) error {
			t.After(func() { t.c.outbox.Resend(outbox.Device{Peer: peer, Installation: from}) })
			return nil
		})
	}
	return next
}
