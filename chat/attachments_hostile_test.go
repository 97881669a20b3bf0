package chat_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// picture is an MVDS message of mallory's with an image.
func (m *mallory) picture(text string, image *wire.ImageMessage) datasync.Message {
	m.n++
	cm := message.NewChatMessage(message.ChatParams{TextParams: message.TextParams{
		Text: text, ChatID: m.victim.Hex(), Clock: uint64(m.sentAt()), Timestamp: uint64(time.Now().UnixMilli()),
	}, Image: image})
	encoded, err := message.EncodeChatMessage(cm)
	if err != nil {
		m.t.Fatal(err)
	}
	application, err := message.Wrap(m.self.Identity, wire.ApplicationMetadataMessage_CHAT_MESSAGE, encoded)
	if err != nil {
		m.t.Fatal(err)
	}
	return datasync.Message{GroupID: datasync.GroupID(m.public, m.victim), Timestamp: time.Now().Unix(), Body: application}
}

// bombPNG is a picture of 60,000 pixels a side in a hundred bytes.
func bombPNG() []byte {
	chunk := func(name string, body []byte) []byte {
		b := append([]byte(name), body...)
		return binary.BigEndian.AppendUint32(append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), b...), crc32.ChecksumIEEE(b))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 60000), 60000)
	b := append([]byte("\x89PNG\r\n\x1a\n"), chunk("IHDR", append(head, 8, 2, 0, 0, 0))...)
	return append(append(b, chunk("IDAT", []byte("x"))...), chunk("IEND", nil)...)
}

// What a contact sends that is not what it says, or would be a bomb, is kept as bytes and is
// never decoded; it says so.
func TestHostilePictures(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	if _, err := b.victim.AddContact(m.public, ""); err != nil {
		t.Fatal(err)
	}
	for text, c := range map[string]struct {
		image *wire.ImageMessage
		mime  string
		state enum.AttachmentState
	}{
		"a script":       {&wire.ImageMessage{Payload: []byte("<script>"), Format: wire.ImageFormat_PNG, Width: 5, Height: 5}, "application/octet-stream", "unchecked"},
		"another format": {&wire.ImageMessage{Payload: drawing(t, 1), Format: wire.ImageFormat_JPEG}, "image/png", "unchecked"},
		"a bomb":         {&wire.ImageMessage{Payload: bombPNG(), Format: wire.ImageFormat_PNG}, "image/png", "unchecked"},
		"half a picture": {&wire.ImageMessage{Payload: drawing(t, 1)[:90], Format: wire.ImageFormat_PNG}, "image/png", "unchecked"},
		"a lying size":   {&wire.ImageMessage{Payload: drawing(t, 1), Format: wire.ImageFormat_PNG, Width: 1 << 31, Height: 3, AlbumId: string(make([]byte, 1000)), AlbumImagesCount: 1 << 31}, "image/png", "stored"},
	} {
		b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.picture(text, c.image)}}), nil)))
		got := b.victim.waitText(text).Message
		if len(got.Attachments) != 1 || got.Kind != "image" || got.Album != "" {
			t.Fatalf("%s: %+v", text, got)
		}
		at := got.Attachments[0]
		if at.MIME != c.mime || at.State != c.state || !bytes.Equal(b.victim.whole(at), c.image.GetPayload()) || at.Thumbnail != nil {
			t.Errorf("%s: %+v", text, at)
		}
		if c.state == "stored" {
			if at.Width != 40 || at.Height != 20 {
				t.Errorf("%s has %d times %d pixels", text, at.Width, at.Height)
			}
		} else if _, err := b.victim.PreviewAttachment(mustID(t, at.ID)); text != "another format" {
			wantCode(t, text, err, chat.CodeBadAttachment, "attachment_id")
		}
	}
	checked(t, b.victim)
}

// A stranger leaves no more pictures than texts: what does not fit is not acknowledged, and
// nothing of it is kept.
func TestStrangersPicturesAreBounded(t *testing.T) {
	b := newBesieged(t)
	m := newMallory(t, b.net, b.victim.key())
	m.learn(b.envelopes())
	small := append(drawing(t, 1), make([]byte, 20_000)...)
	inject := func(text string, payload []byte) {
		b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{
			m.picture(text, &wire.ImageMessage{Payload: payload, Format: wire.ImageFormat_PNG}),
		}}), nil)))
	}
	for range 3 {
		inject("fits", small)
		b.victim.waitText("fits")
	}
	inject("one too many", small)
	inject("large", append(drawing(t, 1), make([]byte, chat.MaxStrangerBytes)...))
	b.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("a word")}}), nil)))
	b.victim.waitText("a word")
	if c, err := b.victim.Chat(m.public); err != nil || c.Messages != 4 {
		t.Errorf("%d messages, %v", c.Messages, err)
	}
	if n := len(records(t, b.store, "attachment_chunks")); n != 3 {
		t.Errorf("%d chunks", n)
	}
	if d, err := b.victim.Diagnostics(); err != nil || d.Dropped["stranger_messages"] != 2 {
		t.Errorf("%v, %v", d.Dropped, err)
	}
	checked(t, b.victim)
}

