package chat_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/testsize"
	"libstatus1to1/store"
)

func (p *person) request(to key.Public, text string) event.Message {
	p.t.Helper()
	m, err := p.RequestContact(context.Background(), to, text)
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return m
}

// must fails on the error of a call about a contact.
func (p *person) must(_ event.Contact, err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
}

func (p *person) contact(k key.Public) event.Contact {
	p.t.Helper()
	c, err := p.Contact(k)
	if err != nil && chat.CodeOf(err) != chat.CodeNotFound {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return c
}

// settled waits until a contact is in a state.
func (p *person) settled(k key.Public, request string) event.Contact {
	p.t.Helper()
	eventually(p.t, p.name+" having "+request, func() bool { return string(p.contact(k).Request) == request })
	return p.contact(k)
}

func TestContactRequest(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 5})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	m := alice.request(bob.key(), "Hi, I am Alice")
	if m.Kind != "contact_request" || m.State != "queued" || !m.Outgoing {
		t.Fatalf("message %+v", m)
	}
	if c := alice.contact(bob.key()); c.Request != "sent" || c.Trust != "requested" || !c.Added {
		t.Fatalf("alice has %+v", c)
	}
	e := wait(bob, "the request", func(event.ContactRequestReceived) bool { return true })
	if e.Message == nil || e.Message.ID != m.ID || e.Message.Kind != "contact_request" || e.Contact.Request != "received" ||
		e.Contact.Trust != "requested" || e.Contact.RequestID != m.ID || e.Contact.Added {
		t.Fatalf("event %+v", e)
	}
	alice.waitState(m.ID, "delivered")
	bob.must(bob.AcceptContact(alice.key()))
	alice.settled(bob.key(), "mutual")
	if c := bob.contact(alice.key()); c.Trust != "mutual" || !c.Added || c.DisplayName != "alice" {
		t.Fatalf("bob has %+v", c)
	}
	alice.send(bob, "now we talk")
	bob.waitText("now we talk")
	_, err := alice.RequestContact(context.Background(), bob.key(), "again")
	wantCode(t, "asked twice", err, chat.CodeWrongState, "key")

	bob.must(bob.RetractContact(alice.key()))
	if c := alice.settled(bob.key(), "none"); !c.Added || c.Trust != "unknown" || c.RequestID != "" {
		t.Fatalf("alice has %+v", c)
	}
	alice.request(bob.key(), "once more")
	bob.settled(alice.key(), "received")
	if err := alice.RemoveContact(bob.key()); err != nil {
		t.Fatal(err)
	}
	bob.settled(alice.key(), "none")
	if c := alice.contact(bob.key()); c.Added || c.Request != "none" {
		t.Fatalf("alice has %+v", c)
	}
	eventually(t, "empty outboxes", func() bool {
		a, errA := alice.Diagnostics()
		b, errB := bob.Diagnostics()
		return errA == nil && errB == nil && a.Outbox+b.Outbox == 0
	})
	for _, p := range []*person{alice, bob} {
		if check, err := p.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
			t.Errorf("%s: %v, %v", p.name, check.Problems, err)
		}
	}
}

// A request and its answer come through losses, doubles and restarts.
func TestContactRequestOverLossesAndRestarts(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 8, Loss: 0.3, Duplicate: 0.3, Reorder: 0.3})
	alice, bob := newHome(t, "alice", net), newHome(t, "bobby", net)
	bobKey, aliceKey := bob.key(), alice.key()
	alice.request(bobKey, "add me")
	alice.restart()
	bob.settled(aliceKey, "received")
	bob.restart()
	if c := bob.contact(aliceKey); c.Request != "received" || c.RequestID == "" {
		t.Fatalf("after the restart bob has %+v", c)
	}
	bob.must(bob.AcceptContact(aliceKey))
	bob.restart()
	alice.settled(bobKey, "mutual")
	alice.must(alice.RetractContact(bobKey))
	alice.restart()
	bob.settled(aliceKey, "none")
	if c := alice.contact(bobKey); c.Request != "none" {
		t.Fatalf("alice has %+v", c)
	}
}

