package chat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/internal/testsize"
	"libstatus1to1/store"
)

// home is a person whose client can be stopped and started again from its file.
type home struct {
	t    *testing.T
	name string
	path string
	net  *memnet.Network
	gate *chattest.Gate
	set  chat.Settings
	// over stands over the gate, if it is set.
	over func(*chattest.Gate, chat.Transport) chat.Transport
	*person
}

func newHome(t *testing.T, name string, net *memnet.Network) *home {
	h := &home{t: t, name: name, path: filepath.Join(t.TempDir(), name+".db"), net: net, set: fast}
	h.start()
	if _, _, err := h.CreateIdentity(context.Background(), 12, name); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) start() {
	h.t.Helper()
	s, err := store.Open(store.Options{
		Path: h.path, Passphrase: "a passphrase", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	node := h.net.Join()
	h.gate = chattest.NewGate(node)
	transport := chat.Transport(h.gate)
	if h.over != nil {
		transport = h.over(h.gate, node)
	}
	h.person = openPerson(h.t, h.name, s, transport, h.set)
}

func (h *home) restart() {
	h.t.Helper()
	if err := h.Close(); err != nil {
		h.t.Fatal(err)
	}
	h.start()
}

func sessionIDs(t *testing.T, p, with *person) []string {
	t.Helper()
	list, err := p.Sessions(with.key())
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, s := range list {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestRestartGoesOnInTheSameSession(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 2})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	alice.send(bob.person, "one")
	bob.waitText("one")
	bob.send(alice.person, "two")
	alice.waitText("two")
	before := sessionIDs(t, alice.person, bob.person)
	alice.restart()
	bob.restart()
	alice.send(bob.person, "three")
	bob.waitText("three")
	bob.send(alice.person, "four")
	alice.waitText("four")
	for _, p := range []struct{ me, you *home }{{alice, bob}, {bob, alice}} {
		if got := p.me.texts(p.you.person); !slices.Equal(got, []string{"one", "two", "three", "four"}) {
			t.Fatalf("%s has %q", p.me.name, got)
		}
	}
	if after := sessionIDs(t, alice.person, bob.person); len(before) == 0 || !slices.Equal(before, after) {
		t.Fatalf("sessions were %q and are %q", before, after)
	}
}

func TestSentWhileApart(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 3})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	bobKey := bob.key()
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for i := range 5 {
		m, err := alice.Send(context.Background(), chat.SendRequest{To: bobKey, Text: fmt.Sprint(i)})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	alice.restart()
	bob.start()
	for i := range 5 {
		bob.waitText(fmt.Sprint(i))
	}
	alice.waitState(ids[4], "delivered")
	if got := bob.texts(alice.person); !slices.Equal(got, []string{"0", "1", "2", "3", "4"}) {
		t.Fatalf("bob has %q", got)
	}
}

// A crash, or an error, between storing a ciphertext and publishing it publishes
// the same bytes again; the key never encrypts anything else.
func TestAttemptIsPublishedAgain(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 4})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	alice.send(bob.person, "first")
	bob.waitText("first")
	eventually(t, "peace", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Outbox == 0 })
	alice.gate.Refuse(func(e chat.Envelope) error { return errors.New("the cable is cut") })
	m := alice.send(bob.person, "second")
	eventually(t, "an attempt", func() bool { return len(alice.gate.Refused()) > 0 })
	tried := alice.gate.Refused()
	if got, err := alice.Message(mustID(t, m.ID)); err != nil || got.State != "queued" {
		t.Fatalf("state %q before anything went out: %v", got.State, err)
	}
	alice.restart()
	bob.waitText("second")
	alice.waitState(m.ID, "delivered")
	for _, e := range alice.gate.Published() {
		if bytes.Equal(e.Payload, tried[0].Payload) && e.Timestamp > tried[0].Timestamp {
			return
		}
	}
	t.Fatal("the stored ciphertext was not what went out")
}

func mustID(t *testing.T, hex string) (id [32]byte) {
	t.Helper()
	var b []byte
	if _, err := fmt.Sscanf(hex, "0x%x", &b); err != nil || len(b) != 32 {
		t.Fatalf("bad id %q: %v", hex, err)
	}
	return [32]byte(b)
}

