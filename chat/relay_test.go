package chat_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// retimed is a network whose relays change the timestamps of envelopes, which nobody
// signs.
type retimed struct {
	chat.Transport
	change func(int64) int64
}

func (r retimed) Start(ctx context.Context, hooks chat.TransportHooks) error {
	received := hooks.Received
	hooks.Received = func(e chat.Envelope) { e.Timestamp = r.change(e.Timestamp); received(e) }
	return r.Transport.Start(ctx, hooks)
}

// withClock opens a person with a clock of their own.
func withClock(t *testing.T, name string, net chat.Transport, clock chat.Clock) *person {
	t.Helper()
	c, err := chat.Open(context.Background(), chat.Options{
		Store: store.Memory(), Transport: net, Settings: fast, Clock: clock, Logger: testLog{t, name},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	p := &person{Client: c, t: t, name: name}
	if _, _, err := p.CreateIdentity(context.Background(), 12, name); err != nil {
		t.Fatal(err)
	}
	return p
}

// A relay that sets the timestamps of envelopes back, ahead, or to anything destroys
// nothing: texts, requests, acceptances, profiles and questions all arrive.
func TestRelayTimestamps(t *testing.T) {
	for name, change := range map[string]func(int64) int64{
		"an hour back":     func(at int64) int64 { return at - int64(time.Hour) },
		"none":             func(int64) int64 { return 0 },
		"of 1677":          func(int64) int64 { return -1 << 63 },
		"of 2262":          func(int64) int64 { return 1<<63 - 1 },
		"two centuries on": func(at int64) int64 { return at + int64(200*365*24*time.Hour) },
	} {
		t.Run(name, func(t *testing.T) {
			net := memnet.New(memnet.Options{Seed: 31})
			alice := withClock(t, "alice", retimed{net.Join(), change}, nil)
			bob := withClock(t, "bobby", retimed{net.Join(), change}, nil)
			befriend(t, alice, bob)
			for i, p := range []*person{alice, bob, alice} {
				to := []*person{bob, alice, bob}[i]
				m := p.send(to, fmt.Sprint("text ", i))
				to.waitText(fmt.Sprint("text ", i))
				p.waitState(m.ID, "delivered")
			}
			if _, err := alice.AskContact(bob.key(), "where?"); err != nil {
				t.Fatal(err)
			}
			bob.question("asked")
			if _, err := bob.AnswerContact(alice.key(), "there"); err != nil {
				t.Fatal(err)
			}
			alice.question("answered")
			if _, err := alice.SetDisplayName("Alice the Fourth"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the new name", func() bool { return bob.contact(alice.key()).DisplayName == "Alice the Fourth" })
			if _, err := alice.RetractContact(bob.key()); err != nil {
				t.Fatal(err)
			}
			bob.settled(alice.key(), "none")
			if a, b := alice.texts(bob), bob.texts(alice); !slices.Equal(a, b) || len(a) != 4 {
				t.Errorf("alice has %q, bob %q", a, b)
			}
			for _, p := range []*person{alice, bob} {
				if d, err := p.Diagnostics(); err != nil || d.Dropped["contact_clock"] != 0 || d.Dropped["chat_message"] != 0 {
					t.Errorf("%s: %v, %v", p.name, d.Dropped, err)
				}
			}
		})
	}
}

// later lets some milliseconds pass, the unit of clocks.
func later(t *testing.T) {
	now := time.Now()
	eventually(t, "the next milliseconds", func() bool { return time.Since(now) > 20*time.Millisecond })
}

// newest is the text that is shown last, by the history and by the list of chats.
func (p *person) newest(with *person) string {
	p.t.Helper()
	texts := p.texts(with)
	c, err := p.Chat(with.key())
	if err != nil || c.LastMessage == nil || c.LastMessage.Text != texts[len(texts)-1] {
		p.t.Fatalf("%s: %+v, %v; %q", p.name, c.LastMessage, err, texts)
	}
	return texts[len(texts)-1]
}

// Our own time is ahead, by an hour or by a year, and is put right: what is said from
// then on is the newest, on both sides and either way.
func TestOwnTimePutRight(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"an hour": time.Hour, "a year": 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			net, clock := memnet.New(memnet.Options{Seed: 32}), &chattest.Clock{}
			envelopes := make(chan chat.Envelope, 1000)
			net.Tap(func(e chat.Envelope) { envelopes <- e })
			clock.Advance(ahead)
			alice, bob := withClock(t, "alice", net.Join(), clock), newPerson(t, "bob", net)
			for i := range 3 {
				alice.send(bob, fmt.Sprint("early ", i))
				got := bob.waitText(fmt.Sprint("early ", i)).Message
				if skew := time.Duration(got.ClockSkew) * time.Millisecond; i == 0 && (skew < ahead-time.Minute || skew > ahead+time.Minute) {
					t.Errorf("a skew of %s is told", skew)
				}
			}
			clock.Advance(-ahead)
			later(t)
			for i, from := range []*person{alice, bob, alice, bob, alice} {
				to := []*person{bob, alice}[i%2]
				text := fmt.Sprint("then ", i)
				m := from.send(to, text)
				to.waitText(text)
				from.waitState(m.ID, "delivered")
				if a, b := alice.newest(bob), bob.newest(alice); a != text || b != text {
					t.Fatalf("%q was said last; alice shows %q, bob %q", text, a, b)
				}
			}
			if a, b := alice.texts(bob), bob.texts(alice); !slices.Equal(a, b) || len(a) != 8 {
				t.Errorf("alice has %q, bob %q", a, b)
			}
			// Other chats are not behind this one.
			carol := newPerson(t, "carol", net)
			bob.send(carol, "hi")
			if page, err := bob.Chats(chat.PageRequest{}); err != nil || page.Items[0].ChatID != carol.key().Hex() {
				t.Errorf("%+v, %v", page.Items, err)
			}
			for len(envelopes) > 0 { // those of the wrong time, and none further ahead than is followed
				e := <-envelopes
				if at := time.Until(time.Unix(0, e.Timestamp)); at > ahead+time.Minute {
					t.Errorf("an envelope of %s ahead", at)
				}
			}
		})
	}
}

