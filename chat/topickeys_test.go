package chat_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// derivations counts derivations of keys, and those of them that hold up a loop; held ones
// wait until release is called.
type derivations struct {
	mu      sync.Mutex
	of      map[string]int
	inLoop  int
	held    map[string]bool
	free    chan struct{}
	release func()
}

// watchDerivations watches those of the names, and holds them.
func watchDerivations(t *testing.T, held ...string) *derivations {
	t.Helper()
	d := &derivations{of: map[string]int{}, held: map[string]bool{}, free: make(chan struct{})}
	d.release = sync.OnceFunc(func() { close(d.free) })
	for _, name := range held {
		d.held[name] = true
	}
	chat.WatchDerivations(func(name string) {
		stack := make([]byte, 1<<16)
		stack = stack[:runtime.Stack(stack, false)]
		d.mu.Lock()
		d.of[name]++
		if bytes.Contains(stack, []byte("(*Client).round")) {
			d.inLoop++
		}
		held := d.held[name]
		d.mu.Unlock()
		if held {
			<-d.free
		}
	})
	t.Cleanup(func() {
		d.release()
		chat.WatchDerivations(nil)
	})
	return d
}

func (d *derivations) count(name string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.of[name]
}

func negotiatedName(t *testing.T, self key.Private, with key.Public) string {
	t.Helper()
	shared, err := self.ECDH(with)
	if err != nil {
		t.Fatal(err)
	}
	return topic.Negotiated(shared).Name
}

