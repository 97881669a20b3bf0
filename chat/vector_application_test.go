package chat_test

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/vectors"
	"libstatus1to1/store"
)

// recorded describes the expected result of one of the messages of application.json, which
// are named by their numbers there.
type recorded struct {
	during string
	// shown is how it is shown in the chat with its author in the end; nil: it is not.
	shown func(t *testing.T, m event.Message)
	// kept: it is kept whole, for a version that can read it.
	kept bool
}

// vectorsOfOthers are what Alice and Carol sent, and our own app until it was paired: all that
// no other device of ours decides about. What is not shown is a state: endOfOthers says what
// all of them come to together, in every order. TestVectorOwnDevices has those from 68 on.
var vectorsOfOthers = map[int]recorded{
	0: {during: "accept"}, 1: {during: "accept"}, 2: {during: "accept"}, // her contact code and profile
	3: {during: "accept"}, // she accepts: both are contacts
	4: {during: "accept"}, // presence automatic, later inactive
	5: {during: "text"},
	6: {during: "text", shown: func(t *testing.T, m event.Message) { // edited twice, then deleted
		if m.Kind != "text" || m.Text != "" || m.Deleted == nil || !m.Deleted.ForEveryone || m.Deleted.By != m.From {
			t.Errorf("the message that was edited and deleted is %+v", m)
		}
	}},
	7: {during: "edit"}, 8: {during: "edit again"},
	9: {during: "reply"},
	10: {during: "reply", shown: func(t *testing.T, m event.Message) {
		if m.Kind != "text" || m.Text != "a reply open" || m.ReplyTo != targetOfLibrary {
			t.Errorf("the reply is %+v", m)
		}
	}},
	11: {during: "reaction 1 to the lib's message"}, 12: {during: "reaction 2 to the lib's message"},
	13: {during: "reaction 3 to the lib's message"}, 14: {during: "reaction 4 to the lib's message"},
	15: {during: "reaction 5 to the lib's message"}, 16: {during: "reaction 6 to the lib's message"},
	17: {during: "reaction retracted"}, 18: {during: "reaction retracted"}, // those of 14 and 15
	19: {during: "emoji message"},
	20: {during: "emoji message", shown: func(t *testing.T, m event.Message) {
		if m.Kind != "emoji" || m.Text != "😀👨‍👩‍👧" {
			t.Errorf("the emoji are %+v", m)
		}
	}},
	21: {during: "sticker"},
	22: {during: "sticker", shown: func(t *testing.T, m event.Message) { // without the text for old apps
		if m.Kind != "sticker" || m.Text != "" || m.Sticker == nil || *m.Sticker != (event.Sticker{Hash: "0xdeadbeef", Pack: 1}) {
			t.Errorf("the sticker is %+v", m)
		}
	}},
	23: {during: "image"},
	24: {during: "image", shown: func(t *testing.T, m event.Message) {
		if m.Kind != "image" || m.Text != "An image open" || len(m.Attachments) != 1 || m.Attachments[0].MIME != "image/jpeg" || m.Attachments[0].Size != 2231 {
			t.Errorf("the image is %+v", m)
		}
	}},
	25: {during: "audio"},
	26: {during: "audio", shown: func(t *testing.T, m event.Message) {
		if m.Kind != "audio" || m.Text != "" || len(m.Attachments) != 1 || m.Attachments[0].Kind != "audio" || m.Attachments[0].Size != 2004 {
			t.Errorf("the recording is %+v", m)
		}
	}},
	27: {during: "bridge"},
	28: {during: "bridge", shown: func(t *testing.T, m event.Message) {
		if m.Kind != "bridge" || m.Text != "bridged text" || m.Bridge == nil || *m.Bridge != (event.Bridge{Network: "discord", User: "u", UserID: "1"}) {
			t.Errorf("the bridged message is %+v", m)
		}
	}},
	29: {during: "request address for transaction", kept: true, shown: func(t *testing.T, m event.Message) {
		if m.Kind != "unsupported" || m.ApplicationType != 6 || m.Clock != 1795838809642 {
			t.Errorf("the command is %+v", m)
		}
	}},
	30: {during: "pin"}, 31: {during: "pin"}, 32: {during: "unpin"}, 33: {during: "unpin"},
	34: {during: "mention"},
	35: {during: "mention", shown: func(t *testing.T, m event.Message) {
		if len(m.Mentions) != 1 || m.Mentions[0] != (event.Mention{From: 6, Length: 133, Key: ownKeyOfVectors}) || !strings.HasSuffix(m.Text, " and all") {
			t.Errorf("the mention is %+v", m)
		}
	}},
	36: {during: "markdown and links"},
	37: {during: "markdown and links", shown: func(t *testing.T, m event.Message) {
		if m.Kind != "text" || m.Text != "**bold** `code` https://example.org\n> quote\n```\nx\n```" || m.Mentions != nil {
			t.Errorf("the text with markdown is %+v", m)
		}
	}},
	38: {during: "text to delete"},
	39: {during: "text to delete", shown: func(t *testing.T, m event.Message) {
		if m.Text != "" || m.Deleted == nil || !m.Deleted.ForEveryone {
			t.Errorf("the deleted text is %+v", m)
		}
	}},
	40: {during: "delete"}, 41: {during: "delete of an edited one"},
	42: {during: "name change"}, 43: {during: "bio"}, 44: {during: "status update"},
	45: {during: "Carol becomes a contact"}, 46: {during: "Carol becomes a contact"}, 47: {during: "Carol becomes a contact"}, 48: {during: "Carol becomes a contact"},
	49: {during: "Carol becomes a contact", shown: func(t *testing.T, m event.Message) {
		if m.Kind != "contact_request" || m.Text != "c to lib" || m.SenderName != "Carol Status" {
			t.Errorf("Carol's request is %+v", m)
		}
	}},
	50: {during: "Carol becomes a contact"}, 51: {during: "Carol becomes a contact"}, // nobody listens to her contact code
	52: {during: "group created with us", kept: true}, 53: {during: "group message", kept: true}, 54: {during: "member added", kept: true},
	55: {during: "member added"}, 56: {during: "message of the new member"}, // of a stranger: reported, not kept
	57: {during: "group left by its creator", kept: true},
	58: {during: "verification asked"}, // a question, see the test
	59: {during: "contact removed and asked again"}, 60: {during: "contact removed and asked again"}, 61: {during: "contact removed and asked again"},
	62: {during: "contact removed and asked again"}, 63: {during: "contact removed and asked again"},
	64: {during: "contact removed and asked again"}, 65: {during: "contact removed and asked again"},
	66: {during: "own device announces itself", shown: func(t *testing.T, m event.Message) { // she has removed us, and asks again
		if m.Kind != "contact_request" || m.Text != "again open" || m.SenderName != "Alice Renamed" {
			t.Errorf("her second request is %+v", m)
		}
	}},
	67: {during: "own device announces itself"},
	68: {during: "own device announces itself"}, // our own app is there: we publish nothing of that
}

