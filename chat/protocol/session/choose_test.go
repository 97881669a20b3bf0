package session_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
)

func TestX3DHHeaderUntilAnswered(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	var sent [][]byte
	for i := range 3 {
		m := alice.send(fmt.Sprint(i))
		if h := firstFor(t, m, "bob-1"); h.GetX3DHHeader() == nil || h.GetDRHeader().GetN() != uint32(i) {
			t.Fatalf("message %d before an answer: %v", i, h)
		}
		sent = append(sent, m)
	}
	if in := bob.read(sent[2], "2"); !in.Started || in.Session != 0 {
		t.Errorf("the first that comes begins the session: %+v", in)
	}
	if in := bob.read(sent[0], "0"); in.Started || in.Established {
		t.Errorf("the second does not: %+v", in)
	}
	answer := bob.send("answer")
	if firstFor(t, answer, "alice-1").GetX3DHHeader() != nil {
		t.Error("the answer carries an X3DH header")
	}
	if in := alice.read(answer, "answer"); !in.Established || in.Started || alice.chosen("bob-1").Established() != true {
		t.Errorf("the answer establishes the session: %+v", in)
	}
	if m := alice.send("3"); firstFor(t, m, "bob-1").GetX3DHHeader() != nil {
		t.Error("an X3DH header after the answer")
	} else {
		bob.read(m, "3")
	}
	bob.read(sent[1], "1")
}

func TestNegotiatedOnceEveryTargetHasAnswered(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	second := w.installation(bob.self.Identity, alice.self.Identity.Public(), "bob-2")
	alice.learn(bob)
	alice.learn(second)
	negotiated := func(except ...string) bool {
		_, out, err := alice.peer.Encrypt(alice.self, nil, except, w.now, w.source())
		if err != nil {
			t.Fatal(err)
		}
		return out.Negotiated
	}
	m := alice.send("hello")
	bob.read(m, "hello")
	second.read(m, "hello")
	if negotiated() {
		t.Error("negotiated before any answer")
	}
	alice.read(bob.send("one"), "one")
	if negotiated() || !negotiated("bob-2") {
		t.Error("one of two has answered")
	}
	alice.read(second.send("two"), "two")
	if !negotiated() {
		t.Error("both have answered")
	}
	if _, _, err := alice.peer.Encrypt(alice.self, nil, []string{"bob-1", "bob-2"}, w.now, w.source()); !errors.Is(err, session.ErrNobody) {
		t.Errorf("to nobody: %v", err)
	}
}

func TestToNobodyKnown(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	m := alice.send("")
	if h := firstFor(t, m, session.NoInstallation); h.GetDHHeader() == nil {
		t.Fatalf("sent %v", h)
	}
	in := bob.read(m, "")
	if in.Session != -1 || in.Started || in.Plaintext == nil {
		t.Errorf("%+v", in)
	}
	_, out, err := bob.peer.Encrypt(bob.self, nil, nil, w.now, w.source())
	if err != nil || !out.Negotiated || !slices.Equal(out.Started, []string{"alice-1"}) || !slices.Equal(out.Targets, out.Started) {
		t.Errorf("the answer: %+v, %v", out, err)
	}
}

// The other side has lost its sessions, not its keys, and begins again from the
// same pre-key. Both sides go on in the new one; what is late still opens.
func TestReinitiationFromTheSamePreKey(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	exchange(alice, bob, 2)
	late := alice.send("late")
	alice.peer = session.Peer{Identity: alice.peer.Identity}
	alice.learn(bob)
	again := alice.send("again")
	if firstFor(t, again, "bob-1").GetX3DHHeader() == nil {
		t.Fatal("no new session")
	}
	if in := bob.read(again, "again"); !in.Started || len(bob.peer.Sessions) != 2 {
		t.Errorf("%+v, %d sessions", in, len(bob.peer.Sessions))
	}
	sameSession(alice, bob)
	bob.read(late, "late")
	if _, _, err := alice.try(bob.send("lost")); err == nil { // the late one came last
		t.Error("Alice reads in the session she has lost")
	}
	bob.read(alice.send("more"), "more")
	exchange(bob, alice, 2)
	sameSession(alice, bob)
}

