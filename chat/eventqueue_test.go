package chat_test

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// eventReader is a host that reads some events, acknowledges some, and is started
// again, over a store that refuses some transactions.
type eventReader struct {
	t      *testing.T
	random *rand.Rand
	path   string
	set    chat.Settings
	store  *refusing
	client *chat.Client
	next   uint64 // the number that comes next
	acked  uint64
}

func (r *eventReader) start() {
	s, err := store.Open(store.Options{
		Path: r.path, Passphrase: "a passphrase", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.store = &refusing{Store: s, random: rand.New(rand.NewPCG(r.random.Uint64(), 0))}
	r.client, err = chat.Open(context.Background(), chat.Options{Store: r.store, Transport: memnet.New(memnet.Options{}).Join(), Settings: r.set})
	if err != nil {
		r.t.Fatal(err)
	}
	r.next = r.acked + 1
}

func (r *eventReader) refuse(chance float64) {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	r.store.chance = chance
}

// read takes up to n events and reports how many there were.
func (r *eventReader) read(n int) (got int, overflows int) {
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for got < n {
		e, err := r.client.NextEvent(ended)
		if err != nil {
			r.t.Fatal(err)
		}
		if e == nil {
			break
		}
		got++
		if e.Seq == 0 {
			continue
		}
		from := e.Seq
		if e.Type == (event.Overflow{}).Type() {
			overflows++
			var over event.Overflow
			if err := json.Unmarshal(e.Data, &over); err != nil {
				r.t.Fatal(err)
			}
			if from = over.FromSeq; over.ToSeq != e.Seq || over.ToSeq < from {
				r.t.Fatalf("overflow %+v has the number %d", over, e.Seq)
			}
		}
		if from != r.next {
			r.t.Fatalf("after %d comes %s %d (from %d)", r.next-1, e.Type, e.Seq, from)
		}
		r.next = e.Seq + 1
	}
	return got, overflows
}

// bounded looks at what is in the store.
func (r *eventReader) bounded() {
	number, size := 0, 0
	if err := r.store.View(func(tx chat.Tx) error {
		return tx.Range("events", 0, func(_ uint64, v []byte) (bool, error) { number, size = number+1, size+len(v); return true, nil })
	}); err != nil {
		r.t.Fatal(err)
	}
	if number > r.set.MaxEvents || size > r.set.MaxEventBytes {
		r.t.Fatalf("%d events of %d bytes wait", number, size)
	}
}

// TestEventQueue: whatever a host reads and acknowledges and when, each number is handed
// out once a run or named by an overflow event, of which one waits at most; what is said
// to be unread can be read; and what waits is bounded, in number and bytes.
func TestEventQueue(t *testing.T) {
	seeds(t, 12, func(t *testing.T, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 10))
		r := &eventReader{
			t: t, random: random, path: filepath.Join(t.TempDir(), "events.db"),
			set: chat.Settings{MaxEvents: 16 + random.IntN(30), MaxEventBytes: 6000 + random.IntN(20000)},
		}
		r.start()
		defer func() { _ = r.client.Close() }()
		if _, _, err := r.client.CreateIdentity(t.Context(), 12, ""); err != nil {
			t.Fatal(err)
		}
		who := newKey(t)
		lost := 0
		for range 150 {
			switch random.IntN(6) {
			case 0, 1, 2:
				r.refuse([]float64{0, 0.3}[random.IntN(2)])
				for range random.IntN(30) {
					_, _ = r.client.AddContact(who, strings.Repeat("n", random.IntN(chat.MaxName))+"1")
					_, _ = r.client.AddContact(who, "2")
				}
				r.refuse(0)
			case 3:
				r.read(random.IntN(20))
			case 4:
				if r.next > r.acked+1 {
					r.acked += 1 + random.Uint64N(r.next-r.acked-1)
					if err := r.client.AckEvents(r.acked); err != nil {
						t.Fatal(err)
					}
				}
			case 5:
				if random.IntN(3) == 0 {
					if err := r.client.Close(); err != nil {
						t.Fatal(err)
					}
					r.start()
				}
			}
			r.bounded()
			if random.IntN(4) > 0 {
				continue
			}
			d, err := r.client.Diagnostics()
			if err != nil {
				t.Fatal(err)
			}
			got, overflows := r.read(1 << 20)
			if uint64(got) != d.EventsUnread || overflows > 1 {
				t.Fatalf("%d events are unread, %d can be read, %d of them say that others are lost", d.EventsUnread, got, overflows)
			}
			lost += overflows
		}
		if lost == 0 {
			t.Error("nothing was lost: the test tests nothing")
		}
		if check, err := r.client.CheckStore(t.Context()); err != nil || len(check.Problems) > 0 {
			t.Errorf("%+v, %v", check, err)
		}
	})
}

