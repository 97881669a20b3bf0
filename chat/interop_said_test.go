package chat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// notRecorded are the fields that we send and the recorded messages do not have, and why. The
// names are those of groups, or of types, with the beginning of the field.
var notRecorded = map[string]string{
	"CHAT_MESSAGE response_to":                    "any kind may answer",
	"CHAT_MESSAGE unfurled_":                      "nothing recorded has previews",
	"CHAT_MESSAGE any_display_name":               "ours: skipped",
	"CHAT_MESSAGE expir":                          "ours: skipped",
	"EMOJI_REACTION emoji":                        "since 2026; earlier apps skip it",
	"EDIT_MESSAGE unfurled_":                      "nothing recorded has previews",
	"CHAT_IDENTITY images":                        "nothing recorded has a picture",
	"SYNC_CHAT own":                               "ours: skipped",
	"SYNC_CHAT chat":                              "ours: skipped",
	"SYNC_CHAT muted":                             "no recorded chat is muted",
	"SYNC_INSTALLATION_CONTACT_V2 card":           "ours: skipped",
	"SYNC_INSTALLATION_CONTACT_V2 muted":          "no recorded person is muted",
	"SYNC_INSTALLATION_CONTACT_V2 local_nickname": "no recorded person has one",
	"SYNC_PROFILE_PICTURES picture":               "nothing recorded has pictures",
}

// leftOut are the fields that all recorded messages of a group have and some of ours do not.
var leftOut = map[string]string{
	"CHAT_MESSAGE display_name":                     "a name that the app refuses",
	"CHAT_MESSAGE contact_request_propagated_state": "there was no request, or no answer, yet",
	"CHAT_MESSAGE IMAGE text":                       "need not be there",
	"CHAT_MESSAGE IMAGE image.album_":               "the recorded picture is in an album",
	"EMOJI_REACTION type":                           "it has no number: apps before 2026 refuse it",
	"PIN_MESSAGE pinned":                            "unpinned",
	"CHAT_IDENTITY display_name":                    "a name that the app refuses",
	"CHAT_IDENTITY description":                     "there is none",
	"SYNC_INSTALLATION_CONTACT_V2 contact_request":  "there was no request yet",
	"SYNC_PROFILE_PICTURES key_uid":                 "not known of an imported key",
}

func explained(table map[string]string, name, field string) bool {
	for of := range table {
		i := strings.LastIndexByte(of, ' ')
		if strings.HasPrefix(name, of[:i]) && strings.HasPrefix(field, of[i+1:]) {
			return true
		}
	}
	return false
}

