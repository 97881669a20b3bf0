package history

import (
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// readAtOnce bounds the places of a conversation that are read at a time: a message that
// is looked for is nearly always among the newest.
const readAtOnce = 200

// MarkRead marks the messages of a conversation as read, up to and including the message
// upTo in the order of the conversation, or all when it is nil.
func (h *History) MarkRead(in message.ConversationID, upTo *[32]byte) (event.Chat, error) {
	name := in.Bytes()
	err := h.Ledger.Update(func(tx *ledger.Tx) error {
		from, err := positionAfter(tx, name, upTo)
		if err != nil {
			return err
		}
		// The count decides how far to read: with nothing unread the history is not walked.
		var rec wire.ChatRecord
		found, err := ledger.Get(tx, TableChats, name, &rec)
		if err != nil || !found || rec.GetUnread() == 0 {
			return err
		}
		// Messages above upTo stay unread. Knowing their number, the walk below can stop at the
		// oldest unread message, however long the history is.
		later, err := unreadAfter(tx, name, from)
		if err != nil {
			return err
		}
		if err := setReadFrom(tx, &rec, from, later); err != nil {
			return err
		}
		return ledger.Put(tx, TableChats, name, &rec)
	})
	if err != nil {
		return event.Chat{}, err
	}
	return h.OneChat(in)
}

// positionAfter returns the position just above message id in its conversation, so that a
// page before it begins with that message; nil, for the newest, if id is nil.
func positionAfter(tx port.Tx, in []byte, id *[32]byte) (*port.Position, error) {
	if id == nil {
		return nil, nil
	}
	var m wire.MessageRecord
	found, err := ledger.Get(tx, TableMessages, id[:], &m)
	if err != nil {
		return nil, err
	}
	if !found || !slices.Equal(m.GetChat(), in) {
		return nil, port.Errorf(port.CodeNotFound, "up_to", "there is no such message in this chat")
	}
	// Pages end before a position, so add one to the id as to a number; after the largest id
	// comes the next clock.
	p := port.Position{Clock: m.GetClock(), ID: *id}
	for i := len(p.ID) - 1; i >= 0; i-- {
		if p.ID[i]++; p.ID[i] != 0 {
			return &p, nil
		}
	}
	p.Clock++
	return &p, nil
}

// backwards visits the messages of a conversation that are before a position, newest
// first, until visit returns false.
func backwards(tx port.Tx, in []byte, before *port.Position, visit func(port.Position, *wire.MessageRecord) (more bool, err error)) error {
	for {
		positions, err := tx.Page(in, before, readAtOnce)
		if err != nil || len(positions) == 0 {
			return err
		}
		for _, at := range positions {
			m := &wire.MessageRecord{}
			if _, err := ledger.Get(tx, TableMessages, at.ID[:], m); err != nil {
				return err
			}
			if more, err := visit(at, m); err != nil || !more {
				return err
			}
		}
		before = &positions[len(positions)-1]
	}
}

// unreadAfter counts the unread messages at or after a position; none after nil.
func unreadAfter(tx port.Tx, in []byte, from *port.Position) (unread uint64, err error) {
	if from == nil {
		return 0, nil
	}
	err = backwards(tx, in, nil, func(at port.Position, m *wire.MessageRecord) (bool, error) {
		if at.Before(*from) {
			return false, nil
		}
		if !m.GetRead() {
			unread++
		}
		return true, nil
	})
	return unread, err
}

// setReadFrom sets the messages before a position to read, newest first, until only the
// later ones are unread.
func setReadFrom(tx *ledger.Tx, rec *wire.ChatRecord, from *port.Position, later uint64) error {
	if rec.GetUnread() <= later {
		return nil
	}
	return backwards(tx, rec.GetKey(), from, func(_ port.Position, m *wire.MessageRecord) (bool, error) {
		if m.GetRead() {
			return true, nil
		}
		m.Read = true
		rec.Unread--
		return rec.GetUnread() > later, ledger.Put(tx, TableMessages, m.GetId(), m)
	})
}

// Release emits the waiting messages of a conversation, oldest first, and resets its
// counts: its person is a stranger no more.
func (h *History) Release(tx *ledger.Tx, in message.ConversationID) error {
	chat, err := h.Chat(tx, in.Bytes())
	if err != nil || chat.GetUnasked() == 0 {
		return err
	}
	// The record is stored at the end of the transaction (Chat).
	waiting := int(chat.GetWaiting())
	chat.Unasked, chat.UnaskedBytes, chat.Waiting = 0, 0, 0
	if waiting == 0 {
		return nil
	}
	var found []*wire.MessageRecord
	err = backwards(tx, in.Bytes(), nil, func(_ port.Position, m *wire.MessageRecord) (bool, error) {
		if m.GetRequest() {
			found = append(found, m)
		}
		return len(found) < waiting, nil
	})
	if err != nil {
		return err
	}
	slices.Reverse(found)
	for _, m := range found {
		m.Request = false
		if err := ledger.Put(tx, TableMessages, m.GetId(), m); err != nil {
			return err
		}
		if err := tx.Emit(event.MessageReceived{Message: EventOf(m)}); err != nil {
			return err
		}
	}
	return nil
}
