package chat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// choosy is somebody whom strangers are to ask first.
func choosy(t *testing.T, net *memnet.Network, s chat.Store) *person {
	t.Helper()
	set := fast
	set.Strangers = chat.StrangersRequest
	return openPerson(t, "choosy", s, net.Join(), set)
}

// chats are the people of a list of chats.
func (p *person) chats(list func(chat.PageRequest) (chat.Page[event.Chat], error)) (keys []string) {
	p.t.Helper()
	page, err := list(chat.PageRequest{})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range page.Items {
		keys = append(keys, c.ChatID)
	}
	return keys
}

// unread is the number of events that wait to be taken.
func (p *person) unread() int {
	p.t.Helper()
	d, err := p.Diagnostics()
	if err != nil {
		p.t.Fatal(err)
	}
	return int(d.EventsUnread)
}

// shown are the texts of the events of a type that were taken, and of those that wait.
func (p *person) shown(kind string) (texts []string) {
	p.t.Helper()
	for p.unread() > 0 { // counted each time: a peer or the network may change meanwhile, and is told first
		e, err := p.NextEvent(context.Background())
		if err != nil {
			p.t.Fatal(err)
		}
		p.events = append(p.events, *e)
	}
	for _, e := range p.events {
		var about struct {
			Message *event.Message `json:"message"`
		}
		if e.Type == kind && json.Unmarshal(e.Data, &about) == nil && about.Message != nil {
			texts = append(texts, about.Message.Text)
		}
	}
	return texts
}

// What strangers write waits where they are to ask first: kept, acknowledged, in the list
// of requests only, told of once; and shown, in order and once, when they are added,
// accepted or written to.
func TestChatRequests(t *testing.T) {
	for name, answer := range map[string]func(alice, bob *person) error{
		"added": func(alice, bob *person) error { _, err := alice.AddContact(bob.key(), "Bob"); return err },
		"accepted": func(alice, bob *person) error {
			bob.request(alice.key(), "please")
			alice.settled(bob.key(), "received")
			_, err := alice.AcceptContact(bob.key())
			return err
		},
		"asked": func(alice, bob *person) error {
			_, err := alice.RequestContact(context.Background(), bob.key(), "be a contact")
			return err
		},
		"written to": func(alice, bob *person) error {
			_, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "hello"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			net, s := memnet.New(memnet.Options{Seed: 41}), keptStore{store.Memory()}
			alice, bob := choosy(t, net, s), newPerson(t, "bobby", net)
			if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
				t.Fatal(err)
			}
			want := []string{"0", "1", "2"}
			for _, text := range want {
				bob.waitState(bob.send(alice, text).ID, "delivered")
			}
			if e := wait(alice, "the request", func(event.ChatRequestReceived) bool { return true }); e.Message.Text != "0" || !e.Message.Request || e.Contact.PublicKey != bob.key().Hex() {
				t.Fatalf("%+v", e)
			}
			_ = alice.Close() // all of it is stored
			alice = choosy(t, net, s)
			if plain, requests := alice.chats(alice.Chats), alice.chats(alice.ChatRequests); len(plain) != 0 || !slices.Equal(requests, []string{bob.key().Hex()}) {
				t.Fatalf("chats %q, requests %q", plain, requests)
			}
			page, err := alice.Messages(bob.key(), chat.PageRequest{})
			if err != nil || len(page.Items) != len(want) || !page.Items[0].Request {
				t.Fatalf("%+v, %v", page.Items, err)
			}
			if got := alice.shown("message_received"); len(got) != 0 {
				t.Fatalf("shown before an answer: %q", got)
			}
			if err := answer(alice, bob); err != nil {
				t.Fatal(err)
			}
			got := slices.DeleteFunc(alice.shown("message_received"), func(text string) bool { return text == "please" })
			if !slices.Equal(got, want) {
				t.Errorf("shown: %q", got)
			}
			if told := alice.shown("chat_request_received"); len(told) != 1 {
				t.Errorf("told of %q", told)
			}
			if plain, requests := alice.chats(alice.Chats), alice.chats(alice.ChatRequests); len(requests) != 0 || !slices.Equal(plain, []string{bob.key().Hex()}) {
				t.Errorf("chats %q, requests %q", plain, requests)
			}
			if m, err := alice.Message(mustID(t, page.Items[0].ID)); err != nil || m.Request {
				t.Errorf("%+v, %v", m, err)
			}
			bob.send(alice, "and more")
			alice.waitText("and more")
			if check, err := alice.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
				t.Errorf("%q, %v", check.Problems, err)
			}
		})
	}
}

