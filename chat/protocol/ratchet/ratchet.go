// Package ratchet implements the Double Ratchet of 53/WAKU2-X3DH as the Status network
// runs it: on secp256k1, without header encryption. The text of 53 says Curve25519, but
// nothing deployed uses that curve.
//
// A State is a value. Encrypt and Decrypt leave it unchanged and return the next one;
// on failure they return the State they were called on. A caller computes the next
// state, stores it, and only then drops the old one. An old value stays usable, which
// also means that two messages encrypted from the same value share a message key: never
// use a value again once its successor has been stored.
//
// Nothing here reads a clock or a global random source, and nothing is written
// anywhere.
//
// Erasing: message keys and scratch buffers are overwritten after use, as far as Go
// allows. The garbage collector may have moved copies, and values the caller dropped
// stay in memory until that memory is reused. Erasing narrows the window in which keys
// can be read; it does not close it.
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet" to "4. Message key derivation".
package ratchet

import (
	"fmt"
	"io"

	"libstatus1to1/chat/protocol/key"
)

// State is one side of one session, between two messages. It holds secrets and redacts
// itself. The zero value is no session: every method that needs one gives ErrState.
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet"; names as in the Double Ratchet document.
type State struct {
	root   key.Secret // RK
	own    pair       // DHs, our ratchet key
	remote key.Public // DHr, theirs; zero for a responder that has opened nothing
	send   chain      // CKs, Ns
	recv   chain      // CKr, Nr
	pn     uint32     // PN: length of our previous sending chain
	base   uint64     // message keys derived in receiving chains before this one

	skipped *skippedKeys // never written through; nil if there are none
}

// NewInitiator is the session of the side that made the X3DH agreement. secret is the
// agreed secret, remote the signed pre-key it was agreed with. It draws our first
// ratchet key from rand (one key.Generate) and steps the root once.
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet".
func NewInitiator(secret key.Secret, remote key.Public, rand io.Reader) (State, error) {
	if remote.IsZero() {
		return State{}, ErrHeader
	}
	s := State{root: secret, remote: remote, recv: chain{key: secret}}
	if err := s.stepSending(rand); err != nil {
		return State{}, err
	}
	return s, nil
}

// NewResponder is the session of the side whose signed pre-key was used: own is that
// pre-key and our first ratchet key. Like the deployed clients it starts both chains
// from the shared secret; the first message opened replaces them.
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet".
func NewResponder(secret key.Secret, own key.Private) State {
	return State{root: secret, own: newPair(own), send: chain{key: secret}, recv: chain{key: secret}}
}

// stepSending draws a new ratchet key and starts a sending chain towards s.remote.
func (s *State) stepSending(rand io.Reader) error {
	own, err := key.Generate(rand)
	if err != nil {
		return fmt.Errorf("ratchet: drawing a ratchet key: %w", err)
	}
	root, next, err := stepRoot(s.root, own, s.remote)
	if err != nil {
		return err
	}
	s.root, s.own, s.send = root, newPair(own), next
	return nil
}

// SendN is the number the next message we send will carry: how many were sent in the
// current sending chain.
func (s State) SendN() uint32 { return s.send.n }

// RecvN is the number of the next message in order in the current receiving chain.
func (s State) RecvN() uint32 { return s.recv.n }

// PN is the length of our previous sending chain.
func (s State) PN() uint32 { return s.pn }

// Own returns our current ratchet key, which the next message we send will carry.
func (s State) Own() key.Public { return s.own.public }

// Remote is the peer's current ratchet key: zero for a responder that has opened
// nothing yet, the signed pre-key for an initiator without an answer.
func (s State) Remote() key.Public { return s.remote }

// SkippedLen is the number of message keys kept for messages that have not come yet.
func (s State) SkippedLen() int { return s.skipped.len() }
