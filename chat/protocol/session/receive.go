package session

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// Why Receive refuses a ProtocolMessage.
var (
	ErrBundle    = errors.New("session: bundle does not verify")
	ErrEmpty     = errors.New("session: neither an encrypted nor a public message")
	ErrHeader    = errors.New("session: malformed header")
	ErrNoHeader  = errors.New("session: no header of a known kind")
	ErrNoPreKey  = errors.New("session: begun from a pre-key we do not hold")
	ErrNoSession = errors.New("session: no such session")
	ErrDecrypt   = errors.New("session: does not decrypt")
)

// Kind classifies a ProtocolMessage.
type Kind int

// The kinds of incoming messages.
const (
	Encrypted    Kind = iota // opened: Plaintext is authentic and was for us alone
	Public                   // Plaintext was in the clear, for everybody
	NotAddressed             // encrypted, but to none of our installations
)

// Incoming is the result of receiving a ProtocolMessage.
type Incoming struct {
	Kind           Kind
	Plaintext      []byte
	InstallationID string // the sender's, as it says
	// Session is the index, in the returned Peer, of the ratchet session that
	// carried the message, or -1. Started: it began with it; Established: the
	// other side answered in it for the first time.
	Session     int
	Started     bool
	Established bool
}

// Receive applies the bundles of pm that belong to p's identity, and decrypts the part
// addressed to self. The caller has verified that p's identity sent pm. On one of the
// errors above, the returned Peer is p unchanged.
// Spec: 53, "Message types"; 54, "Receiving messages".
func (p Peer) Receive(self Self, pm *wire.ProtocolMessage, now time.Time, src Source) (Peer, Incoming, error) {
	if len(pm.GetInstallationId()) > x3dh.MaxInstallationIDLen {
		return Peer{}, Incoming{}, ErrHeader
	}
	next, err := p.LearnMessage(self, pm, now)
	if err != nil {
		return Peer{}, Incoming{}, err
	}
	in := Incoming{InstallationID: pm.GetInstallationId(), Session: -1}
	if public := pm.GetPublicMessage(); len(public) > 0 {
		in.Kind, in.Plaintext = Public, public
		return next, in, nil
	}
	if len(pm.GetEncryptedMessage()) == 0 {
		return Peer{}, Incoming{}, ErrEmpty
	}
	m := pm.GetEncryptedMessage()[self.InstallationID]
	if m == nil {
		m = pm.GetEncryptedMessage()[NoInstallation]
	}
	if m == nil {
		in.Kind = NotAddressed
		return next, in, nil
	}
	next = next.clone()
	if err := next.open(self, m, &in, now, src); err != nil {
		return Peer{}, Incoming{}, err
	}
	next.boundSkipped()
	next.agree(in.InstallationID)
	if in.Session >= 0 {
		next.heardInSession(in.InstallationID)
	}
	return next, in, nil
}

// LearnMessage takes the bundles of pm, as far as they are of p's identity, and
// nothing else. Errors: ErrBundle.
func (p Peer) LearnMessage(self Self, pm *wire.ProtocolMessage, now time.Time) (Peer, error) {
	mine, count := p.Identity.Compressed(), 0
	for _, wb := range pm.GetBundles() {
		if !bytes.Equal(wb.GetIdentity(), mine) {
			continue
		}
		if count++; count > MaxBundles {
			return Peer{}, fmt.Errorf("%w: too many", ErrBundle)
		}
		digest := bundleDigest(wb)
		if digest == p.learned {
			continue
		}
		b, err := x3dh.ParseBundle(wb)
		if err != nil {
			return Peer{}, fmt.Errorf("%w: %w", ErrBundle, err)
		}
		p = p.learn(self, b, pm.GetInstallationId(), now)
		p.learned = digest
	}
	return p, nil
}

// bundleDigest names a bundle with everything in it, signed or not. The same bundle
// comes with each message of a person: verified once, it says nothing new.
func bundleDigest(b *wire.Bundle) (digest [sha256.Size]byte) {
	h := sha256.New()
	field := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	number := func(n uint64) { h.Write(binary.BigEndian.AppendUint64(nil, n)) }
	field(b.GetIdentity())
	field(b.GetSignature())
	number(uint64(b.GetTimestamp()))
	for _, id := range slices.Sorted(maps.Keys(b.GetSignedPreKeys())) {
		spk := b.GetSignedPreKeys()[id]
		field([]byte(id))
		field(spk.GetSignedPreKey())
		number(uint64(spk.GetVersion()))
		number(uint64(spk.GetProtocolVersion()))
	}
	h.Sum(digest[:0])
	return digest
}

