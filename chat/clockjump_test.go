package chat_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// keptStore survives the client.
type keptStore struct{ chat.Store }

func (keptStore) Close() error { return nil }

// A message accepted while the clock was a year ahead goes out after a restart with
// the right time.
func TestRestartAfterAClockAhead(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 6})
	bob, ahead, s := newPerson(t, "bob", net), &chattest.Clock{}, keptStore{store.Memory()}
	ahead.Advance(365 * 24 * time.Hour)
	alone := memnet.New(memnet.Options{})
	c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: alone.Join(), Settings: fast, Clock: ahead})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "from next year"}); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	alice := openPerson(t, "alice", s, net.Join(), fast)
	eventually(t, "the message to be delivered", func() bool {
		page, err := alice.Messages(bob.key(), chat.PageRequest{})
		return err == nil && len(page.Items) == 1 && page.Items[0].State == "delivered"
	})
}

// Whose time is minutes ahead asks to be a contact: the acceptance is not refused for a
// clock that is too far ahead of its envelope.
func TestAcceptanceAcrossWrongTimes(t *testing.T) {
	net, ahead := memnet.New(memnet.Options{Seed: 18}), &chattest.Clock{}
	ahead.Advance(5 * time.Minute)
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: net.Join(), Settings: fast, Clock: ahead})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	alice, bob := newPerson(t, "alice", net), &person{Client: c, t: t, name: "bobby"}
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bobby"); err != nil {
		t.Fatal(err)
	}
	befriend(t, bob, alice)
}

// Our own time is minutes ahead, and with it the clock of the chat. Deployed clients
// follow that clock though their envelopes have the right time: they are heard.
func TestAnswersToAWrongTime(t *testing.T) {
	net, ahead := memnet.New(memnet.Options{Seed: 19}), &chattest.Clock{}
	ahead.Advance(5 * time.Minute)
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: net.Join(), Settings: fast, Clock: ahead})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	newPerson(t, "carol", net) // somebody to publish to
	alice := &person{Client: c, t: t, name: "alice"}
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := newRawPeer(t, net, alice.key())
	m := alice.request(g.key(), "hi")
	g.clock = m.Clock // a Lamport clock
	g.say(wire.ApplicationMetadataMessage_ACCEPT_CONTACT_REQUEST, &wire.AcceptContactRequest{Id: m.ID, Clock: g.next()})
	alice.settled(g.key(), "mutual")
	g.text("heard", nil)
	alice.waitText("heard")
	g.clock += 600_000 // not anything goes
	g.say(wire.ApplicationMetadataMessage_RETRACT_CONTACT_REQUEST, &wire.RetractContactRequest{Clock: g.next()})
	eventually(t, "a refusal", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Dropped["contact_clock"] > 0 })
}

// Marks made while the clock was a year ahead are forgotten some months after it was
// put right, and so is what came after them.
func TestMarksOfAClockAheadAreForgotten(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 20})
	alice, clock, s := newPerson(t, "alice", net), &chattest.Clock{}, keptStore{store.Memory()}
	clock.Advance(365 * 24 * time.Hour)
	open := func() *person {
		c, err := chat.Open(context.Background(), chat.Options{Store: s, Transport: net.Join(), Settings: fast, Clock: clock})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		return &person{Client: c, t: t, name: "bob"}
	}
	bob := open()
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	alice.send(bob, "next year")
	bob.waitText("next year")
	_ = bob.Close()
	clock.Advance(-365 * 24 * time.Hour)
	bob = open()
	alice.send(bob, "now")
	bob.waitText("now")
	marks := func() int { return len(records(t, s, "seen")) }
	if marks() == 0 {
		t.Fatal("nothing is marked")
	}
	_ = alice.Close()            // her contact code would be marked anew
	clock.Advance(2 * time.Hour) // looked after once with the right time
	eventually(t, "the mark of the future to be dated", func() bool { return !marked(t, s, clock.Now().Add(24*time.Hour)) })
	put := clock.Now()
	eventually(t, "the marks to be forgotten", func() bool { // with the pre-key of their time
		clock.Advance(24 * time.Hour)
		return marks() == 0
	})
	if kept := clock.Now().Sub(put); kept > 200*24*time.Hour {
		t.Errorf("the marks were kept for %s", kept)
	}
	if check, err := bob.CheckStore(context.Background()); err != nil || len(check.Problems) != 0 {
		t.Fatalf("%+v, %v", check, err)
	}
}

// marked reports whether a mark was dated later than a time.
func marked(t *testing.T, s chat.Store, later time.Time) (found bool) {
	t.Helper()
	if err := s.View(func(tx chat.Tx) error {
		return tx.Each("#marks", func(_, value []byte) error {
			var rec wire.MarksRecord
			err := proto.Unmarshal(value, &rec)
			found = found || rec.GetAt() > later.UnixMilli()
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
	return found
}
