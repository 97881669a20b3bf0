package chat_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/external"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// carried is a person whose program carries the envelopes, and the program.
type carried struct {
	*person
	mu      sync.Mutex
	pending []event.EnvelopeOutgoing // what the program was asked for and has not taken up
}

func newCarried(t *testing.T, name string, s chat.Store) *carried {
	t.Helper()
	c := &carried{person: openPerson(t, name, s, external.New(external.Config{}), fast)}
	if _, err := c.Identity(); err != nil {
		if _, _, err := c.CreateIdentity(context.Background(), 12, name); err != nil {
			t.Fatal(err)
		}
	}
	go c.read()
	return c
}

// read takes the events: envelopes into pending, others into events.
func (c *carried) read() {
	for {
		e, err := c.NextEvent(context.Background())
		if err != nil || e == nil {
			return
		}
		c.mu.Lock()
		var out event.EnvelopeOutgoing
		if e.Type == out.Type() {
			_ = json.Unmarshal(e.Data, &out)
			c.pending = append(c.pending, out)
		} else {
			c.events = append(c.events, *e)
		}
		c.mu.Unlock()
	}
}

// take returns what the program was asked for since the last call.
func (c *carried) take() []event.EnvelopeOutgoing {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.pending
	c.pending = nil
	return taken
}

// states returns the states of a message that events have told, in their order, without
// the first.
func (c *carried) states(m event.Message) (all []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, e := range c.events {
		var s event.MessageState
		if e.Type == s.Type() && json.Unmarshal(e.Data, &s) == nil && s.MessageID == m.ID && s.State != "queued" {
			all = append(all, string(s.State))
		}
	}
	return all
}

func idOf(t *testing.T, e event.EnvelopeOutgoing) (id chat.EnvelopeID) {
	t.Helper()
	raw, err := hex.DecodeString(strings.TrimPrefix(e.EnvelopeID, "0x"))
	if err != nil || len(raw) != len(id) {
		t.Fatalf("the id is %q", e.EnvelopeID)
	}
	return chat.EnvelopeID(raw)
}

