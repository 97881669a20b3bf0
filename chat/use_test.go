package chat_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

func wantCode(t *testing.T, what string, err error, code chat.Code, field string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) {
		t.Fatalf("%s: %v is no *chat.Error", what, err)
	}
	if e.Code != code || e.Field != field {
		t.Fatalf("%s: code %s field %q, want %s %q (%s)", what, e.Code, e.Field, code, field, e.Message)
	}
}

func TestBadInputChangesNothing(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	send := func(r chat.SendRequest) error { _, err := alice.Send(context.Background(), r); return err }
	to := bob.key()
	wantCode(t, "empty", send(chat.SendRequest{To: to, Text: ""}), chat.CodeEmpty, "text")
	wantCode(t, "blank", send(chat.SendRequest{To: to, Text: " \n\t\u2003"}), chat.CodeEmpty, "text")
	wantCode(t, "too long", send(chat.SendRequest{To: to, Text: strings.Repeat("ש", 4097)}), chat.CodeTooLong, "text")
	wantCode(t, "not UTF-8", send(chat.SendRequest{To: to, Text: "a\xff"}), chat.CodeBadParams, "text")
	wantCode(t, "nobody", send(chat.SendRequest{Text: "x"}), chat.CodeBadKey, "to")
	wantCode(t, "myself", send(chat.SendRequest{To: alice.key(), Text: "x"}), chat.CodeSelf, "to")
	wantCode(t, "long ref", send(chat.SendRequest{To: to, Text: "x", ClientRef: strings.Repeat("r", 129)}), chat.CodeTooLong, "client_ref")
	_, err := alice.AddContact(alice.key(), "")
	wantCode(t, "contact with myself", err, chat.CodeSelf, "key")
	_, err = alice.AddContact(to, strings.Repeat("n", 101))
	wantCode(t, "long name", err, chat.CodeTooLong, "name")
	_, _, err = alice.CreateIdentity(context.Background(), 12, "")
	wantCode(t, "second identity", err, chat.CodeIdentityExists, "")
	_, err = alice.Messages(to, chat.PageRequest{Limit: 201})
	wantCode(t, "limit", err, chat.CodeBadParams, "limit")
	for _, cursor := range []string{"x", "1-ab", "-", "01-" + strings.Repeat("0", 64)} {
		_, err = alice.Messages(to, chat.PageRequest{Cursor: cursor})
		wantCode(t, "cursor "+cursor, err, chat.CodeBadCursor, "cursor")
		_, err = alice.Contacts(chat.PageRequest{Cursor: cursor})
		wantCode(t, "contacts cursor "+cursor, err, chat.CodeBadCursor, "cursor")
		_, err = alice.Chats(chat.PageRequest{Cursor: cursor})
		wantCode(t, "chats cursor "+cursor, err, chat.CodeBadCursor, "cursor")
	}
	_, err = alice.Message([32]byte{1})
	wantCode(t, "no message", err, chat.CodeNotFound, "message_id")
	wantCode(t, "ack of the future", alice.AckEvents(1<<40), chat.CodeBadParams, "up_to")

	if got := alice.texts(bob); len(got) != 0 {
		t.Fatalf("the history has %q", got)
	}
	if page, err := alice.Contacts(chat.PageRequest{}); err != nil || len(page.Items) != 0 {
		t.Fatalf("contacts %v, %v", page.Items, err)
	}
	alice.send(bob, strings.Repeat("ש", 4096)) // the limit itself is fine
	bob.waitText(strings.Repeat("ש", 4096))
}

func TestPhrases(t *testing.T) {
	net := memnet.New(memnet.Options{})
	const phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
	open := func() *person { return openPerson(t, "x", store.Memory(), net.Join(), fast) }
	p := open()
	_, err := p.Identity()
	wantCode(t, "no identity", err, chat.CodeNoIdentity, "")
	_, err = p.Send(context.Background(), chat.SendRequest{Text: "x"})
	wantCode(t, "send without identity", err, chat.CodeNoIdentity, "")
	for what, bad := range map[string]string{
		"checksum": "legal winner thank year wave sausage worth useful legal winner thank thank",
		"count":    "legal winner thank", "word": strings.Replace(phrase, "year", "yeear", 1),
	} {
		_, err := p.RestoreIdentity(context.Background(), bad, "", "")
		wantCode(t, what, err, chat.CodeBadPhrase, "phrase")
		if strings.Contains(err.Error(), "yeear") || strings.Contains(err.Error(), "winner") {
			t.Fatalf("the error repeats the phrase: %v", err)
		}
	}
	_, _, err = p.CreateIdentity(context.Background(), 13, "")
	wantCode(t, "13 words", err, chat.CodeBadParams, "words")
	_, _, err = p.CreateIdentity(context.Background(), 12, strings.Repeat("x", 25))
	wantCode(t, "long display name", err, chat.CodeTooLong, "display_name")
	one, err := p.RestoreIdentity(context.Background(), phrase, "", "")
	if err != nil {
		t.Fatal(err)
	}
	two, err := open().RestoreIdentity(context.Background(), "  Legal winner thank year wave sausage\nworth useful legal winner thank yellow ", "", "")
	if err != nil || one.PublicKey != two.PublicKey || one.InstallationID == two.InstallationID {
		t.Fatalf("the phrase gave %+v and %+v, %v", one, two, err)
	}
	other, err := open().RestoreIdentity(context.Background(), phrase, "TREZOR", "")
	if err != nil || other.PublicKey == one.PublicKey {
		t.Fatal("the passphrase made no difference")
	}
}

