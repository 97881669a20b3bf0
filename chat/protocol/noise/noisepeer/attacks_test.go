package noisepeer_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisepeer"
)

// shake runs a handshake message by message: before each arrives, meddle has it.
func shake(from, to *device, frames [][]byte, meddle func(from, to *device, frame []byte)) {
	from.t.Helper()
	for _, f := range frames {
		meddle(from, to, f)
		r := to.mustTake(from, f)
		shake(to, from, raw(r.Frames), meddle)
		pass(to, from, r.Outgoing)
	}
}

var knowledge = map[string]func(a, b *device){
	noise.XXpsk0: func(a, b *device) { a.card(b) },
	noise.XK1:    func(a, b *device) { a.learn(b) },
	noise.XX:     func(a, b *device) {},
	noise.K1K1: func(a, b *device) {
		run(a, b, a.begin(b))
		talk(a, b)
	},
}

// begins begins a handshake of this pattern.
func begins(a, b *device, pattern string) [][]byte {
	knowledge[pattern](a, b)
	if pattern == noise.K1K1 {
		return a.renew(b)
	}
	return a.begin(b)
}

// TestAlteredFrames: no altered frame makes a session, and the true one comes through
// afterwards.
func TestAlteredFrames(t *testing.T) {
	for pattern := range knowledge {
		t.Run(pattern, func(t *testing.T) {
			alice, bob := newWorld(t, 3).pair()
			frames := begins(alice, bob, pattern)
			altered := 0
			shake(alice, bob, frames, func(from, to *device, frame []byte) {
				before := *to.of(from)
				for i := range frame {
					bad := bytes.Clone(frame)
					bad[i] ^= 1 << (i % 8)
					next, r, err := before.Receive(to.self, bad, to.secrets, to.now, to.rand)
					if r.Established {
						t.Fatalf("byte %d of %d altered: a session with %q", i, len(frame), r.Installation)
					}
					if err != nil && !proto.Equal(next.Record(), before.Record()) {
						t.Fatalf("byte %d of %d altered: %v, but the peer has changed", i, len(frame), err)
					}
					altered++
				}
				for n := range len(frame) {
					if _, r, err := before.Receive(to.self, frame[:n], to.secrets, to.now, to.rand); err == nil && r.Established {
						t.Fatalf("the first %d of %d bytes make a session", n, len(frame))
					}
				}
			})
			if altered == 0 || alice.view(bob).Pattern != pattern {
				t.Fatalf("%d frames altered, %+v", altered, alice.view(bob))
			}
			talk(alice, bob)
		})
	}
}

// TestReplayedFrames: frames of a handshake that is over make no session and end none,
// whenever they come again.
func TestReplayedFrames(t *testing.T) {
	for pattern := range knowledge {
		t.Run(pattern, func(t *testing.T) {
			alice, bob := newWorld(t, 4).pair()
			var seen []onTheWay
			shake(alice, bob, begins(alice, bob, pattern), func(from, to *device, frame []byte) {
				seen = append(seen, onTheWay{from: from, to: to, frame: frame})
			})
			if len(seen) != 3 {
				t.Fatalf("%d frames", len(seen))
			}
			talk(alice, bob)
			session := alice.view(bob).Session
			for _, later := range []time.Duration{0, time.Hour, 20 * 24 * time.Hour, 20 * 24 * time.Hour} {
				alice.now = alice.now.Add(later)
				for _, m := range seen {
					if r, _ := m.to.take(m.from, m.frame); r.Established {
						t.Fatal("an old handshake makes a session")
					}
				}
				alice.restart()
				bob.restart()
				talk(alice, bob)
				if alice.view(bob).Session != session || bob.view(alice).Session != session {
					t.Fatal("another session")
				}
			}
		})
	}
}

// TestOldHandshakeIsRefused: a handshake that the device had begun before the present one does
// not replace it.
func TestOldHandshakeIsRefused(t *testing.T) {
	alice, bob := newWorld(t, 5).pair()
	before := alice.copyOf()
	old := alice.begin(bob)
	alice.peers = before
	alice.now = alice.now.Add(time.Second)
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	session := bob.view(alice).Session
	r := bob.mustTake(alice, old[0])
	if len(r.Frames) != 1 || r.Established {
		t.Fatalf("an old handshake: %+v", r)
	}
	if _, err := alice.take(bob, r.Frames[0].Bytes); !errors.Is(err, noisepeer.ErrHandshake) {
		t.Fatalf("a refusal of what is not under way: %v", err)
	}
	talk(alice, bob)
	if bob.view(alice).Session != session {
		t.Error("the old handshake has replaced the session")
	}
}

