package chat_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

func (p *person) sound() {
	p.t.Helper()
	if check, err := p.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
		p.t.Errorf("%q, %v", check.Problems, err)
	}
}

// marks counts the marks of the victim, and the lists of them.
func (b *besieged) marks(t *testing.T) (marks, lists int) {
	t.Helper()
	return len(records(t, b.store, "seen")), len(records(t, b.store, "#marks"))
}

// What strangers and the blocked send, of which nothing becomes a message, leaves a
// bounded number of marks; what does not parse leaves none. All of it is acknowledged.
func TestMarksOfStrangersAreBounded(t *testing.T) {
	for name, blocked := range map[string]bool{"a stranger": false, "somebody blocked": true} {
		t.Run(name, func(t *testing.T) {
			b := newBesieged(t)
			m := newMallory(t, b.net, b.victim.key())
			b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("hi")}}), nil)))
			eventually(t, "her first message", func() bool { c, err := b.victim.Chat(m.public); return err == nil && c.Messages == 1 })
			if blocked {
				b.victim.must(b.victim.BlockContact(m.public))
			}
			before, _ := b.marks(t)
			n := 0
			deliver(t, b.net, b.victim, func(i int) chat.Envelope {
				var p datasync.Payload
				for range 50 {
					n++
					p.Messages = append(p.Messages, datasync.Message{
						GroupID: datasync.GroupID(m.public, m.victim), Timestamp: 1, Body: binary.BigEndian.AppendUint64(nil, uint64(n)),
					})
				}
				return m.envelope(m.encrypted(m.sync(p), nil))
			}, 3*chat.MaxStrangerMarks)
			b.honest(t)
			marks, lists := b.marks(t)
			// The ring holds what came last, the oldest have given way.
			if grown := marks - before; grown > chat.MaxStrangerMarks+100 || marks < 10 {
				t.Errorf("%d marks", grown)
			}
			if lists > 200 {
				t.Errorf("%d lists of marks", lists)
			}
			b.victim.sound()
		})
	}
}

// A contact's unsupported messages leave marks, one each, that keep them from being told
// of twice.
func TestMarksOfAContact(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	b.victim.must(b.victim.AddContact(m.public, ""))
	application, err := message.Wrap(m.self.Identity, wire.ApplicationMetadataMessage_COMMUNITY_USER_KICKED, []byte("something new"))
	if err != nil {
		t.Fatal(err)
	}
	again := datasync.Message{GroupID: datasync.GroupID(m.public, m.victim), Timestamp: 1, Body: application}
	deliver(t, b.net, b.victim, func(int) chat.Envelope {
		return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{again}}), nil))
	}, 300)
	b.honest(t)
	told := 0
	if err := b.store.View(func(tx chat.Tx) error {
		return tx.Range("events", 0, func(_ uint64, value []byte) (bool, error) {
			e := string(value)
			if len(e) > 30 && e[:30] == `{"type":"unsupported_received"` {
				told++
			}
			return true, nil
		})
	}); err != nil || told != 1 {
		t.Errorf("told %d times, %v", told, err)
	}
}

// Of a contact a large and bounded number of marks is kept, over restarts too: the oldest
// are forgotten.
func TestMarksAreARing(t *testing.T) {
	net, s := memnet.New(memnet.Options{Seed: 51}), keptStore{store.Memory()}
	alice, bob := openPerson(t, "alice", s, net.Join(), fast), newPerson(t, "bob", net)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	alice.must(alice.AddContact(bob.key(), ""))
	const n = chat.MaxMarks + 5000
	mark := func(p *person, from, n int) {
		t.Helper()
		if err := p.Mark(bob.key(), from, n); err != nil {
			t.Fatal(err)
		}
	}
	mark(alice, 0, n-1000)
	_ = alice.Close()
	alice = openPerson(t, "alice", s, net.Join(), fast)
	mark(alice, n-1000, 1000)
	kept := 0
	for i := range n {
		marked, err := alice.Marked(i)
		if err != nil {
			t.Fatal(err)
		}
		if kept > 0 && !marked {
			t.Fatalf("mark %d of %d is missing, after %d that are there", i, n, kept)
		}
		if marked {
			kept++
		}
	}
	if kept > chat.MaxMarks || kept < chat.MaxMarks-2*chat.MaxMarksTogether {
		t.Errorf("%d marks are kept", kept)
	}
	alice.sound()
	// Blocked, they have as few as a stranger.
	alice.must(alice.BlockContact(bob.key()))
	mark(alice, n, 1)
	if left := len(records(t, s, "seen")); left > chat.MaxStrangerMarks+10 {
		t.Errorf("%d marks of somebody blocked", left)
	}
	alice.sound()
}

