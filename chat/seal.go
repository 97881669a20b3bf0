package chat

import (
	"crypto/rand"
	"io"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// The middle of the sending pipeline: a payload of the outbox for a person becomes
// envelopes.
//
//	MVDS payload -> a ciphertext for each device, by its session (54) -> ProtocolMessage
//	with our bundle beside it -> 26 payload for the topic they listen on
//
// Sealing changes nothing in memory or store: the outbox stores the sessions as they are
// after it together with the envelope (saveSealed), before it publishes, so that a message
// key never encrypts two plaintexts.

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
	r := outbox.Recipient{Devices: installationIDs(p.Active()), Unanswered: p.Unanswered(a.self)}
	if by := s.c.exchangeWith(to); by.noise {
		r = s.c.noiseRecipient(p, by, r)
	}
	return r, nil
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
	all := s.c.prepareHandshakes(a, now, limit)
	return append(all, s.c.prepareAnswers(a, now, limit-len(all))...)
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
			results[i].Attempts, results[i].Err = s.c.sealPayload(all[i])
		}
	}
	// Payloads of one call go to different people, so their sessions do not depend on each
	// other and may be encrypted at the same time.
	if s.c.rand == io.Reader(rand.Reader) {
		parallel.Do(len(all), seal)
	} else {
		for i := range all {
			seal(i)
		}
	}
	return results
}

// sealing is a payload on its way into an envelope, with all that encrypting it needs.
type sealing struct {
	outbox.Payload
	a       *account
	bundle  *wire.Bundle
	to      session.Peer
	profile *introduction // nil: they know us
	now     time.Time
	shared  route         // the negotiated topic
	noise   *noiseSealing // nil: by X3DH
}

