package session_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// advertised is a ProtocolMessage that installation from sends with a bundle.
func (p *person) advertised(from string, b x3dh.Bundle) *wire.ProtocolMessage {
	p.t.Helper()
	signed, err := b.Sign(p.self.Identity)
	if err != nil {
		p.t.Fatal(err)
	}
	return &wire.ProtocolMessage{InstallationId: from, Bundles: []*wire.Bundle{signed}}
}

func (p *person) other(id string, version uint32) x3dh.SignedPreKey {
	return x3dh.SignedPreKey{InstallationID: id, Key: p.key().Public(), Version: version, ProtocolVersion: 1}
}

// hear takes the bundles of a message.
func (p *person) hear(pm *wire.ProtocolMessage) {
	p.t.Helper()
	next, err := p.peer.LearnMessage(p.self, pm, p.now)
	if err != nil {
		p.t.Fatal(err)
	}
	p.peer = next
}

func (p *person) addresses(id string) bool {
	for _, in := range p.peer.Active() {
		if in.ID == id {
			return true
		}
	}
	return false
}

func TestTenThousandInstallations(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	var all []x3dh.SignedPreKey
	shared := w.key().Public()
	for i := range 10000 {
		all = append(all, x3dh.SignedPreKey{InstallationID: fmt.Sprintf("made-up-%05d", i), Key: shared, Version: 1, ProtocolVersion: 1})
	}
	whole := &wire.Bundle{Identity: bob.self.Identity.Public().Compressed(), SignedPreKeys: map[string]*wire.SignedPreKey{}}
	for _, spk := range all {
		whole.SignedPreKeys[spk.InstallationID] = &wire.SignedPreKey{SignedPreKey: spk.Key.Compressed(), Version: 1}
	}
	if _, err := alice.peer.LearnMessage(alice.self, &wire.ProtocolMessage{Bundles: []*wire.Bundle{whole}}, w.now); !errors.Is(err, session.ErrBundle) {
		t.Fatalf("a bundle of 10,000 installations: %v", err)
	}
	for len(all) > 0 {
		n := min(len(all), x3dh.MaxSignedPreKeys-1)
		w.later(time.Second)
		alice.hear(bob.advertised(bob.self.InstallationID, bob.bundle(all[:n:n]...)))
		all = all[n:]
	}
	if n := len(alice.peer.Installations); n > session.MaxKnownInstallations {
		t.Fatalf("%d installations are kept", n)
	}
	if n := len(alice.peer.Active()); n > session.MaxInstallations {
		t.Fatalf("%d installations are addressed", n)
	}
	next, out, err := alice.peer.Encrypt(alice.self, []byte("x"), nil, w.now, w.source())
	if err != nil || len(out.Targets) > session.MaxInstallations || len(next.Sessions) > session.MaxInstallations {
		t.Fatalf("%d targets, %d sessions, %v", len(out.Targets), len(next.Sessions), err)
	}
}

// A bundle of the future neither holds its place for ever nor keeps later ones out.
func TestBundleOfTheFuture(t *testing.T) {
	w := newWorld(t, 2)
	alice, bob := w.people()
	future := bob.bundle(bob.other("tablet", 1))
	future.Timestamp = w.now.Add(100 * 365 * 24 * time.Hour).UnixNano()
	alice.hear(bob.advertised(bob.self.InstallationID, future))
	for _, in := range alice.peer.Installations {
		if in.Activity > w.now.UnixNano() || in.BundleTimestamp > w.now.UnixNano() || in.ListedAt > w.now.UnixNano() {
			t.Fatalf("a time of the future was believed: %+v", in)
		}
	}
	w.later(25 * time.Hour)
	bob.rotate()
	alice.hear(bob.advertised(bob.self.InstallationID, bob.bundle()))
	if in, _ := alice.peer.Find(bob.self.InstallationID); in.PreKey != bob.current() {
		t.Fatal("the newer pre-key was not taken")
	}
	if alice.addresses("tablet") {
		t.Fatal("the tablet is not listed any more, and still addressed")
	}
}

