package noisepeer_test

import (
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise"
)

// TestHandshake: from what two devices know of each other follows the pattern.
func TestHandshake(t *testing.T) {
	for name, c := range map[string]struct {
		know func(a, b *device)
		want string
	}{
		"a card":          {func(a, b *device) { a.card(b) }, noise.XXpsk0},
		"an X3DH session": {shareX3DH, noise.XXpsk0},
		"a static key":    {func(a, b *device) { a.learn(b) }, noise.XK1},
		"nothing":         {func(a, b *device) {}, noise.XX},
	} {
		t.Run(name, func(t *testing.T) {
			alice, bob := newWorld(t, 1).pair()
			c.know(alice, bob)
			run(alice, bob, alice.begin(bob))
			for _, v := range []struct{ of, with *device }{{alice, bob}, {bob, alice}} {
				if got := v.of.view(v.with); !got.Ready || !got.Confirmed || got.Pending || got.Pattern != c.want {
					t.Errorf("%s knows of %s: %+v", v.of.id, v.with.id, got)
				}
			}
			if alice.view(bob).Session != bob.view(alice).Session {
				t.Error("two sessions")
			}
			talk(alice, bob)
			alice.restart()
			bob.restart()
			talk(bob, alice)
		})
	}
}

// TestRenewalKeepsWhatIsInFlight: a session is renewed with K1K1, and what was sealed in the one
// before opens all the same.
func TestRenewalKeepsWhatIsInFlight(t *testing.T) {
	alice, bob := newWorld(t, 2).pair()
	alice.card(bob)
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	late := bob.seal(alice, "late")
	before := alice.view(bob).Session
	alice.now = alice.now.Add(7 * 24 * time.Hour)
	frames := alice.tick(bob)
	if len(frames) != 1 {
		t.Fatalf("%d frames to renew the session", len(frames))
	}
	run(alice, bob, frames)
	if v := alice.view(bob); v.Session == before || v.Pattern != noise.K1K1 || !v.Confirmed {
		t.Fatalf("not renewed: %+v", v)
	}
	talk(alice, bob)
	alice.mustOpen(bob, late, "late")
}