// TestSaidToTheStatusApp has an engine say everything that it can, to a person and to a Status
// app of its own identity. No rule refuses any of it, and its fields are those of the recorded
// messages, but for those that are explained.
func TestSaidToTheStatusApp(t *testing.T) {
	w := newWithApp(t)
	own, peer := newListener(w.app, true), newListener(newMallory(t, w.net, w.key()), false)
	presence := tapStatus(t, w.net, w.key())
	var all []heard
	hear := func(what string, enough func() bool) {
		t.Helper()
		eventually(t, what, func() bool {
			all = append(append(all, own.listen()...), peer.listen()...)
			return enough()
		})
	}
	count := func(name string, own bool) (n int) {
		for _, h := range all {
			if h.own == own && group(h.typ, h.body) == name {
				n++
			}
		}
		return n
	}
	defer func() {
		if t.Failed() {
			said := map[string]int{}
			for _, h := range all {
				said[fmt.Sprint(group(h.typ, h.body), " ", h.own)]++
			}
			t.Log("heard, on an own device or not:", said)
		}
	}()
	s := &speaker{t: t, withApp: w, to: peer.public}
	s.meets(peer.mallory)
	s.sends()
	both := func(want map[string]int) func() bool {
		return func() bool {
			for name, n := range want {
				if count(name, false) < n || count(name, true) < n && name != "REQUEST_CONTACT_VERIFICATION" {
					return false
				}
			}
			return true
		}
	}
	hear("all that is sent", both(map[string]int{
		"CHAT_MESSAGE CONTACT_REQUEST": 1, "CHAT_MESSAGE TEXT_PLAIN": 7, "CHAT_MESSAGE EMOJI": 1, "CHAT_MESSAGE STATUS": 1,
		"CHAT_MESSAGE STICKER": 1, "CHAT_MESSAGE IMAGE": 3, "CHAT_MESSAGE AUDIO": 1,
	}))
	s.acts()
	hear("all that is done", both(map[string]int{"EDIT_MESSAGE": 3, "EMOJI_REACTION": 7, "PIN_MESSAGE": 1, "REQUEST_CONTACT_VERIFICATION": 1}))
	s.takesBack()
	hear("all that is taken back", both(map[string]int{"DELETE_MESSAGE": 2, "EMOJI_REACTION": 9, "PIN_MESSAGE": 2}))
	hear("a deletion for oneself", func() bool { return count("SYNC_DELETE_FOR_ME_MESSAGE", true) == 1 })
	s.changes()
	hear("all that own devices are told", func() bool {
		for _, name := range []string{
			"SYNC_PAIR_INSTALLATION", "SYNC_INSTALLATION_CONTACT_V2", "SYNC_CHAT_MESSAGES_READ", "SYNC_CLEAR_HISTORY", "SYNC_CHAT",
			"SYNC_SETTING 13", "SYNC_SETTING 14", "SYNC_PROFILE_PICTURES", "SYNC_VERIFICATION_REQUEST",
		} {
			if count(name, true) == 0 {
				return false
			}
		}
		return count("CONTACT_UPDATE", false) > 0 && count("CHAT_IDENTITY", false) > 1 && presence.number() > 0
	})
	s.do(s.DeleteChat(s.to))
	hear("that the chat is deleted", func() bool { return count("SYNC_CHAT_REMOVED", true) == 1 })
	if n, e := count("DELETE_MESSAGE", false), count("EDIT_MESSAGE", false); n != 2 || e != 3 { // one album is deleted once
		t.Errorf("%d deletions and %d edits", n, e)
	}
	presence.mu.Lock()
	for _, m := range presence.said {
		all = append(all, heard{typ: wire.ApplicationMetadataMessage_STATUS_UPDATE, body: m, at: time.Now()})
	}
	presence.mu.Unlock()
	for _, h := range all {
		if why := h.refusal(peer.public); why != "" {
			t.Errorf("the app refuses %s: %s: %v", group(h.typ, h.body), why, h.body)
		}
	}
	withRecorded(t, all)
}

// withRecorded holds the fields of messages against those of the recorded ones.
func withRecorded(t *testing.T, all []heard) {
	t.Helper()
	recorded := recordedFields(t)
	for _, h := range all {
		name := group(h.typ, h.body)
		want, known := recorded[name]
		if !known {
			continue
		}
		has := map[string]string{}
		shapes(h.body.ProtoReflect(), "", has)
		for field, shape := range has {
			switch like, there := want.shapes[field]; {
			case !there && !explained(notRecorded, name, field):
				t.Errorf("%s: nothing recorded has %s", name, field)
			case there && !slices.Contains(like, shape):
				t.Errorf("%s: %s is a %s, recorded are %v", name, field, shape, like)
			}
		}
		for field := range want.always {
			if has[field] == "" && !explained(leftOut, name, field) {
				t.Errorf("%s: %s is left out, which all recorded ones have", name, field)
			}
		}
	}
}

// speaker has an engine say everything to somebody.
type speaker struct {
	t *testing.T
	*withApp
	to  key.Public
	one [32]byte // theirs
	// Ours: a picture of an album, a text, one with links, and one that is deleted.
	album, text, linked, gone [32]byte
}

func (s *speaker) do(_ any, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *speaker) send(r chat.SendRequest) [32]byte {
	s.t.Helper()
	r.To = s.to
	m, err := s.Send(context.Background(), r)
	s.do(m, err)
	return mustID(s.t, m.ID)
}

// meets asks somebody to be a contact, who agrees, under a name that the app does not take.
func (s *speaker) meets(m *mallory) {
	s.t.Helper()
	name := "Zoë"
	s.do(s.SetProfile(chat.ProfileChange{DisplayName: &name}))
	s.net.Inject(m.envelope(m.encrypted(nil, nil)))
	s.do(s.AddContact(s.to, "Peer"))
	s.send(chat.SendRequest{Text: "to somebody who was not asked"})
	s.do(s.RequestContact(context.Background(), s.to, "hello"))
	clock := uint64(time.Now().UnixMilli())
	m.tells(wire.ApplicationMetadataMessage_CHAT_MESSAGE, message.NewText(message.TextParams{
		Text: "one", ChatID: m.victim.Hex(), Clock: clock, Timestamp: clock, DisplayName: "Their name",
		Contact: &wire.ContactRequestPropagatedState{LocalClock: clock, LocalState: 2},
	}))
	s.one = mustID(s.t, s.waitText("one").Message.ID)
}

