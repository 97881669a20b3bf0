package pairing

import (
	"crypto/sha256"
	"crypto/subtle"
	"io"
	"slices"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// The authcode of two nonces. 43's authcode is a hash of what message 1 fixes. An attacker
// between the devices can delay message 1 and search for another one that gives the same
// digits: 10^8 hashes. With nonces each side is committed before it knows the other's, and
// the attacker has one chance in 10^8.

// Labels of what is exported from the handshake after message 1, and of the commitment.
const (
	nonceLabel       = "status1to1-pairing-nonce/1"
	nonceTagLabel    = "status1to1-pairing-nonce-tag/1"
	nonceCommitLabel = "status1to1-pairing-nonce-commitment/1"
)

// nonce is the part of one side in the authcode.
type nonce [nonceSize]byte

// nonces are the parts of both sides in the authcode. The zero value is for a pairing with
// 43's own authcode.
type nonces struct {
	own       nonce
	peer      nonce    // zero until it is known
	committed [32]byte // of a scanner: the displayer's commitment, from the QR code
	opening   []byte   // the payload that opens the displayer's nonce, once it was made or read
}

// used reports whether the authcode depends on two nonces.
func (n nonces) used() bool { return n.own != nonce{} }

// commitNonce is SHA256(label || nonce).
func commitNonce(n nonce) [32]byte { return sha256.Sum256(append([]byte(nonceCommitLabel), n[:]...)) }

// channel returns the key and nametag of the message that opens the displayer's nonce. Only
// the two devices that know one message 1 can compute them.
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

// openNonce makes the payload that opens the displayer's nonce. The displayer must have the
// scanner's by then. It draws 12 bytes of rand.
func openNonce(h noise.Handshake, own nonce, rand io.Reader) ([]byte, error) {
	secret, tag, err := channel(h)
	if err != nil {
		return nil, err
	}
	return noise.SealChaChaPoly(secret, tag, own[:], rand)
}

// readNonce reads the payload that opens the displayer's nonce. matches reports whether it
// is the one that was committed to. Error: ErrIgnored for any other payload.
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

// introduction is the payload of message 1: our commitment, and our nonce if there are
// nonces. It may be in clear, since the displayer has committed to its own.
func (p Pairing) introduction() []byte {
	commitment := commit(p.config.Static.Public(), p.random[:])
	if !p.nonces.used() {
		return commitment[:]
	}
	return append(commitment[:], p.nonces.own[:]...)
}

// introduced reads the payload of message 1. Error: ErrIgnored.
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

// authcode returns the digits of h, or of h and both nonces, the initiator's first.
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

// met puts the displayer's nonce into a scanner, which knows the authcode then.
func (p Pairing) met(n nonce, payload []byte) Pairing {
	p.nonces.peer, p.nonces.opening, p.phase = n, slices.Clone(payload), PhaseConfirm
	return p
}
