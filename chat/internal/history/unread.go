package history

import (
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// readAtOnce bounds the places of a conversation that are read at a time: a message that
// is looked for is nearly always among the newest.
const readAtOnce = 200

// weight returns what a message adds to the count of unread messages, and to the count of
// unread ones that mention us.
func weight(m *wire.MessageRecord) (unread, mentions uint64) {
	if m.GetRead() {
		return 0, 0
	}
	if m.GetMentioned() {
		mentions = 1
	}
	return 1, mentions
}

// recount brings the counts of a conversation to a message that has changed.
func (h *History) recount(tx *ledger.Tx, before, after *wire.MessageRecord) error {
	unread, mentions := weight(before)
	unreadNow, mentionsNow := weight(after)
	if unread == unreadNow && mentions == mentionsNow {
		return nil
	}
	chat, err := h.Chat(tx, after.GetChat())
	if err != nil {
		return err
	}
	chat.Unread = chat.GetUnread() + unreadNow - min(chat.GetUnread()+unreadNow, unread)
	chat.Mentions = chat.GetMentions() + mentionsNow - min(chat.GetMentions()+mentionsNow, mentions)
	return nil
}

// placeIn returns the place of a message of a conversation; CodeNotFound if it has no such
// message.
func (h *History) placeIn(tx port.Tx, in []byte, id [32]byte) (at port.Position, err error) {
	var m wire.MessageRecord
	found, err := ledger.Get(tx, TableMessages, id[:], &m)
	if err != nil {
		return at, err
	}
	if !found || !slices.Equal(m.GetChat(), in) || h.Cleared(&m) {
		return at, port.Errorf(port.CodeNotFound, "up_to", "there is no such message in this chat")
	}
	return placeOf(&m), nil
}

// behind returns the place just behind another one: pages end before a place.
func behind(p port.Position) *port.Position {
	for i := len(p.ID) - 1; i >= 0; i-- { // one is added to the id as to a number
		if p.ID[i]++; p.ID[i] != 0 {
			return &p
		}
	}
	p.Clock++ // after the largest id comes the next clock
	return &p
}

// markBefore marks the messages before a place as read.
func markBefore(tx *ledger.Tx, chat *wire.ChatRecord, from *port.Position) error {
	// The count decides how far to read: with nothing unread the history is not walked.
	if chat.GetUnread() == 0 {
		return nil
	}
	// Messages behind the place stay unread. Knowing their number, the walk can stop at the
	// oldest unread message, however long the history is.
	later, err := unreadAfter(tx, chat, from)
	if err != nil {
		return err
	}
	return setReadFrom(tx, chat, from, later)
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

// unreadAfter counts the unread messages at or after a place.
func unreadAfter(tx port.Tx, chat *wire.ChatRecord, from *port.Position) (unread uint64, err error) {
	err = backwards(tx, chat.GetKey(), nil, func(at port.Position, m *wire.MessageRecord) (bool, error) {
		if at.Before(*from) {
			return false, nil
		}
		n, _ := weight(m)
		unread += n
		return unread < chat.GetUnread(), nil
	})
	return unread, err
}

// setReadFrom sets the messages before a place to read, newest first, until only the later
// ones are unread.
func setReadFrom(tx *ledger.Tx, chat *wire.ChatRecord, from *port.Position, later uint64) error {
	if chat.GetUnread() <= later {
		return nil
	}
	return backwards(tx, chat.GetKey(), from, func(at port.Position, m *wire.MessageRecord) (bool, error) {
		if at.Clock <= chat.GetClearedClock() {
			return false, nil
		}
		if m.GetRead() {
			return true, nil
		}
		unread, mentions := weight(m)
		m.Read = true
		chat.Unread -= min(chat.GetUnread(), unread)
		chat.Mentions -= min(chat.GetMentions(), mentions)
		return chat.GetUnread() > later, ledger.Put(tx, TableMessages, m.GetId(), m)
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
	err = backwards(tx, in.Bytes(), nil, func(at port.Position, m *wire.MessageRecord) (bool, error) {
		if at.Clock <= chat.GetClearedClock() {
			return false, nil
		}
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
		if err := tx.EmitArrival(Arrival(m)); err != nil {
			return err
		}
	}
	return nil
}
