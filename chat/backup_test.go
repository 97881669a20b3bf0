package chat_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

const backupPassphrase = "a passphrase of the backup"

// backup makes a backup of a person's store.
func (p *person) backup() []byte {
	p.t.Helper()
	var b bytes.Buffer
	if _, err := p.ExportBackup(context.Background(), &b, backupPassphrase, "test"); err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return b.Bytes()
}

// restore merges a backup.
func (p *person) restore(backup []byte) chat.Imported {
	p.t.Helper()
	got, err := p.ImportBackup(context.Background(), bytes.NewReader(backup), backupPassphrase, false)
	if err != nil {
		p.t.Fatalf("%s: %v", p.name, err)
	}
	return got
}

// knowledge is all that a program can see of what a store knows.
type knowledge struct {
	profile   chat.Profile
	contacts  []event.Contact
	questions map[string][]event.Verification
	pictures  map[string]chat.ProfilePicture
	chats     []event.Chat
	messages  map[string][]event.Message
}

// knows reads it, without what is said of devices only.
func (p *person) knows() knowledge {
	p.t.Helper()
	k := knowledge{questions: map[string][]event.Verification{}, pictures: map[string]chat.ProfilePicture{}, messages: map[string][]event.Message{}}
	var err error
	if k.profile, err = p.Profile(); err != nil {
		p.t.Fatal(err)
	}
	contacts, err := p.Contacts(chat.PageRequest{Limit: chat.MaxPage})
	if err != nil {
		p.t.Fatal(err)
	}
	k.contacts = contacts.Items
	for _, c := range k.contacts {
		who := mustKey(p.t, c.PublicKey)
		if k.questions[c.PublicKey], err = p.Verifications(who); err != nil {
			p.t.Fatal(err)
		}
		if c.HasPicture {
			if k.pictures[c.PublicKey], err = p.ContactPicture(who); err != nil {
				p.t.Fatal(err)
			}
		}
	}
	for _, list := range []func(chat.PageRequest) (chat.Page[event.Chat], error){p.Chats, p.ChatRequests} {
		chats, err := list(chat.PageRequest{Limit: chat.MaxPage})
		if err != nil {
			p.t.Fatal(err)
		}
		k.chats = append(k.chats, chats.Items...)
	}
	for i, c := range k.chats {
		messages, err := p.Messages(mustKey(p.t, c.ChatID), chat.PageRequest{Limit: chat.MaxPage})
		if err != nil {
			p.t.Fatal(err)
		}
		for i := range messages.Items { // of what is in the outbox of one device the other knows nothing
			messages.Items[i].ClientRef = ""
			messages.Items[i].Devices = slices.DeleteFunc(messages.Items[i].Devices, func(d event.MessageDevice) bool { return d.AcknowledgedAt == 0 })
		}
		k.messages[c.ChatID] = messages.Items
		if len(messages.Items) > 0 {
			k.chats[i].LastMessage = &messages.Items[0]
		}
	}
	return k
}

