package chat_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/segment"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
	"libstatus1to1/store"
)

// segmentEnvelope seals a segment to the victim.
func (m *mallory) segmentEnvelope(s segment.Segment) chat.Envelope {
	m.t.Helper()
	b, err := s.Encode()
	if err != nil {
		m.t.Fatal(err)
	}
	return m.envelope(b)
}

// split returns the segments of a ProtocolMessage.
func split(t *testing.T, pm []byte, size int) []segment.Segment {
	t.Helper()
	all, err := segment.Split(pm, size)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// befriended returns a mallory whom the victim has added as a contact.
func (b *besieged) befriended(t *testing.T) *mallory {
	t.Helper()
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	return m
}

// handled waits until the victim has handled what came before.
func (b *besieged) handled(t *testing.T) { b.honest(t) }

func (b *besieged) dropped(t *testing.T, reason string) uint64 {
	t.Helper()
	d, err := b.victim.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	return d.Dropped[reason]
}

func (b *besieged) keeps(t *testing.T, what string, sets int) {
	t.Helper()
	if n, bytes := b.victim.SegmentsKept(); n != sets {
		t.Errorf("%s: %d sets of %d bytes are kept, want %d", what, n, bytes, sets)
	}
}

// The recorded deliveries, through the engine: what a receiver put together goes on through
// the pipeline, where it turns out to be no ProtocolMessage.
func TestSegmentVectorEngine(t *testing.T) {
	b := newBesieged(t)
	for _, c := range vectors.ReadSegments(t).Cases {
		for _, d := range c.Deliveries {
			m := b.befriended(t)
			kept, _ := b.victim.SegmentsKept()
			for _, s := range d.Steps {
				protocol := b.dropped(t, "protocol")
				_, bytes := b.victim.SegmentsKept()
				b.net.Inject(m.envelope(c.Segments[s.Segment].Bytes))
				if s.Result == "incomplete" {
					eventually(t, c.Name+": a segment to be kept", func() bool {
						sets, more := b.victim.SegmentsKept()
						return sets == kept+1 && more > bytes
					})
					continue
				}
				eventually(t, c.Name+": the whole to be handled", func() bool { return b.dropped(t, "protocol") == protocol+1 })
				eventually(t, c.Name+": the set to be dropped", func() bool { sets, _ := b.victim.SegmentsKept(); return sets == kept })
			}
		}
	}
	checked(t, b.victim)
}

// Segments come doubled, reordered, with gaps, over a restart; what comes late costs nothing.
func TestSegmentReceivingGoesOn(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 9})
	bob := newHome(t, "bob", net)
	m := newMallory(t, net, bob.key())
	if _, err := bob.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	text := m.text("a long text")
	all := split(t, m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{text, m.padding(400_000)}}), nil), 20_000)
	count := all[0].Count
	if len(all) != count+count/8 || count < 20 {
		t.Fatalf("%d segments, %d with parity", count, len(all))
	}
	for i, s := range all[2:] { // two are lost
		if i%5 == 4 {
			bob.restart()
			checked(t, bob.person)
		}
		_, before := bob.SegmentsKept()
		for range 1 + i%2 {
			net.Inject(m.segmentEnvelope(s))
		}
		eventually(t, "the segment", func() bool {
			_, bytes := bob.SegmentsKept()
			c, err := bob.Chat(m.public)
			return err == nil && (c.Messages > 0 || bytes > before)
		})
	}
	bob.waitText("a long text")
	if sets, _ := bob.SegmentsKept(); sets != 0 {
		t.Errorf("%d sets are left", sets)
	}
	for _, after := range []string{"after them", "once more"} { // also after the copies of all of them
		for _, s := range all {
			net.Inject(m.segmentEnvelope(s))
		}
		net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text(after)}}), nil)))
		bob.waitText(after)
		bob.restart()
	}
	if c, err := bob.Chat(m.public); err != nil || c.Messages != 3 {
		t.Errorf("%d messages, %v", c.Messages, err)
	}
	if sets, _ := bob.SegmentsKept(); sets != 0 {
		t.Errorf("%d sets were begun by copies", sets)
	}
	checked(t, bob.person)
}