// Both sides hold the session Alice began. Bob loses it and begins one himself,
// from Alice's pre-key: whichever of the secrets is lower, they end in his.
func TestSideThatLostTheLowerSessionIsFollowed(t *testing.T) {
	lower := map[bool]int{}
	for seed := uint64(1); seed <= 8; seed++ {
		w := newWorld(t, seed)
		alice, bob := w.people()
		alice.learn(bob)
		exchange(alice, bob, 1)
		old := alice.chosen("bob-1")
		bob.peer = session.Peer{Identity: bob.peer.Identity}
		bob.learn(alice)
		unread := 0
		for i := range session.LostAfter + 2 {
			text := fmt.Sprint(i)
			alice.read(bob.send(text), text) // he repeats it: no acknowledgement comes
			m := alice.send("answer")
			if _, _, err := bob.try(m); err == nil {
				bob.read(m, "answer")
			} else {
				unread++
			}
		}
		if unread > session.LostAfter {
			t.Errorf("seed %d: %d answers unread", seed, unread)
		}
		lower[unread > 0]++
		sameSession(alice, bob)
		if now := alice.chosen("bob-1"); now.ID == old.ID {
			t.Errorf("seed %d: still in the lost session", seed)
		}
		exchange(alice, bob, 2)
	}
	if len(lower) != 2 {
		t.Errorf("one of the two cases did not occur: %v", lower)
	}
}

func TestRotationExpiresSessions(t *testing.T) {
	for _, who := range []string{"the side whose pre-key it began from", "the other side"} {
		w := newWorld(t, 1)
		alice, bob := w.people()
		alice.learn(bob)
		exchange(alice, bob, 1)
		old := alice.chosen("bob-1")
		inFlight := alice.send("in flight")
		w.later(x3dh.RotateAfter)
		if who == "the other side" {
			alice.rotate()
			bob.read(alice.send("same session"), "same session")
			if alice.chosen("bob-1").ID != old.ID || bob.chosen("alice-1").ID != old.ID {
				t.Errorf("%s: the session is gone", who)
			}
			continue
		}
		bob.rotate()
		if bob.peer.Chosen(bob.self, "alice-1") >= 0 || bob.peer.Sendable(bob.self, bob.peer.Sessions[0]) {
			t.Errorf("%s: the expired session is still used", who)
		}
		m := bob.send("new") // from Alice's pre-key
		if firstFor(t, m, "alice-1").GetX3DHHeader() == nil {
			t.Errorf("%s: no new session", who)
		}
		alice.read(m, "new")
		if alice.peer.Sendable(alice.self, alice.peer.Sessions[0]) {
			t.Errorf("%s: Alice does not see from the bundle that it has expired", who)
		}
		bob.read(inFlight, "in flight")
		exchange(alice, bob, 2)
		sameSession(alice, bob)
	}
}

func TestLateFirstMessageWithASpentPreKey(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	first := alice.send("first")
	for range 29 {
		w.later(x3dh.RotateAfter)
		bob.rotate()
	}
	if in := bob.read(first, "first"); !in.Started {
		t.Errorf("%+v", in)
	}
	if bob.peer.Chosen(bob.self, "alice-1") >= 0 {
		t.Error("sends in a session from a spent pre-key")
	}
	m := bob.send("answer")
	if firstFor(t, m, "alice-1").GetX3DHHeader() == nil {
		t.Error("no new session")
	}
	alice.read(m, "answer")
	exchange(alice, bob, 1)
	sameSession(alice, bob)

	w.later(2 * x3dh.KeepSpent)
	bob.rotate()
	if _, _, err := (&person{world: w, self: bob.self, peer: session.Peer{Identity: bob.peer.Identity}}).try(first); !errors.Is(err, session.ErrNoPreKey) {
		t.Errorf("with a pre-key long gone: %v", err)
	}
}

