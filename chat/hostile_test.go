package chat_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/testsize"
)

// hostile is one message made to hurt.
type hostile struct {
	name string
	make func(m *mallory) []byte // a ProtocolMessage
	// dropped is a reason that must be counted; "" if the message is taken.
	dropped string
}

// spoiled changes the one ciphertext there is.
func spoiled(change func(*wire.EncryptedMessageProtocol)) func(*wire.ProtocolMessage) {
	return func(pm *wire.ProtocolMessage) {
		for _, e := range pm.GetEncryptedMessage() {
			change(e)
		}
	}
}

// field is an encoded field of bytes, n times over.
func field(n int, number protowire.Number, value []byte) []byte {
	return bytes.Repeat(protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value), n)
}

func ids(n int) (list [][32]byte) {
	for i := range n {
		list = append(list, [32]byte{1, byte(i), byte(i >> 8)})
	}
	return list
}

func hostiles() []hostile {
	hello := func(m *mallory) []byte {
		return m.sync(datasync.Payload{Messages: []datasync.Message{m.text("hello")}})
	}
	header := func(change func(*wire.DRHeader)) func(m *mallory) []byte {
		return func(m *mallory) []byte {
			return m.encrypted(hello(m), spoiled(func(e *wire.EncryptedMessageProtocol) { change(e.DRHeader) }))
		}
	}
	const megabyte = 1000_000
	return []hostile{
		{"n of 2^32-1", header(func(h *wire.DRHeader) { h.N = math.MaxUint32 }), "decrypt"},
		{"pn of 2^32-1", header(func(h *wire.DRHeader) { h.Pn = math.MaxUint32 }), "decrypt"},
		{"n at the limit", header(func(h *wire.DRHeader) { h.N += 1000 }), "decrypt"},
		{"ratchet key of noise", header(func(h *wire.DRHeader) { h.Key = bytes.Repeat([]byte{5}, 33) }), "protocol"},
		{"no ratchet key", header(func(h *wire.DRHeader) { h.Key = nil }), "protocol"},
		{"unknown session", header(func(h *wire.DRHeader) { h.Id[5] ^= 1 }), "protocol"},
		{"a megabyte of ciphertext", func(m *mallory) []byte {
			return m.encrypted(hello(m), spoiled(func(e *wire.EncryptedMessageProtocol) { e.Payload = make([]byte, megabyte) }))
		}, "decrypt"},
		{"a megabyte of bundles", func(m *mallory) []byte {
			b := m.bundle()
			return m.encrypted(hello(m), func(pm *wire.ProtocolMessage) {
				for range megabyte / 200 {
					pm.Bundles = append(pm.Bundles, b)
				}
			})
		}, "protocol"},
		{"a thousand bundles", func(m *mallory) []byte {
			b := m.bundle()
			return m.encrypted(hello(m), func(pm *wire.ProtocolMessage) {
				for range 500 {
					pm.Bundles = append(pm.Bundles, b)
				}
			})
		}, "bundle"},
		{"half a million empty bundles", func(m *mallory) []byte { return field(megabyte/2, 3, nil) }, "protocol"},
		{"a bundle of empty pre-keys", func(m *mallory) []byte { return field(1, 3, field(megabyte/2, 2, nil)) }, "protocol"},
		{"half a million ciphertexts", func(m *mallory) []byte { return field(megabyte/3, 101, nil) }, "protocol"},
		{"unknown fields", func(m *mallory) []byte {
			return append(m.encrypted(hello(m), nil), field(1, 900, make([]byte, megabyte/2))...)
		}, ""},
		{"long installation id", func(m *mallory) []byte {
			return m.encrypted(hello(m), func(pm *wire.ProtocolMessage) { pm.InstallationId = string(bytes.Repeat([]byte("i"), megabyte)) })
		}, "protocol"},
		{"acks of unknown ids", func(m *mallory) []byte { return m.encrypted(m.sync(datasync.Payload{Acks: ids(10_000)}), nil) }, ""},
		{"offers and requests", func(m *mallory) []byte {
			return m.encrypted(m.sync(datasync.Payload{Offers: ids(10_000), Requests: ids(10_000)}), nil)
		}, ""},
		{"too many acks", func(m *mallory) []byte { return m.encrypted(field(40_000-12_000, 5001, make([]byte, 31)), nil) }, "datasync"},
		{"10,000 messages", func(m *mallory) []byte {
			return m.encrypted(field(10_000, 5004, field(1, 6001, make([]byte, 32))), nil)
		}, "datasync"},
		{"5,000 messages", func(m *mallory) []byte {
			group := datasync.GroupID(m.public, m.victim)
			var p datasync.Payload
			for i := range 5000 {
				p.Messages = append(p.Messages, datasync.Message{GroupID: group, Timestamp: int64(i), Body: []byte("no application message")})
			}
			return m.encrypted(m.sync(p), nil)
		}, "application"},
		{"messages of another group", func(m *mallory) []byte {
			sm := m.text("x")
			sm.GroupID[0] ^= 1
			return m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{sm}}), nil)
		}, "group"},
		{"a message of somebody else", func(m *mallory) []byte {
			other := newMallory(m.t, m.net, m.victim)
			sm := other.text("forged")
			sm.GroupID = datasync.GroupID(m.public, m.victim)
			return m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{sm}}), nil)
		}, "signer"},
		{"a bundle of somebody else", func(m *mallory) []byte {
			return m.encrypted(hello(m), func(pm *wire.ProtocolMessage) {
				pm.Bundles = append(pm.Bundles, newMallory(m.t, m.net, m.victim).bundle())
			})
		}, ""},
		{"a large unsupported message", func(m *mallory) []byte {
			application, err := message.Wrap(m.self.Identity, wire.ApplicationMetadataMessage_Type(77), make([]byte, 700_000))
			if err != nil {
				m.t.Fatal(err)
			}
			return m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{{GroupID: datasync.GroupID(m.public, m.victim), Body: application}}}), nil)
		}, ""},
		{"nothing at all", func(m *mallory) []byte { return nil }, "protocol"},
	}
}