func TestReplayedBundle(t *testing.T) {
	w := newWorld(t, 3)
	alice, bob := w.people()
	tablet := bob.other("tablet", 1)
	old := bob.advertised(bob.self.InstallationID, bob.bundle(tablet))
	alice.hear(old)
	w.later(25 * time.Hour)
	bob.rotate()
	alice.hear(bob.advertised(bob.self.InstallationID, bob.bundle()))
	before := alice.peer.Record().String()
	for range 3 {
		w.later(time.Minute)
		alice.hear(old)
	}
	if alice.peer.Record().String() != before {
		t.Fatal("an old bundle changed something")
	}
	if alice.addresses("tablet") {
		t.Fatal("an old bundle brought the tablet back")
	}
}

func TestBundleOfAnotherKey(t *testing.T) {
	w := newWorld(t, 4)
	alice, bob := w.people()
	mallory := w.installation(w.key(), alice.self.Identity.Public(), "mallory-1")
	forged, err := mallory.bundle().Sign(mallory.self.Identity)
	if err != nil {
		t.Fatal(err)
	}
	forged.Identity = bob.self.Identity.Public().Compressed()
	if _, err := alice.peer.LearnMessage(alice.self, &wire.ProtocolMessage{Bundles: []*wire.Bundle{forged}}, w.now); !errors.Is(err, session.ErrBundle) {
		t.Fatalf("a forged bundle: %v", err)
	}
	alice.hear(mallory.advertised("mallory-1", mallory.bundle())) // somebody else's, beside a message of bob's
	if len(alice.peer.Installations) != 0 {
		t.Fatal("a bundle of another identity was taken")
	}
}

// Who is listed is written to; who is not listed any more is not, until listed again.
func TestListedInstallations(t *testing.T) {
	w := newWorld(t, 5)
	alice, phone := w.people()
	laptop := w.installation(phone.self.Identity, alice.self.Identity.Public(), "bob-2")
	hear := func(from *person, others ...*person) {
		w.later(time.Second)
		var listed []x3dh.SignedPreKey
		for _, o := range others {
			k, _ := o.self.PreKeys.Current()
			listed = append(listed, k.Signed(o.self.InstallationID))
		}
		alice.hear(from.advertised(from.self.InstallationID, from.bundle(listed...)))
	}
	want := func(what string, onPhone, onLaptop bool) {
		t.Helper()
		if alice.addresses("bob-1") != onPhone || alice.addresses("bob-2") != onLaptop {
			t.Fatalf("%s: phone %v, laptop %v", what, alice.addresses("bob-1"), alice.addresses("bob-2"))
		}
	}
	hear(phone)
	hear(laptop)
	want("before they are paired", true, true)
	hear(phone, laptop)
	hear(laptop, phone)
	hear(phone, laptop)
	want("paired", true, true)
	hear(phone)
	want("the phone drops the laptop", true, false)
	hear(laptop, phone)
	want("the laptop does not come back by itself", true, false)
	hear(phone, laptop)
	want("listed again", true, true)
	hear(phone)
	hear(laptop)
	want("each drops the other: the first word counts", true, false)
}

