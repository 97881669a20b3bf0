package chat_test

import (
	"context"
	"testing"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
)

func (p *person) sendPicture(to *person, caption string, size int) event.Message {
	p.t.Helper()
	m, err := p.SendPicture(to.key(), caption, size, 1)
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return m
}

func (p *person) soundStore() {
	p.t.Helper()
	if check, err := p.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
		p.t.Fatalf("%s: %v, %v", p.name, check.Problems, err)
	}
}

// acquaint has two people write to each other, so that they are no strangers.
func acquaint(a, b *person) {
	a.t.Helper()
	a.send(b, "hello")
	b.waitText("hello")
	b.send(a, "hi")
	a.waitText("hi")
}

// A large message arrives as it was sent: its id is a hash of all its bytes.
func TestSegmentLargeMessage(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		net  memnet.Options
	}{
		"300 kB":                {300_000, memnet.Options{Seed: 1}},
		"1 MB, status network":  {1_000_000, memnet.Options{Seed: 2, MaxMessageSize: 1 << 20}},
		"10 MB":                 {10_000_000, memnet.Options{Seed: 3}},
		"300 kB, lossy network": {300_000, memnet.Options{Seed: 4, Loss: 0.05, Duplicate: 0.2, Reorder: 0.3}},
	} {
		t.Run(name, func(t *testing.T) {
			net := memnet.New(c.net)
			alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
			acquaint(alice, bob)
			m := alice.sendPicture(bob, "picture", c.size)
			if got := bob.waitText("picture").Message; got.ID != m.ID || got.Kind != "unsupported" {
				t.Fatalf("received %+v, sent %s", got, m.ID)
			}
			alice.waitState(m.ID, "delivered")
			for _, p := range []*person{alice, bob} {
				eventually(t, "an empty outbox", func() bool { d, err := p.Diagnostics(); return err == nil && d.Outbox == 0 })
				p.soundStore()
			}
		})
	}
}