// agree notes that installation has sent us something encrypted, so that it can
// derive the negotiated topic. Spec: 54, "Negotiated topic to be used for the session".
func (p *Peer) agree(installation string) {
	if i := p.installation(installation); i >= 0 && p.Installations[i].ProtocolVersion >= x3dh.ProtocolVersion {
		p.Installations[i].Agreed = true
	}
}

func (p *Peer) open(self Self, m *wire.EncryptedMessageProtocol, in *Incoming, now time.Time, src Source) error {
	switch {
	case m.GetDRHeader() != nil:
		return p.openDR(self, m, in, now, src)
	case m.GetDHHeader() != nil:
		ephemeral, err := key.ParsePublic(m.GetDHHeader().GetKey())
		if err != nil {
			return ErrHeader
		}
		if in.Plaintext, err = x3dh.OpenDH(self.Identity, ephemeral, m.GetPayload()); err != nil {
			return fmt.Errorf("%w: %w", ErrDecrypt, err)
		}
		return nil
	}
	return ErrNoHeader
}

// openDR tries the sessions the headers may mean. An X3DH header with the key of one
// of them means that one; with another key it may begin a new one.
func (p *Peer) openDR(self Self, m *wire.EncryptedMessageProtocol, in *Incoming, now time.Time, src Source) error {
	dr, begins := m.GetDRHeader(), m.GetX3DHHeader()
	if len(dr.GetId()) != key.CompressedSize || begins != nil && !bytes.Equal(begins.GetId(), dr.GetId()) {
		return ErrHeader
	}
	candidates := p.named(in.InstallationID, dr.GetId())
	if begins != nil {
		for _, i := range candidates {
			if is(p.Sessions[i].RemoteEphemeral, begins.GetKey()) {
				candidates, begins = []int{i}, nil
				break
			}
		}
	}
	ratchetKey, err := p.ratchetKey(candidates, dr.GetKey())
	if err != nil {
		return ErrHeader
	}
	msg := ratchet.Message{Header: ratchet.Header{Key: ratchetKey, N: dr.GetN(), PN: dr.GetPn()}, Payload: m.GetPayload()}
	failure := ErrNoSession
	for _, i := range candidates {
		if err := p.openIn(i, msg, in, now, src); err != nil {
			failure = fmt.Errorf("%w: %w", ErrDecrypt, err)
			continue
		}
		return nil
	}
	if begins == nil {
		return failure
	}
	return p.accept(self, begins, msg, in, now, src)
}

// is compares a key with its compressed form, which costs less than parsing that.
func is(k key.Public, compressed []byte) bool {
	return !k.IsZero() && bytes.Equal(k.Compressed(), compressed)
}

// ratchetKey parses the key of a DR header. It skips the parsing if the key is that of
// the previous message.
func (p *Peer) ratchetKey(candidates []int, compressed []byte) (key.Public, error) {
	for _, i := range candidates {
		if remote := p.Sessions[i].Ratchet.Remote(); is(remote, compressed) {
			return remote, nil
		}
	}
	return key.ParsePublic(compressed)
}

// openIn opens msg in session i.
func (p *Peer) openIn(i int, msg ratchet.Message, in *Incoming, now time.Time, src Source) error {
	s := &p.Sessions[i]
	state, plaintext, err := s.Ratchet.Decrypt(msg, src.Rand)
	if err != nil {
		return err
	}
	in.Plaintext, in.Established = plaintext, !s.Established()
	s.Ratchet, s.Ephemeral, s.UsedAt, s.Doubted = state, key.Public{}, now, false
	in.Session = p.heard(i)
	return nil
}

// accept begins the session of an X3DH header, if the message opens in it.
func (p *Peer) accept(self Self, h *wire.X3DHHeader, msg ratchet.Message, in *Incoming, now time.Time, src Source) error {
	ephemeral, err := key.ParsePublic(h.GetKey())
	if err != nil {
		return ErrHeader
	}
	preKey, ok := self.PreKeys.Find(h.GetId())
	if !ok {
		return ErrNoPreKey
	}
	secret, err := x3dh.Passive(self.Identity, preKey.Private, p.Identity, ephemeral)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	state, plaintext, err := ratchet.NewResponder(secret, preKey.Private).Decrypt(msg, src.Rand)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDecrypt, err)
	}
	s := Session{
		ID: preKey.Private.Public(), InstallationID: in.InstallationID, RemoteEphemeral: ephemeral,
		Ratchet: state, CreatedAt: now, UsedAt: now,
	}
	s.agreed(self, secret)
	in.Plaintext, in.Started = plaintext, true
	in.Session = p.add(self, s, now)
	return nil
}
