package chat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// chat returns what a call about a chat returned.
func (p *person) chat(c event.Chat, err error) event.Chat {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return c
}

// changed waits for a chat_changed event of a cause.
func (p *person) changed(cause string) event.Chat {
	p.t.Helper()
	return wait(p, "chat_changed", func(e event.ChatChanged) bool { return string(e.Cause) == cause }).Chat
}

// Each call changes what it names, says so in its answer and in an event, and in the lists.
func TestCallsAboutChats(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	for i := range 3 {
		bob.send(alice, fmt.Sprint("m", i))
		alice.waitText(fmt.Sprint("m", i))
	}
	k := bob.key()
	if c := alice.chat(alice.MarkRead(k, nil)); c.Unread != 0 || alice.changed("read").Unread != 0 {
		t.Errorf("read: %+v", c)
	}
	if c := alice.chat(alice.MarkUnread(k)); !c.MarkedUnread || c.Unread != 0 || !alice.changed("unread").MarkedUnread {
		t.Errorf("marked unread: %+v", c)
	}
	if c := alice.chat(alice.MarkRead(k, nil)); c.MarkedUnread || alice.changed("unread").MarkedUnread {
		t.Errorf("read again: %+v", c)
	}
	until := time.Now().Add(time.Hour).UnixMilli()
	if c := alice.chat(alice.MuteChat(k, true, until)); !c.Muted || c.MutedUntil != until || !alice.changed("muted").Muted {
		t.Errorf("muted: %+v", c)
	}
	if c := alice.chat(alice.MuteChat(k, true, 1)); c.Muted || c.MutedUntil != 0 {
		t.Errorf("muted until a time that is over: %+v", c)
	}
	if c := alice.chat(alice.SetDraft(k, "dear bob")); c.Draft != "dear bob" || alice.changed("draft").Draft != "dear bob" {
		t.Errorf("a draft: %+v", c)
	}
	archived := func(p chat.PageRequest) (chat.Page[event.Chat], error) {
		return alice.ListChats(p, chat.Selection{Archived: true})
	}
	if c := alice.chat(alice.ArchiveChat(k, true)); !c.Archived || !alice.changed("archived").Archived ||
		len(alice.chats(alice.Chats)) != 0 || !slices.Equal(alice.chats(archived), []string{k.Hex()}) {
		t.Errorf("archived: %+v", c)
	}
	if c := alice.chat(alice.ArchiveChat(k, false)); c.Archived || len(alice.chats(alice.Chats)) != 1 || len(alice.chats(archived)) != 0 {
		t.Errorf("no longer archived: %+v", c)
	}
	if c := alice.chat(alice.ClearChat(k)); c.Messages != 0 || c.LastMessage != nil || c.Draft == "" || alice.changed("cleared").Messages != 0 ||
		len(alice.chats(alice.Chats)) != 1 || len(alice.texts(bob)) != 0 {
		t.Errorf("cleared: %+v", c)
	}
	if c := alice.chat(alice.DeleteChat(k)); c.Draft != "" || alice.changed("deleted").Draft != "" || len(alice.chats(alice.Chats)) != 0 {
		t.Errorf("deleted: %+v", c)
	}
	bob.send(alice, "here again")
	alice.waitText("here again")
	if c := alice.chat(alice.Chat(k)); c.Messages != 1 || c.Unread != 1 || len(alice.chats(alice.Chats)) != 1 {
		t.Errorf("something new: %+v", c)
	}
	alice.sound()
	if got := bob.texts(alice); len(got) != 4 {
		t.Errorf("bob has %q", got)
	}
}

// What is refused changes nothing and names the field.
func TestBadCallsAboutChats(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	for what, call := range map[string]func(k key.Public) (event.Chat, error){
		"read":    func(k key.Public) (event.Chat, error) { return alice.MarkRead(k, nil) },
		"unread":  alice.MarkUnread,
		"mute":    func(k key.Public) (event.Chat, error) { return alice.MuteChat(k, true, 0) },
		"archive": func(k key.Public) (event.Chat, error) { return alice.ArchiveChat(k, true) },
		"draft":   func(k key.Public) (event.Chat, error) { return alice.SetDraft(k, "a") },
		"clear":   alice.ClearChat,
		"delete":  alice.DeleteChat,
	} {
		_, err := call(alice.key())
		wantCode(t, what, err, chat.CodeSelf, "key")
	}
	_, err := alice.SetDraft(bob.key(), strings.Repeat("å", chat.MaxDraft+1))
	wantCode(t, "a long draft", err, chat.CodeTooLong, "text")
	_, err = alice.SetDraft(bob.key(), "a\xff")
	wantCode(t, "no text", err, chat.CodeBadParams, "text")
	for _, until := range []int64{-1, 1 << 60} {
		_, err = alice.MuteChat(bob.key(), true, until)
		wantCode(t, "a bad time", err, chat.CodeBadParams, "until")
	}
	_, err = alice.MuteChat(bob.key(), false, 5)
	wantCode(t, "until without muted", err, chat.CodeBadParams, "until")
	if c := alice.chat(alice.SetDraft(bob.key(), strings.Repeat("å", chat.MaxDraft))); len(c.Draft) != 2*chat.MaxDraft {
		t.Errorf("the longest draft has %d bytes", len(c.Draft))
	}
	alice.sound()
}

