package chat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// befriend makes two people contacts.
func befriend(t *testing.T, alice, bob *person) {
	t.Helper()
	alice.request(bob.key(), "hi")
	bob.settled(alice.key(), "received")
	bob.must(bob.AcceptContact(alice.key()))
	alice.settled(bob.key(), "mutual")
}

func TestSafetyNumberVerifies(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob, carol := newPerson(t, "alice", net), newPerson(t, "bobby", net), newPerson(t, "carol", net)
	a, err := alice.SafetyNumber(bob.key())
	if err != nil {
		t.Fatal(err)
	}
	b, err := bob.SafetyNumber(alice.key())
	if err != nil || a.SafetyNumber != b.SafetyNumber || len(strings.Fields(a.SafetyNumber)) != 12 {
		t.Fatalf("%q and %q, %v", a.SafetyNumber, b.SafetyNumber, err)
	}
	if len(a.ColorHash) == 0 || !slices.Equal(a.ColorHash, b.OwnColorHash) || a.ColorID != b.OwnColorID {
		t.Errorf("colours %+v and %+v", a, b)
	}
	if l, err := identity.ParseLink(a.Link); err != nil || l.Key != bob.key() {
		t.Errorf("link %s, %v", a.Link, err)
	}
	other, err := alice.SafetyNumber(carol.key())
	if err != nil {
		t.Fatal(err)
	}
	_, err = alice.VerifyContact(bob.key(), other.SafetyNumber)
	wantCode(t, "the number of another pair", err, chat.CodeNotVerified, "safety_number")
	if c := alice.contact(bob.key()); c.Trust != "" {
		t.Fatalf("contact %+v", c)
	}
	alice.must(alice.VerifyContact(bob.key(), b.SafetyNumber))
	if c := alice.contact(bob.key()); c.Trust != "verified" || c.VerifiedBy != "safety_number" || c.VerifiedAt == 0 {
		t.Fatalf("contact %+v", c)
	}
	alice.must(alice.BlockContact(bob.key()))
	if c := alice.contact(bob.key()); c.Trust != "blocked" {
		t.Fatalf("contact %+v", c)
	}
	alice.must(alice.UnblockContact(bob.key()))
	if c := alice.contact(bob.key()); c.Trust != "verified" || c.VerifiedBy != "safety_number" || c.Added {
		t.Fatalf("after unblocking, contact %+v", c)
	}
	alice.must(alice.UnverifyContact(bob.key()))
	if c := alice.contact(bob.key()); c.Trust != "unknown" || c.VerifiedBy != "" {
		t.Fatalf("contact %+v", c)
	}
}

func (p *person) question(state string) event.Verification {
	p.t.Helper()
	return wait(p, "a question "+state, func(e event.VerificationChanged) bool { return string(e.Verification.State) == state }).Verification
}

func TestQuestions(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 4})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	befriend(t, alice, bob)
	q, err := alice.AskContact(bob.key(), "Where did we meet?")
	if err != nil || q.State != "asked" || !q.Outgoing || q.PublicKey != bob.key().Hex() {
		t.Fatalf("%+v, %v", q, err)
	}
	got := bob.question("asked")
	if got.ID != q.ID || got.Outgoing || got.Question != "Where did we meet?" || got.PublicKey != alice.key().Hex() {
		t.Fatalf("bob was asked %+v", got)
	}
	_, err = alice.ConfirmAnswer(bob.key(), true)
	wantCode(t, "no answer yet", err, chat.CodeWrongState, "key")
	_, err = bob.AnswerContact(alice.key(), strings.Repeat("x", 281))
	wantCode(t, "a long answer", err, chat.CodeTooLong, "answer")
	if _, err := bob.AnswerContact(alice.key(), "In Jerusalem"); err != nil {
		t.Fatal(err)
	}
	_, err = bob.AnswerContact(alice.key(), "In Haifa")
	wantCode(t, "a second answer", err, chat.CodeWrongState, "key")
	if a := alice.question("answered"); a.Answer != "In Jerusalem" || a.ID != q.ID || a.AnsweredAt == 0 {
		t.Fatalf("alice got %+v", a)
	}
	if v, err := alice.ConfirmAnswer(bob.key(), true); err != nil || v.State != "confirmed" {
		t.Fatalf("%+v, %v", v, err)
	}
	if c := alice.contact(bob.key()); c.Trust != "verified" || c.VerifiedBy != "question" {
		t.Fatalf("contact %+v", c)
	}
	if c := bob.contact(alice.key()); c.Trust != "mutual" {
		t.Fatalf("bob's contact %+v", c)
	}

	// A question declined, one taken back, and a wrong answer.
	if _, err := bob.AskContact(alice.key(), "And who are you?"); err != nil {
		t.Fatal(err)
	}
	alice.question("asked")
	if _, err := alice.RefuseQuestion(bob.key()); err != nil {
		t.Fatal(err)
	}
	bob.question("declined")
	if _, err := bob.AskContact(alice.key(), "Really?"); err != nil {
		t.Fatal(err)
	}
	alice.question("asked")
	if _, err := bob.CancelQuestion(alice.key()); err != nil {
		t.Fatal(err)
	}
	alice.question("cancelled")
	_, err = alice.AnswerContact(bob.key(), "too late")
	wantCode(t, "answering what was taken back", err, chat.CodeWrongState, "key")
	if _, err := bob.AskContact(alice.key(), "Third try?"); err != nil {
		t.Fatal(err)
	}
	alice.question("asked")
	if _, err := alice.AnswerContact(bob.key(), "wrong"); err != nil {
		t.Fatal(err)
	}
	bob.question("answered")
	if v, err := bob.ConfirmAnswer(alice.key(), false); err != nil || v.State != "rejected" {
		t.Fatalf("%+v, %v", v, err)
	}
	if c := bob.contact(alice.key()); c.Trust != "mutual" {
		t.Fatalf("contact %+v", c)
	}
	if list, err := bob.Verifications(alice.key()); err != nil || len(list) != 2 || !list[0].Outgoing || list[1].Outgoing {
		t.Fatalf("%+v, %v", list, err)
	}
}

