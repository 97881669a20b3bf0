package chat_test

import (
	"context"
	"strings"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
)

// unseen are texts that show nothing.
var unseen = []string{
	" ", "\n", "\u00a0", "\u0085", "\u200b", "\u200c", "\u200d", "\u2060", "\ufe0f", "\u2800", "\u3164", "\uffa0", "\ufeff", "\u202e", "\u2066",
	"\x00", "\x1b", "\x7f", "\u00ad", "\u034f", "\u2028", "\u2029", "\u180e", "\u200b \ufe0f\n\u202e",
}

// TestUnseenIsEmpty: a text, a question or a name that shows nothing is refused as empty by
// its field, and stores nothing; one that shows something keeps what it has of those
// characters, if it is a text.
func TestUnseenIsEmpty(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 31})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	device, err := alice.Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range unseen {
		_, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: s})
		wantCode(t, "sending", err, chat.CodeEmpty, "text")
		_, err = alice.SetDisplayName(s)
		wantCode(t, "a display name", err, chat.CodeEmpty, "display_name")
		_, err = alice.SetProfile(chat.ProfileChange{DisplayName: &s})
		wantCode(t, "a display name", err, chat.CodeEmpty, "display_name")
		_, err = alice.SetProfile(chat.ProfileChange{Bio: &s})
		wantCode(t, "a bio", err, chat.CodeEmpty, "bio")
		_, err = alice.AddContact(bob.key(), s)
		wantCode(t, "a contact's name", err, chat.CodeEmpty, "name")
		_, err = alice.RenameDevice(device.InstallationID, s)
		wantCode(t, "a device's name", err, chat.CodeEmpty, "name")
		_, err = alice.RequestContact(context.Background(), bob.key(), s)
		wantCode(t, "a request", err, chat.CodeEmpty, "text")
	}
	if c := alice.contact(bob.key()); c.Added {
		t.Errorf("%+v", c)
	}
	const family = "👨‍👩‍👧 \u200b❤️"
	if m := alice.send(bob, family); m.Text != family {
		t.Errorf("%q", m.Text)
	}
}

// TestNamesAreClean: names of our own are stored on one line, in one form and without
// controls; and so are those that others send, whatever they are.
func TestNamesAreClean(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 32})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	const given, clean = " A\n\x1b[31mB\u202e\u200b  e\u0301 ", "A [31mB é"
	info, err := alice.SetDisplayName(given)
	if err != nil || info.DisplayName != clean {
		t.Fatalf("%q, %v", info.DisplayName, err)
	}
	if c, err := alice.AddContact(bob.key(), given); err != nil || c.Name != clean {
		t.Fatalf("%q, %v", c.Name, err)
	}
	d, err := alice.RenameDevice(info.InstallationID, given)
	if err != nil || d.Name != clean {
		t.Fatalf("%q, %v", d.Name, err)
	}
	bio := " one\r\n\x07two\u202e\n"
	if p, err := alice.SetProfile(chat.ProfileChange{Bio: &bio}); err != nil || p.Bio != "one\ntwo" {
		t.Fatalf("%q, %v", p.Bio, err)
	}
	if info, err := alice.SetDisplayName(""); err != nil || info.DisplayName != "" {
		t.Fatalf("taking the name away: %q, %v", info.DisplayName, err)
	}

	stranger := newRawPeer(t, net, bob.key())
	for name, want := range map[string]string{
		given: clean, "\u2067you\u2069": "you", "x\x00y": "xy", strings.Repeat("n\u200b", 150): strings.Repeat("n", 100),
		"a\u2028b": "a b", "👨‍👩‍👧": "👨‍👩‍👧",
	} {
		stranger.say(wire.ApplicationMetadataMessage_CONTACT_UPDATE, &wire.ContactUpdate{Clock: stranger.next(), ContactRequestClock: stranger.clock, DisplayName: name})
		eventually(t, "the name "+want, func() bool { return bob.contact(stranger.key()).DisplayName == want })
	}
	before := bob.contact(stranger.key()).DisplayName
	stranger.say(wire.ApplicationMetadataMessage_CONTACT_UPDATE, &wire.ContactUpdate{Clock: stranger.next(), ContactRequestClock: stranger.clock, DisplayName: "\u3164\u202e"})
	stranger.say(wire.ApplicationMetadataMessage_CONTACT_UPDATE, &wire.ContactUpdate{Clock: stranger.next(), ContactRequestClock: stranger.clock, DisplayName: "end"})
	eventually(t, "the last name", func() bool { return bob.contact(stranger.key()).DisplayName == "end" })
	if before == "" {
		t.Error("a name was lost")
	}
}
