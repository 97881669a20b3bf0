package pairing

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/noise"
)

// Config holds the keys and choices of one device. It is secret and redacts itself.
type Config struct {
	Scope  noise.Scope
	Static noise.PrivateKey // this installation's
	// Nonces demands an authcode that depends on nonces of both sides, which no deployed
	// client supports. Without it this device displays a QR code for 43's own authcode, and
	// as a scanner accepts either form.
	Nonces bool
	// Certificate goes with the static key; empty for none, which go-waku peers need.
	Certificate []byte
}

// check reports whether the configuration is usable. Errors: ErrConfig, noise.ErrTopic.
func (c Config) check() error {
	if c.Static.IsZero() || len(c.Certificate) > noise.MaxCertificate {
		return ErrConfig
	}
	return c.Scope.Check()
}

// Phase is the point that a pairing has reached. The numbers are stored.
type Phase byte

// The phases.
const (
	PhaseShown   Phase = iota + 1 // the QR code is displayed, nobody has scanned it
	PhaseConfirm                  // the authcode is shown, our user has not answered
	PhaseWait                     // our user has confirmed, the other side is to answer
	PhaseDone                     // paired: Transport
	PhaseFailed                   // over: Failure
	PhaseAnswer                   // we have scanned, the displayer is to open its nonce
)

// Pairing is one side of a pairing, a value. The zero value is none. It is secret and
// redacts itself. At PhaseDone keep the Transport and delete the Pairing once Wake is zero:
// until then it answers late scanners and repeated messages, for which it holds ephemeral
// keys.
type Pairing struct {
	config    Config
	pattern   string
	displayer bool
	phase     Phase
	random    [randomSize]byte // opens our commitment
	exposures []exposure       // of a displayer: its QR codes, the present one first
	handshake noise.Handshake
	abort     abort    // from message 1 on
	committed [32]byte // the peer's commitment, from message 1 on
	nonces    nonces
	held      []byte // message 2, genuine, received before our user confirmed
	deadline  time.Time
	refusals  int // aborts sent to scanners refused
	failure   Failure
	peer      []byte // the peer's certificate, verified, nil if it sent none
}

// exposure is a QR code that is or was displayed, with the key to read its scanners'
// messages.
type exposure struct {
	invitation Invitation
	ephemeral  noise.PrivateKey
	expires    time.Time
	used       bool      // it led to this pairing
	forget     time.Time // when the key is erased
}

// Output tells the caller what to do after a step.
type Output struct {
	Send    [][]byte // payloads to publish on Topic, in this order
	Renewed bool     // a new QR code is to be shown: Invitation
}

// Start makes a QR code to display. The pattern is noise.WakuPairing if this device asks to
// be paired with another, noise.WakuPairing2 if it is the other one. It draws 80 bytes
// of rand, 112 with nonces. Errors: ErrConfig, noise.ErrTopic, noise.ErrPattern, or rand's.
func Start(c Config, pattern string, now time.Time, rand io.Reader) (Pairing, error) {
	if err := c.check(); err != nil {
		return Pairing{}, err
	}
	if pattern != noise.WakuPairing && pattern != noise.WakuPairing2 {
		return Pairing{}, noise.ErrPattern
	}
	c.Certificate = slices.Clone(c.Certificate)
	p, err := Pairing{config: c, pattern: pattern, displayer: true}.expose(now, rand)
	if err != nil {
		return Pairing{}, err
	}
	return p, nil
}

// expose makes a new QR code, and forgets the oldest if there are maxExposures.
func (p Pairing) expose(now time.Time, rand io.Reader) (Pairing, error) {
	ephemeral, err := noise.GenerateKey(rand)
	if err != nil {
		return p, err
	}
	e := exposure{ephemeral: ephemeral, expires: now.Add(QRLifetime), forget: now.Add(QRLifetime + RefusalTime)}
	e.invitation.Pattern = p.pattern
	var random [randomSize]byte
	draw := [][]byte{random[:], e.invitation.Nametag[:]}
	var own nonces
	if p.config.Nonces {
		draw = append(draw, own.own[:])
	}
	for _, b := range draw {
		if _, err := io.ReadFull(rand, b); err != nil {
			return p, fmt.Errorf("pairing: reading randomness: %w", err)
		}
	}
	e.invitation.QR = QR{Scope: p.config.Scope, Ephemeral: ephemeral.Public(), Commitment: commit(p.config.Static.Public(), random[:])}
	if own.used() {
		e.invitation.QR.Nonce = commitNonce(own.own)
	}
	h, err := p.begin(e)
	if err != nil {
		return p, err
	}
	p.handshake, p.random, p.nonces = h, random, own
	p.exposures = append([]exposure{e}, p.exposures[:min(len(p.exposures), maxExposures-1)]...)
	p.phase = PhaseShown
	return p, nil
}

// begin is the displayer's handshake for one of its QR codes.
func (p Pairing) begin(e exposure) (noise.Handshake, error) {
	pattern, err := noise.Lookup(p.pattern)
	if err != nil {
		return noise.Handshake{}, err
	}
	return noise.New(noise.Config{
		Pattern: pattern, Initiator: p.pattern == noise.WakuPairing2,
		Static: p.config.Static, Ephemeral: e.ephemeral,
		Prologue: []byte(e.invitation.QR.String()), Nametag: e.invitation.Nametag,
	})
}

