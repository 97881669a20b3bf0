package session_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// seeded is a random source that repeats itself.
func seeded(seed uint64) io.Reader {
	var k [32]byte
	for i := range 8 {
		k[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(k)
}

// start is when the stories of these tests begin.
var start = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is a clock and a random source.
type world struct {
	t    testing.TB
	now  time.Time
	rand io.Reader
}

func newWorld(t testing.TB, seed uint64) *world {
	return &world{t: t, now: start, rand: seeded(seed)}
}

func (w *world) later(d time.Duration) { w.now = w.now.Add(d) }

func (w *world) source() session.Source {
	return session.Source{Rand: w.rand, IV: ratchet.RandomIV(w.rand)}
}

func (w *world) key() key.Private {
	w.t.Helper()
	k, err := key.Generate(w.rand)
	if err != nil {
		w.t.Fatal(err)
	}
	return k
}

// person is one installation, and what it knows of one other identity.
type person struct {
	*world
	self session.Self
	peer session.Peer
}

// people are installations of two identities that know nothing of each other.
func (w *world) people() (alice, bob *person) {
	a, b := w.key(), w.key()
	return w.installation(a, b.Public(), "alice-1"), w.installation(b, a.Public(), "bob-1")
}

func (w *world) installation(identity key.Private, with key.Public, id string) *person {
	p := &person{world: w, self: session.Self{Identity: identity, InstallationID: id}, peer: session.Peer{Identity: with}}
	p.rotate()
	return p
}

// rotate replaces the pre-key if it is old enough.
func (p *person) rotate() {
	p.t.Helper()
	next, _, err := p.self.PreKeys.Rotate(p.now, p.rand)
	if err != nil {
		p.t.Fatal(err)
	}
	p.self.PreKeys = next
}

func (p *person) current() key.Public {
	k, _ := p.self.PreKeys.Current()
	return k.Private.Public()
}

// bundle is p's bundle, dated now, with the pre-keys of others of its installations.
func (p *person) bundle(others ...x3dh.SignedPreKey) x3dh.Bundle {
	k, _ := p.self.PreKeys.Current()
	return x3dh.Bundle{
		Identity: p.self.Identity.Public(), Timestamp: p.now.UnixNano(),
		SignedPreKeys: append(others, k.Signed(p.self.InstallationID)),
	}
}

func (p *person) learn(from *person) { p.peer = p.peer.Learn(p.self, from.bundle(), p.now) }

// send makes a ProtocolMessage, as bytes: with p's bundle, as on the wire.
func (p *person) send(text string) []byte {
	p.t.Helper()
	next, out, err := p.peer.Encrypt(p.self, []byte(text), nil, p.now, p.source())
	if err != nil {
		p.t.Fatal(err)
	}
	p.peer = next
	return p.message(out.Messages)
}

func (p *person) message(encrypted map[string]*wire.EncryptedMessageProtocol) []byte {
	p.t.Helper()
	w, err := p.bundle().Sign(p.self.Identity)
	if err != nil {
		p.t.Fatal(err)
	}
	b, err := proto.Marshal(&wire.ProtocolMessage{
		InstallationId: p.self.InstallationID, Bundles: []*wire.Bundle{w}, EncryptedMessage: encrypted,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func decode(t testing.TB, b []byte) *wire.ProtocolMessage {
	t.Helper()
	pm := &wire.ProtocolMessage{}
	if err := proto.Unmarshal(b, pm); err != nil {
		t.Fatal(err)
	}
	return pm
}

// try reads a message without keeping what it changes.
func (p *person) try(b []byte) (session.Peer, session.Incoming, error) {
	p.t.Helper()
	before := p.peer.Record()
	next, in, err := p.peer.Receive(p.self, decode(p.t, b), p.now, p.source())
	if !proto.Equal(before, p.peer.Record()) {
		p.t.Fatal("Receive changed the value it was called on")
	}
	if err != nil {
		wantTyped(p.t, err)
	}
	return next, in, err
}

// read reads a message that must open to text.
func (p *person) read(b []byte, text string) session.Incoming {
	p.t.Helper()
	next, in, err := p.try(b)
	if err != nil || in.Kind != session.Encrypted || string(in.Plaintext) != text {
		p.t.Fatalf("want %q: read %q, kind %d, %v", text, in.Plaintext, in.Kind, err)
	}
	p.peer = next
	return in
}

// exchange sends n messages each way, which must open.
func exchange(a, b *person, n int) {
	a.t.Helper()
	for i := range n {
		text := fmt.Sprintf("exchange %d", i)
		b.read(a.send(text), text)
		a.read(b.send(text), text)
	}
}

// chosen is the session p sends in.
func (p *person) chosen(installation string) session.Session {
	p.t.Helper()
	i := p.peer.Chosen(p.self, installation)
	if i < 0 {
		p.t.Fatal("no session to send in")
	}
	return p.peer.Sessions[i]
}

// sameSession fails unless both send in one session.
func sameSession(a, b *person) {
	a.t.Helper()
	x, y := a.chosen(b.self.InstallationID), b.chosen(a.self.InstallationID)
	if x.ID != y.ID || x.Order != y.Order {
		a.t.Fatal("they send in different sessions")
	}
}

// firstFor returns the part of a message that is for an installation.
func firstFor(t testing.TB, b []byte, installation string) *wire.EncryptedMessageProtocol {
	t.Helper()
	m := decode(t, b).GetEncryptedMessage()[installation]
	if m == nil {
		t.Fatalf("nothing for %s", installation)
	}
	return m
}

// restart stores p's peer and reads it back.
func (p *person) restart() {
	p.t.Helper()
	skipped := map[string][]byte{}
	for _, ch := range p.peer.SkippedChanges(session.Peer{Identity: p.peer.Identity}) {
		skipped[string(ch.Name)] = ch.Keys
	}
	b, err := proto.Marshal(p.peer.Record())
	if err != nil {
		p.t.Fatal(err)
	}
	var rec wire.PeerRecord
	if err := proto.Unmarshal(b, &rec); err != nil {
		p.t.Fatal(err)
	}
	next, err := session.FromRecord(p.peer.Identity, &rec, func(name []byte) ([]byte, error) { return skipped[string(name)], nil })
	if err != nil {
		p.t.Fatal(err)
	}
	if !proto.Equal(next.Record(), p.peer.Record()) {
		p.t.Fatal("the record does not read back the same")
	}
	p.peer = next
}