// A message that was written before what was cleared and comes later does not appear, is
// acknowledged all the same, and what of ours was on its way does not go out any more.
func TestLateMessageOfAClearedChat(t *testing.T) {
	net := memnet.New(memnet.Options{})
	aliceNode, bobNode := net.Join(), net.Join()
	alice, bob := openPerson(t, "alice", store.Memory(), aliceNode, fast), openPerson(t, "bob", store.Memory(), bobNode, fast)
	for _, p := range []*person{alice, bob} {
		if _, _, err := p.CreateIdentity(context.Background(), 12, p.name); err != nil {
			t.Fatal(err)
		}
	}
	bob.send(alice, "first")
	alice.waitText("first")
	if err := net.Partition(aliceNode, bobNode); err != nil {
		t.Fatal(err)
	}
	late := bob.send(alice, "late")
	eventually(t, "a later time", func() bool { return time.Now().UnixMilli() > int64(late.Clock) })
	request := chat.SendRequest{To: bob.key(), Text: "newer", ClientRef: "ref"}
	if _, err := alice.Send(context.Background(), request); err != nil {
		t.Fatal(err)
	}
	alice.chat(alice.ClearChat(bob.key()))
	eventually(t, "nothing to send", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Outbox == 0 })
	if err := net.Heal(aliceNode, bobNode); err != nil {
		t.Fatal(err)
	}
	bob.waitState(late.ID, "delivered")
	bob.send(alice, "after")
	alice.waitText("after")
	if got := alice.texts(bob); !slices.Equal(got, []string{"after"}) {
		t.Errorf("alice has %q", got)
	}
	if got := bob.texts(alice); !slices.Equal(got, []string{"first", "late", "after"}) {
		t.Errorf("bob has %q", got)
	}
	_, err := alice.Send(context.Background(), request)
	wantCode(t, "the same client_ref", err, chat.CodeClientRefReused, "client_ref")
	alice.sound()
}

// A message whose clock is a day ahead is shown, cleared, and does not come back when its
// sender repeats it.
func TestClearedMessageOfTheFuture(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.later = 24 * time.Hour
	sync := m.sync(datasync.Payload{Messages: []datasync.Message{m.text("from tomorrow")}})
	m.later = 0
	repeat := func() { b.net.Inject(m.envelope(m.encrypted(sync, nil))) }
	repeat()
	eventually(t, "the message", func() bool { c, err := b.victim.Chat(m.public); return err == nil && c.Messages == 1 })
	b.victim.chat(b.victim.ClearChat(m.public))
	eventually(t, "it is erased", func() bool { c, err := b.victim.Chat(m.public); return err == nil && c.Clearing == 0 })
	repeat()
	b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("another")}}), nil)))
	eventually(t, "another message", func() bool { c, err := b.victim.Chat(m.public); return err == nil && c.Messages > 0 })
	if got := b.victim.textsWith(m.public); !slices.Equal(got, []string{"another"}) {
		t.Errorf("the chat has %q", got)
	}
	b.victim.sound()
}

