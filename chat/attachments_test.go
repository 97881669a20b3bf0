package chat_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
)

// photo is a JPEG of so many pixels a side that does not compress well; secret is in its
// comment.
func photo(t testing.TB, side int) []byte {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(side), 1))
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for i := range img.Pix {
		img.Pix[i] = byte(r.Uint32()) | byte(i%4/3*255)
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	comment := append([]byte{0xff, 0xfe, 0, byte(2 + len(photoSecret))}, photoSecret...)
	return append(append([]byte{0xff, 0xd8}, comment...), b.Bytes()[2:]...)
}

const photoSecret = "52.5200N 13.4050E"

// drawing is a small PNG.
func drawing(t testing.TB, shade uint8) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, 40, 20))
	for i := range 800 {
		img.Set(i%40, i/40, color.RGBA{shade, uint8(i), 0, 255})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// attach sends attachments.
func (p *person) attach(to *person, text string, list ...chat.AttachmentRequest) event.Message {
	p.t.Helper()
	m, err := p.Send(context.Background(), chat.SendRequest{To: to.key(), Text: text, Attachments: list})
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return m
}

// whole reads an attachment.
func (p *person) whole(at event.Attachment) []byte {
	p.t.Helper()
	var b bytes.Buffer
	if n, err := p.WriteAttachment(&b, mustID(p.t, at.ID)); err != nil || n != at.Size {
		p.t.Fatalf("%s reads %d bytes of %d: %v", p.name, n, at.Size, err)
	}
	return b.Bytes()
}

// A picture arrives as it was sent, without the metadata of its file, and both sides read it.
// The receiver decodes it when asked, and not before.
func TestPictureArrives(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 31})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	acquaint(alice, bob)
	sent := alice.attach(bob, "look", chat.AttachmentRequest{Data: drawing(t, 200), Name: "a/b.png"})
	if len(sent.Attachments) != 1 || sent.Kind != "image" || sent.Text != "look" || sent.Album != "" {
		t.Fatalf("sent %+v", sent)
	}
	own := sent.Attachments[0]
	if own.Name != "a_b.png" || own.MIME != "image/png" || own.Width != 40 || own.Height != 20 || own.State != "stored" || len(own.Thumbnail) == 0 || own.Blurhash == "" {
		t.Errorf("sent %+v", own)
	}
	got := bob.waitText("look").Message
	if got.ID != sent.ID || got.Kind != "image" || len(got.Attachments) != 1 {
		t.Fatalf("received %+v", got)
	}
	at := got.Attachments[0]
	if at.ID != own.ID || at.MIME != own.MIME || at.Size != own.Size || at.State != "stored" || at.Thumbnail != nil || at.Blurhash != "" || at.Width != 40 {
		t.Errorf("received %+v", at)
	}
	if !bytes.Equal(bob.whole(at), alice.whole(own)) || !bytes.Equal(bob.whole(at), drawing(t, 200)) {
		t.Error("another picture came")
	}
	shown, err := bob.PreviewAttachment(mustID(t, at.ID))
	if err != nil || shown.Blurhash != own.Blurhash || len(shown.Thumbnail) == 0 {
		t.Fatalf("%+v, %v", shown, err)
	}
	changed := wait(bob, "the preview", func(e event.MessageChanged) bool { return e.Message.ID == got.ID })
	if changed.Cause != "attachment" || changed.Message.Attachments[0].Blurhash != own.Blurhash {
		t.Errorf("%+v", changed)
	}
	alice.waitState(sent.ID, "delivered")
	checked(t, alice)
	checked(t, bob)
}

// A text is not needed beside a picture, and a recording has none if none is given.
func TestAttachmentsWithoutText(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 32})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	acquaint(alice, bob)
	for kind, data := range map[string][]byte{"image": drawing(t, 1), "audio": recording(50)} {
		sent := alice.attach(bob, "", chat.AttachmentRequest{Data: data})
		got := wait(bob, kind, func(e event.MessageReceived) bool { return e.Message.ID == sent.ID }).Message
		if string(got.Kind) != kind || got.Text != "" || len(got.Attachments) != 1 || !bytes.Equal(bob.whole(got.Attachments[0]), data) {
			t.Errorf("%s: received %+v", kind, got)
		}
		if d := got.Attachments[0].DurationMS; (kind == "audio") != (d == 1160) {
			t.Errorf("%s lasts %d ms", kind, d)
		}
	}
}