func TestClientRef(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	request := chat.SendRequest{To: bob.key(), Text: "once", ClientRef: "ref-1"}
	ids := make([]string, 16)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			m, err := alice.Send(context.Background(), request)
			if err != nil {
				t.Error(err)
			}
			ids[i] = m.ID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id == "" || id != ids[0] {
			t.Fatalf("one client_ref gave several ids: %q", ids)
		}
	}
	bob.waitText("once")
	request.Text = "twice"
	_, err := alice.Send(context.Background(), request)
	wantCode(t, "another text", err, chat.CodeClientRefReused, "client_ref")
	if got := alice.texts(bob); len(got) != 1 {
		t.Fatalf("the history has %q", got)
	}
	if m, err := alice.Message(mustID(t, ids[0])); err != nil || m.ClientRef != "ref-1" {
		t.Fatalf("message %+v, %v", m, err)
	}
}

func TestContactsAndChats(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob, carol := newPerson(t, "alice", net), newPerson(t, "bob", net), newPerson(t, "carol", net)
	c, err := alice.AddContact(bob.key(), "Bobby")
	if err != nil || c.Name != "Bobby" || !c.Added || c.AddedAt == 0 || c.PublicKey != bob.key().Hex() {
		t.Fatalf("contact %+v, %v", c, err)
	}
	carol.send(alice, "hi, a stranger")
	alice.waitText("hi, a stranger")
	stranger, err := alice.Contact(carol.key())
	if err != nil || stranger.Added {
		t.Fatalf("stranger %+v, %v", stranger, err)
	}
	for i := range 3 {
		bob.send(alice, fmt.Sprint("m", i))
		alice.waitText(fmt.Sprint("m", i))
	}
	page, err := alice.Chats(chat.PageRequest{Limit: 1})
	if err != nil || len(page.Items) != 1 || page.Next == "" || page.Items[0].Name != "Bobby" ||
		page.Items[0].Unread != 3 || page.Items[0].Messages != 3 || page.Items[0].LastMessage.Text != "m2" {
		t.Fatalf("chats %+v, %v", page, err)
	}
	page, err = alice.Chats(chat.PageRequest{Limit: 1, Cursor: page.Next})
	if err != nil || len(page.Items) != 1 || page.Next != "" || page.Items[0].ChatID != carol.key().Hex() {
		t.Fatalf("second page of chats %+v, %v", page, err)
	}
	list, err := alice.Messages(bob.key(), chat.PageRequest{Limit: 2})
	if err != nil || len(list.Items) != 2 || list.Items[0].Text != "m2" || list.Next == "" {
		t.Fatalf("messages %+v, %v", list, err)
	}
	upTo := mustID(t, list.Items[1].ID)
	chatNow, err := alice.MarkRead(bob.key(), &upTo)
	if err != nil || chatNow.Unread != 1 {
		t.Fatalf("read up to m1: %+v, %v", chatNow, err)
	}
	if chatNow, err = alice.MarkRead(bob.key(), nil); err != nil || chatNow.Unread != 0 || !chatNow.LastMessage.Read {
		t.Fatalf("read all: %+v, %v", chatNow, err)
	}
	missing := [32]byte{9}
	for _, with := range []key.Public{bob.key(), carol.key()} { // also when nothing is unread
		if _, err := alice.MarkRead(with, &missing); chat.CodeOf(err) != chat.CodeNotFound {
			t.Fatalf("an unknown message: %v", err)
		}
	}
	if err := alice.RemoveContact(bob.key()); err != nil {
		t.Fatal(err)
	}
	wait(alice, "contact_removed", func(e event.ContactRemoved) bool { return e.PublicKey == bob.key().Hex() })
	wantCode(t, "removed twice", alice.RemoveContact(bob.key()), chat.CodeNotFound, "key")
	bob.send(alice, "still here")
	alice.waitText("still here")
}