// padding is a message of a type that is not shown in a chat, with n bytes.
func (m *mallory) padding(n int) datasync.Message {
	m.t.Helper()
	application, err := message.Wrap(m.self.Identity, wire.ApplicationMetadataMessage_PUSH_NOTIFICATION_QUERY, make([]byte, n))
	if err != nil {
		m.t.Fatal(err)
	}
	return datasync.Message{GroupID: datasync.GroupID(m.public, m.victim), Timestamp: time.Now().Unix(), Body: application}
}

// What somebody claims in segments that contradict each other, are damaged or lie does not
// hurt: the message is lost, and an honest one arrives.
func TestSegmentLies(t *testing.T) {
	b := newBesieged(t)
	m := b.befriended(t)
	segments := func() []segment.Segment {
		return split(t, m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("x"), m.padding(5000)}}), nil), 600)
	}
	for name, c := range map[string]struct {
		change  func(all []segment.Segment) []segment.Segment
		dropped string
	}{
		"a byte": {func(all []segment.Segment) []segment.Segment {
			all[3].Payload = append([]byte{all[3].Payload[0] ^ 1}, all[3].Payload[1:]...)
			return all[:all[0].Count]
		}, "segment"},
		"the hash of another": {func(all []segment.Segment) []segment.Segment {
			other := segments()
			for i := range all {
				all[i].Hash = other[0].Hash
			}
			return all[:all[0].Count]
		}, "segment"},
		"other counts": {func(all []segment.Segment) []segment.Segment {
			all[2].Count += 5
			return all[:4]
		}, "segment"},
		"another length": {func(all []segment.Segment) []segment.Segment {
			all[2].Length++
			return all[:4]
		}, "segment"},
		"the same place, other bytes": {func(all []segment.Segment) []segment.Segment {
			again := all[2]
			again.Payload = bytes.Repeat([]byte{1}, len(again.Payload))
			return append(all[:3:3], again)
		}, "duplicate"},
		"huge counts": {func(all []segment.Segment) []segment.Segment {
			all[0].Count = segment.MaxSegments + 1
			return all[:1]
		}, "segment"},
		"huge total": {func(all []segment.Segment) []segment.Segment {
			all[0].Count, all[0].Length, all[0].Payload = segment.MaxSegments, 0, make([]byte, 500_000)
			return all[:1]
		}, "segment"},
	} {
		before := b.dropped(t, c.dropped)
		for _, s := range c.change(segments()) {
			b.net.Inject(m.segmentEnvelope(s))
		}
		eventually(t, name+" to be counted as "+c.dropped, func() bool { return b.dropped(t, c.dropped) > before })
		checked(t, b.victim)
	}
	if c, err := b.victim.Chat(m.public); err != nil || c.Messages != 0 {
		t.Errorf("%d messages came of lies (%v)", c.Messages, err)
	}
	for _, s := range segments() {
		b.net.Inject(m.segmentEnvelope(s))
	}
	b.victim.waitText("x")
	b.honest(t)
}

// First segments of many messages that never come: of a contact, of strangers, of somebody
// blocked.
func TestSegmentFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector: it runs in one goroutine, and long")
	}
	b := newBesieged(t)
	contact := b.befriended(t)
	first := func(m *mallory, i, size int) chat.Envelope {
		return m.segmentEnvelope(segment.Segment{
			Hash: [32]byte{byte(i), byte(i >> 8), 1}, Count: 20, Payload: make([]byte, size),
		})
	}
	deliver(t, b.net, b.victim, func(i int) chat.Envelope { return first(contact, i, 1000) }, 300)
	b.handled(t)
	b.keeps(t, "a contact", segmentSetsEach)
	const strangers = 120
	people := make([]*mallory, strangers)
	for i := range people {
		people[i] = newMallory(t, b.net, b.victim.key())
	}
	deliver(t, b.net, b.victim, func(i int) chat.Envelope { return first(people[i%strangers], i/strangers, 400_000) }, 3*strangers)
	b.handled(t)
	sets, bytes := b.victim.SegmentsKept()
	if sets > segmentSetsEach+64 || bytes > 16<<20+segmentSetsEach*2000 {
		t.Errorf("%d sets of %d bytes are kept", sets, bytes)
	}
	if n := len(records(t, b.store, "segments")); n != sets {
		t.Errorf("%d segments are stored of %d sets", n, sets)
	}
	checked(t, b.victim)
	b.honest(t)

	if _, err := b.victim.BlockContact(contact.public); err != nil {
		t.Fatal(err)
	}
	sets, _ = b.victim.SegmentsKept()
	b.net.Inject(first(contact, 1000, 1000))
	b.handled(t)
	b.keeps(t, "somebody blocked", sets)
	checked(t, b.victim)
}