func TestOldExpiredSessionsAreForgotten(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	exchange(alice, bob, 1)
	rotateAndTalk := func() {
		bob.rotate()
		alice.learn(bob)
		exchange(alice, bob, 1)
	}
	w.later(x3dh.RotateAfter)
	rotateAndTalk()
	if len(alice.peer.Sessions) != 2 {
		t.Fatalf("%d sessions", len(alice.peer.Sessions))
	}
	w.later(session.KeepExpired + time.Second)
	rotateAndTalk()
	if n := len(alice.peer.Sessions); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// However many sessions a peer begins, the one in use stays: also if it is the one
// that was used the longest time ago.
func TestTheSessionInUseIsNotForgotten(t *testing.T) {
	quiet := 0
	for seed := uint64(1); seed <= 8; seed++ {
		w := newWorld(t, seed)
		alice, bob := w.people()
		alice.learn(bob)
		exchange(alice, bob, 1)
		for i := range 2 * session.MaxSessions {
			w.later(time.Second)
			clone := w.installation(bob.self.Identity, alice.self.Identity.Public(), "bob-1")
			clone.self.PreKeys = bob.self.PreKeys
			clone.learn(alice)
			used := alice.chosen("bob-1")
			oldest := slices.MinFunc(alice.peer.Sessions, func(a, b session.Session) int { return a.UsedAt.Compare(b.UsedAt) })
			if len(alice.peer.Sessions) == session.MaxSessions && oldest.Order == used.Order {
				quiet++
			}
			alice.read(clone.send("hello"), "hello")
			if n := len(alice.peer.Sessions); n > session.MaxSessions {
				t.Fatalf("%d sessions", n)
			}
			if !slices.ContainsFunc(alice.peer.Sessions, func(s session.Session) bool { return s.ID == used.ID && s.Order == used.Order }) {
				t.Fatalf("seed %d: after %d new sessions the one in use is gone", seed, i+1)
			}
		}
	}
	if quiet == 0 {
		t.Error("the one in use never was the one used the longest time ago")
	}
}

// Of those not in use, the expired ones go first, however late they were heard.
func TestExpiredSessionsAreForgottenFirst(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	var late [][]byte
	begin := func() {
		w.later(time.Second)
		clone := w.installation(bob.self.Identity, alice.self.Identity.Public(), "bob-1")
		clone.self.PreKeys = bob.self.PreKeys
		clone.learn(alice)
		alice.read(clone.send("hello"), "hello")
		late = append(late, clone.send("late"))
	}
	for range session.MaxSessions - 2 {
		begin()
	}
	w.later(x3dh.RotateAfter)
	alice.rotate()
	alice.send("from Bob's pre-key")
	begin() // from Alice's new one: now there are two to send in
	for _, m := range late[:session.MaxSessions-2] {
		w.later(time.Second)
		alice.read(m, "late")
	}
	begin()
	sendable := 0
	for _, s := range alice.peer.Sessions {
		if alice.peer.Sendable(alice.self, s) {
			sendable++
		}
	}
	if sendable != 3 || len(alice.peer.Sessions) != session.MaxSessions {
		t.Errorf("%d of %d sessions can be sent in", sendable, len(alice.peer.Sessions))
	}
}

// A sender that makes up installations gets no more room than one installation.
func TestUnnamedInstallationsShareTheirRoom(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	exchange(alice, bob, 1)
	for i := range 4 * session.MaxSessions {
		clone := w.installation(bob.self.Identity, alice.self.Identity.Public(), "bob-1")
		clone.learn(alice)
		pm := decode(t, clone.send("hello"))
		pm.InstallationId, pm.Bundles = fmt.Sprint("made-up-", i), nil
		next, in, err := alice.peer.Receive(alice.self, pm, w.now, w.source())
		if err != nil || !in.Started {
			t.Fatal(err)
		}
		alice.peer = next
	}
	if n := len(alice.peer.Sessions); n != session.MaxSessions+1 {
		t.Errorf("%d sessions", n)
	}
	exchange(alice, bob, 1)
}

func TestUnanswered(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	if n := alice.peer.Unanswered(alice.self); n != 0 {
		t.Errorf("%d before anything", n)
	}
	alice.learn(bob)
	for range 5 {
		alice.send("x")
	}
	if n := alice.peer.Unanswered(alice.self); n != 5 {
		t.Errorf("%d after five", n)
	}
	w.later(time.Second)
	alice.peer = alice.peer.Learn(alice.self, bob.bundle(w.signed("bob-2", 1)), w.now)
	alice.send("x")
	if n := alice.peer.Unanswered(alice.self); n != 1 {
		t.Errorf("%d: a silent device holds up the other", n)
	}
}
