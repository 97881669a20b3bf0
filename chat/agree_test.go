package chat_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// ownApp is a Status app of the victim's own identity: it can say anything, and is no engine.
func ownApp(t *testing.T, net *memnet.Network, k key.Private, installation string) *mallory {
	t.Helper()
	m := newMallory(t, net, k.Public())
	m.self.Identity, m.self.InstallationID, m.public = k, installation, k.Public()
	return m
}

// tells sends a message of a device to the victim.
func (m *mallory) tells(typ wire.ApplicationMetadataMessage_Type, payload proto.Message) {
	m.t.Helper()
	m.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.applied(typ, payload)}}), nil)))
}

// withApp is a device and a Status app of the same identity, which is enabled there.
type withApp struct {
	t   *testing.T
	net *memnet.Network
	k   key.Private
	*person
	app *mallory
}

func newWithApp(t *testing.T) *withApp {
	t.Helper()
	w := &withApp{t: t, net: memnet.New(memnet.Options{Seed: 21})}
	newPerson(t, "somebody to publish to", w.net)
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	w.k = k
	w.person = openPerson(t, "phone", store.Memory(), w.net.Join(), fast)
	if _, err := w.ImportIdentity(context.Background(), k, "phone"); err != nil {
		t.Fatal(err)
	}
	w.app = ownApp(t, w.net, k, "the-app")
	w.enabled(w.app)
	return w
}

// enabled has the user enable a device.
func (w *withApp) enabled(m *mallory) {
	w.t.Helper()
	w.net.Inject(m.envelope(m.encrypted(nil, nil)))
	wait(w.person, "the device", func(e event.DeviceFound) bool { return e.Device.Installation == m.self.InstallationID })
	if _, err := w.EnableDevice(m.self.InstallationID); err != nil {
		w.t.Fatal(err)
	}
}

// syncs are all that own devices say, about somebody, at a clock, with what it would do.
func syncs(k key.Public, clock uint64) map[wire.ApplicationMetadataMessage_Type]proto.Message {
	id := k.Hex()
	ids := [][]byte{append(k.Uncompressed(), 0x20)}
	return map[wire.ApplicationMetadataMessage_Type]proto.Message{
		wire.ApplicationMetadataMessage_SYNC_INSTALLATION_CONTACT_V2: &wire.SyncInstallationContactV2{
			Id: id, LastUpdatedLocally: clock, LocalNickname: "spoofed", Blocked: true, ContactRequestLocalState: 2, ContactRequestLocalClock: int64(clock),
		},
		wire.ApplicationMetadataMessage_SYNC_CHAT_REMOVED:              &wire.SyncChatRemoved{Id: id, Clock: clock},
		wire.ApplicationMetadataMessage_SYNC_CHAT_MESSAGES_READ:        &wire.SyncChatMessagesRead{Id: id, Clock: clock},
		wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_READ:      &wire.SyncActivityCenterRead{Clock: clock, Ids: ids},
		wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_ACCEPTED:  &wire.SyncActivityCenterAccepted{Clock: clock, Ids: ids},
		wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_DISMISSED: &wire.SyncActivityCenterDismissed{Clock: clock, Ids: ids},
		wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_DELETED:   &wire.SyncActivityCenterDeleted{Clock: clock, Ids: ids},
		wire.ApplicationMetadataMessage_SYNC_ACTIVITY_CENTER_UNREAD:    &wire.SyncActivityCenterUnread{Clock: clock, Ids: ids},
		wire.ApplicationMetadataMessage_SYNC_CLEAR_HISTORY:             &wire.SyncClearHistory{ChatId: id, ClearedAt: clock},
		wire.ApplicationMetadataMessage_SYNC_SETTING: &wire.SyncSetting{
			Type: 13, Clock: clock, Value: &wire.SyncSetting_ValueString{ValueString: "spoofed"},
		},
		wire.ApplicationMetadataMessage_SYNC_PROFILE_PICTURES: &wire.SyncProfilePictures{Pictures: []*wire.SyncProfilePicture{
			{Name: "large", Payload: smallPicture(7), Clock: clock},
		}},
		wire.ApplicationMetadataMessage_SYNC_TRUSTED_USER: &wire.SyncTrustedUser{Id: id, Clock: clock, Status: wire.SyncTrustedUser_TRUSTED},
		wire.ApplicationMetadataMessage_SYNC_VERIFICATION_REQUEST: &wire.SyncVerificationRequest{
			Clock: clock, From: id, To: id, Challenge: "who", RequestedAt: clock, VerificationStatus: wire.SyncVerificationRequest_PENDING,
			Id: "0x" + strings.Repeat("11", 32),
		},
		wire.ApplicationMetadataMessage_SYNC_CONTACT_REQUEST_DECISION: &wire.SyncContactRequestDecision{Clock: clock, RequestId: id + "20", ContactId: id},
		wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE:    &wire.SyncDeleteForMeMessage{Clock: clock, MessageId: "0x" + strings.Repeat("22", 32)},
		wire.ApplicationMetadataMessage_SYNC_CHAT: &wire.SyncChat{
			Id: id, ChatType: 1, Active: true, Clock: clock, Chat: &wire.OwnChat{Archived: true, ArchivedClock: clock},
			Own: &wire.OwnProfile{DisplayName: "spoofed", DisplayNameClock: clock},
		},
	}
}