// What is cleared, deleted or expires leaves no bytes.
func TestPicturesGoWithTheirChat(t *testing.T) {
	b := newBesieged(t)
	acquaint(b.bob, b.victim)
	b.victim.attach(b.bob, "mine", chat.AttachmentRequest{Data: photo(t, 300), Original: true})
	theirs := b.bob.attach(b.victim, "theirs", chat.AttachmentRequest{Data: photo(t, 400), Original: true})
	b.victim.waitText("theirs")
	if n := len(records(t, b.store, "attachment_chunks")); n < 4 {
		t.Fatalf("%d chunks", n)
	}
	if _, err := b.victim.ClearChat(b.bob.key()); err != nil {
		t.Fatal(err)
	}
	_, err := b.victim.ReadAttachment(mustID(t, theirs.Attachments[0].ID), 0, 1)
	wantCode(t, "cleared", err, chat.CodeNotFound, "attachment_id")
	eventually(t, "the bytes to be gone", func() bool {
		return len(records(t, b.store, "attachment_chunks"))+len(records(t, b.store, "attachments"))+len(records(t, b.store, "attachment_erasures")) == 0
	})
	checked(t, b.victim)
}

// A backup has all pictures, whole; merged again it brings nothing.
func TestBackupHasPictures(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 37})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	acquaint(alice, bob)
	large := alice.attach(bob, "large", chat.AttachmentRequest{Data: photo(t, 400), Original: true, Name: "me.jpg"})
	album := alice.attach(bob, "album", chat.AttachmentRequest{Data: drawing(t, 1)}, chat.AttachmentRequest{Data: drawing(t, 2)})
	bob.attach(alice, "theirs", chat.AttachmentRequest{Data: recording(20)})
	theirs := alice.waitText("theirs").Message
	backup := alice.backup()
	laptop := newDevice(t, "laptop", net)
	got := laptop.restore(backup)
	if got.New.Attachments != 4 || got.Refused != 0 {
		t.Fatalf("%+v", got)
	}
	for _, m := range []event.Message{large, album, theirs} {
		have, err := laptop.Message(mustID(t, m.ID))
		if err != nil || len(have.Attachments) != 1 {
			t.Fatalf("%+v, %v", have, err)
		}
		at := have.Attachments[0]
		if at.State != "stored" || at.Name != m.Attachments[0].Name || at.Blurhash != m.Attachments[0].Blurhash || !bytes.Equal(laptop.whole(at), alice.whole(at)) {
			t.Errorf("%+v", at)
		}
	}
	if list, err := laptop.Album(mustID(t, album.ID)); err != nil || len(list) != 2 {
		t.Errorf("an album of %d, %v", len(list), err)
	}
	if again := laptop.restore(backup); again.New != (chat.BackupCounts{}) || again.Known.Attachments != 4 {
		t.Errorf("again %+v", again)
	}
	checked(t, laptop)
}

// A picture of 5 MB goes on where it was interrupted: by a cut network, and by ends of both
// clients at which nothing of the end is stored.
func TestLargePictureGoesOn(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 38})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	acquaint(alice.person, bob.person)
	out, most := 0, 7
	cut := func(e chat.Envelope) error {
		if len(e.Payload) > 50_000 {
			out++
		}
		if out > most {
			return chat.ErrNoPeers
		}
		return nil
	}
	alice.gate.Refuse(cut)
	m := alice.attach(bob.person, "far away", chat.AttachmentRequest{Data: photo(t, 2300), Original: true})
	if m.Attachments[0].Size < 5_000_000 {
		t.Fatalf("%d bytes", m.Attachments[0].Size)
	}
	for range 2 {
		eventually(t, "an interruption", func() bool { return len(alice.gate.Refused()) > 0 })
		checked(t, alice.person)
		alice.kill()
		bob.kill()
		most += 9
		alice.gate.Refuse(cut)
	}
	eventually(t, "an interruption", func() bool { return len(alice.gate.Refused()) > 0 })
	progress := wait(alice.person, "progress", func(e event.MessageProgress) bool { return e.MessageID == m.ID })
	if progress.Done == 0 || progress.Done >= progress.Total {
		t.Errorf("%+v", progress)
	}
	alice.kill()
	got := bob.waitText("far away").Message
	if !bytes.Equal(bob.whole(got.Attachments[0]), alice.whole(m.Attachments[0])) {
		t.Error("another picture came")
	}
	alice.waitState(m.ID, "delivered")
	checked(t, alice.person)
	checked(t, bob.person)
}

