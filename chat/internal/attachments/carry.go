package attachments

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/media"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Attachments in archives go chunk by chunk, those of the newest messages first. What comes
// is stored as it comes, and readable when it is whole and has the hash that is its name.

// CarriedNameBytes is the length of the names that Carried returns.
const CarriedNameBytes = 8 + 32

// Carried lists the attachments that are here whole, by names that sort the newest first, up
// to so many bytes together, and how many chunks they have; 0 is all of them.
func Carried(tx port.Tx, most uint64) (names [][]byte, chunks uint64, err error) {
	sizes := map[string]uint64{}
	err = tx.Each(tableAttachments, func(name, value []byte) error {
		var rec wire.AttachmentRecord
		if err := ledger.Decode(tableAttachments, value, &rec); err != nil {
			return err
		}
		if rec.GetChunks() == chunksOf(rec.GetSize()) {
			n := append(binary.BigEndian.AppendUint64(nil, ^rec.GetClock()), name...)
			names, sizes[string(n)] = append(names, n), rec.GetSize()
		}
		return nil
	})
	slices.SortFunc(names, bytes.Compare)
	sum := uint64(0)
	for i, n := range names {
		if sum += sizes[string(n)]; most > 0 && sum > most {
			return names[:i], chunks, err
		}
		chunks += uint64(chunksOf(sizes[string(n)]))
	}
	return names, chunks, err
}

// Chunk returns a chunk of an attachment for an archive, by a name of Carried; nil behind the
// last one.
func Chunk(tx port.Tx, name []byte, number uint32) (*wire.ArchiveChunk, error) {
	if len(name) != CarriedNameBytes {
		return nil, port.Errorf(port.CodeBadCursor, "", "this is not a cursor of an archive")
	}
	id := [32]byte(name[8:])
	data, err := tx.Get(tableChunks, chunkName(id, number))
	if err != nil || data == nil {
		return nil, err
	}
	return &wire.ArchiveChunk{AttachmentId: id[:], Number: number, Data: data}, nil
}

// CheckChunk checks a chunk of an archive by itself.
func CheckChunk(c *wire.ArchiveChunk) error {
	if len(c.GetAttachmentId()) != 32 || len(c.GetData()) == 0 || len(c.GetData()) > ChunkBytes || c.GetNumber() >= chunksOf(MaxBytes) {
		return errors.New("it is no chunk of one")
	}
	return nil
}

// Merge stores a chunk of an archive, if it is the next one of an attachment that a message
// here names. With the last one the attachment is compared with its name and told of; bytes
// that are others are erased. fresh says that the attachment is whole by it, and known, of its
// first chunk, that it was whole before.
func (a *Attachments) Merge(tx *ledger.Tx, c *wire.ArchiveChunk) (fresh, known bool, err error) {
	var rec wire.AttachmentRecord
	found, err := ledger.Get(tx, tableAttachments, c.GetAttachmentId(), &rec)
	if err != nil || !found || len(rec.GetMessageId()) != 32 {
		return false, false, err
	}
	if rec.GetChunks() == chunksOf(rec.GetSize()) {
		return false, c.GetNumber() == 0, nil
	}
	if c.GetNumber() != rec.GetChunks() {
		return false, false, nil
	}
	begin := uint64(c.GetNumber()) * ChunkBytes
	if begin >= rec.GetSize() || uint64(len(c.GetData())) != min(ChunkBytes, rec.GetSize()-begin) {
		return false, false, nil
	}
	id := [32]byte(c.GetAttachmentId())
	if err := tx.Put(tableChunks, chunkName(id, c.GetNumber()), c.GetData()); err != nil {
		return false, false, err
	}
	if rec.Chunks++; rec.GetChunks() < chunksOf(rec.GetSize()) {
		return false, false, ledger.Put(tx, tableAttachments, id[:], &rec)
	}
	fresh, err = a.complete(tx, id, &rec)
	return fresh, false, err
}

// complete ends the merging of an attachment.
func (a *Attachments) complete(tx *ledger.Tx, id [32]byte, rec *wire.AttachmentRecord) (fresh bool, err error) {
	h := sha256.New()
	h.Write(rec.GetMessageId())
	var all []byte
	for n := range rec.GetChunks() {
		b, err := tx.Get(tableChunks, chunkName(id, n))
		if err != nil {
			return false, err
		}
		all = append(all, b...)
	}
	h.Write(all)
	if [32]byte(h.Sum(nil)) != id { // another one may come
		if _, err := eraseChunks(tx, id, rec.GetChunks(), rec.GetChunks()); err != nil {
			return false, err
		}
		rec.Chunks = 0
		return false, ledger.Put(tx, tableAttachments, id[:], rec)
	}
	if err := ledger.Put(tx, tableAttachments, id[:], rec); err != nil {
		return false, err
	}
	info, damaged := media.Look(all)
	return a.Messages.Change(tx, [32]byte(rec.GetMessageId()), enum.MessageAttachment, func(m *wire.MessageRecord) (changed bool) {
		for _, at := range m.GetAttachments() {
			if !bytes.Equal(at.GetId(), id[:]) || at.GetState() != Missing {
				continue
			}
			changed, at.State = true, Stored
			if damaged != nil || info.Format.MIME() != at.GetMime() {
				at.State = Unchecked
			}
		}
		return changed
	})
}