const (
	targetOfLibrary = "0x27003e641e4482d7e7581464858647e46c2de07c8e99fe35fa3c9536f06dcda9"
	ownKeyOfVectors = "0x0443b25018823d391df541fd9d1aeddfad6be84fd0b9ab4b64200952e6c1dda0dad3c31baa5fd3f1b80f1a3cd3677005c82e45338bafa726ddce61fe7e41e688db"
	// askedInVectors is the clock at which the recorded library had asked Alice to be a contact.
	askedInVectors = 1795838767034
	// endOfVectors is later than all of the messages.
	endOfVectors = 1795838999000
)

// applicationReceiver is an engine with the identity of the recorded library, which knows what
// that had said.
type applicationReceiver struct {
	*person
	file   vectors.ApplicationFile
	net    *memnet.Network
	store  chat.Store
	alice  key.Public
	carol  key.Public
	people map[key.Public]*rawPeer
}

func newApplicationReceiver(t *testing.T, file vectors.ApplicationFile) *applicationReceiver {
	t.Helper()
	r := &applicationReceiver{
		file: file, net: memnet.New(memnet.Options{Seed: 1, MaxMessageSize: 1 << 20}), people: map[key.Public]*rawPeer{},
		alice: file.People["alice"].Key(t).Public(), carol: file.People["carol"].Key(t).Public(),
	}
	library := file.People["library"]
	self := session.Self{Identity: library.Key(t), InstallationID: library.InstallationID}
	r.store = store.Memory()
	target := mustID(t, targetOfLibrary)
	in := message.ConversationWith(r.alice)
	err := r.store.Update(func(tx chat.Tx) error {
		_, inserted := tx.Insert(in.Bytes(), chat.Position{Clock: askedInVectors, ID: target})
		return errors.Join(inserted,
			tx.Put("messages", target[:], marshalled(t, &wire.MessageRecord{
				Id: target[:], Chat: in.Bytes(), From: self.Identity.Public().Compressed(), Kind: "text", Text: "target of lib",
				Clock: askedInVectors, SentAt: askedInVectors, State: "sent", Outgoing: true, Read: true,
			})),
			tx.Put("chats", in.Bytes(), marshalled(t, &wire.ChatRecord{
				Key: in.Bytes(), Clock: askedInVectors, LastMessageId: target[:], LastMessageClock: askedInVectors,
			})),
			tx.Put("contacts", r.alice.Compressed(), marshalled(t, &wire.ContactRecord{
				Key: r.alice.Compressed(), Added: true, LocalState: 2, LocalClock: askedInVectors, WrittenTo: true,
			})))
	})
	if err != nil {
		t.Fatal(err)
	}
	clock := &chattest.Clock{}
	clock.Jump(time.UnixMilli(endOfVectors).Sub(clock.Now()))
	c, err := chat.Open(t.Context(), chat.Options{Store: r.store, Transport: r.net.Join(), Settings: fast, Clock: clock, Logger: testLog{t, "library"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	r.person = &person{Client: c, t: t, name: "library"}
	if _, err := r.ImportIdentity(t.Context(), self.Identity, "lib"); err != nil {
		t.Fatal(err)
	}
	if _, err := r.AddContact(r.alice, ""); err != nil { // listens to her contact code
		t.Fatal(err)
	}
	for _, name := range []string{"alice", "carol"} {
		k := file.People[name].Key(t)
		r.people[k.Public()] = &rawPeer{t: t, net: r.net, self: k, to: self.Identity.Public(), clock: endOfVectors}
	}
	return r
}

// hear gives a recorded message to the engine, as it came: contact codes and presences in the
// clear on the topic of the contact code, all others in an MVDS message.
func (r *applicationReceiver) hear(number int) {
	r.t.Helper()
	m := r.file.Messages[number]
	from := m.Author(r.t)
	switch wire.ApplicationMetadataMessage_Type(m.Type) {
	case wire.ApplicationMetadataMessage_CONTACT_CODE_ADVERTISEMENT, wire.ApplicationMetadataMessage_STATUS_UPDATE:
		signer := r.file.People["library"].Key(r.t)
		if g := r.people[from]; g != nil {
			signer = g.self
		}
		r.net.Inject(inTheClear(r.t, signer, from, m.Bytes))
		return
	}
	g := r.people[from]
	g.sync(datasync.Payload{Messages: []datasync.Message{{GroupID: datasync.GroupID(from, g.to), Timestamp: int64(number) + 1, Body: m.Bytes}}})
}

// id is the id of a recorded message.
func (r *applicationReceiver) id(number int) [32]byte {
	m := r.file.Messages[number]
	return message.ID(m.Author(r.t), m.Bytes)
}

// endOfOthers checks what all the messages of vectorsOfOthers come to.
func (r *applicationReceiver) endOfOthers() {
	t := r.t
	t.Helper()
	whole := keptRecords(t, r.store)
	for number, want := range vectorsOfOthers {
		id := r.id(number)
		m, err := r.Message(id)
		switch {
		case want.shown != nil && err != nil:
			t.Errorf("%d (%s) is not there: %v", number, want.during, err)
		case want.shown != nil:
			if m.From != r.file.Messages[number].From || m.ChatID != m.From || m.Outgoing || m.State != "received" {
				t.Errorf("%d (%s) is %+v", number, want.during, m)
			}
			want.shown(t, m)
		case err == nil:
			t.Errorf("%d (%s) is shown as %+v", number, want.during, m)
		}
		if got := whole[string(id[:])] != nil; got != want.kept {
			t.Errorf("%d (%s) is kept: %v", number, want.during, got)
		}
	}
	target, err := r.Message(mustID(t, targetOfLibrary))
	var emoji []string
	for _, re := range target.Reactions {
		emoji = append(emoji, re.Emoji)
	}
	if err != nil || !slices.Equal(emoji, []string{"❤️", "👍", "👎", "😠"}) && !slices.Equal(emoji, []string{"❤", "👍", "👎", "😠"}) || target.Pinned {
		t.Errorf("our message has %q, pinned %v, %v", emoji, target.Pinned, err)
	}
	alice, err := r.Contact(r.alice)
	if err != nil || alice.DisplayName != "Alice Renamed" || alice.Bio != "a bio" || alice.Request != "received" ||
		alice.Presence == nil || alice.Presence.Status != "inactive" || alice.Presence.Text != "custom" {
		t.Errorf("Alice is %+v, %+v, %v", alice, alice.Presence, err)
	}
	carol, err := r.Contact(r.carol)
	if err != nil || carol.DisplayName != "Carol Status" || carol.Request != "received" || carol.Added || carol.RequestID != message.FormatID(r.id(49)) {
		t.Errorf("Carol is %+v, %v", carol, err)
	}
	if c, err := r.Chat(r.alice); err != nil || c.Messages != 14 || c.Unread != 11 || c.Mentions != 1 { // with what marks the end
		t.Errorf("the chat with Alice is %+v, %v", c, err)
	}
	r.sound()
}

// TestVectorApplication gives what status-go said above the encryption layer to a whole engine:
// in its order, reversed, and shuffled. It comes to the same.
func TestVectorApplication(t *testing.T) {
	file := vectors.ReadApplication(t)
	if len(file.Messages) != 126 || len(vectorsOfOthers) != 69 {
		t.Fatalf("there are %d messages, and %d are described", len(file.Messages), len(vectorsOfOthers))
	}
	var inOrder []int
	for i := range vectorsOfOthers {
		if m := file.Messages[i]; m.During != vectorsOfOthers[i].during {
			t.Errorf("%d was recorded during %q, not %q", i, m.During, vectorsOfOthers[i].during)
		}
		inOrder = append(inOrder, i)
	}
	slices.Sort(inOrder)
	reversed := slices.Clone(inOrder)
	slices.Reverse(reversed)
	orders := map[string][]int{"in order": inOrder, "reversed": reversed}
	seeds := 6
	if testing.Short() {
		seeds = 2
	}
	for seed := range seeds {
		shuffled := slices.Clone(inOrder)
		random := rand.New(rand.NewPCG(uint64(seed), 14))
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		orders["seed "+string(rune('0'+seed))] = shuffled
	}
	for name, order := range orders {
		t.Run(name, func(t *testing.T) {
			r := newApplicationReceiver(t, file)
			for _, number := range order {
				r.hear(number)
			}
			r.people[r.alice].text("that was all", nil)
			r.waitText("that was all")
			r.endOfOthers()
			// A question counts only if they are a contact when it comes: here, in its order.
			if name != "in order" {
				return
			}
			if q, err := r.Verifications(r.alice); err != nil || len(q) != 1 || q[0].ID != message.FormatID(r.id(58)) || q[0].Question != "what is blue?" || q[0].State != "asked" {
				t.Errorf("her questions are %+v, %v", q, err)
			}
		})
	}
}

// TestVectorApplicationTypes: each recorded message is signed by who is said to have sent it,
// and of the type that is said.
func TestVectorApplicationTypes(t *testing.T) {
	for i, m := range vectors.ReadApplication(t).Messages {
		app, err := message.Unwrap(m.Bytes)
		if err != nil || app.Signer != m.Author(t) || int32(app.Type) != m.Type || app.Type.String() != m.TypeName || hex.EncodeToString(app.Payload) != hex.EncodeToString(m.Payload) {
			t.Errorf("%d: %s from %s, %v", i, app.Type, app.Signer, err)
		}
	}
}
