package noisepeer_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisepeer"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// TestSimultaneous: two that begin at once are left with one session, that of the lower
// identity key, whatever order the frames come in.
func TestSimultaneous(t *testing.T) {
	for _, first := range []string{"alice", "bob"} {
		t.Run(first, func(t *testing.T) {
			alice, bob := newWorld(t, 30).pair()
			shareX3DH(alice, bob)
			ofAlice := alice.begin(bob)
			alice.now = alice.now.Add(time.Second)
			ofBob := bob.begin(alice)
			if first == "alice" {
				run(alice, bob, ofAlice)
				for _, f := range ofBob {
					run(bob, alice, [][]byte{f}) // comes too late
				}
			} else {
				run(bob, alice, ofBob)
			}
			talk(alice, bob)
			talk(bob, alice)
			if a, b := alice.view(bob), bob.view(alice); a.Session != b.Session || a.Pending || b.Pending {
				t.Errorf("%+v; %+v", a, b)
			}
		})
	}
}

// TestResending: a frame that nobody answers goes out again, byte for byte and less and less
// often, until its handshake is given up; then another begins.
func TestResending(t *testing.T) {
	alice, bob := newWorld(t, 31).pair()
	frame := alice.begin(bob)[0]
	sent, begun, last := 0, 0, frame
	for range 400 {
		due := alice.of(bob).Due(alice.self, alice.now)
		if due.IsZero() {
			t.Fatal("nothing is due")
		}
		if due.Sub(epoch) > 35*24*time.Hour {
			break
		}
		alice.now = due
		for _, f := range alice.tick(bob) {
			if sent++; !bytes.Equal(f, last) {
				begun, last = begun+1, f
			}
		}
		alice.restart()
	}
	if begun != 1 {
		t.Errorf("%d handshakes were begun after the first one", begun)
	}
	if sent < 20 || sent > 120 {
		t.Errorf("%d frames went out in 35 days", sent)
	}
	run(alice, bob, [][]byte{last})
	talk(alice, bob)
}

// TestRenewal: what makes a session due, and who renews it.
func TestRenewal(t *testing.T) {
	for name, c := range map[string]struct {
		lower, higher func(alice, bob *device) // until one of them is to begin
	}{
		"age": {
			func(alice, bob *device) { alice.now = alice.now.Add(noisesession.MaxAge) },
			func(alice, bob *device) { alice.now = alice.now.Add(24 * time.Hour) },
		},
		"count": {
			func(alice, bob *device) { sayOften(alice, bob, noisesession.MaxMessages) },
			func(alice, bob *device) { sayOften(alice, bob, noisesession.MaxMessages/10) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			alice, bob := newWorld(t, 32).pair()
			run(alice, bob, alice.begin(bob))
			talk(alice, bob)
			if len(alice.tick(bob))+len(bob.tick(alice)) > 0 {
				t.Fatal("due at once")
			}
			c.lower(alice, bob)
			if n := len(bob.tick(alice)); n != 0 {
				t.Error("the side with the higher key renews first")
			}
			later := alice.copyOf()
			if n := len(alice.tick(bob)); n != 1 {
				t.Fatalf("the side with the lower key begins %d handshakes", n)
			}
			alice.peers = later
			c.higher(alice, bob)
			frames := bob.tick(alice)
			if len(frames) != 1 {
				t.Fatalf("the side with the higher key begins %d handshakes in the end", len(frames))
			}
			run(bob, alice, frames)
			if v := alice.view(bob); v.Pattern != noise.K1K1 {
				t.Errorf("by %s", v.Pattern)
			}
			talk(alice, bob)
		})
	}
}

// sayOften lets Alice say so many things to Bob.
func sayOften(alice, bob *device, n int) {
	for range n {
		o := alice.seal(bob, "x")
		if _, err := bob.open(alice, o); err != nil {
			alice.t.Fatal(err)
		}
	}
}

// TestUnusedSessionIsNotRenewed: people who say nothing do not shake hands every week.
func TestUnusedSessionIsNotRenewed(t *testing.T) {
	alice, bob := newWorld(t, 33).pair()
	run(alice, bob, alice.begin(bob))
	alice.now = alice.now.Add(20 * 24 * time.Hour)
	if n := len(alice.tick(bob)) + len(bob.tick(alice)); n != 0 {
		t.Errorf("%d handshakes", n)
	}
	talk(alice, bob)
	if n := len(alice.tick(bob)); n != 1 {
		t.Errorf("%d handshakes after something was said", n)
	}
}