// Questions of strangers, answers to nothing, and texts that are too long.
func TestHostileQuestions(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newPerson(t, "alice", net)
	g := newRawPeer(t, net, alice.key())
	g.say(wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION, &wire.RequestContactVerification{Clock: g.next(), Challenge: "who?"})
	g.request("add me")
	alice.settled(g.key(), "received")
	alice.must(alice.AcceptContact(g.key()))
	late := uint64(time.Now().Add(time.Hour).UnixMilli())
	for _, m := range []*wire.RequestContactVerification{
		{Clock: g.next()}, {Clock: g.next(), Challenge: " "}, {Clock: g.next(), Challenge: strings.Repeat("x", 281)}, {Clock: late, Challenge: "?"},
	} {
		g.say(wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION, m)
	}
	for _, id := range []string{"", "0x", "0x1234", "0x" + strings.Repeat("00", 32), strings.Repeat("z", 1000)} {
		g.say(wire.ApplicationMetadataMessage_ACCEPT_CONTACT_VERIFICATION, &wire.AcceptContactVerification{Clock: g.next(), Id: id, Response: "yes"})
		g.say(wire.ApplicationMetadataMessage_DECLINE_CONTACT_VERIFICATION, &wire.DeclineContactVerification{Clock: g.next(), Id: id})
	}
	// Taken back before it came: the messages crossed.
	clock := g.next()
	question := &wire.RequestContactVerification{Clock: clock, Challenge: "really?"}
	e, id := g.envelope(wire.ApplicationMetadataMessage_REQUEST_CONTACT_VERIFICATION, question, false)
	g.say(wire.ApplicationMetadataMessage_CANCEL_CONTACT_VERIFICATION, &wire.CancelContactVerification{Clock: g.next(), Id: fmt.Sprintf("0x%x", id)})
	net.Inject(e)
	if v := alice.question("cancelled"); v.Question != "really?" || v.Outgoing {
		t.Fatalf("%+v", v)
	}
	if list, err := alice.Verifications(g.key()); err != nil || len(list) != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if d, err := alice.Diagnostics(); err != nil || d.Dropped["verification"] != 14 || d.Dropped["contact_clock"] != 1 {
		t.Errorf("dropped %v, %v", d.Dropped, err)
	}
}