// Both ask at the same time: both are contacts, and nobody need accept.
func TestBothAsk(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 6})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	alice.request(bob.key(), "you?")
	bob.request(alice.key(), "you?")
	alice.settled(bob.key(), "mutual")
	bob.settled(alice.key(), "mutual")
}

func TestDecline(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 7})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	alice.request(bob.key(), "please")
	bob.settled(alice.key(), "received")
	bob.must(bob.DeclineContact(alice.key()))
	_, err := bob.DeclineContact(alice.key())
	wantCode(t, "declined twice", err, chat.CodeWrongState, "key")
	bob.send(alice, "no, thank you")
	alice.waitText("no, thank you")
	if c := alice.contact(bob.key()); c.Request != "sent" {
		t.Fatalf("alice was told: %+v", c)
	}
	bob.must(bob.AcceptContact(alice.key()))
	alice.settled(bob.key(), "mutual")
}

func TestContactBadInput(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	ctx := context.Background()
	_, err := alice.RequestContact(ctx, alice.key(), "me")
	wantCode(t, "request to myself", err, chat.CodeSelf, "key")
	_, err = alice.RequestContact(ctx, key.Public{}, "x")
	wantCode(t, "request to nobody", err, chat.CodeBadKey, "key")
	_, err = alice.RequestContact(ctx, bob.key(), " ")
	wantCode(t, "blank request", err, chat.CodeEmpty, "text")
	_, err = alice.RequestContact(ctx, bob.key(), strings.Repeat("x", 4097))
	wantCode(t, "long request", err, chat.CodeTooLong, "text")
	for name, call := range map[string]func(key.Public) (event.Contact, error){
		"accept": alice.AcceptContact, "decline": alice.DeclineContact, "retract": alice.RetractContact,
		"block": alice.BlockContact, "unblock": alice.UnblockContact,
	} {
		_, err := call(alice.key())
		wantCode(t, name+" myself", err, chat.CodeSelf, "key")
		_, err = call(key.Public{})
		wantCode(t, name+" nobody", err, chat.CodeBadKey, "key")
		if name != "block" {
			_, err = call(bob.key())
			if code := chat.CodeOf(err); code != chat.CodeWrongState && code != chat.CodeNotFound {
				t.Errorf("%s a stranger: %v", name, err)
			}
		}
	}
	_, err = alice.SafetyNumber(alice.key())
	wantCode(t, "my own number", err, chat.CodeSelf, "key")
	_, err = alice.VerifyContact(bob.key(), "12345")
	wantCode(t, "a wrong number", err, chat.CodeNotVerified, "safety_number")
	_, err = alice.AskContact(bob.key(), "who are you?")
	wantCode(t, "a question to a stranger", err, chat.CodeWrongState, "key")
	if page, err := alice.Contacts(chat.PageRequest{}); err != nil || len(page.Items) != 0 {
		t.Fatalf("contacts %v, %v", page.Items, err)
	}
}

