package session_test

import (
	"testing"

	"libstatus1to1/chat/protocol/session"
)

// An installation that advertises its bundle may have lost the session: we begin
// another one, but read the old one, which is used again if they did not lose it.
func TestRekeyDoubtsWhatItMayHaveLost(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	bob.learn(alice)
	alice.read(bob.send("hello"), "hello") // a session from Alice's pre-key
	exchange(alice, bob, 2)
	old := alice.chosen("bob-1")
	late := bob.send("late")

	alice.peer = alice.peer.Rekey("bob-1")
	alice.restart()
	alice.learn(bob)
	if s := alice.peer.Sessions[0]; !s.Doubted || alice.peer.Sendable(alice.self, s) {
		t.Fatalf("the old session is still for sending: %+v", s)
	}
	again := alice.send("again")
	if firstFor(t, again, "bob-1").GetX3DHHeader() == nil || alice.chosen("bob-1").ID != bob.current() {
		t.Fatal("the next message does not begin a session from their pre-key")
	}
	alice.read(late, "late")
	if s := alice.peer.Sessions[len(alice.peer.Sessions)-1]; s.ID != old.ID || s.Doubted {
		t.Fatalf("heard again, it is still doubted: %+v", s)
	}
	bob.read(again, "again")
	exchange(alice, bob, 3)
	sameSession(alice, bob)
}

// Who has really lost it goes on in the new one.
func TestRekeyAfterALoss(t *testing.T) {
	w := newWorld(t, 2)
	alice, bob := w.people()
	bob.learn(alice)
	alice.read(bob.send("hello"), "hello")
	exchange(alice, bob, 2)
	bob.peer = session.Peer{Identity: bob.peer.Identity}
	alice.learn(bob)
	alice.peer = alice.peer.Rekey("bob-1")
	bob.read(alice.send("again"), "again")
	exchange(alice, bob, 3)
	sameSession(alice, bob)
	if n := len(bob.peer.Sessions); n != 1 {
		t.Errorf("%d sessions", n)
	}
}
