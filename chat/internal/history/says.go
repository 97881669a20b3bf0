package history

import (
	"encoding/hex"
	"strings"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Says tells what is said in messages and chats, for the events that leave it out while they
// wait.
func (h *History) Says() ledger.Says { return says{h} }

type says struct{ h *History }

// Message is a message as it is now.
func (s says) Message(id string) (m event.Message, found bool, err error) {
	name, err := message.ParseID(id)
	if err != nil {
		return m, false, nil
	}
	var rec *wire.MessageRecord
	err = s.h.Ledger.View(func(tx port.Tx) (err error) { rec, found, err = s.h.Record(tx, name); return err })
	if err != nil || !found {
		return m, false, err
	}
	return EventOf(rec), true, nil
}

// Received is a message by its record.
func (s says) Received(rec *wire.MessageRecord) (m event.Message, found bool) {
	if s.h.Cleared(rec) {
		return m, false
	}
	return EventOf(rec), true
}

// InChat is the last message of a chat, and its draft.
func (s says) InChat(id string) (last *event.Message, draft string, err error) {
	b, err := hex.DecodeString(strings.TrimPrefix(id, "0x"))
	if err != nil {
		return nil, "", nil
	}
	k, err := key.ParsePublic(b)
	if err != nil {
		return nil, "", nil
	}
	var rec wire.ChatRecord
	var m *wire.MessageRecord
	found := false
	err = s.h.Ledger.View(func(tx port.Tx) error {
		if _, err := ledger.Get(tx, TableChats, message.ConversationWith(k).Bytes(), &rec); err != nil {
			return err
		}
		id := rec.GetLastMessageId()
		if len(id) != 32 {
			return nil
		}
		m, found, err = s.h.Record(tx, [32]byte(id))
		return err
	})
	if err == nil && found {
		shown := EventOf(m)
		last = &shown
	}
	return last, rec.GetMarks().GetDraft(), err
}