// States and clocks that make no sense change nothing and lock nobody out.
func TestHostileContactStates(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newPerson(t, "alice", net)
	openPerson(t, "somebody", store.Memory(), net.Join(), fast)
	g := newRawPeer(t, net, alice.key())
	ahead := uint64(time.Now().Add(10 * time.Minute).UnixMilli())
	for i, s := range []*wire.ContactRequestPropagatedState{
		{LocalState: 1, LocalClock: 5}, {LocalState: math.MaxUint64, LocalClock: 5}, {LocalState: 2, LocalClock: ahead},
		{LocalState: 2, LocalClock: math.MaxUint64}, {RemoteClock: ahead}, {RemoteClock: math.MaxUint64, RemoteState: 2},
		{LocalState: 258, LocalClock: 5}, {RemoteState: 1 << 32, RemoteClock: 5},
	} {
		g.text(fmt.Sprint("nonsense ", i), s)
		alice.waitText(fmt.Sprint("nonsense ", i))
	}
	for _, clock := range []uint64{0, ahead, math.MaxUint64} {
		g.say(wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST, &wire.AcceptContactRequest{Clock: clock})
		g.say(wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST, &wire.RetractContactRequest{Clock: clock})
		g.say(wire.ApplicationMetadataMessage_CONTACT_UPDATE, &wire.ContactUpdate{Clock: clock, ContactRequestClock: clock})
	}
	g.text("last", nil)
	alice.waitText("last")
	if c := alice.contact(g.key()); c.Request != "none" || c.Trust != "unknown" {
		t.Fatalf("contact %+v", c)
	}
	d, err := alice.Diagnostics()
	if err != nil || d.Dropped["contact_state"] != 8 || d.Dropped["contact_clock"] != 9 {
		t.Errorf("dropped %v, %v", d.Dropped, err)
	}
	// An acceptance may not name somebody else's request.
	bob := newPerson(t, "bobby", net)
	m := alice.request(bob.key(), "for bob")
	g.say(wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST, &wire.AcceptContactRequest{Id: m.ID, Clock: g.next()})
	g.text("after", nil)
	alice.waitText("after")
	if c := alice.contact(g.key()); c.Request != "none" {
		t.Errorf("contact %+v", c)
	}
	alice.request(g.key(), "still possible")
	if c := alice.contact(g.key()); c.Request != "sent" {
		t.Errorf("contact %+v", c)
	}
}

// Who holds an older state of ours is told the present one, once.
func TestRepair(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	g := newRawPeer(t, net, alice.key())
	g.request("add me")
	alice.settled(g.key(), "received")
	alice.must(alice.AcceptContact(g.key()))
	before, err := alice.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	// They have never heard of it.
	for i := range 5 {
		g.text(fmt.Sprint("hello? ", i), &wire.ContactRequestPropagatedState{LocalClock: g.clock, LocalState: 2})
		alice.waitText(fmt.Sprint("hello? ", i))
	}
	eventually(t, "the repair", func() bool {
		d, err := alice.Diagnostics()
		return err == nil && d.Outbox == before.Outbox+1
	})
	// And among engines: a state told by an update is taken.
	alice.request(bob.key(), "hi")
	bob.settled(alice.key(), "received")
	bob.must(bob.AcceptContact(alice.key()))
	alice.settled(bob.key(), "mutual")
	// Those who have no four values say only when they asked.
	old := newRawPeer(t, net, alice.key())
	old.say(wire.ApplicationMetadataMessage_CONTACT_UPDATE, &wire.ContactUpdate{Clock: old.next(), ContactRequestClock: old.clock, DisplayName: "Old app"})
	e := wait(alice, "their request", func(e event.ContactRequestReceived) bool { return e.Contact.PublicKey == old.key().Hex() })
	if e.Message != nil || e.Contact.Request != "received" {
		t.Fatalf("event %+v", e)
	}
	eventually(t, "their name", func() bool { return alice.contact(old.key()).DisplayName == "Old app" })
	alice.must(alice.AcceptContact(old.key()))
}