// TestCertificateIsRenewed: before our certificate in a session runs out, the session is
// renewed with the next one; without a next one it ends with it.
func TestCertificateIsRenewed(t *testing.T) {
	alice, bob := newWorld(t, 34).pair()
	bob.certify(20 * 24 * time.Hour)
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	alice.now = alice.now.Add(6 * 24 * time.Hour)
	if n := len(bob.tick(alice)); n != 0 {
		t.Fatal("renewed without another certificate")
	}
	bob.certify(certificateLife)
	frames := bob.tick(alice)
	if len(frames) != 1 {
		t.Fatalf("%d handshakes", len(frames))
	}
	run(bob, alice, frames)
	if v := alice.view(bob); v.Expires.Sub(alice.now) < certificateLife-time.Hour {
		t.Errorf("the session ends at %v", v.Expires)
	}
	alice.now = bob.self.Certificate.Expires
	alice.tick(bob)
	if alice.view(bob).Ready {
		t.Error("a session outlives the certificate")
	}
}

// TestLostSession: a device that has lost a session is given another one, once enough has gone
// unanswered for long enough; and also at once if it begins itself.
func TestLostSession(t *testing.T) {
	alice, bob := newWorld(t, 35).pair()
	shareX3DH(alice, bob)
	empty := *bob.of(alice)
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	*bob.of(alice) = empty
	for range 8 {
		if _, err := bob.open(alice, alice.seal(bob, "lost")); !errors.Is(err, noisepeer.ErrNoSession) {
			t.Fatalf("opens in a session that was lost: %v", err)
		}
	}
	if n := len(alice.tick(bob)); n != 0 {
		t.Fatal("given up at once")
	}
	alice.now = alice.now.Add(time.Hour)
	frames := 0
	shake(alice, bob, alice.tick(bob), func(_, _ *device, _ []byte) { frames++ })
	if frames != 3 {
		t.Errorf("%d frames: the session that was lost was tried again", frames)
	}
	if v := alice.view(bob); v.Pattern != noise.XXpsk0 || !v.Confirmed {
		t.Fatalf("%+v", v)
	}
	talk(alice, bob)

	*bob.of(alice) = empty
	run(bob, alice, bob.begin(alice))
	talk(alice, bob)
}

// TestOneSideLostTheOther: K1K1 with somebody who does not know the session any more is refused,
// and another pattern is taken.
func TestOneSideLostTheOther(t *testing.T) {
	alice, bob := newWorld(t, 36).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	*bob.of(alice) = noisepeer.Peer{Identity: alice.identity.Public()}
	run(alice, bob, alice.renew(bob))
	if v := alice.view(bob); v.Pattern == noise.K1K1 || !v.Ready {
		t.Errorf("%+v", v)
	}
	talk(alice, bob)
	run(alice, bob, alice.renew(bob))
	if v := alice.view(bob); v.Pattern != noise.K1K1 {
		t.Errorf("renewed by %s", v.Pattern)
	}
}

// TestAnotherStaticKey: a device that has another static key now is shaken hands with by that.
func TestAnotherStaticKey(t *testing.T) {
	alice, bob := newWorld(t, 40).pair()
	alice.learn(bob)
	bob.newStatic()
	run(alice, bob, alice.begin(bob))
	if v := alice.view(bob); v.Pattern != noise.XK1 {
		t.Errorf("by %s with the key in the refusal", v.Pattern)
	}
	talk(alice, bob)
	alice.newStatic()
	run(alice, bob, alice.renew(bob))
	if v := alice.view(bob); v.Pattern != noise.XK1 {
		t.Errorf("by %s with another key of our own", v.Pattern)
	}
	talk(alice, bob)
	bob.newStatic()
	run(alice, bob, alice.renew(bob))
	talk(alice, bob)
}

// TestCertificateOfAHandshakeIsKept: after XX the static key of the device is known.
func TestCertificateOfAHandshakeIsKept(t *testing.T) {
	alice, bob := newWorld(t, 41).pair()
	run(alice, bob, alice.begin(bob))
	alice.newStatic()
	run(alice, bob, alice.renew(bob))
	if v := alice.view(bob); v.Pattern != noise.XK1 {
		t.Errorf("by %s", v.Pattern)
	}
}

// TestClockIsBehind: a device whose clock is behind that of its last handshake begins one
// nevertheless.
func TestClockIsBehind(t *testing.T) {
	alice, bob := newWorld(t, 42).pair()
	run(bob, alice, bob.begin(alice))
	alice.now = alice.now.Add(-30 * time.Minute)
	*alice.of(bob) = noisepeer.Peer{Identity: bob.identity.Public()}
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
}