// A chat that is being cleared goes on being cleared after the process has died, whenever
// that was, and shows nothing meanwhile.
func TestClearingInterrupted(t *testing.T) {
	const messages, plenty = 450, 1 << 30
	somebody := simKeys[0].Public()
	for n := range 6 {
		s := &brittle{kept: kept{store.Memory()}}
		s.left.Store(plenty)
		p := openPerson(t, "alice", s, memnet.New(memnet.Options{}).Join(), fast)
		if _, _, err := p.CreateIdentity(context.Background(), 12, "alice"); err != nil {
			t.Fatal(err)
		}
		var all []chat.SendRequest
		for i := range messages {
			all = append(all, chat.SendRequest{To: somebody, Text: fmt.Sprint("m", i), ClientRef: fmt.Sprint(i)})
		}
		for some := range slices.Chunk(all, chat.MaxSendBatch) {
			if _, err := p.SendBatch(context.Background(), some); err != nil {
				t.Fatal(err)
			}
		}
		s.left.Store(int64(n))
		c, err := p.ClearChat(somebody)
		if (err != nil) != (n == 0) || err == nil && c.Messages != 0 {
			t.Errorf("with %d transactions left: %+v, %v", n, c, err)
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
		s.left.Store(plenty)
		p = openPerson(t, "alice", s, memnet.New(memnet.Options{}).Join(), fast)
		if c := p.chat(p.Chat(somebody)); n > 0 && (c.Messages != 0 || c.LastMessage != nil) || n == 0 && c.Messages != messages {
			t.Errorf("after %d transactions: %+v", n, c)
		}
		if n > 0 {
			eventually(t, "all is erased", func() bool {
				return len(records(t, s, "messages"))+len(records(t, s, "#outbox"))+len(records(t, s, "clearing")) == 0
			})
			if left := p.chat(p.Chat(somebody)).Clearing; left != 0 {
				t.Errorf("after %d transactions: %d messages are left", n, left)
			}
		}
		p.sound()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// What strangers wrote waits in the list of requests, is held back there and not dropped, and
// what is done with it holds when they are strangers no more.
func TestRequestsAreKept(t *testing.T) {
	net := memnet.New(memnet.Options{})
	bob := newPerson(t, "bob", net)
	alice := choosy(t, net, store.Memory())
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		m := bob.send(alice, fmt.Sprint("m", i))
		bob.waitState(m.ID, "delivered")
	}
	k := bob.key()
	if len(alice.chats(alice.Chats)) != 0 || !slices.Equal(alice.chats(alice.ChatRequests), []string{k.Hex()}) {
		t.Fatalf("listed are %q, and as requests %q", alice.chats(alice.Chats), alice.chats(alice.ChatRequests))
	}
	if c := alice.chat(alice.Chat(k)); c.Messages != 3 || c.Unread != 3 || !c.Request {
		t.Errorf("the request is %+v", c)
	}
	alice.chat(alice.ArchiveChat(k, true))
	if len(alice.chats(alice.ChatRequests)) != 0 {
		t.Error("an archived request is listed")
	}
	alice.chat(alice.ArchiveChat(k, false))
	alice.chat(alice.ClearChat(k))
	m := bob.send(alice, "m3")
	bob.waitState(m.ID, "delivered")
	if _, err := alice.AddContact(k, ""); err != nil {
		t.Fatal(err)
	}
	alice.waitText("m3")
	if got := alice.texts(bob); !slices.Equal(got, []string{"m3"}) || len(alice.chats(alice.Chats)) != 1 {
		t.Errorf("alice has %q", got)
	}
	alice.sound()
}

// An archive carries what was done with chats, and brings nothing back that was cleared here
// or on the device it was made on.
func TestBackupOfChats(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	bob.send(alice, "old")
	alice.waitText("old")
	older := alice.backup()
	alice.chat(alice.ClearChat(bob.key()))
	bob.send(alice, "new")
	alice.waitText("new")
	alice.chat(alice.MarkRead(bob.key(), nil))
	alice.chat(alice.MarkUnread(bob.key()))
	alice.chat(alice.MuteChat(bob.key(), true, 0))
	alice.chat(alice.ArchiveChat(bob.key(), true))
	want := alice.chat(alice.SetDraft(bob.key(), "dear bob"))
	newer := alice.backup()
	laptop := openPerson(t, "laptop", store.Memory(), memnet.New(memnet.Options{}).Join(), fast)
	for _, backup := range [][]byte{newer, older, newer} {
		laptop.restore(backup)
		for _, p := range []*person{alice, laptop} {
			if p == alice {
				p.restore(backup)
			}
			eventually(t, "all is erased", func() bool { return p.chat(p.Chat(bob.key())).Clearing == 0 })
			got := p.chat(p.Chat(bob.key()))
			if got.Messages != 1 || got.Unread != 0 || !got.MarkedUnread || !got.Muted || !got.Archived || got.Draft != want.Draft || got.LastMessage.Text != "new" {
				t.Errorf("%s: %+v", p.name, got)
			}
			p.sound()
		}
	}
	empty := openPerson(t, "phone", store.Memory(), memnet.New(memnet.Options{}).Join(), fast)
	empty.restore(older)
	empty.restore(newer)
	eventually(t, "all is erased", func() bool { return empty.chat(empty.Chat(bob.key())).Clearing == 0 })
	if got := empty.textsWith(bob.key()); !slices.Equal(got, []string{"new"}) {
		t.Errorf("the older one first: %q", got)
	}
	empty.sound()
}