func aPicture(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 80, 80))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestProfile(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bobby", net)
	befriend(t, alice, bob)
	stranger := newPerson(t, "stranger", net)
	name, bio, colour, picture := "Alice the Second", "about me", 7, aPicture(t)
	p, err := alice.SetProfile(chat.ProfileChange{DisplayName: &name, Bio: &bio, Color: &colour, Picture: &picture})
	if err != nil || p.DisplayName != name || p.Bio != bio || p.Color != 7 || !bytes.Equal(p.Picture.Data, picture) || !p.ShownByStatus {
		t.Fatalf("%+v, %v", p, err)
	}
	if l, err := identity.ParseLink(p.Link); err != nil || l.Key != alice.key() || l.DisplayName != name || l.Description != bio {
		t.Fatalf("link %+v, %v", l, err)
	}
	if info, err := alice.Identity(); err != nil || info.DisplayName != name {
		t.Fatalf("%+v, %v", info, err)
	}
	// Contacts learn it from the contact code at once, and all of it with a message.
	eventually(t, "the new name at a contact", func() bool { return bob.contact(alice.key()).DisplayName == name })
	alice.send(bob, "look")
	bob.waitText("look")
	eventually(t, "the picture at a contact", func() bool { return bob.contact(alice.key()).HasPicture })
	got, err := bob.ContactPicture(alice.key())
	if err != nil || got.MIME != "image/png" || !bytes.Equal(got.Data, picture) || bob.contact(alice.key()).Bio != bio {
		t.Fatalf("%s, %d bytes, %v", got.MIME, len(got.Data), err)
	}
	alice.send(stranger, "hello")
	stranger.waitText("hello")
	eventually(t, "the name at a stranger", func() bool { return stranger.contact(alice.key()).DisplayName == name })
	if stranger.contact(alice.key()).HasPicture {
		t.Error("a stranger has the picture")
	}
	_, err = stranger.ContactPicture(alice.key())
	wantCode(t, "no picture", err, chat.CodeNotFound, "key")

	long, big, none := strings.Repeat("x", 25), make([]byte, 40000), []byte{}
	much, bad := strings.Repeat("x", 241), 18
	_, err = alice.SetProfile(chat.ProfileChange{DisplayName: &long})
	wantCode(t, "a long name", err, chat.CodeTooLong, "display_name")
	_, err = alice.SetProfile(chat.ProfileChange{Bio: &much})
	wantCode(t, "a long bio", err, chat.CodeTooLong, "bio")
	_, err = alice.SetProfile(chat.ProfileChange{Color: &bad})
	wantCode(t, "no colour", err, chat.CodeBadParams, "color")
	_, err = alice.SetProfile(chat.ProfileChange{Picture: &big})
	wantCode(t, "a big picture", err, chat.CodeBadPicture, "picture")
	text := []byte("no picture")
	_, err = alice.SetProfile(chat.ProfileChange{Picture: &text})
	wantCode(t, "a text", err, chat.CodeBadPicture, "picture")
	if p, err := alice.SetProfile(chat.ProfileChange{Picture: &none}); err != nil || p.Picture != nil || p.DisplayName != name {
		t.Errorf("%+v, %v", p, err)
	}
}

// A new name goes to contacts as a message that is repeated until it arrives.
func TestContactsAreToldANewName(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newPerson(t, "alice", net)
	openPerson(t, "somebody", store.Memory(), net.Join(), fast)
	g, stranger := newRawPeer(t, net, alice.key()), newRawPeer(t, net, alice.key())
	stranger.text("hi", nil)
	alice.waitText("hi")
	g.request("add me")
	alice.settled(g.key(), "received")
	alice.must(alice.AcceptContact(g.key()))
	before, err := alice.Diagnostics()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := alice.SetDisplayName("Alice the Third"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one message", func() bool { d, err := alice.Diagnostics(); return err == nil && d.Outbox == before.Outbox+1 })
}

// What strangers say of themselves is bounded, and a profile from the future is none.
func TestHostileProfiles(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newPerson(t, "alice", net)
	g := newRawPeer(t, net, alice.key())
	image := map[string]*wire.IdentityImage{"large": {Payload: aPicture(t), ImageFormat: wire.ImageFormat_PNG}}
	late := uint64(time.Now().Add(time.Hour).UnixMilli())
	g.bare(wire.ApplicationMetadataMessage_CHAT_IDENTITY, &wire.ChatIdentity{Clock: late, DisplayName: "from the future", Images: image})
	g.bare(wire.ApplicationMetadataMessage_CHAT_IDENTITY, &wire.ChatIdentity{
		Clock: g.next(), DisplayName: strings.Repeat("n", 5000), Description: strings.Repeat("b", 5000), Images: image,
	})
	g.text("after", nil)
	alice.waitText("after")
	c := alice.contact(g.key())
	if len(c.DisplayName) != chat.MaxName || len(c.Bio) != 240 || c.HasPicture {
		t.Fatalf("%d letters of a name, %d about them, picture %v", len(c.DisplayName), len(c.Bio), c.HasPicture)
	}
	// Of a contact the picture is taken, and one that is none is not.
	g.request("add me")
	alice.settled(g.key(), "received")
	alice.must(alice.AcceptContact(g.key()))
	for _, data := range [][]byte{[]byte("no picture"), make([]byte, 50000)} {
		g.bare(wire.ApplicationMetadataMessage_CHAT_IDENTITY, &wire.ChatIdentity{
			Clock: g.next(), Images: map[string]*wire.IdentityImage{"large": {Payload: data}},
		})
	}
	g.text("no pictures", nil)
	alice.waitText("no pictures")
	if alice.contact(g.key()).HasPicture {
		t.Error("something else was taken for a picture")
	}
	g.bare(wire.ApplicationMetadataMessage_CHAT_IDENTITY, &wire.ChatIdentity{Clock: g.next(), Images: image})
	eventually(t, "the picture", func() bool { return alice.contact(g.key()).HasPicture })
	if check, err := alice.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
		t.Errorf("%v, %v", check.Problems, err)
	}
}

