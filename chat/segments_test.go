package chat_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

func (p *person) sendPicture(to *person, caption string, size int) event.Message {
	p.t.Helper()
	m, err := p.SendPicture(to.key(), caption, size, 1)
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return m
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
				checked(t, p)
			}
		})
	}
}

// Publishing goes on where it was interrupted, by the network and by a restart, with the
// envelopes that were not out.
func TestSegmentSendingGoesOn(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 5})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	acquaint(alice.person, bob.person)
	alice.set.ResendBase = time.Hour // so that what goes out twice was interrupted
	alice.restart()
	var out atomic.Int32
	cutAfter := func(n int32) {
		out.Store(0)
		alice.gate.Refuse(func(e chat.Envelope) error {
			if len(e.Payload) > 50_000 && out.Add(1) > n {
				return errors.New("the cable is cut")
			}
			return nil
		})
	}
	cutAfter(5)
	m := alice.sendPicture(bob.person, "picture", 2_000_000)
	var sent []chat.Envelope
	for _, then := range []int32{6, 1000} {
		eventually(t, "an interruption", func() bool { return len(alice.gate.Refused()) > 0 })
		sent = append(sent, large(alice.gate.Published())...)
		checked(t, alice.person)
		if got, err := alice.Message(mustID(t, m.ID)); err != nil || got.State != "queued" {
			t.Fatalf("%s, %v, though it is out in part only", got.State, err)
		}
		bob.kill()
		checked(t, bob.person)
		alice.kill()
		cutAfter(then)
	}
	if got := bob.waitText("picture").Message; got.ID != m.ID {
		t.Fatal("another message came")
	}
	alice.waitState(m.ID, "delivered")
	sent = append(sent, large(alice.gate.Published())...)
	// 18 segments and 2 for parity, once each: what was out before a restart may go again if
	// the store did not know it yet, and what was not needed any more may be left out.
	if len(sent) > 20+2*4 {
		t.Errorf("%d envelopes went out", len(sent))
	}
	checked(t, alice.person)
	checked(t, bob.person)
}

// kill ends a client so that nothing of its end is stored, and starts it again.
func (h *home) kill() {
	h.t.Helper()
	if err := h.SuspendStore(); err != nil {
		h.t.Fatal(err)
	}
	h.restart()
}

// large returns the envelopes that are segments of pictures.
func large(envelopes []chat.Envelope) []chat.Envelope {
	return slices.DeleteFunc(envelopes, func(e chat.Envelope) bool { return len(e.Payload) < 50_000 })
}

// The first segments of a message that is cancelled are out; no other follows, also after a
// restart.
func TestSegmentCancel(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 6})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	acquaint(alice.person, bob.person)
	n := 0
	alice.gate.Refuse(func(e chat.Envelope) error {
		if len(e.Payload) > 50_000 {
			n++
		}
		if n > 6 {
			return chat.ErrNoPeers
		}
		return nil
	})
	m := alice.sendPicture(bob.person, "picture", 2_000_000)
	eventually(t, "a refused publish", func() bool { return len(alice.gate.Refused()) > 0 })
	if _, wentOut, err := alice.Cancel(mustID(t, m.ID)); err != nil || !wentOut {
		t.Fatal(wentOut, err)
	}
	checked(t, alice.person)
	for range 2 {
		alice.gate.Refuse(nil)
		before := len(large(alice.gate.Published()))
		last := alice.send(bob.person, "after it")
		alice.waitState(last.ID, "delivered")
		if n := len(large(alice.gate.Published())) - before; n > 0 {
			t.Fatalf("%d more segments went out", n)
		}
		checked(t, alice.person)
		alice.restart()
	}
	if _, err := alice.Retry(mustID(t, m.ID)); err != nil {
		t.Fatal(err)
	}
	if got := bob.waitText("picture").Message; got.ID != m.ID {
		t.Fatal("another message came")
	}
	alice.waitState(m.ID, "delivered")
	checked(t, bob.person)
}

// A large message holds up neither messages to others nor texts to the same person.
func TestSegmentHoldsUpNobody(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 7})
	alice, bob, carol := newHome(t, "alice", net), newPerson(t, "bob", net), newPerson(t, "carol", net)
	acquaint(alice.person, bob)
	acquaint(alice.person, carol)
	alice.gate.Refuse(func(chat.Envelope) error { return chat.ErrNoPeers })
	picture := alice.sendPicture(bob, "picture", 5_000_000)
	other := alice.sendPicture(carol, "another", 5_000_000)
	alice.send(bob, "to bob")
	alice.send(carol, "to carol")
	alice.restart() // the gate is open again
	bob.waitText("to bob")
	carol.waitText("to carol")
	for _, m := range []event.Message{picture, other} {
		eventually(t, "a picture to be delivered", func() bool {
			got, err := alice.Message(mustID(t, m.ID))
			return err == nil && got.State == "delivered"
		})
	}
	small, bigBefore := 0, 0
	for _, e := range alice.gate.Published() {
		switch {
		case len(e.Payload) > 50_000 && small < 2:
			bigBefore++
		case len(e.Payload) < 50_000:
			small++
		}
	}
	if bigBefore > 12 {
		t.Errorf("%d segments went out before the texts", bigBefore)
	}
	eventually(t, "an empty outbox", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Outbox == 0 })
	checked(t, alice.person)
}

