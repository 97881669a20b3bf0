package history

import (
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// What a program does with a conversation. Each call draws the clock of its change, applies
// it as one that another device tells (marks.go, clear.go), and says so to Options.Changed.

// Change is a change of a conversation that the user made here, for other devices of ours.
type Change struct {
	In message.ConversationID
	// Cause is what has changed, as in event.ChatChanged.
	Cause enum.ChatChange
	// Clock is that of the change. A conversation was cleared or deleted up to it.
	Clock uint64
	// Read is the place up to which the conversation was read, if Cause is "read".
	Read port.Position
	// On is the new value if Cause is "unread", "muted" or "archived"; Until is when it is no
	// longer muted, ms, 0 for never.
	On    bool
	Until int64
	// Draft is the new text if Cause is "draft".
	Draft string
}

// MarkRead marks the messages of a conversation as read, up to and including the message
// upTo in the order of the conversation, or all when it is nil.
func (h *History) MarkRead(in message.ConversationID, upTo *[32]byte) (event.Chat, error) {
	return h.change(in, upTo != nil, func(tx *ledger.Tx, chat *wire.ChatRecord) error {
		at := port.Position{Clock: chat.GetLastMessageClock()}
		if upTo == nil {
			if len(chat.GetLastMessageId()) != 32 {
				return h.unmark(tx, in, chat)
			}
			at.ID = [32]byte(chat.GetLastMessageId())
		} else {
			var err error
			if at, err = h.placeIn(tx, in.Bytes(), *upTo); err != nil {
				return err
			}
		}
		if changed, err := h.ReadUpTo(tx, in, at); err != nil {
			return err
		} else if changed {
			if err := h.tell(tx, Change{In: in, Cause: causeRead, Clock: at.Clock, Read: at}); err != nil {
				return err
			}
		}
		return h.unmark(tx, in, chat)
	})
}

// unmark ends that a conversation is marked as unread.
func (h *History) unmark(tx *ledger.Tx, in message.ConversationID, chat *wire.ChatRecord) error {
	if !isMarkedUnread(chat) {
		return nil
	}
	return h.markUnread(tx, in, chat, false)
}

func (h *History) markUnread(tx *ledger.Tx, in message.ConversationID, chat *wire.ChatRecord, unread bool) error {
	// What was read before is before the mark: see isMarkedUnread.
	clock := h.nextMark(max(chat.GetMarks().GetUnreadClock(), chat.GetReadClock()))
	if _, err := h.SetMarkedUnread(tx, in, unread, clock); err != nil {
		return err
	}
	return h.tell(tx, Change{In: in, Cause: causeUnread, Clock: clock, On: unread})
}

// MarkUnread marks a conversation as unread, whatever is read in it.
func (h *History) MarkUnread(in message.ConversationID) (event.Chat, error) {
	return h.change(in, true, func(tx *ledger.Tx, chat *wire.ChatRecord) error {
		if isMarkedUnread(chat) {
			return nil
		}
		return h.markUnread(tx, in, chat, true)
	})
}

// Mute mutes a conversation until a time in ms, 0 for ever, or no longer.
func (h *History) Mute(in message.ConversationID, muted bool, until int64) (event.Chat, error) {
	return h.change(in, muted, func(tx *ledger.Tx, chat *wire.ChatRecord) error {
		m := chat.GetMarks()
		if m.GetMuted() == muted && m.GetMutedUntil() == until {
			return nil
		}
		clock := h.nextMark(m.GetMutedClock())
		if _, err := h.SetMuted(tx, in, muted, until, clock); err != nil {
			return err
		}
		return h.tell(tx, Change{In: in, Cause: CauseMuted, Clock: clock, On: muted, Until: until})
	})
}

// Archive archives a conversation, or takes it out of the archive.
func (h *History) Archive(in message.ConversationID, archived bool) (event.Chat, error) {
	return h.change(in, archived, func(tx *ledger.Tx, chat *wire.ChatRecord) error {
		m := chat.GetMarks()
		if m.GetArchived() == archived {
			return nil
		}
		clock := h.nextMark(m.GetArchivedClock())
		if _, err := h.SetArchived(tx, in, archived, clock); err != nil {
			return err
		}
		return h.tell(tx, Change{In: in, Cause: causeArchived, Clock: clock, On: archived})
	})
}

// Draft keeps a text that is not sent yet; "" is none.
func (h *History) Draft(in message.ConversationID, text string) (event.Chat, error) {
	return h.change(in, text != "", func(tx *ledger.Tx, chat *wire.ChatRecord) error { return h.draft(tx, in, chat, text) })
}

func (h *History) draft(tx *ledger.Tx, in message.ConversationID, chat *wire.ChatRecord, text string) error {
	m := chat.GetMarks()
	if m.GetDraft() == text {
		return nil
	}
	clock := h.nextMark(m.GetDraftClock())
	if _, err := h.SetDraft(tx, in, text, clock); err != nil {
		return err
	}
	return h.tell(tx, Change{In: in, Cause: causeDraft, Clock: clock, Draft: text})
}

// Clear erases the messages of a conversation. What was written before the newest of them
// and comes later is not shown either.
func (h *History) Clear(in message.ConversationID) (event.Chat, error) {
	return h.change(in, false, func(tx *ledger.Tx, chat *wire.ChatRecord) error {
		clock := chat.GetClock()
		if clock <= chat.GetClearedClock() {
			return nil
		}
		if _, err := h.ClearUpTo(tx, in, clock); err != nil {
			return err
		}
		return h.tell(tx, Change{In: in, Cause: causeCleared, Clock: clock})
	})
}

// Delete clears a conversation, drops its draft, and takes it off the list until something
// new comes.
func (h *History) Delete(in message.ConversationID) (event.Chat, error) {
	return h.change(in, false, func(tx *ledger.Tx, chat *wire.ChatRecord) error {
		if err := h.draft(tx, in, chat, ""); err != nil {
			return err
		}
		clock := chat.GetClock()
		if clock <= chat.GetDeletedClock() {
			return nil
		}
		if _, err := h.DeleteChat(tx, in, clock); err != nil {
			return err
		}
		return h.tell(tx, Change{In: in, Cause: causeDeleted, Clock: clock})
	})
}

// change runs a change of a conversation in a transaction, and returns what it is then. One
// that nothing is known of is only changed if the change makes it.
func (h *History) change(in message.ConversationID, makes bool, f func(*ledger.Tx, *wire.ChatRecord) error) (event.Chat, error) {
	err := h.Ledger.Update(func(tx *ledger.Tx) error {
		if !makes {
			if b, err := tx.Get(TableChats, in.Bytes()); err != nil || b == nil {
				return err
			}
		}
		chat, err := h.Chat(tx, in.Bytes())
		if err != nil {
			return err
		}
		return f(tx, chat)
	})
	if err != nil {
		return event.Chat{}, err
	}
	return h.OneChat(in)
}

// nextMark draws the clock of a change of a mark.
func (h *History) nextMark(last uint64) uint64 { return message.NextClock(last, Millis(h.Now())) }

// tell tells other devices of a change.
func (h *History) tell(tx *ledger.Tx, c Change) error {
	if h.Changed == nil {
		return nil
	}
	return h.Changed(tx, c)
}