// A cancelled picture goes no further, and stays readable here.
func TestCancelledPicture(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 39})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	acquaint(alice.person, bob.person)
	alice.gate.Refuse(func(e chat.Envelope) error {
		if len(e.Payload) > 50_000 {
			return chat.ErrNoPeers
		}
		return nil
	})
	m := alice.attach(bob.person, "no", chat.AttachmentRequest{Data: photo(t, 600), Original: true})
	if _, _, err := alice.Cancel(mustID(t, m.ID)); err != nil {
		t.Fatal(err)
	}
	alice.gate.Refuse(nil)
	alice.send(bob.person, "after it")
	bob.waitText("after it")
	if got, err := alice.Message(mustID(t, m.ID)); err != nil || got.State != "failed" || got.Failure != "cancelled" {
		t.Errorf("%+v, %v", got, err)
	}
	if len(alice.whole(m.Attachments[0])) == 0 {
		t.Error("the picture is gone")
	}
	checked(t, alice.person)
}

// A sync brings the newest pictures, as many bytes as it may; of the others there is what their
// messages say, and their state says that their bytes are not here.
func TestMoveBringsPictures(t *testing.T) {
	s := newMoveSim(t, 3, memnet.Options{})
	s.say(1)
	at := map[string]event.Attachment{}
	for i, text := range []string{"oldest", "older", "newest"} {
		m, err := s.old.Send(context.Background(), chat.SendRequest{
			To: s.people[1].public, Text: text, Attachments: []chat.AttachmentRequest{{Data: photo(t, 700+i), Original: true}},
		})
		if err != nil {
			t.Fatal(err)
		}
		at[text] = m.Attachments[0]
	}
	defer chat.SetSyncedAttachments(uint64(at["newest"].Size + at["older"].Size + 100))()
	s.pair(true)
	s.offer()
	s.accept()
	s.untilSync("done")
	for text, sent := range at {
		got := attachmentIn(t, s.new.Client, s.people[1].public, text)
		want := map[bool]string{true: "missing", false: "stored"}[text == "oldest"]
		if got.ID != sent.ID || got.Blurhash != sent.Blurhash || !bytes.Equal(got.Thumbnail, sent.Thumbnail) || string(got.State) != want {
			t.Errorf("%s: %s, not %s", text, got.State, want)
		}
		var here, there bytes.Buffer
		_, err := s.new.WriteAttachment(&here, mustID(t, sent.ID))
		if text == "oldest" {
			wantCode(t, text, err, chat.CodeNotFound, "attachment_id")
			continue
		}
		if _, errThere := s.old.WriteAttachment(&there, mustID(t, sent.ID)); err != nil || errThere != nil || !bytes.Equal(here.Bytes(), there.Bytes()) {
			t.Errorf("%s: %d bytes, %v", text, here.Len(), err)
		}
	}
	s.checked()
}

// attachmentIn is the attachment of the message with a text.
func attachmentIn(t *testing.T, c *chat.Client, with key.Public, text string) event.Attachment {
	t.Helper()
	page, err := c.Messages(with, chat.PageRequest{Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Items {
		if m.Text == text && len(m.Attachments) == 1 {
			return m.Attachments[0]
		}
	}
	t.Fatalf("there is no %s", text)
	return event.Attachment{}
}

// What is deleted for everyone leaves no bytes on either side.
func TestDeletedPicturesAreGone(t *testing.T) {
	b := newBesieged(t)
	acquaint(b.bob, b.victim)
	mine := b.victim.attach(b.bob, "mine", chat.AttachmentRequest{Data: photo(t, 300), Original: true})
	theirs := b.bob.attach(b.victim, "theirs", chat.AttachmentRequest{Data: photo(t, 400), Original: true})
	b.victim.waitText("theirs")
	b.bob.waitText("mine")
	for author, m := range map[*person]event.Message{b.victim: mine, b.bob: theirs} {
		if _, err := author.DeleteMessage(context.Background(), mustID(t, m.ID), true); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []*person{b.victim, b.bob} {
		for _, m := range []event.Message{mine, theirs} {
			eventually(t, "a deletion", func() bool {
				got, err := p.Message(mustID(t, m.ID))
				_, errRead := p.ReadAttachment(mustID(t, m.Attachments[0].ID), 0, 1)
				return err == nil && got.Deleted != nil && len(got.Attachments) == 0 && chat.CodeOf(errRead) == chat.CodeNotFound
			})
		}
	}
	eventually(t, "the bytes to be gone", func() bool {
		return len(records(t, b.store, "attachment_chunks"))+len(records(t, b.store, "attachments"))+len(records(t, b.store, "attachment_erasures")) == 0
	})
	checked(t, b.victim)
	checked(t, b.bob)
}
