package attachments

import (
	"encoding/binary"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// chunkName is the key of a chunk.
func chunkName(id [32]byte, number uint32) []byte {
	return binary.BigEndian.AppendUint32(id[:], number)
}

// chunksOf returns the number of chunks that size bytes take.
func chunksOf(size uint64) uint32 { return uint32((size + ChunkBytes - 1) / ChunkBytes) }

// Put stores the bytes of an attachment that a message names, after the message was added or
// changed in the same transaction. One that no message names is not stored: what came may
// have been deleted before. Repeated, it does nothing.
func (a *Attachments) Put(tx *ledger.Tx, id [32]byte, data []byte) error {
	rec := &wire.AttachmentRecord{}
	found, err := ledger.Get(tx, tableAttachments, id[:], rec)
	if err != nil || !found || rec.GetSize() != uint64(len(data)) {
		return err
	}
	for n := rec.GetChunks(); n < chunksOf(rec.GetSize()); n++ {
		if err := tx.Put(tableChunks, chunkName(id, n), chunkOf(data, n)); err != nil {
			return err
		}
		rec.Chunks = n + 1
	}
	return ledger.Put(tx, tableAttachments, id[:], rec)
}

func chunkOf(data []byte, n uint32) []byte {
	return data[int(n)*ChunkBytes : min((int(n)+1)*ChunkBytes, len(data))]
}

// begin returns the record of an attachment: that which is there, or a new one. What is still
// to be erased of it is erased now: it has come back.
func (a *Attachments) begin(tx *ledger.Tx, id, message [32]byte, size uint64) (*wire.AttachmentRecord, error) {
	rec := &wire.AttachmentRecord{}
	found, err := ledger.Get(tx, tableAttachments, id[:], rec)
	if err != nil || found {
		return rec, err
	}
	var old wire.AttachmentErasureRecord
	found, err = ledger.Get(tx, tableErasures, id[:], &old)
	if err != nil {
		return nil, err
	}
	if found {
		if _, err := eraseChunks(tx, id, old.GetChunks(), old.GetChunks()); err != nil {
			return nil, err
		}
		if err := tx.Delete(tableErasures, id[:]); err != nil {
			return nil, err
		}
	}
	return &wire.AttachmentRecord{MessageId: message[:], Size: size}, nil
}

// eraseChunks erases up to atOnce of so many chunks, the last first, and returns how many are
// left.
func eraseChunks(tx port.Tx, id [32]byte, chunks, atOnce uint32) (left uint32, err error) {
	for ; chunks > 0 && atOnce > 0; chunks, atOnce = chunks-1, atOnce-1 {
		if err := tx.Delete(tableChunks, chunkName(id, chunks-1)); err != nil {
			return chunks, err
		}
	}
	return chunks, nil
}

// Part is a part of an attachment.
type Part struct {
	Message [32]byte
	Size    uint64 // of the whole
	Data    []byte
}

// Read returns up to limit bytes of an attachment from an offset on. Errors: CodeNotFound, also
// if its bytes are not here, and CodeStoreCorrupt.
func (a *Attachments) Read(tx port.Tx, id [32]byte, offset uint64, limit int) (Part, error) {
	var rec wire.AttachmentRecord
	found, err := ledger.Get(tx, tableAttachments, id[:], &rec)
	switch {
	case err != nil:
		return Part{}, err
	case !found || len(rec.GetMessageId()) != 32:
		return Part{}, port.Errorf(port.CodeNotFound, "attachment_id", "there is no such attachment")
	case rec.GetChunks() < chunksOf(rec.GetSize()):
		return Part{}, port.Errorf(port.CodeNotFound, "attachment_id", "the bytes of this attachment are not on this device").With("state", Missing)
	}
	p := Part{Message: [32]byte(rec.GetMessageId()), Size: rec.GetSize()}
	end := min(offset+uint64(max(limit, 0)), p.Size)
	for at := offset; at < end; {
		chunk, err := tx.Get(tableChunks, chunkName(id, uint32(at/ChunkBytes)))
		if err != nil {
			return Part{}, err
		}
		from, to := at%ChunkBytes, min(end-at+at%ChunkBytes, ChunkBytes)
		if uint64(len(chunk)) < to {
			return Part{}, port.Errorf(port.CodeStoreCorrupt, "", "a chunk of an attachment is missing")
		}
		p.Data = append(p.Data, chunk[from:to]...)
		at += to - from
	}
	return p, nil
}
