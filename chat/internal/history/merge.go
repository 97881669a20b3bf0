package history

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Merging what an archive holds: the history of another device, or of this one from an
// earlier time. It can be merged again, beside what comes by the network, and in any order.

// MergeChat raises the clock of a conversation to that of an archive, as far as clocks are
// followed: what we write next comes after all that was written there. What was read, cleared, muted there is so here.
func (h *History) MergeChat(tx *ledger.Tx, rec *wire.ChatRecord) (fresh bool, err error) {
	old, err := tx.Get(TableChats, rec.GetKey())
	if err != nil {
		return false, err
	}
	chat, err := h.Chat(tx, rec.GetKey())
	if err != nil {
		return false, err
	}
	if err := h.mergeMarks(tx, chat, rec); err != nil { // first: the clock of the archive bounds none of its own
		return false, err
	}
	chat.Clock = max(chat.GetClock(), min(rec.GetClock(), followed(h.Now())))
	seen, in := chat.GetClock(), message.ConversationID(rec.GetKey())
	tx.After(func() { h.clocks.saw(in, seen) })
	return old == nil, nil
}

// Merge stores a message of an archive at the place it has there; one that is here already
// is brought to the further state. unasked: it is of a stranger, and counted as such. It
// reports whether the message was not here.
func (h *History) Merge(tx *ledger.Tx, m *wire.MessageRecord, unasked bool) (fresh bool, err error) {
	if StateOf(m) == Queued {
		// It waits on the device that wrote it. Nothing is sent here, and it must not look so.
		m.State, m.Failure = string(Failed), string(port.CodeOnOtherDevice)
	}
	var old wire.MessageRecord
	found, err := ledger.Get(tx, TableMessages, m.GetId(), &old)
	if err != nil {
		return false, err
	}
	chat, err := h.Chat(tx, m.GetChat())
	switch {
	case err != nil, m.GetClock() <= chat.GetClearedClock(), h.Cleared(&old):
		return false, err
	case found:
		return false, h.mergeInto(tx, &old, m)
	}
	if now := h.Now(); m.GetClock() > followed(now) { // it would be the newest for as long
		at := place(m.GetClock(), chat.GetLastMessageClock(), chat.GetClock(), now)
		m.Clock, m.ClockSkew = at.clock, at.skew
	}
	m.Read = m.GetRead() || h.isRead(chat, placeOf(m))
	m.Request = m.GetRequest() && unasked
	if unasked {
		chat.Unasked++
		chat.UnaskedBytes += SizeOf(m)
	}
	if m.GetRequest() {
		chat.Waiting++
	}
	h.settle(m)
	if _, err := h.arriving(tx, m); err != nil {
		return false, err
	}
	if err := ledger.Put(tx, TableMessages, m.GetId(), m); err != nil {
		return false, err
	}
	seen, in := m.GetClock(), message.ConversationID(m.GetChat())
	tx.After(func() { h.clocks.saw(in, seen) })
	if err := placeIn(tx, chat, m); err != nil {
		return true, err
	}
	return true, h.watch(tx, nil, m)
}

// mergeInto brings a message that is here to what an archive says of it: read, acknowledged by
// more devices, further on its way.
func (h *History) mergeInto(tx *ledger.Tx, rec, m *wire.MessageRecord) error {
	changed := false
	if m.GetRead() && !rec.GetRead() && string(rec.GetChat()) == string(m.GetChat()) {
		chat, err := h.Chat(tx, rec.GetChat())
		if err != nil {
			return err
		}
		unread, mentions := weight(rec)
		chat.Unread -= min(chat.GetUnread(), unread)
		chat.Mentions -= min(chat.GetMentions(), mentions)
		rec.Read, changed = true, true
	}
	for _, d := range m.GetDevices() {
		has := func(o *wire.DeviceAckRecord) bool {
			return o.GetInstallationId() == d.GetInstallationId() && o.GetOwn() == d.GetOwn()
		}
		if len(rec.GetDevices()) < maxDevicesNoted && !slices.ContainsFunc(rec.GetDevices(), has) {
			rec.Devices, changed = append(rec.GetDevices(), d), true
		}
	}
	before := proto.CloneOf(rec)
	moved := h.mergeState(rec, m)
	cause, err := h.mergeActions(tx, rec, m)
	if err == nil && mergeExpiry(rec, m) {
		if changed = true; cause == "" { // else the watchers are called below
			err = h.watch(tx, before, rec)
		}
	}
	switch {
	case err != nil:
		return err
	case moved && cause != "":
		if err := tx.Emit(StateEvent(rec)); err != nil {
			return err
		}
		fallthrough
	case cause != "":
		return h.changed(tx, before, rec, cause)
	case moved:
		return putState(tx, rec)
	case changed:
		return ledger.Put(tx, TableMessages, rec.GetId(), rec)
	}
	return nil
}

