package chat_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// sticker is a ChatMessage with a sticker.
func (g *rawPeer) sticker(hash string) *wire.ChatMessage {
	clock := g.next()
	return message.NewChatMessage(message.ChatParams{
		TextParams: message.TextParams{ChatID: g.to.Hex(), Clock: clock, Timestamp: clock}, Sticker: &wire.StickerMessage{Hash: hash, Pack: 1},
	})
}

// TestHostileSticker: the hash of a sticker that is none is not kept, and what a stranger has in
// stickers and bridges counts among the bytes that they may leave.
func TestHostileSticker(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1, MaxMessageSize: 1 << 20})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(t.Context(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := newRawPeer(t, net, alice.key())
	g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, g.sticker(strings.Repeat("x", 400<<10)))
	for i := range chat.MaxStrangerMessages - 10 {
		g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, g.sticker(strings.Repeat("e", 250)+fmt.Sprint(i)))
	}
	for i := range 5 {
		clock := g.next()
		cm := chatMessage(alice, "over the bridge", clock)
		cm.ContentType = wire.ChatMessage_BRIDGE_MESSAGE
		long := strings.Repeat("𝔅", 200)
		cm.Payload = &wire.ChatMessage_BridgeMessage{BridgeMessage: &wire.BridgeMessage{
			BridgeName: long, UserName: long, UserId: long, Content: fmt.Sprint("over the bridge ", i),
		}}
		g.say(wire.ApplicationMetadataMessage_CHAT_MESSAGE, cm)
	}
	last := g.text("the end", nil)
	eventually(t, "the end", func() bool { _, err := alice.Message(last); return err == nil })
	size := 0
	for _, value := range records(t, s, "messages") {
		size += len(value)
	}
	var rec wire.ChatRecord
	for _, value := range records(t, s, "chats") {
		if err := proto.Unmarshal(value, &rec); err != nil {
			t.Fatal(err)
		}
	}
	const head = 400 // of each message: ids, keys, times
	if n := int(rec.GetUnasked()); size > int(rec.GetUnaskedBytes())+n*head || size > chat.MaxStrangerBytes+n*head {
		t.Errorf("%d messages have %d bytes, counted as %d", n, size, rec.GetUnaskedBytes())
	}
	alice.sound()
}

// TestDeletedBeforeItCameIsNotKept: what was deleted before it came is kept nowhere, though
// nobody could read it.
func TestDeletedBeforeItCameIsNotKept(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(t.Context(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := befriended(t, net, alice)
	kind, id := g.envelope(wire.ApplicationMetadataMessage_CHAT_MESSAGE, unknownKind(g.to, g.next(), "a secret", 300), false)
	typ, other := g.envelope(4242, &wire.RetractContactRequest{Id: "a secret"}, false)
	for _, target := range [][32]byte{id, other} {
		g.say(wire.ApplicationMetadataMessage_DELETE_MESSAGE, message.NewDelete(message.ActionParams{Target: target, ChatID: g.to.Hex(), Clock: g.next()}))
	}
	eventually(t, "the deletions to wait", func() bool { return len(records(t, s, "waiting")) == 2 })
	net.Inject(kind)
	net.Inject(typ)
	for _, target := range [][32]byte{id, other} {
		eventually(t, "a tombstone", func() bool { m, err := alice.Message(target); return err == nil && m.Deleted != nil })
	}
	for name, rec := range keptRecords(t, s) {
		t.Errorf("%x is kept, %d bytes", name[:4], len(rec.GetApplication()))
	}
	g.text("the end", nil)
	alice.waitText("the end")
	for _, e := range alice.events {
		if bytes.Contains(e.Data, []byte("a secret")) || e.Type == (event.UnsupportedReceived{}).Type() {
			t.Errorf("told %s", e.Data)
		}
	}
	alice.sound()
}

// TestClearingForgetsWhatWaits: an edit that waits for its message has a text of the chat: it
// goes when the chat is cleared, and one of a message that was cleared is not kept.
func TestClearingForgetsWhatWaits(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(t.Context(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	g := befriended(t, net, alice)
	edit := func(target [32]byte) {
		g.say(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(
			message.ActionParams{Target: target, ChatID: g.to.Hex(), Clock: g.next()}, "a secret", message.KindText, nil))
	}
	id := g.text("to be cleared", nil)
	edit([32]byte{1})
	eventually(t, "the edit to wait", func() bool { return len(records(t, s, "waiting")) == 1 })
	eventually(t, "the text", func() bool { _, err := alice.Message(id); return err == nil })
	for name, clear := range map[string]func() (event.Chat, error){
		"cleared": func() (event.Chat, error) { return alice.ClearChat(g.key()) },
		"deleted": func() (event.Chat, error) { return alice.DeleteChat(g.key()) },
	} {
		edit([32]byte{2})
		later := g.text("later", nil) // what waits is not later than what the chat is cleared up to
		eventually(t, "the edit to wait", func() bool { _, err := alice.Message(later); return err == nil && len(records(t, s, "waiting")) > 0 })
		if _, err := clear(); err != nil {
			t.Fatal(name, err)
		}
		eventually(t, "what waits to be forgotten", func() bool { return len(records(t, s, "waiting")) == 0 })
	}
	alice.sound()
}
