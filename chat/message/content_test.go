package message

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// TestKinds: what a message is made of is what is read of it, by its kind.
func TestKinds(t *testing.T) {
	self, target := newKey(t).Public(), [32]byte{7}
	sticker := &wire.StickerMessage{Hash: "0xdeadbeef", Pack: 3}
	for name, c := range map[string]struct {
		change func(*ChatParams)
		typ    wire.ChatMessage_ContentType
		sent   string // the text on the wire
		want   *wire.MessageRecord
	}{
		"text":   {func(*ChatParams) {}, wire.ChatMessage_TEXT_PLAIN, "hi", &wire.MessageRecord{Kind: KindText, Text: "hi"}},
		"answer": {func(p *ChatParams) { p.ReplyTo = FormatID(target) }, wire.ChatMessage_TEXT_PLAIN, "hi", &wire.MessageRecord{Kind: KindText, Text: "hi", ReplyTo: target[:]}},
		"answer to nothing": {
			func(p *ChatParams) { p.ReplyTo = "0x12" }, wire.ChatMessage_TEXT_PLAIN, "hi", &wire.MessageRecord{Kind: KindText, Text: "hi"},
		},
		"emoji":   {func(p *ChatParams) { p.Text = "😀👨‍👩‍👧" }, wire.ChatMessage_EMOJI, "😀👨‍👩‍👧", &wire.MessageRecord{Kind: KindEmoji, Text: "😀👨‍👩‍👧"}},
		"status":  {func(p *ChatParams) { p.ContentType = wire.ChatMessage_STATUS }, wire.ChatMessage_STATUS, "hi", &wire.MessageRecord{Kind: KindStatus, Text: "hi"}},
		"unknown": {func(p *ChatParams) { p.ContentType = 99 }, 99, "hi", &wire.MessageRecord{Kind: KindUnsupported, Text: "hi"}},
		"sticker": {
			func(p *ChatParams) { p.Text, p.Sticker = "", sticker }, wire.ChatMessage_STICKER, stickerHint,
			&wire.MessageRecord{Kind: KindSticker, Sticker: &wire.StickerRecord{Hash: "0xdeadbeef", Pack: 3}},
		},
		"image": {
			func(p *ChatParams) { p.Image = &wire.ImageMessage{Payload: []byte("x")} }, wire.ChatMessage_IMAGE, "hi",
			&wire.MessageRecord{Kind: KindImage, Text: "hi"},
		},
		"image alone": {
			func(p *ChatParams) { p.Text, p.Image = "", &wire.ImageMessage{Payload: []byte("x")} }, wire.ChatMessage_IMAGE, "",
			&wire.MessageRecord{Kind: KindImage},
		},
		"audio alone": {
			func(p *ChatParams) { p.Text, p.Audio = "", &wire.AudioMessage{Payload: []byte("x")} }, wire.ChatMessage_AUDIO, audioHint,
			&wire.MessageRecord{Kind: KindAudio},
		},
		"everyone": {
			func(p *ChatParams) { p.Text = "@0x00001" }, wire.ChatMessage_TEXT_PLAIN, "@0x00001",
			&wire.MessageRecord{Kind: KindText, Text: "@0x00001", Mentioned: true, Mentions: []*wire.MentionRecord{{Length: 8}}},
		},
	} {
		p := ChatParams{TextParams: TextParams{Text: "hi", ChatID: self.Hex(), Clock: 1, Timestamp: 1}}
		c.change(&p)
		cm := NewChatMessage(p)
		if cm.GetContentType() != c.typ || cm.GetText() != c.sent || ValidateChatMessage(cm) != nil {
			t.Errorf("%s: made %v, %v", name, cm, ValidateChatMessage(cm))
		}
		rec := &wire.MessageRecord{}
		if Fill(rec, cm, self); !proto.Equal(rec, c.want) {
			t.Errorf("%s: read as %v, want %v", name, rec, c.want)
		}
	}
}

// TestMentioned: a message mentions us if our key is among those it names, or everyone is.
func TestMentioned(t *testing.T) {
	self, other := newKey(t).Public(), newKey(t).Public()
	for text, want := range map[string]bool{
		"@" + self.Hex(): true, "@" + compressedName(t, self): true, "@0x00001": true, "@" + other.Hex(): false, "`@" + self.Hex() + "`": false, "hi": false,
		"@" + other.Hex() + " @" + self.Hex(): true,
	} {
		rec := &wire.MessageRecord{Mentioned: !want}
		if SetText(rec, text, self); rec.GetMentioned() != want {
			t.Errorf("%.20q mentions us: %v", text, rec.GetMentioned())
		}
	}
}

// TestBridge: of a bridged message its own text is shown, and who wrote it there.
func TestBridge(t *testing.T) {
	self := newKey(t).Public()
	cm := NewText(TextParams{Text: "a text for old apps", ChatID: self.Hex(), Clock: 1, Timestamp: 1})
	cm.ContentType = wire.ChatMessage_BRIDGE_MESSAGE
	cm.Payload = &wire.ChatMessage_BridgeMessage{BridgeMessage: &wire.BridgeMessage{BridgeName: "discord", UserName: "u\u202e", UserId: "1", Content: "bridged"}}
	rec, want := &wire.MessageRecord{}, &wire.MessageRecord{
		Kind: KindBridge, Text: "bridged", Bridge: &wire.BridgeRecord{Network: "discord", User: "u", UserId: "1"},
	}
	if Fill(rec, cm, self); !proto.Equal(rec, want) || ValidateChatMessage(cm) != nil {
		t.Errorf("%v", rec)
	}
}
