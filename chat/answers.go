package chat

import (
	"cmp"
	"slices"
	"time"

	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
)

// What is authentic and cannot be read is answered, within limits:
//
//   - It is for other installations of ours: a message that carries our bundle, so that
//     the sender addresses this one too.
//   - It is for this installation and does not open: see losses.go.
//
// Whoever gets an empty message sends again what was not acknowledged. Nobody is
// answered whom we neither know nor have written to: what they signed for somebody else,
// who passes it on to us, would make us write to a stranger. They find our bundle in the
// contact code.
// Spec: 54, "Partitioned devices" and "Re-keying".

// answer is a message without content that is due to an installation.
type answer struct {
	peer         key.Public
	installation string
	kind         answerKind
}

type answerKind int

const (
	advertise answerKind = iota // empty, to whichever device reads it, in no session
	probe                       // in the session there is, to be acknowledged
	restart                     // empty, in a new session
)

// lastAnswer is when an answer of a kind went out last; of all answers to somebody, when
// the first of AdvertiseEvery did and how many have since.
type lastAnswer struct {
	at    time.Time
	times int
}

const (
	// maxAnswers bounds the answers that wait; what they would answer comes again.
	maxAnswers = 64
	// maxAnswersEach bounds the answers to one identity in AdvertiseEvery, however many
	// installations it claims to have.
	maxAnswersEach = 2 * session.MaxKnownInstallations
	// answersRemembered bounds what the limiter knows.
	answersRemembered = 4096
	// renewEvery is how often a repair may replace our pre-key: with the daily
	// rotation that stays below x3dh.MaxPreKeys in 30 days, so that nobody can make
	// us erase pre-keys early.
	renewEvery = 24 * time.Hour
)

// mayAnswer reports whether an answer is allowed now, pause after the one before of its
// kind, and counts it.
func (c *Client) mayAnswer(w answer, pause time.Duration, now time.Time) bool {
	last, before := c.loop.answered.Get(w)
	all := answer{peer: w.peer}
	sum, _ := c.loop.answered.Get(all)
	if now.Sub(sum.at) >= c.settings.AdvertiseEvery {
		sum = lastAnswer{at: now}
	}
	if before && now.Sub(last.at) < pause || sum.times >= maxAnswersEach || len(c.loop.answers) >= maxAnswers {
		return false
	}
	c.loop.answered.Add(w, lastAnswer{at: now})
	c.loop.answered.Add(all, lastAnswer{sum.at, sum.times + 1})
	return true
}

// answerable reports whether what m's sender sends and we cannot read may be answered.
// Whether they are blocked makes no difference, so that they cannot tell.
func (p *pass) answerable(m *inbound) bool {
	if m.route.kind == topicContactCode || !m.recent {
		return false
	}
	s, known := p.c.roster.get(m.sender)
	return m.sender == p.a.public || known && s.familiar() && !p.met[m.sender]
}

// recent reports whether the bundle of m is signed later than anything that the marks may
// have forgotten, and not before the last one of its installation. What anybody publishes
// again after the marks are gone is neither a sign of life nor a reason to do anything.
func (p *pass) recent(m *inbound, peer session.Peer) bool {
	at := m.signedAt()
	in, _ := peer.Find(m.message.GetInstallationId())
	return at > p.now.Add(-keepSeen).UnixNano() && at >= in.Activity
}

// signedAt is when the sender signed the latest of the bundles beside a message, ns; 0 if
// there is none.
func (m *inbound) signedAt() (at int64) {
	for _, b := range m.message.GetBundles() {
		if string(b.GetIdentity()) == string(m.sender.Compressed()) {
			at = max(at, b.GetTimestamp())
		}
	}
	return at
}

// partitioned answers a message that is for other installations of ours, unless its
// sender knows this one: then it is a resend to those that have not acknowledged it.
// Whoever holds a session with us is answered in it, since an empty message in none has
// them begin another one.
func (p *pass) partitioned(m *inbound, peer session.Peer) {
	w := answer{peer: m.sender, installation: m.in.InstallationID}
	if peer.HeardSince(w.installation, p.now.Add(-p.c.settings.AdvertiseEvery)) {
		return
	}
	if peer.HasSession(w.installation) {
		w.kind = probe
	}
	if m.sender == p.a.public || p.a.dropped || !p.answerable(m) || !p.c.mayAnswer(w, p.c.settings.AdvertiseEvery, p.now) {
		return
	}
	p.do(func(t *txn) error { t.then(func() { t.c.loop.answers[w] = true }); return nil })
}

// startOver begins a new session with an installation, with a new pre-key of ours of
// at least a version, and sends again what it has not acknowledged. The loop only.
func (c *Client) startOver(w answer, version uint32) {
	c.loop.answers[w] = true
	c.wantNewPreKey(version)
	c.outbox.Resend(outbox.Device{Peer: w.peer, Installation: w.installation})
}

// wantNewPreKey asks for a new pre-key. Its version is the time in seconds: above
// all that was given out by an earlier state of a store that was put back from an
// older copy.
func (c *Client) wantNewPreKey(version uint32) {
	now := c.now()
	if c.loop.rekeyed.IsZero() || now.Sub(c.loop.rekeyed) >= renewEvery {
		c.loop.rekey = max(version, uint32(now.Unix()))
	}
}

