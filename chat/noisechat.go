package chat

import (
	"errors"
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/noisechat"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/internal/segments"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/protocol/segment"
	"libstatus1to1/chat/protocol/session"
)

// Messages over Noise, in the two pipelines. Sealing takes the payload of the outbox as it is
// for X3DH, and receiving gives it to receive_application.go: plaintext. Between them is a byte
// that says what the plaintext of a session is, since what is too large for an envelope goes as
// segments, each sealed by itself. Each device has a topic, and so an attempt of its own.
// Spec: 37/WAKU2-NOISE-SESSIONS, "The NM session management mechanism".

// What the plaintext of a session is.
const (
	noiseWhole   byte = 1 // a payload
	noiseSegment byte = 2 // a segment of one
)

// noiseSealing holds what sealing for somebody by Noise needs.
type noiseSealing struct {
	peer          noisepeer.Peer
	ready         []string // devices that have a session
	x3dhMeanwhile bool     // the others get it by X3DH
}

// noiseSealing looks that up, nil for somebody who is written to by X3DH.
func (c *Client) noiseSealing(to session.Peer) *noiseSealing {
	by := c.exchangeWith(to.Identity)
	if !by.noise {
		return nil
	}
	n := &noiseSealing{peer: c.noise.Peer(to.Identity), x3dhMeanwhile: by.x3dhMeanwhile}
	for _, id := range noiseDevices(to, n.peer, c.now()) {
		if d, _ := n.peer.Device(id, c.now()); d.Ready {
			n.ready = append(n.ready, id)
		}
	}
	return n
}

// sealByNoise makes the envelopes of a payload: for each device that has a session in it, for
// the others by X3DH if that is allowed. Our profile goes first, as by X3DH. It runs on
// several goroutines and changes nothing else.
func (c *Client) sealByNoise(s *sealing, topicKnown bool) ([]outbox.Sealed, error) {
	before := s.noise.peer
	var all []*sealed
	if s.profile != nil {
		first, err := c.noiseParts(s, s.profile.application, nil)
		if err != nil {
			return nil, err
		}
		if len(first) > 0 {
			first[0].introduces = s.profile.record
		}
		all = append(all, first...)
	}
	plaintext, err := s.Plaintext()
	if err != nil {
		return nil, err
	}
	parts, err := c.noiseParts(s, plaintext, s.Except)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, session.ErrNobody
	}
	all = append(all, parts...)
	// With the first of them, because they are stored in this order: whatever of the others
	// cannot be, no nonce is used twice.
	all[0].noise = &noiseStep{before, s.noise.peer}
	if last := all[len(all)-1]; !topicKnown {
		last.newTopic = &s.shared
	}
	out := make([]outbox.Sealed, len(all))
	for i, e := range all {
		out[i] = c.outboxSealed(e)
	}
	return out, nil
}

// noiseParts seals a plaintext for the devices of somebody except some. It leaves in s the
// sessions as they are then.
func (c *Client) noiseParts(s *sealing, plaintext []byte, except []string) ([]*sealed, error) {
	var parts []*sealed
	to := slices.DeleteFunc(slices.Clone(s.noise.ready), func(id string) bool { return slices.Contains(except, id) })
	pieces, err := c.noisePieces(plaintext)
	if err != nil {
		return nil, err
	}
	byTopic := map[string]*sealed{}
	for _, piece := range pieces {
		if len(to) == 0 {
			break
		}
		next, out, missing, err := s.noise.peer.Seal(piece, to, s.now, c.rand)
		if err != nil {
			return nil, err
		}
		if len(missing) > 0 {
			return nil, session.ErrNobody
		}
		s.noise.peer = next
		for _, o := range out {
			e := byTopic[o.Topic]
			if e == nil {
				e = &sealed{before: s.to, after: s.to, stateless: true, contentTopic: o.Topic}
				byTopic[o.Topic] = e
				parts = append(parts, e)
			}
			e.envelopes = append(e.envelopes, o.Payload)
		}
	}
	others := slices.DeleteFunc(installationIDs(s.to.Active()), func(id string) bool {
		return slices.Contains(s.noise.ready, id) || slices.Contains(except, id)
	})
	none := len(s.to.Active()) == 0 && len(s.noise.ready) == 0
	if !s.noise.x3dhMeanwhile || len(others) == 0 && !none {
		return parts, nil
	}
	e, err := c.encrypt(s, plaintext, slices.Concat(except, s.noise.ready))
	if err != nil {
		return nil, err
	}
	s.to = e.after
	return append(parts, e), nil
}