func TestBlock(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 9})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	bob.waitState(bob.send(alice, "before").ID, "delivered")
	alice.waitText("before")
	alice.must(alice.BlockContact(bob.key()))
	if c := alice.contact(bob.key()); c.Trust != "blocked" || c.BlockedAt == 0 {
		t.Fatalf("contact %+v", c)
	}
	_, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "x"})
	wantCode(t, "writing to the blocked", err, chat.CodeBlocked, "to")
	_, err = alice.RequestContact(context.Background(), bob.key(), "x")
	wantCode(t, "asking the blocked", err, chat.CodeBlocked, "key")
	_, err = alice.AddContact(bob.key(), "")
	wantCode(t, "adding the blocked", err, chat.CodeBlocked, "key")
	mark, err := alice.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	was := alice.contact(bob.key())
	// They cannot tell: all is delivered.
	for i := range 3 {
		bob.waitState(bob.send(alice, fmt.Sprint("unheard ", i)).ID, "delivered")
	}
	m := bob.request(alice.key(), "please")
	bob.waitState(m.ID, "delivered")
	if got := alice.texts(bob); !slices.Equal(got, []string{"before"}) {
		t.Errorf("history %q", got)
	}
	if now := alice.contact(bob.key()); now != was {
		t.Errorf("contact %+v, was %+v", now, was)
	}
	if d, err := alice.Diagnostics(); err != nil || d.EventsWaiting != mark.EventsWaiting || d.Dropped["blocked"] < 4 {
		t.Errorf("diagnostics %+v, %v", d, err)
	}
	alice.must(alice.UnblockContact(bob.key()))
	bob.send(alice, "heard again")
	alice.waitText("heard again")
	_, err = alice.UnblockContact(bob.key())
	wantCode(t, "unblocked twice", err, chat.CodeNotFound, "key")
}

// Who was a contact is told that they are none any more, and not that they are
// blocked.
func TestBlockAContact(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 10})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	alice.request(bob.key(), "hi")
	bob.settled(alice.key(), "received")
	bob.must(bob.AcceptContact(alice.key()))
	alice.settled(bob.key(), "mutual")
	alice.must(alice.BlockContact(bob.key()))
	if c := bob.settled(alice.key(), "none"); c.Trust != "unknown" {
		t.Fatalf("bob has %+v", c)
	}
	if c := alice.contact(bob.key()); c.Added || c.Trust != "blocked" {
		t.Fatalf("alice has %+v", c)
	}
}

func TestStrangersPolicies(t *testing.T) {
	net := memnet.New(memnet.Options{})
	open := func(name string, policy chat.Strangers) *person {
		set := fast
		set.Strangers = policy
		p := openPerson(t, name, store.Memory(), net.Join(), set)
		if _, _, err := p.CreateIdentity(context.Background(), 12, name); err != nil {
			t.Fatal(err)
		}
		return p
	}
	choosy, closed := open("choosy", chat.StrangersRequest), open("closed", chat.StrangersDeny)
	friend := newPerson(t, "friend", net)

	g := newRawPeer(t, net, choosy.key())
	g.text("no request", nil)
	g.say(wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.ChatMessage{})
	g.request("a request")
	choosy.settled(g.key(), "received")
	if slices.ContainsFunc(choosy.events, func(e chat.DeliveredEvent) bool {
		return e.Type == "message_received" && strings.Contains(string(e.Data), "no request")
	}) {
		t.Error("a text of a stranger was shown")
	}
	choosy.must(choosy.AcceptContact(g.key()))
	choosy.waitText("no request")
	g.text("a contact now", nil)
	choosy.waitText("a contact now")
	if slices.ContainsFunc(choosy.events, func(e chat.DeliveredEvent) bool { return e.Type == "unsupported_received" }) {
		t.Error("a reaction of a stranger was shown")
	}

	h := newRawPeer(t, net, closed.key())
	h.text("anybody there?", nil)
	h.request("please")
	eventually(t, "two refusals", func() bool {
		d, err := closed.Diagnostics()
		return err == nil && d.Dropped["stranger"] >= 2
	})
	if page, err := closed.Contacts(chat.PageRequest{}); err != nil || len(page.Items) != 0 {
		t.Errorf("contacts %+v, %v", page.Items, err)
	}
	closed.send(friend, "you may answer")
	friend.waitText("you may answer")
	friend.send(closed, "so I do")
	closed.waitText("so I do")
}