func mustKey(t *testing.T, hex string) key.Public {
	t.Helper()
	k, err := identity.ParseChatKey(hex)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newDevice opens a client without an identity.
func newDevice(t *testing.T, name string, net *memnet.Network) *person {
	t.Helper()
	return openPerson(t, name, store.Memory(), net.Join(), fast)
}

// aLife gives somebody people, chats and states of every kind, and returns who is in it.
func aLife(t *testing.T, alice *person, net *memnet.Network) (bob *person) {
	t.Helper()
	ctx := context.Background()
	picture, colour, bio := aPicture(t), 7, "lines\nof alice"
	if _, err := alice.SetProfile(chat.ProfileChange{Bio: &bio, Color: &colour, Picture: &picture}); err != nil {
		t.Fatal(err)
	}
	bob = newPerson(t, "bobby", net)
	if _, err := bob.SetProfile(chat.ProfileChange{Picture: &picture}); err != nil {
		t.Fatal(err)
	}
	befriend(t, alice, bob)
	if _, err := alice.AskContact(bob.key(), "Where did we meet?"); err != nil {
		t.Fatal(err)
	}
	bob.question("asked")
	if _, err := bob.AnswerContact(alice.key(), "In Jerusalem"); err != nil {
		t.Fatal(err)
	}
	alice.question("answered")
	if _, err := alice.ConfirmAnswer(bob.key(), true); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.AskContact(alice.key(), "And who are you?"); err != nil {
		t.Fatal(err)
	}
	alice.question("asked")
	alice.waitState(alice.send(bob, "delivered").ID, "delivered")
	bob.send(alice, "unread")
	alice.waitText("unread")
	if _, err := alice.AddContact(newPerson(t, "carol", net).key(), "Carol of the choir"); err != nil {
		t.Fatal(err)
	}
	// A stranger, and somebody blocked.
	stranger, blocked := newPerson(t, "stranger", net), newPerson(t, "blocked", net)
	stranger.send(alice, "who are you?")
	alice.waitText("who are you?")
	blocked.send(alice, "pay me")
	alice.waitText("pay me")
	alice.must(alice.BlockContact(blocked.key()))
	// One message is cancelled.
	gone, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m, err := alice.Send(ctx, chat.SendRequest{To: gone.Public(), Text: "cancelled", ClientRef: "a ref"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := alice.Cancel(mustID(t, m.ID)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the picture", func() bool { return alice.contact(bob.key()).HasPicture })
	return bob
}

// TestBackupRoundTrip: a new device knows all that the old one knew, and has made nothing up:
// also when the same backup comes twice.
func TestBackupRoundTrip(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 41})
	alice := newPerson(t, "alice", net)
	aLife(t, alice, net)
	old := alice.knows()
	backup := alice.backup()
	secret := func(p *person) string {
		phrase, err := p.Phrase(chat.Credentials{}, false)
		if err != nil {
			t.Fatal(err)
		}
		return phrase.Words()
	}
	words := secret(alice)
	if bytes.Contains(backup, []byte("Carol")) || bytes.Contains(backup, []byte(words)) {
		t.Error("the backup can be read without its passphrase")
	}
	laptop := newDevice(t, "laptop", net)
	got := laptop.restore(backup)
	if !got.NewIdentity || got.Refused != 0 || got.New.People != uint64(len(old.contacts)) || got.Known != (chat.BackupCounts{}) || got.MadeAt == 0 {
		t.Fatalf("imported %+v", got)
	}
	if got.Identity.PublicKey != alice.key().Hex() || got.Identity.InstallationID == alice.installation() {
		t.Errorf("the identity is %+v", got.Identity)
	}
	if secret(laptop) != words {
		t.Error("the seed phrase is another one")
	}
	same(t, laptop.knows(), old)
	laptop.sound()

	again := laptop.restore(backup)
	if again.NewIdentity || again.New != (chat.BackupCounts{}) || again.Known != got.New || again.Refused != 0 {
		t.Errorf("the second time it brings %+v, the first %+v", again, got)
	}
	same(t, laptop.knows(), old)
	laptop.sound()
	// And on the device that it is of.
	alice.restore(backup)
	same(t, alice.knows(), old)
	alice.sound()
}

// same compares what two devices know.
func same(t *testing.T, got, want knowledge) {
	t.Helper()
	for name, pair := range map[string][2]any{
		"profile": {got.profile, want.profile}, "contacts": {got.contacts, want.contacts}, "questions": {got.questions, want.questions},
		"pictures": {got.pictures, want.pictures}, "chats": {got.chats, want.chats}, "messages": {got.messages, want.messages},
	} {
		if !reflect.DeepEqual(pair[0], pair[1]) {
			t.Errorf("%s differ:\n got %s\nwant %s", name, asJSON(t, pair[0]), asJSON(t, pair[1]))
		}
	}
}

func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