// noisePieces are the plaintexts of a session that carry a payload: one, or its segments.
func (c *Client) noisePieces(plaintext []byte) ([][]byte, error) {
	size := c.segmentSize()
	if len(plaintext) <= size {
		return [][]byte{append([]byte{noiseWhole}, plaintext...)}, nil
	}
	all, err := segment.Split(plaintext, size)
	if err != nil {
		return nil, Errorf(CodeTooLarge, "", "a message does not fit into segments").Because(err)
	}
	pieces := make([][]byte, len(all))
	for i, s := range all {
		b, err := s.Encode()
		if err != nil {
			return nil, err
		}
		pieces[i] = append([]byte{noiseSegment}, b...)
	}
	return pieces, nil
}

// passNoise holds the Noise state of a person before a pass, and as the pass has left it so far.
type passNoise struct{ before, after noisepeer.Peer }

// noisePeer returns the Noise state of a person as the earlier envelopes of this pass left it.
func (p *pass) noisePeer(k key.Public) noisepeer.Peer {
	if n, ok := p.noise[k]; ok {
		return n.after
	}
	return p.c.noise.Peer(k)
}

// setNoise keeps the next value, and stores it with what the pass stores.
func (p *pass) setNoise(before, after noisepeer.Peer) {
	k := after.Identity
	if n, ok := p.noise[k]; ok {
		n.after = after
		return
	}
	if p.noise == nil {
		p.noise = map[key.Public]*passNoise{}
	}
	n := &passNoise{before, after}
	p.noise[k] = n
	p.do(func(t *txn) error { return t.c.noise.Save(t.Tx, n.before, n.after) })
}

// openNoise opens the payload of a session, and hands its content on as open does.
func (p *pass) openNoise(m *inbound) error {
	peer := p.noisePeer(m.sender)
	next, opened, err := peer.Open(m.envelope.ContentTopic, m.envelope.Payload, p.now, p.c.rand)
	if err != nil {
		return dropped("noise")
	}
	m.in = session.Incoming{Kind: session.Encrypted, InstallationID: opened.Installation, Session: -1}
	whole := true
	if opened.Kind == noisepeer.Data {
		if whole, err = p.noiseContent(m, opened.Plaintext); errors.Is(err, segments.ErrLater) {
			p.later = append(p.later, m.envelope) // it is opened again then
			return nil
		}
	}
	if err != nil && ledger.Passing(err) {
		return err
	}
	if p.met[m.sender] && len(m.in.Plaintext) > 0 {
		if err := p.welcome(m); err != nil {
			return err
		}
	}
	p.setNoise(peer, next)
	p.heard(m, opened.Installation, true)
	p.queueNoise(m.sender, nil, opened.Outgoing)
	if opened.Confirmed {
		p.noiseReady(m, next, opened.Installation)
	}
	switch {
	case err != nil:
		return err
	case opened.Kind == noisepeer.Handed && m.sender == p.a.public:
		p.mark(m.digest, m.sender, nil)
		return p.adopt(opened)
	case opened.Kind != noisepeer.Data:
		p.mark(m.digest, m.sender, nil)
		return nil
	case !whole:
		return nil
	}
	if !m.silent {
		if err := p.knowSender(m); err != nil {
			return err
		}
	}
	who := m.sender
	p.do(func(t *txn) error { return t.upgrade(who) })
	p.plaintext(m)
	return nil
}

// noiseContent reads the plaintext of a session into m. It reports whether the payload is whole
// now; of a segment that is not the last one needed it is not.
func (p *pass) noiseContent(m *inbound, plaintext []byte) (whole bool, err error) {
	if len(plaintext) == 0 {
		return false, dropped("protocol")
	}
	switch plaintext[0] {
	case noiseWhole:
		m.in.Plaintext = plaintext[1:]
		return true, nil
	case noiseSegment:
	default:
		return false, dropped("protocol")
	}
	seg, err := segment.Parse(plaintext[1:])
	if err != nil {
		return false, dropped("segment")
	}
	m.segment = &seg
	set := setDigest(seg.Hash, m.sender)
	mvds, found, err := p.findMark(seenDigest, set)
	if err != nil {
		return false, err
	}
	if found { // it was not needed any more, or all are sent again because no acknowledgement came
		if len(mvds) > 0 && p.c.outbox.AcknowledgeAgain(m.sender, p.now) {
			p.acknowledge(m.sender, mvds)
		}
		return false, dropped("duplicate")
	}
	payload, err := p.joinSegments(m)
	if err != nil || payload == nil {
		return false, err
	}
	m.set, m.in.Plaintext = set, payload
	return true, nil
}

// noiseReady notes that a session with a device can be used, in both directions: what waits for
// it goes now.
func (p *pass) noiseReady(m *inbound, n noisepeer.Peer, installation string) {
	who, silent := m.sender, m.silent
	d, found := n.Device(installation, p.now)
	p.do(func(t *txn) error {
		t.After(func() {
			t.c.outbox.Reachable(who)
			t.c.outbox.Resend(outbox.Device{Peer: who, Installation: installation})
		})
		if err := t.upgrade(who); err != nil || silent || !found {
			return err
		}
		if s, known := t.c.people.contacts.get(who); !known || s.stranger() {
			return nil
		}
		return t.Emit(event.SessionChanged{Session: noiseSessionOf(who, d)})
	})
}

