package message

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

var aTarget = ActionParams{Target: [32]byte{1, 2, 3}, ChatID: "0x04", Clock: 7}

// actionMessages are one of each type, as we send them.
var actionMessages = map[wire.ApplicationMetadataMessage_Type]proto.Message{
	wire.ApplicationMetadataMessage_EDIT_MESSAGE:               NewEdit(aTarget, "new", KindText, nil),
	wire.ApplicationMetadataMessage_DELETE_MESSAGE:             NewDelete(aTarget),
	wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE: NewDeleteForMe(aTarget.Target, 7),
	wire.ApplicationMetadataMessage_EMOJI_REACTION:             NewReaction(aTarget, "👍", true),
	wire.ApplicationMetadataMessage_PIN_MESSAGE:                NewPin(aTarget, true),
}

func TestActionsReadBack(t *testing.T) {
	for typ, m := range actionMessages {
		b, err := Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		a, err := DecodeAction(typ, b)
		if err != nil || a.Target != aTarget.Target || a.Clock != 7 || a.Type != typ {
			t.Errorf("%s: %+v, %v", typ, a, err)
		}
		if forMe := typ == wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE; forMe == IsAction(typ) || forMe == (a.ChatID == "0x04") {
			t.Errorf("%s: chat %q", typ, a.ChatID)
		}
	}
	if _, err := DecodeAction(wire.ApplicationMetadataMessage_CHAT_MESSAGE, nil); !errors.Is(err, ErrMalformed) {
		t.Errorf("a text is an action: %v", err)
	}
}