// TestTimeOfAHandshake: one that is too old or begun in the future is not answered.
func TestTimeOfAHandshake(t *testing.T) {
	alice, bob := newWorld(t, 6).pair()
	frame := alice.begin(bob)[0]
	for _, shift := range []time.Duration{-noise.MaxClockSkew - time.Second, noisepeer.HandshakeLife + time.Second} {
		alice.now = epoch.Add(shift)
		if _, err := bob.take(alice, frame); !errors.Is(err, noisepeer.ErrClock) {
			t.Errorf("a handshake that was begun %v ago: %v", shift, err)
		}
	}
	alice.now = epoch
	run(alice, bob, [][]byte{frame})
	talk(alice, bob)
}

// TestNobodyElse: what Mallory has of a handshake of Alice and Bob, cards included, makes no
// session with him in the place of either, and neither does what he begins himself.
func TestNobodyElse(t *testing.T) {
	w := newWorld(t, 7)
	alice, bob := w.pair()
	mallory := w.device(w.identity(), alice.id)
	alice.card(bob)
	psk := bob.cards[cardID]
	mallory.learn(bob)
	mallory.share(bob, cardID, psk)
	for _, f := range mallory.begin(bob) {
		r, err := bob.take(alice, f) // as if Alice had signed it
		for _, reply := range r.Frames {
			if r, err := mallory.take(bob, reply.Bytes); err == nil && r.Established {
				t.Fatalf("Mallory has a session as Alice: %v", err)
			}
		}
		if err == nil && r.Established {
			t.Fatal("Bob has a session with Mallory for Alice")
		}
	}
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
}

// TestCertificates: no session with a certificate that has run out, or is not valid yet.
func TestCertificates(t *testing.T) {
	for name, spoil := range map[string]func(d *device){
		"run out": func(d *device) {
			d.now = d.now.Add(-20 * time.Hour)
			d.certify(time.Hour)
			d.now = d.now.Add(20 * time.Hour)
		},
		"not valid yet": func(d *device) {
			d.now = d.now.Add(20 * time.Hour)
			d.certify(certificateLife)
			d.now = d.now.Add(-20 * time.Hour)
		},
	} {
		for _, of := range []string{"initiator", "responder"} {
			t.Run(name+" of the "+of, func(t *testing.T) {
				alice, bob := newWorld(t, 8).pair()
				if spoil(alice); of == "responder" {
					alice.certify(certificateLife)
					spoil(bob)
				}
				frames, refused := alice.begin(bob), error(nil)
				from, to := alice, bob
				for len(frames) > 0 && refused == nil {
					var r noisepeer.Received
					if r, refused = to.take(from, frames[0]); refused == nil && to != alice && r.Established {
						t.Fatal("a session")
					}
					frames, from, to = raw(r.Frames), to, from
				}
				if !errors.Is(refused, noisepeer.ErrCertificate) {
					t.Fatalf("refused with %v", refused)
				}
				if of == "responder" && alice.view(bob).Ready || bob.view(alice).Ready {
					t.Error("a session")
				}
			})
		}
	}
}

// TestWrongSecret: a secret that the other side does not have, or has another one for, is
// refused, and the next way is taken.
func TestWrongSecret(t *testing.T) {
	for name, spoil := range map[string]func(b *device){
		"unknown": func(b *device) { clear(b.cards) },
		"another": func(b *device) { b.cards[cardID] = key.Secret{1} },
	} {
		t.Run(name, func(t *testing.T) {
			alice, bob := newWorld(t, 9).pair()
			alice.card(bob)
			spoil(bob)
			run(alice, bob, alice.begin(bob))
			talk(alice, bob)
			if got := alice.view(bob).Pattern; got != noise.XK1 {
				t.Errorf("by %s", got)
			}
		})
	}
}

// TestUnconfirmedSessionReplacesNothing: while message 3 is lost, the session before carries
// messages in both directions; when it comes, nothing is lost either.
func TestUnconfirmedSessionReplacesNothing(t *testing.T) {
	alice, bob := newWorld(t, 10).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	session := bob.view(alice).Session
	two := bob.mustTake(alice, alice.renew(bob)[0]).Frames[0].Bytes
	three := alice.mustTake(bob, two).Frames[0].Bytes
	talk(alice, bob)
	late := alice.seal(bob, "late")
	if alice.view(bob).Session != session || bob.view(alice).Session != session {
		t.Fatal("the session was replaced before the new one was confirmed")
	}
	alice.now = alice.now.Add(2 * time.Minute)
	again := alice.tick(bob)
	if len(again) != 1 || !bytes.Equal(again[0], three) {
		t.Fatalf("message 3 goes out again as %d other bytes", len(again))
	}
	run(alice, bob, again)
	bob.mustOpen(alice, late, "late")
	talk(alice, bob)
	if alice.view(bob).Session == session || bob.view(alice).Session != alice.view(bob).Session {
		t.Fatal("the session was not replaced")
	}
}

