package history

import (
	"bytes"
	"errors"
	"sync"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Messages that go for good: those of a conversation that was cleared or deleted, and single
// ones that have expired. A conversation shows empty at once; its messages are erased after
// that, a few in a transaction, and go on being erased after a restart.

const (
	// eraseAtOnce bounds the messages that are erased in one transaction: others wait for it,
	// some 20 ms.
	eraseAtOnce = 200
)

// clearing has the conversations with messages that are cleared and not erased, and the clock
// up to which they are.
type clearing struct {
	mu    sync.RWMutex
	chats map[message.ConversationID]uint64
}

// upTo returns the clock up to which the messages of a conversation are not shown although
// they are there; 0 is none.
func (c *clearing) upTo(in message.ConversationID) uint64 {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.chats[in]
}

func (c *clearing) set(in message.ConversationID, clock uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chats == nil {
		c.chats = map[message.ConversationID]uint64{}
	}
	c.chats[in] = max(c.chats[in], clock)
}

// done ends the clearing up to a clock.
func (c *clearing) done(in message.ConversationID, clock uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.chats[in] <= clock {
		delete(c.chats, in)
	}
}

// next returns one of the conversations.
func (c *clearing) next() (in message.ConversationID, clock uint64, found bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for in, clock := range c.chats {
		return in, clock, true
	}
	return in, 0, false
}

// Cleared reports whether a stored message is one that was cleared and is still to be erased:
// it is to be treated as if it were not there.
func (h *History) Cleared(rec *wire.MessageRecord) bool {
	upTo := h.clearing.upTo(message.ConversationID(rec.GetChat()))
	return upTo > 0 && rec.GetClock() <= upTo
}

// ClearUpTo erases the messages of a conversation up to a clock; they do not come back.
func (h *History) ClearUpTo(tx *ledger.Tx, in message.ConversationID, clock uint64) (changed bool, err error) {
	chat, err := h.Chat(tx, in.Bytes())
	if err != nil {
		return false, err
	}
	before := chat.GetClearedClock()
	shown, err := h.clearUpTo(tx, chat, clock)
	if err == nil && shown {
		err = h.emitChat(tx, chat, causeCleared)
	}
	return before != chat.GetClearedClock(), err
}

// DeleteChat clears a conversation up to a clock and takes it off the list until something
// later comes.
func (h *History) DeleteChat(tx *ledger.Tx, in message.ConversationID, clock uint64) (changed bool, err error) {
	chat, err := h.Chat(tx, in.Bytes())
	if err != nil {
		return false, err
	}
	clock = h.bounded(chat, clock)
	if clock <= chat.GetDeletedClock() {
		return false, nil
	}
	if _, err := h.clearUpTo(tx, chat, clock); err != nil {
		return false, err
	}
	chat.DeletedClock = clock
	return true, h.emitChat(tx, chat, causeDeleted)
}

// clearUpTo is ClearUpTo without the event. shown says that there was something to clear.
func (h *History) clearUpTo(tx *ledger.Tx, chat *wire.ChatRecord, clock uint64) (shown bool, err error) {
	clock = h.bounded(chat, clock)
	if clock <= chat.GetClearedClock() {
		return false, nil
	}
	all, err := tx.Count(chat.GetKey())
	if err != nil {
		return false, err
	}
	before := all - min(all, chat.GetHidden())
	left, err := countAfter(tx, chat.GetKey(), clock)
	if err != nil {
		return false, err
	}
	chat.ClearedClock, chat.Hidden = clock, all-left.messages
	chat.Unread, chat.Mentions = left.unread, left.mentions
	chat.Unasked, chat.UnaskedBytes, chat.Waiting = min(chat.GetUnasked(), left.unasked), min(chat.GetUnaskedBytes(), left.unaskedBytes), left.waiting
	if left.messages == 0 {
		chat.LastMessageId = nil // its clock stays: it orders the list
	}
	// What we write next is later than what was cleared, or other devices would not take it.
	chat.Clock = max(chat.GetClock(), clock)
	in := message.ConversationID(chat.GetKey())
	tx.After(func() {
		h.clocks.saw(in, clock)
		if all > left.messages {
			h.clearing.set(in, clock)
		}
	})
	if h.ClearedUpTo != nil {
		if err := h.ClearedUpTo(tx, in, clock); err != nil {
			return false, err
		}
	}
	if chat.GetHidden() > 0 {
		err = ledger.Put(tx, tableClearing, chat.GetKey(), &wire.ClearingRecord{Clock: clock, Messages: chat.GetHidden()})
	}
	return before > left.messages, err
}

// counts holds the counts of the messages of a conversation.
type counts struct {
	messages, unread, mentions uint64
	unasked, waiting           uint32
	unaskedBytes               uint64
}

// countAfter counts the messages that are later than a clock.
func countAfter(tx port.Tx, in []byte, clock uint64) (c counts, err error) {
	err = backwards(tx, in, nil, func(at port.Position, m *wire.MessageRecord) (bool, error) {
		if at.Clock <= clock {
			return false, nil
		}
		unread, mentions := weight(m)
		c.messages, c.unread, c.mentions = c.messages+1, c.unread+unread, c.mentions+mentions
		if !m.GetOutgoing() {
			c.unasked, c.unaskedBytes = c.unasked+1, c.unaskedBytes+SizeOf(m)
		}
		if m.GetRequest() {
			c.waiting++
		}
		return true, nil
	})
	return c, err
}

// Work erases some of the messages that were cleared.
func (h *History) Work(*ledger.Turn) error {
	in, clock, found := h.clearing.next()
	if !found {
		return nil
	}
	var some []port.Position
	err := h.Ledger.View(func(tx port.Tx) (err error) {
		some, err = tx.Page(in.Bytes(), &port.Position{Clock: clock + 1}, eraseAtOnce)
		return err
	})
	if err != nil {
		return err
	}
	if len(some) > 0 {
		done, err := ledger.Isolated(some, func(some []port.Position) error {
			return h.Ledger.Update(func(tx *ledger.Tx) error { return h.eraseAll(tx, in, some) })
		}, func(at port.Position, _ error) { h.eraseDamaged(in, at) })
		if err != nil || done == eraseAtOnce {
			return err
		}
	}
	return h.Ledger.Update(func(tx *ledger.Tx) error { return h.endClearing(tx, in, clock) })
}

// eraseAll erases messages of a conversation that was cleared.
func (h *History) eraseAll(tx *ledger.Tx, in message.ConversationID, some []port.Position) error {
	for _, at := range some {
		rec := &wire.MessageRecord{}
		found, err := ledger.Get(tx, TableMessages, at.ID[:], rec)
		if err != nil {
			return err
		}
		if !found || placeOf(rec) != at {
			return port.Errorf(port.CodeStoreCorrupt, "", "a place of a history has no message, or another one")
		}
		if rec.GetClockSkew() != 0 && h.Remember != nil { // its own clock is later than what was cleared
			if err := h.Remember(tx, rec); err != nil {
				return err
			}
		}
		if err := h.remove(tx, rec); err != nil {
			return err
		}
	}
	return nil
}

// eraseDamaged erases a message that cannot be read, so that it does not keep the others.
func (h *History) eraseDamaged(in message.ConversationID, at port.Position) {
	_ = h.Ledger.Update(func(tx *ledger.Tx) error { // it is tried again with the next ones
		chat, err := h.Chat(tx, in.Bytes())
		if err != nil {
			return err
		}
		chat.Hidden -= min(chat.GetHidden(), 1)
		if err := tx.Delete(TableMessages, at.ID[:]); err != nil {
			return err
		}
		return tx.Remove(in.Bytes(), at)
	})
}

// endClearing notes that the messages of a conversation up to a clock are erased, unless it
// was cleared again since.
func (h *History) endClearing(tx *ledger.Tx, in message.ConversationID, clock uint64) error {
	var rec wire.ClearingRecord
	found, err := ledger.Get(tx, tableClearing, in.Bytes(), &rec)
	if err != nil || !found || rec.GetClock() != clock {
		return err
	}
	tx.After(func() { h.clearing.done(in, clock) })
	if err := tx.Delete(tableClearing, in.Bytes()); err != nil || rec.GetMessages() <= eraseAtOnce {
		return err
	}
	return h.ChatChanged(tx, in, causeCleared) // it took a while
}

// Remove erases a message and its place. It is not sent any more. What keeps it from coming
// back is up to the caller. found is false if there is none. The caller holds the engine's
// lock.
func (h *History) Remove(tx *ledger.Tx, id [32]byte) (found bool, err error) {
	rec := &wire.MessageRecord{}
	if found, err = ledger.Get(tx, TableMessages, id[:], rec); err != nil || !found {
		return false, err
	}
	return true, h.remove(tx, rec)
}

func (h *History) remove(tx *ledger.Tx, rec *wire.MessageRecord) error {
	chat, err := h.Chat(tx, rec.GetChat())
	if err != nil {
		return err
	}
	if err := h.unsend(tx, rec); err != nil {
		return err
	}
	if err := errors.Join(tx.Remove(rec.GetChat(), placeOf(rec)), tx.Delete(TableMessages, rec.GetId()), loseRef(tx, rec)); err != nil {
		return err
	}
	if err := uncount(tx, chat, rec); err != nil {
		return err
	}
	return h.watch(tx, rec, nil)
}

// placeOf is the place of a stored message.
func placeOf(rec *wire.MessageRecord) port.Position {
	p := port.Position{Clock: rec.GetClock()}
	copy(p.ID[:], rec.GetId())
	return p
}

// uncount takes a message that is no longer there out of the record of its conversation. What
// a stranger has left stays counted: otherwise what expires would give them endless room.
func uncount(tx port.Tx, chat *wire.ChatRecord, rec *wire.MessageRecord) error {
	if rec.GetClock() <= chat.GetClearedClock() {
		chat.Hidden -= min(chat.GetHidden(), 1)
		return nil
	}
	unread, mentions := weight(rec)
	chat.Unread -= min(chat.GetUnread(), unread)
	chat.Mentions -= min(chat.GetMentions(), mentions)
	if rec.GetRequest() {
		chat.Waiting -= min(chat.GetWaiting(), 1)
	}
	if !bytes.Equal(rec.GetId(), chat.GetLastMessageId()) {
		return nil
	}
	newest, err := tx.Page(chat.GetKey(), nil, 1)
	switch {
	case err != nil:
		return err
	case len(newest) == 0 || newest[0].Clock <= chat.GetClearedClock():
		chat.LastMessageId = nil
	default:
		chat.LastMessageId, chat.LastMessageClock = newest[0].ID[:], newest[0].Clock
	}
	return nil
}

// loseRef notes that the message of a client_ref is gone: a repeated call does not send it
// again.
func loseRef(tx port.Tx, rec *wire.MessageRecord) error {
	if rec.GetClientRef() == "" {
		return nil
	}
	name := []byte(rec.GetClientRef())
	var ref wire.ClientRefRecord
	found, err := ledger.Get(tx, tableClientRefs, name, &ref)
	if err != nil || !found || !bytes.Equal(ref.GetMessageId(), rec.GetId()) {
		return err
	}
	ref.Gone = true
	return ledger.Put(tx, tableClientRefs, name, &ref)
}

// Gone reports whether a message that comes now was cleared before it came, or with what was
// there: by its own clock.
func (h *History) Gone(tx *ledger.Tx, in []byte, lamport uint64) (bool, error) {
	chat, err := h.Chat(tx, in)
	return lamport <= chat.GetClearedClock(), err
}
