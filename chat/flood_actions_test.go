package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
)

// said is an MVDS message of mallory's of any type.
func (m *mallory) said(typ wire.ApplicationMetadataMessage_Type, p proto.Message) datasync.Message {
	m.n++
	encoded, err := proto.Marshal(p)
	if err != nil {
		m.t.Fatal(err)
	}
	body, err := message.Wrap(m.self.Identity, typ, encoded)
	if err != nil {
		m.t.Fatal(err)
	}
	return datasync.Message{GroupID: datasync.GroupID(m.public, m.victim), Timestamp: time.Now().Unix(), Body: body}
}

// TestFloodEdits: a contact edits one message of the largest size without end, each time with
// other words, and reacts to it. What is stored stays that of one message.
func TestFloodEdits(t *testing.T) {
	n := 500
	if testing.Short() {
		n = 100
	}
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	first := m.text(strings.Repeat("ab ", 1365))
	id := message.ID(m.public, first.Body)
	b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{first}}), nil)))
	eventually(t, "the message", func() bool { _, err := b.victim.Message(id); return err == nil })
	size := func() (sum int) {
		for _, table := range []chat.Table{"messages", "search", "#search", "waiting", "kept"} {
			for name, value := range records(t, b.store, table) {
				sum += len(name) + len(value)
			}
		}
		return sum
	}
	before := size()
	about := func(i int) message.ActionParams {
		return message.ActionParams{Target: id, ChatID: b.victim.key().Hex(), Clock: uint64(m.sentAt()) + uint64(i)}
	}
	cost := measure(func() {
		deliver(t, b.net, b.victim, func(i int) chat.Envelope {
			var words []string
			for j := range 500 {
				words = append(words, fmt.Sprintf("%07d", i*500+j))
			}
			return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{
				m.said(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about(i), strings.Join(words, " "), message.KindText, nil)),
			}}), nil))
		}, n)
		b.honest(t)
	})
	edits := size()
	t.Logf("%d edits: %s of CPU each, heap %+d KiB, store %+d KiB", n, cost.cpu/time.Duration(n), cost.heap>>10, (edits-before)>>10)
	cost = measure(func() {
		deliver(t, b.net, b.victim, func(i int) chat.Envelope {
			var all []datasync.Message
			for j := range 50 {
				all = append(all, m.said(wire.ApplicationMetadataMessage_EMOJI_REACTION, message.NewReaction(about(n+i), string(rune(0x1f600+j)), i%2 == 1)))
			}
			return m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: all}), nil))
		}, n/10)
		b.honest(t)
	})
	d, err := b.victim.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d reactions: %s of CPU each, heap %+d KiB, store %+d KiB; %d events wait", 5*n, cost.cpu/time.Duration(5*n), cost.heap>>10, (size()-edits)>>10, d.EventsWaiting)
	if grown := size() - before; grown > 1<<20 {
		t.Errorf("what is stored has grown by %d bytes", grown)
	}
	checked(t, b.victim)
}
