package session_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
)

func (w *world) signed(id string, version uint32) x3dh.SignedPreKey {
	return x3dh.SignedPreKey{InstallationID: id, Key: w.key().Public(), Version: version, ProtocolVersion: x3dh.ProtocolVersion}
}

func ids(list []session.Installation) (ids []string) {
	for _, in := range list {
		ids = append(ids, in.ID)
	}
	return ids
}

func TestLearnTakesTheNewerPreKey(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	bundle := func(version uint32, at time.Duration) x3dh.Bundle {
		return x3dh.Bundle{
			Identity: alice.peer.Identity, Timestamp: start.Add(at).UnixNano(),
			SignedPreKeys: []x3dh.SignedPreKey{w.signed(bob.self.InstallationID, version)},
		}
	}
	w.later(time.Hour)
	for _, step := range []struct {
		what   string
		bundle x3dh.Bundle
		taken  bool
	}{
		{"the first", bundle(5, time.Minute), true},
		{"an older version, signed later", bundle(4, 10*time.Minute), false},
		{"the same version, signed earlier", bundle(5, time.Second), false},
		{"the same version, signed later", bundle(5, 2*time.Minute), true},
		{"a newer version, signed earlier", bundle(6, time.Second), true},
		{"a version that is gone", bundle(5, 20*time.Minute), false},
	} {
		next := alice.peer.Learn(alice.self, step.bundle, w.now)
		if taken := next.Installations[0].PreKey == step.bundle.SignedPreKeys[0].Key; taken != step.taken || len(next.Installations) != 1 {
			t.Errorf("%s: taken %v", step.what, taken)
		}
		if next.Installations[0].Activity > w.now.UnixNano() {
			t.Errorf("%s: a sign of life from the future", step.what)
		}
		alice.peer = next
	}
	alice.peer = alice.peer.Learn(alice.self, bundle(7, 1000*time.Hour), w.now)
	if got := alice.peer.Installations[0]; got.Activity != w.now.UnixNano() || got.BundleTimestamp != w.now.UnixNano() {
		t.Error("a timestamp of the future is believed")
	}
}

func TestLearnIgnoresOtherIdentitiesAndNone(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	_, carol := w.people()
	if next := alice.peer.Learn(alice.self, carol.bundle(), w.now); len(next.Installations) != 0 {
		t.Error("learnt from somebody else's bundle")
	}
	next := alice.peer.Learn(alice.self, bob.bundle(w.signed(session.NoInstallation, 1)), w.now)
	if len(next.Installations) != 1 || next.Installations[0].ID != bob.self.InstallationID {
		t.Errorf("learnt %v", ids(next.Installations))
	}
}

func TestOwnOtherInstallationsBeginDisabled(t *testing.T) {
	w := newWorld(t, 1)
	alice, _ := w.people()
	own := session.Peer{Identity: alice.self.Identity.Public()}
	own = own.Learn(alice.self, alice.bundle(w.signed("alice-2", 1)), w.now)
	if len(own.Installations) != 1 || own.Installations[0].ID != "alice-2" || !own.Installations[0].Disabled || len(own.Active()) != 0 {
		t.Errorf("own installations: %+v", own.Installations)
	}
}

func TestLearnDoesNotChangeTheOldValue(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	before := alice.peer.Record()
	w.later(x3dh.RotateAfter)
	bob.rotate()
	_ = alice.peer.Learn(alice.self, bob.bundle(w.signed("bob-2", 1)), w.now)
	if !proto.Equal(before, alice.peer.Record()) {
		t.Error("Learn changed the value it was called on")
	}
}

func TestActiveIsTheLatestThree(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	for i := range session.MaxInstallations + 2 {
		w.later(time.Minute)
		bob.self.InstallationID = fmt.Sprint("bob-", i)
		alice.learn(bob)
	}
	if got, want := ids(alice.peer.Active()), []string{"bob-4", "bob-3", "bob-2"}; !slices.Equal(got, want) {
		t.Errorf("active %v, want %v", got, want)
	}
	if m := decode(t, alice.send("x")).GetEncryptedMessage(); len(m) != session.MaxInstallations || m["bob-4"] == nil || m["bob-0"] != nil {
		t.Errorf("a message for %d installations", len(m))
	}
}

func TestSurplusInstallationsGoWithTheirSessions(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.learn(bob)
	exchange(alice, bob, 1)
	for i := range session.MaxKnownInstallations {
		w.later(time.Minute)
		alice.peer = alice.peer.Learn(alice.self, x3dh.Bundle{
			Identity: alice.peer.Identity, Timestamp: w.now.UnixNano(),
			SignedPreKeys: []x3dh.SignedPreKey{w.signed(fmt.Sprint("new-", i), 1)},
		}, w.now)
	}
	if n := len(alice.peer.Installations); n != session.MaxKnownInstallations || slices.Contains(ids(alice.peer.Installations), "bob-1") || len(alice.peer.Sessions) != 0 {
		t.Errorf("%d installations (%v), %d sessions", n, ids(alice.peer.Installations), len(alice.peer.Sessions))
	}
}

func TestMessageForOthersTeachesTheBundle(t *testing.T) {
	w := newWorld(t, 1)
	alice, bob := w.people()
	alice.peer = alice.peer.Learn(alice.self, x3dh.Bundle{
		Identity: alice.peer.Identity, Timestamp: 1, SignedPreKeys: []x3dh.SignedPreKey{w.signed("bob-2", 1)},
	}, w.now)
	next, in, err := bob.try(alice.send("for bob-2 only"))
	if err != nil || in.Kind != session.NotAddressed || len(in.Plaintext) != 0 || in.Session >= 0 || in.InstallationID != "alice-1" {
		t.Fatalf("%+v, %v", in, err)
	}
	if got := next.Active(); len(got) != 1 || got[0].PreKey != alice.current() || got[0].Agreed {
		t.Errorf("learnt %+v", got)
	}
}