// Where strangers may write their chats are in both lists. Who is blocked is in no list
// with what nobody has seen.
func TestChatRequestsOfStrangersWhoMayWrite(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 42})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	bob.send(alice, "hi")
	alice.waitText("hi")
	both := []string{bob.key().Hex()}
	if plain, requests := alice.chats(alice.Chats), alice.chats(alice.ChatRequests); !slices.Equal(requests, both) || !slices.Equal(plain, both) {
		t.Errorf("chats %q, requests %q", plain, requests)
	}
	if c, err := alice.Chat(bob.key()); err != nil || !c.Request {
		t.Errorf("%+v, %v", c, err)
	}
	alice.must(alice.AddContact(bob.key(), ""))
	if c, err := alice.Chat(bob.key()); err != nil || c.Request {
		t.Errorf("%+v, %v", c, err)
	}

	carol := choosy(t, net, store.Memory())
	if _, _, err := carol.CreateIdentity(context.Background(), 12, "carol"); err != nil {
		t.Fatal(err)
	}
	bob.waitState(bob.send(carol, "buy this").ID, "delivered")
	carol.must(carol.BlockContact(bob.key()))
	if plain, requests := carol.chats(carol.Chats), carol.chats(carol.ChatRequests); len(plain)+len(requests) != 0 {
		t.Errorf("chats %q, requests %q", plain, requests)
	}
}

// What a stranger writes past the bound, of messages or of bytes, is not acknowledged: it
// does not read delivered, and comes when they are added.
func TestPastTheBoundOfAStranger(t *testing.T) {
	long := strings.Repeat("x", 4000)
	for name, c := range map[string]struct {
		texts, kept int
		text        string
	}{
		"messages": {chat.MaxStrangerMessages + 20, chat.MaxStrangerMessages, "text "},
		"bytes":    {24, chat.MaxStrangerBytes / (len(long) + 3), long},
	} {
		t.Run(name, func(t *testing.T) {
			net := memnet.New(memnet.Options{Seed: 43, MaxMessageSize: 1 << 20})
			alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
			var all []chat.SendRequest
			for i := range c.texts {
				all = append(all, chat.SendRequest{To: alice.key(), Text: fmt.Sprintf("%s%03d", c.text, i)})
			}
			results, err := bob.SendBatch(context.Background(), all)
			if err != nil {
				t.Fatal(err)
			}
			delivered := func() (n int) {
				for _, r := range results {
					if m, err := bob.Message(mustID(t, r.Message.ID)); err == nil && m.State == "delivered" {
						n++
					}
				}
				return n
			}
			eventually(t, "what is kept", func() bool { return delivered() == c.kept })
			eventually(t, "some refusals", func() bool {
				d, err := alice.Diagnostics()
				return err == nil && d.Dropped["stranger_messages"] > uint64(2*(c.texts-c.kept)) // they came again
			})
			if got := len(alice.texts(bob)); got != c.kept || delivered() != c.kept {
				t.Fatalf("%d are kept, %d read delivered", got, delivered())
			}
			alice.must(alice.AddContact(bob.key(), ""))
			eventually(t, "all", func() bool { return len(alice.texts(bob)) == c.texts && delivered() == c.texts })
		})
	}
}

// Garbage of thousands of keys, which holds no message, keeps no stranger out; and where
// many strangers have come, who asks to be a contact is let in.
func TestGarbageKeepsNobodyOut(t *testing.T) {
	b := newBesieged(t)
	deliver(t, b.net, b.victim, func(i int) chat.Envelope {
		m := newMallory(t, b.net, b.victim.key())
		if i%2 == 0 {
			return m.envelope(field(1, 900, []byte("nothing")))
		}
		return m.envelope(m.encrypted(nil, spoiled(func(e *wire.EncryptedMessageProtocol) { e.Payload = append(e.Payload, 1) })))
	}, 500)
	stranger := newPerson(t, "stranger", b.net)
	stranger.waitState(stranger.send(b.victim, "hello").ID, "delivered")
	deliver(t, b.net, b.victim, func(i int) chat.Envelope {
		m := newMallory(t, b.net, b.victim.key())
		return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("buy this")}}), nil))
	}, 200)
	asks := newPerson(t, "who asks", b.net)
	asks.request(b.victim.key(), "we met yesterday")
	eventually(t, "the request", func() bool { c, err := b.victim.Contact(asks.key()); return err == nil && c.Request == "received" })
	b.honest(t)
}

