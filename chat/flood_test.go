package chat_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/internal/testsize"
)

// heapBound limits the growth of the heap by a flood, tables in memory included where the
// flood may fill them.
const heapBound = 48 << 20

// TestFloodGarbage: 100,000 envelopes on our topic that are not for us, or for
// nobody. Nothing is stored, and nothing is kept in memory.
func TestFloodGarbage(t *testing.T) {
	n := testsize.Many(100_000, 25_000)
	if testing.Short() {
		n = 5000
	}
	b := newBesieged(t)
	contentTopic := topic.Partitioned(b.victim.key()).ContentTopic()
	kinds := garbage(t)
	before := b.records(t)
	c := measure(func() {
		deliver(t, b.net, b.victim, func(i int) chat.Envelope {
			return chat.Envelope{ContentTopic: contentTopic, Payload: kinds[i%len(kinds)], Version: 1, Timestamp: int64(i)}
		}, n/2)
		b.honest(t)
		deliver(t, b.net, b.victim, func(i int) chat.Envelope {
			return chat.Envelope{ContentTopic: contentTopic, Payload: kinds[i%len(kinds)], Version: 1, Timestamp: int64(n + i)}
		}, n/2)
		b.honest(t)
	})
	t.Logf("%d envelopes: %s of CPU each; 100,000 a minute are %.1f %% of a core; heap %+d KiB",
		n, c.cpu/time.Duration(n), 100*float64(c.cpu)/float64(n)*100_000/float64(time.Minute), c.heap>>10)
	after := b.records(t)
	for table, count := range after {
		if grown := count - before[table]; grown > 16 { // the honest messages
			t.Errorf("table %s grew by %d records", table, grown)
		}
	}
	if c.heap > heapBound {
		t.Errorf("the heap grew by %d bytes", c.heap)
	}
}

// garbage is payloads of every kind: noise, empty ones, and well-formed ones to
// somebody else in the same partition.
func garbage(t *testing.T) (kinds [][]byte) {
	from, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 64 {
		to, err := key.Generate(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := payload.SealAsymmetric(rand.Reader, to.Public(), from, make([]byte, 100+10*i))
		if err != nil {
			t.Fatal(err)
		}
		noise := make([]byte, 20*i)
		_, _ = rand.Read(noise)
		kinds = append(kinds, sealed, sealed, sealed, noise)
	}
	return kinds
}

// TestFloodStrangers: thousands of new identities write to us. A few are let in at
// a time; what the others cost is an opened payload; people we know are heard.
func TestFloodStrangers(t *testing.T) {
	n := testsize.Many(3000, 1000)
	if testing.Short() {
		n = 300
	}
	b := newBesieged(t)
	before := b.bytes(t)
	c := measure(func() {
		deliver(t, b.net, b.victim, func(i int) chat.Envelope {
			m := newMallory(t, b.net, b.victim.key())
			return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("buy this")}}), nil))
		}, n)
		b.honest(t)
	})
	grown := b.bytes(t) - before
	page, err := b.victim.Chats(chat.PageRequest{Limit: chat.MaxPage})
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.victim.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d strangers, %d let in; %s of CPU each, the attacker's share included; store %+d KiB, heap %+d KiB; dropped %v",
		n, len(page.Items)-1, c.cpu/time.Duration(n), grown>>10, c.heap>>10, d.Dropped)
	if d.Dropped["strangers_rate"] == 0 {
		t.Error("strangers came in without a limit")
	}
	if in := len(page.Items) - 1; in < 10 || in > 150 {
		t.Errorf("%d strangers were let in", in)
	}
	if grown > 4<<20 || c.heap > heapBound {
		t.Errorf("the store grew by %d bytes, the heap by %d", grown, c.heap)
	}
}

// TestFloodStranger: one stranger writes without end.
func TestFloodStranger(t *testing.T) {
	n := testsize.Many(3000, 1000)
	if testing.Short() {
		n = 300
	}
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	c := measure(func() {
		deliver(t, b.net, b.victim, func(i int) chat.Envelope {
			return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text(fmt.Sprint("again ", i))}}), nil))
		}, n)
		b.honest(t)
	})
	conversation, err := b.victim.Chat(m.public)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages, %d kept; %s of CPU each; heap %+d KiB", n, conversation.Messages, c.cpu/time.Duration(n), c.heap>>10)
	if conversation.Messages == 0 || conversation.Messages > chat.MaxStrangerMessages {
		t.Errorf("%d messages of a stranger are kept", conversation.Messages)
	}
	if c.heap > heapBound {
		t.Errorf("the heap grew by %d bytes", c.heap)
	}
}

// TestFloodContact: somebody we know writes as fast as they can. All of it is
// wanted, so all of it is stored; others are heard meanwhile, and the events that
// wait are bounded.
func TestFloodContact(t *testing.T) {
	n := testsize.Many(5000, 1500)
	if testing.Short() {
		n = 500
	}
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	waits := make(chan time.Duration, 1)
	c := measure(func() {
		go func() {
			began := time.Now()
			sent, err := b.bob.Send(context.Background(), chat.SendRequest{To: b.victim.key(), Text: "in between"})
			for err == nil && sent.State != "delivered" {
				time.Sleep(5 * time.Millisecond)
				sent, err = b.bob.Message(mustID(t, sent.ID))
			}
			waits <- time.Since(began)
		}()
		deliver(t, b.net, b.victim, func(i int) chat.Envelope {
			return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text(fmt.Sprint("m", i))}}), nil))
		}, n)
		b.honest(t)
	})
	conversation, err := b.victim.Chat(m.public)
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.victim.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d messages, %d stored; %s of CPU each, the attacker's share included; an honest message took %s meanwhile; heap %+d KiB; %d events wait",
		n, conversation.Messages, c.cpu/time.Duration(n), (<-waits).Round(time.Millisecond), c.heap>>10, d.EventsWaiting)
	if conversation.Messages != uint64(n) {
		t.Errorf("%d messages of a contact are stored, of %d", conversation.Messages, n)
	}
	if d.EventsWaiting > chat.DefaultMaxEvents {
		t.Errorf("%d events wait", d.EventsWaiting)
	}
}