// Scan answers a QR code; message 1 is in the output. The result is at PhaseConfirm, or at
// PhaseAnswer if the QR code has a nonce. It draws 64 bytes of rand, 96 with nonces.
// Errors: ErrQR, ErrScope, ErrAuthcode, ErrConfig, noise.ErrKey, or rand's.
func Scan(c Config, invitation string, now time.Time, rand io.Reader) (Pairing, Output, error) {
	if err := c.check(); err != nil {
		return Pairing{}, Output{}, err
	}
	i, err := ParseInvitation(invitation)
	if err != nil {
		return Pairing{}, Output{}, err
	}
	if i.QR.Scope.Application != c.Scope.Application || i.QR.Scope.Version != c.Scope.Version {
		return Pairing{}, Output{}, ErrScope
	}
	if c.Nonces && !i.QR.hasNonce() {
		return Pairing{}, Output{}, ErrAuthcode
	}
	c.Scope, c.Certificate = i.QR.Scope, slices.Clone(c.Certificate)
	p := Pairing{config: c, pattern: i.Pattern, phase: PhaseConfirm, committed: i.QR.Commitment, deadline: now.Add(Timeout)}
	ephemeral, err := noise.GenerateKey(rand)
	if err != nil {
		return Pairing{}, Output{}, err
	}
	draw := [][]byte{p.random[:]}
	if i.QR.hasNonce() {
		p.phase, p.deadline, p.nonces.committed = PhaseAnswer, now.Add(AnswerTime), i.QR.Nonce
		draw = append(draw, p.nonces.own[:])
	}
	for _, b := range draw {
		if _, err := io.ReadFull(rand, b); err != nil {
			return Pairing{}, Output{}, fmt.Errorf("pairing: reading randomness: %w", err)
		}
	}
	return p.answer(i, ephemeral)
}

// answer writes message 1.
func (p Pairing) answer(i Invitation, ephemeral noise.PrivateKey) (Pairing, Output, error) {
	pattern, err := noise.Lookup(p.pattern)
	if err != nil {
		return Pairing{}, Output{}, err
	}
	h, err := noise.New(noise.Config{
		Pattern: pattern, Initiator: p.pattern == noise.WakuPairing,
		Static: p.config.Static, Ephemeral: ephemeral, RemoteEphemeral: i.QR.Ephemeral,
		Prologue: []byte(i.QR.String()), Nametag: i.Nametag,
	})
	if err != nil {
		return Pairing{}, Output{}, err
	}
	h, message, err := h.Write(p.introduction())
	if err != nil {
		return Pairing{}, Output{}, err
	}
	p.handshake = h
	if p.abort, err = newAbort(h); err != nil {
		return Pairing{}, Output{}, err
	}
	return p, Output{Send: [][]byte{message}}, nil
}

// commit is SHA256(static key || random bytes).
func commit(static noise.PublicKey, random []byte) [32]byte {
	return sha256.Sum256(append(static[:], random...))
}

// Phase is the point that the pairing has reached.
func (p Pairing) Phase() Phase { return p.phase }

// Nonces reports whether the authcode depends on two nonces.
func (p Pairing) Nonces() bool { return p.config.Nonces || p.nonces.used() }

// Pattern is noise.WakuPairing or noise.WakuPairing2.
func (p Pairing) Pattern() string { return p.pattern }

// Topic is the content topic of the pairing, and of what is transferred over its Transport.
func (p Pairing) Topic() string { return p.config.Scope.HandshakeTopic() }

// Invitation is the QR code to show, with what goes beside it, and when it expires.
// Error: ErrPhase once it was scanned.
func (p Pairing) Invitation() (Invitation, time.Time, error) {
	if p.phase != PhaseShown {
		return Invitation{}, time.Time{}, ErrPhase
	}
	return p.exposures[0].invitation, p.exposures[0].expires, nil
}

// Authcode are the digits for the user to compare. Error: ErrPhase before they are known
// and once the user has answered.
func (p Pairing) Authcode() (string, error) {
	if p.phase != PhaseConfirm {
		return "", ErrPhase
	}
	return p.authcode(), nil
}

// Failure describes a failed pairing. Error: ErrPhase if it did not fail.
func (p Pairing) Failure() (Failure, error) {
	if p.phase != PhaseFailed {
		return Failure{}, ErrPhase
	}
	return p.failure, nil
}

// Transport is the encrypted transport of the finished handshake. Error: ErrPhase before
// PhaseDone.
func (p Pairing) Transport() (noise.Transport, error) {
	if p.phase != PhaseDone {
		return noise.Transport{}, ErrPhase
	}
	return p.handshake.Finish()
}

// Peer is the other device's static key and, if it sent one, its certificate: verified
// and for this key. Whose identity it names is the caller's to compare. Error: ErrPhase
// before PhaseDone.
func (p Pairing) Peer() (noise.PublicKey, []byte, error) {
	if p.phase != PhaseDone {
		return noise.PublicKey{}, nil, ErrPhase
	}
	return p.handshake.RemoteStatic(), slices.Clone(p.peer), nil
}

// Hash is the handshake's h at PhaseDone. Error: ErrPhase before.
func (p Pairing) Hash() ([32]byte, error) {
	if p.phase != PhaseDone {
		return [32]byte{}, ErrPhase
	}
	return p.handshake.Hash(), nil
}

// Wake returns the time when Tick has something to do, zero for never.
func (p Pairing) Wake() time.Time {
	switch p.phase {
	case PhaseShown:
		return p.exposures[0].expires
	case PhaseAnswer, PhaseConfirm, PhaseWait:
		return p.deadline
	}
	var first time.Time
	for _, e := range p.exposures {
		if first.IsZero() || e.forget.Before(first) {
			first = e.forget
		}
	}
	return first
}
