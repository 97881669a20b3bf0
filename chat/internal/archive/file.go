package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"golang.org/x/text/unicode/norm"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// A backup is one file: an archive as records, encrypted with a passphrase in the format of
// age (age-encryption.org/v1). docs/backup.md describes it, so that it can be read without this
// library.

const (
	// magic begins what is encrypted; the version follows as a byte.
	magic = "status1to1-backup"
	// version is raised by a change that earlier versions cannot read. A new field or a new
	// kind of item is not such a change.
	version = 1
	// WorkFactor is the cost of turning the passphrase into a key, as a power of two: scrypt
	// with N = 2^17 takes 128 MiB and half a second.
	WorkFactor = 17
	// maxWorkFactor bounds what a file may ask for: 256 MiB, as the age program writes.
	maxWorkFactor = 18
	// The encrypted part has a nonce, then pieces that are authenticated one by one; the last is
	// shorter, or whole.
	nonceSize, pieceSize, pieceOverhead = 16, 64 << 10, 16
	// maxHeader bounds the header of age: one recipient with a passphrase takes 150 bytes.
	maxHeader = 4 << 10
)

// Progress is called now and then with the number of items that are done, and about how many
// there are.
type Progress func(done, total uint64)

// Passphrase is the form in which a passphrase is used: NFKC, so that it does not matter how a
// keyboard composes what it types. (Unicode Standard Annex 15.)
func Passphrase(s string) string { return norm.NFKC.String(s) }

// WriteFile makes an archive of a store and writes it to w, encrypted. It returns what is in
// it, and the number of records that did not read back and are not.
func WriteFile(ctx context.Context, w io.Writer, s *Source, header *wire.ArchiveHeader, passphrase string, workFactor int, report Progress) (Counts, uint64, error) {
	var counts Counts
	recipient, err := age.NewScryptRecipient(Passphrase(passphrase))
	if err != nil {
		return counts, 0, fmt.Errorf("archive: %w", err)
	}
	recipient.SetWorkFactor(workFactor)
	plain, err := age.Encrypt(w, recipient)
	if err != nil {
		return counts, 0, err
	}
	total, err := s.Count()
	if err != nil {
		return counts, 0, err
	}
	header.Items = total.Sum()
	first, err := proto.Marshal(header)
	if err != nil {
		return counts, 0, err
	}
	if _, err := io.WriteString(plain, magic+string(byte(version))); err != nil {
		return counts, 0, err
	}
	if err := writeRecord(plain, first); err != nil {
		return counts, 0, err
	}
	damaged := uint64(0)
	for cursor := []byte(nil); ; {
		if err := ctx.Err(); err != nil {
			return counts, damaged, err
		}
		b, err := s.Next(cursor)
		if err != nil {
			return counts, damaged, err
		}
		counts.add(b.Counts)
		damaged += b.Damaged
		if err := writeRecord(plain, b.Data); err != nil {
			return counts, damaged, err
		}
		report(min(b.Items, header.GetItems()), header.GetItems())
		if cursor = b.Next; cursor == nil {
			return counts, damaged, plain.Close()
		}
	}
}

// writeRecord writes the length of a record, then its bytes.
func writeRecord(w io.Writer, b []byte) error {
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(b)))); err != nil {
		return err
	}
	_, err := w.Write(b)
	return err
}

// File is a backup that is read.
type File struct {
	Header *wire.ArchiveHeader

	src     io.ReadSeeker
	raw     []byte // the header of age
	fileKey []byte
	at      *counting
	plain   *bufio.Reader
}

// OpenFile reads the beginning of a backup. Errors: CodeWrongPassphrase, CodeBadArchive.
func OpenFile(src io.ReadSeeker, passphrase string) (*File, error) {
	f := &File{src: src, at: &counting{r: src}}
	if err := f.unlock(passphrase); err != nil {
		return nil, err
	}
	return f, f.rewind()
}

// unlock turns the passphrase into the key of the file.
func (f *File) unlock(passphrase string) error {
	begin := make([]byte, maxHeader)
	n, err := io.ReadFull(f.src, begin)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return port.Errorf(port.CodeFileIO, "path", "the file cannot be read").BecauseOS(err)
	}
	if f.raw, err = headerOf(begin[:n]); err != nil {
		return err
	}
	if !bytes.Contains(f.raw, []byte("\n-> scrypt ")) {
		return badFile("format", 0, "the file is encrypted for a key, and not with a passphrase")
	}
	identity, err := age.NewScryptIdentity(Passphrase(passphrase))
	if err != nil {
		return port.Errorf(port.CodeWrongPassphrase, "passphrase", "the passphrase is empty")
	}
	identity.SetMaxWorkFactor(maxWorkFactor)
	f.fileKey, err = age.DecryptHeader(f.raw, identity)
	var none *age.NoIdentityMatchError
	switch {
	case errors.As(err, &none):
		return port.Errorf(port.CodeWrongPassphrase, "passphrase", "the passphrase does not open this file, or its first %d bytes are damaged", len(f.raw)).Because(err)
	case err != nil:
		return badFile("damaged", 0, "the first %d bytes are damaged, or ask for more than a backup may", len(f.raw)).Because(err)
	}
	return nil
}