// Marks of a store that listed them in a queue are found, and forgotten like others.
func TestMarksOfAnEarlierStore(t *testing.T) {
	net, clock, s := memnet.New(memnet.Options{Seed: 52}), &chattest.Clock{}, keptStore{store.Memory()}
	open := func() *person {
		c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: net.Join(), Settings: fast, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &person{Client: c, t: t, name: "alice"}
	}
	alice := open()
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	_ = alice.Close()
	now := time.Now()
	if err := s.Update(func(tx chat.Tx) error {
		for i, at := range []time.Time{now, now.Add(365 * 24 * time.Hour)} {
			name := append([]byte{'d'}, make([]byte, 31)...)
			name = append(name, byte(i+1))
			if err := tx.Put("seen", name, nil); err != nil {
				return err
			}
			if _, err := tx.Append("seen", append(binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli())), name...)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	alice = open()
	alice.sound()
	marks := func() int { return len(records(t, s, "seen")) }
	if marks() < 2 {
		t.Fatal("marks are gone")
	}
	// Once the pre-key of its time is gone the first is forgotten, and that of a year ahead
	// is dated then.
	for left := 1; left >= 0; left-- {
		eventually(t, fmt.Sprint("marks to be forgotten but for ", left), func() bool {
			clock.Advance(24 * time.Hour)
			return marks() <= left
		})
	}
	if passed := clock.Now().Sub(now); passed > 200*24*time.Hour {
		t.Errorf("the mark of a year ahead was kept for %s", passed)
	}
	alice.sound()
}

// countedStore counts the transactions that write.
type countedStore struct {
	chat.Store
	writes chan struct{}
}

func (c countedStore) Update(f func(chat.Tx) error) error {
	c.writes <- struct{}{}
	return c.Store.Update(f)
}

// Copies of an envelope that changes nothing, published by anybody, write nothing: one
// that is for another device of ours, one in the clear, one that was opened.
func TestCopiesWriteNothing(t *testing.T) {
	for name, build := range map[string]func(m *mallory) []byte{
		"for another device": func(m *mallory) []byte {
			return m.encrypted([]byte("x"), func(pm *wire.ProtocolMessage) {
				pm.EncryptedMessage = map[string]*wire.EncryptedMessageProtocol{"another device": {Payload: []byte("sealed")}}
			})
		},
		"in the clear": func(m *mallory) []byte {
			return m.encrypted([]byte("x"), func(pm *wire.ProtocolMessage) { pm.EncryptedMessage, pm.PublicMessage = nil, []byte("clear") })
		},
		"opened": func(m *mallory) []byte { return m.encrypted([]byte("no application message"), nil) },
	} {
		t.Run(name, func(t *testing.T) {
			net, writes := memnet.New(memnet.Options{Seed: 53}), make(chan struct{}, 1<<16)
			victim := openPerson(t, "victim", countedStore{store.Memory(), writes}, net.Join(), fast)
			if _, _, err := victim.CreateIdentity(context.Background(), 12, ""); err != nil {
				t.Fatal(err)
			}
			m := newMallory(t, net, victim.key())
			victim.must(victim.AddContact(m.public, ""))
			e := m.envelope(build(m))
			net.Inject(e)
			duplicates := func() uint64 {
				d, err := victim.Diagnostics()
				if err != nil {
					t.Fatal(err)
				}
				return d.Dropped["duplicate"]
			}
			const copies = 200
			before := -1
			for i := range copies {
				e.Timestamp++
				net.Inject(e)
				eventually(t, "a copy", func() bool { return duplicates() > uint64(i) })
				if before < 0 {
					before = len(writes)
				}
			}
			if wrote := len(writes) - before; wrote > 10 {
				t.Errorf("%d copies were %d transactions", copies, wrote)
			}
		})
	}
}

// After the call has returned nothing is heard of a blocked person, even if their message
// is stored with the same commit, or the contact list does not know it yet.
func TestBlockedFromTheReturnOn(t *testing.T) {
	late := &lateStore{Store: store.Memory(), table: "contacts", held: make(chan struct{}), on: make(chan struct{})}
	net := memnet.New(memnet.Options{Seed: 54})
	alice := openPerson(t, "alice", late, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := newRawPeer(t, net, alice.key())
	blocked := make(chan error)
	go func() { _, err := alice.BlockContact(g.key()); blocked <- err }()
	<-late.held
	g.text("heard?", nil)
	eventually(t, "a refusal", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Dropped["blocked"] == 1 })
	close(late.on)
	if err := <-blocked; err != nil {
		t.Fatal(err)
	}
	g.text("and now?", nil)
	eventually(t, "another", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Dropped["blocked"] == 2 })
	if c, err := alice.Chat(g.key()); err != nil || c.Messages != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	alice.must(alice.UnblockContact(g.key()))
	g.text("again", nil)
	alice.waitText("again")
}

// How many marks of erased messages there are is known in memory, after a restart and when they
// are forgotten too: without one, nobody asks the store.
func TestExpiredMarksAreCounted(t *testing.T) {
	w := openTwo(t)
	counted := func(what string, want int) {
		t.Helper()
		eventually(t, what, func() bool {
			there, counted, err := w.bob.ExpiredMarks()
			return err == nil && there == want && counted == want
		})
	}
	counted("no marks", 0)
	brief := uint32(60)
	for i := range 3 {
		w.says(w.alice, w.bob, fmt.Sprint("brief ", i), &brief)
	}
	w.pass(61 * time.Second)
	counted("three marks", 3)
	if err := w.bob.Close(); err != nil {
		t.Fatal(err)
	}
	w.bob = w.open(t, 1)
	counted("three marks after a restart", 3)
	for range 3 { // the pre-keys from before are to go first
		w.pass(60 * 24 * time.Hour)
		w.says(w.alice, w.bob, "much later", nil)
	}
	counted("no marks after months", 0)
}
