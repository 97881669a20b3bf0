package attachments

import (
	"encoding/binary"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/wire"
)

// Check reports attachments that no message names, chunks that are missing, and chunks of
// nothing.
func (a *Attachments) Check(w *ledger.Walk) error {
	kept := map[[32]byte]uint32{} // how many chunks each has
	err := w.Each(tableAttachments, func(name, value []byte) error {
		var rec wire.AttachmentRecord
		if err := ledger.Decode(tableAttachments, value, &rec); err != nil {
			return err
		}
		if len(name) != 32 || len(rec.GetMessageId()) != 32 || rec.GetSize() > MaxBytes || rec.GetChunks() > chunksOf(rec.GetSize()) {
			w.Report(tableAttachments, "an attachment is not what its name says")
			return nil
		}
		id := [32]byte(name)
		kept[id] = rec.GetChunks()
		m, found, err := a.Messages.Record(w.Tx, [32]byte(rec.GetMessageId()))
		if err != nil {
			return err
		}
		if !found || !names(m, id) {
			w.Report(tableAttachments, "no message has an attachment")
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = w.Each(tableErasures, func(name, value []byte) error {
		var rec wire.AttachmentErasureRecord
		if err := ledger.Decode(tableErasures, value, &rec); err != nil {
			return err
		}
		if len(name) == 32 {
			kept[[32]byte(name)] += rec.GetChunks()
		}
		return nil
	})
	if err != nil {
		return err
	}
	return checkChunks(w, kept)
}

func names(m *wire.MessageRecord, id [32]byte) bool {
	for _, r := range named(m) {
		if r.id == id {
			return true
		}
	}
	return false
}

// checkChunks compares the chunks that are there with those that should be.
func checkChunks(w *ledger.Walk, kept map[[32]byte]uint32) error {
	err := w.Each(tableChunks, func(name, value []byte) error {
		if len(name) != 36 || len(value) == 0 || len(value) > ChunkBytes {
			w.Report(tableChunks, "a chunk is not what its name says")
			return nil
		}
		id := [32]byte(name[:32])
		if binary.BigEndian.Uint32(name[32:]) >= kept[id] {
			w.Report(tableChunks, "a chunk is of no attachment")
		}
		return nil
	})
	if err != nil {
		return err
	}
	for id, n := range kept {
		for i := range n {
			b, err := w.Tx.Get(tableChunks, chunkName(id, i))
			if err != nil {
				return err
			}
			if b == nil {
				w.Report(tableChunks, "a chunk of an attachment is missing")
			}
		}
	}
	return nil
}
