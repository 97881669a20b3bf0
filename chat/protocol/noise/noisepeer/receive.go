package noisepeer

import (
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// Received is the result of receiving a frame.
type Received struct {
	Installation string // the device that sent it
	// Frames go back to the device, and Outgoing on the topics of its sessions.
	Frames   []Frame
	Outgoing []Outgoing
	// Established: a session was made, and messages can be sealed in it now. By its
	// certificate, the device has proven that it is one of the identity.
	Established bool
}

// Secrets gives the secret with an id, if we have it.
type Secrets func(SecretID) (key.Secret, bool)

// incoming holds the state that the steps of Receive share.
type incoming struct {
	self    Self
	frame   frame
	secrets Secrets
	now     time.Time
	rand    io.Reader
}

// Receive takes a frame of the identity: the caller has verified that. secrets gives those
// that the Peer was not told of with LearnSecret, above all those in cards of ours; it may be
// nil. The next value is to be stored, and what came of the frame to be sent. A copy of a
// frame gets the same answer again. Errors, after which the peer is as it was: ErrFrame,
// ErrHandshake, ErrAuth, ErrCertificate, ErrClock, ErrTooMany, ErrSelf, those of rand.
// Spec: 35/WAKU2-NOISE, "Appendix: Supported Handshakes Description".
func (p Peer) Receive(self Self, bytes []byte, secrets Secrets, now time.Time, rand io.Reader) (Peer, Received, error) {
	if err := self.check(); err != nil {
		return p, Received{}, err
	}
	f, err := parseFrame(bytes)
	if err != nil {
		return p, Received{}, err
	}
	own := self.Certificate.InstallationID
	if f.to != own || p.Identity == self.Certificate.Identity && f.from == own {
		return p, Received{}, ErrFrame
	}
	in := incoming{self, f, secrets, now, rand}
	next, r, err := p, Received{}, error(nil)
	switch f.kind {
	case kindFirst:
		next, r, err = p.first(in)
	case kindSecond:
		next, r, err = p.second(in)
	case kindThird:
		next, r, err = p.third(in)
	case kindRefusal:
		next, r, err = p.refused(in)
	}
	if err != nil {
		return p, Received{}, err
	}
	r.Installation = f.from
	return next, r, nil
}

// count counts the answer to a handshake that is new, or to a frame of another kind: anybody can
// send old frames once more, and must not use up the answers that new handshakes need.
// Error: ErrTooMany.
func (p *Peer) count(isNew bool, now time.Time) error {
	if since := now.Sub(p.answersSince); since >= AnswersWindow || since < 0 {
		p.answers, p.repeats, p.answersSince = 0, 0, now
	}
	n := &p.repeats
	if isNew {
		n = &p.answers
	}
	if *n >= MaxAnswers {
		return ErrTooMany
	}
	*n++
	return nil
}

// refuse answers the frame with a refusal.
func (p Peer) refuse(in incoming, why reason, after uint64) (Peer, Received, error) {
	if err := p.count(false, in.now); err != nil {
		return p, Received{}, err
	}
	return p, Received{Frames: []Frame{in.self.refusal(in.frame, why, after)}}, nil
}

// known is the device that the frame comes from, the zero value if there is none.
func (p Peer) known(in incoming) device {
	if i, found := p.find(in.frame.from); found {
		return p.devices[i]
	}
	return device{id: in.frame.from}
}

// first takes message 1: it answers with message 2.
func (p Peer) first(in incoming) (Peer, Received, error) {
	f, d := in.frame, p.known(in)
	if f.between != between(p.Identity, in.self.Certificate.Identity) {
		return p, Received{}, ErrFrame
	}
	if d.answered != nil && d.answered.id == f.id {
		if err := p.count(false, in.now); err != nil {
			return p, Received{}, err
		}
		return p, Received{Frames: []Frame{{d.id, d.answered.last.frame}}}, nil
	}
	switch at := time.UnixMilli(int64(f.time)); {
	case f.time > 1<<62 || at.After(in.now.Add(noise.MaxClockSkew)) || at.Before(in.now.Add(-HandshakeLife)):
		return p, Received{}, ErrClock
	case f.time <= d.newest():
		return p.refuse(in, refusedOld, d.newest())
	case d.begun != nil && p.precedes(in.self, d.id):
		if err := p.count(false, in.now); err != nil {
			return p, Received{}, err
		}
		return p, Received{Frames: []Frame{{d.id, d.begun.last.frame}}}, nil
	}
	return p.answer(in, d)
}

// answer reads message 1 and writes message 2.
func (p Peer) answer(in incoming, d device) (Peer, Received, error) {
	f := in.frame
	c := noise.Config{}
	pattern, previous, why, err := in.basis(d, &c)
	if err != nil {
		return p, Received{}, err
	}
	if why != 0 {
		return p.refuse(in, why, 0)
	}
	c.Prologue = prologue(p.Identity, in.self.Certificate.Identity, f.head, previous)
	h, err := in.self.handshake(pattern, c, in.rand)
	if err != nil {
		return p, Received{}, err
	}
	if h, _, err = h.Read(f.payload); err != nil {
		if pattern == noise.XXpsk0 {
			return p.refuse(in, refusedSecret, 0)
		}
		return p, Received{}, ErrAuth
	}
	h, payload, err := h.Write(in.self.Certificate.Bytes())
	if err != nil {
		return p, Received{}, ErrAuth
	}
	next, e, err := p.edit(f.from, in.now)
	if err != nil {
		return p, Received{}, err
	}
	if err := next.count(true, in.now); err != nil {
		return p, Received{}, err
	}
	reply := later(kindSecond, f.to, f.from, f.id, payload)
	e.answered = &handshake{
		noise: h, id: f.id, time: f.time, previous: previous, since: in.now, last: resending{frame: reply}.again(in.now),
	}
	e.answeredTime, e.begun, e.seen = f.time, nil, in.now
	return next, Received{Frames: []Frame{{f.from, reply}}}, nil
}

// basis finds what message 1 is based on, for our side; or why it is to be refused.
func (in incoming) basis(d device, c *noise.Config) (pattern string, previous noisesession.ID, why reason, err error) {
	f := in.frame
	p, err := noise.ParsePayload(f.payload)
	if err != nil {
		return "", previous, 0, ErrFrame
	}
	pattern = patternOf(p.Protocol)
	needsSecret, needsPrevious := pattern == noise.XXpsk0, pattern == noise.K1K1
	needsStatic := needsPrevious || pattern == noise.XK1
	if pattern == "" || needsSecret != f.secret.valid() || needsPrevious != (f.previous != [32]byte{}) || needsStatic == f.expected.IsZero() {
		return "", previous, 0, ErrFrame
	}
	if needsStatic && f.expected != in.self.Static.Public() {
		return "", previous, refusedStatic, nil
	}
	if needsPrevious {
		i := slices.IndexFunc(d.links, func(l link) bool { return l.session.ID().Hash() == f.previous })
		if i < 0 {
			return "", previous, refusedPrevious, nil
		}
		previous, c.RemoteStatic = d.links[i].session.ID(), d.links[i].session.Peer().Static
	}
	if needsSecret {
		var known bool
		if c.PSK, known = in.secret(d); !known {
			return "", previous, refusedSecret, nil
		}
	}
	return pattern, previous, 0, nil
}

// secret finds the secret that message 1 names.
func (in incoming) secret(d device) (key.Secret, bool) {
	if s, found := d.secretOf(in.frame.secret.Kind, in.now); found && s.id == in.frame.secret {
		return s.key, true
	}
	if in.secrets == nil {
		return key.Secret{}, false
	}
	psk, found := in.secrets(in.frame.secret)
	return psk, found && psk != key.Secret{}
}

// patternOf is the name of the pattern with this protocol id, "" for one that is not ours.
func patternOf(id noise.ProtocolID) string {
	for _, name := range []string{noise.K1K1, noise.XK1, noise.XX, noise.XXpsk0} {
		if p, err := noise.Lookup(name); err == nil && p.ProtocolID() == id {
			return name
		}
	}
	return ""
}

// second takes message 2: it answers with message 3, and there is a session.
func (p Peer) second(in incoming) (Peer, Received, error) {
	f, known := in.frame, p.known(in)
	if i := known.byHandshake(f.id); i >= 0 { // a copy
		if l := known.links[i]; l.last.frame != nil {
			if err := p.count(false, in.now); err != nil {
				return p, Received{}, err
			}
			return p, Received{Frames: []Frame{{known.id, l.last.frame}}}, nil
		}
		return p, Received{}, nil
	}
	if known.begun == nil || known.begun.id != f.id {
		return p.refuse(in, refusedHandshake, 0)
	}
	run := *known.begun
	h, certificate, err := run.noise.Read(f.payload)
	if err != nil {
		return p, Received{}, ErrAuth
	}
	h, payload, err := h.Write(in.self.Certificate.Bytes())
	if err != nil {
		return p, Received{}, ErrAuth
	}
	run.noise = h
	l, err := p.establish(in, run, certificate)
	if err != nil {
		return p, Received{}, err
	}
	l.initiator = true
	reply := later(kindThird, f.to, f.from, f.id, payload)
	l.last = resending{frame: reply}.again(in.now)
	next, err := p.established(in, l, certificate)
	if err != nil {
		return p, Received{}, err
	}
	return next, Received{Established: true, Frames: []Frame{{f.from, reply}}}, nil
}

// third takes message 3: there is a session, which we confirm.
func (p Peer) third(in incoming) (Peer, Received, error) {
	f, known := in.frame, p.known(in)
	if i := known.byHandshake(f.id); i >= 0 { // a copy
		return p.confirmAgain(in, i)
	}
	if known.answered == nil || known.answered.id != f.id {
		return p.refuse(in, refusedHandshake, 0)
	}
	run := *known.answered
	h, certificate, err := run.noise.Read(f.payload)
	if err != nil {
		return p, Received{}, ErrAuth
	}
	run.noise = h
	l, err := p.establish(in, run, certificate)
	if err != nil {
		return p, Received{}, err
	}
	l, out, err := l.confirm(in.now, in.rand)
	if err != nil {
		return p, Received{}, err
	}
	next, err := p.established(in, l, certificate)
	if err != nil {
		return p, Received{}, err
	}
	return next, Received{Established: true, Outgoing: out}, nil
}

// confirmAgain confirms session i of the device once more: our confirmation has been lost.
func (p Peer) confirmAgain(in incoming, i int) (Peer, Received, error) {
	next, d, err := p.edit(in.frame.from, in.now)
	if err != nil || !d.links[i].mayConfirm(in.now) {
		return p, Received{}, err
	}
	l, out, err := d.links[i].confirm(in.now, in.rand)
	if err != nil {
		return p, Received{}, err
	}
	d.links[i] = l
	return next, Received{Outgoing: out}, nil
}

// establish makes the session of a handshake that is over, if the certificate that came in it is
// valid now and that of the device: of this identity, installation and static key.
func (p Peer) establish(in incoming, run handshake, certificate []byte) (link, error) {
	c, err := noise.ParseCertificate(certificate)
	if err != nil || c.InstallationID != in.frame.from {
		return link{}, ErrCertificate
	}
	s, err := noisesession.Establish(noisesession.Config{
		Handshake: run.noise, Certificate: certificate, Identity: p.Identity, Previous: run.previous, Scope: scope,
	}, in.now)
	if err != nil {
		return link{}, ErrCertificate
	}
	return link{
		session: s, time: run.time, handshake: run.id, pattern: run.noise.Pattern().Name(),
		ownStatic: in.self.Static.Public(), ownExpires: in.self.Certificate.Expires,
	}.ready()
}

// established puts a new session in its place, and ends the handshakes that it makes
// superfluous. The sessions before it stay as they are until the device is heard in it.
func (p Peer) established(in incoming, l link, certificate []byte) (Peer, error) {
	next, d, err := p.edit(in.frame.from, in.now)
	if err != nil {
		return p, err
	}
	if c, err := noise.ParseCertificate(certificate); err == nil {
		d.learn(c)
	}
	d.add(l)
	if d.answered != nil && d.answered.time <= l.time {
		d.answered = nil
	}
	if d.begun != nil && d.begun.time <= l.time {
		d.begun = nil
	}
	d.wanted, d.refused, d.failures, d.notBefore, d.seen = false, 0, 0, time.Time{}, in.now
	return next, nil
}

// refused takes a refusal: of a handshake that we have begun, which begins anew another way, of
// one that we have answered and the device does not know any more, or of a session that it has
// not heard of.
func (p Peer) refused(in incoming) (Peer, Received, error) {
	f := in.frame
	next, d, err := p.edit(f.from, in.now)
	if err != nil {
		return p, Received{}, err
	}
	i := d.byHandshake(f.id)
	switch {
	case f.reason == refusedHandshake && d.answered != nil && d.answered.id == f.id:
		d.answered = nil
		return next, Received{}, nil
	case f.reason == refusedHandshake && i >= 0 && !d.links[i].confirmed:
		d.links = slices.Delete(d.links, i, i+1)
		d.fail(in.now, false)
	case f.reason == refusedHandshake || d.begun == nil || d.begun.id != f.id:
		return p, Received{}, ErrHandshake
	case f.reason == refusedOld:
		if f.after > uint64(in.now.Add(2*noise.MaxClockSkew).UnixMilli()) {
			return p, Received{}, ErrClock
		}
		d.begunTime = max(d.begunTime, f.after)
		d.fail(in.now, false)
	default:
		d.refused |= d.begun.way
		d.fail(in.now, false)
	}
	if c, err := noise.ParseCertificate(f.cert); err == nil && c.Verify(in.now) == nil && c.Identity == p.Identity && c.InstallationID == f.from {
		d.learn(c)
	}
	d.wanted = true
	if in.now.Before(d.notBefore) {
		return next, Received{}, nil
	}
	frames, err := next.start(in.self, d, in.now, in.rand)
	if err != nil {
		return p, Received{}, err
	}
	return next, Received{Frames: frames}, nil
}
