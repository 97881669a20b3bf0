package chat_test

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"filippo.io/age"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/internal/testsize"
	"libstatus1to1/store"
)

// archiveFile writes a backup of batches as no library would have to, beginning with a header.
func archiveFile(t *testing.T, to io.Writer, batches func(yield func(*wire.ArchiveBatch) bool)) {
	t.Helper()
	recipient, err := age.NewScryptRecipient(backupPassphrase)
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(4)
	w, err := age.Encrypt(to, recipient)
	if err != nil {
		t.Fatal(err)
	}
	record := func(m proto.Message) {
		b, err := proto.Marshal(m)
		if err == nil {
			_, err = w.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := io.WriteString(w, "status1to1-backup\x01"); err != nil {
		t.Fatal(err)
	}
	record(&wire.ArchiveHeader{MadeAt: 1})
	for b := range batches {
		record(b)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// aMessage is a message of a chat in an archive.
func aMessage(with key.Public, number uint32) *wire.MessageRecord {
	rec := &wire.MessageRecord{
		Id: make([]byte, 32), Chat: message.ConversationWith(with).Bytes(), From: with.Compressed(), Kind: "text", State: "received",
		Text: "a text as people write them, of some words", Clock: 1700000000000 + uint64(number), SentAt: 1700000000000, ReceivedAt: 1700000000000,
		ApplicationType: 1, Read: true,
	}
	binary.BigEndian.PutUint32(rec.Id, number)
	return rec
}

// heapWatch measures what is alive in memory, now and then while bytes pass it.
type heapWatch struct {
	io.ReadSeeker
	io.Writer
	passed, most uint64
}

func (w *heapWatch) pass(n int) {
	const every = 2 << 20
	before := w.passed
	if w.passed += uint64(n); before/every != w.passed/every {
		w.most = max(w.most, alive())
	}
}

func (w *heapWatch) Read(p []byte) (int, error) {
	n, err := w.ReadSeeker.Read(p)
	w.pass(n)
	return n, err
}

func (w *heapWatch) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.pass(n)
	return n, err
}

// alive is the number of bytes that are in use.
func alive() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestBackupOfManyMessages: 100,000 messages are imported, exported and imported again in
// memory that does not grow with them.
func TestBackupOfManyMessages(t *testing.T) {
	messages := uint32(testsize.Many(100_000, 20_000))
	if testing.Short() {
		messages = 10_000
	}
	private, with := mustGenerate(t), mustGenerate(t).Public()
	name := filepath.Join(t.TempDir(), "synthetic")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	archiveFile(t, f, func(yield func(*wire.ArchiveBatch) bool) {
		owner := private.Public().Compressed()
		yield(&wire.ArchiveBatch{Owner: owner, Items: []*wire.ArchiveItem{{Item: &wire.ArchiveItem_Identity{Identity: &wire.IdentityRecord{PrivateKey: private.Bytes()}}}}})
		const atOnce = 250
		for n := uint32(0); n < messages; n += atOnce {
			b := &wire.ArchiveBatch{Owner: owner, Last: n+atOnce >= messages}
			for i := range uint32(atOnce) {
				b.Items = append(b.Items, &wire.ArchiveItem{Item: &wire.ArchiveItem_Message{Message: aMessage(with, n+i)}})
			}
			yield(b)
		}
	})
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	before := alive()
	first := importLarge(t, name, messages)
	copied := name + " copied"
	if f, err = os.Create(copied); err != nil {
		t.Fatal(err)
	}
	w := &heapWatch{Writer: f}
	if got, err := first.ExportBackup(context.Background(), w, chat.Credentials{Passphrase: "p"}, backupPassphrase, "test"); err != nil || got.Contents.Messages != uint64(messages) || got.Damaged != 0 {
		t.Fatalf("exported %+v, %v", got, err)
	}
	if err := errors.Join(f.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	second := importLarge(t, copied, messages)
	if c, err := second.Chat(with); err != nil || c.Messages != uint64(messages) || c.Unread != 0 {
		t.Errorf("the chat has %d messages, %v", c.Messages, err)
	}
	// The records alone have some 15 MB.
	const allowed = 12 << 20
	if w.most > before+allowed {
		t.Errorf("the export held %d KiB", (w.most-before)>>10)
	}
	t.Logf("the export held %d KiB", (max(w.most, before)-before)>>10)
}

func mustGenerate(t *testing.T) key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// importLarge imports a file into a new store in a file, and watches the memory.
func importLarge(t *testing.T, name string, messages uint32) *person {
	t.Helper()
	s, err := store.Open(store.Options{
		Path: filepath.Join(t.TempDir(), "store"), Passphrase: "p", KDF: store.Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	p := openPerson(t, "large", s, memnet.New(memnet.Options{}).Join(), chat.Settings{})
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before := alive()
	r := &heapWatch{ReadSeeker: f}
	got, err := p.ImportBackup(context.Background(), r, backupPassphrase, false)
	if err != nil || got.New.Messages != uint64(messages) || got.Refused != 0 {
		t.Fatalf("imported %+v, %v", got, err)
	}
	const allowed = 12 << 20
	if r.most > before+allowed {
		t.Errorf("the import held %d KiB", (r.most-before)>>10)
	}
	t.Logf("the import held %d KiB", (max(r.most, before)-before)>>10)
	return p
}