// segmentSetsEach is the limit of sets of one person.
const segmentSetsEach = 32

// A stranger cannot complete more than a small message, and no progress is told of it.
func TestSegmentStranger(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	large := split(t, m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("large"), m.padding(6_000_000)}}), nil), 700_000)
	for _, s := range large {
		b.net.Inject(m.segmentEnvelope(s))
	}
	eventually(t, "segments of a stranger to be refused", func() bool { return b.dropped(t, "segments_full") > 0 })
	small := split(t, m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("small"), m.padding(1_000_000)}}), nil), 700_000)
	for _, s := range small {
		b.net.Inject(m.segmentEnvelope(s))
	}
	b.victim.waitText("small")
	for _, e := range b.victim.events {
		if e.Type == (event.MessageProgress{}).Type() {
			t.Errorf("progress was told: %s", e.Data)
		}
	}
	checked(t, b.victim)
}

// A set that nobody completes is forgotten.
func TestSegmentExpiry(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 10})
	clock := &chattest.Clock{}
	c, err := chat.Open(context.Background(), chat.Options{Store: store.Memory(), Transport: net.Join(), Settings: fast, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	bob := &person{Client: c, t: t, name: "bob"}
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	m := newMallory(t, net, bob.key())
	net.Inject(m.segmentEnvelope(segment.Segment{Hash: [32]byte{1}, Count: 2, Payload: []byte("half of it")}))
	kept := func(want int) func() bool {
		return func() bool { sets, _ := bob.SegmentsKept(); return sets == want }
	}
	eventually(t, "a segment", kept(1))
	clock.Advance(47 * time.Hour)
	time.Sleep(20 * time.Millisecond)
	eventually(t, "the segment to be there still", kept(1))
	clock.Advance(2 * time.Hour)
	eventually(t, "the segment to be forgotten", kept(0))
	checked(t, bob)
}

// A large message of a type that we do not know is acknowledged and reported, without what is
// in it; one above the limit is neither.
func TestSegmentUnsupported(t *testing.T) {
	b := newBesieged(t)
	m := b.befriended(t)
	for _, c := range []struct {
		size  int
		taken bool
	}{{2_000_000, true}, {chat.MaxLargeMessage + 1, false}} {
		b.victim.quiet()
		before := b.dropped(t, "too_large")
		for _, s := range split(t, m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.padding(c.size)}}), nil), 700_000) {
			b.net.Inject(m.segmentEnvelope(s))
		}
		if !c.taken {
			eventually(t, "a message above the limit to be refused", func() bool { return b.dropped(t, "too_large") == before+1 })
			continue
		}
		e := wait(b.victim, "the event", func(e event.UnsupportedReceived) bool { return e.TypeName == "PUSH_NOTIFICATION_QUERY" })
		if e.Payload != nil {
			t.Errorf("the event has %d bytes", len(e.Payload))
		}
	}
	b.honest(t)
	checked(t, b.victim)
}

// What we send comes back to us, from store nodes: it is not put together.
func TestSegmentOwnEcho(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 11})
	alice, bob := newHome(t, "alice", net), newPerson(t, "bob", net)
	acquaint(alice.person, bob)
	m := alice.sendPicture(bob, "picture", 500_000)
	alice.waitState(m.ID, "delivered")
	echo := large(alice.gate.Published())
	alice.restart()
	for i, e := range echo {
		net.Inject(e)
		text := fmt.Sprint(i)
		bob.send(alice.person, text)
		alice.waitText(text)
		if sets, _ := alice.SegmentsKept(); sets != 0 {
			t.Fatalf("%d sets of our own", sets)
		}
	}
	checked(t, alice.person)
}
