package chat_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// search returns the texts that a search finds, on all pages, newest first.
func (p *person) search(r chat.SearchRequest) (texts []string, complete bool) {
	p.t.Helper()
	complete = true
	for {
		page, err := p.Search(r)
		if err != nil {
			p.t.Fatalf("%s: %v", p.name, err)
		}
		for _, m := range page.Items {
			texts = append(texts, m.Text)
		}
		complete = complete && page.Complete
		if r.Cursor = page.Next; r.Cursor == "" {
			return texts, complete
		}
	}
}

// finds checks what a search by words finds, in the end.
func (p *person) finds(query string, want ...string) {
	p.t.Helper()
	eventually(p.t, p.name+" finds by "+query, func() bool {
		got, _ := p.search(chat.SearchRequest{Query: query})
		return slices.Equal(got, want)
	})
}

// TestSearch: what is said is found by both sides, as it is now; what is deleted or cleared is
// not.
func TestSearch(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	first := alice.send(bob, "Straße nach Süden")
	bob.waitText("Straße nach Süden")
	second := bob.send(alice, "北京大学の前で")
	alice.waitText("北京大学の前で")
	for _, p := range []*person{alice, bob} {
		p.finds("STRASSE sud", "Straße nach Süden")
		p.finds(`"nach süden"`, "Straße nach Süden")
		p.finds("京大", "北京大学の前で")
		p.finds("norden")
	}
	k := bob.key()
	for _, c := range []struct {
		r    chat.SearchRequest
		want []string
	}{
		{chat.SearchRequest{Query: "s", Chat: &k}, []string{"Straße nach Süden"}},
		{chat.SearchRequest{Query: "s", From: &k}, nil},
		{chat.SearchRequest{Query: "s", From: ptr(alice.key())}, []string{"Straße nach Süden"}},
		{chat.SearchRequest{Query: "北", From: &k, After: second.Clock}, []string{"北京大学の前で"}},
		{chat.SearchRequest{Query: "北", After: second.Clock + 1}, nil},
		{chat.SearchRequest{Query: "北", Before: second.Clock}, nil},
		{chat.SearchRequest{Query: "s", Chat: ptr(somebody(7))}, nil},
	} {
		if got, complete := alice.search(c.r); !slices.Equal(got, c.want) || !complete {
			t.Errorf("%+v finds %q, complete %v", c.r, got, complete)
		}
	}
	if _, err := alice.EditMessage(context.Background(), mustID(t, first.ID), "Straße nach Norden"); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{alice, bob} {
		p.finds("norden", "Straße nach Norden")
		p.finds("süden")
	}
	if _, err := bob.DeleteMessage(context.Background(), mustID(t, second.ID), true); err != nil {
		t.Fatal(err)
	}
	for _, p := range []*person{alice, bob} {
		p.finds("北")
	}
	alice.chat(alice.ClearChat(k))
	if got, _ := alice.search(chat.SearchRequest{Query: "norden"}); len(got) != 0 {
		t.Errorf("cleared, and found: %q", got)
	}
	alice.sound()
	bob.sound()
}

func ptr[T any](v T) *T { return &v }

// somebody is a key that is the same each time.
func somebody(n int) key.Public {
	var scalar [key.PrivateSize]byte
	scalar[key.PrivateSize-1] = byte(n + 1)
	k, err := key.ParsePrivate(scalar[:])
	if err != nil {
		panic(err)
	}
	return k.Public()
}

