package history

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Add stores a new message, whose clock is its Lamport clock, and places it in its
// conversation.
func (h *History) Add(tx *ledger.Tx, m *wire.MessageRecord) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	_, err = h.AddEncoded(tx, m, b)
	return err
}

// AddEncoded is Add for a message that is encoded already, as b. It reports whether the
// place of the message is another one than its Lamport clock says: then that is its clock.
func (h *History) AddEncoded(tx *ledger.Tx, m *wire.MessageRecord, b []byte) (moved bool, err error) {
	chat, err := h.Chat(tx, m.GetChat())
	if err != nil {
		return false, err
	}
	lamport, now := m.GetClock(), h.Now()
	at := place(lamport, chat.GetLastMessageClock(), chat.GetClock(), now)
	if moved = at != (placed{clock: lamport}); moved {
		m.Clock = at.clock
		if !m.GetOutgoing() {
			m.ClockSkew = at.skew
		}
		if b, err = proto.Marshal(m); err != nil {
			return moved, err
		}
	}
	if lamport <= followed(now) {
		chat.Clock = max(chat.GetClock(), lamport)
	}
	if err := tx.Put(TableMessages, m.GetId(), b); err != nil {
		return moved, err
	}
	return moved, placeIn(tx, chat, m)
}

// AddReceived is AddEncoded for a message that came in with a Lamport clock: what we say
// next in its conversation comes after it.
func (h *History) AddReceived(tx *ledger.Tx, m *wire.MessageRecord, b []byte, lamport uint64) (moved bool, err error) {
	if moved, err = h.AddEncoded(tx, m, b); err != nil {
		return moved, err
	}
	seen := m.GetClock()
	if lamport <= followed(h.Now()) {
		seen = max(seen, lamport)
	}
	in := message.ConversationID(m.GetChat())
	tx.After(func() { h.clocks.saw(in, seen) })
	return moved, nil
}

// placeIn places a message in its conversation by (clock, id), and brings the record of
// that up to date.
func placeIn(tx *ledger.Tx, chat *wire.ChatRecord, m *wire.MessageRecord) error {
	if _, err := tx.Insert(m.GetChat(), port.Position{Clock: m.GetClock(), ID: [32]byte(m.GetId())}); err != nil {
		return err
	}
	chat.Clock = max(chat.GetClock(), m.GetClock())
	if m.GetClock() >= chat.GetLastMessageClock() {
		chat.LastMessageClock, chat.LastMessageId = m.GetClock(), m.GetId()
	}
	if !m.GetRead() {
		chat.Unread++
	}
	return nil
}

// chatsOf is the key of ledger.Local for the records of the conversations that a
// transaction changes.
type chatsOf struct{}

// Chat returns the record of a conversation, to be changed: it is written once, at the
// end of the transaction, however many messages are added to it.
func (h *History) Chat(tx *ledger.Tx, conversation []byte) (*wire.ChatRecord, error) {
	chats, first := ledger.Local[map[string]*wire.ChatRecord](tx, chatsOf{})
	if first {
		*chats = map[string]*wire.ChatRecord{}
		tx.AtEnd(func() error {
			for _, rec := range *chats {
				if err := ledger.Put(tx, tableChats, rec.GetKey(), rec); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if rec := (*chats)[string(conversation)]; rec != nil {
		return rec, nil
	}
	rec := &wire.ChatRecord{}
	if _, err := ledger.Get(tx, tableChats, conversation, rec); err != nil {
		return nil, err
	}
	rec.Key = conversation
	(*chats)[string(conversation)] = rec
	return rec, nil
}
