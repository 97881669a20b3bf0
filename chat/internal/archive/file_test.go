package archive

import (
	"bytes"
	"context"
	"io"
	"testing"

	"filippo.io/age"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// encrypt makes a file of any content.
func encrypt(t testing.TB, content []byte) []byte {
	t.Helper()
	recipient, err := age.NewScryptRecipient("p")
	if err != nil {
		t.Fatal(err)
	}
	recipient.SetWorkFactor(1)
	var b bytes.Buffer
	w, err := age.Encrypt(&b, recipient)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// aFile is the content of a backup of two batches.
func aFile(t testing.TB) []byte {
	t.Helper()
	private, err := key.ParsePrivate(bytes.Repeat([]byte{1}, 32))
	if err != nil {
		t.Fatal(err)
	}
	b := bytes.NewBufferString(magic + string(byte(version)))
	for _, record := range [][]byte{
		{8, 1}, // made at 1 ms
		mustMarshal(t, &wire.ArchiveBatch{Owner: private.Public().Compressed()}),
		mustMarshal(t, &wire.ArchiveBatch{Owner: private.Public().Compressed(), Last: true}),
	} {
		if err := writeRecord(b, record); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func mustMarshal(t testing.TB, batch *wire.ArchiveBatch) []byte {
	t.Helper()
	b, err := proto.Marshal(batch)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read opens and verifies a file.
func read(b []byte) error {
	f, err := OpenFile(bytes.NewReader(b), "p")
	if err != nil {
		return err
	}
	return f.Verify(context.Background())
}

// FuzzFile reads any bytes as a file, and as what is encrypted in one: it is a backup, or
// the error says why it is none.
func FuzzFile(f *testing.F) {
	good := aFile(f)
	f.Add(good, true)
	f.Add(encrypt(f, good), false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, b []byte, inside bool) {
		if inside {
			b = encrypt(t, b)
		}
		switch err := read(b); {
		case err == nil, port.CodeOf(err) == port.CodeBadArchive, port.CodeOf(err) == port.CodeWrongPassphrase:
		default:
			t.Errorf("%v", err)
		}
	})
}

// TestFileReadsBack: the file of the fuzz target is one; else the target tries nothing.
func TestFileReadsBack(t *testing.T) {
	if err := read(encrypt(t, aFile(t))); err != nil {
		t.Error(err)
	}
}

// TestFileThatFails: an error of the system is told from damage.
func TestFileThatFails(t *testing.T) {
	b := encrypt(t, aFile(t))
	for _, left := range []int{0, 100, len(b) + 50} { // the last fails when it is read again
		f, err := OpenFile(&failing{bytes.NewReader(b), left}, "p")
		if err == nil {
			err = f.Verify(context.Background())
		}
		if port.CodeOf(err) != port.CodeFileIO {
			t.Errorf("after %d bytes: %v", left, err)
		}
	}
}

// failing is a file that cannot be read after some bytes.
type failing struct {
	*bytes.Reader
	left int
}

func (f *failing) Read(p []byte) (int, error) {
	if f.left <= 0 {
		return 0, io.ErrClosedPipe
	}
	n, err := f.Reader.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}