// Each fault has its error, and one of a group is told from one that is nobody's.
func TestActionFaults(t *testing.T) {
	for name, c := range map[string]struct {
		typ  wire.ApplicationMetadataMessage_Type
		m    proto.Message
		want error
	}{
		"of a group":              {wire.ApplicationMetadataMessage_PIN_MESSAGE, &wire.PinMessage{Clock: 1, ChatId: "x", MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_PRIVATE_GROUP}, ErrNotOneToOne},
		"no chat":                 {wire.ApplicationMetadataMessage_DELETE_MESSAGE, &wire.DeleteMessage{MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_ONE_TO_ONE}, ErrChatID},
		"no message":              {wire.ApplicationMetadataMessage_DELETE_MESSAGE, &wire.DeleteMessage{ChatId: "x", MessageId: "0x12", MessageType: wire.MessageType_ONE_TO_ONE}, ErrTarget},
		"no clock":                {wire.ApplicationMetadataMessage_EDIT_MESSAGE, NewEdit(ActionParams{ChatID: "x"}, "new", KindText, nil), ErrClock},
		"a pin without a clock":   {wire.ApplicationMetadataMessage_PIN_MESSAGE, NewPin(ActionParams{ChatID: "x"}, true), ErrClock},
		"a blank text":            {wire.ApplicationMetadataMessage_EDIT_MESSAGE, NewEdit(aTarget, " ", KindText, nil), ErrTextEmpty},
		"a long text":             {wire.ApplicationMetadataMessage_EDIT_MESSAGE, NewEdit(aTarget, strings.Repeat("é", MaxTextLength+1), KindText, nil), ErrTextTooLong},
		"no emoji":                {wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.EmojiReaction{Clock: 1, ChatId: "x", MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_ONE_TO_ONE}, ErrEmoji},
		"a number of no emoji":    {wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.EmojiReaction{Clock: 1, ChatId: "x", MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_ONE_TO_ONE, Type: 7}, ErrEmoji},
		"words":                   {wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.EmojiReaction{Clock: 1, ChatId: "x", MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_ONE_TO_ONE, Emoji: "48-69"}, ErrEmoji},
		"too many code points":    {wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.EmojiReaction{Clock: 1, ChatId: "x", MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_ONE_TO_ONE, Emoji: strings.Repeat("1f44d-", 16) + "1f44d"}, ErrEmoji},
		"no code point":           {wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.EmojiReaction{Clock: 1, ChatId: "x", MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_ONE_TO_ONE, Emoji: "110000"}, ErrEmoji},
		"half of a code point":    {wire.ApplicationMetadataMessage_EMOJI_REACTION, &wire.EmojiReaction{Clock: 1, ChatId: "x", MessageId: FormatID([32]byte{}), MessageType: wire.MessageType_ONE_TO_ONE, Emoji: "d800"}, ErrEmoji},
		"an id of another length": {wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE, &wire.SyncDeleteForMeMessage{MessageId: "0x"}, ErrTarget},
	} {
		b, err := proto.Marshal(c.m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeAction(c.typ, b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// The six are sent in both ways and read in either; the heart has two spellings.
func TestEmoji(t *testing.T) {
	for number, emoji := range sixReactions {
		m := NewReaction(aTarget, emoji, false)
		if m.GetType() != number || m.GetEmoji() == "" {
			t.Errorf("%s is sent as %d, %q", emoji, m.GetType(), m.GetEmoji())
		}
		for _, old := range []bool{false, true} {
			if m.Type = number; old {
				m.Emoji = ""
			} else {
				m.Type = 0
			}
			b, _ := Encode(m)
			if a, err := DecodeAction(wire.ApplicationMetadataMessage_EMOJI_REACTION, b); err != nil || a.Emoji != emoji {
				t.Errorf("%s is read as %q, %v", emoji, a.Emoji, err)
			}
			m = NewReaction(aTarget, emoji, false)
		}
	}
	if got := NewReaction(aTarget, "❤️", false).GetEmoji(); got != "2764" {
		t.Errorf("the heart is sent as %s", got)
	}
	for _, s := range []string{"❤", "❤️", "🎅🏾", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "7️⃣", "#️⃣", "‼️", "ℹ️", "©️", "☀️", "➕", "〰️", "㊙️", "🅰️", "🏳️‍🌈"} {
		emoji, err := ParseEmoji(s)
		if err != nil {
			t.Errorf("%q is refused", s)
			continue
		}
		b, _ := Encode(NewReaction(aTarget, emoji, false))
		if a, err := DecodeAction(wire.ApplicationMetadataMessage_EMOJI_REACTION, b); err != nil || a.Emoji != emoji {
			t.Errorf("%q reads back as %q, %v", s, a.Emoji, err)
		}
	}
	for _, s := range []string{"", "a", "1", "#", "👍a", "a👍", " ", "👍 ", "\u200d", "\ufe0f", "©", "é", "+", "^", "\u202e👍", "7", "77️⃣", "\xff", "👍\x00", "漢", strings.Repeat("👍", 17)} {
		if got, err := ParseEmoji(s); err == nil {
			t.Errorf("%q is taken for %q", s, got)
		}
	}
}

func fuzzAction(f *testing.F, typ wire.ApplicationMetadataMessage_Type) {
	b, err := Encode(actionMessages[typ])
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := DecodeAction(typ, b)
		if err != nil {
			return
		}
		again := map[wire.ApplicationMetadataMessage_Type]func(ActionParams) proto.Message{
			wire.ApplicationMetadataMessage_EDIT_MESSAGE:               func(p ActionParams) proto.Message { return NewEdit(p, a.Edit.GetText(), KindText, nil) },
			wire.ApplicationMetadataMessage_DELETE_MESSAGE:             func(p ActionParams) proto.Message { return NewDelete(p) },
			wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE: func(p ActionParams) proto.Message { return NewDeleteForMe(p.Target, p.Clock) },
			wire.ApplicationMetadataMessage_EMOJI_REACTION:             func(p ActionParams) proto.Message { return NewReaction(p, a.Emoji, a.Retracted) },
			wire.ApplicationMetadataMessage_PIN_MESSAGE:                func(p ActionParams) proto.Message { return NewPin(p, a.Pinned) },
		}[typ](ActionParams{a.Target, a.ChatID, a.Clock})
		encoded, err := Encode(again)
		if err != nil {
			t.Fatalf("what was accepted cannot be sent: %v", err)
		}
		back, err := DecodeAction(typ, encoded)
		if err != nil || back.Target != a.Target || back.Clock != a.Clock || back.Emoji != a.Emoji || back.Retracted != a.Retracted ||
			back.Pinned != a.Pinned || back.Edit.GetText() != a.Edit.GetText() {
			t.Fatalf("%+v reads back as %+v, %v", a, back, err)
		}
	})
}

func FuzzEdit(f *testing.F)   { fuzzAction(f, wire.ApplicationMetadataMessage_EDIT_MESSAGE) }
func FuzzDelete(f *testing.F) { fuzzAction(f, wire.ApplicationMetadataMessage_DELETE_MESSAGE) }
func FuzzDeleteForMe(f *testing.F) {
	fuzzAction(f, wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE)
}
func FuzzReaction(f *testing.F) { fuzzAction(f, wire.ApplicationMetadataMessage_EMOJI_REACTION) }
func FuzzPin(f *testing.F)      { fuzzAction(f, wire.ApplicationMetadataMessage_PIN_MESSAGE) }