// beginSealing looks up all that encrypting a payload needs, because the goroutines that do
// it must not read memory that the engine's lock guards.
func (c *Client) beginSealing(a *account, bundle *wire.Bundle, p outbox.Payload, now time.Time) (*sealing, error) {
	to, err := c.peer(p.To)
	if err != nil {
		return nil, err
	}
	s := &sealing{Payload: p, a: a, bundle: bundle, to: to, now: now, noise: c.noiseSealing(to)}
	if p.Introduces {
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
	if s.noise != nil {
		return c.sealByNoise(s, known)
	}
	// The profile takes the first step of the sessions, and the payload goes on from there:
	// s.to is replaced, or both would use the same message keys.
	var envelopes []outbox.Sealed
	if s.profile != nil {
		first, err := c.encrypt(s, s.profile.application, nil)
		if err != nil {
			return nil, err
		}
		first.introduces, s.to = s.profile.record, first.after
		envelopes = append(envelopes, c.outboxSealed(first))
	}
	// Encoded only now and here: it may read rows from the store, on this goroutine.
	plaintext, err := s.Plaintext()
	if err != nil {
		return nil, err
	}
	last, err := c.encrypt(s, plaintext, s.Except)
	if err != nil {
		return nil, err
	}
	// With the last envelope, which is always made: the topic is stored, and listened to,
	// before anybody can answer on it.
	if !known {
		last.newTopic = &shared
	}
	return append(envelopes, c.outboxSealed(last)), nil
}

// sealed is an envelope, with the changes to store with it.
type sealed struct {
	before, after session.Peer
	stateless     bool     // no session moves: it is an advertisement
	started       []string // installations with which it begins a session
	contentTopic  string
	envelopes     [][]byte
	segmented     [32]byte               // names the set of segments they are, if there are several
	newTopic      *route                 // the negotiated topic, if the envelope is the first on it
	introduces    *wire.IntroducedRecord // our profile as they know it then
	noise         *noiseStep             // what changes of Noise with it
}

// encrypt encrypts for the devices of a person except some, and seals that for the topic
// they listen on: the negotiated one once all devices do and its key is here, or the
// partitioned one.
// Spec: 54, "Negotiated topic to be used for the session".
func (c *Client) encrypt(s *sealing, plaintext []byte, except []string) (*sealed, error) {
	next, out, err := s.to.Encrypt(s.a.self, plaintext, except, s.now, c.source())
	if err != nil {
		return nil, err
	}
	e := &sealed{before: s.to, after: next, started: out.Started}
	if !out.Negotiated || !s.shared.opens() {
		return e, c.sealPartitioned(s.a, s.bundle, e, out)
	}
	pm, err := protocolMessage(s.a, s.bundle, out.Messages, nil)
	if err != nil {
		return nil, err
	}
	e.contentTopic = s.shared.contentTopic()
	err = c.inEnvelopes(e, pm, func(data []byte) ([]byte, error) {
		return payload.SealSymmetric(c.rand, s.shared.sym, s.a.self.Identity, data)
	})
	return e, err
}

// sealPartitioned seals for the partitioned topic, where everybody listens always.
// Spec: 26/WAKU2-PAYLOAD.
func (c *Client) sealPartitioned(a *account, bundle *wire.Bundle, e *sealed, out session.Outgoing) error {
	pm, err := protocolMessage(a, bundle, out.Messages, nil)
	if err != nil {
		return err
	}
	return c.sealAsymmetric(a, e, e.before.Identity, pm)
}

// sealAsymmetric seals a ProtocolMessage for an identity.
func (c *Client) sealAsymmetric(a *account, e *sealed, to key.Public, pm []byte) error {
	e.contentTopic = topic.Partitioned(to).ContentTopic()
	return c.inEnvelopes(e, pm, func(data []byte) ([]byte, error) {
		return payload.SealAsymmetric(c.rand, to, a.self.Identity, data)
	})
}

func (c *Client) outboxSealed(e *sealed) outbox.Sealed {
	return outbox.Sealed{
		To: e.before.Identity, ContentTopic: e.contentTopic, Envelopes: e.envelopes,
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
	if e.noise != nil {
		if err := t.c.noise.Save(t.Tx, e.noise.before, e.noise.after); err != nil {
			return err
		}
	}
	if err := t.emitStarted(e.after, e.started); err != nil {
		return err
	}
	if err := t.rememberSegments(e); err != nil {
		return err
	}
	if e.newTopic != nil {
		if err := e.newTopic.store(t); err != nil {
			return err
		}
		t.After(func() { t.c.listen(*e.newTopic) })
	}
	return t.storeIntroduction(e)
}

// Introducing ourselves: a CHAT_IDENTITY, our profile, goes ahead of a message to somebody
// who has not been sent it as it is now. It goes without MVDS, so nobody acknowledges it
// and it may be lost: so it is repeated once a day.
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed.

// introduceAgain is the time after which a profile is repeated before a message: the
// deployed figure.
const introduceAgain = 24 * time.Hour

// introduction is our profile as it goes to somebody ahead of a message.
type introduction struct {
	record      *wire.IntroducedRecord // what they have been sent then
	application []byte
}

// introduce returns our profile for somebody who is about to get a message, nil if they have
// it. Contacts of ours get it with our picture. The caller holds the engine's lock.
func (c *Client) introduce(a *account, to key.Public, now time.Time) (*introduction, error) {
	s, _ := c.people.contacts.get(to)
	if s.blocked || to == a.public {
		return nil, nil
	}
	withPicture := a.picture != nil && s.request.Added()
	ci := a.chatIdentity(withPicture)
	if ci == nil {
		return nil, nil
	}
	sent, err := c.lastIntroduction(to)
	if err != nil {
		return nil, err
	}
	fresh := within(introduceAgain, sent.GetAt(), now)
	if sent.GetProfileClock() == ci.GetClock() && fresh && (sent.GetPicture() || !withPicture) {
		return nil, nil
	}
	application, err := c.signedProfile(a, ci, withPicture)
	if err != nil {
		return nil, err
	}
	return &introduction{&wire.IntroducedRecord{ProfileClock: ci.GetClock(), At: now.UnixMilli(), Picture: withPicture}, application}, nil
}

// introductions remembers which profile of ours people were sent: the records of
// tableIntroduced that were used last.
type introductions struct {
	last   *lru.Cache[key.Public, *wire.IntroducedRecord]
	signed signedProfile
}

// newIntroductions returns the memory of a client that has sent its profile to nobody.
func newIntroductions() introductions {
	last, _ := lru.New[key.Public, *wire.IntroducedRecord](peersInMemory) // fails only for a size below 1
	return introductions{last: last}
}

// signedProfile is a CHAT_IDENTITY as it was signed last for an account: everybody
// gets the same.
type signedProfile struct {
	account     *account
	withPicture bool
	application []byte
}

// signedProfile returns our profile as a signed application message.
func (c *Client) signedProfile(a *account, ci *wire.ChatIdentity, withPicture bool) ([]byte, error) {
	if last := c.people.introductions.signed; last.account == a && last.withPicture == withPicture {
		return last.application, nil
	}
	encoded, err := message.Encode(ci)
	if err != nil {
		return nil, err
	}
	application, err := message.Wrap(a.self.Identity, wire.ApplicationMetadataMessage_CHAT_IDENTITY, encoded)
	if err == nil {
		c.people.introductions.signed = signedProfile{a, withPicture, application}
	}
	return application, err
}

// lastIntroduction returns the record of the profile that somebody was sent last.
func (c *Client) lastIntroduction(k key.Public) (*wire.IntroducedRecord, error) {
	if sent, ok := c.people.introductions.last.Get(k); ok {
		return sent, nil
	}
	sent := &wire.IntroducedRecord{}
	_, err := c.ledger.Get(tableIntroduced, k.Compressed(), sent)
	if err == nil {
		c.people.introductions.last.Add(k, sent)
	}
	return sent, err
}

// storeIntroduction stores, with an envelope that introduces us to somebody, the profile
// they are sent. Our profile goes as an application message without MVDS around it: it is
// neither acknowledged nor sent again.
func (t *txn) storeIntroduction(e *sealed) error {
	if e.introduces == nil {
		return nil
	}
	to := e.before.Identity
	t.After(func() { t.c.people.introductions.last.Add(to, e.introduces) })
	return ledger.Put(t, tableIntroduced, to.Compressed(), e.introduces)
}

// introduced checks that the records of sent profiles belong to somebody.
func (in *inspection) introduced() error {
	return in.Each(tableIntroduced, func(name, value []byte) error {
		var rec wire.IntroducedRecord
		if err := ledger.Decode(tableIntroduced, value, &rec); err != nil {
			return err
		}
		if _, ok := key.ParseCompact(name); !ok {
			in.Report(tableIntroduced, "a record is of nobody")
		}
		return nil
	})
}

// bundleFresh is the time for which one signature of our bundle is used. By its timestamp
// others only learn which device was heard last; deployed clients sign anew for each
// message.
const bundleFresh = time.Minute

// signedBundle is our bundle as it was signed last, for the account as it was then.
type signedBundle struct {
	bundle  *wire.Bundle
	account *account
	at      time.Time
}

// ownBundle is our signed bundle, with the pre-keys of our active installations and a
// recent timestamp. The caller holds the engine's lock. Spec: 53/WAKU2-X3DH, "Bundle retrieval".
func (c *Client) ownBundle(a *account) (*wire.Bundle, error) {
	current, ok := a.self.PreKeys.Current()
	if !ok {
		return nil, Errorf(CodeStoreCorrupt, "", "there is no current pre-key")
	}
	now, last := c.now(), c.sessions.bundle
	if age := now.Sub(last.at); last.account == a && age >= 0 && age < bundleFresh {
		return last.bundle, nil
	}
	bundle, err := x3dh.Bundle{
		Identity:      a.public,
		Timestamp:     now.UnixNano(),
		SignedPreKeys: append([]x3dh.SignedPreKey{current.Signed(a.self.InstallationID)}, a.others...),
	}.Sign(a.self.Identity)
	if err == nil {
		c.sessions.bundle = signedBundle{bundle, a, now}
	}
	return bundle, err
}

// protocolMessage wraps what the sessions encrypted, with our bundle beside it.
func protocolMessage(a *account, bundle *wire.Bundle, encrypted map[string]*wire.EncryptedMessageProtocol, public []byte) ([]byte, error) {
	return proto.Marshal(&wire.ProtocolMessage{
		InstallationId: a.self.InstallationID, Bundles: []*wire.Bundle{bundle},
		EncryptedMessage: encrypted, PublicMessage: public,
	})
}