// An own installation begins disabled, and is enabled by those that list us only
// when the caller says so.
func TestJoin(t *testing.T) {
	w := newWorld(t, 6)
	alice, _ := w.people()
	phone := alice
	phone.peer = session.Peer{Identity: alice.self.Identity.Public()}
	laptop := w.installation(alice.self.Identity, alice.self.Identity.Public(), "alice-2")
	k, _ := phone.self.PreKeys.Current()
	phone.hear(laptop.advertised("alice-2", laptop.bundle(k.Signed("alice-1"), laptop.other("alice-3", 1))))
	if len(phone.peer.Active()) != 0 || len(phone.peer.Installations) != 2 {
		t.Fatalf("own installations: %+v", phone.peer.Installations)
	}
	joined := phone.peer.Join(func(string) bool { return false })
	if len(joined.Active()) != 1 || joined.Active()[0].ID != "alice-2" {
		t.Fatalf("joined: %+v", joined.Active())
	}
	if all := phone.peer.Join(func(id string) bool { return id == "alice-3" }); len(all.Active()) != 2 {
		t.Fatalf("joined: %+v", all.Active())
	}
	decided, _ := phone.peer.Change("alice-2", func(in *session.Installation) { in.Decided = true })
	if len(decided.Join(func(string) bool { return false }).Active()) != 0 {
		t.Fatal("what the user decided was changed")
	}
	if phone.peer = joined; phone.peer.Dropped() {
		t.Fatal("dropped before it was")
	}
	w.later(time.Second)
	phone.hear(laptop.advertised("alice-2", laptop.bundle()))
	if !phone.peer.Dropped() {
		t.Fatal("the laptop does not list us any more")
	}
}

// A session that one side has lost is begun again, from either side.
func TestRestartRepairs(t *testing.T) {
	for _, loser := range []string{"who began", "who answered"} {
		w := newWorld(t, 7)
		alice, bob := w.people()
		alice.learn(bob)
		exchange(alice, bob, 3)
		lost, other := alice, bob
		if loser == "who answered" {
			lost, other = bob, alice
		}
		lost.peer = session.Peer{Identity: lost.peer.Identity}
		unread := other.send("lost")
		_, _, err := lost.try(unread)
		if !errors.Is(err, session.ErrNoSession) {
			t.Fatalf("%s: %v", loser, err)
		}
		lost.hear(decode(t, unread))
		next, out, err := lost.peer.Restart(lost.self, other.self.InstallationID, w.now, w.source())
		if err != nil || len(out.Started) != 1 {
			t.Fatalf("%s: %v", loser, err)
		}
		lost.peer = next
		if in := other.read(lost.message(out.Messages), ""); !in.Started {
			t.Fatalf("%s: no new session", loser)
		}
		lost.read(other.send("again"), "again")
		exchange(alice, bob, 3)
		sameSession(alice, bob)
	}
}

// Keys of messages that never come are bounded for an identity, not only for each of
// the many sessions it can begin.
func TestSkippedKeysOfOneIdentity(t *testing.T) {
	w := newWorld(t, 8)
	alice, bob := w.people()
	var last []byte
	for n := range 9 {
		device := w.installation(bob.self.Identity, alice.self.Identity.Public(), fmt.Sprint("bob-", n))
		device.learn(alice)
		w.later(time.Second)
		for i := range 1001 {
			b := device.send("x")
			if i == 999 {
				last = b
			} else if i == 1000 {
				alice.read(b, "x")
			}
		}
		total := 0
		for _, s := range alice.peer.Sessions {
			total += s.Ratchet.SkippedLen()
		}
		if total == 0 || total > session.MaxSkippedKeys {
			t.Fatalf("%d keys are kept after %d devices", total, n+1)
		}
	}
	alice.read(last, "x") // of the session in use they are there
	alice.restart()
}

// Installations that come up one after the other do not push an enabled one out.
func TestEnabledInstallationStays(t *testing.T) {
	w := newWorld(t, 9)
	phone, _ := w.people()
	phone.peer = session.Peer{Identity: phone.self.Identity.Public()}
	tablet := w.installation(phone.self.Identity, phone.self.Identity.Public(), "tablet")
	phone.learn(tablet)
	phone.peer, _ = phone.peer.Change("tablet", func(in *session.Installation) { in.Disabled, in.Decided = false, true })
	for i := range 2 * session.MaxKnownInstallations {
		w.later(time.Hour)
		phone.learn(w.installation(phone.self.Identity, phone.self.Identity.Public(), fmt.Sprint("new-", i)))
	}
	if !phone.addresses("tablet") || len(phone.peer.Installations) > session.MaxKnownInstallations {
		t.Fatalf("the tablet is gone: %+v", phone.peer.Installations)
	}
}
