package history

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// Changing what a stored message says, beside its state: edits, deletions, reactions, pins,
// and what others know of attachments and timers.

// The causes of event.MessageChanged.
const (
	CauseEdited     = enum.MessageEdited
	CauseDeleted    = enum.MessageDeleted
	CauseReaction   = enum.MessageReaction
	CausePinned     = enum.MessagePinned
	CauseAttachment = enum.MessageAttachment
	CauseContent    = enum.MessageContent
	CauseExpired    = enum.MessageExpired
)

// Watcher is called in the transaction in which a message is added (before is nil), has
// changed, or is removed (after is nil). It changes neither record and keeps neither.
type Watcher func(tx *ledger.Tx, before, after *wire.MessageRecord) error

// Watch has f called for each message that is added, changed in what it says, or removed; not
// for a change of its state, or that it was read. A deleted message is one that says nothing.
// It is called for every message that comes in, so f must cost next to nothing for a plain
// text. To be called before the history is used.
func (h *History) Watch(f Watcher) { h.watchers = append(h.watchers, f) }

// watch calls the watchers.
func (h *History) watch(tx *ledger.Tx, before, after *wire.MessageRecord) error {
	for _, f := range h.watchers {
		if err := f(tx, before, after); err != nil {
			return err
		}
	}
	return nil
}

// arriving applies to a message that is about to be added what has waited for it.
func (h *History) arriving(tx *ledger.Tx, m *wire.MessageRecord) (changed bool, err error) {
	if h.Arriving == nil {
		return false, nil
	}
	return h.Arriving(tx, m)
}

// Change has fn change a message and, if fn says that it did, stores and reports it. cause is
// that of event.MessageChanged. found is false if the message is in no history.
func (h *History) Change(tx *ledger.Tx, id [32]byte, cause enum.MessageChange, fn func(rec *wire.MessageRecord) (changed bool)) (found bool, err error) {
	rec, found, err := h.Record(tx, id)
	if err != nil || !found {
		return false, err
	}
	before := proto.CloneOf(rec)
	if !fn(rec) {
		return true, nil
	}
	return true, h.changed(tx, before, rec, cause)
}

// changed stores a message that has changed, and reports it unless it is held back: the
// program has not heard of it then.
func (h *History) changed(tx *ledger.Tx, before, rec *wire.MessageRecord, cause enum.MessageChange) error {
	if err := errors.Join(ledger.Put(tx, TableMessages, rec.GetId(), rec), h.recount(tx, before, rec)); err != nil {
		return err
	}
	if err := h.watch(tx, before, rec); err != nil || rec.GetRequest() {
		return err
	}
	return tx.EmitChange(chatHex(rec.GetChat()), event.Hex(rec.GetId()), cause)
}

// Arrival names a message in the event that it has come.
func Arrival(m *wire.MessageRecord) ledger.Arrival {
	return ledger.Arrival{From: KeyHex(m.GetFrom()), ChatID: chatHex(m.GetChat()), MessageID: event.Hex(m.GetId())}
}

// Erase deletes what a message says, and leaves its place: so it does not come back when its
// sender repeats it, and the other devices of ours agree on what there was. Deleted for
// everyone, it is not sent any more, and neither are its edits: a message that we delete for
// ourselves is still for the other person. The caller holds the engine's lock.
func (h *History) Erase(tx *ledger.Tx, id [32]byte, deleted *wire.DeletionRecord) (found bool, err error) {
	rec, found, err := h.Record(tx, id)
	if err != nil || !found {
		return false, err
	}
	before := proto.CloneOf(rec)
	if !SetDeletion(rec, deleted) {
		return true, nil
	}
	if deleted.GetForEveryone() {
		if err := h.unsend(tx, before); err != nil {
			return true, err
		}
	}
	return true, h.changed(tx, before, rec, CauseDeleted)
}

// unsend erases what is still to be sent of a message of ours: itself, its edit and our
// reactions to it say what is deleted.
func (h *History) unsend(tx *ledger.Tx, rec *wire.MessageRecord) error {
	var ids [][]byte
	if rec.GetOutgoing() {
		ids = append(ids, rec.GetId(), rec.GetEdit().GetId())
	}
	for _, r := range rec.GetReactions() {
		if IsOurs(rec, r.GetFrom()) {
			ids = append(ids, r.GetId())
		}
	}
	return h.EraseUnsent(tx, ids...)
}

// EraseUnsent erases application messages of ours from the outbox, by their ids: something
// later has taken their place. Ids of none are fine. The caller holds the engine's lock.
func (h *History) EraseUnsent(tx *ledger.Tx, ids ...[]byte) error {
	for _, id := range ids {
		if len(id) != 32 {
			continue
		}
		if err := h.Outbox.Erase(tx, [32]byte(id)); err != nil {
			return err
		}
	}
	return nil
}

// Heard raises the clock of a conversation to that of something that was said in it and is no
// message, so that what we say next comes after it.
func (h *History) Heard(tx *ledger.Tx, in message.ConversationID, clock uint64) error {
	if clock > followed(h.Now()) {
		return nil
	}
	chat, err := h.Chat(tx, in.Bytes())
	if err != nil {
		return err
	}
	chat.Clock = max(chat.GetClock(), clock)
	tx.After(func() { h.clocks.saw(in, clock) })
	return nil
}