// The profile goes ahead of the first message and is not repeated with the next.
func TestIntroducedOnce(t *testing.T) {
	net := memnet.New(memnet.Options{})
	gate := chattest.NewGate(net.Join())
	alice := openPerson(t, "alice", store.Memory(), gate, chat.Settings{ResendBase: time.Hour, AckDelay: time.Millisecond})
	if _, _, err := alice.CreateIdentity(context.Background(), 12, "alice"); err != nil {
		t.Fatal(err)
	}
	bob := newPerson(t, "bobby", net)
	count := func() int { return len(gate.Published()) }
	eventually(t, "the contact code", func() bool { return count() == 1 })
	alice.waitState(alice.send(bob, "one").ID, "delivered")
	if n := count(); n != 3 {
		t.Errorf("%d envelopes: contact code, profile and message make 3", n)
	}
	if c := bob.contact(alice.key()); c.DisplayName != "alice" {
		t.Errorf("contact %+v", c)
	}
	alice.waitState(alice.send(bob, "two").ID, "delivered")
	if n := count(); n != 4 {
		t.Errorf("%d envelopes after the second message", n)
	}
}

func TestPhraseAndDeletion(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice := newHome(t, "alice", net)
	right := chat.Credentials{Passphrase: "a passphrase"}
	_, err := alice.Phrase(chat.Credentials{Passphrase: "wrong"}, true)
	wantCode(t, "a wrong passphrase", err, chat.CodeWrongPassphrase, "passphrase")
	var backup bytes.Buffer
	_, err = alice.ExportBackup(context.Background(), &backup, chat.Credentials{Passphrase: "wrong"}, "secret", "test")
	wantCode(t, "a backup with a wrong passphrase of the store", err, chat.CodeWrongPassphrase, "store.passphrase")
	if _, err = alice.ExportBackup(context.Background(), io.Discard, right, "secret", "test"); err != nil || backup.Len() > 0 {
		t.Errorf("%d bytes were shown, and then %v", backup.Len(), err)
	}
	p, err := alice.Phrase(right, false)
	if err != nil || len(strings.Fields(p.Words())) != 12 {
		t.Fatal(err)
	}
	if k, err := identity.ChatKey(p, ""); err != nil || k.Public() != alice.key() {
		t.Fatal("the phrase is another one")
	}
	if again, err := alice.Phrase(right, true); err != nil || again != p {
		t.Fatal(err)
	}
	_, err = alice.Phrase(right, false)
	wantCode(t, "after the last time", err, chat.CodeNotFound, "")
	alice.restart()
	_, err = alice.Phrase(right, false)
	wantCode(t, "after a restart", err, chat.CodeNotFound, "")

	err = alice.DeleteIdentity(chat.Credentials{Passphrase: "wrong"})
	wantCode(t, "deleting with a wrong passphrase", err, chat.CodeWrongPassphrase, "passphrase")
	if err := alice.DeleteIdentity(right); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(alice.path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	wait(alice.person, "the end", func(e event.Closed) bool { return e.Reason == "deleted" })
	_, err = alice.Identity()
	wantCode(t, "after the deletion", err, chat.CodeClosed, "")
	wantCode(t, "deleted twice", alice.DeleteIdentity(right), chat.CodeClosed, "")
}

// Several people live in one process, each with a phrase in another language.
func TestPhraseLanguages(t *testing.T) {
	net := memnet.New(memnet.Options{})
	for _, language := range identity.Languages() {
		p := openPerson(t, string(language), store.Memory(), net.Join(), fast)
		info, phrase, err := p.CreateIdentityIn(context.Background(), 12, language, "")
		if err != nil {
			t.Fatal(err)
		}
		q := openPerson(t, string(language), store.Memory(), net.Join(), fast)
		if again, err := q.RestoreIdentity(context.Background(), phrase.Words(), "", ""); err != nil || again.PublicKey != info.PublicKey {
			t.Errorf("%s: %v", language, err)
		}
	}
	p := openPerson(t, "nobody", store.Memory(), net.Join(), fast)
	_, _, err := p.CreateIdentityIn(context.Background(), 12, "klingon", "")
	wantCode(t, "no such language", err, chat.CodeBadParams, "language")
}
