package pairing

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"slices"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// The authcode of two nonces. 43's is a hash of what message 1 fixes, so somebody between
// the devices who holds message 1 back searches for a message 1 of her own that gives the
// digits she has seen: 10^8 hashes. With nonces, each side's is fixed before it can know
// the other's, and whoever is between the devices has one chance in 10^8.

// Labels of what is exported from the handshake after message 1, and of the commitment.
const (
	nonceLabel       = "status1to1-pairing-nonce/1"
	nonceTagLabel    = "status1to1-pairing-nonce-tag/1"
	nonceCommitLabel = "status1to1-pairing-nonce-commitment/1"
)

// nonce is what the authcode hangs on besides h.
type nonce [nonceSize]byte

// nonces are both sides' part in the authcode. The zero value is for a pairing with 43's
// own.
type nonces struct {
	own       nonce
	peer      nonce    // zero until it is known
	committed [32]byte // of a scanner: the shower's commitment, from the QR code
	opening   []byte   // the payload that opens the shower's nonce, once it was made or read
}

// used reports whether the authcode is one of two nonces.
func (n nonces) used() bool { return n.own != nonce{} }

// commitNonce is SHA256(label || nonce).
func commitNonce(n nonce) [32]byte { return sha256.Sum256(append([]byte(nonceCommitLabel), n[:]...)) }

// channel is where the shower's nonce goes: a key and a nametag that only the two sides
// of one message 1 have.
func channel(h noise.Handshake) (key.Secret, noise.Nametag, error) {
	secret, err := h.Export(nonceLabel)
	if err != nil {
		return key.Secret{}, noise.Nametag{}, err
	}
	tag, err := h.Export(nonceTagLabel)
	if err != nil {
		return key.Secret{}, noise.Nametag{}, err
	}
	return secret, noise.Nametag(tag[:noise.NametagSize]), nil
}

// openNonce is the shower's payload that opens its nonce, once it has the scanner's. It
// draws 12 bytes of rand.
func openNonce(h noise.Handshake, own nonce, rand io.Reader) ([]byte, error) {
	secret, tag, err := channel(h)
	if err != nil {
		return nil, err
	}
	return noise.SealChaChaPoly(secret, tag, own[:], rand)
}

// readNonce is the shower's nonce, if this payload of its opens one: whether it is the
// committed one matches tells. Error: ErrIgnored.
func (p Pairing) readNonce(payload []byte) (n nonce, matches bool, err error) {
	secret, tag, err := channel(p.handshake)
	if err != nil {
		return nonce{}, false, err
	}
	b, err := noise.OpenChaChaPoly(secret, tag, payload)
	if err != nil || len(b) != len(n) {
		return nonce{}, false, ErrIgnored
	}
	copy(n[:], b)
	commitment := commitNonce(n)
	return n, subtle.ConstantTimeCompare(commitment[:], p.nonces.committed[:]) == 1, nil
}

// introduction is the payload of message 1: our commitment, and with nonces ours in
// clear, since we have the shower's commitment already.
func (p Pairing) introduction() []byte {
	commitment := commit(p.config.Static.Public(), p.random[:])
	if !p.nonces.used() {
		return commitment[:]
	}
	return append(commitment[:], p.nonces.own[:]...)
}

// introduced takes the payload of message 1. Error: ErrIgnored.
func (p Pairing) introduced(payload []byte) (Pairing, error) {
	rest := payload[copy(p.committed[:], payload):]
	want := len(p.committed)
	if p.nonces.used() {
		want += nonceSize
		copy(p.nonces.peer[:], rest)
	}
	if len(payload) != want {
		return p, ErrIgnored
	}
	return p, nil
}

// authcode is the digits of h, or of h and both nonces, the initiator's first.
func (p Pairing) authcode() string {
	if !p.nonces.used() {
		return p.handshake.Authcode()
	}
	initiator, responder := p.nonces.own, p.nonces.peer
	if !p.handshake.Initiator() {
		initiator, responder = responder, initiator
	}
	return p.handshake.NonceAuthcode(initiator, responder)
}

// met is a scanner after the shower has opened its nonce: the authcode is known.
func (p Pairing) met(n nonce, payload []byte) Pairing {
	p.nonces.peer, p.nonces.opening, p.phase = n, slices.Clone(payload), PhaseConfirm
	return p
}