// TestHostileMessages sends each of them from a contact, thirty times. None has an
// effect beyond itself: memory does not grow, sessions stay, the honest are heard.
func TestHostileMessages(t *testing.T) {
	times := testsize.Many(30, 8)
	if testing.Short() {
		times = 4
	}
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("I am harmless")}}), nil)))
	eventually(t, "her first message", func() bool { c, err := b.victim.Chat(m.public); return err == nil && c.Messages == 1 })
	for _, h := range hostiles() {
		t.Run(h.name, func(t *testing.T) {
			start, err := b.victim.Diagnostics()
			if err != nil {
				t.Fatal(err)
			}
			sealed := m.envelope(h.make(m))
			list := []chat.Envelope{sealed}
			for range times - 1 {
				list = append(list, m.envelope(h.make(m)))
			}
			stored := b.bytes(t)
			c := measure(func() {
				deliver(t, b.net, b.victim, func(i int) chat.Envelope { return list[i] }, times)
				b.honest(t)
			})
			d, err := b.victim.Diagnostics()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%d KiB on the wire: %s of CPU, %d KiB allocated, store %+d bytes each",
				len(sealed.Payload)>>10, c.cpu/time.Duration(times), c.total/uint64(times)>>10, (b.bytes(t)-stored)/times)
			if h.dropped != "" && d.Dropped[h.dropped] == start.Dropped[h.dropped] {
				t.Errorf("not dropped as %q: %v", h.dropped, d.Dropped)
			}
			// Decoding may take some copies of what came, and no more.
			if most := uint64(times*(15*len(sealed.Payload)) + 32<<20); c.total > most {
				t.Errorf("%d bytes allocated for %d messages of %d bytes", c.total, times, len(sealed.Payload))
			}
			if c.heap > heapBound {
				t.Errorf("the heap grew by %d bytes", c.heap)
			}
		})
	}
}

