package history

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/wire"
)

// Retime has fn change the time at which a message is to be erased. It makes no event:
// programs learn of it when the message is gone.
func (h *History) Retime(tx *ledger.Tx, id [32]byte, fn func(rec *wire.MessageRecord) (changed bool)) error {
	rec, found, err := h.Record(tx, id)
	if err != nil || !found {
		return err
	}
	before := proto.CloneOf(rec)
	if !fn(rec) {
		return nil
	}
	if err := ledger.Put(tx, TableMessages, id[:], rec); err != nil {
		return err
	}
	return h.watch(tx, before, rec)
}

// mergeExpiry gives a message the time at which it is erased in an archive, if it has none here
// or that is sooner.
func mergeExpiry(rec, m *wire.MessageRecord) (changed bool) {
	at := m.GetExpiresAt()
	if at == 0 || rec.GetExpiresAt() != 0 && rec.GetExpiresAt() <= at {
		return false
	}
	rec.ExpiresIn, rec.ExpiresAt = m.GetExpiresIn(), at
	return true
}
