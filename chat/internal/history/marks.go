package history

import (
	"bytes"
	"cmp"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// What the user does with a whole conversation: reading, muting, archiving, clearing and
// deleting it. Each is a register that only goes forward: the place up to which it was read,
// the clocks up to which it was cleared and deleted, and for the rest the clock of the latest
// change. So the devices of one person agree whatever they hear first. The calls of programs
// (calls.go) and what other devices tell go through the same functions.

// What has changed in a conversation, as event.ChatChanged names it.
const (
	causeRead     = enum.ChatRead
	causeUnread   = enum.ChatUnread
	CauseMuted    = enum.ChatMuted
	causeArchived = enum.ChatArchived
	causeDraft    = enum.ChatDraft
	causeCleared  = enum.ChatCleared
	causeDeleted  = enum.ChatDeleted
)

// bounded brings a clock that comes from another device or an archive to the latest that is
// believed: what only rises must not be set for ever by a clock of the future.
func (h *History) bounded(chat *wire.ChatRecord, clock uint64) uint64 {
	return min(clock, h.latest(chat))
}

// latest is the latest clock that is believed in a conversation.
func (h *History) latest(chat *wire.ChatRecord) uint64 {
	return max(message.LatestClock(h.Now()), chat.GetClock())
}

// readPlace is the place up to which a conversation was read.
func readPlace(chat *wire.ChatRecord) port.Position {
	p := port.Position{Clock: chat.GetReadClock()}
	copy(p.ID[:], chat.GetReadId())
	return p
}

// EndOf is the last place that messages of a clock can have.
func EndOf(clock uint64) port.Position {
	return port.Position{Clock: clock, ID: [32]byte(bytes.Repeat([]byte{0xff}, 32))}
}

// ReadUpTo marks the messages of a conversation as read that are at a place or before it. A
// place that is not later than the last is fine: messages that came late are marked too.
func (h *History) ReadUpTo(tx *ledger.Tx, in message.ConversationID, at port.Position) (changed bool, err error) {
	chat, err := h.Chat(tx, in.Bytes())
	if err != nil {
		return false, err
	}
	before, unread, marked := readPlace(chat), chat.GetUnread(), isMarkedUnread(chat)
	if err := h.readUpTo(tx, chat, at); err != nil {
		return false, err
	}
	if unread != chat.GetUnread() || marked != isMarkedUnread(chat) {
		return true, h.emitChat(tx, chat, causeRead)
	}
	return before != readPlace(chat), nil
}

// readUpTo is ReadUpTo without the event.
func (h *History) readUpTo(tx *ledger.Tx, chat *wire.ChatRecord, at port.Position) error {
	if limit := h.bounded(chat, at.Clock); limit < at.Clock {
		at = EndOf(limit)
	}
	if readPlace(chat).Before(at) {
		chat.ReadClock, chat.ReadId = at.Clock, at.ID[:]
	}
	return markBefore(tx, chat, behind(at))
}

// isMarkedUnread reports whether a conversation was marked as unread, and nothing later was
// read since.
func isMarkedUnread(chat *wire.ChatRecord) bool {
	m := chat.GetMarks()
	return m.GetUnread() && m.GetUnreadClock() > chat.GetReadClock()
}

// isRead reports whether a message that comes now counts as read, because another device of
// ours may have read it: it stands before what was read. A device that is alone has not shown
// it to anybody.
func (h *History) isRead(chat *wire.ChatRecord, at port.Position) bool {
	return h.Shared != nil && h.Shared() && !readPlace(chat).Before(at)
}

// SetMarkedUnread marks a conversation as unread, or no longer.
func (h *History) SetMarkedUnread(tx *ledger.Tx, in message.ConversationID, unread bool, clock uint64) (changed bool, err error) {
	return h.setMark(tx, in, causeUnread, func(m *wire.ChatMarksRecord, latest uint64) bool {
		return setUnread(m, unread, clock, latest)
	})
}

// SetMuted mutes a conversation until a time in ms, 0 for ever, or no longer.
func (h *History) SetMuted(tx *ledger.Tx, in message.ConversationID, muted bool, until int64, clock uint64) (changed bool, err error) {
	return h.setMark(tx, in, CauseMuted, func(m *wire.ChatMarksRecord, latest uint64) bool {
		return setMuted(m, muted, until, clock, latest)
	})
}

// SetArchived archives a conversation, or takes it out of the archive.
func (h *History) SetArchived(tx *ledger.Tx, in message.ConversationID, archived bool, clock uint64) (changed bool, err error) {
	return h.setMark(tx, in, causeArchived, func(m *wire.ChatMarksRecord, latest uint64) bool {
		return setArchived(m, archived, clock, latest)
	})
}

// SetDraft keeps a text that is not sent yet; "" is none.
func (h *History) SetDraft(tx *ledger.Tx, in message.ConversationID, text string, clock uint64) (changed bool, err error) {
	return h.setMark(tx, in, causeDraft, func(m *wire.ChatMarksRecord, latest uint64) bool {
		return setDraft(m, text, clock, latest)
	})
}

// setMark changes a mark of a conversation, and emits that it has changed.
func (h *History) setMark(tx *ledger.Tx, in message.ConversationID, cause enum.ChatChange, set func(m *wire.ChatMarksRecord, latest uint64) bool) (changed bool, err error) {
	chat, err := h.Chat(tx, in.Bytes())
	if err != nil {
		return false, err
	}
	marks := marksOf(chat)
	if !set(marks, h.latestMark(chat)) {
		return false, nil
	}
	chat.Marks = marks
	return true, h.emitChat(tx, chat, cause)
}

// latestMark is the latest clock that is believed of a mark: a mark as unread is later than
// what was read.
func (h *History) latestMark(chat *wire.ChatRecord) uint64 {
	return max(h.latest(chat), chat.GetReadClock()+1)
}

// Each mark is a register: the later clock wins, and at the same clock the greater value, so
// that all devices come to the same.

// wins compares the clock of a change with the one that a mark has, and at the same clock the
// values. A clock of the future is brought to the latest that is believed, or to just after
// that of the mark: the user could not change it otherwise.
func wins(clock *uint64, have, latest uint64, values int) bool {
	*clock = min(*clock, max(latest, have+1))
	return cmp.Or(cmp.Compare(*clock, have), values) > 0
}

func setUnread(m *wire.ChatMarksRecord, unread bool, clock, latest uint64) (changed bool) {
	if !wins(&clock, m.GetUnreadClock(), latest, compareBool(unread, m.GetUnread())) {
		return false
	}
	m.Unread, m.UnreadClock = unread, clock
	return true
}

func setMuted(m *wire.ChatMarksRecord, muted bool, until int64, clock, latest uint64) (changed bool) {
	if !muted {
		until = 0
	}
	longer := cmp.Compare(uint64(until)-1, uint64(m.GetMutedUntil())-1) // 0 is for ever
	if !wins(&clock, m.GetMutedClock(), latest, cmp.Or(compareBool(muted, m.GetMuted()), longer)) {
		return false
	}
	m.Muted, m.MutedUntil, m.MutedClock = muted, until, clock
	return true
}

func setArchived(m *wire.ChatMarksRecord, archived bool, clock, latest uint64) (changed bool) {
	if !wins(&clock, m.GetArchivedClock(), latest, compareBool(archived, m.GetArchived())) {
		return false
	}
	m.Archived, m.ArchivedClock = archived, clock
	return true
}

func setDraft(m *wire.ChatMarksRecord, text string, clock, latest uint64) (changed bool) {
	if !wins(&clock, m.GetDraftClock(), latest, cmp.Compare(text, m.GetDraft())) {
		return false
	}
	m.Draft, m.DraftClock = text, clock
	return true
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// marksOf are the marks of a conversation, to be changed.
func marksOf(chat *wire.ChatRecord) *wire.ChatMarksRecord {
	if chat.GetMarks() == nil {
		return &wire.ChatMarksRecord{}
	}
	return chat.GetMarks()
}

// ChatChanged emits that a conversation has changed, as a transaction has changed it so far.
func (h *History) ChatChanged(tx *ledger.Tx, in message.ConversationID, cause enum.ChatChange) error {
	chat, err := h.Chat(tx, in.Bytes())
	if err != nil {
		return err
	}
	return h.emitChat(tx, chat, cause)
}

// emitChat emits that a conversation has changed.
func (h *History) emitChat(tx *ledger.Tx, rec *wire.ChatRecord, cause enum.ChatChange) error {
	chat, err := h.chatOf(tx, rec)
	if err != nil {
		return err
	}
	return tx.EmitChat(event.ChatChanged{Chat: chat.Chat, Cause: cause})
}

// mergeMarks takes what an archive says about a conversation. It emits nothing: what an
// import or another device tells is listed when it is done.
func (h *History) mergeMarks(tx *ledger.Tx, chat, came *wire.ChatRecord) error {
	if _, err := h.clearUpTo(tx, chat, came.GetClearedClock()); err != nil {
		return err
	}
	chat.DeletedClock = max(chat.GetDeletedClock(), min(h.bounded(chat, came.GetDeletedClock()), chat.GetClearedClock()))
	if at := readPlace(came); at != (port.Position{}) {
		if err := h.readUpTo(tx, chat, at); err != nil {
			return err
		}
	}
	m, c, latest := marksOf(chat), came.GetMarks(), h.latestMark(chat)
	setMuted(m, c.GetMuted(), c.GetMutedUntil(), c.GetMutedClock(), latest)
	setArchived(m, c.GetArchived(), c.GetArchivedClock(), latest)
	setUnread(m, c.GetUnread(), c.GetUnreadClock(), latest)
	setDraft(m, c.GetDraft(), c.GetDraftClock(), latest)
	chat.Marks = m
	return nil
}