// The bundle in a contact code lets the first message be an X3DH one.
func TestContactCodeTeachesTheBundle(t *testing.T) {
	net := memnet.New(memnet.Options{})
	clock := &chattest.Clock{}
	alice := newPerson(t, "alice", net)
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: net.Join(), Clock: clock, Settings: fast})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	bob := &person{Client: c, t: t, name: "bob"}
	if _, _, err := bob.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.AddContact(bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	clock.Advance(chat.DefaultContactCodeEvery + time.Second)
	eventually(t, "bob's contact code", func() bool { return len(alice.Addressed(bob.key())) > 0 })
	alice.send(bob, "x3dh at once")
	s := wait(alice, "a session", func(e event.SessionChanged) bool { return e.Session.PublicKey == bob.key().Hex() })
	if s.Session.State != "initiated" {
		t.Fatalf("session %+v", s.Session)
	}
	bob.waitText("x3dh at once")
}

func TestEvents(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newHome(t, "alice", net)
	alice.set.MaxEvents = 40
	alice.restart()
	bob := newPerson(t, "bob", net)
	alice.send(bob, "one")
	alice.waitState(alice.send(bob, "two").ID, "delivered")
	var last uint64
	for _, e := range alice.events {
		if e.Seq != 0 && e.Seq <= last {
			t.Fatalf("event %d after %d", e.Seq, last)
		}
		last = max(last, e.Seq)
	}
	if err := alice.AckEvents(last - 1); err != nil {
		t.Fatal(err)
	}
	alice.restart()
	e, err := alice.NextEvent(context.Background())
	for err == nil && e.Seq == 0 { // of the network, whenever that comes up
		e, err = alice.NextEvent(context.Background())
	}
	if err != nil || e.Seq != last {
		t.Fatalf("after the restart comes %+v, %v; want the unacknowledged %d", e, err, last)
	}
	for i := range 60 {
		alice.send(bob, fmt.Sprint(i))
	}
	over := wait(alice.person, "overflow", func(event.Overflow) bool { return true })
	if over.ToSeq < over.FromSeq || over.FromSeq == 0 {
		t.Fatalf("overflow %+v", over)
	}
	if d, err := alice.Diagnostics(); err != nil || d.EventsWaiting > 41 {
		t.Fatalf("%d events wait, %v", d.EventsWaiting, err)
	}
	if len(alice.texts(bob)) != 62 {
		t.Fatal("the history lost messages with the events")
	}
	// Readers wake on close, and the stream ends with one closed event.
	waiting := make(chan bool, 100)
	alice.OnEventsWaiting(func(w bool) { waiting <- w })
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	closed := 0
	for {
		e, err := alice.NextEvent(context.Background())
		if err != nil {
			wantCode(t, "after the end", err, chat.CodeClosed, "")
			break
		}
		if e.Type == "closed" {
			closed++
		}
	}
	if closed != 1 {
		t.Fatalf("%d closed events", closed)
	}
	_, err = alice.Identity()
	wantCode(t, "a call after close", err, chat.CodeClosed, "")
}

func TestSuspend(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newHome(t, "alice", net)
	bob := newPerson(t, "bob", net)
	alice.send(bob, "before")
	bob.waitText("before")
	if err := alice.SuspendStore(); err != nil {
		t.Fatal(err)
	}
	_, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "x"})
	wantCode(t, "send while suspended", err, chat.CodeStoreSuspended, "")
	other, err := store.Open(store.Options{Path: alice.path, Passphrase: "a passphrase"})
	if err != nil {
		t.Fatalf("the file is not released: %v", err)
	}
	_ = other.Close()
	bob.send(alice.person, "meanwhile")
	if err := alice.ResumeStore(); err != nil {
		t.Fatal(err)
	}
	alice.waitText("meanwhile")
	alice.send(bob, "after")
	bob.waitText("after")
	if check, err := alice.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 || check.Records == 0 {
		t.Fatalf("check %+v, %v", check, err)
	}
}

// Garbage, truncated, replayed and forged envelopes are counted and dropped, and
// honest messages still come through.
func TestHostileEnvelopes(t *testing.T) {
	net := memnet.New(memnet.Options{})
	var seen []chat.Envelope
	var mu sync.Mutex
	net.Tap(func(e chat.Envelope) { mu.Lock(); seen = append(seen, e); mu.Unlock() })
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	alice.send(bob, "honest")
	bob.waitText("honest")
	eventually(t, "peace", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Outbox == 0 })
	mu.Lock()
	recorded := append([]chat.Envelope(nil), seen...)
	mu.Unlock()
	before := sessionIDs(t, bob, alice)
	injected := uint64(0)
	for _, e := range recorded {
		for _, change := range []func(*chat.Envelope){
			func(e *chat.Envelope) {}, // replayed
			func(e *chat.Envelope) { e.Timestamp++ },
			func(e *chat.Envelope) { e.Payload = e.Payload[:len(e.Payload)/2] },
			func(e *chat.Envelope) { e.Payload[len(e.Payload)/2] ^= 1 },
			func(e *chat.Envelope) { e.Payload = nil },
			func(e *chat.Envelope) { e.Payload = make([]byte, 300) },
		} {
			forged := e
			forged.Payload = append([]byte(nil), e.Payload...)
			change(&forged)
			net.Inject(forged)
			injected++
		}
	}
	alice.send(bob, "honest again")
	bob.waitText("honest again")
	d, err := bob.Diagnostics()
	if err != nil || d.Dropped["payload"] == 0 || d.Dropped["duplicate"] == 0 {
		t.Fatalf("of %d forged envelopes these were dropped: %v, %v", injected, d.Dropped, err)
	}
	if got := bob.texts(alice); len(got) != 2 {
		t.Fatalf("bob has %q", got)
	}
	if after := sessionIDs(t, bob, alice); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Fatalf("sessions were %q and are %q", before, after)
	}
}