// badFile is the error for a file that is not a backup, or is not whole.
func badFile(cause string, offset int64, format string, args ...any) *port.Error {
	return port.Errorf(port.CodeBadArchive, "path", format, args...).With("cause", cause).With("offset", offset)
}

// headerOf returns the header of age that b begins with.
func headerOf(b []byte) ([]byte, error) {
	const intro = "age-encryption.org/v1\n"
	if len(b) < len(intro) || string(b[:len(intro)]) != intro {
		if n := min(len(b), len(intro)); n < len(intro) && string(b) == intro[:n] {
			return nil, badFile("truncated", int64(n), "the file ends after %d bytes", n)
		}
		return nil, badFile("format", 0, "this is not a backup: it does not begin as one does")
	}
	raw, err := age.ExtractHeader(bytes.NewReader(b))
	switch {
	case err == nil:
		return raw, nil
	case len(b) < maxHeader:
		return nil, badFile("truncated", int64(len(b)), "the file ends, or is damaged, within its first %d bytes", len(b)).Because(err)
	}
	return nil, badFile("damaged", 0, "the beginning of the file is damaged").Because(err)
}

// rewind begins to read what is encrypted from its start.
func (f *File) rewind() error {
	if _, err := f.src.Seek(0, io.SeekStart); err != nil {
		return port.Errorf(port.CodeFileIO, "path", "the file cannot be read").BecauseOS(err)
	}
	f.at.n, f.at.ended = 0, false
	plain, err := age.Decrypt(f.at, age.NewInjectedFileKeyIdentity(f.fileKey))
	if err != nil {
		return f.broken(err)
	}
	f.plain = bufio.NewReader(plain)
	intro := make([]byte, len(magic)+1)
	if _, err := io.ReadFull(f.plain, intro); err != nil {
		return f.broken(err)
	}
	if string(intro[:len(magic)]) != magic {
		return badFile("format", 0, "the file is encrypted, and is not a backup of this library")
	}
	if intro[len(magic)] != version {
		return badFile("version", 0, "the backup was made by a newer version of the library").With("version", int(intro[len(magic)]))
	}
	b, err := f.record()
	if err != nil {
		return err
	}
	f.Header = &wire.ArchiveHeader{}
	if proto.Unmarshal(b, f.Header) != nil {
		return f.nonsense("the record that describes the backup does not read back")
	}
	return nil
}

// record reads the next record.
func (f *File) record() ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(f.plain, length[:]); err != nil {
		return nil, f.broken(err)
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > MaxBatch {
		return nil, f.nonsense("a record is larger than one may be")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(f.plain, b); err != nil {
		return nil, f.broken(err)
	}
	return b, nil
}

// Batches calls merge for each batch. Errors: CodeBadArchive, with the offset at which it
// shows, and those of merge.
func (f *File) Batches(ctx context.Context, merge func(data []byte) (last bool, err error)) error {
	if err := f.rewind(); err != nil {
		return err
	}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := f.record()
		if err != nil {
			return err
		}
		last, err := merge(b)
		if port.CodeOf(err) == port.CodeBadArchive {
			return f.nonsense("a record is not a part of an archive").Because(err)
		}
		if err != nil {
			return err
		}
		if !last {
			continue
		}
		if _, err := f.plain.ReadByte(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return f.broken(err)
		}
		return f.nonsense("something follows the last record")
	}
}

// Verify reads the whole file and changes nothing.
func (f *File) Verify(ctx context.Context) error {
	return f.Batches(ctx, func(data []byte) (bool, error) {
		b, _, err := decode(data)
		return b.GetLast(), err
	})
}

// broken explains why reading what is encrypted failed: the file ends early, a piece of it is
// damaged, or the system cannot read it.
func (f *File) broken(err error) *port.Error {
	if f.at.err != nil {
		return port.Errorf(port.CodeFileIO, "path", "the file cannot be read").BecauseOS(f.at.err)
	}
	payload := int64(len(f.raw)) + nonceSize
	if f.at.n < payload {
		return badFile("truncated", f.at.n, "the file ends after %d bytes", f.at.n).Because(err)
	}
	// The piece that was read last did not authenticate.
	pieces := max(0, (f.at.n-payload-1)/(pieceSize+pieceOverhead))
	from := payload + pieces*(pieceSize+pieceOverhead)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF) && (f.at.n-payload)%(pieceSize+pieceOverhead) == 0:
		return badFile("truncated", f.at.n, "the file ends early, after %d bytes", f.at.n).Because(err)
	case f.at.ended:
		return badFile("truncated", from, "the file ends early, after %d bytes, or is damaged after byte %d", f.at.n, from).Because(err)
	}
	return badFile("damaged", from, "the file is damaged between byte %d and byte %d", from, f.at.n).Because(err)
}

// nonsense is the error of what authenticates and makes no sense: only who knows the passphrase
// can write it.
func (f *File) nonsense(why string) *port.Error {
	return badFile("damaged", f.at.n, "%s, before byte %d", why, f.at.n)
}

// counting counts what is read of a file.
type counting struct {
	r     io.Reader
	n     int64
	ended bool  // it was read to its end
	err   error // of the system
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		c.ended = true
	case err != nil:
		c.err = err
	}
	return n, err
}