// recording is some frames of AAC, of silence that no decoder has to like.
func recording(frames int) (b []byte) {
	for range frames {
		b = append(b, 0xff, 0xf1, 0x50, 0x80, 27>>3, 27<<5&0xff|0x1f, 0xfc)
		b = append(b, make([]byte, 20)...)
	}
	return b
}

// Several pictures are an album: a message each, with the same text, in their order.
func TestAlbum(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 33})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	acquaint(alice, bob)
	sent := alice.attach(bob, "holidays", chat.AttachmentRequest{Data: drawing(t, 1)}, chat.AttachmentRequest{Data: drawing(t, 2)}, chat.AttachmentRequest{Data: drawing(t, 3)})
	if sent.Album == "" {
		t.Fatalf("sent %+v", sent)
	}
	for range 3 {
		wait(bob, "a picture", func(e event.MessageReceived) bool {
			return e.Message.Album == sent.Album && e.Message.Text == "holidays"
		})
	}
	for _, p := range []*person{alice, bob} {
		list, err := p.Album(mustID(t, sent.ID))
		if err != nil || len(list) != 3 || list[0].ID != sent.ID {
			t.Fatalf("%s has %d pictures: %v", p.name, len(list), err)
		}
		for i, m := range list {
			if !bytes.Equal(p.whole(m.Attachments[0]), drawing(t, uint8(i+1))) {
				t.Errorf("%s: picture %d is another one", p.name, i)
			}
		}
	}
	alone := alice.send(bob, "no picture")
	if list, err := alice.Album(mustID(t, alone.ID)); err != nil || len(list) != 1 {
		t.Errorf("%d messages, %v", len(list), err)
	}
	checked(t, alice)
	checked(t, bob)
}

// A large picture is made smaller, and with original it is sent whole, in segments. None of
// the metadata of its file is sent.
func TestLargePictures(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 34})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	acquaint(alice, bob)
	data := photo(t, 1500)
	if !bytes.Contains(data, []byte(photoSecret)) || len(data) < 2_000_000 {
		t.Fatalf("a photo of %d bytes", len(data))
	}
	small := alice.attach(bob, "small", chat.AttachmentRequest{Data: data})
	if at := small.Attachments[0]; at.Size > 350_000 || at.MIME != "image/jpeg" {
		t.Errorf("%d bytes", at.Size)
	}
	large := alice.attach(bob, "large", chat.AttachmentRequest{Data: data, Original: true})
	if at := large.Attachments[0]; at.Size < 2_000_000 || at.Width != 1500 {
		t.Errorf("%d bytes", at.Size)
	}
	for _, text := range []string{"small", "large"} {
		m := bob.waitText(text).Message
		got := bob.whole(m.Attachments[0])
		if bytes.Contains(got, []byte(photoSecret)) {
			t.Errorf("the %s picture tells where it was taken", text)
		}
		if _, err := jpeg.Decode(bytes.NewReader(got)); err != nil {
			t.Errorf("the %s picture: %v", text, err)
		}
	}
	checked(t, bob)
}

