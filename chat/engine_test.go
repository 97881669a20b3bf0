package chat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// person is a client under test and what it has been told.
type person struct {
	*chat.Client
	t      *testing.T
	name   string
	events []chat.DeliveredEvent
}

var fast = chat.Settings{ResendBase: 150 * time.Millisecond, AckDelay: 5 * time.Millisecond}

func openPerson(t *testing.T, name string, s chat.Store, net chat.Transport, set chat.Settings) *person {
	t.Helper()
	c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: net, Settings: set, Logger: testLog{t, name}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &person{Client: c, t: t, name: name}
}

type testLog struct {
	t    *testing.T
	name string
}

func (l testLog) Log(level, msg string, fields ...any) {
	if testing.Verbose() {
		l.t.Log(l.name, level, msg, fields)
	}
}

// newPerson opens a client with a new identity in a memory store.
func newPerson(t *testing.T, name string, net *memnet.Network) *person {
	t.Helper()
	p := openPerson(t, name, store.Memory(), net.Join(), fast)
	if _, _, err := p.CreateIdentity(context.Background(), 12, name); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *person) key() key.Public {
	p.t.Helper()
	info, err := p.Identity()
	if err != nil {
		p.t.Fatal(err)
	}
	k, err := identity.ParseChatKey(info.ChatKey)
	if err != nil {
		p.t.Fatal(err)
	}
	return k
}

func (p *person) send(to *person, text string) event.Message {
	p.t.Helper()
	m, err := p.Send(context.Background(), chat.SendRequest{To: to.key(), Text: text})
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return m
}

// texts is the conversation with another person, oldest first.
func (p *person) texts(with *person) []string {
	p.t.Helper()
	return p.textsWith(with.key())
}

func (p *person) textsWith(with key.Public) []string {
	p.t.Helper()
	var all []string
	cursor := ""
	for {
		page, err := p.Messages(with, chat.PageRequest{Cursor: cursor, Limit: 50})
		if err != nil {
			p.t.Fatal(err)
		}
		for _, m := range page.Items {
			all = append(all, m.Text)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	for i, j := 0, len(all)-1; i < j; i, j = i+1, j-1 {
		all[i], all[j] = all[j], all[i]
	}
	return all
}

// patience is the time that a test waits for something that must come: long enough for a
// loaded machine and the race detector, since nothing is measured by it.
const patience = 2 * time.Minute

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain for %s", what)
}

// wait takes events until one of the type passes the check.
func wait[E event.Event](p *person, what string, ok func(E) bool) E {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		d, err := p.NextEvent(ctx)
		if err != nil {
			p.t.Fatalf("%s: %v", p.name, err)
		}
		if d == nil {
			p.t.Fatalf("%s waited in vain for %s", p.name, what)
		}
		p.events = append(p.events, *d)
		var e E
		if d.Type != e.Type() {
			continue
		}
		if err := json.Unmarshal(d.Data, &e); err != nil {
			p.t.Fatal(err)
		}
		if ok(e) {
			return e
		}
	}
}

func (p *person) waitState(id, state string) event.MessageState {
	p.t.Helper()
	return wait(p, "state "+state, func(e event.MessageState) bool { return e.MessageID == id && string(e.State) == state })
}

func (p *person) waitText(text string) event.MessageReceived {
	p.t.Helper()
	return wait(p, "a message", func(e event.MessageReceived) bool { return e.Message.Text == text })
}

func TestTwoPeopleChat(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)

	m := alice.send(bob, "hello")
	if m.State != "queued" || !m.Outgoing || m.ChatID != bob.key().Hex() {
		t.Fatalf("wrong message: %+v", m)
	}
	got := bob.waitText("hello").Message
	if got.ID != m.ID || got.From != alice.key().Hex() || got.ChatID != alice.key().Hex() || got.Outgoing || got.SenderName != "alice" {
		t.Fatalf("wrong message received: %+v", got)
	}
	state := alice.waitState(m.ID, "delivered")
	if state.Evidence == nil || state.Evidence.Kind != "device" || state.Evidence.Installation == "" {
		t.Fatalf("delivered without evidence: %+v", state)
	}
	want := []string{"hello"}
	for i := range 20 {
		from, to := bob, alice
		if i%2 == 1 {
			from, to = alice, bob
		}
		text := fmt.Sprintf("%d 👋 שלום", i)
		from.send(to, text)
		to.waitText(text)
		want = append(want, text)
	}
	for _, p := range []struct{ me, you *person }{{alice, bob}, {bob, alice}} {
		if got := p.me.texts(p.you); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Fatalf("%s has %q, want %q", p.me.name, got, want)
		}
		sessions, err := p.me.Sessions(p.you.key())
		if err != nil || len(sessions) != 1 || sessions[0].State != "established" || !sessions[0].Sending {
			t.Fatalf("%s: sessions %+v, %v", p.me.name, sessions, err)
		}
		eventually(t, "an empty outbox", func() bool { d, err := p.me.Diagnostics(); return err == nil && d.Outbox == 0 })
	}
}

// Somebody whose time is ahead pushes the clock of the chat past what receivers take.
// The same text several times over is still as many messages.
func TestSameTextAtTheMargin(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 5})
	alice, ahead := newPerson(t, "alice", net), &chattest.Clock{}
	ahead.Advance(115 * time.Second)
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: net.Join(), Settings: fast, Clock: ahead})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	bob := &person{Client: c, t: t, name: "bob"}
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	bob.send(alice, "from the future")
	alice.waitText("from the future")
	requests := make([]chat.SendRequest, 50)
	for i := range requests {
		requests[i] = chat.SendRequest{To: bob.key(), Text: "ok"}
	}
	results, err := alice.SendBatch(context.Background(), requests)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, r := range results {
		ids[r.Message.ID] = true
	}
	if len(ids) != len(requests) {
		t.Fatalf("%d messages have %d ids", len(requests), len(ids))
	}
	eventually(t, "bob to have all", func() bool { return len(bob.texts(alice)) == len(requests)+1 })
}
