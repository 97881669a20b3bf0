package chat_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	keeping "libstatus1to1/chat/internal/kept"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// unknownKind is a ChatMessage of a kind that nobody knows, with a content of some size.
func unknownKind(to key.Public, clock uint64, text string, size int) *wire.ChatMessage {
	cm := message.NewText(message.TextParams{Text: text, ChatID: to.Hex(), Clock: clock, Timestamp: clock})
	cm.ContentType = 99
	cm.ProtoReflect().SetUnknown(protowire.AppendBytes(protowire.AppendTag(nil, 999, protowire.BytesType), bytes.Repeat([]byte("x"), size)))
	return cm
}

// keptRecords are the messages that are kept because nobody could read them.
func keptRecords(t *testing.T, s chat.Store) map[string]*wire.KeptRecord {
	t.Helper()
	all := map[string]*wire.KeptRecord{}
	for name, value := range records(t, s, "kept") {
		rec := &wire.KeptRecord{}
		if err := proto.Unmarshal(value, rec); err != nil {
			t.Fatal(err)
		}
		all[name] = rec
	}
	return all
}

// befriended is a peer without an engine who is in the address book of one.
func befriended(t *testing.T, net *memnet.Network, p *person) *rawPeer {
	t.Helper()
	g := newRawPeer(t, net, p.key())
	if _, err := p.AddContact(g.key(), "friend"); err != nil {
		t.Fatal(err)
	}
	return g
}

// TestUnknownIsKept: what nobody can read is shown as that, and kept as it came: kinds of
// messages, and types of application messages that are new or commands. What is for groups is
// kept and not shown.
func TestUnknownIsKept(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(t.Context(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := befriended(t, net, alice)
	kind, id := g.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, unknownKind(g.to, g.next(), "see it with a newer app", 3000), false)
	net.Inject(kind)
	got := wait(alice, "it", func(e event.MessageReceived) bool { return e.Message.ID == event.Hex(id[:]) }).Message
	if got.Kind != "unsupported" || got.Text != "see it with a newer app" {
		t.Errorf("shown as %+v", got)
	}
	rec := keptRecords(t, s)[string(id[:])]
	if rec == nil || !bytes.Contains(rec.GetApplication(), bytes.Repeat([]byte("x"), 3000)) || message.ID(g.key(), rec.GetApplication()) != id {
		t.Errorf("kept as %v", rec)
	}

	clock := g.next()
	for typ, shown := range map[wire.ApplicationMetadataMessage_Type]bool{
		4242: true, wire.ApplicationMetadataMessage_REQUEST_TRANSACTION: true,
		wire.ApplicationMetadataMessage_MEMBERSHIP_UPDATE_MESSAGE: false, wire.ApplicationMetadataMessage_THREAD_METADATA: false,
	} {
		id := g.say(typ, &wire.RetractContactRequest{Id: "any", Clock: 1}) // a payload of another type
		e := wait(alice, "the report", func(e event.UnsupportedReceived) bool { return e.MessageID == event.Hex(id[:]) })
		if e.ApplicationType != int32(typ) || len(e.Payload) == 0 {
			t.Errorf("%s: reported as %+v", typ, e)
		}
		m, err := alice.Message(id)
		if (err == nil) != shown || shown && (m.Kind != "unsupported" || m.ApplicationType != int32(typ) || m.Clock < clock || m.From != g.key().Hex()) {
			t.Errorf("%s: shown as %+v, %v", typ, m, err)
		}
		if keptRecords(t, s)[string(id[:])] == nil {
			t.Errorf("%s: is not kept", typ)
		}
	}
	if c, err := alice.Chat(g.key()); err != nil || c.Messages != 3 || c.Unread != 3 {
		t.Errorf("the chat is %+v, %v", c, err)
	}
	alice.sound()

	// What goes from the chat goes from what is kept.
	if _, err := alice.ClearChat(g.key()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "only what was not shown to be kept", func() bool { return len(keptRecords(t, s)) == 2 })
	alice.sound()
}

// TestKeptIsBounded: a contact who sends thousands of what nobody can read fills no disk. The
// messages are all there; of what they were made of, the latest.
func TestKeptIsBounded(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1, MaxMessageSize: 1 << 20})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(t.Context(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := befriended(t, net, alice)
	const n = keeping.MaxMessages + 20
	var last [32]byte
	deliver(t, net, alice, func(i int) chat.Envelope {
		e, id := g.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, unknownKind(g.to, g.next(), "t", 10), false)
		last = id
		return e
	}, n)
	eventually(t, "all messages", func() bool { c, err := alice.Chat(g.key()); return err == nil && c.Messages == n })
	if all := keptRecords(t, s); len(all) != keeping.MaxMessages || all[string(last[:])] == nil {
		t.Errorf("%d are kept, the last one: %v", len(all), all[string(last[:])] != nil)
	}
	const large = 700 << 10
	deliver(t, net, alice, func(int) chat.Envelope {
		e, _ := g.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, unknownKind(g.to, g.next(), "t", large), false)
		return e
	}, 2+keeping.MaxBytes/large)
	eventually(t, "the large ones", func() bool {
		c, err := alice.Chat(g.key())
		return err == nil && c.Messages == n+2+keeping.MaxBytes/large
	})
	size := 0
	for _, rec := range keptRecords(t, s) {
		size += len(rec.GetApplication())
	}
	if size > keeping.MaxBytes || size < keeping.MaxBytes-large {
		t.Errorf("%d bytes are kept", size)
	}
	alice.sound()
}

