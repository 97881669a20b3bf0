package session_test

import (
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
)

// family is several installations of one identity, and alice who hears their bundles.
type family struct {
	*world
	alice   *person
	devices map[string]*person
}

func newFamily(t *testing.T, seed uint64, ids ...string) *family {
	w := newWorld(t, seed)
	alice, bob := w.people()
	f := &family{world: w, alice: alice, devices: map[string]*person{}}
	for _, id := range ids {
		f.devices[id] = w.installation(bob.self.Identity, alice.self.Identity.Public(), id)
	}
	return f
}

// hear lets alice hear a bundle of from that lists others beside it, a second later.
func (f *family) hear(from string, others ...string) {
	f.t.Helper()
	f.later(time.Second)
	var listed []x3dh.SignedPreKey
	for _, id := range others {
		k, _ := f.devices[id].self.PreKeys.Current()
		listed = append(listed, k.Signed(id))
	}
	f.alice.hear(f.devices[from].advertised(from, f.devices[from].bundle(listed...)))
	f.alice.restart()
}

func (f *family) want(what string, addressed []string, conflicts ...string) {
	f.t.Helper()
	got := ids(f.alice.peer.Active())
	slices.Sort(got)
	slices.Sort(addressed)
	if !slices.Equal(got, addressed) {
		f.t.Errorf("%s: addressed %q, want %q", what, got, addressed)
	}
	if got := f.alice.peer.Conflicts(f.alice.self); !slices.Equal(got, conflicts) {
		f.t.Errorf("%s: conflicts %q, want %q", what, got, conflicts)
	}
}

// A lost device was taken off the list. Whoever has the key in it signs bundles for it,
// in whatever order: it does not come back, and the other one is not shut out.
func TestLostDeviceStaysOff(t *testing.T) {
	f := newFamily(t, 31, "main", "lost")
	f.hear("main", "lost")
	f.hear("lost", "main")
	f.hear("main")
	f.want("main takes the lost one off", []string{"main"})
	f.hear("lost")
	f.want("the lost one takes main off", []string{"main"}, "lost")
	f.hear("lost")
	f.hear("lost", "main")
	f.want("it lists main again", []string{"main"})
	f.hear("lost")
	f.want("and takes it off again", []string{"main"}, "lost")
	f.hear("main")
	f.want("main says so again", []string{"main"}, "lost")
	f.hear("main", "lost")
	f.want("main puts it on again", []string{"main", "lost"})
}

// Somebody with the key makes an installation up. It takes nobody off who was there
// before and has never listed it, and brings nobody back.
func TestMadeUpInstallation(t *testing.T) {
	f := newFamily(t, 32, "main", "lost", "made-up")
	f.hear("main", "lost")
	f.hear("lost", "main")
	f.hear("main")
	f.hear("made-up", "main", "lost")
	f.want("it lists all", []string{"main", "made-up"})
	f.hear("made-up")
	f.want("it takes main off", []string{"main", "made-up"})
	f.hear("main", "made-up")
	f.hear("made-up", "lost", "main")
	f.want("one that main lists brings it back", []string{"lost", "made-up", "main"})
}

// A device that was never heard, or that turned up later, is taken off by one that has
// listed it, whether or not that is mutual.
func TestOneSidedList(t *testing.T) {
	f := newFamily(t, 33, "phone", "laptop", "tablet")
	f.hear("phone", "tablet")
	f.hear("laptop")
	f.hear("phone", "tablet", "laptop")
	f.hear("phone")
	f.want("the phone takes both off", []string{"phone"})
}

// Own devices: one that the user has disabled, and that does not list this one any
// more, is a conflict. What it says of itself changes nothing.
func TestOwnConflict(t *testing.T) {
	w := newWorld(t, 34)
	main, _ := w.people()
	main.peer = session.Peer{Identity: main.self.Identity.Public()}
	lost := w.installation(main.self.Identity, main.self.Identity.Public(), "lost")
	k, _ := main.self.PreKeys.Current()
	us := k.Signed(main.self.InstallationID)
	main.hear(lost.advertised("lost", lost.bundle(us)))
	main.peer, _ = main.peer.Change("lost", func(in *session.Installation) { in.Disabled, in.Decided = true, true })
	if got := main.peer.Conflicts(main.self); len(got) != 0 {
		t.Fatalf("a conflict before there is one: %q", got)
	}
	w.later(time.Second)
	main.hear(lost.advertised("lost", lost.bundle()))
	if got := main.peer.Conflicts(main.self); !slices.Equal(got, []string{"lost"}) {
		t.Fatalf("conflicts %q", got)
	}
	if main.peer.Dropped() || len(main.peer.Active()) != 0 {
		t.Fatal("the disabled one has taken this one off")
	}
}
