package chat_test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
)

// TestSendKinds: what is sent of each kind is what is listed by both sides.
func TestSendKinds(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	first := alice.send(bob, "first")
	bob.waitText("first")
	target := mustID(t, first.ID)
	var small bytes.Buffer
	if err := png.Encode(&small, image.NewGray(image.Rect(0, 0, 3, 2))); err != nil {
		t.Fatal(err)
	}
	to := bob.key()
	for name, c := range map[string]struct {
		request chat.SendRequest
		want    event.Message
	}{
		"answer": {chat.SendRequest{Text: "yes", ReplyTo: &target}, event.Message{Kind: "text", Text: "yes", ReplyTo: first.ID}},
		"emoji":  {chat.SendRequest{Text: "👍🏽 🎉"}, event.Message{Kind: "emoji", Text: "👍🏽 🎉"}},
		"status": {chat.SendRequest{Text: "at the sea", Kind: "status"}, event.Message{Kind: "status", Text: "at the sea"}},
		"sticker": {
			chat.SendRequest{Sticker: &event.Sticker{Hash: "0xab", Pack: 2}, ReplyTo: &target},
			event.Message{Kind: "sticker", Sticker: &event.Sticker{Hash: "0xab", Pack: 2}, ReplyTo: first.ID},
		},
		"mention": {
			chat.SendRequest{Text: "hello Bob, all", Mentions: []event.Mention{{From: 6, Length: 3, Key: to.Hex()}, {From: 11, Length: 3}}},
			event.Message{
				Kind: "text", Text: "hello @" + to.Hex() + ", @0x00001",
				Mentions: []event.Mention{{From: 6, Length: 133, Key: to.Hex()}, {From: 141, Length: 8}},
			},
		},
		"preview": {
			chat.SendRequest{Text: "see https://a.example and https://status.app/u#b", Previews: []event.Preview{
				{URL: "https://a.example", Kind: "link", Title: "A", Description: "about", Thumbnail: small.Bytes(), ThumbnailWidth: 3, ThumbnailHeight: 2},
				{URL: "https://status.app/u#b", Kind: "contact", Title: "Bob", Key: to.Hex()},
			}},
			event.Message{Kind: "text", Text: "see https://a.example and https://status.app/u#b", Previews: []event.Preview{
				{URL: "https://a.example", Kind: "link", Title: "A", Description: "about", Thumbnail: small.Bytes(), ThumbnailWidth: 3, ThumbnailHeight: 2},
				{URL: "https://status.app/u#b", Kind: "contact", Title: "Bob", Key: to.Hex()},
			}},
		},
	} {
		c.request.To = to
		sent, err := alice.Send(t.Context(), c.request)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		id := mustID(t, sent.ID)
		got := wait(bob, name, func(e event.MessageReceived) bool { return e.Message.ID == sent.ID }).Message
		listed, err := bob.Message(id)
		if err != nil {
			t.Fatal(err)
		}
		for side, m := range map[string]event.Message{"the sender": sent, "the receiver": got, "the receiver's list": listed} {
			said := event.Message{
				Kind: m.Kind, Text: m.Text, ReplyTo: m.ReplyTo, Sticker: m.Sticker, Mentions: m.Mentions, Previews: m.Previews,
			}
			if !reflect.DeepEqual(said, c.want) {
				t.Errorf("%s: %s has %+v\nwant %+v", name, side, said, c.want)
			}
		}
	}
	if c, err := bob.Chat(alice.key()); err != nil || c.Mentions != 1 {
		t.Errorf("bob has %d mentions, %v", c.Mentions, err)
	}
	alice.sound()
	bob.sound()
}

// TestSendRefused: what cannot be sent is refused with its field, and nothing is stored of it.
func TestSendRefused(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 1})
	alice, bob, carol := newPerson(t, "alice", net), newPerson(t, "bob", net), newPerson(t, "carol", net)
	elsewhere := mustID(t, alice.send(carol, "to somebody else").ID)
	nothing := [32]byte{1}
	previews := make([]event.Preview, message.MaxPreviews+1)
	for i := range previews {
		previews[i] = event.Preview{URL: "https://a.example", Kind: "link", Title: "A"}
	}
	for name, c := range map[string]struct {
		request chat.SendRequest
		code    chat.Code
		field   string
	}{
		"an answer to nothing":           {chat.SendRequest{Text: "t", ReplyTo: &nothing}, chat.CodeNotFound, "reply_to"},
		"an answer to somebody else":     {chat.SendRequest{Text: "t", ReplyTo: &elsewhere}, chat.CodeNotFound, "reply_to"},
		"a kind that is not chosen":      {chat.SendRequest{Text: "t", Kind: "sticker"}, chat.CodeBadParams, "kind"},
		"a sticker with a text":          {chat.SendRequest{Text: "t", Sticker: &event.Sticker{Hash: "ab"}}, chat.CodeBadParams, "sticker"},
		"a sticker without a hash":       {chat.SendRequest{Sticker: &event.Sticker{Hash: " "}}, chat.CodeBadParams, "sticker.hash"},
		"nothing at all":                 {chat.SendRequest{}, chat.CodeEmpty, "text"},
		"a mention outside":              {chat.SendRequest{Text: "t", Mentions: []event.Mention{{From: 1, Length: 1}}}, chat.CodeBadParams, "mentions"},
		"a mention of no key":            {chat.SendRequest{Text: "t", Mentions: []event.Mention{{From: 0, Length: 1, Key: "0x04"}}}, chat.CodeBadKey, "mentions"},
		"a preview of another link":      {chat.SendRequest{Text: "https://b.example", Previews: previews[:1]}, chat.CodeBadParams, "previews"},
		"a contact without a key":        {chat.SendRequest{Text: "https://a.example", Previews: []event.Preview{{URL: "https://a.example", Kind: "contact"}}}, chat.CodeBadParams, "previews"},
		"too many previews":              {chat.SendRequest{Text: "https://a.example", Previews: previews}, chat.CodeTooMany, "previews"},
		"mentions that make it too long": {chat.SendRequest{Text: strings.Repeat("a ", message.MaxTextLength/2), Mentions: []event.Mention{{From: 0, Length: 1}}}, chat.CodeTooLong, "text"},
	} {
		c.request.To = bob.key()
		_, err := alice.Send(t.Context(), c.request)
		e := (*chat.Error)(nil)
		if chat.CodeOf(err) != c.code || !errors.As(err, &e) || e.Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
	}
	if page, err := alice.Messages(bob.key(), chat.PageRequest{}); err != nil || len(page.Items) != 0 {
		t.Errorf("stored: %+v, %v", page.Items, err)
	}
	// A client_ref stands for all that is said, not for the text alone.
	target := mustID(t, alice.send(bob, "first").ID)
	request := chat.SendRequest{To: bob.key(), Text: "yes", ReplyTo: &target, ClientRef: "ref"}
	sent, err := alice.Send(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := alice.Send(t.Context(), request); err != nil || again.ID != sent.ID {
		t.Errorf("sent again: %+v, %v", again, err)
	}
	request.ReplyTo = nil
	if _, err := alice.Send(t.Context(), request); chat.CodeOf(err) != chat.CodeClientRefReused {
		t.Errorf("with the same client_ref: %v", err)
	}
}
