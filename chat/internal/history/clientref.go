package history

import (
	"errors"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// A client_ref makes a repeated call of messages.send return the message of the first:
// the caller may not have had its answer.

// ErrRefTaken is about a client_ref that another call was faster with.
var ErrRefTaken = errors.New("history: client_ref taken")

// ClaimRef notes that a client_ref stands for a message to somebody. After ErrRefTaken
// it has written nothing.
func (h *History) ClaimRef(tx *ledger.Tx, m *wire.MessageRecord, to key.Public) error {
	ref := []byte(m.GetClientRef())
	old, err := tx.Get(tableClientRefs, ref)
	if err != nil {
		return err
	}
	if old != nil {
		return ErrRefTaken
	}
	return ledger.Put(tx, tableClientRefs, ref, &wire.ClientRefRecord{
		MessageId: m.GetId(), Request: requestDigest(to, m.GetText()),
	})
}

// ByRef returns the message that a client_ref stands for. CodeClientRefReused if it was
// used for another text or another person.
func (h *History) ByRef(ref string, to key.Public, text string) (m event.Message, found bool, err error) {
	if ref == "" {
		return m, false, nil
	}
	var rec wire.ClientRefRecord
	if found, err = h.Ledger.Get(tableClientRefs, []byte(ref), &rec); err != nil || !found {
		return m, false, err
	}
	if string(rec.GetRequest()) != string(requestDigest(to, text)) {
		return m, false, port.Errorf(port.CodeClientRefReused, "client_ref", "client_ref was used for another message")
	}
	m, err = h.Message([32]byte(rec.GetMessageId()))
	return m, true, err
}

func requestDigest(to key.Public, text string) []byte {
	return key.Keccak256(to.Uncompressed(), []byte(text))
}
