package noisepeer_test

import (
	"errors"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise/noisepeer"
)

// trio is Alice with two devices that have a session, and Bob with one, who has a session with
// the first one of Alice.
func trio(t *testing.T, seed uint64) (phone, laptop, bob *device) {
	w := newWorld(t, seed)
	phone, bob = w.pair()
	laptop = w.device(phone.identity, "alice-2")
	run(phone, laptop, phone.begin(laptop))
	run(phone, bob, phone.begin(bob))
	talk(phone, laptop)
	talk(phone, bob)
	return phone, laptop, bob
}

// handOver gives the session with Bob from one device of Alice to the other.
func handOver(from, to, bob *device) (noisepeer.Opened, error) {
	from.t.Helper()
	next, h, err := from.of(bob).HandOver(bob.id, from.now)
	if err != nil {
		from.t.Fatal(err)
	}
	own, out, err := from.of(to).SealHandover(from.self, h, to.id, from.now, from.rand)
	if err != nil {
		from.t.Fatal(err)
	}
	*from.of(bob), *from.of(to) = next, own
	o, err := to.open(from, out)
	if err != nil || o.Kind != noisepeer.Handed || o.HandedFor().Identity != bob.identity.Public() {
		from.t.Fatalf("a hand-over opens to %d: %v", o.Kind, err)
	}
	adopted, err := to.of(bob).Adopt(to.self, o, to.now)
	if err == nil {
		*to.of(bob) = adopted
	}
	return o, err
}

// TestHandOver: the other device of Alice goes on with her session with Bob, who notices
// nothing; the first one only reads in it until it is given back.
func TestHandOver(t *testing.T) {
	phone, laptop, bob := trio(t, 20)
	if _, err := handOver(phone, laptop, bob); err != nil {
		t.Fatal(err)
	}
	phone.restart()
	laptop.restart()
	if v := phone.view(bob); v.Ready || !v.Away {
		t.Fatalf("the phone still seals: %+v", v)
	}
	if v := laptop.view(bob); !v.Ready || v.Session != bob.view(phone).Session {
		t.Fatalf("the laptop does not have the session: %+v", v)
	}
	out := laptop.seal(bob, "from the laptop")
	if o, err := bob.open(phone, out); err != nil || string(o.Plaintext) != "from the laptop" {
		t.Fatalf("Bob opens %q: %v", o.Plaintext, err)
	}
	answer := bob.seal(phone, "to both")
	laptop.mustOpen(bob, answer, "to both")
	phone.mustOpen(bob, answer, "to both")
	if _, err := handOver(laptop, phone, bob); err != nil {
		t.Fatal(err)
	}
	if v := laptop.view(bob); v.Ready || !v.Away {
		t.Errorf("the laptop still seals: %+v", v)
	}
	talk(phone, bob)
}

// TestHandOverRefused: only a device of ours may hand a session over, only the session of the
// person it is for is taken, and an older one never.
func TestHandOverRefused(t *testing.T) {
	phone, laptop, bob := trio(t, 21)
	_, h, err := phone.of(bob).HandOver(bob.id, phone.now)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := phone.of(bob).SealHandover(phone.self, h, bob.id, phone.now, phone.rand); !errors.Is(err, noisepeer.ErrHandover) {
		t.Errorf("a hand-over to Bob: %v", err)
	}
	o, err := handOver(phone, laptop, bob)
	if err != nil {
		t.Fatal(err)
	}
	carol := newWorld(t, 22).identity().Public()
	if _, err := (noisepeer.Peer{Identity: carol}).Adopt(laptop.self, o, laptop.now); !errors.Is(err, noisepeer.ErrHandover) {
		t.Errorf("a session with Bob as one with Carol: %v", err)
	}
	if _, err := laptop.of(bob).Adopt(laptop.self, o, laptop.now); !errors.Is(err, noisepeer.ErrHandover) {
		t.Errorf("the same once more: %v", err)
	}
	if _, err := bob.of(bob).Adopt(bob.self, o, bob.now); !errors.Is(err, noisepeer.ErrHandover) {
		t.Errorf("from another identity: %v", err)
	}
	if _, _, err := phone.of(bob).HandOver(bob.id, phone.now); !errors.Is(err, noisepeer.ErrNoSession) {
		t.Errorf("handed over twice: %v", err)
	}
}

// TestTerminate: the device is told; what was on the way still opens, for a while.
func TestTerminate(t *testing.T) {
	alice, bob := newWorld(t, 23).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	late := bob.seal(alice, "late")
	p, out, err := alice.of(bob).Terminate(alice.now, alice.rand)
	if err != nil || len(out) != 1 {
		t.Fatalf("%d payloads: %v", len(out), err)
	}
	*alice.of(bob) = p
	if o, err := bob.open(alice, out[0]); err != nil || o.Kind != noisepeer.Termination {
		t.Fatalf("opens to %d: %v", o.Kind, err)
	}
	if alice.view(bob).Ready || bob.view(alice).Ready {
		t.Error("there is still a session")
	}
	alice.restart()
	alice.mustOpen(bob, late, "late")
	again := bob.copyOf()
	_, _, missing, err := bob.of(alice).Seal([]byte("x"), []string{alice.id}, bob.now, bob.rand)
	if err != nil || len(missing) != 1 {
		t.Errorf("missing %q: %v", missing, err)
	}
	alice.now = alice.now.Add(4 * 24 * time.Hour)
	alice.tick(bob)
	if topics := alice.of(bob).Topics(); len(topics) != 0 {
		t.Errorf("listens to %q", topics)
	}
	// The session before still names the next one.
	bob.peers = again
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
}
