package history

import (
	"bytes"
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Actions on a message are kept as registers: the latest one counts, by the clock of its author
// and, at the same clock, by the id of its message. So all devices come to the same state, in
// whatever order the actions arrive. A deletion overrides all others.

// order compares two actions by clock and id.
func order(aClock uint64, aID []byte, bClock uint64, bID []byte) int {
	return cmp.Or(cmp.Compare(aClock, bClock), bytes.Compare(aID, bID))
}

// SetEdit applies an edit by the author, if it is the latest: the message says what content
// says then. With keep the text before is kept; that of an edit that is not the latest, too.
// It reports the id of the edit that this one replaces.
func SetEdit(rec *wire.MessageRecord, e *wire.EditRecord, content *wire.MessageRecord, keep bool) (changed bool, replaced []byte) {
	if rec.GetDeletion() != nil {
		return false, nil
	}
	have := rec.GetEdit()
	switch order(e.GetClock(), e.GetId(), have.GetClock(), have.GetId()) {
	case 0:
		return false, nil
	case -1:
		return keep && addEarlier(rec, &wire.EditRecord{Clock: e.GetClock(), Id: e.GetId(), Text: content.GetText()}), nil
	}
	if keep {
		addEarlier(rec, &wire.EditRecord{Clock: have.GetClock(), Id: have.GetId(), Text: rec.GetText()})
	}
	setContent(rec, content)
	rec.Edit = &wire.EditRecord{Clock: e.GetClock(), Id: e.GetId()}
	return true, have.GetId()
}

// setContent replaces what an edit replaces. A text may become one of emoji only, and back;
// no other kind changes.
func setContent(rec, content *wire.MessageRecord) {
	rec.Text, rec.Mentions, rec.Mentioned, rec.Previews = content.GetText(), content.GetMentions(), content.GetMentioned(), content.GetPreviews()
	plain := func(kind string) bool { return kind == message.KindText || kind == message.KindEmoji }
	if plain(rec.GetKind()) && plain(content.GetKind()) {
		rec.Kind = content.GetKind()
	}
}

// addEarlier keeps an earlier text of a message, in its order. Past the bounds the oldest
// edits go, and the text it was written with last.
func addEarlier(rec *wire.MessageRecord, e *wire.EditRecord) (changed bool) {
	before := len(rec.GetEarlier())
	i, found := slices.BinarySearchFunc(rec.GetEarlier(), e, func(a, b *wire.EditRecord) int {
		return order(a.GetClock(), a.GetId(), b.GetClock(), b.GetId())
	})
	if found {
		return false
	}
	list := slices.Insert(slices.Clone(rec.GetEarlier()), i, e)
	size := 0
	for _, o := range list {
		size += len(o.GetText())
	}
	for len(list) > message.MaxEarlier || size > message.MaxEarlierBytes {
		out := 0
		if len(list) > 1 && list[0].GetId() == nil {
			out = 1
		}
		size -= len(list[out].GetText())
		list = slices.Delete(list, out, out+1)
	}
	rec.Earlier = list
	return before != len(list) || slices.Contains(list, e)
}

// SetReaction applies a reaction of one of the two people, or its removal, if it is their
// latest one with this emoji, and among their latest with any. It reports the id of the
// reaction that this one replaces.
func SetReaction(rec *wire.MessageRecord, r *wire.ReactionRecord) (changed bool, replaced []byte) {
	if rec.GetDeletion() != nil {
		return false, nil
	}
	list := slices.Clone(rec.GetReactions())
	same := func(o *wire.ReactionRecord) bool {
		return o.GetEmoji() == r.GetEmoji() && string(o.GetFrom()) == string(r.GetFrom())
	}
	if i := slices.IndexFunc(list, same); i >= 0 {
		if order(r.GetClock(), r.GetId(), list[i].GetClock(), list[i].GetId()) <= 0 {
			return false, nil
		}
		replaced = list[i].GetId()
		list = slices.Delete(list, i, i+1)
	}
	i, _ := slices.BinarySearchFunc(list, r, byOrder)
	list = boundReactions(slices.Insert(list, i, r), r.GetFrom())
	if !slices.Contains(list, r) {
		return false, nil
	}
	rec.Reactions = list
	return true, replaced
}

// byOrder sorts reactions by clock and id.
func byOrder(a, b *wire.ReactionRecord) int {
	return cmp.Or(order(a.GetClock(), a.GetId(), b.GetClock(), b.GetId()), cmp.Compare(a.GetEmoji(), b.GetEmoji()),
		bytes.Compare(a.GetFrom(), b.GetFrom()))
}

// boundReactions removes the oldest reaction of a person if they have too many. Since those
// that stay are the latest they ever made, it does not matter in which order they came.
func boundReactions(list []*wire.ReactionRecord, from []byte) []*wire.ReactionRecord {
	of := func(o *wire.ReactionRecord) bool { return string(o.GetFrom()) == string(from) }
	number := 0
	for _, o := range list {
		if of(o) {
			number++
		}
	}
	if number <= message.MaxReactionsEach {
		return list
	}
	i := slices.IndexFunc(list, of)
	return slices.Delete(list, i, i+1)
}

// SetPin pins or unpins a message for one of the two people, if this is the latest such
// action. It reports the pin that this one replaces, nil if it does not count.
func SetPin(rec *wire.MessageRecord, p *wire.PinRecord) (changed bool, replaced *wire.PinRecord) {
	have := rec.GetPin()
	if rec.GetDeletion() != nil || order(p.GetClock(), p.GetId(), have.GetClock(), have.GetId()) <= 0 {
		return false, nil
	}
	rec.Pin = p
	return true, have
}

// SetDeletion deletes what a message says. One for everyone counts more than one for its user
// alone, and else the earlier one.
func SetDeletion(rec *wire.MessageRecord, d *wire.DeletionRecord) (changed bool) {
	have := rec.GetDeletion()
	switch {
	case have == nil:
		erase(rec)
	case have.GetForEveryone() != d.GetForEveryone():
		if have.GetForEveryone() {
			return false
		}
	case cmp.Or(cmp.Compare(have.GetAt(), d.GetAt()), bytes.Compare(have.GetBy(), d.GetBy())) <= 0:
		return false
	}
	rec.Deletion = d
	if d.GetForEveryone() && StateOf(rec) == Queued { // nothing of it goes out any more
		become(rec, Failed)
		rec.Failure = string(port.CodeCancelled)
	}
	return true
}

// erase leaves of a message what says when it was, from whom, and how far it has come. What
// is not named here goes, so that a field that is added is erased.
func erase(m *wire.MessageRecord) {
	left := &wire.MessageRecord{
		Id: m.GetId(), Chat: m.GetChat(), From: m.GetFrom(), Kind: m.GetKind(), Clock: m.GetClock(), ClockSkew: m.GetClockSkew(),
		SentAt: m.GetSentAt(), ReceivedAt: m.GetReceivedAt(), SenderName: m.GetSenderName(), ApplicationType: m.GetApplicationType(),
		State: m.GetState(), Failure: m.GetFailure(), Outgoing: m.GetOutgoing(), ClientRef: m.GetClientRef(),
		EvidenceKind: m.GetEvidenceKind(), EvidencePeers: m.GetEvidencePeers(), EvidenceInstallation: m.GetEvidenceInstallation(),
		EvidenceAt: m.GetEvidenceAt(), EvidenceNodes: m.GetEvidenceNodes(), Devices: m.GetDevices(),
		Request: m.GetRequest(), BeforeDevice: m.GetBeforeDevice(), Read: true, ExpiresIn: m.GetExpiresIn(), ExpiresAt: m.GetExpiresAt(),
		Album: m.GetAlbum(), AlbumCount: m.GetAlbumCount(),
	}
	if m.GetOutgoing() { // by its id the edit leaves the outbox, if the message is deleted for everyone later
		left.Edit = m.GetEdit()
	}
	proto.Reset(m)
	proto.Merge(m, left)
}

// showActions adds to a message as programs see it what was done to it.
func showActions(m *event.Message, r *wire.MessageRecord) {
	if e := r.GetEdit(); e != nil && r.GetDeletion() == nil {
		at := int64(min(e.GetClock(), MaxTime))
		m.Edited = &at
	}
	for _, e := range r.GetEarlier() {
		at := int64(min(e.GetClock(), MaxTime))
		if e.GetId() == nil {
			at = r.GetSentAt()
		}
		m.Edits = append(m.Edits, event.Edit{Text: e.GetText(), At: at})
	}
	if d := r.GetDeletion(); d != nil {
		m.Deleted = &event.Deletion{At: d.GetAt(), By: KeyHex(d.GetBy()), ForEveryone: d.GetForEveryone()}
	}
	for _, o := range r.GetReactions() {
		if !o.GetRetracted() {
			m.Reactions = append(m.Reactions, event.Reaction{Emoji: o.GetEmoji(), From: KeyHex(o.GetFrom()), At: int64(min(o.GetClock(), MaxTime))})
		}
	}
	m.Pinned = r.GetPin().GetPinned()
}