// seen is all that a spoofed message could have changed.
func (w *withApp) seen(k key.Public) string {
	w.t.Helper()
	c, err := w.Chat(k)
	p, profileErr := w.Profile()
	person, contactErr := w.Contact(k)
	questions, questionErr := w.Verifications(k)
	for _, err := range []error{err, profileErr, contactErr, questionErr} {
		if err != nil {
			w.t.Fatal(err)
		}
	}
	return marshalJSON(w.t, []any{c, p, person, questions})
}

// TestHostileSyncs: what only own devices may say changes nothing if a contact, a stranger, or a
// device of ours says it that the user has disabled; nor if it is signed by us and sits in
// a contact's envelope. None of it is reported to the program.
func TestHostileSyncs(t *testing.T) {
	w := newWithApp(t)
	contact, stranger := newMallory(t, w.net, w.key()), newMallory(t, w.net, w.key())
	target := newMallory(t, w.net, w.key())
	for _, m := range []*mallory{contact, target} {
		if _, err := w.AddContact(m.public, "mine"); err != nil {
			t.Fatal(err)
		}
	}
	w.net.Inject(target.envelope(target.encrypted(target.sync(datasync.Payload{Messages: []datasync.Message{target.text("unread")}}), nil)))
	w.waitText("unread")
	w.net.Inject(stranger.envelope(stranger.encrypted(stranger.sync(datasync.Payload{Messages: []datasync.Message{stranger.text("hello")}}), nil)))
	w.waitText("hello")
	off := ownApp(t, w.net, w.k, "the-lost-one")
	w.enabled(off)
	if _, err := w.DisableDevice("the-lost-one"); err != nil {
		t.Fatal(err)
	}
	before := w.seen(target.public)
	clock := uint64(time.Now().UnixMilli())
	for typ, payload := range syncs(target.public, clock) {
		for _, m := range []*mallory{contact, stranger, off} {
			m.tells(typ, payload)
		}
		within := w.app.applied(typ, payload) // signed by us, in her envelope
		within.GroupID = datasync.GroupID(contact.public, contact.victim)
		w.net.Inject(contact.envelope(contact.encrypted(contact.sync(datasync.Payload{Messages: []datasync.Message{within}}), nil)))
	}
	w.net.Inject(contact.envelope(contact.encrypted(contact.sync(datasync.Payload{Messages: []datasync.Message{contact.text("done")}}), nil)))
	w.waitText("done")
	if after := w.seen(target.public); after != before {
		t.Errorf("before %s\nafter %s", before, after)
	}
	for _, e := range w.events {
		if e.Type == (event.UnsupportedReceived{}).Type() {
			t.Errorf("%s %s", e.Type, e.Data)
		}
	}
	// From the device that is enabled each does what it says.
	w.app.tells(wire.ApplicationMetadataMessage_SYNC_SETTING, syncs(target.public, clock)[wire.ApplicationMetadataMessage_SYNC_SETTING])
	wait(w.person, "the name", func(e event.ProfileChanged) bool { return e.DisplayName == "spoofed" })
	w.sound()
}