// TestStrangersUnknownIsCounted: what a stranger leaves counts with all that is kept of it.
func TestStrangersUnknownIsCounted(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1, MaxMessageSize: 1 << 20})
	alice := newPerson(t, "alice", net)
	g := newRawPeer(t, net, alice.key())
	for range 5 {
		g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, unknownKind(g.to, g.next(), "t", chat.MaxStrangerBytes/2-1000))
	}
	id := g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, unknownKind(g.to, g.next(), "small", 1))
	alice.waitText("small")
	if c, err := alice.Chat(g.key()); err != nil || c.Messages != 3 {
		t.Errorf("the chat is %+v, %v", c, err)
	}
	if _, err := alice.Message(id); err != nil {
		t.Error(err)
	}
}

// asOfEarlier makes a store that of a version which could read nothing of a message but its
// text, and did not know its type if typ is another one than that of a ChatMessage.
func asOfEarlier(t *testing.T, path string, app []byte, from key.Public, to key.Public) (id [32]byte) {
	t.Helper()
	s, err := store.Open(store.Options{Path: path, Passphrase: "a passphrase", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	id = message.ID(from, app)
	err = s.Update(func(tx chat.Tx) error {
		put := func(table chat.Table, name []byte, m proto.Message) {
			if err := tx.Put(table, name, marshalled(t, m)); err != nil {
				t.Fatal(err)
			}
		}
		var list wire.KeptListRecord
		if b, err := tx.Get("kept_people", from.Compressed()); err != nil || proto.Unmarshal(b, &list) != nil {
			t.Fatal(err)
		}
		list.Entries = append(list.Entries, &wire.KeptEntryRecord{Id: id[:], Size: uint32(len(app))})
		put("kept", id[:], &wire.KeptRecord{Id: id[:], From: from.Compressed(), Application: app, At: int64(len(list.Entries))})
		put("kept_people", from.Compressed(), &list)
		if err := tx.Put("meta", []byte("kinds_version"), make([]byte, 8)); err != nil {
			return err
		}
		b, err := tx.Get("messages", id[:])
		if err != nil || b == nil {
			return err
		}
		var rec wire.MessageRecord
		if err := proto.Unmarshal(b, &rec); err != nil {
			return err
		}
		rec.Kind, rec.Sticker, rec.ReplyTo, rec.Text = "unsupported", nil, nil, "Update to latest version to see a nice sticker here!"
		put("messages", id[:], &rec)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return id
}

// TestKeptIsReadAgain: a version that knows more kinds reads what an earlier one has kept, in
// the order in which it came, and once.
func TestKeptIsReadAgain(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice := newHome(t, "alice", net)
	g := befriended(t, net, alice.person)
	application := func(typ wire.ApplicationMetadataMessage_Type, m proto.Message) []byte {
		app, err := message.Wrap(g.self, typ, marshalled(t, m))
		if err != nil {
			t.Fatal(err)
		}
		return app
	}
	clock := g.next()
	params := message.ChatParams{
		TextParams: message.TextParams{ChatID: g.to.Hex(), Clock: clock, Timestamp: clock}, ReplyTo: "0x" + strings.Repeat("ab", 32),
		Sticker: &wire.StickerMessage{Hash: "0xdeadbeef", Pack: 3},
	}
	sticker := message.NewChatMessage(params)
	id := g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, sticker)
	before := wait(alice.person, "the sticker", func(e event.MessageReceived) bool { return e.Message.ID == event.Hex(id[:]) }).Message
	if before.Kind != "sticker" || before.Text != "" || before.Sticker == nil || before.ReplyTo == "" {
		t.Fatalf("received as %+v", before)
	}
	unread := g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, unknownKind(g.to, g.next(), "nobody can", 10))
	alice.waitText("nobody can")
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	if got := asOfEarlier(t, alice.path, application(wire.ApplicationMetadataMessage_CHAT_MESSAGE, sticker), g.key(), g.to); got != id {
		t.Fatal("it is another message")
	}
	// A type that was not known then: they ask to be a contact.
	asOfEarlier(t, alice.path, application(wire.ApplicationMetadataMessage_CONTACT_UPDATE, &wire.ContactUpdate{
		Clock: g.next(), ContactRequestClock: g.clock, PublicKey: g.to.Hex(),
	}), g.key(), g.to)

	alice.start()
	changed := wait(alice.person, "the message as it is read now", func(e event.MessageChanged) bool { return e.Message.ID == event.Hex(id[:]) })
	if changed.Cause != "content" {
		t.Errorf("the cause is %q", changed.Cause)
	}
	after := changed.Message
	if after.Kind != before.Kind || after.Text != "" || after.Sticker == nil || *after.Sticker != *before.Sticker || after.ReplyTo != before.ReplyTo ||
		after.Clock != before.Clock || after.ReceivedAt != before.ReceivedAt || after.State != before.State || after.SentAt != before.SentAt {
		t.Errorf("read as\n%+v, it was\n%+v", after, before)
	}
	wait(alice.person, "their request", func(e event.ContactRequestReceived) bool { return e.Contact.PublicKey == g.key().Hex() })
	alice.sound()
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Options{Path: alice.path, Passphrase: "a passphrase", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for name := range keptRecords(t, s) {
		names = append(names, name)
	}
	if !slices.Equal(names, []string{string(unread[:])}) {
		t.Errorf("%d messages are kept still", len(names))
	}
	if v := records(t, s, "meta")["kinds_version"]; len(v) != 8 || binary.BigEndian.Uint64(v) != message.KindsVersion {
		t.Errorf("the version of kinds is %x", v)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	alice.start() // with nothing to do
	if m, err := alice.Message(unread); err != nil || m.Kind != "unsupported" {
		t.Errorf("%+v, %v", m, err)
	}
}
