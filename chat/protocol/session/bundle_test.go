package session_test

import (
	"crypto/rand"
	"errors"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// TestSameBundleAgain sends one bundle again and again: it changes nothing the
// second time, and whatever differs from it in a single field is looked at.
func TestSameBundleAgain(t *testing.T) {
	draw := func() key.Private {
		k, err := key.Generate(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	them, preKey, self := draw(), draw(), session.Self{Identity: draw(), InstallationID: "ours"}
	sign := func(version uint32, at int64) *wire.Bundle {
		b, err := x3dh.Bundle{Identity: them.Public(), Timestamp: at, SignedPreKeys: []x3dh.SignedPreKey{{
			InstallationID: "theirs", Key: preKey.Public(), Version: version, ProtocolVersion: 1}}}.Sign(them)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	now := time.Unix(1_800_000_000, 0)
	peer := session.Peer{Identity: them.Public()}
	receive := func(b *wire.Bundle) error {
		next, _, err := peer.Receive(self, &wire.ProtocolMessage{
			InstallationId: "theirs", Bundles: []*wire.Bundle{b}, PublicMessage: []byte("x")}, now, session.Source{Rand: rand.Reader})
		if err == nil {
			peer = next
		}
		return err
	}
	first := sign(1, 1000)
	for range 3 {
		if err := receive(first); err != nil {
			t.Fatal(err)
		}
		if len(peer.Installations) != 1 || peer.Installations[0].PreKeyVersion != 1 || peer.Installations[0].BundleTimestamp != 1000 {
			t.Fatalf("installations: %+v", peer.Installations)
		}
	}
	for name, change := range map[string]func(*wire.Bundle){
		"signature": func(b *wire.Bundle) { b.Signature[10] ^= 1 },
		"timestamp": func(b *wire.Bundle) { b.Timestamp++ },
		"version":   func(b *wire.Bundle) { b.SignedPreKeys["theirs"].Version++ },
		"pre-key":   func(b *wire.Bundle) { b.SignedPreKeys["theirs"].SignedPreKey = draw().Public().Compressed() },
		"another":   func(b *wire.Bundle) { b.SignedPreKeys["new"] = b.SignedPreKeys["theirs"] },
	} {
		forged := proto.Clone(first).(*wire.Bundle)
		change(forged)
		if err := receive(forged); !errors.Is(err, session.ErrBundle) {
			t.Errorf("another %s: %v", name, err)
		}
	}
	// The protocol version is not signed, but a newer bundle with another one counts.
	newer := sign(2, 2000)
	if err := receive(newer); err != nil || peer.Installations[0].PreKeyVersion != 2 {
		t.Errorf("a newer bundle: %v, %+v", err, peer.Installations)
	}
	if err := receive(first); err != nil || peer.Installations[0].PreKeyVersion != 2 {
		t.Errorf("the old one again: %v, %+v", err, peer.Installations)
	}
}