// TestHostileReplays: anybody can publish old envelopes again. Each would be
// acknowledged again, and use up a step of a sending chain.
func TestHostileReplays(t *testing.T) {
	b := newBesieged(t)
	for i := range 20 {
		b.bob.send(b.victim, fmt.Sprint("old ", i))
	}
	eventually(t, "peace", func() bool { return waiting(b.bob)+waiting(b.victim) == 0 })
	const rounds = 60
	old := b.envelopes()
	began := time.Now()
	c := measure(func() {
		for round := range rounds {
			for _, e := range old {
				e.Timestamp += int64(round + 1)
				b.net.Inject(e)
			}
			time.Sleep(20 * time.Millisecond) // longer than the acknowledgements wait for company
		}
	})
	answers := len(b.envelopes()) - len(old)
	most := 2 * (20 + int(time.Since(began)/fast.ResendBase) + 2) // of both sides
	t.Logf("%d replays: %d answers, %s of CPU each", rounds*len(old), answers, c.cpu/time.Duration(rounds*len(old)))
	if answers > most {
		t.Errorf("replays made the two send %d envelopes, more than %d", answers, most)
	}
	if got := len(b.victim.texts(b.bob)); got != 22 {
		t.Errorf("the history has %d messages, want 22", got)
	}
	b.honest(t)
}

// TestHostileEnvelopeKinds: payloads for our negotiated topics that are sealed by
// somebody else's key, and other people's payloads on them.
func TestHostileEnvelopeKinds(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	pm := m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("wrong door")}}), nil)
	code := topic.ContactCode(b.bob.key()) // everybody can seal for it
	sealed, err := payload.SealSymmetric(zeroes{}, topic.SymmetricKey(code.Name), m.self.Identity, pm)
	if err != nil {
		t.Fatal(err)
	}
	deliver(t, b.net, b.victim, func(int) chat.Envelope {
		return chat.Envelope{ContentTopic: code.ContentTopic(), Payload: sealed, Version: 1, Timestamp: 1}
	}, 1)
	b.honest(t)
	d, err := b.victim.Diagnostics()
	if err != nil || d.Dropped["signer"] == 0 {
		t.Errorf("a contact code of somebody else: %v, %v", d.Dropped, err)
	}
	if c, err := b.victim.Chat(m.public); err != nil || c.Messages != 0 {
		t.Errorf("it was taken: %+v, %v", c, err)
	}
}

// zeroes is a source of randomness for a sealing nobody has to trust.
type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// The text of a kind of message that nobody knows is cut, an emoji is a text, and what is kept
// whole of a stranger counts whole: they could otherwise leave a hundred megabytes.
func TestHostileLongTexts(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	long := func(kind wire.ChatMessage_ContentType) chat.Envelope {
		cm := message.NewText(message.TextParams{
			Text: strings.Repeat("x", 800_000), ChatID: m.victim.Hex(), Clock: uint64(time.Now().UnixMilli()), Timestamp: 1,
		})
		cm.ContentType = kind
		encoded, err := message.EncodeChatMessage(cm)
		if err != nil {
			t.Fatal(err)
		}
		application, err := message.Wrap(m.self.Identity, wire.ApplicationMetadataMessage_CHAT_MESSAGE, encoded)
		if err != nil {
			t.Fatal(err)
		}
		return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{
			{GroupID: datasync.GroupID(m.public, m.victim), Timestamp: time.Now().Unix(), Body: application},
		}}), nil))
	}
	for _, kind := range []wire.ChatMessage_ContentType{wire.ChatMessage_EMOJI, wire.ChatMessage_STICKER, wire.ChatMessage_IMAGE, 99} {
		deliver(t, b.net, b.victim, func(int) chat.Envelope { return long(kind) }, 1)
	}
	b.honest(t)
	if c, err := b.victim.Chat(m.public); err == nil && c.Messages != 0 {
		t.Errorf("messages of a stranger: %+v", c)
	}
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	b.net.Inject(long(99))
	got := wait(b.victim, "what nobody knows", func(e event.MessageReceived) bool { return e.Message.Kind == "unsupported" }).Message
	if len(got.Text) > message.MaxTextLength {
		t.Errorf("a text of %d bytes is kept", len(got.Text))
	}
	if c, err := b.victim.Chat(m.public); err != nil || c.Messages != 1 {
		t.Errorf("messages kept: %+v, %v", c, err)
	}
}