// Nothing comes back: the message is sent MaxSends times, each time as another
// ciphertext under the same ids, and is given up then.
func TestUndeliverable(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 5})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	carolKey := newPerson(t, "carol", memnet.New(memnet.Options{})).key() // on another network
	_ = bob                                                               // somebody has to be there to publish to
	clock := &chattest.Clock{}
	gate := chattest.NewGate(net.Join())
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: gate, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p := &person{Client: c, t: t, name: "dave"}
	if _, _, err := p.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	m, err := p.Send(context.Background(), chat.SendRequest{To: carolKey, Text: "anybody?"})
	if err != nil {
		t.Fatal(err)
	}
	p.waitState(m.ID, "sent")
	done := make(chan event.MessageState)
	go func() { done <- p.waitState(m.ID, "failed") }()
	for i := 0; ; i++ {
		clock.Advance(chat.DefaultResendBase << min(i, datasync.MaxSends))
		select {
		case e := <-done:
			if string(e.Failure) != string(chat.CodeUndeliverable) {
				t.Fatalf("failed as %q", e.Failure)
			}
			sent := map[string]bool{}
			for _, e := range gate.Published() {
				if len(e.Payload) > 0 && e.ContentTopic != gate.Published()[0].ContentTopic {
					sent[string(e.Payload)] = true
				}
			}
			if len(sent) != datasync.MaxSends {
				t.Fatalf("sent %d different ciphertexts, want %d", len(sent), datasync.MaxSends)
			}
			_ = alice
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Two people, a bad network, restarts in between: everything accepted arrives
// once, in the sender's order.
func TestModelLossyRestarts(t *testing.T) {
	for seed := uint64(1); seed <= uint64(testsize.Many(6, 2)); seed++ {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { lossyRestarts(t, seed) })
	}
}

func lossyRestarts(t *testing.T, seed uint64) {
	net := memnet.New(memnet.Options{Seed: seed, Loss: 0.2, Duplicate: 0.2, Reorder: 0.2, MaxDelay: 3 * time.Millisecond})
	homes := []*home{newHome(t, "alice", net), newHome(t, "bob", net)}
	random := rand.New(rand.NewPCG(seed, 0))
	sent := make([][]string, 2)
	for i := range 60 {
		who := random.IntN(2)
		me, you := homes[who], homes[1-who]
		text := fmt.Sprintf("%s %d", me.name, i)
		me.send(you.person, text)
		sent[who] = append(sent[who], text)
		switch random.IntN(12) {
		case 0:
			me.restart()
		case 1:
			you.restart()
		case 2, 3, 4:
			time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
		}
	}
	for who, me := range homes {
		you := homes[1-who]
		eventually(t, "everything to be delivered", func() bool {
			d, err := me.Diagnostics()
			return err == nil && d.Outbox == 0
		})
		_ = you
	}
	for who, me := range homes {
		other := homes[1-who]
		for _, reader := range []*home{me, other} {
			with := other.person
			if reader == other {
				with = me.person
			}
			var from []string
			for _, text := range reader.texts(with) {
				if len(text) > len(me.name) && text[:len(me.name)] == me.name {
					from = append(from, text)
				}
			}
			if !slices.Equal(from, sent[who]) {
				t.Fatalf("seed %d: %s holds %d of %s's %d messages, or in another order:\n%q\n%q",
					seed, reader.name, len(from), me.name, len(sent[who]), from, sent[who])
			}
		}
	}
}

// A message that was given up is delivered all the same when its recipient, back from a
// long absence, acknowledges it.
func TestAcknowledgedAfterAll(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 16})
	newPerson(t, "bob", net) // somebody to publish to
	clock, node, away := &chattest.Clock{}, net.Join(), net.Join()
	gate := chattest.NewGate(node)
	carol := openPerson(t, "carol", store.Memory(), away, fast)
	if _, _, err := carol.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: gate, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p := &person{Client: c, t: t, name: "dave"}
	if _, _, err := p.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	if err := net.Partition(node, away); err != nil {
		t.Fatal(err)
	}
	m := p.send(carol, "anybody?")
	p.waitState(m.ID, "sent")
	for i := 0; ; i++ {
		clock.Advance(chat.DefaultResendBase << min(i, datasync.MaxSends))
		time.Sleep(20 * time.Millisecond)
		if got, err := p.Message(mustID(t, m.ID)); err != nil || got.State == "failed" {
			break
		}
	}
	p.waitState(m.ID, "failed")
	if err := net.Heal(node, away); err != nil {
		t.Fatal(err)
	}
	for _, e := range gate.Published() { // as a store of the network would
		net.Inject(e)
	}
	carol.waitText("anybody?")
	p.waitState(m.ID, "delivered")
}
