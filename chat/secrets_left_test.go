package chat_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// listedStore notes the tables and queues that are written.
type listedStore struct {
	chat.Store
	mu     sync.Mutex
	tables []chat.Table
	queues []chat.Queue
}

type listedTx struct {
	chat.Tx
	s *listedStore
}

func (s *listedStore) Update(fn func(chat.Tx) error) error {
	return s.Store.Update(func(tx chat.Tx) error { return fn(listedTx{tx, s}) })
}

func (t listedTx) Put(table chat.Table, name, value []byte) error {
	t.s.mu.Lock()
	if !slices.Contains(t.s.tables, table) {
		t.s.tables = append(t.s.tables, table)
	}
	t.s.mu.Unlock()
	return t.Tx.Put(table, name, value)
}

func (t listedTx) Append(q chat.Queue, value []byte) (uint64, error) {
	t.s.mu.Lock()
	if !slices.Contains(t.s.queues, q) {
		t.s.queues = append(t.s.queues, q)
	}
	t.s.mu.Unlock()
	return t.Tx.Append(q, value)
}

// holding lists the tables and queues in which a word is, in a name or a value.
func (s *listedStore) holding(t *testing.T, word string) (where []string) {
	t.Helper()
	s.mu.Lock()
	tables, queues := slices.Clone(s.tables), slices.Clone(s.queues)
	s.mu.Unlock()
	has := func(in string, b []byte) {
		if bytes.Contains(bytes.ToLower(b), []byte(word)) && !slices.Contains(where, in) {
			where = append(where, in)
		}
	}
	if err := s.View(func(tx chat.Tx) error {
		for _, table := range tables {
			if err := tx.Each(table, func(name, value []byte) error { has(string(table), name); has(string(table), value); return nil }); err != nil {
				return err
			}
		}
		for _, q := range queues {
			if err := tx.Range(q, 0, func(_ uint64, value []byte) (bool, error) { has("queue "+string(q), value); return true, nil }); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return where
}

// drain takes all events, so that none waits.
func (p *person) drain() {
	p.t.Helper()
	eventually(p.t, "all events to be read", func() bool {
		for {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
			e, err := p.NextEvent(ctx)
			cancel()
			if err != nil {
				p.t.Fatal(err)
			}
			if e == nil {
				break
			}
			if err := p.AckEvents(e.Seq); err != nil {
				p.t.Fatal(err)
			}
		}
		d, err := p.Diagnostics()
		return err == nil && d.EventsWaiting == 0
	})
}

// TestNothingIsLeftOfWhatIsGone: what a thief who opens the store finds of texts that were
// edited, deleted, cleared or have expired, on both sides, sent and still to be sent: nothing,
// once the events were taken and the loop has done its work.
func TestNothingIsLeftOfWhatIsGone(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	s := &listedStore{Store: store.Memory()}
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(t.Context(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	bob := newRawPeer(t, net, alice.key())
	if _, err := alice.AddContact(bob.key(), "friend"); err != nil {
		t.Fatal(err)
	}
	// Bob never acknowledges: all of alice's stays in the outbox.
	n := 0
	word := func() string { n++; return fmt.Sprintf("secretword%dx", n) }
	about := func(target [32]byte) message.ActionParams {
		return message.ActionParams{Target: target, ChatID: alice.key().Hex(), Clock: bob.next()}
	}
	var words []string
	secret := func(format string) string { w := word(); words = append(words, w); return fmt.Sprintf(format, w) }
	ctx := context.Background()
	send := func(text string, seconds uint32) [32]byte {
		r := chat.SendRequest{To: bob.key(), Text: text}
		if seconds > 0 {
			r.ExpiresIn = &seconds
		}
		m, err := alice.Send(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		return mustID(t, m.ID)
	}
	arrived := func(id [32]byte) [32]byte {
		eventually(t, "a message", func() bool { _, err := alice.Message(id); return err == nil })
		return id
	}
	edited := func(id [32]byte, text string) {
		eventually(t, "an edit", func() bool { m, err := alice.Message(id); return err == nil && m.Text == text })
	}
	deleted := func(id [32]byte) {
		eventually(t, "a deletion", func() bool { m, err := alice.Message(id); return err == nil && m.Deleted != nil })
	}

	// Theirs: edited twice, deleted after an edit, deleted before it came, deleted for us.
	id := arrived(bob.text(secret("first %s"), nil))
	for _, text := range []string{secret("second %s"), "what is shown"} {
		bob.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(id), text, message.KindText, nil))
		edited(id, text)
	}
	id = arrived(bob.text(secret("theirs %s"), nil))
	text := secret("edited %s")
	bob.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(id), text, message.KindText, nil))
	edited(id, text)
	bob.say(wire.ApplicationMetadataMessage_DELETE_MESSAGE, message.NewDelete(about(id)))
	deleted(id)
	bob.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(id), secret("after it %s"), message.KindText, nil))
	clock := bob.next()
	e, early := bob.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, chatMessage(alice, secret("early %s"), clock), false)
	bob.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(early), secret("waits %s"), message.KindText, nil))
	bob.say(wire.ApplicationMetadataMessage_DELETE_MESSAGE, message.NewDelete(about(early)))
	bob.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(early), secret("waits too %s"), message.KindText, nil))
	arrived(bob.text("in between", nil))
	net.Inject(e)
	deleted(arrived(early))
	id = arrived(bob.text(secret("for me %s"), nil))
	if _, err := alice.DeleteMessage(ctx, id, false); err != nil {
		t.Fatal(err)
	}
	// Theirs that expires, answered by an edit after that.
	clock = bob.next()
	cm := chatMessage(alice, secret("expires %s"), clock)
	cm.ExpiresIn = 1
	id = bob.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm)
	wait(alice, "its end", func(e event.MessageChanged) bool { return e.Message.ID == event.Hex(id[:]) && e.Cause == "expired" })
	bob.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(id), secret("after its end %s"), message.KindText, nil))

	// Ours: edited, deleted, expired, in the outbox all the time.
	id = send("edited "+"later", 0)
	for _, text := range []string{secret("ours %s"), "what it says"} {
		if _, err := alice.EditMessage(ctx, id, text); err != nil {
			t.Fatal(err)
		}
	}
	id = send(secret("ours to delete %s"), 0)
	if _, err := alice.EditMessage(ctx, id, secret("and edited %s")); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.DeleteMessage(ctx, id, true); err != nil {
		t.Fatal(err)
	}
	id = send(secret("ours expires %s"), 1)
	if _, err := alice.EditMessage(ctx, id, secret("ours expires edited %s")); err != nil {
		t.Fatal(err)
	}
	wait(alice, "its end", func(e event.MessageChanged) bool { return e.Message.ID == event.Hex(id[:]) && e.Cause == "expired" })
	if _, err := alice.SetDraft(bob.key(), secret("draft %s")); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.SetDraft(bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	arrived(bob.text("the end", nil))
	alice.drain()
	for _, there := range []string{"shown", "says"} { // it would be found
		if where := s.holding(t, there); !slices.Contains(where, "messages") {
			t.Fatalf("%s is in %q", there, where)
		}
	}
	for _, w := range words {
		var where []string
		for range 200 {
			if where = s.holding(t, w); len(where) == 0 {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		if len(where) > 0 {
			t.Errorf("%s is in %q", w, where)
		}
	}
	alice.sound()
}