// Both write first at the same time; nothing is lost and they settle on one session.
func TestSimultaneousStart(t *testing.T) {
	for seed := range uint64(5) {
		net := memnet.New(memnet.Options{Seed: seed})
		alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
		var wg sync.WaitGroup
		keys := map[*person]key.Public{alice: alice.key(), bob: bob.key()}
		for me, you := range map[*person]*person{alice: bob, bob: alice} {
			wg.Go(func() {
				if _, err := me.Send(context.Background(), chat.SendRequest{To: keys[you], Text: "first of " + me.name}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		alice.waitText("first of bob")
		bob.waitText("first of alice")
		for i := range 4 {
			alice.send(bob, fmt.Sprint("a", i))
			bob.waitText(fmt.Sprint("a", i))
			bob.send(alice, fmt.Sprint("b", i))
			alice.waitText(fmt.Sprint("b", i))
		}
		sending := func(p, with *person) (id string) {
			list, err := p.Sessions(with.key())
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list {
				if s.Sending {
					id = s.ID
				}
			}
			return id
		}
		eventually(t, "one session", func() bool { s := sending(alice, bob); return s != "" && s == sending(bob, alice) })
	}
}

// readsStore counts the messages that are read.
type readsStore struct {
	chat.Store
	messages atomic.Int64
}

type readsTx struct {
	chat.Tx
	s *readsStore
}

func (s *readsStore) Update(fn func(chat.Tx) error) error {
	return s.Store.Update(func(tx chat.Tx) error { return fn(readsTx{tx, s}) })
}

func (tx readsTx) Get(table chat.Table, name []byte) ([]byte, error) {
	if table == "messages" {
		tx.s.messages.Add(1)
	}
	return tx.Tx.Get(table, name)
}

// Reading up to a message looks no further back than something is unread, also when
// later ones stay so.
func TestMarkReadInALongChat(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 15})
	s := &readsStore{Store: store.Memory()}
	bob, alice := openPerson(t, "bob", s, net.Join(), fast), newPerson(t, "alice", net)
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	const old, unread = 3000, 4
	from, name := alice.key().Compressed(), message.ConversationWith(alice.key()).Bytes()
	id := func(i int) [32]byte { return [32]byte(binary.BigEndian.AppendUint32(make([]byte, 28, 32), uint32(i))) }
	err := s.Update(func(tx chat.Tx) error {
		put := func(table chat.Table, name []byte, m proto.Message) error {
			b, err := proto.Marshal(m)
			return errors.Join(err, tx.Put(table, name, b))
		}
		for i := range old + unread {
			m := id(i)
			rec := &wire.MessageRecord{Id: m[:], Chat: name, From: from, Kind: "text", Text: "x", Clock: uint64(i + 1), State: "received", Read: i < old}
			if _, err := tx.Insert(name, chat.Position{Clock: rec.GetClock(), ID: m}); err != nil {
				return err
			}
			if err := put("messages", m[:], rec); err != nil {
				return err
			}
		}
		last := id(old + unread - 1)
		return put("chats", name, &wire.ChatRecord{Key: name, Clock: old + unread, Unread: unread, LastMessageId: last[:], LastMessageClock: old + unread})
	})
	if err != nil {
		t.Fatal(err)
	}
	s.messages.Store(0)
	upTo := id(old + 1)
	if c, err := bob.MarkRead(alice.key(), &upTo); err != nil || c.Unread != unread-2 {
		t.Fatalf("%+v, %v", c, err)
	}
	if n := s.messages.Load(); n > 500 {
		t.Errorf("%d messages were read to mark two", n)
	}
	if c, err := bob.MarkRead(alice.key(), nil); err != nil || c.Unread != 0 {
		t.Fatalf("%+v, %v", c, err)
	}
	if check, err := bob.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
		t.Fatalf("%+v, %v", check, err)
	}
}