// settle brings what an archive says was done to a message into the order and the bounds that
// it has here.
func (h *History) settle(m *wire.MessageRecord) {
	reactions, earlier, deletion := m.GetReactions(), m.GetEarlier(), m.GetDeletion()
	m.Reactions, m.Earlier, m.Deletion = nil, nil, nil
	for _, r := range reactions {
		SetReaction(m, r)
	}
	h.mergeEarlier(m, earlier)
	if deletion != nil {
		SetDeletion(m, deletion)
	}
}

// mergeEarlier takes over the texts before edits, if they are kept here.
func (h *History) mergeEarlier(rec *wire.MessageRecord, earlier []*wire.EditRecord) (changed bool) {
	if !h.KeepEdits || rec.GetEdit() == nil {
		return false
	}
	for _, e := range earlier {
		if order(e.GetClock(), e.GetId(), rec.GetEdit().GetClock(), rec.GetEdit().GetId()) < 0 {
			changed = addEarlier(rec, e) || changed
		}
	}
	return changed
}

// mergeActions joins what was done to a message here and in an archive, and returns the cause
// to report, "" if that has changed nothing.
func (h *History) mergeActions(tx *ledger.Tx, rec, m *wire.MessageRecord) (cause enum.MessageChange, err error) {
	if d := m.GetDeletion(); d != nil {
		before := proto.CloneOf(rec)
		if !SetDeletion(rec, d) {
			return "", nil
		}
		if d.GetForEveryone() {
			err = h.unsend(tx, before)
		}
		return CauseDeleted, err
	}
	var ours [][]byte // that say what is over
	for _, r := range m.GetReactions() {
		changed, replaced := SetReaction(rec, r)
		if changed {
			cause = CauseReaction
		}
		if IsOurs(rec, r.GetFrom()) {
			ours = append(ours, replaced)
		}
	}
	if m.GetPin() != nil {
		changed, replaced := SetPin(rec, m.GetPin())
		if changed {
			cause = CausePinned
		}
		if IsOurs(rec, replaced.GetBy()) {
			ours = append(ours, replaced.GetId())
		}
	}
	if m.GetEdit() != nil {
		changed, replaced := SetEdit(rec, m.GetEdit(), m, h.KeepEdits)
		if changed {
			cause = CauseEdited
		}
		if rec.GetOutgoing() {
			ours = append(ours, replaced)
		}
		if h.mergeEarlier(rec, m.GetEarlier()) {
			cause = CauseEdited
		}
	}
	return cause, h.EraseUnsent(tx, ours...)
}

// IsOurs reports whether a key is ours, and not that of the person a message is exchanged
// with.
func IsOurs(rec *wire.MessageRecord, who []byte) bool {
	return len(who) > 0 && string(who) != string(rec.GetChat()[1:])
}

// mergeState brings a message to the state that it has in an archive, if that is further and
// it is not this device that sends it.
func (h *History) mergeState(rec, m *wire.MessageRecord) (moved bool) {
	if !rec.GetOutgoing() || !m.GetOutgoing() {
		return false
	}
	if _, ours := h.Outbox.Sending([32]byte(rec.GetId())); ours {
		return false
	}
	state, next := StateOf(rec), StateOf(m)
	switch {
	case LeftBehind(rec) && !LeftBehind(m): // any news is later than that
	case next == Delivered && (state == Sent || state == Stored):
	case next == Stored && state == Sent:
	case next == Failed && !LeftBehind(m) && (state == Sent || state == Stored):
	default:
		return false
	}
	rec.State, rec.Failure = m.GetState(), m.GetFailure()
	rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceInstallation = m.GetEvidenceKind(), m.GetEvidencePeers(), m.GetEvidenceInstallation()
	rec.EvidenceAt, rec.EvidenceNodes = m.GetEvidenceAt(), m.GetEvidenceNodes()
	return true
}

// SentAfterAll brings a message that was left behind to the state Sent, because the device
// that wrote it has sent it, and emits that; it reports whether it was one.
func (h *History) SentAfterAll(tx *ledger.Tx, m *wire.MessageRecord) (was bool, err error) {
	if !m.GetOutgoing() {
		return false, nil
	}
	var rec wire.MessageRecord
	found, err := ledger.Get(tx, TableMessages, m.GetId(), &rec)
	if err != nil || !found || !LeftBehind(&rec) {
		return false, err
	}
	rec.State, rec.Failure = string(Sent), ""
	return true, putState(tx, &rec)
}

// LeftBehind reports whether a message is one of an archive that was waiting on the device that
// wrote it.
func LeftBehind(rec *wire.MessageRecord) bool {
	return StateOf(rec) == Failed && rec.GetFailure() == string(port.CodeOnOtherDevice)
}

// ValidState reports whether a message is in a state of its direction.
func ValidState(rec *wire.MessageRecord) bool {
	rule, known := states[StateOf(rec)]
	return known && rule.outgoing == rec.GetOutgoing()
}