// What cannot be sent says why, and nothing is stored.
func TestBadAttachments(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 35})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	for cause, list := range map[string][]chat.AttachmentRequest{
		"format":    {{Data: []byte("%PDF-1.7")}},
		"damaged":   {{Data: drawing(t, 1)[:100]}},
		"too_large": {{Data: append(drawing(t, 1), make([]byte, chat.MaxAttachmentInput)...)}},
		"album":     {{Data: drawing(t, 1)}, {Data: recording(2)}},
	} {
		_, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "x", Attachments: list})
		wantCode(t, cause, err, chat.CodeBadAttachment, "attachments")
		if got := detail(err, "cause"); got != cause {
			t.Errorf("%s: the cause is %v", cause, got)
		}
	}
	many := make([]chat.AttachmentRequest, chat.MaxAttachments+1)
	_, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Attachments: many})
	wantCode(t, "many", err, chat.CodeTooMany, "attachments")
	_, err = alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "  ", Attachments: []chat.AttachmentRequest{{Data: drawing(t, 1)}}})
	wantCode(t, "blank", err, chat.CodeEmpty, "text")
	_, err = alice.ReadAttachment([32]byte{1}, 0, 1)
	wantCode(t, "unknown", err, chat.CodeNotFound, "attachment_id")
	_, err = alice.ReadAttachment([32]byte{1}, -1, 1)
	wantCode(t, "offset", err, chat.CodeBadParams, "limit")
	_, err = alice.PreviewAttachment([32]byte{1})
	wantCode(t, "unknown", err, chat.CodeNotFound, "attachment_id")
	if d, err := alice.Diagnostics(); err != nil || d.Outbox != 0 {
		t.Errorf("%d messages are sent: %v", d.Outbox, err)
	}
}

// With the same client_ref and the same pictures nothing is sent again; with others it is
// refused.
func TestAttachmentsByClientRef(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 36})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	request := chat.SendRequest{To: bob.key(), ClientRef: "one", Attachments: []chat.AttachmentRequest{{Data: drawing(t, 1)}, {Data: drawing(t, 2)}}}
	first, err := alice.Send(context.Background(), request)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := alice.Send(context.Background(), request); err != nil || again.ID != first.ID || again.Album != first.Album {
		t.Errorf("%+v, %v", again, err)
	}
	request.Attachments[1].Data = drawing(t, 3)
	_, err = alice.Send(context.Background(), request)
	wantCode(t, "another picture", err, chat.CodeClientRefReused, "client_ref")
}

// detail is a detail of an error.
func detail(err error, name string) any {
	e, ok := err.(*chat.Error)
	if !ok {
		return nil
	}
	return e.Details[name]
}

// The picture of a preview is beside its message if it is large, goes with it, and is not kept
// of a stranger.
func TestLargePreviews(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 40})
	alice, bob, eve := newPerson(t, "alice", net), newPerson(t, "bob", net), newPerson(t, "eve", net)
	acquaint(alice, bob)
	thumbnail := photo(t, 100)
	say := func(from *person) event.Message {
		m, err := from.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: "see https://status.app", Previews: []event.Preview{{
			URL: "https://status.app", Kind: "link", Title: "Status", Thumbnail: thumbnail, ThumbnailWidth: 100, ThumbnailHeight: 100,
		}}})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	sent := say(alice)
	got := bob.waitText(sent.Text).Message
	for p, m := range map[*person]event.Message{alice: sent, bob: got} {
		if len(m.Previews) != 1 || m.Previews[0].Thumbnail != nil || m.Previews[0].ThumbnailID == "" {
			t.Fatalf("%s has %+v", p.name, m.Previews)
		}
		part, err := p.ReadAttachment(mustID(t, m.Previews[0].ThumbnailID), 0, chat.MaxAttachmentPart)
		if err != nil || !bytes.Equal(part.Data, thumbnail) {
			t.Errorf("%s reads %d bytes, %v", p.name, len(part.Data), err)
		}
	}
	if _, err := bob.DeleteMessage(context.Background(), mustID(t, got.ID), false); err != nil {
		t.Fatal(err)
	}
	_, err := bob.ReadAttachment(mustID(t, got.Previews[0].ThumbnailID), 0, 1)
	wantCode(t, "deleted", err, chat.CodeNotFound, "attachment_id")
	say(eve)
	if m := wait(bob, "eve", func(e event.MessageReceived) bool { return e.Message.From == eve.key().Hex() }).Message; len(m.Previews) != 1 || m.Previews[0].ThumbnailID != "" {
		t.Errorf("of a stranger %+v", m.Previews)
	}
	checked(t, alice)
	checked(t, bob)
}
