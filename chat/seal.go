package chat

import (
	"crypto/rand"
	"io"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// The middle of the sending pipeline: what the outbox has for a person becomes envelopes.
//
//	MVDS payload -> a ciphertext for each device, by its session (54) -> ProtocolMessage
//	with our bundle beside it -> 26 payload for the topic they listen on
//
// Sealing changes nothing: the sessions as they are then are stored with the envelope
// (sealed.save), so that a message key never encrypts two plaintexts.

// sealer implements outbox.Sealer.
type sealer struct{ c *Client }

// Recipient implements outbox.Sealer.
func (s sealer) Recipient(to key.Public) (outbox.Recipient, error) {
	a, err := s.c.account()
	if err != nil {
		return outbox.Recipient{}, err
	}
	p, err := s.c.peer(to)
	if err != nil {
		return outbox.Recipient{}, err
	}
	return outbox.Recipient{Devices: installationIDs(p.Active()), Unanswered: p.Unanswered(a.self)}, nil
}

// Knows implements outbox.Sealer.
func (s sealer) Knows(tx Tx, compressed []byte) (bool, error) {
	b, err := tx.Get(tablePeers, compressed)
	return b != nil, err
}

// Answers implements outbox.Sealer.
func (s sealer) Answers(now time.Time, limit int) []outbox.Sealed {
	a, err := s.c.account()
	if err != nil {
		return nil
	}
	return s.c.prepareAnswers(a, now, limit)
}

// Seal implements outbox.Sealer. It encrypts on all cores: the largest part of sending to
// several people or devices. A source of randomness that was given to the client is read
// in order instead, so that a seeded run repeats itself.
func (s sealer) Seal(now time.Time, payloads []outbox.Payload) []outbox.SealResult {
	results := make([]outbox.SealResult, len(payloads))
	a, err := s.c.account()
	var bundle *wire.Bundle
	if err == nil {
		bundle, err = s.c.ownBundle(a)
	}
	all := make([]*sealing, len(payloads))
	for i, p := range payloads {
		if results[i].Err = err; err == nil {
			all[i], results[i].Err = s.c.beginSealing(a, bundle, p, now)
		}
	}
	seal := func(i int) {
		if results[i].Err == nil {
			results[i].Envelopes, results[i].Err = s.c.sealPayload(all[i])
		}
	}
	if s.c.rand == io.Reader(rand.Reader) {
		parallel.Do(len(all), seal)
	} else {
		for i := range all {
			seal(i)
		}
	}
	return results
}

// sealing is a payload on its way into an envelope, with what that takes.
type sealing struct {
	outbox.Payload
	a       *account
	bundle  *wire.Bundle
	to      session.Peer
	profile *introduction // nil: they know us
	now     time.Time
	shared  route // the negotiated topic
}

// beginSealing looks up what sealing takes; it reads memory that only the loop has.
func (c *Client) beginSealing(a *account, bundle *wire.Bundle, p outbox.Payload, now time.Time) (*sealing, error) {
	to, err := c.peer(p.To)
	if err != nil {
		return nil, err
	}
	s := &sealing{Payload: p, a: a, bundle: bundle, to: to, now: now}
	if p.Messages {
		s.profile, err = c.introduce(a, p.To, now)
	}
	return s, err
}

// sealPayload makes the envelopes of one payload: our profile first if they do not have
// it. It runs on several goroutines and changes nothing else.
func (c *Client) sealPayload(s *sealing) ([]outbox.Sealed, error) {
	shared, known, err := c.negotiatedRoute(s.a, s.To)
	if err != nil {
		return nil, err
	}
	s.shared = shared
	var envelopes []outbox.Sealed
	if s.profile != nil {
		first, err := c.encrypt(s, s.profile.application, nil)
		if err != nil {
			return nil, err
		}
		first.introduces, s.to = s.profile.record, first.after
		envelopes = append(envelopes, c.outboxSealed(first))
	}
	plaintext, err := s.Plaintext()
	if err != nil {
		return nil, err
	}
	last, err := c.encrypt(s, plaintext, s.Except)
	if err != nil {
		return nil, err
	}
	if !known {
		last.newTopic = &shared
	}
	return append(envelopes, c.outboxSealed(last)), nil
}

// sealed is an envelope, and what changes with its being made.
type sealed struct {
	before, after session.Peer
	stateless     bool     // no session moves: it is an advertisement
	started       []string // installations with which it begins a session
	contentTopic  string
	bytes         []byte
	newTopic      *route                 // the negotiated topic, if it is the first on it
	introduces    *wire.IntroducedRecord // what they know of our profile by it
}

// encrypt encrypts for the devices of a person except some, and seals that for the topic
// they listen on: the negotiated one once all devices do, or the partitioned one.
// Spec: 54, "Negotiated topic to be used for the session".
func (c *Client) encrypt(s *sealing, plaintext []byte, except []string) (*sealed, error) {
	next, out, err := s.to.Encrypt(s.a.self, plaintext, except, s.now, c.source())
	if err != nil {
		return nil, err
	}
	e := &sealed{before: s.to, after: next, started: out.Started}
	if !out.Negotiated {
		return e, c.sealPartitioned(s.a, s.bundle, e, out)
	}
	pm, err := protocolMessage(s.a, s.bundle, out.Messages, nil)
	if err != nil {
		return nil, err
	}
	e.contentTopic = s.shared.contentTopic
	e.bytes, err = payload.SealSymmetric(c.rand, s.shared.sym, s.a.self.Identity, pm)
	return e, err
}

// sealPartitioned seals for the partitioned topic, where everybody listens always.
// Spec: 26/WAKU2-PAYLOAD.
func (c *Client) sealPartitioned(a *account, bundle *wire.Bundle, e *sealed, out session.Outgoing) error {
	pm, err := protocolMessage(a, bundle, out.Messages, nil)
	if err != nil {
		return err
	}
	to := e.before.Identity
	e.contentTopic = topic.Partitioned(to).ContentTopic()
	e.bytes, err = payload.SealAsymmetric(c.rand, to, a.self.Identity, pm)
	return err
}

func (c *Client) outboxSealed(e *sealed) outbox.Sealed {
	return outbox.Sealed{
		To: e.before.Identity, ContentTopic: e.contentTopic, Bytes: e.bytes,
		Save: func(tx *ledger.Tx) error { return c.txn(tx).saveSealed(e) },
	}
}

// saveSealed stores what sealing has changed.
func (t *txn) saveSealed(e *sealed) error {
	if !e.stateless {
		if err := t.savePeer(e.before, e.after); err != nil {
			return err
		}
	}
	if err := t.emitStarted(e.after, e.started); err != nil {
		return err
	}
	if e.newTopic != nil {
		if err := e.newTopic.store(t); err != nil {
			return err
		}
		t.then(func() { t.c.listen(*e.newTopic) })
	}
	return t.storeIntroduction(e)
}