// topicRecord is the stored record of a topic.
func topicRecord(t *testing.T, s chat.Store, kind string, peer key.Public) *wire.TopicRecord {
	t.Helper()
	rec := &wire.TopicRecord{}
	if err := proto.Unmarshal(records(t, s, "topics")[kind+string(peer.Compressed())], rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

// withoutKeys takes the keys from the records of a person, as a crash before they were
// derived leaves them.
func withoutKeys(t *testing.T, s chat.Store, peer key.Public) {
	t.Helper()
	for _, kind := range []string{"negotiated", "contact_code"} {
		rec := topicRecord(t, s, kind, peer)
		if len(rec.GetKey()) == 0 {
			t.Fatalf("the topic %s has no key", kind)
		}
		rec.Key = nil
		b, err := proto.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		name := append([]byte(kind), peer.Compressed()...)
		if err := s.Update(func(tx chat.Tx) error { return tx.Put("topics", name, b) }); err != nil {
			t.Fatal(err)
		}
	}
}

// TestStrangersDoNotHoldTheLoop: strangers write for the first time, and the keys of their
// topics are not derived. What they and a contact write arrives, what is answered goes out,
// and nothing was derived in the loop.
func TestStrangersDoNotHoldTheLoop(t *testing.T) {
	b := newBesieged(t)
	const strangers = 20
	all, names := make([]*mallory, strangers), make([]string, strangers)
	envelopes := b.envelopes()
	for i := range all {
		all[i] = newMallory(t, b.net, b.victim.key())
		all[i].learn(envelopes)
		names[i] = negotiatedName(t, all[i].self.Identity, b.victim.key())
	}
	d := watchDerivations(t, names...)
	for _, m := range all {
		b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("hi")}}), nil)))
	}
	for _, m := range all {
		eventually(t, "a stranger's message", func() bool { c, err := b.victim.Chat(m.public); return err == nil && c.Messages == 1 })
	}
	b.honest(t)
	if _, err := b.victim.Send(t.Context(), chat.SendRequest{To: all[0].public, Text: "who are you?"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the answer to a stranger", func() bool { d, err := b.victim.Diagnostics(); return err == nil && d.Sent > 0 })
	b.victim.sound() // also without the keys
	for _, m := range all {
		if rec := topicRecord(t, b.store, "negotiated", m.public); len(rec.GetKey()) != 0 {
			t.Error("a key is there that was not derived")
		}
	}
	d.release()
	for i, m := range all {
		eventually(t, "the key of a stranger's topic", func() bool { return len(topicRecord(t, b.store, "negotiated", m.public).GetKey()) > 0 })
		if n := d.count(names[i]); n != 1 {
			t.Errorf("the key of a topic was derived %d times", n)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inLoop != 0 {
		t.Errorf("%d keys were derived in the loop", d.inLoop)
	}
}

// TestEnvelopesWaitForKeys: a client ends after the topics of a contact were stored, and
// before their keys were. After the next start the keys are derived; until they are there, what the
// contact sends waits, messages of others do not, and a flood on the topic is bounded. Then
// nothing is lost, and nothing is derived again.
func TestEnvelopesWaitForKeys(t *testing.T) {
	net, s := memnet.New(memnet.Options{Seed: 3}), store.Memory()
	alice := openOnStore(t, "alice", s, net)
	private := mustGenerate(t)
	if _, err := alice.ImportIdentity(t.Context(), private, "alice"); err != nil {
		t.Fatal(err)
	}
	bob, carol := newPerson(t, "bob", net), newPerson(t, "carol", net)
	if _, err := alice.AddContact(bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"one", "two"} {
		alice.waitState(alice.send(bob, text).ID, "delivered")
		bob.waitState(bob.send(alice, text).ID, "delivered")
	}
	eventually(t, "stored keys", func() bool {
		return len(topicRecord(t, s, "negotiated", bob.key()).GetKey()) > 0 && len(topicRecord(t, s, "contact_code", bob.key()).GetKey()) > 0
	})
	eventually(t, "bob's keys", bob.HasKeys)
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	withoutKeys(t, s, bob.key())
	negotiated := negotiatedName(t, private, bob.key())
	d := watchDerivations(t, negotiated)
	alice = openOnStore(t, "alice", s, net)
	t.Cleanup(d.release) // before she is closed, which waits for it
	alice.sound()

	said := bob.send(alice, "three")
	eventually(t, "an envelope that waits", func() bool { n, _ := alice.HeldEnvelopes(); return n > 0 })
	noise := make([]byte, 64<<10)
	_, _ = rand.Read(noise)
	for i := range 2 * chat.MaxHeldEach {
		net.Inject(chat.Envelope{ContentTopic: topic.Named(negotiated).ContentTopic(), Payload: noise, Version: 1, Timestamp: time.Now().UnixNano() + int64(i)})
	}
	eventually(t, "what is over the bound", func() bool {
		d, err := alice.Diagnostics()
		return err == nil && d.Dropped["no_key"] > 0
	})
	if n, size := alice.HeldEnvelopes(); n > chat.MaxHeldEach || size > chat.MaxHeldBytesEach {
		t.Errorf("%d envelopes of %d bytes are held", n, size)
	}
	carol.waitState(carol.send(alice, "not held up").ID, "delivered")
	alice.waitState(alice.send(bob, "by the partitioned topic").ID, "sent")
	bob.waitText("by the partitioned topic")

	d.release()
	alice.waitText("three")
	bob.waitState(said.ID, "delivered")
	eventually(t, "the stored key", func() bool { return len(topicRecord(t, s, "negotiated", bob.key()).GetKey()) > 0 })
	eventually(t, "the other stored key", func() bool { return len(topicRecord(t, s, "contact_code", bob.key()).GetKey()) > 0 })
	eventually(t, "that nothing is held", func() bool { n, size := alice.HeldEnvelopes(); return n == 0 && size == 0 })
	alice.sound()
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	alice = openOnStore(t, "alice", s, net)
	bob.waitState(bob.send(alice, "four").ID, "delivered")
	if n := d.count(negotiated); n != 1 {
		t.Errorf("the key was derived %d times", n)
	}
}

func openOnStore(t *testing.T, name string, s chat.Store, net *memnet.Network) *person {
	t.Helper()
	c, err := chat.Open(context.Background(), chat.Options{Store: keptStore{s}, Transport: net.Join(), Settings: fast, Logger: testLog{t, name}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &person{Client: c, t: t, name: name}
}

// TestContactsAreAddedWithoutKeys: adding people derives nothing on the goroutine of the caller,
// a key that comes is stored once, and who is removed meanwhile stays so.
func TestContactsAreAddedWithoutKeys(t *testing.T) {
	net, s := memnet.New(memnet.Options{Seed: 4}), store.Memory()
	alice := openOnStore(t, "alice", s, net)
	private := mustGenerate(t)
	if _, err := alice.ImportIdentity(t.Context(), private, "alice"); err != nil {
		t.Fatal(err)
	}
	const people = 8
	keys, names := make([]key.Public, people), []string{}
	for i := range keys {
		keys[i] = mustGenerate(t).Public()
		names = append(names, negotiatedName(t, private, keys[i]), topic.ContactCode(keys[i]).Name)
	}
	d := watchDerivations(t, names...)
	for _, k := range keys {
		if _, err := alice.AddContact(k, ""); err != nil {
			t.Fatal(err)
		}
	}
	if err := alice.RemoveContact(keys[0]); err != nil {
		t.Fatal(err)
	}
	d.release()
	eventually(t, "all keys", func() bool {
		stored := 0
		for _, b := range records(t, s, "topics") {
			var rec wire.TopicRecord
			if err := proto.Unmarshal(b, &rec); err != nil {
				t.Fatal(err)
			}
			if len(rec.GetKey()) > 0 {
				stored++
			}
		}
		return stored == 2*people // our own contact code, and that of one of them is gone
	})
	for name := range records(t, s, "topics") {
		if strings.HasPrefix(name, "contact_code") && strings.HasSuffix(name, string(keys[0].Compressed())) {
			t.Error("the topic of somebody who was removed is there")
		}
	}
	for _, name := range names[2:] {
		if n := d.count(name); n != 1 {
			t.Errorf("the key of a topic was derived %d times", n)
		}
	}
	alice.sound()
}
