package chat

import (
	"cmp"
	"slices"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
)

// What is authentic and cannot be read is answered, within limits:
//
//   - It is for other installations of ours: a message that carries our bundle, so that
//     the sender addresses this one too.
//   - It is for this installation and does not open: see losses.go.
//
// A client that gets an empty message sends again what was not acknowledged. Strangers are
// not answered: somebody else may pass on to us what a stranger signed for them, and would
// make us write to that stranger. They find our bundle in the contact code.
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
	greet                       // to be acknowledged by whichever device reads it
)

// answers are the answers that are due, and how often there were some.
type answers struct {
	due  map[answer]bool
	sent *lru.Cache[answer, lastAnswer]
}

// newAnswers returns the memory of a client that has answered nobody.
func newAnswers() answers {
	sent, _ := lru.New[answer, lastAnswer](answersRemembered) // fails only for a size below 1
	return answers{due: map[answer]bool{}, sent: sent}
}

// lastAnswer remembers the last answer of a kind to an installation. Under the answer that
// names only a peer it counts all answers to them: at is the first of the present
// AdvertiseEvery, times how many there have been since.
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
	// renewEvery limits how often a repair may replace our pre-key: with the daily rotation
	// that stays below x3dh.MaxPreKeys in 30 days, so that nobody can make us erase
	// pre-keys early.
	renewEvery = 24 * time.Hour
)

// mayAnswer reports whether an answer is allowed now, and counts it: at least pause after the
// last one of its kind, and not too many in all.
func (c *Client) mayAnswer(w answer, pause time.Duration, now time.Time) bool {
	last, before := c.sessions.answers.sent.Get(w)
	all := answer{peer: w.peer}
	sum, _ := c.sessions.answers.sent.Get(all)
	if now.Sub(sum.at) >= c.settings.AdvertiseEvery {
		sum = lastAnswer{at: now}
	}
	if before && now.Sub(last.at) < pause || sum.times >= maxAnswersEach || len(c.sessions.answers.due) >= maxAnswers {
		return false
	}
	c.sessions.answers.sent.Add(w, lastAnswer{at: now})
	c.sessions.answers.sent.Add(all, lastAnswer{sum.at, sum.times + 1})
	return true
}

// answerable reports whether m may be answered though we cannot read it. Whether its sender
// is blocked makes no difference: they must not be able to tell.
func (p *pass) answerable(m *inbound) bool {
	if m.route.kind.rule().public || !m.recent {
		return false
	}
	s, known := p.c.people.contacts.get(m.sender)
	return m.sender == p.a.public || known && s.familiar() && !p.met[m.sender]
}

// partitioned answers a message that is for other installations of ours, unless its sender
// knows this one: then it is a resend to those that have not acknowledged it. A sender who
// holds a session with us is answered in it, since an empty message outside of a session
// makes them begin another one.
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
	p.do(func(t *txn) error { t.After(func() { t.c.sessions.answers.due[w] = true }); return nil })
}

// prepareAnswers makes the answers that are due, limit at most, and one an identity: each
// changes the sessions, and the next is made from those in memory, which change when it is
// stored.
func (c *Client) prepareAnswers(a *account, now time.Time, limit int) (answers []outbox.Sealed) {
	got := map[key.Public]bool{}
	var due []answer
	for w := range c.sessions.answers.due {
		due = append(due, w)
	}
	slices.SortFunc(due, func(x, y answer) int {
		return cmp.Or(slices.Compare(x.peer.Compressed(), y.peer.Compressed()), cmp.Compare(x.installation, y.installation))
	})
	for _, w := range due {
		if got[w.peer] || len(answers) >= limit {
			continue
		}
		delete(c.sessions.answers.due, w)
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

// prepareAnswer makes one answer. It goes to the partitioned topic, where everybody always
// listens; a device that has lost its sessions knows no other one. Whoever gets it takes it
// that we listen on the negotiated topic from now on, as after all we encrypt, so we do.
// Spec: 54, "Negotiated topic to be used for the session".
func (c *Client) prepareAnswer(a *account, w answer, now time.Time) (*sealed, error) {
	p, err := c.peer(w.peer)
	if err != nil {
		return nil, err
	}
	shared, known, err := c.negotiatedRoute(a, w.peer)
	if err != nil {
		return nil, err
	}
	e := &sealed{before: p, after: p, stateless: w.kind == advertise}
	if !known {
		e.newTopic = &shared
	}
	var out session.Outgoing
	switch w.kind {
	case restart:
		e.after, out, err = p.Restart(a.self, w.installation, now, c.source())
	case probe:
		var plaintext []byte
		if plaintext, err = probeMessage(a, w.peer, now); err == nil {
			e.after, out, err = p.EncryptFor(a.self, w.installation, plaintext, now, c.source())
		}
	case greet:
		var plaintext []byte
		if plaintext, err = probeMessage(a, w.peer, now); err == nil {
			e.after, out, err = p.Encrypt(a.self, plaintext, nil, now, c.source())
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