const links = "see https://a.example and https://status.app/u#b"

// sends sends each kind of message.
func (s *speaker) sends() {
	s.t.Helper()
	picture := chat.AttachmentRequest{Data: drawing(s.t, 7), Name: "d.png"}
	minute := uint32(60)
	s.text = s.send(chat.SendRequest{Text: "a reply", ReplyTo: &s.one})
	s.send(chat.SendRequest{Text: "😀👨‍👩‍👧"})
	s.send(chat.SendRequest{Text: "at the sea", Kind: "status"})
	s.send(chat.SendRequest{Sticker: &event.Sticker{Hash: "0xab", Pack: 2}, ReplyTo: &s.one})
	s.send(chat.SendRequest{Text: "(Bob) and BobBob", Mentions: []event.Mention{
		{From: 1, Length: 3, Key: s.to.Hex()}, {From: 10, Length: 3, Key: s.to.Hex()}, {From: 13, Length: 3, Key: s.to.Hex()},
	}})
	s.send(chat.SendRequest{Text: "expires", ExpiresIn: &minute})
	s.album = s.send(chat.SendRequest{Text: "an album", Attachments: []chat.AttachmentRequest{picture, {Data: drawing(s.t, 8)}}})
	s.send(chat.SendRequest{Attachments: []chat.AttachmentRequest{{Data: photo(s.t, 100)}}, ReplyTo: &s.one})
	s.send(chat.SendRequest{Attachments: []chat.AttachmentRequest{{Data: recording(80)}}})
	s.linked = s.send(chat.SendRequest{Text: links, Previews: []event.Preview{
		{URL: "https://a.example", Kind: "link", Title: "A", Description: "about", Thumbnail: drawing(s.t, 9), ThumbnailWidth: 40, ThumbnailHeight: 20},
		{URL: "https://status.app/u#b", Kind: "contact", Title: "Bob", Key: s.to.Hex()},
	}})
	s.gone = s.send(chat.SendRequest{Text: "to be deleted"})
	s.do(s.SetTimer(s.to, 86400))
	s.send(chat.SendRequest{Text: "with the timer of the chat"})
}

// acts edits, reacts, pins and asks.
func (s *speaker) acts() {
	s.t.Helper()
	ctx := context.Background()
	s.do(s.EditMessage(ctx, s.linked, links+", corrected"))
	s.do(s.EditMessage(ctx, s.album, "an album, corrected")) // two edits
	for _, emoji := range []string{"❤️", "👍", "👎", "😂", "😢", "😠", "🎅🏾"} {
		s.do(s.React(ctx, s.one, emoji, false))
	}
	s.do(s.Pin(ctx, s.one, true))
	s.do(s.AskContact(s.to, "what is blue?"))
}

// takesBack deletes, retracts and unpins.
func (s *speaker) takesBack() {
	s.t.Helper()
	ctx := context.Background()
	s.do(s.DeleteMessage(ctx, s.gone, true))
	s.do(s.DeleteMessage(ctx, s.album, true)) // one deletion
	s.do(s.React(ctx, s.one, "👍", true))
	s.do(s.React(ctx, s.one, "🎅🏾", true))
	s.do(s.Pin(ctx, s.one, false))
	s.do(s.DeleteMessage(ctx, s.text, false))
}

// changes changes what own devices are told, and the profile.
func (s *speaker) changes() {
	s.t.Helper()
	name, bio, picture := "Zoe Miller", "a bio", smallPicture(3)
	s.do(s.MarkRead(s.to, nil))
	s.do(s.MuteChat(s.to, true, 0))
	s.do(s.RenameDevice(s.installation(), "Old phone"))
	s.do(s.SetProfile(chat.ProfileChange{DisplayName: &name, Bio: &bio, Picture: &picture}))
	s.do(s.SetPresence("do_not_disturb", "busy"))
	s.send(chat.SendRequest{Text: "under another name"})
	s.do(s.ClearChat(s.to))
}