// TestSessionBeforeEnds: once the device is heard in a new session, the one before opens late
// messages for a while, and then no more.
func TestSessionBeforeEnds(t *testing.T) {
	alice, bob := newWorld(t, 43).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	late := bob.seal(alice, "late")
	run(alice, bob, alice.renew(bob))
	talk(alice, bob)
	if n := len(alice.of(bob).Topics()); n != 2 {
		t.Errorf("listens to %d topics", n)
	}
	alice.now = alice.now.Add(noisesession.StaleGrace)
	alice.tick(bob)
	if n := len(alice.of(bob).Topics()); n != 1 {
		t.Errorf("listens to %d topics in the end", n)
	}
	if _, err := alice.open(bob, late); !errors.Is(err, noisepeer.ErrNoSession) {
		t.Errorf("opens in a session that is over: %v", err)
	}
	alice.restart()
	talk(alice, bob)
}

// TestForgottenByResponder: message 3 of a handshake that the other side has lost is refused,
// and another handshake begins.
func TestForgottenByResponder(t *testing.T) {
	alice, bob := newWorld(t, 37).pair()
	two := bob.mustTake(alice, alice.begin(bob)[0]).Frames[0].Bytes
	three := alice.mustTake(bob, two).Frames[0].Bytes
	*bob.of(alice) = noisepeer.Peer{Identity: alice.identity.Public()}
	run(alice, bob, [][]byte{three})
	talk(alice, bob)
}

// TestBadArguments: what cannot be is refused and changes nothing.
func TestBadArguments(t *testing.T) {
	alice, bob := newWorld(t, 38).pair()
	p := *alice.of(bob)
	long := strings.Repeat("x", noise.MaxInstallationID+1)
	for _, id := range []string{"", "a b", long} {
		if _, _, err := p.Begin(alice.self, id, alice.now, alice.rand); !errors.Is(err, noisepeer.ErrFrame) {
			t.Errorf("begins with %q: %v", id, err)
		}
	}
	own := noisepeer.Peer{Identity: alice.identity.Public()}
	if _, _, err := own.Begin(alice.self, alice.id, alice.now, alice.rand); !errors.Is(err, noisepeer.ErrFrame) {
		t.Errorf("begins with itself: %v", err)
	}
	bad := noisepeer.Self{Static: bob.self.Static, Certificate: alice.self.Certificate}
	if _, _, err := p.Begin(bad, bob.id, alice.now, alice.rand); !errors.Is(err, noisepeer.ErrSelf) {
		t.Errorf("begins with another's key: %v", err)
	}
	if _, err := p.LearnCertificate(alice.self.Certificate, alice.now); !errors.Is(err, noisepeer.ErrCertificate) {
		t.Errorf("learns another's certificate: %v", err)
	}
	for _, id := range []noisepeer.SecretID{{}, {Kind: 9, ID: "x"}, {Kind: noisepeer.CardSecret, ID: strings.Repeat("x", noisepeer.MaxSecretID+1)}} {
		if _, err := p.LearnSecret(bob.id, id, [32]byte{1}, time.Time{}, alice.now); !errors.Is(err, noisepeer.ErrSecret) {
			t.Errorf("learns the secret %+v: %v", id, err)
		}
	}
	if _, err := p.LearnSecret(bob.id, cardID, [32]byte{}, time.Time{}, alice.now); !errors.Is(err, noisepeer.ErrSecret) {
		t.Errorf("learns an empty secret: %v", err)
	}
	frame := alice.begin(bob)[0]
	if to, from, err := noisepeer.Addressee(frame); err != nil || to != bob.id || from != alice.id {
		t.Errorf("a frame is from %q to %q: %v", from, to, err)
	}
	if _, err := alice.take(bob, frame); !errors.Is(err, noisepeer.ErrFrame) {
		t.Errorf("takes a frame for another device: %v", err)
	}
	run(alice, bob, [][]byte{frame})
	if _, _, _, err := alice.of(bob).Seal(make([]byte, noisepeer.MaxPlaintext+1), []string{bob.id}, alice.now, alice.rand); !errors.Is(err, noisepeer.ErrTooLong) {
		t.Errorf("seals too much: %v", err)
	}
	bob.mustOpen(alice, alice.seal(bob, strings.Repeat("x", noisepeer.MaxPlaintext)), strings.Repeat("x", noisepeer.MaxPlaintext))
}

// TestNothingIsPrinted: a Peer does not show its secrets.
func TestNothingIsPrinted(t *testing.T) {
	alice, bob := newWorld(t, 39).pair()
	alice.card(bob)
	text, err := alice.of(bob).MarshalText()
	if err != nil || string(text) != "[redacted]" {
		t.Errorf("%q: %v", text, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if got := fmt.Sprintf(verb, *alice.of(bob)); got != "[redacted]" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