func newKey(t *testing.T) key.Public {
	t.Helper()
	k, err := key.Generate(crand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

// TestFloodStrangerEvents: a stranger who sends what makes events, and no messages that
// would be counted, has a share of the queue, and pushes out nothing of others. The host
// is told that it misses some.
func TestFloodStrangerEvents(t *testing.T) {
	n := 60
	if testing.Short() {
		n = 25
	}
	settings := fast
	settings.MaxEvents = 1000 // a fiftieth of them is less than a stranger may write
	b := newBesiegedWith(t, settings)
	m := newMallory(t, b.net, b.victim.key())
	const wanted = "do not lose the event about me"
	b.bob.send(b.victim, wanted)
	eventually(t, "bob's message", func() bool { return slices.Contains(b.victim.texts(b.bob), wanted) })
	before := b.bytes(t)
	const each = 40
	clock := uint64(time.Now().UnixMilli())
	deliver(t, b.net, b.victim, func(i int) chat.Envelope {
		var p datasync.Payload
		for j := range each {
			clock++
			kind, body := wire.ApplicationMetadataMessage_Type(77), make([]byte, 15<<10)
			binary.BigEndian.PutUint64(body, clock)
			if j%2 == 0 {
				kind, body = wire.ApplicationMetadataMessage_CONTACT_UPDATE, marshalled(t, &wire.ContactUpdate{
					Clock: clock, DisplayName: "mallory " + strings.Repeat("x", i%9+j%7), ContactRequestClock: 0,
				})
			}
			application, err := message.Wrap(m.self.Identity, kind, body)
			if err != nil {
				t.Fatal(err)
			}
			p.Messages = append(p.Messages, datasync.Message{
				GroupID: datasync.GroupID(m.public, m.victim), Timestamp: time.Now().Unix(), Body: application,
			})
		}
		return m.envelope(m.encrypted(m.sync(p), nil))
	}, n)
	b.honest(t)
	d, err := b.victim.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	theirs, withheld, honest := 0, 0, 0
	for b.victim.unread() > 0 {
		e, err := b.victim.NextEvent(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case e.Type == "overflow":
			t.Fatal("events of others are lost")
		case e.Type == "unsupported_received" && !strings.Contains(string(e.Data), `"payload":null`):
			t.Fatalf("the payload of a stranger is in the event: %d bytes", len(e.Data))
		case e.Type == "events_withheld":
			withheld++
		case strings.Contains(string(e.Data), m.public.Hex()):
			theirs++
		case strings.Contains(string(e.Data), "do not lose"):
			honest++
		}
	}
	grown := b.bytes(t) - before
	t.Logf("%d messages of a stranger: %d events, %d of them that others are withheld; store %+d KiB; dropped %v",
		n*each, theirs+withheld, withheld, grown>>10, d.Dropped)
	if limit := settings.MaxEvents / 50; theirs == 0 || theirs > limit || withheld != 1 || honest != 1 {
		t.Errorf("of a stranger %d events (%d are allowed) and %d that some are withheld; of bob %d", theirs, limit, withheld, honest)
	}
}

func marshalled(t *testing.T, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestArrivalsAreToldAsTheyAre: what was edited, deleted, read or marked between its coming and
// the reading of its event is told as it is then, and what was erased or cleared is not told,
// though nothing was restarted.
func TestArrivalsAreToldAsTheyAre(t *testing.T) {
	w, ctx := openTwo(t), context.Background()
	come := func(text string, seconds uint32) [32]byte {
		t.Helper()
		m, err := w.alice.Send(ctx, chat.SendRequest{To: w.bob.key(), Text: text, ExpiresIn: &seconds})
		if err != nil {
			t.Fatal(err)
		}
		id := mustID(t, m.ID)
		eventually(t, text, func() bool { _, err := w.bob.Message(id); return err == nil })
		return id
	}
	must := func(_ event.Message, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(id [32]byte, what string, f func(event.Message) bool) {
		t.Helper()
		eventually(t, what, func() bool { m, err := w.bob.Message(id); return err == nil && f(m) })
	}
	w.bob.drain()
	plain, edited, retracted := come("plain", 0), come("with a mistake", 0), come("taken back", 0)
	hidden, liked, brief := come("hidden", 0), come("liked", 0), come("brief", 60)
	must(w.alice.EditMessage(ctx, edited, "without"))
	is(edited, "the edit", func(m event.Message) bool { return m.Text == "without" })
	must(w.alice.DeleteMessage(ctx, retracted, true))
	is(retracted, "the deletion", func(m event.Message) bool { return m.Deleted != nil })
	must(w.bob.DeleteMessage(ctx, hidden, false))
	must(w.bob.React(ctx, liked, "❤️", false))
	if _, err := w.bob.MarkRead(w.alice.key(), &edited); err != nil {
		t.Fatal(err)
	}
	w.pass(61 * time.Second)
	eventually(t, "the end of the brief one", func() bool { _, err := w.bob.Message(brief); return chat.CodeOf(err) == chat.CodeNotFound })
	told := func(want ...[32]byte) {
		t.Helper()
		ended, cancel := context.WithCancel(ctx)
		cancel()
		n := 0
		for {
			e, err := w.bob.NextEvent(ended)
			if err != nil {
				t.Fatal(err)
			}
			if e == nil {
				break
			}
			if e.Type != (event.MessageReceived{}).Type() {
				continue
			}
			if n == len(want) {
				t.Fatalf("told more: %s", e.Data)
			}
			m, err := w.bob.Message(want[n])
			if err != nil {
				t.Fatal(err)
			}
			if b, err := json.Marshal(event.MessageReceived{Message: m}); err != nil || string(b) != string(e.Data) {
				t.Errorf("told %s, it is %s, %v", e.Data, b, err)
			}
			n++
		}
		if n != len(want) {
			t.Errorf("told %d of %d", n, len(want))
		}
	}
	told(plain, edited, retracted, hidden, liked)
	come("one to clear", 0)
	come("another", 0)
	if _, err := w.bob.ClearChat(w.alice.key()); err != nil {
		t.Fatal(err)
	}
	told(come("after that", 0))
	w.bob.sound()
}
