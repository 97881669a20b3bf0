package message

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

func newKey(t testing.TB) key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestWrapUnwrap(t *testing.T) {
	signer := newKey(t)
	// 4242: a type that does not exist yet is kept.
	for _, typ := range []wire.ApplicationMetadataMessage_Type{wire.ApplicationMetadataMessage_CHAT_MESSAGE, wire.ApplicationMetadataMessage_STATUS_UPDATE, 4242} {
		for _, payload := range [][]byte{nil, []byte("payload")} {
			b, err := Wrap(signer, typ, payload)
			if err != nil {
				t.Fatal(err)
			}
			app, err := Unwrap(b)
			if err != nil || app.Type != typ || !bytes.Equal(app.Payload, payload) || app.Signer != signer.Public() {
				t.Fatalf("%s: %+v, %v", typ, app, err)
			}
		}
	}
	if _, err := Wrap(key.Private{}, 1, nil); !errors.Is(err, key.ErrPrivate) {
		t.Errorf("wrapped without a key: %v", err)
	}
}

func TestUnwrapRefuses(t *testing.T) {
	signer := newKey(t)
	good, err := Wrap(signer, wire.ApplicationMetadataMessage_CHAT_MESSAGE, []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	sign := func(signature []byte) []byte {
		return marshal(t, &wire.ApplicationMetadataMessage{Signature: signature, Payload: []byte("payload")})
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":            {nil, ErrUnsigned},
		"not protobuf":     {[]byte{0xff}, ErrMalformed},
		"cut":              {good[:len(good)-1], ErrMalformed},
		"no signature":     {sign(nil), ErrUnsigned},
		"short signature":  {sign(make([]byte, key.SignatureSize-1)), ErrSignature},
		"long signature":   {sign(make([]byte, key.SignatureSize+1)), ErrSignature},
		"zero signature":   {sign(make([]byte, key.SignatureSize)), ErrSignature},
		"signature of 255": {sign(bytes.Repeat([]byte{0xff}, key.SignatureSize)), ErrSignature},
	} {
		if app, err := Unwrap(c.b); !errors.Is(err, c.want) || !app.Signer.IsZero() {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	changed := bytes.Replace(good, []byte("payload"), []byte("Payload"), 1)
	if app, err := Unwrap(changed); err == nil && app.Signer == signer.Public() {
		t.Error("a changed payload is still theirs")
	}
}

func TestID(t *testing.T) {
	a, b := newKey(t).Public(), newKey(t).Public()
	if ID(a, []byte("x")) != [32]byte(key.Keccak256(append(a.Uncompressed(), 'x'))) {
		t.Error("not the hash of key and bytes")
	}
	if ID(a, []byte("x")) == ID(b, []byte("x")) || ID(a, []byte("x")) == ID(a, []byte("y")) {
		t.Error("ids coincide")
	}
}

// The fields of a text on the wire, and no others.
func TestNewTextFields(t *testing.T) {
	for name, want := range map[string][]protowire.Number{
		"":      {1, 2, 3, 6, 7, 8, 15},
		"Alice": {1, 2, 3, 6, 7, 8, 14, 15},
	} {
		b, err := EncodeChatMessage(NewText(TextParams{Text: "hi", ChatID: "0x04", Clock: 2, Timestamp: 1, DisplayName: name}))
		if err != nil {
			t.Fatal(err)
		}
		var got []protowire.Number
		for len(b) > 0 {
			number, _, n := protowire.ConsumeField(b)
			if n < 0 {
				t.Fatal("not protobuf")
			}
			got, b = append(got, number), b[n:]
		}
		if len(got) != len(want) {
			t.Fatalf("display name %q: fields %d, want %d", name, got, want)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("display name %q: fields %d, want %d", name, got, want)
			}
		}
	}
	if _, err := EncodeChatMessage(NewText(TextParams{Text: "\xff"})); !errors.Is(err, ErrTextEncoding) {
		t.Errorf("encoded what is not UTF-8: %v", err)
	}
}

func TestValidateText(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"empty":                     {"", ErrTextEmpty},
		"spaces":                    {" \t\r\n", ErrTextEmpty},
		"unicode spaces":            {"\u00a0\u2003\u3000\u2028\u0085", ErrTextEmpty},
		"not UTF-8":                 {"a\xc3", ErrTextEncoding},
		"surrogate":                 {"\xed\xa0\x80", ErrTextEncoding},
		"one letter":                {"a", nil},
		"padded":                    {"  a  ", nil},
		"4096 emoji":                {strings.Repeat("😀", MaxTextLength), nil},
		"4097 letters":              {strings.Repeat("a", MaxTextLength+1), ErrTextTooLong},
		"4097 with spaces":          {"a" + strings.Repeat(" ", MaxTextLength), ErrTextTooLong},
		"right to left":             {"שלום עולם", nil},
		"4097 spaces":               {strings.Repeat(" ", MaxTextLength+1), ErrTextEmpty},
		"too long and not UTF-8":    {strings.Repeat("a", MaxTextLength) + "\xff", ErrTextEncoding},
		"4096 two-byte code points": {strings.Repeat("é", MaxTextLength), nil},
	} {
		if err := ValidateText(c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestValidateChatMessage(t *testing.T) {
	good := func() *wire.ChatMessage {
		return NewText(TextParams{Text: "hi", ChatID: newKey(t).Public().Hex(), Clock: 1_700_000_000_000, Timestamp: 1_700_000_000_000})
	}
	for name, c := range map[string]struct {
		change func(*wire.ChatMessage)
		want   error
	}{
		"good":                  {func(*wire.ChatMessage) {}, nil},
		"clock 0":               {func(m *wire.ChatMessage) { m.Clock = 0 }, ErrClock},
		"clock 1":               {func(m *wire.ChatMessage) { m.Clock = 1 }, nil},
		"clock of any year":     {func(m *wire.ChatMessage) { m.Clock = math.MaxUint64 }, nil},
		"timestamp 0":           {func(m *wire.ChatMessage) { m.Timestamp = 0 }, ErrTimestamp},
		"timestamp of long ago": {func(m *wire.ChatMessage) { m.Timestamp = 1 }, nil},
		"no chat id":            {func(m *wire.ChatMessage) { m.ChatId = "" }, ErrChatID},
		"any chat id":           {func(m *wire.ChatMessage) { m.ChatId = "ignored" }, nil},
		"no message type":       {func(m *wire.ChatMessage) { m.MessageType = 0 }, ErrNotOneToOne},
		"group":                 {func(m *wire.ChatMessage) { m.MessageType = wire.MessageType_PRIVATE_GROUP }, ErrNotOneToOne},
		"no content type":       {func(m *wire.ChatMessage) { m.ContentType = 0 }, ErrContentType},
		"sticker without text": {func(m *wire.ChatMessage) {
			m.ContentType, m.Text, m.Payload = wire.ChatMessage_STICKER, "", &wire.ChatMessage_Sticker{Sticker: &wire.StickerMessage{Hash: "ab"}}
		}, nil},
		"sticker without hash": {func(m *wire.ChatMessage) {
			m.ContentType, m.Payload = wire.ChatMessage_STICKER, &wire.ChatMessage_Sticker{Sticker: &wire.StickerMessage{Pack: 1}}
		}, ErrContent},
		"image without bytes": {func(m *wire.ChatMessage) {
			m.ContentType, m.Payload = wire.ChatMessage_IMAGE, &wire.ChatMessage_Image{Image: &wire.ImageMessage{Format: 1}}
		}, ErrContent},
		"audio of another content": {func(m *wire.ChatMessage) {
			m.ContentType, m.Payload = wire.ChatMessage_AUDIO, &wire.ChatMessage_Image{Image: &wire.ImageMessage{Payload: []byte("x")}}
		}, ErrContent},
		"bridge without a network": {func(m *wire.ChatMessage) {
			m.ContentType = wire.ChatMessage_BRIDGE_MESSAGE
			m.Payload = &wire.ChatMessage_BridgeMessage{BridgeMessage: &wire.BridgeMessage{UserName: "u", Content: "c"}}
		}, ErrContent},
		"community without a community": {func(m *wire.ChatMessage) { m.ContentType = wire.ChatMessage_COMMUNITY }, ErrContent},
		"status":                        {func(m *wire.ChatMessage) { m.ContentType = wire.ChatMessage_STATUS }, nil},
		"silent status":                 {func(m *wire.ChatMessage) { m.ContentType, m.Text = wire.ChatMessage_STATUS, "\n" }, ErrTextEmpty},
		"a command":                     {func(m *wire.ChatMessage) { m.ContentType = wire.ChatMessage_TRANSACTION_COMMAND }, ErrContentType},
		"a notice of the app itself": {func(m *wire.ChatMessage) {
			m.ContentType = wire.ChatMessage_SYSTEM_MESSAGE_MUTUAL_EVENT_ACCEPTED
		}, ErrContentType},
		"unknown content":        {func(m *wire.ChatMessage) { m.ContentType, m.Text = 99, "" }, nil},
		"no text":                {func(m *wire.ChatMessage) { m.Text = "" }, ErrTextEmpty},
		"too long":               {func(m *wire.ChatMessage) { m.Text = strings.Repeat("a", MaxTextLength+1) }, ErrTextTooLong},
		"contact request":        {func(m *wire.ChatMessage) { m.ContentType = wire.ChatMessage_CONTACT_REQUEST }, nil},
		"silent contact request": {func(m *wire.ChatMessage) { m.ContentType, m.Text = wire.ChatMessage_CONTACT_REQUEST, " " }, ErrTextEmpty},
	} {
		m := good()
		c.change(m)
		if err := ValidateChatMessage(m); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if err := ValidateChatMessage(nil); err == nil {
		t.Error("no message is a good one")
	}
}

func TestNextClock(t *testing.T) {
	for _, c := range []struct{ last, now, want uint64 }{
		{0, 5, 5}, {5, 5, 6}, {4, 5, 5}, {9, 5, 10}, {0, 0, 1}, {math.MaxUint64, 5, math.MaxUint64}, {math.MaxUint64 - 1, 5, math.MaxUint64},
	} {
		if got := NextClock(c.last, c.now); got != c.want {
			t.Errorf("NextClock(%d, %d) = %d, want %d", c.last, c.now, got, c.want)
		}
	}
}

func TestChatOf(t *testing.T) {
	self, peer := newKey(t).Public(), newKey(t).Public()
	for name, c := range map[string]struct {
		signer key.Public
		chatID string
		want   key.Public
		err    error
	}{
		"from the peer":            {peer, self.Hex(), peer, nil},
		"whatever the peer claims": {peer, "nonsense", peer, nil},
		"from another own device":  {self, peer.Hex(), peer, nil},
		"to oneself":               {self, self.Hex(), self, nil},
		"no 0x":                    {self, strings.TrimPrefix(peer.Hex(), "0x"), key.Public{}, ErrChatID},
		"empty":                    {self, "", key.Public{}, ErrChatID},
		"compressed":               {self, peer.Hex()[:2+66], key.Public{}, ErrChatID},
		"off the curve":            {self, "0x04" + strings.Repeat("1", 128), key.Public{}, ErrChatID},
		"not hex":                  {self, "0x04" + strings.Repeat("g", 128), key.Public{}, ErrChatID},
	} {
		if got, err := ChatOf(self, c.signer, c.chatID); got != c.want || !errors.Is(err, c.err) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}

func FuzzUnwrap(f *testing.F) {
	signer, err := key.ParsePrivate(bytes.Repeat([]byte{1}, key.PrivateSize))
	if err != nil {
		f.Fatal(err)
	}
	for _, typ := range []wire.ApplicationMetadataMessage_Type{1, 15, 24, 4242} {
		b, err := Wrap(signer, typ, []byte("payload"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		app, err := Unwrap(b)
		if (err == nil) == app.Signer.IsZero() {
			t.Fatalf("signer %s with error %v", app.Signer, err)
		}
	})
}

func FuzzChatMessage(f *testing.F) {
	self, err := key.ParsePrivate(bytes.Repeat([]byte{1}, key.PrivateSize))
	if err != nil {
		f.Fatal(err)
	}
	for _, text := range []string{"hi", "שלום", "", " "} {
		f.Add(marshal(f, NewText(TextParams{Text: text, ChatID: self.Public().Hex(), Clock: 1, Timestamp: 1})))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		cm, err := DecodeChatMessage(b)
		if err != nil {
			return
		}
		if err := ValidateChatMessage(cm); err != nil {
			return
		}
		if cm.GetClock() == 0 || cm.GetTimestamp() == 0 || cm.GetChatId() == "" {
			t.Fatalf("accepted %v", cm)
		}
		if cm.GetContentType() == wire.ChatMessage_TEXT_PLAIN && ValidateText(cm.GetText()) != nil {
			t.Fatalf("accepted the text %q", cm.GetText())
		}
		if peer, err := ChatOf(self.Public(), self.Public(), cm.GetChatId()); err == nil && !strings.EqualFold(peer.Hex(), cm.GetChatId()) {
			t.Fatalf("chat id %q is %s", cm.GetChatId(), peer)
		}
	})
}
