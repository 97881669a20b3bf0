package session_test

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// FuzzReceive feeds messages to somebody who has a session in which one is missing
// and one that the other side began anew. Nothing may panic; what is refused leaves
// the value alone and says why; what is taken can be stored and read back.
func FuzzReceive(f *testing.F) {
	alice, bob, onTheWay := talked(f)
	next := alice.send("next")
	bob.read(next, "next")
	fresh := alice.installation(alice.self.Identity, bob.self.Identity.Public(), "alice-1")
	f.Add(fresh.send("to none"))
	fresh.learn(bob)
	first := fresh.send("first")
	bob.read(first, "first")
	f.Add(onTheWay)
	f.Add(next)
	f.Add(first)
	f.Add(fresh.send("second"))
	f.Add(alice.message(map[string]*wire.EncryptedMessageProtocol{"bob-2": {Payload: []byte("x")}}))
	f.Add(bob.send("to Alice"))
	f.Add([]byte{})
	stored := bob.peer.Record()
	f.Fuzz(func(t *testing.T, b []byte) {
		var pm wire.ProtocolMessage
		if proto.Unmarshal(b, &pm) != nil {
			return
		}
		src := session.Source{Rand: seeded(1), IV: bob.source().IV}
		next, in, err := bob.peer.Receive(bob.self, &pm, start, src)
		if !proto.Equal(stored, bob.peer.Record()) {
			t.Fatal("Receive changed the value it was called on")
		}
		if err != nil {
			wantTyped(t, err)
			if len(next.Sessions)+len(next.Installations)+len(in.Plaintext) > 0 {
				t.Fatal("an error and a result")
			}
			return
		}
		(&person{world: &world{t: t, now: start, rand: src.Rand}, self: bob.self, peer: next}).restart()
	})
}

// FuzzFromRecord reads stored peers, damaged or not. What reads back can be used.
func FuzzFromRecord(f *testing.F) {
	alice, bob, onTheWay := talked(f)
	bob.read(alice.send("behind"), "behind")
	for _, p := range []*person{alice, bob} {
		b, err := proto.Marshal(p.peer.Record())
		if err != nil {
			f.Fatal(err)
		}
		var keys []byte
		for _, ch := range p.peer.SkippedChanges(session.Peer{}) {
			keys = ch.Keys
		}
		f.Add(b, keys)
	}
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, b, skipped []byte) {
		var r wire.PeerRecord
		if proto.Unmarshal(b, &r) != nil {
			return
		}
		p, err := session.FromRecord(bob.peer.Identity, &r, func([]byte) ([]byte, error) { return skipped, nil })
		if err != nil {
			return
		}
		for i, s := range p.Sessions {
			_, _ = p.Sendable(bob.self, s), p.Chosen(bob.self, s.InstallationID) == i
		}
		_ = p.Unanswered(bob.self)
		src := session.Source{Rand: seeded(1), IV: bob.source().IV}
		if next, _, err := p.Receive(bob.self, decode(t, onTheWay), start, src); err == nil {
			p = next
		}
		if next, _, err := p.Encrypt(bob.self, []byte("x"), nil, start, src); err == nil {
			_ = next.SkippedChanges(p)
			_ = next.Record()
		}
	})
}
