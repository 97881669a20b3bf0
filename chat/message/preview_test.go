package message

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/png"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// pngOf is a picture of a size.
func pngOf(t testing.TB, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func urls(rec *wire.MessageRecord) (list []string) {
	for _, p := range rec.GetPreviews() {
		list = append(list, p.GetUrl())
	}
	return list
}

// TestSetPreviews: a preview of a link that is not in the text is none, what it says is cut to
// its bounds, and there are few of each sort.
func TestSetPreviews(t *testing.T) {
	said := "see https://a.example https://b.example/x https://status.app/u#k"
	small := pngOf(t, 4)
	bob := newKey(t).Public()
	rec := &wire.MessageRecord{Text: said}
	SetPreviews(rec, []*wire.UnfurledLink{
		{Url: "https://a.example", Title: " A\u202e title\n", Description: strings.Repeat("d", MaxPreviewText+5), ThumbnailPayload: small, ThumbnailWidth: 4, ThumbnailHeight: 4},
		{Url: "https://evil.example", Title: "not in the text"},
		{Url: "", Title: "no link"},
		{Url: "https://b.example/x", Type: wire.UnfurledLink_IMAGE, ThumbnailPayload: []byte("no picture"), ThumbnailWidth: 9, ThumbnailHeight: 9},
	}, []*wire.UnfurledStatusLink{
		{Url: "https://status.app/u#k", Payload: &wire.UnfurledStatusLink_Contact{Contact: &wire.UnfurledStatusContactLink{
			PublicKey: bob.Compressed(), DisplayName: "Bob", Icon: &wire.UnfurledLinkThumbnail{Payload: small, Width: 4, Height: 4},
		}}},
		{Url: "https://status.app/u#k"},
	})
	want := []*wire.PreviewRecord{
		{Url: "https://a.example", Kind: "link", Title: "A title", Description: strings.Repeat("d", MaxPreviewText), Thumbnail: small, ThumbnailWidth: 4, ThumbnailHeight: 4},
		{Url: "https://b.example/x", Kind: "image"},
		{Url: "https://status.app/u#k", Kind: "contact", Title: "Bob", Key: bob.Compressed(), Thumbnail: small, ThumbnailWidth: 4, ThumbnailHeight: 4},
	}
	if !slices.EqualFunc(rec.GetPreviews(), want, func(a, b *wire.PreviewRecord) bool { return proto.Equal(a, b) }) {
		t.Errorf("%v\nwant %v", rec.GetPreviews(), want)
	}

	var many []*wire.UnfurledLink
	for i := range 2 * maxPreviewsRead {
		many = append(many, &wire.UnfurledLink{Url: fmt.Sprintf("http://%d.example", i)})
		said += fmt.Sprintf(" http://%d.example", i)
	}
	rec.Text = said
	SetPreviews(rec, many, nil)
	if len(rec.GetPreviews()) != MaxPreviews {
		t.Errorf("%d previews are kept", len(rec.GetPreviews()))
	}
	rec.Text = many[maxPreviewsRead].GetUrl()
	if SetPreviews(rec, many, nil); len(rec.GetPreviews()) != 0 {
		t.Errorf("a preview is looked at after %d others: %v", maxPreviewsRead, urls(rec))
	}
}

func TestNewPreview(t *testing.T) {
	said, small := "see https://a.example/x and data:x and http://", pngOf(t, 4)
	good := func() *wire.PreviewRecord {
		return &wire.PreviewRecord{
			Url: "https://a.example/x", Kind: PreviewLink, Title: "A", Description: "d", Thumbnail: small, ThumbnailWidth: 4, ThumbnailHeight: 4,
		}
	}
	l, err := NewPreview(good(), said)
	if err != nil {
		t.Fatal(err)
	}
	rec := &wire.MessageRecord{Text: said}
	if SetPreviews(rec, []*wire.UnfurledLink{l}, nil); len(rec.GetPreviews()) != 1 || !proto.Equal(rec.GetPreviews()[0], good()) {
		t.Errorf("it reads back as %v", rec.GetPreviews())
	}
	for name, bad := range map[string]struct {
		err    error
		change func(*wire.PreviewRecord)
	}{
		"not in the text":      {ErrPreviewURL, func(p *wire.PreviewRecord) { p.Url = "https://b.example" }},
		"no web address":       {ErrPreviewURL, func(p *wire.PreviewRecord) { p.Url = "data:x" }},
		"no host":              {ErrPreviewURL, func(p *wire.PreviewRecord) { p.Url = "http://" }},
		"no title":             {ErrPreviewText, func(p *wire.PreviewRecord) { p.Title = " " }},
		"a long title":         {ErrPreviewText, func(p *wire.PreviewRecord) { p.Title = strings.Repeat("a", MaxPreviewTitle+1) }},
		"a long description":   {ErrPreviewText, func(p *wire.PreviewRecord) { p.Description = strings.Repeat("a", MaxPreviewText+1) }},
		"no size":              {ErrPreviewPicture, func(p *wire.PreviewRecord) { p.ThumbnailHeight = 0 }},
		"a size alone":         {ErrPreviewPicture, func(p *wire.PreviewRecord) { p.Thumbnail = nil }},
		"no picture":           {ErrPreviewPicture, func(p *wire.PreviewRecord) { p.Thumbnail = []byte("no picture") }},
		"a picture of 400 KiB": {ErrPreviewPicture, func(p *wire.PreviewRecord) { p.Thumbnail = append(bytes.Clone(small), make([]byte, 400<<10)...) }},
		"no kind":              {ErrPreviewKind, func(p *wire.PreviewRecord) { p.Kind = "" }},
		"a community":          {ErrPreviewKind, func(p *wire.PreviewRecord) { p.Kind = PreviewCommunity }},
	} {
		p := good()
		bad.change(p)
		if _, err := NewPreview(p, said); !errors.Is(err, bad.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	bob := newKey(t).Public()
	p := &wire.PreviewRecord{Url: "https://a.example/x", Kind: PreviewContact, Title: "Bob", Key: bob.Compressed()}
	if l, err := NewStatusPreview(p, said); err != nil || !bytes.Equal(l.GetContact().GetPublicKey(), bob.Compressed()) {
		t.Errorf("%v, %v", l, err)
	}
	p.Key = nil
	if _, err := NewStatusPreview(p, said); !errors.Is(err, ErrPreviewKey) {
		t.Errorf("a contact without a key: %v", err)
	}
}

// FuzzFill: what is read of any ChatMessage that is accepted is within its bounds, and reading
// the text of the record again comes to the same.
func FuzzFill(f *testing.F) {
	self := newKey(f).Public()
	p := ChatParams{TextParams: TextParams{Text: "@0x00001 https://a.example", ChatID: self.Hex(), Clock: 1, Timestamp: 1}, ReplyTo: FormatID([32]byte{1})}
	for _, change := range []func(*ChatParams){
		func(*ChatParams) {},
		func(p *ChatParams) { p.Sticker = &wire.StickerMessage{Hash: "ab", Pack: 1} },
		func(p *ChatParams) { p.Image = &wire.ImageMessage{Payload: []byte("x"), Format: 1, AlbumId: "a"} },
		func(p *ChatParams) { p.Audio = &wire.AudioMessage{Payload: []byte("x"), Type: 1} },
		func(p *ChatParams) { p.Text = "😀" },
		func(p *ChatParams) { p.ContentType = wire.ChatMessage_STATUS },
		func(p *ChatParams) {
			p.Links = []*wire.UnfurledLink{{Url: "https://a.example", Title: "t", ThumbnailPayload: pngOf(f, 2), ThumbnailWidth: 2, ThumbnailHeight: 2}}
			p.StatusLinks = []*wire.UnfurledStatusLink{{Url: "https://a.example", Payload: &wire.UnfurledStatusLink_Channel{
				Channel: &wire.UnfurledStatusChannelLink{DisplayName: "c"},
			}}}
		},
	} {
		next := p
		change(&next)
		f.Add(marshal(f, NewChatMessage(next)))
	}
	bridge := NewChatMessage(p)
	bridge.ContentType = wire.ChatMessage_BRIDGE_MESSAGE
	bridge.Payload = &wire.ChatMessage_BridgeMessage{BridgeMessage: &wire.BridgeMessage{BridgeName: "discord", UserName: "u", Content: "c"}}
	f.Add(marshal(f, bridge))
	f.Fuzz(func(t *testing.T, b []byte) {
		cm, err := DecodeChatMessage(b)
		if err != nil || ValidateChatMessage(cm) != nil {
			return
		}
		rec := &wire.MessageRecord{}
		Fill(rec, cm, self)
		size := proto.Size(rec)
		if size > 4*MaxTextLength+2*MaxPreviews*(MaxPreviewURL+4*(MaxPreviewTitle+MaxPreviewText)+MaxPreviewInline+200)+MaxMentions*50+4096 {
			t.Fatalf("the record has %d bytes", size)
		}
		if len(rec.GetPreviews()) > 2*MaxPreviews || len(rec.GetMentions()) > MaxMentions || utf8.RuneCountInString(rec.GetText()) > MaxTextLength {
			t.Fatalf("past a bound: %v", rec)
		}
		again := proto.CloneOf(rec)
		if SetText(again, rec.GetText(), self); !proto.Equal(again, rec) {
			t.Fatalf("%v\nread again %v", rec, again)
		}
	})
}