// Messages of types we do not support count against the bound of a stranger, and come
// when they are added.
func TestUnsupportedOfStrangersAreBounded(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 44})
	alice := newPerson(t, "alice", net)
	g := newRawPeer(t, net, alice.key())
	told := func() (n int) {
		alice.shown("")
		for _, e := range alice.events {
			if e.Type == (event.UnsupportedReceived{}).Type() {
				n++
			}
		}
		return n
	}
	say := func(n int) {
		for range n {
			g.say(wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.ChatMessage{Clock: g.next()})
		}
	}
	say(chat.MaxStrangerMessages + 10)
	eventually(t, "the refusals", func() bool {
		d, err := alice.Diagnostics()
		return err == nil && d.Dropped["stranger_messages"] == 10
	})
	if n := told(); n != chat.MaxStrangerMessages {
		t.Errorf("told of %d", n)
	}
	alice.must(alice.AddContact(g.key(), ""))
	say(10)
	eventually(t, "those of a contact", func() bool { return told() == chat.MaxStrangerMessages+10 })
}

// A stranger who changes their name, or asks and takes it back, again and again, makes us
// tell of it within the bound only; and who has written all they may can still ask.
func TestRestlessStrangers(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 45})
	alice := newPerson(t, "alice", net)
	names, requests, writer := newRawPeer(t, net, alice.key()), newRawPeer(t, net, alice.key()), newRawPeer(t, net, alice.key())
	const n = chat.MaxStrangerMessages + 20
	for i := range n {
		names.bare(wire.ApplicationMetadataMessage_CHAT_IDENTITY, &wire.ChatIdentity{Clock: names.next(), DisplayName: fmt.Sprint("name ", i)})
		if clock := requests.next(); i%2 == 0 {
			requests.say(wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST, &wire.AcceptContactRequest{Clock: clock})
		} else {
			requests.say(wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST, &wire.RetractContactRequest{Clock: clock})
		}
		writer.text(fmt.Sprint(i), nil)
	}
	writer.request("and now?")
	alice.settled(writer.key(), "received")
	eventually(t, "the refusals", func() bool {
		d, err := alice.Diagnostics()
		return err == nil && d.Dropped["stranger_messages"] >= 3*20
	})
	alice.shown("")
	told := map[string]int{}
	for _, e := range alice.events {
		told[e.Type]++
	}
	if changed := told["contact_changed"]; changed < 2*chat.MaxStrangerMessages || changed > 2*chat.MaxStrangerMessages+20 {
		t.Errorf("told %v", told)
	}
	if c, err := alice.Chat(writer.key()); err != nil || c.Messages != chat.MaxStrangerMessages+1 {
		t.Errorf("%+v, %v", c, err)
	}
	// Who has changed their mind too often can still ask, with a text.
	requests.request("please")
	alice.settled(requests.key(), "received")
}

// A question that overtakes the acceptance of its asker is not lost.
func TestQuestionBeforeTheAcceptance(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 46})
	alice := newPerson(t, "alice", net)
	newPerson(t, "carol", net) // somebody to publish to
	g := newRawPeer(t, net, alice.key())
	alice.request(g.key(), "hello")
	accept, ask := g.next(), g.next()
	question := &wire.RequestContactVerification{Clock: ask, Challenge: "really?"}
	application := func() datasync.Message {
		encoded, err := message.Encode(question)
		if err != nil {
			t.Fatal(err)
		}
		b, err := message.Wrap(g.self, wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION, encoded)
		if err != nil {
			t.Fatal(err)
		}
		return datasync.Message{GroupID: datasync.GroupID(g.key(), g.to), Timestamp: 1, Body: b}
	}
	again := datasync.Payload{Messages: []datasync.Message{application()}}
	g.sync(again)
	eventually(t, "a refusal", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Dropped["verification"] == 1 })
	g.say(wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST, &wire.AcceptContactRequest{Clock: accept})
	alice.settled(g.key(), "mutual")
	g.sync(again)
	alice.question("asked")
}
