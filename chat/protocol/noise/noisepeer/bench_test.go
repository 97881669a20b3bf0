package noisepeer_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

var benchText = make([]byte, 1024)

// overX3DH carries a message from Alice to Bob over X3DH, in a session in which both were
// heard.
func overX3DH(b *testing.B) (carry func()) {
	b.Helper()
	w := newWorld(b, 60)
	src := session.Source{Rand: w.rand, IV: ratchet.RandomIV(w.rand)}
	identities := []session.Self{{Identity: w.identity(), InstallationID: "alice-1"}, {Identity: w.identity(), InstallationID: "bob-1"}}
	peers := make([]session.Peer, 2)
	for i := range identities {
		var err error
		if identities[i].PreKeys, _, err = identities[i].PreKeys.Rotate(w.now, w.rand); err != nil {
			b.Fatal(err)
		}
	}
	for i, other := range []int{1, 0} {
		of := identities[other]
		k, _ := of.PreKeys.Current()
		peers[i] = session.Peer{Identity: of.Identity.Public()}.Learn(identities[i], x3dh.Bundle{
			Identity: of.Identity.Public(), Timestamp: w.now.UnixNano(), SignedPreKeys: []x3dh.SignedPreKey{k.Signed(of.InstallationID)},
		}, w.now)
	}
	say := func(from, to int) {
		next, out, err := peers[from].Encrypt(identities[from], benchText, nil, w.now, src)
		if err != nil {
			b.Fatal(err)
		}
		pm := &wire.ProtocolMessage{InstallationId: identities[from].InstallationID, EncryptedMessage: out.Messages}
		heard, _, err := peers[to].Receive(identities[to], pm, w.now, src)
		if err != nil {
			b.Fatal(err)
		}
		peers[from], peers[to] = next, heard
	}
	say(0, 1)
	say(1, 0)
	return func() { say(0, 1) }
}

// overNoise does the same over Noise.
func overNoise(b *testing.B) (carry func()) {
	b.Helper()
	alice, bob := newWorld(b, 61).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	text := string(benchText)
	return func() {
		if _, err := bob.open(alice, alice.seal(bob, text)); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMessage seals and opens a message of 1 KiB; x-x3dh is its cost as a part of that
// over X3DH, which is to be at most 1.
func BenchmarkMessage(b *testing.B) {
	against, carry := overX3DH(b), overNoise(b)
	const rounds = 2000
	begin := time.Now()
	for range rounds {
		against()
	}
	each := time.Since(begin) / rounds
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		carry()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(each), "x-x3dh")
}

// BenchmarkHandshake is a whole handshake, of both sides.
func BenchmarkHandshake(b *testing.B) {
	alice, bob := newWorld(b, 62).pair()
	x3dh := noisepeer.SecretID{Kind: noisepeer.SessionSecret, ID: "x"}
	alice.share(bob, x3dh, [32]byte{1})
	bob.share(alice, x3dh, [32]byte{1})
	ofBob, ofAlice := *alice.of(bob), *bob.of(alice)
	for range b.N {
		*alice.of(bob), *bob.of(alice) = ofBob, ofAlice
		run(alice, bob, alice.begin(bob))
	}
}

// BenchmarkRecord stores and reads back what is known of somebody with one session.
func BenchmarkRecord(b *testing.B) {
	alice, bob := newWorld(b, 63).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	b.ReportAllocs()
	for range b.N {
		stored, err := proto.Marshal(alice.of(bob).Record())
		if err != nil {
			b.Fatal(err)
		}
		var r wire.NoisePeerRecord
		if err := proto.Unmarshal(stored, &r); err != nil {
			b.Fatal(err)
		}
		if _, err := noisepeer.FromRecord(bob.identity.Public(), &r); err != nil {
			b.Fatal(err)
		}
	}
}