// TestFloodIsBounded: whatever handshakes somebody begins, what is kept of them and answered
// is bounded, and a session that works stays.
func TestFloodIsBounded(t *testing.T) {
	w := newWorld(t, 11)
	alice, bob := w.pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	answered, tooMany := 0, 0
	for i := range 300 {
		d := w.device(alice.identity, fmt.Sprintf("device-%d", i))
		r, err := bob.take(d, d.begin(bob)[0])
		answered += len(r.Frames)
		if errors.Is(err, noisepeer.ErrTooMany) {
			tooMany++
		}
	}
	for range 300 {
		alice.now = alice.now.Add(time.Millisecond)
		alice.peers = map[key.Public]*noisepeer.Peer{}
		r, _ := bob.take(alice, alice.begin(bob)[0])
		answered += len(r.Frames)
	}
	if answered > 2*noisepeer.MaxAnswers || tooMany == 0 {
		t.Errorf("%d frames answered, %d not", answered, tooMany)
	}
	stored, err := proto.Marshal(bob.of(alice).Record())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(bob.of(alice).Devices(w.now)); n > noisepeer.MaxDevices || len(stored) > 32<<10 {
		t.Errorf("%d devices and %d bytes are kept", n, len(stored))
	}
	if !bob.view(alice).Ready {
		t.Error("the session is gone")
	}
}

// TestReplaysDoNotKeepHandshakesOut: whoever sends old frames of Alice again, many times, does
// not keep Bob from answering a handshake of hers.
func TestReplaysDoNotKeepHandshakesOut(t *testing.T) {
	alice, bob := newWorld(t, 14).pair()
	var seen [][]byte
	shake(alice, bob, alice.begin(bob), func(_, to *device, frame []byte) {
		if to == bob {
			seen = append(seen, frame)
		}
	})
	refused := false
	for range 2 * noisepeer.MaxAnswers {
		for _, frame := range seen {
			if _, err := bob.take(alice, frame); errors.Is(err, noisepeer.ErrTooMany) {
				refused = true
			}
		}
	}
	if !refused {
		t.Error("copies are answered without a bound")
	}
	session := bob.view(alice).Session
	run(alice, bob, alice.renew(bob))
	talk(alice, bob)
	if bob.view(alice).Session == session {
		t.Error("there is no new session")
	}
}

// TestPayloads: altered, repeated and foreign payloads do not open and change nothing.
func TestPayloads(t *testing.T) {
	alice, bob := newWorld(t, 12).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	out := alice.seal(bob, "hello")
	before := bob.of(alice).Record()
	refuse := func(what string, o noisepeer.Outgoing, want error) {
		t.Helper()
		if _, err := bob.open(alice, o); !errors.Is(err, want) {
			t.Errorf("%s: %v", what, err)
		}
		if !proto.Equal(bob.of(alice).Record(), before) {
			t.Errorf("%s has changed the peer", what)
		}
	}
	for i := range out.Payload {
		bad := noisepeer.Outgoing{Topic: out.Topic, Payload: bytes.Clone(out.Payload)}
		bad.Payload[i] ^= 1 << (i % 8)
		refuse(fmt.Sprintf("byte %d altered", i), bad, noisepeer.ErrOpen)
	}
	refuse("another topic", noisepeer.Outgoing{Topic: out.Topic + "x", Payload: out.Payload}, noisepeer.ErrNoSession)
	bob.mustOpen(alice, out, "hello")
	before = bob.of(alice).Record()
	refuse("a copy", out, noisepeer.ErrOpen)
}

// TestNonceUsedTwice: a store that was replaced by an older copy seals two messages with one
// nonce of the session. What anybody sees of both does not tell how they differ.
func TestNonceUsedTwice(t *testing.T) {
	alice, bob := newWorld(t, 13).pair()
	run(alice, bob, alice.begin(bob))
	talk(alice, bob)
	older := alice.copyOf()
	const text = "the same words, sealed twice"
	one := alice.seal(bob, text)
	alice.peers = older
	two := alice.seal(bob, text)
	const head = noise.NametagSize + 1 + 1 + 8
	if !bytes.Equal(one.Payload[:head], two.Payload[:head]) {
		t.Fatal("the payloads do not have one nonce: the test shows nothing")
	}
	same := 0
	for i := range text {
		// Behind the kind of the session and the nonce of the inner layer.
		if at := head + 1 + 24 + 1 + i; one.Payload[at] == two.Payload[at] {
			same++
		}
	}
	if same > len(text)/2 {
		t.Errorf("%d of %d bytes are the same", same, len(text))
	}
	bob.mustOpen(alice, two, text)
}
