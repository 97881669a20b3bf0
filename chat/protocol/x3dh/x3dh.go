// Package x3dh is the key agreement of 53/WAKU2-X3DH: pre-key bundles, the X3DH secret
// of both sides, our own signed pre-keys, and the plain Diffie-Hellman message for a
// peer whose bundle is not known. Signal's one-time pre-keys are not used.
//
// Everything is a value or a function; clock and randomness are arguments.
//
// Spec: 53/WAKU2-X3DH, "Pre-keys" and "1. Initial key exchange flow (X3DH)".
package x3dh

import (
	"errors"
	"fmt"
	"io"

	"libstatus1to1/chat/protocol/key"
)

// ErrKey: a key the agreement needs is missing.
var ErrKey = errors.New("x3dh: a key is missing")

// Active is the side that begins. It draws the ephemeral key EK from rand (one
// key.Generate) and gives the secret that seeds the ratchet, and EK's public key, which
// goes into every message until the peer has answered. The private half of EK is dropped.
//
// SK = Keccak256( ECDH(IKa,SPKb) || ECDH(EKa,IKb) || ECDH(EKa,SPKb) )
//
// Spec: 53/WAKU2-X3DH, "1. Initial key exchange flow (X3DH)".
func Active(rand io.Reader, identity key.Private, peerIdentity, peerSignedPreKey key.Public) (secret key.Secret, ephemeral key.Public, err error) {
	ek, err := key.Generate(rand)
	if err != nil {
		return key.Secret{}, key.Public{}, fmt.Errorf("x3dh: drawing an ephemeral key: %w", err)
	}
	secret, err = agree(
		half{identity, peerSignedPreKey},
		half{ek, peerIdentity},
		half{ek, peerSignedPreKey},
	)
	if err != nil {
		return key.Secret{}, key.Public{}, err
	}
	return secret, ek.Public(), nil
}

// Passive computes the secret on the side whose signed pre-key was used: the same
// secret as Active, from the other halves of the keys. signedPreKey is the one that the
// message's X3DH header names, peerEphemeral the key it carries. Whether the secret is
// right shows only when a message decrypts with it.
//
// Spec: 53/WAKU2-X3DH, "1. Initial key exchange flow (X3DH)".
func Passive(identity, signedPreKey key.Private, peerIdentity, peerEphemeral key.Public) (key.Secret, error) {
	return agree(
		half{signedPreKey, peerIdentity},
		half{identity, peerEphemeral},
		half{signedPreKey, peerEphemeral},
	)
}

// half is one Diffie-Hellman agreement.
type half struct {
	own  key.Private
	peer key.Public
}

// agree hashes the agreements in the order given.
func agree(halves ...half) (key.Secret, error) {
	all := make([]byte, 0, len(halves)*len(key.Secret{}))
	defer func() { clear(all) }()
	for _, h := range halves {
		s, err := h.own.ECDH(h.peer)
		if err != nil {
			return key.Secret{}, ErrKey
		}
		all = append(all, s[:]...)
	}
	return key.Secret(key.Keccak256(all)), nil
}
