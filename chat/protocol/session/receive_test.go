package session_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// talked is two people in an established session, with a message on its way.
func talked(t testing.TB) (alice, bob *person, onTheWay []byte) {
	w := newWorld(t, 7)
	alice, bob = w.people()
	alice.learn(bob)
	exchange(alice, bob, 2)
	return alice, bob, alice.send("on the way")
}

func TestForgedMessagesChangeNothing(t *testing.T) {
	alice, bob, genuine := talked(t)
	fresh := alice.installation(alice.self.Identity, bob.self.Identity.Public(), "alice-1")
	fresh.learn(bob)
	first := fresh.send("first")
	other := alice.key().Public().Compressed()
	dr := func(m *wire.ProtocolMessage) *wire.EncryptedMessageProtocol { return m.GetEncryptedMessage()["bob-1"] }
	for _, c := range []struct {
		what  string
		from  []byte
		forge func(*wire.ProtocolMessage)
		want  error
	}{
		{"nothing in it", genuine, func(m *wire.ProtocolMessage) { m.EncryptedMessage = nil }, session.ErrEmpty},
		{"a bundle with another signature", genuine, func(m *wire.ProtocolMessage) { m.Bundles[0].Timestamp++ }, session.ErrBundle},
		{"a bundle without a signature", genuine, func(m *wire.ProtocolMessage) { m.Bundles[0].Signature = nil }, session.ErrBundle},
		{"too many bundles", genuine, func(m *wire.ProtocolMessage) {
			for range session.MaxBundles {
				m.Bundles = append(m.Bundles, m.Bundles[0])
			}
		}, session.ErrBundle},
		{"a long installation id", genuine, func(m *wire.ProtocolMessage) { m.InstallationId = strings.Repeat("x", x3dh.MaxInstallationIDLen+1) }, session.ErrHeader},
		{"no header", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader = nil }, session.ErrNoHeader},
		{"only an X3DH header", first, func(m *wire.ProtocolMessage) { dr(m).DRHeader = nil }, session.ErrNoHeader},
		{"no ratchet key", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader.Key = nil }, session.ErrHeader},
		{"a ratchet key off the curve", genuine, func(m *wire.ProtocolMessage) {
			dr(m).DRHeader.Key = append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)
		}, session.ErrHeader},
		{"a session id that is no key", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader.Id = []byte("x") }, session.ErrHeader},
		{"an unknown session id", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader.Id = other }, session.ErrNoSession},
		{"another ratchet key", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader.Key = other }, session.ErrDecrypt},
		{"another number", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader.N++ }, session.ErrDecrypt},
		{"a number far ahead", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader.N = 1 << 31 }, session.ErrDecrypt},
		{"another length before", genuine, func(m *wire.ProtocolMessage) { dr(m).DRHeader.Pn += 3 }, session.ErrDecrypt},
		{"a cut payload", genuine, func(m *wire.ProtocolMessage) { dr(m).Payload = dr(m).Payload[:47] }, session.ErrDecrypt},
		{"no payload", genuine, func(m *wire.ProtocolMessage) { dr(m).Payload = nil }, session.ErrDecrypt},
		{"a flipped bit", genuine, func(m *wire.ProtocolMessage) { dr(m).Payload[20] ^= 1 }, session.ErrDecrypt},
		{"an X3DH key that is none", first, func(m *wire.ProtocolMessage) { dr(m).X3DHHeader.Key = nil }, session.ErrHeader},
		{"another X3DH key", first, func(m *wire.ProtocolMessage) { dr(m).X3DHHeader.Key = other }, session.ErrDecrypt},
		{"X3DH and DR of different sessions", first, func(m *wire.ProtocolMessage) { dr(m).X3DHHeader.Id = other }, session.ErrHeader},
		{"a pre-key that is not ours", first, func(m *wire.ProtocolMessage) { dr(m).X3DHHeader.Id, dr(m).DRHeader.Id = other, other }, session.ErrNoPreKey},
		{"a first message with a flipped bit", first, func(m *wire.ProtocolMessage) { dr(m).Payload[20] ^= 1 }, session.ErrDecrypt},
		{"a DH key that is none", genuine, func(m *wire.ProtocolMessage) {
			dr(m).DRHeader, dr(m).DHHeader = nil, &wire.DHHeader{Key: []byte{1}}
		}, session.ErrHeader},
		{"a DH message of garbage", genuine, func(m *wire.ProtocolMessage) {
			dr(m).DRHeader, dr(m).DHHeader = nil, &wire.DHHeader{Key: other}
		}, session.ErrDecrypt},
	} {
		pm := decode(t, c.from)
		c.forge(pm)
		b, err := proto.Marshal(pm)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := bob.try(b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
	bob.read(genuine, "on the way")
	bob.read(first, "first")
	if _, _, err := bob.try(genuine); !errors.Is(err, session.ErrDecrypt) || !errors.Is(err, ratchet.ErrKeyGone) {
		t.Errorf("a second copy: %v", err)
	}
}

func TestBundlesOfOthersAreIgnored(t *testing.T) {
	alice, bob, genuine := talked(t)
	_, carol := alice.people()
	pm := decode(t, genuine)
	foreign, err := carol.bundle().Sign(carol.self.Identity)
	if err != nil {
		t.Fatal(err)
	}
	foreign.Signature = nil
	pm.Bundles = append(pm.Bundles, foreign, &wire.Bundle{}, nil)
	b, err := proto.Marshal(pm)
	if err != nil {
		t.Fatal(err)
	}
	bob.read(b, "on the way")
	if len(bob.peer.Installations) != 1 {
		t.Errorf("learnt %v", ids(bob.peer.Installations))
	}
}

func TestMessageWithoutABundle(t *testing.T) {
	alice, bob, genuine := talked(t)
	bob.peer.Installations[0].Agreed = false
	pm := decode(t, genuine)
	pm.Bundles = nil
	b, err := proto.Marshal(pm)
	if err != nil {
		t.Fatal(err)
	}
	bob.read(b, "on the way") // try looks whether the old value stays as it was
	if !bob.peer.Installations[0].Agreed {
		t.Error("nothing learnt from the message")
	}
	alice.read(bob.send("answer"), "answer")
}

// A session belongs to an identity and an installation: nobody else opens in it.
func TestSessionOfSomebodyElseDoesNotOpen(t *testing.T) {
	alice, bob, genuine := talked(t)
	carol := session.Peer{Identity: alice.key().Public()}
	pm := decode(t, genuine)
	if _, _, err := carol.Receive(bob.self, pm, bob.now, bob.source()); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("claimed by another identity: %v", err)
	}
	pm.InstallationId = "alice-2"
	if _, _, err := bob.peer.Receive(bob.self, pm, bob.now, bob.source()); !errors.Is(err, session.ErrNoSession) {
		t.Errorf("claimed by another installation: %v", err)
	}
	first := alice.installation(alice.self.Identity, bob.self.Identity.Public(), "alice-1")
	first.learn(bob)
	pm = decode(t, first.send("hello"))
	if _, _, err := carol.Receive(bob.self, pm, bob.now, bob.source()); !errors.Is(err, session.ErrDecrypt) {
		t.Errorf("a first message claimed by another identity: %v", err)
	}
}

