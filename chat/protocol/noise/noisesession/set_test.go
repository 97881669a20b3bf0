package noisesession_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

func mustAdd(t *testing.T, set *noisesession.Set, s noisesession.Session) []noisesession.ID {
	t.Helper()
	next, gone, err := set.Add(s, start)
	if err != nil {
		t.Fatal(err)
	}
	*set = next
	return gone
}

// NM: two devices of Alice's, three of Bob's. What one of Alice's sends, all of Bob's open.
func TestSeveralDevices(t *testing.T) {
	r := seeded(t)
	alice, bob := mustIdentity(t, r), mustIdentity(t, r)
	var bobs []device
	for i := range 3 {
		bobs = append(bobs, newDevice(t, r, bob, fmt.Sprintf("bob-%d", i)))
	}
	for i := range 2 {
		d := newDevice(t, r, alice, fmt.Sprintf("alice-%d", i))
		var set noisesession.Set
		atBob := map[string]noisesession.Session{}
		for j, b := range bobs {
			ours, theirs := establish(t, r, d, b, noisesession.ID{}, start.Add(time.Duration(j)))
			mustAdd(t, &set, ours)
			atBob[ours.Topic()] = theirs
		}
		set, out, err := set.Seal(bob.Public(), []byte("to all"))
		if err != nil || len(out) != 3 || len(set.Topics()) != 3 {
			t.Fatalf("%d payloads: %v", len(out), err)
		}
		for _, o := range out {
			s := atBob[o.Topic]
			mustOpen(t, &s, o.Payload, "to all")
			atBob[o.Topic] = s
		}
		set, out, err = set.TerminateDevice(set.All()[1].Peer(), start)
		if err != nil || len(out) != 1 {
			t.Fatalf("%d payloads: %v", len(out), err)
		}
		s := atBob[out[0].Topic]
		if s, m, err := s.Open(out[0].Payload, start); err != nil || m.Kind != noisesession.Termination || s.State() != noisesession.Stale {
			t.Fatal(m.Kind, err)
		}
		if got := len(set.Targets(bob.Public())); got != 2 {
			t.Errorf("%d targets left", got)
		}
		if _, _, err := set.Seal(alice.Public(), nil); !errors.Is(err, noisesession.ErrUnknown) {
			t.Errorf("an identity without sessions: %v", err)
		}
	}
}

