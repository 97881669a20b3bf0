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
//     message, and the last message of a conversation and what it counts are right;
//   - a conversation with messages that were cleared is one of those being cleared;
//   - each message is in a state that is one of its direction;
//   - each client_ref points to the message that has it.
type check struct {
	*ledger.Walk
	messages map[message.ConversationID]uint64 // how many there are
}

// Check reports what contradicts itself.
func (h *History) Check(w *ledger.Walk) error {
	c := check{w, map[message.ConversationID]uint64{}}
	for _, walk := range []func() error{c.eachMessage, c.eachChat, c.eachClearing, c.eachClientRef} {
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
	var sum tally
	for before := (*port.Position)(nil); ; {
		positions, err := c.Page(rec.GetKey(), before, readAtOnce)
		if err != nil {
			return sum.places, err
		}
		for _, at := range positions {
			if err := c.place(rec, at, &sum); err != nil {
				return sum.places, err
			}
		}
		if len(positions) < readAtOnce {
			break
		}
		before = &positions[len(positions)-1]
	}
	return sum.places, c.compare(rec, &sum)
}

// tally holds the counts that result from the places of a conversation.
type tally struct {
	places, hidden, unread, mentions, newest uint64
	last                                     bool // the last message was found
}

// place looks at the message of one place.
func (c check) place(rec *wire.ChatRecord, at port.Position, sum *tally) error {
	var m wire.MessageRecord
	found, err := ledger.Get(c.Tx, TableMessages, at.ID[:], &m)
	if err != nil {
		return err
	}
	if !found || m.GetClock() != at.Clock || !bytes.Equal(m.GetChat(), rec.GetKey()) {
		c.Report(TableChats, "a place of a history has no message, or another one")
	}
	sum.places++
	if at.Clock <= rec.GetClearedClock() {
		sum.hidden++
		return c.Pause()
	}
	sum.newest = max(sum.newest, at.Clock)
	sum.last = sum.last || bytes.Equal(at.ID[:], rec.GetLastMessageId()) && at.Clock == rec.GetLastMessageClock()
	if found {
		unread, mentions := weight(&m)
		sum.unread, sum.mentions = sum.unread+unread, sum.mentions+mentions
	}
	return c.Pause()
}

// compare looks whether the record of a conversation says what its places come to.
func (c check) compare(rec *wire.ChatRecord, sum *tally) error {
	if sum.unread != rec.GetUnread() {
		c.Report(TableChats, "a chat counts %d unread messages, there are %d", rec.GetUnread(), sum.unread)
	}
	if sum.mentions != rec.GetMentions() {
		c.Report(TableChats, "a chat counts %d unread messages that name us, there are %d", rec.GetMentions(), sum.mentions)
	}
	shown := sum.places > sum.hidden
	if shown != (len(rec.GetLastMessageId()) > 0) || shown && (!sum.last || rec.GetLastMessageClock() != sum.newest) {
		c.Report(TableChats, "the last message of a chat is not its newest one")
	}
	if rec.GetClock() < max(sum.newest, rec.GetClearedClock()) || rec.GetDeletedClock() > rec.GetClearedClock() {
		c.Report(TableChats, "the clock of a chat is behind its messages, or behind what was cleared")
	}
	if rec.GetReadClock() > 0 && len(rec.GetReadId()) != 32 {
		c.Report(TableChats, "a chat was read up to no place")
	}
	clearing, err := c.Holds(tableClearing, rec.GetKey())
	if err != nil {
		return err
	}
	if sum.hidden != rec.GetHidden() || sum.hidden > 0 && !clearing {
		c.Report(TableChats, "a chat has %d messages that were cleared, %d of them are to be erased", sum.hidden, rec.GetHidden())
	}
	return nil
}

// eachClearing looks at what is being cleared.
func (c check) eachClearing() error {
	return c.Each(tableClearing, func(name, value []byte) error {
		var rec wire.ClearingRecord
		if err := ledger.Decode(tableClearing, value, &rec); err != nil {
			return err
		}
		var chat wire.ChatRecord
		found, err := ledger.Get(c.Tx, TableChats, name, &chat)
		if err == nil && (!found || chat.GetClearedClock() < rec.GetClock()) {
			c.Report(tableClearing, "a chat is being cleared that was not")
		}
		return err
	})
}

func (c check) eachClientRef() error {
	return c.Each(tableClientRefs, func(name, value []byte) error {
		var ref wire.ClientRefRecord
		if err := ledger.Decode(tableClientRefs, value, &ref); err != nil {
			return err
		}
		var m wire.MessageRecord
		found, err := ledger.Get(c.Tx, TableMessages, ref.GetMessageId(), &m)
		if err == nil && found == ref.GetGone() || found && m.GetClientRef() != string(name) {
			c.Report(tableClientRefs, "a client_ref points to no message, or to another one")
		}
		return err
	})
}
