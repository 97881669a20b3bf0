package noisesession

import (
	"errors"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// State is the state of a session. The numbers are stored.
type State byte

// The states.
const (
	Active     State = iota + 1 // sends and opens
	Stale                       // opens late messages, sends nothing
	Terminated                  // keys erased
)

// Peer is the device at the other end.
type Peer struct {
	Identity       key.Public
	InstallationID string
	Static         noise.PublicKey
}

// Session is one session, a value: its methods give the next one. The zero value is none.
// It is secret and redacts itself.
type Session struct {
	id        ID
	previous  ID // the session it was bound to, zero for none
	scope     noise.Scope
	peer      Peer
	state     State
	away      bool // handed over to another device
	transport noise.Transport
	created   time.Time
	heard     time.Time // last message of the peer's
	ended     time.Time // when it went stale
	expires   time.Time // when the peer's certificate runs out, and the session with it
}

// Config holds what Establish needs.
type Config struct {
	Handshake   noise.Handshake // finished
	Certificate []byte          // the peer's, from the encrypted payload or its card
	Identity    key.Public      // who the peer must be
	Previous    ID              // the session in the handshake's prologue, zero for none
	Scope       noise.Scope
	// Provisional: the peer may be a device that has no identity yet.
	Provisional bool
}

// Establish makes an active session of a finished handshake, if the certificate is valid
// now, for the static key of the handshake, and of the identity expected. Errors:
// ErrHandshake, ErrCertificate, noise.ErrCertificateTime, ErrIdentity, noise.ErrTopic.
func Establish(c Config, now time.Time) (Session, error) {
	transport, err := c.Handshake.Finish()
	if err != nil {
		return Session{}, ErrHandshake
	}
	if err := c.Scope.Check(); err != nil {
		return Session{}, err
	}
	cert, err := noise.ParseCertificate(c.Certificate)
	if err != nil || cert.Static != c.Handshake.RemoteStatic() {
		return Session{}, ErrCertificate
	}
	verify := cert.Verify
	if c.Provisional {
		verify = cert.VerifyDevice
	}
	switch err := verify(now); {
	case errors.Is(err, noise.ErrCertificateTime):
		return Session{}, err
	case err != nil:
		return Session{}, ErrCertificate
	}
	if cert.Identity != c.Identity {
		return Session{}, ErrIdentity
	}
	return Session{
		id: NewID(c.Handshake.Hash()), previous: c.Previous, scope: c.Scope,
		peer:  Peer{cert.Identity, cert.InstallationID, cert.Static},
		state: Active, transport: transport, created: now, heard: now, expires: cert.Expires,
	}, nil
}

// Certify takes another certificate of the peer's device, which it sent in the session:
// its static key must be the one of the handshake and the installation the same. A device
// that had no identity when it was paired shows so which one it has got since. Errors:
// ErrCertificate, noise.ErrCertificateTime.
func (s Session) Certify(certificate []byte, now time.Time) (Session, error) {
	cert, err := noise.ParseCertificate(certificate)
	if err != nil || cert.Static != s.peer.Static || cert.InstallationID != s.peer.InstallationID {
		return s, ErrCertificate
	}
	switch err := cert.Verify(now); {
	case errors.Is(err, noise.ErrCertificateTime):
		return s, err
	case err != nil:
		return s, ErrCertificate
	}
	s.peer.Identity, s.expires = cert.Identity, cert.Expires
	return s, nil
}

// ID is the session-id.
func (s Session) ID() ID { return s.id }

// Previous is the session this one was bound to, zero for none.
func (s Session) Previous() ID { return s.previous }

// Peer is the device at the other end.
func (s Session) Peer() Peer { return s.peer }

// State is the state of the session.
func (s Session) State() State { return s.state }

// Away reports whether the session was handed over and may only open.
func (s Session) Away() bool { return s.away }

// Created returns the time when the session was established.
func (s Session) Created() time.Time { return s.created }

// Heard returns the time of the peer's last message.
func (s Session) Heard() time.Time { return s.heard }

// Expires returns the time when the peer's certificate runs out, and the session ends.
func (s Session) Expires() time.Time { return s.expires }

// Expired reports whether the peer's certificate has run out.
func (s Session) Expired(now time.Time) bool { return !now.Before(s.expires) }

// Sent counts the messages that were sealed in the session.
func (s Session) Sent() uint64 { return s.transport.Sent() }

// Received is one more than the highest number of a message that was opened.
func (s Session) Received() uint64 { return s.transport.Received() }

// Topic is the session's content topic.
func (s Session) Topic() string { return s.scope.SessionTopic(s.id.CTID()) }

// Due reports whether a new handshake is due, by age, by count, or because the session
// ends soon.
func (s Session) Due(now time.Time) bool {
	if s.state != Active || s.away {
		return false
	}
	return now.Sub(s.created) >= MaxAge || s.expires.Sub(now) <= ExpiryNotice || s.transport.Sent()+s.transport.Received() >= MaxMessages
}

// Kinds of what is inside a session. The numbers are sent.
const (
	kindData byte = iota + 1
	kindTerminate
	kindHandover
)

// Kind is the kind of a message.
type Kind byte

// The kinds of messages.
const (
	Data        Kind = iota + 1 // Message.Text
	Termination                 // the peer ended the session, which is stale now
	Handed                      // Message.Handover
	Unsupported                 // a kind or content unknown to this version: Message.Text is the whole plaintext
)

// Message is the content of a payload.
type Message struct {
	Kind     Kind
	Text     []byte
	Handover Handover
}

// Seal encrypts the application's bytes and gives the payload for Topic. Store the next
// session before publishing. Errors: ErrNotActive, ErrHandedOver, noise.ErrTooLong.
func (s Session) Seal(text []byte) (Session, []byte, error) {
	if len(text) > MaxText {
		return s, nil, noise.ErrTooLong
	}
	return s.seal(kindData, text)
}

func (s Session) seal(kind byte, content []byte) (Session, []byte, error) {
	if s.state != Active {
		return s, nil, ErrNotActive
	}
	if s.away {
		return s, nil, ErrHandedOver
	}
	t, payload, err := s.transport.Seal(append([]byte{kind}, content...))
	if err != nil {
		return s, nil, err
	}
	s.transport = t
	return s, payload, nil
}

// Open decrypts a payload from Topic. Once it authenticates, the session moves on, whatever
// its content. Errors: ErrTerminated, and those of noise.Transport.Open: then nothing changed.
func (s Session) Open(payload []byte, now time.Time) (Session, Message, error) {
	if s.state != Active && s.state != Stale {
		return s, Message{}, ErrTerminated
	}
	t, plaintext, err := s.transport.Open(payload)
	if err != nil {
		return s, Message{}, err
	}
	s = s.expire(now)
	s.transport, s.heard = t, now
	m := s.message(plaintext)
	if m.Kind == Termination {
		s = s.stale(now)
	}
	return s, m, nil
}

// message reads a plaintext.
func (s Session) message(plaintext []byte) Message {
	unsupported := Message{Kind: Unsupported, Text: plaintext}
	if len(plaintext) == 0 {
		return unsupported
	}
	content := plaintext[1:]
	hash := s.id.Hash()
	switch plaintext[0] {
	case kindData:
		return Message{Kind: Data, Text: content}
	case kindTerminate:
		if slices.Equal(content, hash[:]) {
			return Message{Kind: Termination}
		}
	case kindHandover:
		if h, err := ParseHandover(content); err == nil {
			return Message{Kind: Handed, Handover: h}
		}
	}
	return unsupported
}

// Terminate ends the session and returns the payload that tells the peer. Errors:
// ErrNotActive, ErrHandedOver.
func (s Session) Terminate(now time.Time) (Session, []byte, error) {
	hash := s.id.Hash()
	s, payload, err := s.seal(kindTerminate, hash[:])
	if err != nil {
		return s, nil, err
	}
	return s.stale(now), payload, nil
}

// Retire makes an active session stale without telling the peer: another of our devices
// has done so, or a newer session has replaced it. Other sessions stay as they are.
func (s Session) Retire(now time.Time) Session {
	if s.state != Active {
		return s
	}
	return s.stale(now)
}

// stale makes an active session stale; one that is stale already keeps its time.
func (s Session) stale(now time.Time) Session {
	if s.state == Active {
		s.state, s.ended = Stale, now
	}
	return s
}

// expire makes a session stale if its peer's certificate has run out, as of that time.
func (s Session) expire(now time.Time) Session {
	if s.Expired(now) {
		return s.stale(s.expires)
	}
	return s
}

// Tick does what is due by the clock: an active session goes stale after SilenceLimit
// without a message of the peer, or when the peer's certificate runs out; a stale one is
// terminated after StaleGrace, and its keys are erased.
func (s Session) Tick(now time.Time) Session {
	s = s.expire(now)
	if s.state == Active && now.Sub(s.heard) >= SilenceLimit {
		s = s.stale(now)
	}
	if s.state == Stale && now.Sub(s.ended) >= StaleGrace {
		s.state, s.transport = Terminated, noise.Transport{}
	}
	return s
}
