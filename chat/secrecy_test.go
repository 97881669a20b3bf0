package chat_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// noting is a store that notes which tables and queues were written to, so that all that is in
// it can be read.
type noting struct {
	chat.Store
	mu     sync.Mutex
	tables map[chat.Table]bool
	queues map[chat.Queue]bool
}

func newNoting(s chat.Store) *noting {
	return &noting{Store: s, tables: map[chat.Table]bool{}, queues: map[chat.Queue]bool{}}
}

func (n *noting) Update(fn func(chat.Tx) error) error {
	return n.Store.Update(func(tx chat.Tx) error { return fn(notingTx{tx, n}) })
}

type notingTx struct {
	chat.Tx
	n *noting
}

func (t notingTx) Put(table chat.Table, name, value []byte) error {
	t.n.mu.Lock()
	t.n.tables[table] = true
	t.n.mu.Unlock()
	return t.Tx.Put(table, name, value)
}

func (t notingTx) Append(q chat.Queue, value []byte) (uint64, error) {
	t.n.mu.Lock()
	t.n.queues[q] = true
	t.n.mu.Unlock()
	return t.Tx.Append(q, value)
}

// where names the tables and queues in which something is, also in hexadecimal or base64.
func (n *noting) where(t *testing.T, what []byte) (found []string) {
	t.Helper()
	forms := [][]byte{what, []byte(hex.EncodeToString(what))}
	for shift := range min(3, len(what)) { // the digits that do not depend on what is beside it
		whole := what[shift : shift+(len(what)-shift)/3*3]
		forms = append(forms, []byte(base64.StdEncoding.EncodeToString(whole)))
	}
	n.mu.Lock()
	tables, queues := slices.Sorted(maps.Keys(n.tables)), slices.Sorted(maps.Keys(n.queues))
	n.mu.Unlock()
	look := func(in string, b []byte) {
		if slices.ContainsFunc(forms, func(f []byte) bool { return bytes.Contains(b, f) }) {
			found = append(found, in)
		}
	}
	for _, table := range tables {
		for name, value := range records(t, n.Store, table) {
			look(string(table), []byte(name))
			look(string(table), value)
		}
	}
	err := n.Store.View(func(tx chat.Tx) error {
		for _, q := range queues {
			if err := tx.Range(q, 0, func(_ uint64, value []byte) (bool, error) { look(string(q), value); return true, nil }); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// noted is the store of alice, 0, or bob, 1.
func (w *two) noted(i int) *noting { return w.stores[i].Store.(*noting) }

// keeps fails unless something is in a store: else it would prove nothing that it is gone.
func (w *two) keeps(t *testing.T, i int, what string) {
	t.Helper()
	if len(w.noted(i).where(t, []byte(what))) == 0 {
		t.Fatalf("%q was never in the store of %d", what, i)
	}
}

// forgets waits until nothing of something is in a store. Chunks and segments of the index are
// erased a little later.
func (w *two) forgets(t *testing.T, i int, what string) {
	t.Helper()
	var last []string
	defer func() {
		if t.Failed() {
			t.Logf("%q is in %v", what, last)
		}
	}()
	eventually(t, fmt.Sprintf("%q to be gone from the store of %d", what, i), func() bool {
		found := w.noted(i).where(t, []byte(what))
		if len(found) > 0 {
			last = found
		}
		return len(found) == 0
	})
}

// delivers sends something of which the other one reads no event.
func (w *two) delivers(from, to *person, r chat.SendRequest) [32]byte {
	from.t.Helper()
	r.To = to.key()
	m, err := from.Send(context.Background(), r)
	if err != nil {
		from.t.Fatal(err)
	}
	from.waitState(m.ID, "delivered")
	return mustID(from.t, m.ID)
}

// voice is a recording with some bytes in it, in each of its frames.
func voice(inside string) (b []byte) {
	for range 40 {
		b = append(b, 0xff, 0xf1, 0x50, 0x80, byte((7+len(inside))>>3), byte((7+len(inside))<<5)|0x1f, 0xfc)
		b = append(b, inside...)
	}
	return b
}

// left names the tables with something under the id of a message, other than the mark that keeps
// it from coming back.
func left(t *testing.T, s chat.Store, id [32]byte) (tables []string) {
	t.Helper()
	for _, table := range []chat.Table{"messages", "waiting", "kept", "attachments", "attachment_chunks", "attachment_erasures", "albums", "#outbox"} {
		for name, value := range records(t, s, table) {
			if strings.Contains(name, string(id[:])) || bytes.Contains(value, id[:]) {
				tables = append(tables, string(table))
			}
		}
	}
	return tables
}

// TestNothingIsLeft: of what was deleted, edited, cleared or has expired nothing is in the
// store, in no table and no event that waits.
func TestNothingIsLeft(t *testing.T) {
	ctx := context.Background()
	w := openTwo(t)
	secret := func(n int) string { return fmt.Sprintf("zq%dsecretxv", n) }
	ofBoth := func(gone ...string) {
		t.Helper()
		for _, one := range gone {
			w.forgets(t, 0, one)
			w.forgets(t, 1, one)
		}
	}
	mustBe := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}

	id := w.delivers(w.alice, w.bob, chat.SendRequest{Text: "see https://" + secret(1) + ".org/ and " + secret(2), Previews: []event.Preview{{URL: "https://" + secret(1) + ".org/", Kind: "link", Title: secret(3)}}})
	w.keeps(t, 1, secret(2))
	mustBe(w.bob.MuteChat(w.alice.key(), true, 0)) // an event that has the last message
	mustBe(w.alice.EditMessage(ctx, id, "now "+secret(4)))
	w.keeps(t, 0, secret(4))
	eventually(t, "the edit", func() bool { return w.bob.shows(id).Edited != nil })
	ofBoth(secret(1), secret(2), secret(3))
	mustBe(w.alice.DeleteMessage(ctx, id, true))
	eventually(t, "the deletion", func() bool { return w.bob.shows(id).Deleted != nil })
	ofBoth(secret(4))

	id = w.delivers(w.alice, w.bob, chat.SendRequest{Attachments: []chat.AttachmentRequest{{Data: voice(secret(5)), Name: secret(6) + ".aac"}}})
	w.keeps(t, 1, secret(5))
	w.keeps(t, 0, secret(6))
	mustBe(w.bob.DeleteMessage(ctx, id, false))
	w.forgets(t, 1, secret(5))
	w.keeps(t, 0, secret(5)) // it was deleted for bob
	mustBe(w.alice.DeleteMessage(ctx, id, true))
	ofBoth(secret(5), secret(6))

	seconds := uint32(60)
	id = w.delivers(w.alice, w.bob, chat.SendRequest{Text: secret(7), ExpiresIn: &seconds})
	mustBe(w.alice.EditMessage(ctx, id, secret(8)))
	w.delivers(w.alice, w.bob, chat.SendRequest{ExpiresIn: &seconds, Attachments: []chat.AttachmentRequest{{Data: voice(secret(9))}}})
	eventually(t, "the edit", func() bool { return w.bob.shows(id).Edited != nil })
	mustBe(w.bob.React(ctx, id, "👍", false))
	mustBe(w.bob.ArchiveChat(w.alice.key(), true))
	w.keeps(t, 1, secret(8))
	w.keeps(t, 1, secret(9))
	finds := func(want int) {
		t.Helper()
		for _, p := range []*person{w.alice, w.bob} {
			page, err := p.Search(chat.SearchRequest{Query: secret(8)})
			if err != nil || len(page.Items) != want {
				t.Errorf("%s finds %d, want %d: %v", p.name, len(page.Items), want, err)
			}
		}
	}
	finds(1)
	w.pass(61 * time.Second)
	ofBoth(secret(7), secret(8), secret(9))
	finds(0)
	for i, p := range []*person{w.alice, w.bob} {
		if names := left(t, w.stores[i], id); len(names) > 0 {
			t.Errorf("%s has still %v of what has expired", p.name, names)
		}
		p.sound() // the index has no terms of it, and no chunk is of nothing
	}

	w.delivers(w.alice, w.bob, chat.SendRequest{Text: secret(10)})
	mustBe(w.bob.SetDraft(w.alice.key(), secret(11)))
	w.keeps(t, 1, secret(11))
	mustBe(w.bob.SetDraft(w.alice.key(), ""))
	w.forgets(t, 1, secret(11))
	mustBe(w.bob.ClearChat(w.alice.key()))
	mustBe(w.alice.ClearChat(w.bob.key()))
	ofBoth(secret(10))
	for _, p := range []*person{w.alice, w.bob} {
		p.sound()
	}
}

// TestNothingIsLeftOfRequests: the message in which a stranger asks is in no event that waits,
// and the event has it as it is when it is read.
func TestNothingIsLeftOfRequests(t *testing.T) {
	for name, say := range map[string]func(g *rawPeer, text string) [32]byte{
		"a contact request": func(g *rawPeer, text string) [32]byte { return g.request(text) },
		"a chat request":    func(g *rawPeer, text string) [32]byte { return g.text(text, nil) },
	} {
		t.Run(name, func(t *testing.T) {
			net, s, settings := memnet.New(memnet.Options{Seed: 7}), newNoting(store.Memory()), fast
			settings.Strangers = chat.StrangersRequest
			victim := openPerson(t, "victim", s, net.Join(), settings)
			if _, _, err := victim.CreateIdentity(context.Background(), 12, ""); err != nil {
				t.Fatal(err)
			}
			ids := map[string][32]byte{}
			for _, text := range []string{"zqxsecret", "stays"} {
				g := newRawPeer(t, net, victim.key())
				ids[text] = say(g, text)
				eventually(t, "the request", func() bool { _, err := victim.Message(ids[text]); return err == nil })
			}
			if len(s.where(t, []byte("zqxsecret"))) == 0 {
				t.Fatal("it was never there")
			}
			if _, err := victim.DeleteMessage(context.Background(), ids["zqxsecret"], false); err != nil {
				t.Fatal(err)
			}
			eventually(t, "nothing of it to be left", func() bool { return len(s.where(t, []byte("zqxsecret"))) == 0 })
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			told := map[string]event.Message{}
			for len(told) < 2 {
				e, err := victim.NextEvent(ctx)
				if err != nil || e == nil {
					t.Fatalf("told of %d requests, %v", len(told), err)
				}
				var asked struct{ Message *event.Message }
				if e.Type != "contact_request_received" && e.Type != "chat_request_received" {
					continue
				}
				if err := json.Unmarshal(e.Data, &asked); err != nil || asked.Message == nil {
					t.Fatalf("%s, %v", e.Data, err)
				}
				told[asked.Message.ID] = *asked.Message
			}
			for text, id := range ids {
				m := told[event.Hex(id[:])]
				if want := map[bool]string{true: text}[text == "stays"]; m.Text != want || (m.Deleted != nil) != (want == "") {
					t.Errorf("told of %s: %+v", text, m)
				}
			}
			victim.sound()
		})
	}
}