// Requests from ten thousand keys: few get in, and the engine still serves those it
// knows.
func TestTenThousandStrangers(t *testing.T) {
	n := testsize.Many(10_000, 2000)
	if testing.Short() {
		n = 500
	}
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	alice.send(bob, "hi")
	bob.waitText("hi")
	bob.send(alice, "hi, too")
	alice.waitText("hi, too")
	for range n {
		newRawPeer(t, net, alice.key()).request("let me in")
	}
	m := bob.send(alice, "still there?")
	eventually(t, "the friend's message", func() bool { _, err := alice.Message(mustID(t, m.ID)); return err == nil })
	d, err := alice.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	page, err := alice.Contacts(chat.PageRequest{Limit: chat.MaxPage})
	if err != nil || len(page.Items) < 10 || len(page.Items) > 100 {
		t.Errorf("%d people are known, %v", len(page.Items), err)
	}
	if d.Dropped["strangers_rate"] == 0 {
		t.Errorf("dropped %v", d.Dropped)
	}
}

// One stranger cannot fill the store either.
func TestTalkativeStranger(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newPerson(t, "alice", net)
	g := newRawPeer(t, net, alice.key())
	for i := range chat.MaxStrangerMessages + 20 {
		g.text(fmt.Sprint(i), nil)
	}
	eventually(t, "the refusals", func() bool {
		d, err := alice.Diagnostics()
		return err == nil && d.Dropped["stranger_messages"] == 20
	})
	if c, err := alice.Chat(g.key()); err != nil || c.Messages != chat.MaxStrangerMessages {
		t.Errorf("chat %+v, %v", c, err)
	}
}

// lateStore holds up who has just committed the first record of a table.
type lateStore struct {
	chat.Store
	table    chat.Table
	done     atomic.Bool
	held, on chan struct{}
}

func (s *lateStore) Update(fn func(chat.Tx) error) error {
	err := s.Store.Update(fn)
	found := false
	_ = s.View(func(tx chat.Tx) error {
		return tx.Each(s.table, func(_, _ []byte) error { found = true; return nil })
	})
	if found && s.done.CompareAndSwap(false, true) {
		close(s.held)
		<-s.on
	}
	return err
}

// Blocking somebody holds though an earlier change of the contact is only now taken
// over: its caller was slower.
func TestBlockIsNotOvertaken(t *testing.T) {
	late := &lateStore{Store: store.Memory(), table: "contacts", held: make(chan struct{}), on: make(chan struct{})}
	net := memnet.New(memnet.Options{Seed: 3})
	alice, bob := openPerson(t, "alice", late, net.Join(), fast), newPerson(t, "bob", net)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	added := make(chan error)
	go func() {
		_, err := alice.AddContact(bob.key(), "Bob")
		added <- err
	}()
	<-late.held
	if _, err := alice.BlockContact(bob.key()); err != nil {
		t.Fatal(err)
	}
	close(late.on)
	if err := <-added; err != nil {
		t.Fatal(err)
	}
	if _, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "hello"}); chat.CodeOf(err) != chat.CodeBlocked {
		t.Fatalf("writing to a blocked person: %v", err)
	}
	if _, err := alice.AddContact(bob.key(), "Bob"); chat.CodeOf(err) != chat.CodeBlocked {
		t.Fatalf("adding a blocked person: %v", err)
	}
}

// A contact in the Status app who removes us sends nothing; the request they send later is
// told like the first one.
func TestRequestAfterARemovalNobodyWasTold(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 17})
	newPerson(t, "carol", net) // somebody to publish to
	alice := newPerson(t, "alice", net)
	g := newRawPeer(t, net, alice.key())
	g.request("please")
	wait(alice, "the request", func(event.ContactRequestReceived) bool { return true })
	alice.must(alice.AcceptContact(g.key()))
	removed, asked := g.next()+1000, g.next()+2000
	id := g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, message.NewContactRequest(message.TextParams{
		Text: "once more", ChatID: g.to.Hex(), Clock: asked, Timestamp: asked,
		Contact: &wire.ContactRequestPropagatedState{LocalClock: asked, LocalState: 2, RemoteClock: removed},
	}, 4))
	e := wait(alice, "the second request", func(event.ContactRequestReceived) bool { return true })
	if e.Contact.Request != "received" || e.Message == nil || e.Message.ID != fmt.Sprintf("0x%x", id) {
		t.Fatalf("event %+v", e)
	}
}