// renewPreKey replaces our pre-key when a repair asked for it. Called with busy held.
func (c *Client) renewPreKey() {
	a, err := c.account()
	if err != nil || c.loop.rekey == 0 {
		return
	}
	preKeys, err := a.self.PreKeys.Renew(c.now(), c.loop.rekey, c.rand)
	if err == nil {
		err = c.storePreKeys(a, preKeys)
	}
	if err != nil {
		c.log.Log("warn", "replacing the pre-key failed", "error", err.Error())
		return
	}
	c.loop.rekey, c.loop.rekeyed = 0, c.now()
}

// opened does what a message that opened means beside its content: an empty one asks
// for what was missed, in a new session if it came without one; and one that came in a
// session says that what seemed to be lost is there, or there again.
func (p *pass) opened(m *inbound, next session.Peer) session.Peer {
	from, peer := m.in.InstallationID, m.sender
	if m.in.Session >= 0 {
		p.answeredInSession(m, next.Sessions[m.in.Session])
	}
	// Without a session it may be one from before the marks, published again.
	if len(m.in.Plaintext) == 0 && (m.in.Session >= 0 || m.recent) {
		if m.in.Session < 0 {
			next = next.Rekey(from)
		}
		p.do(func(t *txn) error {
			t.then(func() { t.c.outbox.Resend(outbox.Device{Peer: peer, Installation: from}) })
			return nil
		})
	}
	return next
}

// maxPreKeyVersion bounds the versions that are believed: the time in seconds of 2072.
// Whoever has the seed phrase could otherwise use up all versions of ours.
const maxPreKeyVersion = 3 << 30

// ownBundleSeen compares what another own device knows of our pre-keys with what we
// have: if it knows a newer one, our store is an older copy that was put back.
func (p *pass) ownBundleSeen(m *inbound) {
	current, ok := p.a.self.PreKeys.Current()
	if m.sender != p.a.public || !ok {
		return
	}
	for _, b := range m.message.GetBundles() {
		spk := b.GetSignedPreKeys()[p.a.self.InstallationID]
		if string(b.GetIdentity()) != string(p.a.public.Compressed()) || spk == nil {
			continue
		}
		newer := spk.GetVersion() > current.Version && spk.GetVersion() < maxPreKeyVersion
		other := spk.GetVersion() == current.Version && string(spk.GetSignedPreKey()) != string(current.Private.Public().Compressed())
		if newer || other {
			version := spk.GetVersion() + 1
			p.do(func(t *txn) error { t.then(func() { t.c.wantNewPreKey(version) }); return nil })
		}
	}
}

// prepareAnswers makes the answers that are due, limit at most, and one an identity at a
// time, since each changes its sessions.
func (c *Client) prepareAnswers(a *account, now time.Time, limit int) (answers []outbox.Sealed) {
	got := map[key.Public]bool{}
	var due []answer
	for w := range c.loop.answers {
		due = append(due, w)
	}
	slices.SortFunc(due, func(x, y answer) int {
		return cmp.Or(slices.Compare(x.peer.Compressed(), y.peer.Compressed()), cmp.Compare(x.installation, y.installation))
	})
	for _, w := range due {
		if got[w.peer] || len(answers) >= limit {
			continue
		}
		delete(c.loop.answers, w)
		e, err := c.prepareAnswer(a, w, now)
		if err != nil {
			c.log.Log("warn", "an answer could not be made", "error", err.Error())
			continue
		}
		got[w.peer] = true
		answers = append(answers, c.outboxSealed(e))
	}
	return answers
}

// prepareAnswer goes to the partitioned topic, where everybody listens always.
func (c *Client) prepareAnswer(a *account, w answer, now time.Time) (*sealed, error) {
	p, err := c.peer(w.peer)
	if err != nil {
		return nil, err
	}
	e := &sealed{before: p, after: p, stateless: w.kind == advertise}
	var out session.Outgoing
	switch w.kind {
	case restart:
		e.after, out, err = p.Restart(a.self, w.installation, now, c.source())
	case probe:
		var plaintext []byte
		if plaintext, err = probeMessage(a, w.peer, now); err == nil {
			e.after, out, err = p.EncryptFor(a.self, w.installation, plaintext, now, c.source())
		}
	default:
		out, err = p.Advertise(c.source())
	}
	if err != nil {
		return nil, err
	}
	e.started = out.Started
	bundle, err := c.ownBundle(a)
	if err != nil {
		return nil, err
	}
	return e, c.sealPartitioned(a, bundle, e, out)
}

// ResetSessions forgets all sessions with somebody and begins new ones with their
// active installations. What they have not acknowledged is sent again.
func (c *Client) ResetSessions(k key.Public) error {
	c.busy.Lock()
	defer c.busy.Unlock()
	if _, err := c.account(); err != nil {
		return err
	}
	p, err := c.peer(k)
	if err != nil {
		return err
	}
	if len(p.Sessions) == 0 && len(p.Installations) == 0 {
		return Errorf(CodeNotFound, "key", "there are no sessions with this key")
	}
	err = c.update(func(t *txn) error {
		t.then(func() {
			for _, in := range p.Active() {
				c.startOver(answer{peer: k, installation: in.ID, kind: restart}, 0)
			}
		})
		return t.savePeer(p, p.Forget())
	})
	c.kick()
	return err
}

// storePreKeys makes new pre-keys ours, and publishes them. Called with busy held.
func (c *Client) storePreKeys(a *account, preKeys x3dh.PreKeys) error {
	next := *a
	next.self.PreKeys = preKeys
	if err := c.update(func(t *txn) error { return t.Put(tableMeta, metaPreKeys, preKeys.Marshal()) }); err != nil {
		return err
	}
	c.account_.Store(&next)
	c.codeSoon()
	return nil
}
