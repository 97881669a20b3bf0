package noisepeer_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/wire"
)

// FuzzFrame: no frame but those of the other device makes a session, or harms one.
func FuzzFrame(f *testing.F) {
	alice, bob := newWorld(f, 50).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	bob.card(alice)
	states := []noisepeer.Peer{*alice.of(bob)}
	genuine := map[string]bool{}
	shake(bob, alice, bob.renew(alice), func(from, to *device, frame []byte) {
		genuine[string(frame)] = true
		f.Add(frame)
		states = append(states, *alice.of(bob))
	})
	stranger := noisepeer.Peer{Identity: alice.identity.Public()}
	_, r, err := stranger.Receive(bob.self, alice.renew(bob)[0], nil, bob.now, bob.rand)
	if err != nil || len(r.Frames) != 1 {
		f.Fatalf("%d frames: %v", len(r.Frames), err)
	}
	states = append(states, *alice.of(bob))
	for _, frame := range r.Frames {
		f.Add(frame.Bytes)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		to, from, err := noisepeer.Addressee(frame)
		rand := newWorld(t, 1).rand
		for _, p := range states {
			before := p.Record()
			next, r, failed := p.Receive(alice.self, frame, alice.secrets, alice.now, rand)
			if failed == nil && (err != nil || to != alice.id) {
				t.Fatalf("a frame for %q is taken: %v", to, err)
			}
			if r.Established && !genuine[string(frame)] {
				t.Fatalf("a session with %q", from)
			}
			if failed != nil && !proto.Equal(next.Record(), before) || !proto.Equal(p.Record(), before) {
				t.Fatal("a peer has changed")
			}
			if v, _ := next.Device(bob.id, alice.now); !v.Ready {
				t.Fatal("the session is gone")
			}
			if _, err := noisepeer.FromRecord(next.Identity, next.Record()); err != nil {
				t.Fatalf("what came of it does not read back: %v", err)
			}
		}
	})
}

// FuzzRecord: what is read from a record is what it says.
func FuzzRecord(f *testing.F) {
	alice, bob := newWorld(f, 51).pair()
	add := func(p *noisepeer.Peer) {
		stored, err := proto.Marshal(p.Record())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(stored)
	}
	alice.card(bob)
	add(alice.of(bob))
	shake(alice, bob, alice.begin(bob), func(_, _ *device, _ []byte) {
		add(alice.of(bob))
		add(bob.of(alice))
	})
	talk(alice, bob)
	add(alice.of(bob))
	f.Fuzz(func(t *testing.T, stored []byte) {
		var r wire.NoisePeerRecord
		if proto.Unmarshal(stored, &r) != nil {
			return
		}
		p, err := noisepeer.FromRecord(bob.identity.Public(), &r)
		if err != nil {
			return
		}
		again, err := noisepeer.FromRecord(p.Identity, p.Record())
		if err != nil || !proto.Equal(again.Record(), p.Record()) {
			t.Fatalf("read, written and read again: %v", err)
		}
		rand := newWorld(t, 1).rand
		if _, _, _, err := p.Tick(alice.self, alice.now, rand); err != nil {
			t.Fatal(err)
		}
		p.Due(alice.self, alice.now)
		p.Devices(alice.now)
		if _, _, _, err := p.Seal([]byte("x"), []string{bob.id}, alice.now, rand); err != nil {
			t.Logf("seals: %v", err)
		}
	})
}
