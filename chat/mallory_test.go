package chat_test

import (
	"context"
	"crypto/rand"
	"io"
	"runtime"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/cputime"
	"libstatus1to1/store"
)

// mallory speaks the protocol without a client, so that every part of what she
// sends can be wrong.
type mallory struct {
	t       *testing.T
	net     *memnet.Network
	self    session.Self
	public  key.Public
	victim  key.Public
	session session.Peer // what she knows of the victim
	n       int
	random  io.Reader     // for her sessions
	later   time.Duration // that her clock is ahead
}

// sentAt is the latest clock of her texts.
func (m *mallory) sentAt() int64 { return time.Now().Add(m.later).UnixMilli() + int64(m.n) }

func newMallory(t *testing.T, net *memnet.Network, victim key.Public) *mallory {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	preKeys, _, err := x3dh.PreKeys{}.Rotate(time.Now(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &mallory{
		t: t, net: net, victim: victim, public: k.Public(), session: session.Peer{Identity: victim},
		self: session.Self{Identity: k, InstallationID: "mallory's", PreKeys: preKeys}, random: rand.Reader,
	}
}

func (m *mallory) source() session.Source {
	return session.Source{Rand: m.random, IV: ratchet.RandomIV(m.random)}
}

// learn takes the victim's bundle from its contact code among the envelopes.
func (m *mallory) learn(envelopes []chat.Envelope) {
	m.t.Helper()
	code := topic.ContactCode(m.victim)
	sym := topic.SymmetricKey(code.Name)
	for _, e := range envelopes {
		if e.ContentTopic != code.ContentTopic() {
			continue
		}
		opened, err := payload.OpenSymmetric(sym, e.Payload)
		if err != nil {
			continue
		}
		var pm wire.ProtocolMessage
		if err := proto.Unmarshal(opened.Data, &pm); err != nil || len(pm.GetBundles()) == 0 {
			m.t.Fatal("no bundle in the contact code", err)
		}
		b, err := x3dh.ParseBundle(pm.GetBundles()[0])
		if err != nil {
			m.t.Fatal(err)
		}
		m.session = m.session.Learn(m.self, b, time.Now())
		return
	}
	m.t.Fatal("there was no contact code")
}

// bundle is hers, signed.
func (m *mallory) bundle() *wire.Bundle {
	current, _ := m.self.PreKeys.Current()
	b, err := x3dh.Bundle{
		Identity: m.public, Timestamp: time.Now().UnixNano(),
		SignedPreKeys: []x3dh.SignedPreKey{current.Signed(m.self.InstallationID)},
	}.Sign(m.self.Identity)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// text is an MVDS message with a text.
func (m *mallory) text(text string) datasync.Message {
	m.n++
	encoded, err := message.EncodeChatMessage(message.NewText(message.TextParams{
		Text: text, ChatID: m.victim.Hex(), Clock: uint64(m.sentAt()), Timestamp: uint64(time.Now().Add(m.later).UnixMilli()),
	}))
	if err != nil {
		m.t.Fatal(err)
	}
	application, err := message.Wrap(m.self.Identity, wire.ApplicationMetadataMessage_CHAT_MESSAGE, encoded)
	if err != nil {
		m.t.Fatal(err)
	}
	return datasync.Message{GroupID: datasync.GroupID(m.public, m.victim), Timestamp: time.Now().Unix(), Body: application}
}

// encrypted is a ProtocolMessage with a plaintext, in her session with the victim
// if she has learnt the bundle. change may spoil it before it is signed.
func (m *mallory) encrypted(plaintext []byte, change func(*wire.ProtocolMessage)) []byte {
	m.t.Helper()
	next, out, err := m.session.Encrypt(m.self, plaintext, nil, time.Now(), m.source())
	if err != nil {
		m.t.Fatal(err)
	}
	m.session = next
	pm := &wire.ProtocolMessage{
		InstallationId: m.self.InstallationID, Bundles: []*wire.Bundle{m.bundle()}, EncryptedMessage: out.Messages,
	}
	if change != nil {
		change(pm)
	}
	b, err := proto.Marshal(pm)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

func (m *mallory) sync(p datasync.Payload) []byte {
	m.t.Helper()
	b, err := datasync.Encode(p)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// envelope seals a ProtocolMessage to the victim's partitioned topic.
func (m *mallory) envelope(pm []byte) chat.Envelope {
	m.t.Helper()
	sealed, err := payload.SealAsymmetric(rand.Reader, m.victim, m.self.Identity, pm)
	if err != nil {
		m.t.Fatal(err)
	}
	return chat.Envelope{ContentTopic: topic.Partitioned(m.victim).ContentTopic(), Payload: sealed, Version: 1, Timestamp: time.Now().UnixNano()}
}

// deliver injects envelopes, no faster than the victim takes them, and waits until
// all are handled.
func deliver(t *testing.T, net *memnet.Network, victim *person, envelopes func(i int) chat.Envelope, n int) {
	t.Helper()
	const ahead = 2000
	start := taken(victim)
	for i := range n {
		if i%100 == 0 {
			eventually(t, "the victim to keep up", func() bool { return taken(victim) >= start+uint64(max(0, i-ahead)) })
		}
		net.Inject(envelopes(i))
	}
	eventually(t, "the victim to take everything", func() bool { return taken(victim) >= start+uint64(n) })
}

// taken returns the number of envelopes that came in.
func taken(p *person) uint64 {
	d, err := p.Diagnostics()
	if err != nil {
		p.t.Fatal(err)
	}
	return d.Received
}

// cost is the price of some work: CPU of the whole process, and heap that stays.
type cost struct {
	cpu   time.Duration
	heap  int64
	total uint64 // bytes allocated meanwhile
}

func measure(f func()) cost {
	before, cpu := heap(), cputime.Used()
	f()
	after := heap()
	return cost{cputime.Used() - cpu, int64(after.HeapAlloc) - int64(before.HeapAlloc), after.TotalAlloc - before.TotalAlloc}
}

func heap() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// besieged is a victim and an honest contact of hers, on a network of megabytes.
type besieged struct {
	net           *memnet.Network
	victim, bob   *person
	store         chat.Store
	envelopes     func() []chat.Envelope
	honestMessage int
}

func newBesieged(t *testing.T) *besieged {
	t.Helper()
	return newBesiegedWith(t, fast)
}

func newBesiegedWith(t *testing.T, settings chat.Settings) *besieged {
	t.Helper()
	b := &besieged{net: memnet.New(memnet.Options{Seed: 21, MaxMessageSize: 1 << 20}), store: store.Memory()}
	seen := make(chan chat.Envelope, 1<<16)
	b.net.Tap(func(e chat.Envelope) {
		select {
		case seen <- e:
		default:
		}
	})
	var all []chat.Envelope
	b.envelopes = func() []chat.Envelope {
		for {
			select {
			case e := <-seen:
				all = append(all, e)
			default:
				return all
			}
		}
	}
	newPerson(t, "carol", b.net) // somebody to publish contact codes to
	b.victim = openPerson(t, "victim", b.store, b.net.Join(), settings)
	b.victim.quiet()
	if _, _, err := b.victim.CreateIdentity(context.Background(), 12, ""); err != nil {
		t.Fatal(err)
	}
	b.bob = newPerson(t, "bob", b.net)
	if _, err := b.victim.AddContact(b.bob.key(), ""); err != nil {
		t.Fatal(err)
	}
	b.honest(t)
	return b
}

// quiet drops a test's reference to events: these tests look at the history.
func (p *person) quiet() { p.events = nil }

// honest makes sure that messages between the honest still arrive, both ways.
func (b *besieged) honest(t *testing.T) {
	t.Helper()
	b.honestMessage++
	text := "honest " + time.Now().Format(time.RFC3339Nano)
	for _, way := range [][2]*person{{b.bob, b.victim}, {b.victim, b.bob}} {
		m := way[0].send(way[1], text)
		eventually(t, "an honest message to be acknowledged", func() bool {
			got, err := way[0].Message(mustID(t, m.ID))
			return err == nil && got.State == "delivered"
		})
	}
}

// records counts what the victim stores, by table.
func (b *besieged) records(t *testing.T) map[chat.Table]int {
	t.Helper()
	n := map[chat.Table]int{}
	for _, table := range []chat.Table{"peers", "skipped", "contacts", "chats", "messages", "acks", "seen", "topics"} {
		n[table] = len(records(t, b.store, table))
	}
	return n
}

// bytes returns the size of the victim's store.
func (b *besieged) bytes(t *testing.T) (sum int) {
	t.Helper()
	for _, table := range []chat.Table{"peers", "skipped", "contacts", "chats", "messages", "acks", "seen", "#marks", "topics"} {
		for name, value := range records(t, b.store, table) {
			sum += len(name) + len(value)
		}
	}
	if err := b.store.View(func(tx chat.Tx) error {
		return tx.Range("events", 0, func(_ uint64, value []byte) (bool, error) { sum += len(value); return true, nil })
	}); err != nil {
		t.Fatal(err)
	}
	return sum
}
