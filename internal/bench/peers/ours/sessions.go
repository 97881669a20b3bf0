//go:build peers

package main

import (
	"crypto/cipher"
	"crypto/rand"
	"fmt"
	"time"

	"golang.org/x/crypto/chacha20poly1305"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// Messages of one figure of the protocol packages, and before them those that warm up.
const (
	exchanged = 2000
	warmUp    = 200
)

var source = session.Source{Rand: rand.Reader, IV: ratchet.RandomIV(rand.Reader)}

// side is one installation, and what it knows of the other one.
type side struct {
	self   session.Self
	peer   session.Peer
	bundle *wire.Bundle
}

func newSide(name string) *side {
	identity := must(key.Generate(rand.Reader))
	preKeys, _, err := x3dh.PreKeys{}.Rotate(time.Now(), rand.Reader)
	done(err)
	return &side{self: session.Self{Identity: identity, InstallationID: name, PreKeys: preKeys}}
}

// learn has s know the bundle of another side.
func (s *side) learn(from *side) {
	current, _ := from.self.PreKeys.Current()
	bundle := x3dh.Bundle{
		Identity: from.self.Identity.Public(), Timestamp: time.Now().UnixNano(),
		SignedPreKeys: []x3dh.SignedPreKey{current.Signed(from.self.InstallationID)},
	}
	from.bundle = must(bundle.Sign(from.self.Identity))
	s.peer = session.Peer{Identity: bundle.Identity}.Learn(s.self, bundle, time.Now())
}

// seal makes the bytes of a ProtocolMessage.
func (s *side) seal(plain []byte, bundles ...*wire.Bundle) []byte {
	next, out, err := s.peer.Encrypt(s.self, plain, nil, time.Now(), source)
	done(err)
	s.peer = next
	return must(proto.Marshal(&wire.ProtocolMessage{
		InstallationId: s.self.InstallationID, Bundles: bundles, EncryptedMessage: out.Messages,
	}))
}

// open reads them.
func (s *side) open(sealed []byte) []byte {
	var pm wire.ProtocolMessage
	done(proto.Unmarshal(sealed, &pm))
	next, in, err := s.peer.Receive(s.self, &pm, time.Now(), source)
	done(err)
	s.peer = next
	return in.Plaintext
}

// acquainted are two sides with a session that both have written in.
func acquainted() (alice, bob *side) {
	alice, bob = newSide("alice"), newSide("bob")
	alice.learn(bob)
	bob.learn(alice)
	for range 2 {
		bob.open(alice.seal([]byte("hello")))
		alice.open(bob.seal([]byte("hello")))
	}
	return alice, bob
}

// pace measures pass, which takes a message from one side to the other: always the same way, or
// each way in turn.
func pace(subject, kind string, size int, pass func(from, to *side, text string) string) []figure {
	var figures []figure
	for _, name := range []string{"one way", "ping-pong"} {
		from, to := acquainted()
		text := textOf(size)
		var took []time.Duration
		for i := range warmUp + exchanged {
			begin := time.Now()
			got := pass(from, to, text)
			if d := time.Since(begin); i >= warmUp {
				took = append(took, d)
			}
			if got != text {
				done(fmt.Errorf("%s, %s: another text came", subject, name))
			}
			if name == "ping-pong" {
				from, to = to, from
			}
		}
		figures = append(figures, of(subject, name+kind, size, 1, took))
	}
	return figures
}

// sessions measures package session alone: what Olm and the Signal protocol are.
func sessions() (figures []figure) {
	const subject = "ours: sessions"
	store := must(chacha20poly1305.NewX(make([]byte, chacha20poly1305.KeySize)))
	for _, size := range sizes {
		figures = append(figures, pace(subject, "", size, func(from, to *side, text string) string {
			return string(to.open(from.seal([]byte(text))))
		})...)
		figures = append(figures, pace(subject, ", stored", size, func(from, to *side, text string) string {
			sealed := from.seal([]byte(text))
			from.record(store)
			text = string(to.open(sealed))
			to.record(store)
			return text
		})...)
	}
	return figures
}

// record makes the bytes that a store keeps of the sessions.
func (s *side) record(store cipher.AEAD) {
	nonce := make([]byte, store.NonceSize())
	_, _ = rand.Read(nonce) // it never fails
	store.Seal(nil, nonce, must(proto.Marshal(s.peer.Record())), nil)
}
