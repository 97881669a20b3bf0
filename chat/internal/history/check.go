package history

import (
	"bytes"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// check is the walk over the history. What must hold:
//   - each message is in the history of its conversation at its place, each place has its
//     message, and the unread count and the last message of a conversation are right;
//   - each message is in a state that is one of its direction;
//   - each client_ref points to the message that has it.
type check struct {
	*ledger.Walk
	messages map[message.ConversationID]uint64 // how many there are
}

// Check reports what contradicts itself.
func (h *History) Check(w *ledger.Walk) error {
	c := check{w, map[message.ConversationID]uint64{}}
	for _, walk := range []func() error{c.eachMessage, c.eachChat, c.eachClientRef} {
		if err := walk(); err != nil {
			return err
		}
	}
	return nil
}

// eachMessage looks at each message by itself and counts them by conversation.
func (c check) eachMessage() error {
	return c.Each(TableMessages, func(name, value []byte) error {
		var m wire.MessageRecord
		if err := ledger.Decode(TableMessages, value, &m); err != nil {
			return err
		}
		in, ok := message.ParseConversationID(m.GetChat())
		if !ok || len(name) != 32 || !bytes.Equal(name, m.GetId()) {
			c.Report(TableMessages, "a message is not what its name says")
			return nil
		}
		if !ValidState(&m) {
			c.Report(TableMessages, "a message is in no known state, or in one of the other direction")
		}
		c.messages[in]++
		return nil
	})
}

// eachChat looks at the histories.
func (c check) eachChat() error {
	err := c.Each(TableChats, func(name, value []byte) error {
		var rec wire.ChatRecord
		if err := ledger.Decode(TableChats, value, &rec); err != nil {
			return err
		}
		in, ok := message.ParseConversationID(name)
		if !ok || !bytes.Equal(name, rec.GetKey()) {
			c.Report(TableChats, "a chat is not what its name says")
			return nil
		}
		places, err := c.places(&rec)
		if err == nil && places != c.messages[in] {
			c.Report(TableChats, "a chat has %d messages, its history %d places", c.messages[in], places)
		}
		delete(c.messages, in)
		return err
	})
	for range c.messages {
		c.Report(TableMessages, "messages are in no chat")
	}
	return err
}

// places walks the places of one conversation and returns how many there are.
func (c check) places(rec *wire.ChatRecord) (places uint64, err error) {
	var unread, newest uint64
	lastFound := len(rec.GetLastMessageId()) == 0
	for before := (*port.Position)(nil); ; {
		positions, err := c.Page(rec.GetKey(), before, readAtOnce)
		if err != nil {
			return places, err
		}
		for _, at := range positions {
			places++
			newest = max(newest, at.Clock)
			lastFound = lastFound || bytes.Equal(at.ID[:], rec.GetLastMessageId()) && at.Clock == rec.GetLastMessageClock()
			isUnread, err := c.place(rec, at)
			if err != nil {
				return places, err
			}
			if isUnread {
				unread++
			}
		}
		if len(positions) < readAtOnce {
			break
		}
		before = &positions[len(positions)-1]
	}
	if unread != rec.GetUnread() {
		c.Report(TableChats, "a chat counts %d unread messages, there are %d", rec.GetUnread(), unread)
	}
	if !lastFound || places > 0 && (len(rec.GetLastMessageId()) == 0 || rec.GetLastMessageClock() != newest) {
		c.Report(TableChats, "the last message of a chat is not its newest one")
	}
	if rec.GetClock() < newest {
		c.Report(TableChats, "the clock of a chat is behind its messages")
	}
	return places, nil
}

// place looks at the message of one place.
func (c check) place(rec *wire.ChatRecord, at port.Position) (unread bool, err error) {
	var m wire.MessageRecord
	found, err := ledger.Get(c.Tx, TableMessages, at.ID[:], &m)
	if err != nil {
		return false, err
	}
	if !found || m.GetClock() != at.Clock || !bytes.Equal(m.GetChat(), rec.GetKey()) {
		c.Report(TableChats, "a place of a history has no message, or another one")
	}
	return found && !m.GetRead(), c.Pause()
}

func (c check) eachClientRef() error {
	return c.Each(tableClientRefs, func(name, value []byte) error {
		var ref wire.ClientRefRecord
		if err := ledger.Decode(tableClientRefs, value, &ref); err != nil {
			return err
		}
		var m wire.MessageRecord
		found, err := ledger.Get(c.Tx, TableMessages, ref.GetMessageId(), &m)
		if err == nil && (!found || m.GetClientRef() != string(name)) {
			c.Report(tableClientRefs, "a client_ref points to no message, or to another one")
		}
		return err
	})
}