// TestSearchPeople: people are found by the name that we gave them and by their own.
func TestSearchPeople(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob-muller", net)
	found := func(query string) (names []string) {
		t.Helper()
		page, err := alice.Search(chat.SearchRequest{Query: query})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.People {
			names = append(names, c.Name)
		}
		return names
	}
	if got := found("table"); len(got) != 0 {
		t.Errorf("found %q before there was anybody", got)
	}
	for i, name := range []string{"", "Bobby Tables", "Robert"} {
		if _, err := alice.AddContact(bob.key(), name); err != nil {
			t.Fatal(err)
		}
		if got := found("table bob"); (len(got) == 1) != (i == 1) {
			t.Errorf("called %q: found %q", name, got)
		}
	}
	bob.request(alice.key(), "it is me")
	wait(alice, "the request", func(event.ContactRequestReceived) bool { return true })
	alice.must(alice.AcceptContact(bob.key()))
	eventually(t, "the name that bob has", func() bool { return slices.Equal(found("MÜLLER"), []string{"Robert"}) })
	k := bob.key()
	if page, err := alice.Search(chat.SearchRequest{Query: "robert", Chat: &k}); err != nil || len(page.People) != 0 {
		t.Errorf("a search in one chat finds people: %v, %v", page.People, err)
	}
	for i := range 30 {
		if _, err := alice.AddContact(somebody(i), fmt.Sprintf("number %02d", 30-i)); err != nil {
			t.Fatal(err)
		}
	}
	if got := found("number"); len(got) != 20 || got[0] != "number 01" || !slices.IsSorted(got) {
		t.Errorf("of 30 people: %q", got)
	}
}

// TestSearchRequests: what strangers wrote who are to ask first is found in their chat only,
// until they are accepted.
func TestSearchRequests(t *testing.T) {
	net := memnet.New(memnet.Options{})
	set := fast
	set.Strangers = chat.StrangersRequest
	alice := openPerson(t, "alice", store.Memory(), net.Join(), set)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	bob := newPerson(t, "bob", net)
	bob.send(alice, "a stranger's word")
	k := bob.key()
	eventually(t, "the request", func() bool { c, err := alice.Chat(k); return err == nil && c.Messages == 1 })
	if got, _ := alice.search(chat.SearchRequest{Query: "word"}); len(got) != 0 {
		t.Errorf("found %q", got)
	}
	if got, _ := alice.search(chat.SearchRequest{Query: "word", Chat: &k}); len(got) != 1 {
		t.Errorf("in the chat: %q", got)
	}
	if _, err := alice.AddContact(k, "bob"); err != nil {
		t.Fatal(err)
	}
	alice.finds("word", "a stranger's word")
}

// TestSearchOfOldStore: what was there before there was an index comes into it, and what was
// said is not in the file in clear.
func TestSearchOfOldStore(t *testing.T) {
	const many = 700
	path := filepath.Join(t.TempDir(), "store.db")
	options := store.Options{Path: path, Key: bytes.Repeat([]byte{1}, 32), NoSync: true}
	open := func() (*person, chat.Store) {
		st, err := store.Open(options)
		if err != nil {
			t.Fatal(err)
		}
		return openPerson(t, "alice", st, memnet.New(memnet.Options{}).Join(), fast), st
	}
	alice, _ := open()
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	to := somebody(3)
	var want []string
	for i := range many {
		text := fmt.Sprintf("unmistakable number%d", i)
		want = append([]string{text}, want...)
		if _, err := alice.Send(context.Background(), chat.SendRequest{To: to, Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	alice.finds("unmistakable", want...)
	alice.sound()
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	st, err := store.Open(options)
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Update(func(tx chat.Tx) error { // as a library without an index has it
		first, last, err := tx.Bounds("unindexed")
		if err != nil || first > last {
			return err
		}
		if err := tx.Trim("unindexed", last); err != nil {
			return err
		}
		var names [][]byte
		if err := tx.Each("search", func(name, _ []byte) error { names = append(names, name); return nil }); err != nil {
			return err
		}
		for _, name := range names {
			if err := tx.Delete("search", name); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	alice, _ = open()
	eventually(t, "the index", func() bool {
		got, complete := alice.search(chat.SearchRequest{Query: "unmistakable"})
		return complete && slices.Equal(got, want)
	})
	alice.sound()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"unmistakable", "number1", "unmist"} {
		if bytes.Contains(raw, []byte(word)) {
			t.Errorf("the file has %q", word)
		}
	}
}