func envelopeOf(t *testing.T, e event.EnvelopeOutgoing) chat.Envelope {
	t.Helper()
	ns, err := strconv.ParseInt(e.Timestamp, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return chat.Envelope{PubsubTopic: e.PubsubTopic, ContentTopic: e.ContentTopic, Payload: e.Payload, Version: e.Version, Timestamp: ns}
}

// deliver brings envelopes to a person, who must take them.
func (c *carried) deliver(envelopes ...chat.Envelope) {
	c.t.Helper()
	if _, err := c.Deliver(envelopes); err != nil {
		c.t.Error(err)
	}
}

func (c *carried) published(t *testing.T, e event.EnvelopeOutgoing, result chat.PublishResult) {
	t.Helper()
	if err := c.Published(idOf(t, e), result); err != nil {
		t.Error(err)
	}
}

// Two people whose programs lose, double and reorder what they carry, and sometimes fail:
// each message arrives once, in order, and is sent before it is delivered.
func TestExternalChat(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	alice, bob := newCarried(t, "alice", store.Memory()), newCarried(t, "bob", store.Memory())
	carry := func(from, to *carried) {
		var arrive []chat.Envelope
		for _, e := range from.take() {
			switch p := random.Float64(); {
			case p < 0.1:
				from.published(t, e, chat.PublishUnavailable)
				continue
			case p < 0.2: // lost on the way
			case p < 0.3:
				arrive = append(arrive, envelopeOf(t, e))
				fallthrough
			default:
				arrive = append(arrive, envelopeOf(t, e))
			}
			from.published(t, e, chat.PublishDone)
		}
		random.Shuffle(len(arrive), func(i, j int) { arrive[i], arrive[j] = arrive[j], arrive[i] })
		for batch := range slices.Chunk(arrive, chat.MaxDelivered) {
			to.deliver(batch...)
		}
	}
	const count = 30
	var sent []event.Message
	var want []string
	for i := range count {
		text := fmt.Sprint("message ", i)
		sent, want = append(sent, alice.send(bob.person, text)), append(want, text)
		alice.send(bob.person, text+" again")
		bob.send(alice.person, "from bob "+text)
		carry(alice, bob)
		carry(bob, alice)
	}
	eventually(t, "all being delivered", func() bool {
		carry(alice, bob)
		carry(bob, alice)
		return !slices.ContainsFunc(sent, func(m event.Message) bool { return !slices.Contains(alice.states(m), "delivered") })
	})
	for _, m := range sent {
		if s := alice.states(m); !slices.Equal(s, []string{"sent", "delivered"}) && !slices.Equal(s, []string{"delivered"}) {
			t.Errorf("%s: %v", m.Text, s)
		}
	}
	texts := slices.DeleteFunc(bob.texts(alice.person), func(text string) bool {
		return strings.Contains(text, "again") || strings.Contains(text, "from bob")
	})
	if !slices.Equal(texts, want) {
		t.Errorf("bob has %q", texts)
	}
}

// A message is sent once the program says so, and what it was asked for and did not publish
// it is asked for again after a restart, with the same bytes.
func TestExternalSentIsAPromise(t *testing.T) {
	s := store.Memory()
	alice, bob := newCarried(t, "alice", keptStore{s}), newCarried(t, "bob", store.Memory())
	m := alice.send(bob.person, "hello")
	var asked []event.EnvelopeOutgoing
	ask := func(of *carried) {
		asked = nil
		// The contact code has a content topic of its own, and may come twice.
		eventually(t, "being asked", func() bool {
			asked = append(asked, of.take()...)
			topics := map[string]bool{}
			for _, e := range asked {
				topics[e.ContentTopic] = true
			}
			return len(topics) >= 2
		})
	}
	ask(alice)
	if states := alice.states(m); len(states) > 0 {
		t.Fatalf("the message is %v, and nothing was published", states)
	}
	before := map[string]bool{}
	for _, e := range asked {
		before[e.EnvelopeID] = true
	}
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	alice = newCarried(t, "alice", s)
	var again []chat.Envelope
	eventually(t, "being sent", func() bool {
		for _, e := range alice.take() {
			if before[e.EnvelopeID] {
				again = append(again, envelopeOf(t, e))
			}
			alice.published(t, e, chat.PublishDone)
		}
		return slices.Equal(alice.states(m), []string{"sent"})
	})
	got, err := alice.Message(mustID(t, m.ID))
	if err != nil || got.State != "sent" || got.Evidence.Kind != "external" {
		t.Errorf("%+v %v", got, err)
	}
	bob.deliver(again...)
	if texts := bob.texts(alice.person); !slices.Equal(texts, []string{"hello"}) {
		t.Errorf("after Deliver has returned, bob has %q", texts)
	}
}

// What the program says can never be published has failed, with the reason.
func TestExternalTooLarge(t *testing.T) {
	alice, bob := newCarried(t, "alice", store.Memory()), newCarried(t, "bob", store.Memory())
	m := alice.send(bob.person, "hello")
	eventually(t, "the failure", func() bool {
		for _, e := range alice.take() {
			alice.published(t, e, chat.PublishTooLarge)
		}
		return slices.Equal(alice.states(m), []string{"failed"})
	})
	if got, err := alice.Message(mustID(t, m.ID)); err != nil || string(got.Failure) != string(chat.CodeTooLarge) {
		t.Errorf("%+v %v", got, err)
	}
}

// Deliver keeps its promise: it fails when the store cannot take what arrived, and the same
// envelopes are taken later.
func TestExternalDeliverIsAPromise(t *testing.T) {
	alice, bob := newCarried(t, "alice", store.Memory()), newCarried(t, "bob", store.Memory())
	m := alice.send(bob.person, "hello")
	var envelopes []chat.Envelope
	eventually(t, "the envelope", func() bool {
		for _, e := range alice.take() {
			envelopes = append(envelopes, envelopeOf(t, e))
			alice.published(t, e, chat.PublishDone)
		}
		return slices.Equal(alice.states(m), []string{"sent"}) // so its envelope is among them
	})
	if err := bob.SuspendStore(); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Deliver(envelopes); chat.CodeOf(err) != chat.CodeStoreSuspended {
		t.Errorf("with a suspended store: %v", err)
	}
	if err := bob.ResumeStore(); err != nil {
		t.Fatal(err)
	}
	taken, err := bob.Deliver(append(envelopes, chat.Envelope{ContentTopic: "/other/1/topic/proto", Payload: []byte("x")}))
	if err != nil || taken == 0 || taken > len(envelopes) {
		t.Errorf("%d were taken, %v", taken, err)
	}
	if texts := bob.texts(alice.person); !slices.Equal(texts, []string{"hello"}) {
		t.Errorf("bob has %q", texts)
	}
	if _, err := bob.Deliver(make([]chat.Envelope, chat.MaxDelivered+1)); chat.CodeOf(err) != chat.CodeBadParams {
		t.Errorf("too many: %v", err)
	}
	nobody := openPerson(t, "nobody", store.Memory(), external.New(external.Config{}), fast)
	if _, err := nobody.Deliver(envelopes); chat.CodeOf(err) != chat.CodeNoIdentity {
		t.Errorf("without an identity: %v", err)
	}
}

// A store that fails makes Deliver fail; nothing is lost when it works again.
func TestExternalDeliverOnABrokenDisk(t *testing.T) {
	alice := newCarried(t, "alice", store.Memory())
	disk := &refusing{Store: store.Memory(), random: rand.New(rand.NewPCG(1, 0))}
	refuse := func(chance float64) {
		disk.mu.Lock()
		defer disk.mu.Unlock()
		disk.chance = chance
	}
	bob := newCarried(t, "bob", disk)
	alice.send(bob.person, "hello")
	var envelopes []chat.Envelope
	eventually(t, "the envelope", func() bool {
		for _, e := range alice.take() {
			envelopes = append(envelopes, envelopeOf(t, e))
		}
		return len(envelopes) >= 2
	})
	refuse(1)
	if _, err := bob.Deliver(envelopes); chat.CodeOf(err) != chat.CodeStoreIO {
		t.Fatalf("with a broken disk: %v", err)
	}
	if texts := bob.texts(alice.person); len(texts) > 0 {
		t.Fatalf("bob has %q", texts)
	}
	refuse(0)
	eventually(t, "the store being tried again", func() bool { _, err := bob.Deliver(envelopes); return err == nil })
	if texts := bob.texts(alice.person); !slices.Equal(texts, []string{"hello"}) {
		t.Errorf("bob has %q", texts)
	}
}

// A program that says it is offline is not asked; then messages go out.
func TestExternalOnline(t *testing.T) {
	alice, bob := newCarried(t, "alice", store.Memory()), newCarried(t, "bob", store.Memory())
	if err := alice.SetOnline(false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "being offline", func() bool { return alice.NetworkStatus().State == chat.NetworkOffline })
	m := alice.send(bob.person, "hello")
	alice.take()
	if err := alice.SetOnline(true); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := alice.WaitOnline(ctx, 1); err != nil {
		t.Error(err)
	}
	eventually(t, "being sent", func() bool {
		for _, e := range alice.take() {
			alice.published(t, e, chat.PublishDone)
		}
		return slices.Equal(alice.states(m), []string{"sent"})
	})
}

// Where the network carries the envelopes, the program does not.
func TestExternalOnly(t *testing.T) {
	alice := newPerson(t, "alice", memnet.New(memnet.Options{}))
	_, deliver := alice.Deliver(nil)
	_, topics := alice.ContentTopics()
	for what, err := range map[string]error{"deliver": deliver, "topics": topics, "published": alice.Published(chat.EnvelopeID{}, ""), "online": alice.SetOnline(true)} {
		if chat.CodeOf(err) != chat.CodeWrongState || !strings.Contains(err.Error(), "network.kind") || !strings.Contains(err.Error(), "memory") {
			t.Errorf("%s: %v", what, err)
		}
	}
	bob := newCarried(t, "bob", store.Memory())
	if topics, err := bob.ContentTopics(); err != nil || len(topics) == 0 || !slices.IsSorted(topics) {
		t.Errorf("%q %v", topics, err)
	}
}