func TestPublicMessage(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	bundle, err := bob.bundle().Sign(bob.self.Identity)
	if err != nil {
		t.Fatal(err)
	}
	pm := &wire.ProtocolMessage{InstallationId: "bob-1", Bundles: []*wire.Bundle{bundle}, PublicMessage: []byte("for all")}
	next, in, err := alice.peer.Receive(alice.self, pm, w.now, w.source())
	if err != nil || in.Kind != session.Public || string(in.Plaintext) != "for all" || in.Session != -1 {
		t.Fatalf("%+v, %v", in, err)
	}
	if got := next.Active(); len(got) != 1 || got[0].Agreed {
		t.Errorf("learnt %+v: a public message is no sign that they can derive the negotiated topic", got)
	}
}

func TestProtocolVersionDecidesOnTheNegotiatedTopic(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	pm := decode(t, alice.send("hello"))
	pm.Bundles[0].SignedPreKeys["alice-1"].ProtocolVersion = 0 // not signed
	next, _, err := bob.peer.Receive(bob.self, pm, w.now, w.source())
	if err != nil || len(next.Installations) != 1 || next.Installations[0].Agreed {
		t.Errorf("agreed with version 0: %+v, %v", next.Installations, err)
	}
}

// A failing random source fails the call and changes nothing.
func TestFailingRandomness(t *testing.T) {
	alice, bob, genuine := talked(t)
	broken := session.Source{Rand: bytes.NewReader(nil), IV: ratchet.RandomIV(bytes.NewReader(nil))}
	before := bob.peer.Record()
	if _, _, err := bob.peer.Receive(bob.self, decode(t, genuine), bob.now, broken); err == nil {
		t.Error("received without a new ratchet key")
	}
	if _, _, err := bob.peer.Encrypt(bob.self, nil, nil, bob.now, broken); err == nil {
		t.Error("encrypted without an IV")
	}
	if !proto.Equal(before, bob.peer.Record()) {
		t.Error("it changed the value")
	}
	bob.read(genuine, "on the way")
	nobody := session.Peer{Identity: alice.self.Identity.Public()}
	if _, _, err := nobody.Encrypt(bob.self, nil, nil, bob.now, broken); err == nil {
		t.Error("encrypted without an ephemeral key")
	}
	known := nobody.Learn(bob.self, alice.bundle(), bob.now)
	if _, _, err := known.Encrypt(bob.self, nil, nil, bob.now, broken); err == nil {
		t.Error("began a session without an ephemeral key")
	}
}
