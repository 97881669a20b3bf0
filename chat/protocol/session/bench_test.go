package session_test

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// against measures run b.N times and reports how its cost relates to that of the
// primitives it is made of, measured in the same process.
func against(b *testing.B, primitives, run func()) {
	b.Helper()
	const rounds = 200
	begin := time.Now()
	for range rounds {
		primitives()
	}
	each := time.Since(begin) / rounds
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		run()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.Elapsed())/float64(b.N)/float64(each), "x-primitives")
}

var benchText = make([]byte, 1024)

// ratchets is the bare ratchet of an established session.
func ratchets(b *testing.B, w *world) (alice, bob ratchet.State) {
	b.Helper()
	var secret key.Secret
	spk := w.key()
	alice, err := ratchet.NewInitiator(secret, spk.Public(), w.rand)
	if err != nil {
		b.Fatal(err)
	}
	return alice, ratchet.NewResponder(secret, spk)
}

// BenchmarkEncrypt is one message of 1 KiB in an established session, against the
// ratchet alone.
func BenchmarkEncrypt(b *testing.B) {
	alice, bob, _ := talked(b)
	bare, _ := ratchets(b, alice.world)
	iv := ratchet.RandomIV(alice.rand)
	against(b, func() { _, _, _ = bare.Encrypt(benchText, iv) }, func() {
		if _, _, err := alice.peer.Encrypt(alice.self, benchText, nil, bob.now, alice.source()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkReceive is one message of 1 KiB in order in an established session, with
// the bundle beside it, against checking the bundle and the ratchet alone.
func BenchmarkReceive(b *testing.B) {
	alice, bob, _ := talked(b)
	bob.read(alice.send("step"), "step")
	raw := alice.send(string(benchText))
	pm := decode(b, raw)

	sender, receiver := ratchets(b, alice.world)
	sender, m, err := sender.Encrypt(nil, ratchet.DerivedIV())
	if err == nil {
		receiver, _, err = receiver.Decrypt(m, alice.rand)
	}
	if err == nil {
		_, m, err = sender.Encrypt(benchText, ratchet.DerivedIV())
	}
	if err != nil {
		b.Fatal(err)
	}
	against(b, func() {
		_, _ = x3dh.ParseBundle(pm.GetBundles()[0])
		_, _, _ = receiver.Decrypt(m, alice.rand)
	}, func() {
		if _, _, err := bob.peer.Receive(bob.self, pm, bob.now, bob.source()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkFirstMessage begins a session and sends 1 KiB in it, against X3DH and the
// ratchet alone.
func BenchmarkFirstMessage(b *testing.B) {
	w := newWorld(b, 1)
	alice, bob := w.people()
	alice.learn(bob)
	iv := ratchet.RandomIV(w.rand)
	against(b, func() {
		secret, _, _ := x3dh.Active(w.rand, alice.self.Identity, bob.self.Identity.Public(), bob.current())
		s, _ := ratchet.NewInitiator(secret, bob.current(), w.rand)
		_, _, _ = s.Encrypt(benchText, iv)
	}, func() {
		if _, _, err := alice.peer.Encrypt(alice.self, benchText, nil, w.now, w.source()); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkRecord stores and reads back a peer with one session.
func BenchmarkRecord(b *testing.B) {
	alice, _, _ := talked(b)
	b.ReportAllocs()
	for range b.N {
		raw, err := proto.Marshal(alice.peer.Record())
		if err != nil {
			b.Fatal(err)
		}
		var r wire.PeerRecord
		if err := proto.Unmarshal(raw, &r); err != nil {
			b.Fatal(err)
		}
		if _, err := session.FromRecord(alice.peer.Identity, &r, nil); err != nil {
			b.Fatal(err)
		}
	}
}
