package attachments

import (
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/wire"
)

// Watch is called by the history for each message that is added, changed or removed. It makes
// a record for each attachment that the message now names, and removes those of attachments
// that it names no more.
func (a *Attachments) Watch(tx *ledger.Tx, before, after *wire.MessageRecord) error {
	if err := watchAlbum(tx, before, after); err != nil {
		return err
	}
	had, has := named(before), named(after)
	for _, r := range had {
		if !slices.ContainsFunc(has, func(o ref) bool { return o.id == r.id }) {
			if err := a.drop(tx, r.id); err != nil {
				return err
			}
		}
	}
	for _, r := range has {
		if slices.ContainsFunc(had, func(o ref) bool { return o.id == r.id }) {
			continue
		}
		rec, err := a.begin(tx, r.id, [32]byte(after.GetId()), r.size)
		if err != nil {
			return err
		}
		rec.Clock = after.GetClock()
		if err := ledger.Put(tx, tableAttachments, r.id[:], rec); err != nil {
			return err
		}
	}
	return nil
}

// ref is an attachment that a message names.
type ref struct {
	id   [32]byte
	size uint64
}

// named lists what a message names; nil names nothing.
func named(rec *wire.MessageRecord) (all []ref) {
	for _, at := range rec.GetAttachments() {
		if len(at.GetId()) == 32 {
			all = append(all, ref{[32]byte(at.GetId()), at.GetSize()})
		}
	}
	for _, p := range rec.GetPreviews() {
		if len(p.GetThumbnailId()) == 32 {
			all = append(all, ref{[32]byte(p.GetThumbnailId()), p.GetThumbnailSize()})
		}
	}
	return all
}

// drop makes an attachment unreadable and has its chunks erased.
func (a *Attachments) drop(tx *ledger.Tx, id [32]byte) error {
	var rec wire.AttachmentRecord
	found, err := ledger.Get(tx, tableAttachments, id[:], &rec)
	if err != nil || !found {
		return err
	}
	if err := tx.Delete(tableAttachments, id[:]); err != nil || rec.GetChunks() == 0 {
		return err
	}
	tx.After(func() {
		a.mu.Lock()
		a.erasing[id] = true
		a.mu.Unlock()
		a.Wake()
	})
	return ledger.Put(tx, tableErasures, id[:], &wire.AttachmentErasureRecord{Chunks: rec.GetChunks()})
}
