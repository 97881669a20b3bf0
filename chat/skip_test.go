package chat_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/internal/testsize"
	"libstatus1to1/store"
)

// timed opens a client at path that lives by clock, with the default settings.
func timed(t *testing.T, name, path string, net *memnet.Network, clock *chattest.Clock) (*person, *chattest.Gate) {
	t.Helper()
	s, err := store.Open(store.Options{Path: path, Passphrase: "p", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	gate := chattest.NewGate(net.Join())
	c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: gate, Clock: clock, Logger: testLog{t, name}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &person{Client: c, t: t, name: name}, gate
}

// absence is somebody away while messages queue up for them.
type absence struct {
	name     string
	messages int
	burst    int           // so many at once
	gap      time.Duration // between two bursts
	after    time.Duration // they stay away after the last one
	contact  bool          // we listen to their contact code
}

// TestSkipLimits lets messages queue up for somebody who is away, on a network
// that loses 20 %. When they come back everything arrives, in order, in the same
// session: nobody skipped more than they may.
func TestSkipLimits(t *testing.T) {
	many := testsize.Many(2000, 1200) // above both limits
	for _, a := range []absence{
		{"one by one", many, 1, 2 * time.Second, 0, true},
		{"in bursts", many, 50, time.Minute, 0, true},
		{"all at once", many, many, time.Second, time.Hour, true},
		{"not a contact", 1000, 1, 2 * time.Second, 3 * time.Hour, false},
	} {
		t.Run(a.name, a.run)
	}
}

// Bounds of the ratchet: of 53/WAKU2-X3DH as it is deployed, and ours below it.
const (
	receiversLimit = 1000
	ourLimit       = 990
)

func (a absence) run(t *testing.T) {
	if testing.Short() { // under the race detector
		a.messages /= 5
	}
	net := memnet.New(memnet.Options{Seed: 11, Loss: 0.2, Duplicate: 0.05})
	clock := &chattest.Clock{}
	bobPath := t.TempDir() + "/bob.db"
	alice, gate := timed(t, "alice", t.TempDir()+"/alice.db", net, clock)
	bob, _ := timed(t, "bob", bobPath, net, clock)
	newPerson(t, "carol", net) // somebody to publish to while bob is away
	for _, p := range []*person{alice, bob} {
		if _, _, err := p.CreateIdentity(context.Background(), 12, ""); err != nil {
			t.Fatal(err)
		}
	}
	bobKey := bob.key()
	say := func(from *person, to *person, text string) {
		t.Helper()
		from.send(to, text)
		a.until(t, clock, "the first messages", func() bool { return slices.Contains(to.texts(from), text) })
	}
	say(alice, bob, "hello")
	say(bob, alice, "hello yourself")
	a.until(t, clock, "peace", func() bool { return waiting(alice)+waiting(bob) == 0 })
	before := sessionIDs(t, alice, bob)
	if a.contact {
		if _, err := alice.AddContact(bobKey, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}

	want := []string{"hello", "hello yourself"}
	published := len(gate.Published())
	most := uint32(0)
	for i := range a.messages {
		text := fmt.Sprint(i)
		if _, err := alice.Send(context.Background(), chat.SendRequest{To: bobKey, Text: text}); err != nil {
			t.Fatal(err)
		}
		want = append(want, text)
		if (i+1)%a.burst == 0 {
			time.Sleep(time.Millisecond)
			clock.Advance(a.gap)
		}
	}
	for waited := time.Duration(0); waited < a.after; waited += time.Minute {
		time.Sleep(time.Millisecond)
		clock.Advance(time.Minute)
	}
	sessions, err := alice.Sessions(bobKey)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range sessions {
		most = max(most, s.Sent)
	}
	attempts := len(gate.Published()) - published
	if most > ourLimit {
		t.Errorf("the sending chain has taken %d steps without an answer", most)
	}

	bob, _ = timed(t, "bob", bobPath, net, clock)
	back := clock.Now()
	defer func() {
		if t.Failed() {
			da, _ := alice.Diagnostics()
			db, _ := bob.Diagnostics()
			sa, _ := alice.Sessions(bobKey)
			sb, _ := bob.Sessions(alice.key())
			t.Logf("alice %+v %+v\nbob %+v %+v", da, sa, db, sb)
		}
	}()
	a.until(t, clock, "everything", func() bool { return waiting(alice) == 0 })
	took := clock.Now().Sub(back)
	if got := bob.texts(alice); !slices.Equal(got, want) {
		t.Errorf("bob has %d messages, want %d in order", len(got), len(want))
	}
	if after := sessionIDs(t, alice, bob); !slices.Equal(before, after) {
		t.Errorf("sessions were %q and are %q", before, after)
	}
	d, err := bob.Diagnostics()
	if err != nil || d.Dropped["decrypt"] != 0 || d.Dropped["session"] != 0 {
		t.Errorf("dropped %v, %v", d.Dropped, err)
	}
	kept := 0
	theirs, err := bob.Sessions(alice.key())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range theirs {
		kept = max(kept, s.Skipped)
	}
	t.Logf("%d messages in %d envelopes and %d steps while away (limit %d); all there %s after the return; %d skipped keys left",
		a.messages, attempts, most, receiversLimit, took.Round(time.Second), kept)
}

func waiting(p *person) int {
	d, err := p.Diagnostics()
	if err != nil {
		p.t.Fatal(err)
	}
	return d.Outbox
}

// until moves the clock on, five seconds at a time, until ok.
func (a absence) until(t *testing.T, clock *chattest.Clock, what string, ok func() bool) {
	t.Helper()
	start := clock.Now()
	for !ok() {
		if clock.Now().Sub(start) > 12*time.Hour {
			t.Fatalf("waited 12 hours in vain for %s", what)
		}
		time.Sleep(2 * time.Millisecond)
		clock.Advance(5 * time.Second)
	}
}