// maxFrames bounds the handshake frames that are read of one message: one for each device that
// an identity may have.
const maxFrames = session.MaxKnownInstallations

// handshakes handles the handshake frames of a message that are for this installation. The
// signature of the message says whose they are; what is theirs in the handshake, their
// certificate says.
func (p *pass) handshakes(m *inbound, peer session.Peer) error {
	learned, err := peer.LearnMessage(p.a.self, m.message, p.now)
	if err != nil {
		return err
	}
	if from, found := learned.Find(m.message.GetInstallationId()); m.sender == p.a.public && (!found || from.Disabled) {
		return dropped("handshake") // whoever has the seed phrase could be a device of ours
	}
	makeRoom, err := p.noiseRoom(m)
	if err != nil {
		return err
	}
	failure := error(dropped("not_addressed"))
	frames := m.message.GetNoiseHandshakes()
	for _, frame := range frames[:min(len(frames), maxFrames)] {
		to, from, err := noisepeer.Addressee(frame)
		if err != nil || from != m.message.GetInstallationId() {
			return dropped("handshake")
		}
		if to != p.a.self.InstallationID {
			continue
		}
		if failure = p.handshake(m, learned, from, frame); failure != nil {
			return failure
		}
	}
	if failure != nil {
		return failure
	}
	makeRoom()
	if !p.met[m.sender] { // of a stranger nothing is kept before they have said something
		p.setPeer(peer, learned)
	}
	return nil
}

// noiseRoom reports whether a handshake of the sender can be kept. makeRoom is for when it has
// come to something.
func (p *pass) noiseRoom(m *inbound) (makeRoom func(), err error) {
	s, known := p.c.people.contacts.get(m.sender)
	if m.sender != p.a.public && (!known || s.stranger()) {
		n := p.noisePeer(m.sender)
		_, has := n.Device(m.message.GetInstallationId(), p.now)
		if !has && len(n.Devices(p.now)) >= noisechat.MaxStrangerDevices {
			return nil, dropped("stranger_devices")
		}
	}
	strangers := 0 // of this pass
	for k := range p.noise {
		if p.met[k] && k != m.sender {
			strangers++
		}
	}
	if _, kept := p.noise[m.sender]; kept || p.c.noise.Room(m.sender, strangers) {
		return func() {}, nil
	}
	leaves, found := p.c.noise.Leaver(func(k key.Public) bool { return p.noise[k] != nil }, p.now)
	if !found {
		return nil, dropped("strangers_full")
	}
	return func() {
		p.c.noise.MakeRoom(p.now)
		p.do(func(t *txn) error { return t.c.noise.Forget(t.Tx, leaves) })
	}, nil
}

// handshake handles one frame. Until it has authenticated nothing changes.
func (p *pass) handshake(m *inbound, peer session.Peer, from string, frame []byte) error {
	self, err := p.c.noise.Self()
	if err != nil {
		return err
	}
	before := p.noisePeer(m.sender)
	next, r, err := before.Receive(self, frame, p.noiseSecrets(peer, from), p.now, p.c.rand)
	if err != nil {
		p.c.log.Log("debug", "a handshake frame is refused", "error", err.Error())
		return dropped("handshake")
	}
	p.setNoise(before, next)
	p.queueNoise(m.sender, r.Frames, r.Outgoing)
	p.heard(m, from, m.recent)
	if r.Established {
		p.noiseReady(m, next, from)
	}
	return nil
}

// queueNoise has what a handshake or a session gave to be sent go out, after the commit.
func (p *pass) queueNoise(to key.Public, frames []noisepeer.Frame, outgoing []noisepeer.Outgoing) {
	p.do(func(t *txn) error {
		t.After(func() { t.c.noise.Queue(to, frames, outgoing) })
		return nil
	})
}

// noiseSecrets looks up the secrets of handshakes that others begin: those of X3DH sessions with
// the device, and of our own cards.
func (p *pass) noiseSecrets(peer session.Peer, from string) func(noisepeer.SecretID) (key.Secret, bool) {
	return func(id noisepeer.SecretID) (key.Secret, bool) {
		switch {
		case len(id.ID) != len(noise.PSKID{}):
		case id.Kind == noisepeer.SessionSecret:
			return peer.NamedPSK(from, noise.PSKID([]byte(id.ID)))
		case id.Kind == noisepeer.CardSecret:
			return p.c.cardSecret(id.ID)
		}
		return key.Secret{}, false
	}
}
