package chat_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"filippo.io/age"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
)

// aLongChat is a backup of some pieces of 64 KiB, of somebody without friends.
func aLongChat(t *testing.T) ([]byte, *person) {
	t.Helper()
	alice := newPerson(t, "alice", memnet.New(memnet.Options{}))
	to, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 80 {
		text := strings.Repeat(fmt.Sprint(i, " "), message.MaxTextLength)[:message.MaxTextLength]
		if _, err := alice.Send(context.Background(), chat.SendRequest{To: to.Public(), Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	b := alice.backup()
	if len(b) < 4*65536 {
		t.Fatalf("the backup has only %d bytes", len(b))
	}
	return b, alice
}

// aPiece is the size of what is authenticated at once in a backup.
const aPiece = 64<<10 + 16

// refused is the error of a backup that must change nothing.
func (p *person) refused(backup []byte, passphrase string) *chat.Error {
	p.t.Helper()
	_, err := p.ImportBackup(context.Background(), bytes.NewReader(backup), passphrase, false)
	var e *chat.Error
	if !errors.As(err, &e) {
		p.t.Fatalf("imported: %v", err)
	}
	if _, err := p.Identity(); chat.CodeOf(err) != chat.CodeNoIdentity {
		p.t.Fatalf("after %v there is an identity: %v", e, err)
	}
	return e
}

// TestBackupDamaged: a changed byte anywhere is found before anything is merged, and the error
// says where it is, within one piece.
func TestBackupDamaged(t *testing.T) {
	backup, alice := aLongChat(t)
	laptop := newDevice(t, "laptop", memnet.New(memnet.Options{}))
	header := bytes.Index(backup, []byte("\n--- "))
	header += 1 + bytes.IndexByte(backup[header+1:], '\n') + 1
	places := []int{}
	for i := 0; i < header+40; i++ {
		places = append(places, i)
	}
	for at := header + 16 + 1; at < len(backup); at += aPiece / 2 {
		places = append(places, at)
	}
	for at := header + 16; at < len(backup); at += aPiece { // the edges of the pieces
		places = append(places, at-1, at, at+aPiece-1)
	}
	places = append(places, len(backup)-1)
	for _, at := range places {
		if at >= len(backup) {
			continue
		}
		damaged := bytes.Clone(backup)
		damaged[at] ^= 1
		e := laptop.refused(damaged, backupPassphrase)
		if at < header { // there it may look like another passphrase
			if e.Code != chat.CodeWrongPassphrase && e.Code != chat.CodeBadArchive {
				t.Errorf("byte %d: %v", at, e)
			}
			continue
		}
		offset, ok := e.Details["offset"].(int64)
		if e.Code != chat.CodeBadArchive || e.Field != "path" || !ok || e.Details["cause"] == "" {
			t.Errorf("byte %d: %v %v", at, e, e.Details)
		}
		// A damaged nonce shows in the first piece.
		if from := max(int64(at), int64(header)+16); offset > from || offset <= from-aPiece {
			t.Errorf("byte %d: the error names byte %d: %v", at, offset, e)
		}
	}
	if got := laptop.restore(backup); got.New.Messages != 80 {
		t.Errorf("imported %+v", got)
	}
	same(t, laptop.knows(), leftBehind(alice.knows()))
}

// leftBehind changes messages that still wait to failed, as another device sees them.
func leftBehind(k knowledge) knowledge {
	for _, messages := range k.messages {
		for i := range messages {
			if messages[i].State == "queued" {
				messages[i].State, messages[i].Failure = "failed", enum.FailureOnOtherDevice
			}
		}
	}
	return k
}

// TestBackupTruncated: a file that ends early says after how many bytes; with partial its
// beginning is merged.
func TestBackupTruncated(t *testing.T) {
	backup, alice := aLongChat(t)
	laptop := newDevice(t, "laptop", memnet.New(memnet.Options{}))
	lengths := []int{}
	for n := range 250 {
		lengths = append(lengths, n)
	}
	for n := aPiece / 2; n < len(backup); n += aPiece / 2 {
		lengths = append(lengths, n)
	}
	header := bytes.Index(backup, []byte("\n--- "))
	header += 1 + bytes.IndexByte(backup[header+1:], '\n') + 1
	for n := header + 16 + aPiece; n < len(backup); n += aPiece {
		lengths = append(lengths, n-1, n, n+1)
	}
	lengths = append(lengths, len(backup)-1)
	for _, n := range lengths {
		e := laptop.refused(backup[:n], backupPassphrase)
		if e.Code != chat.CodeBadArchive || e.Details["cause"] != "truncated" || !strings.Contains(e.Message, fmt.Sprint("after ", n, " bytes")) &&
			!strings.Contains(e.Message, "within its first") {
			t.Errorf("%d bytes: %v %v", n, e, e.Details)
		}
	}
	// Something appended is damage as well.
	if e := laptop.refused(append(bytes.Clone(backup), 0), backupPassphrase); e.Code != chat.CodeBadArchive {
		t.Errorf("a byte more: %v", e)
	}
	// What comes before the end can be had.
	_, err := laptop.ImportBackup(context.Background(), bytes.NewReader(backup[:len(backup)/2]), backupPassphrase, true)
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeBadArchive {
		t.Fatalf("half a file: %v", err)
	}
	if n, ok := e.Details["messages"].(uint64); !ok || n == 0 || n >= 80 {
		t.Errorf("half a file brought %v messages", e.Details["messages"])
	}
	laptop.sound()
	laptop.restore(backup)
	same(t, laptop.knows(), leftBehind(alice.knows()))
	laptop.sound()
}

// TestBackupRefusals: what is no backup, or not for this passphrase or this store, says so and
// changes nothing.
func TestBackupRefusals(t *testing.T) {
	net := memnet.New(memnet.Options{})
	alice, bob, laptop := newPerson(t, "alice", net), newPerson(t, "bob", net), newDevice(t, "laptop", net)
	backup := alice.backup()
	encrypted := func(text string, work int) []byte {
		recipient, err := age.NewScryptRecipient(backupPassphrase)
		if err != nil {
			t.Fatal(err)
		}
		recipient.SetWorkFactor(work)
		var b bytes.Buffer
		w, err := age.Encrypt(&b, recipient)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err := errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var toKey bytes.Buffer
	w, err := age.Encrypt(&toKey, key.Recipient())
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file       []byte
		passphrase string
		code       chat.Code
		cause      any
	}{
		"another passphrase":  {backup, "another", chat.CodeWrongPassphrase, nil},
		"no passphrase":       {backup, "", chat.CodeBadParams, nil},
		"nothing":             {nil, backupPassphrase, chat.CodeBadArchive, "truncated"},
		"a text":              {[]byte("dear diary, this is a file of another kind"), backupPassphrase, chat.CodeBadArchive, "format"},
		"a secret of another": {encrypted("dear diary, this is a file of another kind", 4), backupPassphrase, chat.CodeBadArchive, "format"},
		"an empty one":        {encrypted("", 4), backupPassphrase, chat.CodeBadArchive, "truncated"},
		"a newer version":     {encrypted("status1to1-backup\x02", 4), backupPassphrase, chat.CodeBadArchive, "version"},
		"a record too large":  {encrypted("status1to1-backup\x01\xff\xff\xff\xff", 4), backupPassphrase, chat.CodeBadArchive, "damaged"},
		"records of nothing":  {encrypted("status1to1-backup\x01"+strings.Repeat("\x00", 40), 4), backupPassphrase, chat.CodeBadArchive, "damaged"},
		"no record":           {encrypted("status1to1-backup\x01", 4), backupPassphrase, chat.CodeBadArchive, "truncated"},
		"encrypted for a key": {toKey.Bytes(), backupPassphrase, chat.CodeBadArchive, "format"},
		"hours of work":       {bytes.Replace(encrypted("", 10), []byte(" 10\n"), []byte(" 40\n"), 1), backupPassphrase, chat.CodeBadArchive, "damaged"},
	} {
		e := laptop.refused(c.file, c.passphrase)
		if e.Code != c.code || e.Details["cause"] != c.cause {
			t.Errorf("%s: %v %v", name, e, e.Details)
		}
	}
	before := bob.knows()
	if _, err := bob.ImportBackup(context.Background(), bytes.NewReader(backup), backupPassphrase, false); chat.CodeOf(err) != chat.CodeIdentityExists {
		t.Errorf("the backup of somebody else: %v", err)
	}
	same(t, bob.knows(), before)
	if _, err := laptop.ExportBackup(context.Background(), io.Discard, chat.Credentials{}, backupPassphrase, "test"); chat.CodeOf(err) != chat.CodeNoIdentity {
		t.Errorf("a backup of nobody: %v", err)
	}
	if _, err := alice.ExportBackup(context.Background(), io.Discard, chat.Credentials{}, "", "test"); chat.CodeOf(err) != chat.CodeBadParams {
		t.Errorf("a backup without a passphrase: %v", err)
	}
	full := errors.New("the disk is full")
	if _, err := alice.ExportBackup(context.Background(), failingWriter{full}, chat.Credentials{}, backupPassphrase, "test"); !errors.Is(err, full) {
		t.Errorf("a full disk: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := alice.ExportBackup(ctx, io.Discard, chat.Credentials{}, backupPassphrase, "test"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }
