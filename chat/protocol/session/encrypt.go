package session

import (
	"errors"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// ErrNobody: the only installations left to address are excluded or our own.
var ErrNobody = errors.New("session: no installation to encrypt for")

// Outgoing is an encrypted message, ready for a ProtocolMessage.
type Outgoing struct {
	// Messages is ProtocolMessage.encrypted_message.
	Messages map[string]*wire.EncryptedMessageProtocol
	// Targets are the installations addressed; empty for a message to "none".
	Targets []string
	// Negotiated: every target listens on the negotiated topic.
	Negotiated bool
	// Started are the installations with which this message begins a session.
	Started []string
}

// Encrypt encrypts plaintext for every active installation except those in except: in
// the existing session, or in a new one from the installation's pre-key. If no
// installation is known, it encrypts for any device of the identity (NoInstallation).
// Errors: ErrNobody, or those of x3dh and ratchet.
// Spec: 53, "Message types"; 54, "Sending messages to a paired group".
func (p Peer) Encrypt(self Self, plaintext []byte, except []string, now time.Time, src Source) (Peer, Outgoing, error) {
	return p.encrypt(self, plaintext, except, now, src, func(p Peer, id string) int { return p.Chosen(self, id) })
}

func (p Peer) encrypt(self Self, plaintext []byte, except []string, now time.Time, src Source,
	choose func(p Peer, installation string) int) (Peer, Outgoing, error) {
	active := p.Active()
	if len(active) == 0 {
		return p.encryptToNone(plaintext, src)
	}
	p = p.clone()
	out := Outgoing{Messages: map[string]*wire.EncryptedMessageProtocol{}, Negotiated: true}
	for _, in := range active {
		if slices.Contains(except, in.ID) {
			continue
		}
		if in.withoutSession() {
			if err := p.addForAny(&out, in.ID, plaintext, src); err != nil {
				return Peer{}, Outgoing{}, err
			}
			continue
		}
		i := choose(p, in.ID)
		if i < 0 {
			var err error
			if i, err = p.begin(self, in, now, src); err != nil {
				return Peer{}, Outgoing{}, err
			}
			out.Started = append(out.Started, in.ID)
		}
		m, err := p.Sessions[i].encrypt(plaintext, now, src.IV)
		if err != nil {
			return Peer{}, Outgoing{}, err
		}
		out.Messages[in.ID] = m
		out.Targets = append(out.Targets, in.ID)
		out.Negotiated = out.Negotiated && in.Agreed
	}
	if len(out.Targets) == 0 {
		return Peer{}, Outgoing{}, ErrNobody
	}
	return p, out, nil
}

// encryptToNone encrypts plaintext with a throw-away key for any device of the
// identity. An empty plaintext advertises the bundle beside it.
// Spec: 53, "Message types", DH header.
func (p Peer) encryptToNone(plaintext []byte, src Source) (Peer, Outgoing, error) {
	ephemeral, sealed, err := x3dh.SealDH(src.Rand, p.Identity, plaintext)
	if err != nil {
		return Peer{}, Outgoing{}, err
	}
	m := &wire.EncryptedMessageProtocol{
		DHHeader: &wire.DHHeader{Key: ephemeral.Compressed()}, Payload: sealed,
	}
	return p, Outgoing{Messages: map[string]*wire.EncryptedMessageProtocol{NoInstallation: m}}, nil
}

// begin starts a session from the pre-key of installation in.
// Spec: 53, "Initial key exchange flow".
func (p *Peer) begin(self Self, in Installation, now time.Time, src Source) (int, error) {
	secret, ephemeral, err := x3dh.Active(src.Rand, self.Identity, p.Identity, in.PreKey)
	if err != nil {
		return 0, err
	}
	state, err := ratchet.NewInitiator(secret, in.PreKey, src.Rand)
	if err != nil {
		return 0, err
	}
	s := Session{
		ID: in.PreKey, InstallationID: in.ID, Ephemeral: ephemeral,
		Ratchet: state, CreatedAt: now, UsedAt: now,
	}
	s.agreed(self, secret)
	return p.add(self, s, now), nil
}

// agreed keeps of an X3DH secret what the session needs beside the ratchet. An installation id
// that Noise does not know has no psk.
func (s *Session) agreed(self Self, secret key.Secret) {
	copy(s.Order[:], secret[:])
	s.PSK, _ = noise.PSK(secret, self.InstallationID, s.InstallationID)
}

func (s *Session) encrypt(plaintext []byte, now time.Time, iv ratchet.IV) (*wire.EncryptedMessageProtocol, error) {
	state, m, err := s.Ratchet.Encrypt(plaintext, iv)
	if err != nil {
		return nil, err
	}
	s.Ratchet, s.UsedAt = state, now
	out := &wire.EncryptedMessageProtocol{
		DRHeader: &wire.DRHeader{
			Id: s.ID.Compressed(), Key: m.Header.Key.Compressed(), N: m.Header.N, Pn: m.Header.PN,
		},
		Payload: m.Payload,
	}
	if !s.Established() {
		out.X3DHHeader = &wire.X3DHHeader{Id: s.ID.Compressed(), Key: s.Ephemeral.Compressed()}
	}
	return out, nil
}