// TestSyncsOfAnApp: what a Status app says on another device of ours is what happens here.
func TestSyncsOfAnApp(t *testing.T) {
	w := newWithApp(t)
	friend := newMallory(t, w.net, w.key())
	k := friend.public
	w.net.Inject(friend.envelope(friend.encrypted(friend.sync(datasync.Payload{Messages: []datasync.Message{friend.text("one")}}), nil)))
	one := w.waitText("one").Message
	say := func(typ wire.ApplicationMetadataMessage_Type, m proto.Message) { w.app.tells(typ, m) }
	say(wire.ApplicationMetadataMessage_SYNC_CHAT_MESSAGES_READ, &wire.SyncChatMessagesRead{Id: k.Hex(), Clock: one.Clock})
	wait(w.person, "read", func(e event.ChatChanged) bool { return e.Cause == "read" && e.Chat.Unread == 0 })
	clock := one.Clock + 1
	say(wire.ApplicationMetadataMessage_SYNC_INSTALLATION_CONTACT_V2, &wire.SyncInstallationContactV2{
		Id: k.Hex(), LastUpdatedLocally: clock, LocalNickname: "Fred", Added: true, TrustStatus: 1, Muted: true,
		ContactRequestLocalState: 2, ContactRequestLocalClock: int64(clock), DisplayName: "our own name",
	})
	c := wait(w.person, "Fred", func(e event.ContactChanged) bool { return e.Contact.Name == "Fred" }).Contact
	if !c.Added || c.Request != "sent" || c.Trust != "verified" || c.VerifiedBy != "own_device" || c.DisplayName != "" {
		t.Errorf("%+v", c)
	}
	wait(w.person, "muted", func(e event.ChatChanged) bool { return e.Cause == "muted" && e.Chat.Muted })
	say(wire.ApplicationMetadataMessage_SYNC_TRUSTED_USER, &wire.SyncTrustedUser{Id: k.Hex(), Clock: clock + 1, Status: wire.SyncTrustedUser_UNTRUSTWORTHY})
	wait(w.person, "no trust", func(e event.ContactChanged) bool { return e.Contact.Untrustworthy && e.Contact.VerifiedBy == "" })
	say(wire.ApplicationMetadataMessage_SYNC_CLEAR_HISTORY, &wire.SyncClearHistory{ChatId: k.Hex(), ClearedAt: one.Clock})
	wait(w.person, "cleared", func(e event.ChatChanged) bool { return e.Cause == "cleared" && e.Chat.Messages == 0 })

	// The traps: a clock in seconds, an empty bio that was never set, and one that was taken back.
	setting := func(typ uint32, clock uint64, value string) {
		say(wire.ApplicationMetadataMessage_SYNC_SETTING, &wire.SyncSetting{Type: typ, Clock: clock, Value: &wire.SyncSetting_ValueString{ValueString: value}})
	}
	bio := "mine"
	if _, err := w.SetProfile(chat.ProfileChange{Bio: &bio}); err != nil {
		t.Fatal(err)
	}
	later := uint64(time.Now().UnixMilli()) + 60_000
	setting(13, later/1000, "From the app")
	wait(w.person, "the name", func(e event.ProfileChanged) bool { return e.DisplayName == "From the app" && e.Bio == "mine" })
	setting(14, later+9, "")
	setting(15, later+9, "true")
	setting(14, later, "the app's")
	wait(w.person, "no bio", func(e event.ProfileChanged) bool { return e.Bio == "" })
	say(wire.ApplicationMetadataMessage_SYNC_PROFILE_PICTURES, &wire.SyncProfilePictures{KeyUid: "0x01", Pictures: []*wire.SyncProfilePicture{
		{Name: "thumbnail", Payload: smallPicture(1), Clock: later}, {Name: "large", Payload: smallPicture(2), Clock: later},
	}})
	wait(w.person, "the picture", func(e event.ProfileChanged) bool { return e.HasPicture })
	if p, err := w.Profile(); err != nil || string(p.Picture.Data) != string(smallPicture(2)) {
		t.Errorf("%+v, %v", p, err)
	}
	// A clock of next year is refused, and comes again.
	year := uint64(time.Now().Add(365 * 24 * time.Hour).UnixMilli())
	setting(13, year, "Next year")
	eventually(t, "it to be refused", func() bool { d, err := w.Diagnostics(); return err == nil && d.Dropped["sync_clock"] == 1 })
	w.sound()
}