// Two whose times differ by ten minutes read what they say in the order they say it.
func TestTimesTenMinutesApart(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": 10 * time.Minute, "behind": -10 * time.Minute} {
		t.Run(name, func(t *testing.T) {
			net, clock := memnet.New(memnet.Options{Seed: 33}), &chattest.Clock{}
			clock.Advance(ahead)
			alice, bob := newPerson(t, "alice", net), withClock(t, "bob", net.Join(), clock)
			var want []string
			for i := range 6 {
				from, to := alice, bob
				if i%2 == 1 {
					from, to = bob, alice
				}
				want = append(want, fmt.Sprint(i))
				from.send(to, want[i])
				to.waitText(want[i])
			}
			if a, b := alice.texts(bob), bob.texts(alice); !slices.Equal(a, want) || !slices.Equal(b, want) {
				t.Errorf("alice has %q, bob %q", a, b)
			}
		})
	}
}

// A clock of any year, with an envelope to match, pins nothing: the text is shown, told
// of, and what comes next is the newest.
func TestClockOfAnyYear(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 34})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	g := newRawPeer(t, net, alice.key())
	if _, err := alice.AddContact(g.key(), ""); err != nil {
		t.Fatal(err)
	}
	for i, year := range []int{2036, 2226, 2262, 292277000} {
		at := time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC)
		text := fmt.Sprint("of ", year)
		e, _ := g.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, chatMessage(alice, text, uint64(at.UnixMilli())), false)
		e.Timestamp = at.UnixNano()
		net.Inject(e)
		if m := alice.waitText(text).Message; m.ClockSkew < time.Hour.Milliseconds() {
			t.Errorf("%d: a skew of %d ms is told", year, m.ClockSkew)
		}
		sent, err := alice.Send(context.Background(), chat.SendRequest{To: g.key(), Text: "an answer"})
		if err != nil {
			t.Fatal(err)
		}
		page, err := alice.Messages(g.key(), chat.PageRequest{})
		if err != nil || page.Items[0].ID != sent.ID || len(page.Items) != 2*i+2 {
			t.Fatalf("%d: newest is %q of %d, %v", year, page.Items[0].Text, len(page.Items), err)
		}
		if ahead := time.Until(time.UnixMilli(int64(sent.Clock))); ahead > time.Minute {
			t.Errorf("%d: our clock is %s ahead", year, ahead)
		}
	}
	later(t)
	bob.send(alice, "hi")
	alice.waitText("hi")
	if page, err := alice.Chats(chat.PageRequest{}); err != nil || page.Items[0].ChatID != bob.key().Hex() {
		t.Errorf("%+v, %+v, %v", page.Items[0].LastMessage, page.Items[1].LastMessage, err)
	}
}

// An acceptance by somebody whose time is days ahead is not taken, and not acknowledged:
// it comes again, and is taken when its time has come.
func TestStateOfTheFutureComesAgain(t *testing.T) {
	net, ahead, ours := memnet.New(memnet.Options{Seed: 35}), &chattest.Clock{}, &chattest.Clock{}
	ahead.Advance(3 * 24 * time.Hour)
	alice, bob := withClock(t, "alice", net.Join(), ours), withClock(t, "bobby", net.Join(), ahead)
	alice.request(bob.key(), "hello")
	bob.settled(alice.key(), "received")
	bob.must(bob.AcceptContact(alice.key()))
	eventually(t, "a refusal", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Dropped["contact_clock"] > 1 })
	if c := alice.contact(bob.key()); c.Trust == "mutual" {
		t.Fatalf("%+v", c)
	}
	if d, err := bob.Diagnostics(); err != nil || d.Outbox != 1 {
		t.Fatalf("the acceptance was acknowledged: %+v, %v", d, err)
	}
	ours.Advance(2 * 24 * time.Hour)
	alice.settled(bob.key(), "mutual")
	eventually(t, "its acknowledgement", func() bool { d, err := bob.Diagnostics(); return err == nil && d.Outbox == 0 })
}

// Who asks to be a contact with a time that is years ahead asks all the same.
func TestRequestOfTheFuture(t *testing.T) {
	net, ahead := memnet.New(memnet.Options{Seed: 36}), &chattest.Clock{}
	ahead.Advance(3 * 365 * 24 * time.Hour)
	alice, bob := newPerson(t, "alice", net), withClock(t, "bobby", net.Join(), ahead)
	m := bob.request(alice.key(), "hello")
	e := wait(alice, "the request", func(event.ContactRequestReceived) bool { return true })
	if e.Message == nil || e.Message.ID != m.ID {
		t.Fatalf("%+v", e)
	}
	alice.must(alice.AcceptContact(bob.key()))
	bob.settled(alice.key(), "mutual")
}
