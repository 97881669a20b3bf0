package chat_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
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
	if _, err := p.ExportBackup(context.Background(), &b, chat.Credentials{}, backupPassphrase, "test"); err != nil {
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
	carol := newPerson(t, "carol", net).key()
	if _, err := alice.AddContact(carol, "Carol of the choir"); err != nil {
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
	// What comes by itself comes before anybody compares.
	eventually(t, "the picture", func() bool { return alice.contact(bob.key()).HasPicture })
	eventually(t, "the name", func() bool { return alice.contact(carol).DisplayName != "" })
	return bob
}

// TestBackupRoundTrip: a new device knows all that the old one knew, and has made nothing up:
// also when the same backup comes twice.
func TestBackupRoundTrip(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 41})
	s := store.Memory()
	alice := openPerson(t, "alice", s, net.Join(), fast)
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
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
	l := store.Memory()
	laptop := openPerson(t, "laptop", l, net.Join(), fast)
	got := laptop.restore(backup)
	// It listens where the people of the old device write to that one.
	for name := range records(t, s, "topics") {
		if _, found := records(t, l, "topics")[name]; !found {
			t.Errorf("it does not listen to a topic of the old device: %x", name)
		}
	}
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
	// What was read there since is read here with the next one.
	if _, err := alice.MarkRead(alice.who("bobby"), nil); err != nil {
		t.Fatal(err)
	}
	laptop.restore(alice.backup())
	same(t, laptop.knows(), alice.knows())
	laptop.sound()
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

// TestBackupInto: a store that has the identity and newer things keeps them, and gets what it
// has not.
func TestBackupInto(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 42})
	alice := newPerson(t, "alice", net)
	bob := aLife(t, alice, net)
	backup := alice.backup()

	// On the same device: what has changed since stays as it is.
	name := "alice anew"
	if _, err := alice.SetDisplayName(name); err != nil {
		t.Fatal(err)
	}
	alice.must(alice.UnverifyContact(bob.key()))
	alice.must(alice.AddContact(bob.key(), "Bob of the band"))
	stranger := alice.who("stranger")
	alice.must(alice.BlockContact(stranger))
	blocked := alice.who("blocked")
	alice.must(alice.UnblockContact(blocked))
	carol := alice.who("Carol of the choir")
	if err := alice.RemoveContact(carol); err != nil {
		t.Fatal(err)
	}
	if _, err := alice.MarkRead(bob.key(), nil); err != nil {
		t.Fatal(err)
	}
	alice.waitState(alice.send(bob, "later").ID, "delivered")
	before := alice.knows()
	if got := alice.restore(backup); got.NewIdentity || got.New != (chat.BackupCounts{}) || got.Refused != 0 {
		t.Errorf("imported %+v", got)
	}
	same(t, alice.knows(), before)
	alice.sound()

	// On another device of hers, in use: it gets what it lacks, the profile too if that is newer.
	phrase, err := alice.Phrase(chat.Credentials{}, false)
	if err != nil {
		t.Fatal(err)
	}
	laptop := newDevice(t, "laptop", net)
	if _, err := laptop.RestoreIdentity(context.Background(), phrase.Words(), "", "laptop"); err != nil {
		t.Fatal(err)
	}
	laptop.must(laptop.AddContact(bob.key(), "Bob on the laptop"))
	got := laptop.restore(alice.backup())
	if got.NewIdentity || got.New.Messages == 0 || got.Refused != 0 {
		t.Errorf("imported %+v", got)
	}
	if p, err := laptop.Profile(); err != nil || p.DisplayName != name || p.Picture == nil {
		t.Errorf("the profile is %+v, %v", p, err)
	}
	if c := laptop.contact(bob.key()); c.Name != "Bob on the laptop" || c.Request != "mutual" || !c.HasPicture {
		t.Errorf("bob is %+v", c)
	}
	if c := laptop.contact(stranger); c.BlockedAt == 0 {
		t.Errorf("who was blocked is %+v", c)
	}
	if got, want := laptop.texts(bob), alice.texts(bob); !slices.Equal(got, want) {
		t.Errorf("the chat with bob is %q, want %q", got, want)
	}
	laptop.sound()
	laptop.waitState(laptop.send(bob, "from the laptop").ID, "delivered")
}

