package chat_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// testdata/stores holds, a directory for each version of the store's schema, what the
// library of that version left of two people at one moment: their store files and, in
// told.json, everything the engine reports of Alice's. Its README.md says what is in them.
// TestWriteOldStores makes those of the present version when it is asked to.
var writeStores = flag.String("write-stores", "", "directory of testdata/stores to write anew, such as v4")

// snapshot holds everything an engine reports of its store, and the time it was closed.
type snapshot struct {
	At        time.Time
	AliceKey  string
	BobKey    string
	Pending   string   // the message with an attempt that is not out
	Payload   []byte   // of that attempt
	Histories []string // chat ids, in the order of Messages
	Chats     []event.Chat
	Requests  []event.Chat
	Messages  [][]event.Message // of each chat, newest first
	Contacts  []event.Contact
	Pairings  []event.Pairing
	Outbox    int
	Events    []chat.DeliveredEvent
}

func openAt(t *testing.T, name string, s chat.Store, net chat.Transport, set chat.Settings, clock *chattest.Clock) *person {
	t.Helper()
	c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: net, Settings: set, Clock: clock, Logger: testLog{t, name}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &person{Client: c, t: t, name: name}
}

func keyOf(t *testing.T, chatID string) key.Public {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(chatID, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := key.ParsePublic(b)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (p *person) message(id string) event.Message {
	p.t.Helper()
	m, err := p.Message(mustID(p.t, id))
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// describe opens a copy of a store, unable to publish, and adds to now all it reports.
func describe(t *testing.T, path string, now snapshot) snapshot {
	t.Helper()
	p := openOld(t, path, now.At, func() chat.Transport {
		gate := chattest.NewGate(memnet.New(memnet.Options{}).Join())
		gate.Refuse(func(chat.Envelope) error { return errors.New("the cable is cut") })
		return gate
	}())
	defer p.Close()
	d, err := p.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	now.Outbox = d.Outbox
	now.Chats, now.Requests, now.Contacts = everyPage(t, p.Chats), everyPage(t, p.ChatRequests), everyPage(t, p.Contacts)
	if now.Pairings, err = p.Pairings(); err != nil {
		t.Fatal(err)
	}
	for _, c := range append(append([]event.Chat{}, now.Chats...), now.Requests...) {
		k := keyOf(t, c.ChatID)
		list := everyPage(t, func(r chat.PageRequest) (chat.Page[event.Message], error) { r.Limit = 7; return p.Messages(k, r) })
		for i, m := range list {
			list[i] = p.message(m.ID)
		}
		now.Histories, now.Messages = append(now.Histories, c.ChatID), append(now.Messages, list)
	}
	for {
		ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
		e, err := p.NextEvent(ctx)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return now
		}
		if e.Seq > 0 {
			now.Events = append(now.Events, *e)
		}
	}
}

// openOld opens a copy of a store at the time when it was closed.
func openOld(t *testing.T, path string, at time.Time, net chat.Transport) *person {
	t.Helper()
	copied := filepath.Join(t.TempDir(), filepath.Base(path))
	copyFile(t, path, copied)
	s, err := store.Open(store.Options{Path: copied, Passphrase: "a passphrase", NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	return openAt(t, filepath.Base(path), s, net, chat.Settings{AckDelay: time.Hour, ResendBase: time.Hour}, clockAt(at))
}

// clockAt runs from a time on.
func clockAt(at time.Time) *chattest.Clock {
	clock := &chattest.Clock{}
	clock.Jump(at.Sub(clock.Now()))
	return clock
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// everyPage reads a list page by page.
func everyPage[T any](t *testing.T, list func(chat.PageRequest) (chat.Page[T], error)) (items []T) {
	t.Helper()
	for r := (chat.PageRequest{}); ; {
		page, err := list(r)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, page.Items...)
		if r.Cursor = page.Next; r.Cursor == "" {
			return items
		}
	}
}

// TestOldStores opens what the library of each version left: everything is there, in the
// same order and state, and what waited goes on its way.
func TestOldStores(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join("testdata", "stores", "v*"))
	if err != nil || len(dirs) == 0 {
		t.Fatalf("%q, %v", dirs, err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			want := readSnapshot(t, dir)
			asked := snapshot{At: want.At, AliceKey: want.AliceKey, BobKey: want.BobKey, Pending: want.Pending, Payload: want.Payload}
			got := describe(t, filepath.Join(dir, "alice.db"), asked)
			got.Events = got.Events[:min(len(got.Events), len(want.Events))]
			for i, name := range []string{"chats and the rest", "messages", "events"} {
				g, w := compared(t, got)[i], compared(t, want)[i]
				if g != w {
					t.Errorf("%s: got\n%s\nwant\n%s", name, g, w)
				}
			}
			goesOn(t, dir, want)
		})
	}
}

func readSnapshot(t *testing.T, dir string) (s snapshot) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "told.json"))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// compared gives the texts that two snapshots are compared by.
func compared(t *testing.T, s snapshot) (texts [3]string) {
	t.Helper()
	events, messages := s.Events, s.Messages
	s.Events, s.Messages = nil, nil
	s.byX3DH()
	for i, v := range []any{s, messages, events} {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(b)
	}
	return texts
}

// byX3DH fills in what snapshots from before chats over Noise do not say: everybody was written
// to by X3DH.
func (s snapshot) byX3DH() {
	for _, chats := range [][]event.Chat{s.Chats, s.Requests} {
		for i := range chats {
			chats[i].KeyExchange = cmp.Or(chats[i].KeyExchange, "x3dh")
		}
	}
	for i := range s.Contacts {
		s.Contacts[i].KeyExchange = cmp.Or(s.Contacts[i].KeyExchange, "x3dh")
	}
}

// goesOn has the two people of a directory meet again: the stored ciphertext goes out
// and arrives, the conversation continues, and the stores are sound.
func goesOn(t *testing.T, dir string, was snapshot) {
	net, clock := memnet.New(memnet.Options{Seed: 41}), clockAt(was.At)
	open := func(name string) (*person, *chattest.Gate) {
		path := filepath.Join(t.TempDir(), name+".db")
		copyFile(t, filepath.Join(dir, name+".db"), path)
		s, err := store.Open(store.Options{Path: path, Passphrase: "a passphrase", NoSync: true})
		if err != nil {
			t.Fatal(err)
		}
		gate := chattest.NewGate(net.Join())
		return openAt(t, name, s, gate, fast, clock), gate
	}
	bob, _ := open("bobby")
	alice, gate := open("alice")
	if got := bob.waitText("pending").Message; got.ID != was.Pending || got.From != was.AliceKey {
		t.Errorf("bob received %+v", got)
	}
	alice.waitState(was.Pending, "delivered")
	if !slices.ContainsFunc(gate.Published(), func(e chat.Envelope) bool { return bytes.Equal(e.Payload, was.Payload) }) {
		t.Error("the stored ciphertext was not what went out")
	}
	again, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "pending", ClientRef: "pending"})
	if err != nil || again.ID != was.Pending {
		t.Errorf("the client_ref gave %s, %v", again.ID, err)
	}
	before := alice.texts(bob)
	alice.send(bob, "one more")
	bob.waitText("one more")
	bob.send(alice, "and back")
	alice.waitText("and back")
	if got := alice.texts(bob); !slices.Equal(got, append(before, "one more", "and back")) {
		t.Errorf("alice has %q", got)
	}
	if c, err := alice.MarkRead(bob.key(), nil); err != nil || c.Unread != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	for _, p := range []*person{alice, bob} {
		if check, err := p.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
			t.Errorf("%s: %+v, %v", p.name, check, err)
		}
	}
}
