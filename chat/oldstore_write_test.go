package chat_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/store"
)

// oldHome is a home whose clock is ours to set.
func oldHome(t *testing.T, name string, net *memnet.Network, clock *chattest.Clock) *home {
	h := &home{t: t, name: name, path: filepath.Join(t.TempDir(), name+".db"), net: net, set: fast}
	h.startAt(clock)
	if _, _, err := h.CreateIdentity(context.Background(), 12, name); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *home) startAt(clock *chattest.Clock) {
	h.t.Helper()
	s, err := store.Open(store.Options{
		Path: h.path, Passphrase: "a passphrase", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.gate = chattest.NewGate(h.net.Join())
	h.person = openAt(h.t, h.name, s, h.gate, h.set, clock)
}

// newPersonAt opens a client with a new identity in a memory store.
func newPersonAt(t *testing.T, name string, net *memnet.Network, clock *chattest.Clock) *person {
	t.Helper()
	p := openAt(t, name, store.Memory(), net.Join(), fast, clock)
	if _, _, err := p.CreateIdentity(context.Background(), 12, name); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestWriteOldStores writes the directory of testdata/stores that -write-stores names:
// a life as full as a user's, ended while things are under way.
func TestWriteOldStores(t *testing.T) {
	if *writeStores == "" {
		t.Skip("no -write-stores")
	}
	dir := filepath.Join("testdata", "stores", *writeStores)
	net, clock := memnet.New(memnet.Options{Seed: 40}), &chattest.Clock{}
	alice, bob := oldHome(t, "alice", net, clock), oldHome(t, "bobby", net, clock)
	carol, eve := newPersonAt(t, "carol", net, clock), newPersonAt(t, "mallory", net, clock)
	giveUp(t, alice, newPersonAt(t, "dave", memnet.New(memnet.Options{}), clock), clock)
	converse(t, alice, bob, carol, eve)
	now := snapshot{AliceKey: alice.key().Hex(), BobKey: bob.key().Hex()}
	leaveUnderWay(t, alice, bob, carol, clock, &now)

	if err := errors.Join(alice.Close(), bob.Close()); err != nil {
		t.Fatal(err)
	}
	now.At = clock.Now()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, h := range []*home{alice, bob} {
		copyFile(t, h.path, filepath.Join(dir, h.name+".db"))
		shrink(t, filepath.Join(dir, h.name+".db"))
	}
	now = describe(t, filepath.Join(dir, "alice.db"), now)
	b, err := json.MarshalIndent(now, "", " ")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "told.json"), append(b, '\n'), 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// giveUp has alice send to somebody who is never there, until she gives up.
func giveUp(t *testing.T, alice *home, dave *person, clock *chattest.Clock) {
	m, err := alice.Send(context.Background(), chat.SendRequest{To: dave.key(), Text: "anybody?", ClientRef: "lost"})
	if err != nil {
		t.Fatal(err)
	}
	alice.waitState(m.ID, "sent")
	for i := 0; ; i++ {
		clock.Advance(chat.DefaultResendBase << min(i, datasync.MaxSends))
		got, err := alice.Message(mustID(t, m.ID))
		if err != nil {
			t.Fatal(err)
		}
		if got.State == "failed" {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// converse fills the histories: a contact with many messages read and delivered,
// another one with unread ones, a request that waits, a pairing shown.
func converse(t *testing.T, alice, bob *home, carol, eve *person) {
	befriend(t, alice.person, bob.person)
	befriend(t, alice.person, carol)
	for i := range 40 {
		from, to := alice, bob
		if i%3 == 1 {
			from, to = bob, alice
		}
		r := chat.SendRequest{To: to.key(), Text: fmt.Sprintf("message %d 👋 שלום", i)}
		if i%4 == 0 {
			r.ClientRef = fmt.Sprintf("ref %d", i)
		}
		if _, err := from.Send(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		to.waitText(r.Text)
		if i == 30 {
			if _, err := alice.MarkRead(bob.key(), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i := range 7 {
		m := carol.send(alice.person, fmt.Sprintf("unread %d", i))
		alice.waitText(m.Text)
		if i == 2 {
			id := mustID(t, m.ID)
			if _, err := alice.MarkRead(carol.key(), &id); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := alice.AskContact(bob.key(), "Where did we meet?"); err != nil {
		t.Fatal(err)
	}
	bob.question("asked")
	eve.request(alice.key(), "you do not know me")
	eve.send(alice.person, "and yet I write")
	eventually(t, "the request", func() bool {
		page, err := alice.Messages(eve.key(), chat.PageRequest{})
		return err == nil && len(page.Items) == 2
	})
	if _, err := alice.StartPairing(true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "peace", func() bool { return waiting(alice.person)+waiting(bob.person)+waiting(carol) == 0 })
	var seq uint64 // the first events are acknowledged, the rest wait for the host
	for _, e := range alice.events[:len(alice.events)/2] {
		seq = max(seq, e.Seq)
	}
	if err := alice.AckEvents(seq); err != nil {
		t.Fatal(err)
	}
}

// leaveUnderWay has alice receive something that she acknowledges later, and send
// something whose attempt is stored and refused by the network.
func leaveUnderWay(t *testing.T, alice, bob *home, carol *person, clock *chattest.Clock, now *snapshot) {
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	alice.set.AckDelay, alice.set.ResendBase = time.Hour, time.Hour
	alice.startAt(clock)
	carol.send(alice.person, "to be acknowledged")
	alice.waitText("to be acknowledged")
	code := topic.ContactCode(alice.key()).ContentTopic()
	alice.gate.Refuse(func(chat.Envelope) error { return errors.New("the cable is cut") })
	m, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "pending", ClientRef: "pending"})
	if err != nil {
		t.Fatal(err)
	}
	var stored []byte
	eventually(t, "the attempt", func() bool {
		for _, e := range alice.gate.Refused() {
			if e.ContentTopic != code {
				stored = e.Payload
			}
		}
		return stored != nil
	})
	if alice.message(m.ID).State != "queued" {
		t.Fatal("it went out")
	}
	now.Pending, now.Payload = m.ID, stored
}

// shrink takes the room to grow off a file that goes into the repository.
func shrink(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0, &bolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	err = db.View(func(tx *bolt.Tx) error { size = tx.Size(); return nil })
	if err := errors.Join(err, db.Close(), os.Truncate(path, size)); err != nil {
		t.Fatal(err)
	}
}