// Programs are told how much of a large message is out, and has come.
func TestSegmentProgress(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 8})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	acquaint(alice.person, bob.person)
	var out atomic.Int32
	alice.gate.Refuse(func(e chat.Envelope) error {
		if len(e.Payload) > 50_000 && out.Add(1) > 3 {
			return chat.ErrNoPeers
		}
		return nil
	})
	m := alice.sendPicture(bob.person, "picture", 1_000_000)
	sent := wait(alice.person, "progress", func(e event.MessageProgress) bool { return e.Done == 3 })
	if want := (event.MessageProgress{ChatID: bob.key().Hex(), Outgoing: true, MessageID: m.ID, Done: 3, Total: 10}); sent != want {
		t.Errorf("sender: %+v, want %+v", sent, want)
	}
	got := wait(bob.person, "progress", func(e event.MessageProgress) bool { return e.Done == 3 })
	if got.ChatID != alice.key().Hex() || got.Outgoing || got.MessageID != "" || len(got.TransferID) != 66 || got.Total != 9 {
		t.Errorf("receiver: %+v", got)
	}
	alice.gate.Refuse(nil)
	alice.restart()
	whole := wait(bob.person, "progress", func(e event.MessageProgress) bool { return e.Done >= 9 })
	if whole.TransferID != got.TransferID || whole.Done != 9 {
		t.Errorf("at the end: %+v", whole)
	}
	bob.waitText("picture")
}

// Two people with up to three devices each, over a bad network, with restarts: all devices
// have all pictures once.
func TestSegmentDevices(t *testing.T) {
	seeds(t, 4, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, memnet.Options{Loss: 0.03, Duplicate: 0.2, Reorder: 0.2})
		s.populate(func(i int) int { return 3 - i })
		all := s.converge()
		for i, size := range []int{100_000, 300_000, 1_000_000} {
			from := s.people[i%2]
			to := s.people[1-i%2]
			d := from.settled[s.random.IntN(len(from.settled))]
			caption := from.name + " shows"
			m, err := d.SendPicture(to.public, caption, size, seed)
			if err != nil {
				s.fatalf("%v", err)
			}
			all = append(all, said{m.ID, caption, from, to, slices.Concat(from.settled, to.settled)})
			for range 3 {
				all = append(all, s.chatter(2, nil)...)
				s.restart(s.devices[s.random.IntN(len(s.devices))])
			}
		}
		s.until("an empty outbox", s.quiet)
		s.arrived(all)
	})
}

// Ten megabytes to three devices, and a copy to two of our own.
func TestSegmentLargestToThreeDevices(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector: it runs in one goroutine, and long")
	}
	s := newSimulation(t, 1, 2, memnet.Options{MaxMessageSize: 1 << 20})
	s.populate(func(i int) int { return 3 })
	all := s.converge()
	a, b := s.people[0], s.people[1]
	m, err := a.settled[0].SendPicture(b.public, a.name+" shows", chat.MaxLargeMessage-1000, 1)
	if err != nil {
		t.Fatal(err)
	}
	all = append(all, said{m.ID, a.name + " shows", a, b, slices.Concat(a.settled, b.settled)})
	s.until("an empty outbox", s.quiet)
	s.arrived(all)
	_, err = a.settled[0].SendPicture(b.public, "too large", chat.MaxLargeMessage, 1)
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeTooLarge || e.Details["max"] != chat.MaxLargeMessage {
		t.Fatalf("one above the limit: %v", err)
	}
}

// Large messages that become whole in one batch are all stored when it is said so: store
// nodes are not asked for them again.
func TestSegmentWholeAtOnce(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 11})
	alice, node := newHome(t, "alice", net), net.Join().(*memnet.Node)
	bob := openPerson(t, "bob", store.Memory(), node, fast)
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	acquaint(alice.person, bob)
	newPerson(t, "carol", net) // somebody who takes what alice publishes
	node.SetOnline(false)
	const size = 3_500_000
	var last []chat.Envelope
	var ids []string
	for _, caption := range []string{"one", "two", "three"} {
		before := len(large(alice.gate.Published()))
		id := alice.sendPicture(bob, caption, size).ID
		ids = append(ids, id)
		alice.waitState(id, "sent")
		if _, _, err := alice.Cancel(mustID(t, id)); err != nil {
			t.Fatal(err)
		}
		all := large(alice.gate.Published())[before:]
		last = append(last, all[30])
		for i, e := range all[:30] {
			if n, err := bob.ReceiveAtOnce([]chat.Envelope{e}); n > 0 || err != nil {
				t.Fatal(i, n, err)
			}
		}
	}
	if n, err := bob.ReceiveAtOnce(last); n > 0 || err != nil {
		t.Errorf("%d envelopes are not stored, %v", n, err)
	}
	for _, id := range ids {
		if _, err := bob.Message(mustID(t, id)); err != nil {
			t.Error(err)
		}
	}
	checked(t, bob)
}
