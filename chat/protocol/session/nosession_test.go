package session_test

import (
	"testing"

	"libstatus1to1/chat/protocol/session"
)

// One of two installations takes no new session from its pre-key: it is written to as any
// device, the other one in its session, until it has another pre-key or is heard.
func TestSendWithoutSession(t *testing.T) {
	w := newWorld(t, 41)
	alice, stuck := w.people()
	well := w.installation(stuck.self.Identity, alice.self.Identity.Public(), "bob-2")
	for _, p := range []*person{stuck, well} {
		alice.learn(p)
		p.learn(alice)
	}
	both := func(text string) []byte {
		t.Helper()
		b := alice.send(text)
		stuck.read(b, text)
		well.read(b, text)
		return b
	}
	both("one")
	alice.read(stuck.send("two"), "two")
	alice.peer = alice.peer.SendWithoutSession("bob-1")
	alice.restart()
	m := decode(t, both("three")).GetEncryptedMessage()
	if m["bob-1"] != nil || m[session.NoInstallation].GetDHHeader() == nil || m["bob-2"].GetDRHeader() == nil || len(m) != 2 {
		t.Fatalf("to whom it goes: %v", m)
	}
	next, out, err := alice.peer.Encrypt(alice.self, []byte("x"), []string{"bob-2"}, w.now, w.source())
	if err != nil || len(out.Targets) != 1 || out.Targets[0] != "bob-1" || out.Negotiated || len(out.Started) != 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	alice.peer = next

	heard := *alice
	heard.read(stuck.send("in a session"), "in a session")
	if firstFor(t, heard.send("back"), "bob-1").GetDRHeader() == nil {
		t.Fatal("heard in a session, it is still written to without one")
	}
	w.later(25 * 60 * 60 * 1e9)
	stuck.rotate()
	alice.learn(stuck)
	if b := alice.send("four"); firstFor(t, b, "bob-1").GetX3DHHeader() == nil {
		t.Fatal("with another pre-key it is still written to without a session")
	} else {
		stuck.read(b, "four")
	}
}

// A probe goes to one installation only, in the session there is.
func TestEncryptFor(t *testing.T) {
	w := newWorld(t, 42)
	alice, bob := w.people()
	alice.learn(bob)
	exchange(alice, bob, 2)
	before := alice.chosen("bob-1")
	next, out, err := alice.peer.EncryptFor(alice.self, "bob-1", []byte("there?"), w.now, w.source())
	if err != nil || len(out.Messages) != 1 || len(out.Started) != 0 || len(next.Sessions) != 1 {
		t.Fatalf("%+v, %v", out, err)
	}
	alice.peer = next
	bob.read(alice.message(out.Messages), "there?")
	if alice.chosen("bob-1").ID != before.ID {
		t.Fatal("another session is used")
	}
	if _, _, err := alice.peer.EncryptFor(alice.self, "nobody", nil, w.now, w.source()); err != session.ErrNobody {
		t.Fatalf("to nobody: %v", err)
	}
	bob.peer = session.Peer{Identity: bob.peer.Identity}
	bob.learn(alice)
	if _, out, err = bob.peer.EncryptFor(bob.self, "alice-1", nil, w.now, w.source()); err != nil || len(out.Started) != 1 {
		t.Fatalf("without a session: %+v, %v", out, err)
	}
}