// TestOwnDevicesAgree: two devices over the whole pipeline. What is done on one happens on the
// other, with the events that a call there would have made.
func TestOwnDevicesAgree(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 22})
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bob := newPerson(t, "bob", net)
	phone, laptop := secondDevice(t, "phone", k, net), secondDevice(t, "laptop", k, net)
	wait(phone, "the laptop", func(event.DeviceFound) bool { return true })
	if _, err := phone.AddContact(bob.key(), "Bob"); err != nil { // before the laptop is enabled
		t.Fatal(err)
	}
	if _, err := phone.EnableDevice(laptop.installation()); err != nil {
		t.Fatal(err)
	}
	wait(laptop, "what was done before", func(e event.ContactChanged) bool { return e.Contact.Name == "Bob" && e.Contact.Added })
	if _, err := laptop.SetDraft(bob.key(), "to be written"); err != nil {
		t.Fatal(err)
	}
	wait(phone, "the draft", func(e event.ChatChanged) bool { return e.Cause == "draft" && e.Chat.Draft == "to be written" })
	if _, err := laptop.ArchiveChat(bob.key(), true); err != nil {
		t.Fatal(err)
	}
	wait(phone, "the archive", func(e event.ChatChanged) bool { return e.Cause == "archived" && e.Chat.Archived })
	if _, err := laptop.SetTimer(bob.key(), 86400); err != nil {
		t.Fatal(err)
	}
	wait(phone, "the timer", func(e event.ChatChanged) bool { return e.Cause == "timer" && e.Chat.ExpiresIn == 86400 })
	if _, err := laptop.RenameDevice(phone.installation(), "Old phone"); err != nil {
		t.Fatal(err)
	}
	wait(phone, "its name", func(e event.DeviceChanged) bool { return e.Device.This && e.Device.Name == "Old phone" })
	if _, err := phone.BlockContact(bob.key()); err != nil {
		t.Fatal(err)
	}
	wait(laptop, "the block", func(e event.ContactChanged) bool { return e.Contact.Trust == "blocked" })
	devices, err := laptop.Devices()
	if err != nil || !slices.ContainsFunc(devices, func(d event.Device) bool { return d.Name == "Old phone" }) {
		t.Errorf("%+v, %v", devices, err)
	}
	phone.sound()
	laptop.sound()
}

func marshalJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestActionsOfALostDevice: a device of ours that the user has disabled, and one that they have
// not enabled, do not edit, delete, react to or pin anything here. That of the latter counts
// when it comes again after they have.
func TestActionsOfALostDevice(t *testing.T) {
	w := newWithApp(t)
	friend := newMallory(t, w.net, w.key())
	if _, err := w.AddContact(friend.public, ""); err != nil {
		t.Fatal(err)
	}
	lost, found := ownApp(t, w.net, w.k, "the-lost-one"), ownApp(t, w.net, w.k, "the-new-one")
	w.enabled(lost)
	if _, err := w.DisableDevice("the-lost-one"); err != nil {
		t.Fatal(err)
	}
	w.net.Inject(found.envelope(found.encrypted(nil, nil)))
	wait(w.person, "the device", func(e event.DeviceFound) bool { return e.Device.Installation == "the-new-one" })
	sent, err := w.Send(context.Background(), chat.SendRequest{To: friend.public, Text: "as we wrote it"})
	if err != nil {
		t.Fatal(err)
	}
	target := mustID(t, sent.ID)
	clock := uint64(time.Now().UnixMilli())
	about := message.ActionParams{Target: target, ChatID: friend.public.Hex(), Clock: clock}
	for _, m := range []*mallory{lost, found} {
		m.tells(wire.ApplicationMetadataMessage_EDIT_MESSAGE, message.NewEdit(about, "not as we wrote it", message.KindText, nil))
		m.tells(wire.ApplicationMetadataMessage_EMOJI_REACTION, message.NewReaction(about, "👎", false))
		m.tells(wire.ApplicationMetadataMessage_PIN_MESSAGE, message.NewPin(about, true))
		m.tells(wire.ApplicationMetadataMessage_DELETE_MESSAGE, message.NewDelete(about))
	}
	w.net.Inject(friend.envelope(friend.encrypted(friend.sync(datasync.Payload{Messages: []datasync.Message{friend.text("done")}}), nil)))
	w.waitText("done")
	if m := w.shows(target); m.Text != "as we wrote it" || m.Edited != nil || m.Deleted != nil || len(m.Reactions) != 0 || m.Pinned {
		t.Errorf("the message is now %+v", m)
	}
	if _, err := w.EnableDevice("the-new-one"); err != nil {
		t.Fatal(err)
	}
	found.tells(wire.ApplicationMetadataMessage_PIN_MESSAGE, message.NewPin(about, true))
	eventually(t, "the pin", func() bool { return w.shows(target).Pinned })
	w.sound()
}
