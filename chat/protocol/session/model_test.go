package session_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/x3dh"
)

// Both sides begin at the same time. Whatever the order in which six messages cross,
// all open, each once, and after one more each way both sides send in one session.
func TestSimultaneousStartConverges(t *testing.T) {
	for seed := uint64(1); seed <= 4; seed++ {
		for pattern := range 1 << 6 {
			for _, reverse := range []bool{false, true} {
				simultaneous(t, seed, pattern, reverse)
			}
		}
	}
}

// simultaneous: bit i of pattern says who sends message i. Before each, the other
// one gets what waits for it if bit i+1 says so; in reverse, the last one first.
func simultaneous(t *testing.T, seed uint64, pattern int, reverse bool) {
	t.Helper()
	w := newWorld(t, seed)
	alice, bob := w.people()
	alice.learn(bob)
	bob.learn(alice)
	waiting := map[*person][][]byte{}
	read := func(p *person) {
		if reverse {
			slices.Reverse(waiting[p])
		}
		for _, m := range waiting[p] {
			next, in, err := p.try(m)
			if err != nil || len(in.Plaintext) == 0 {
				t.Fatalf("seed %d, pattern %06b, reverse %v: %v", seed, pattern, reverse, err)
			}
			p.peer = next
			if _, _, err := p.try(m); err == nil {
				t.Fatalf("seed %d, pattern %06b: opens twice", seed, pattern)
			}
		}
		waiting[p] = nil
	}
	// The first of each side crosses that of the other.
	waiting[bob] = append(waiting[bob], alice.send("first of Alice"))
	waiting[alice] = append(waiting[alice], bob.send("first of Bob"))
	for i := range 6 {
		from, to := alice, bob
		if pattern>>i&1 == 1 {
			from, to = bob, alice
		}
		if pattern>>((i+1)%6)&1 == 1 {
			read(from)
		}
		waiting[to] = append(waiting[to], from.send(fmt.Sprint(i)))
	}
	read(alice)
	read(bob)
	exchange(alice, bob, 1)
	sameSession(alice, bob)
	exchange(bob, alice, 1)
	sameSession(alice, bob)
	lowest := slices.MinFunc(alice.peer.Sessions, func(a, b session.Session) int { return slices.Compare(a.Order[:], b.Order[:]) })
	if len(alice.peer.Sessions) != 2 || alice.chosen("bob-1").Order != lowest.Order {
		t.Fatalf("seed %d, pattern %06b: not the lower of the two", seed, pattern)
	}
}

// TestModel lets two people talk over a network that drops, doubles and reorders,
// with restarts, rotations and a contact code now and then. Every message opens at
// its first delivery and at no other; at the end a message each way opens.
func TestModel(t *testing.T) {
	for seed := uint64(1); seed <= 150; seed++ {
		model(t, seed)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// letter is a message on the model's network.
type letter struct {
	to   *person
	text string
	raw  []byte
}

func model(t *testing.T, seed uint64) {
	w := newWorld(t, seed)
	dice := rand.New(rand.NewPCG(seed, 1))
	alice, bob := w.people()
	if dice.IntN(2) == 0 {
		alice.learn(bob)
	}
	opened := map[string]bool{}
	var network []letter
	deliver := func(l letter) {
		next, in, err := l.to.try(l.raw)
		direct := err == nil && in.Session < 0 // "none" messages have no ratchet
		switch {
		case err != nil && !opened[l.text]:
			t.Errorf("%s does not open: %v", l.text, err)
		case err == nil && string(in.Plaintext) != l.text:
			t.Errorf("%s opens to %s", l.text, in.Plaintext)
		case err == nil && opened[l.text] && !direct:
			t.Errorf("%s opens twice", l.text)
		case err == nil:
			l.to.peer, opened[l.text] = next, true
		}
	}
	for i := range 120 {
		from, to := alice, bob
		if dice.IntN(2) == 0 {
			from, to = bob, alice
		}
		switch d := dice.IntN(100); {
		case d < 45:
			text := fmt.Sprintf("message %d", i)
			network = append(network, letter{to, text, from.send(text)})
		case d < 85 && len(network) > 0:
			at := dice.IntN(min(len(network), 6)) // reorders
			l := network[at]
			if dice.IntN(8) > 0 { // otherwise it comes again
				network = slices.Delete(network, at, at+1)
			}
			if dice.IntN(8) > 0 { // otherwise it is lost
				deliver(l)
			}
		case d < 92:
			from.restart()
		case d < 95:
			w.later(x3dh.RotateAfter / 2)
			from.rotate()
			if dice.IntN(2) == 0 {
				to.learn(from) // a contact code
			}
		default:
			w.later(time.Duration(dice.IntN(600)) * time.Second)
		}
	}
	for _, l := range network {
		deliver(l)
	}
	exchange(alice, bob, 2)
	sameSession(alice, bob)
	if n := max(len(alice.peer.Sessions), len(bob.peer.Sessions)); n > session.MaxSessions {
		t.Errorf("%d sessions", n)
	}
}