// Several sessions with one device: the newest seals, all open, and the number is bounded,
// the ended ones going first.
func TestSeveralSessions(t *testing.T) {
	r := seeded(t)
	a, b := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	var set noisesession.Set
	var ids []noisesession.ID
	for i := range noisesession.MaxPerDevice {
		ours, theirs := establish(t, r, a, b, noisesession.ID{}, start.Add(time.Duration(i)*time.Minute))
		if gone := mustAdd(t, &set, ours); gone != nil {
			t.Fatal("a session went too early")
		}
		if _, _, err := set.Add(ours, start); !errors.Is(err, noisesession.ErrKnown) {
			t.Errorf("added twice: %v", err)
		}
		ids = append(ids, ours.ID())
		payload := mustSeal(t, &theirs, "hello")
		s, err := set.ByTopic(ours.Topic())
		if err != nil {
			t.Fatal(err)
		}
		mustOpen(t, &s, payload, "hello")
		if set, err = set.Update(s); err != nil {
			t.Fatal(err)
		}
		if targets := set.Targets(b.identity.Public()); len(targets) != 1 || targets[0].ID() != ours.ID() {
			t.Fatal("not the newest session seals")
		}
	}
	if due := set.Due(start.Add(noisesession.MaxAge + time.Hour)); len(due) != 1 || due[0].ID() != ids[len(ids)-1] {
		t.Errorf("%d are due", len(due))
	}
	middle, err := set.Get(ids[2])
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.Update(middle.Retire(start)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []noisesession.ID{ids[2], ids[0]} {
		ours, _ := establish(t, r, a, b, noisesession.ID{}, start.Add(time.Hour))
		if gone := mustAdd(t, &set, ours); !slices.Equal(gone, []noisesession.ID{want}) {
			t.Errorf("%v went, want %v", gone, want)
		}
	}
	if _, err := set.Get(ids[2]); !errors.Is(err, noisesession.ErrUnknown) {
		t.Error("a session that went is there")
	}
	if _, err := set.Update(middle); !errors.Is(err, noisesession.ErrUnknown) {
		t.Error("a session that went is updated")
	}
	if _, err := set.ByTopic(middle.Topic()); !errors.Is(err, noisesession.ErrUnknown) {
		t.Error("a session that went has a topic")
	}
}

// A session that is away is not sealed in, and retired without a word.
func TestSetAway(t *testing.T) {
	s, _ := pair(t, seeded(t))
	var set noisesession.Set
	mustAdd(t, &set, s)
	away, _, err := s.HandOver()
	if err != nil {
		t.Fatal(err)
	}
	if set, err = set.Update(away); err != nil || len(set.Targets(s.Peer().Identity)) != 0 {
		t.Fatal("a session that is away is sealed in")
	}
	set, out, err := set.TerminateDevice(s.Peer(), start)
	if err != nil || out != nil || set.All()[0].State() != noisesession.Stale {
		t.Fatalf("%d payloads, %v", len(out), err)
	}
	if _, _, err := set.TerminateDevice(noisesession.Peer{Identity: key.Public{}}, start); !errors.Is(err, noisesession.ErrUnknown) {
		t.Errorf("an unknown device: %v", err)
	}
}

func TestSetTick(t *testing.T) {
	s, _ := pair(t, seeded(t))
	var set noisesession.Set
	mustAdd(t, &set, s)
	if _, changed := set.Tick(start.Add(time.Hour)); changed != nil {
		t.Error("something changed early")
	}
	set, changed := set.Tick(start.Add(noisesession.SilenceLimit))
	if len(changed) != 1 || changed[0].State() != noisesession.Stale || len(set.Topics()) != 1 {
		t.Fatal("silence is not noticed")
	}
	set, changed = set.Tick(start.Add(noisesession.SilenceLimit + noisesession.StaleGrace))
	if len(changed) != 1 || changed[0].State() != noisesession.Terminated || len(set.Topics()) != 0 {
		t.Fatal("the keys stay")
	}
}

// TestRemove takes one session out and leaves the set it was in alone; the counts of a
// session are those of both sides' messages.
func TestRemove(t *testing.T) {
	r := seeded(t)
	a, b := newDevice(t, r, mustIdentity(t, r), "a"), newDevice(t, r, mustIdentity(t, r), "b")
	var set noisesession.Set
	one, theirs := establish(t, r, a, b, noisesession.ID{}, start)
	two, _ := establish(t, r, a, b, noisesession.ID{}, start.Add(time.Second))
	mustAdd(t, &set, one)
	mustAdd(t, &set, two)
	rest := set.Remove(one.ID())
	if _, err := rest.Get(one.ID()); !errors.Is(err, noisesession.ErrUnknown) || len(rest.All()) != 1 || len(set.All()) != 2 {
		t.Fatalf("%v, %d and %d sessions", err, len(rest.All()), len(set.All()))
	}
	if same := rest.Remove(one.ID()); len(same.All()) != 1 {
		t.Fatal("another one is gone")
	}
	sealed, payload, err := one.Seal([]byte("x"))
	if err != nil || one.Sent() != 0 || sealed.Sent() != 1 || sealed.Received() != 0 {
		t.Fatalf("%d, %d sent, %v", one.Sent(), sealed.Sent(), err)
	}
	opened, _, err := theirs.Open(payload, start.Add(time.Minute))
	if err != nil || opened.Received() != 1 || opened.Sent() != 0 || !opened.Heard().Equal(start.Add(time.Minute)) {
		t.Fatalf("%d received, %v", opened.Received(), err)
	}
}