// who is the person of a name.
func (p *person) who(name string) key.Public {
	p.t.Helper()
	page, err := p.Contacts(chat.PageRequest{Limit: chat.MaxPage})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, c := range page.Items {
		if c.Name == name || c.DisplayName == name {
			return mustKey(p.t, c.PublicKey)
		}
	}
	p.t.Fatalf("%s knows no %s", p.name, name)
	return key.Public{}
}

// released holds the expected content of a backup in testdata, as JSON.
type released struct {
	Profile   chat.Profile
	Contacts  []event.Contact
	Questions map[string][]event.Verification
	Chats     []event.Chat
	Messages  map[string][]event.Message
}

func (k knowledge) released() released {
	return released{k.profile, k.contacts, k.questions, k.chats, k.messages}
}

// TestBackupOfRelease: backups of earlier releases are read, and say what they said then. With
// STATUS1TO1_WRITE_BACKUP=<version> it writes those of a new release.
func TestBackupOfRelease(t *testing.T) {
	const dir = "testdata/backup"
	if version := os.Getenv("STATUS1TO1_WRITE_BACKUP"); version != "" {
		defer chat.CostlyBackups()()
		net := memnet.New(memnet.Options{})
		alice := newPerson(t, "alice", net)
		aLife(t, alice, net)
		says, err := json.MarshalIndent(alice.knows().released(), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Join(dir, version)
		if err := errors.Join(os.WriteFile(name+".backup", alice.backup(), 0o644), os.WriteFile(name+".json", says, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(dir + "/*.backup")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no files: %v", err)
	}
	for _, name := range files {
		backup, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		says, err := os.ReadFile(strings.TrimSuffix(name, ".backup") + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var want released
		if err := json.Unmarshal(says, &want); err != nil {
			t.Fatal(err)
		}
		p := newDevice(t, "laptop", memnet.New(memnet.Options{}))
		if got := p.restore(backup); got.Refused != 0 || !got.NewIdentity {
			t.Errorf("%s: %+v", name, got)
		}
		if got, want := asJSON(t, p.knows().released()), asJSON(t, want); !bytes.Equal(got, want) {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
		p.sound()
	}
}

// TestBackupsAtOnce: of two backups of different people that come into a store without an
// identity at the same time, one is refused, and nothing of it is merged.
func TestBackupsAtOnce(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	for _, p := range []*person{alice, bob} {
		if _, err := p.AddContact(newPerson(t, "friend of "+p.name, net).key(), "friend of "+p.name); err != nil {
			t.Fatal(err)
		}
	}
	backups := map[string][]byte{alice.key().Hex(): alice.backup(), bob.key().Hex(): bob.backup()}
	for range 20 {
		p := newDevice(t, "laptop", net)
		failures := make(chan error, len(backups))
		for _, b := range backups {
			go func() {
				_, err := p.ImportBackup(context.Background(), bytes.NewReader(b), backupPassphrase, false)
				failures <- err
			}()
		}
		refused := 0
		for range backups {
			if err := <-failures; chat.CodeOf(err) == chat.CodeIdentityExists {
				refused++
			} else if err != nil {
				t.Fatal(err)
			}
		}
		owner := alice
		if p.key() != alice.key() {
			owner = bob
		}
		if list, err := p.Contacts(chat.PageRequest{}); err != nil || refused != 1 || len(list.Items) != 1 || list.Items[0].Name != "friend of "+owner.name {
			t.Errorf("%d were refused; the people of %s are %+v, %v", refused, owner.name, list.Items, err)
		}
		p.sound()
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
