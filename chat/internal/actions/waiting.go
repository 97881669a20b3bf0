package actions

import (
	"bytes"
	"cmp"
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// Action is an action on a message that is not here.
type Action struct {
	// In is the conversation of the message, or that with ourselves if it was deleted for us.
	In message.ConversationID
	// Payload is that of an application message of the type that Read has.
	Payload []byte
	Read    message.Action
	// From is who signed it, compressed, and ID its own message id.
	From []byte
	ID   [32]byte
	// Void: it is of somebody blocked. It takes room like any other, so that they cannot tell,
	// and is not kept.
	Void bool
}

// The subjects of actions; that of a reaction is followed by the emoji.
const (
	aboutText     = "text"
	aboutDeletion = "deletion"
	aboutPin      = "pin"
	aboutEmoji    = "emoji "
)

// record is an action as it is stored.
func (a *Actions) record(w Action) *wire.WaitingActionRecord {
	rec := &wire.WaitingActionRecord{
		Type: int32(w.Read.Type), From: w.From, Id: w.ID[:], At: a.Now().UnixMilli(), Size: uint32(len(w.Payload)), Clock: w.Read.Clock,
	}
	switch w.Read.Type {
	case wire.ApplicationMetadataMessage_EDIT_MESSAGE:
		rec.Subject = aboutText
	case wire.ApplicationMetadataMessage_PIN_MESSAGE:
		rec.Subject = aboutPin
	case wire.ApplicationMetadataMessage_EMOJI_REACTION:
		rec.Subject = aboutEmoji + w.Read.Emoji
	default:
		rec.Subject = aboutDeletion
	}
	if !w.Void {
		rec.Payload = w.Payload
	}
	return rec
}

// Plan holds the changes that Store makes so that an action waits.
type Plan struct {
	of            Action
	name          []byte
	before, after []*wire.WaitingActionRecord
}

// Plan decides whether an action may wait. There is room for one that changes nothing: then
// the plan is nil. It writes nothing.
func (a *Actions) Plan(tx *ledger.Tx, w Action) (plan *Plan, room bool, err error) {
	rec, name := a.record(w), nameOf(w.In, w.Read.Target)
	before, err := read(tx, name)
	if err != nil {
		return nil, false, err
	}
	gone, err := a.deletedForUs(tx, w)
	if err != nil {
		return nil, false, err
	}
	after := slices.Clone(before)
	for _, o := range before {
		switch {
		case !sameSigner(o, rec):
		case o.GetSubject() == rec.GetSubject() && order(o, rec) >= 0, rec.GetSubject() == aboutText && o.GetSubject() == aboutDeletion:
			return nil, true, nil
		case o.GetSubject() == rec.GetSubject(), o.GetSubject() == aboutText && rec.GetSubject() == aboutDeletion:
			after = slices.DeleteFunc(after, func(one *wire.WaitingActionRecord) bool { return one == o })
		}
	}
	if gone {
		return nil, true, nil
	}
	after = append(after, rec)
	return &Plan{w, name, before, after}, a.hasRoom(tx, w.In, before, after), nil
}

func sameSigner(a, b *wire.WaitingActionRecord) bool { return bytes.Equal(a.GetFrom(), b.GetFrom()) }

// order compares two words about the same, as package history does.
func order(a, b *wire.WaitingActionRecord) int {
	return cmp.Or(cmp.Compare(a.GetClock(), b.GetClock()), bytes.Compare(a.GetId(), b.GetId()))
}

// hasRoom reports whether the actions that wait for a message may become others.
func (a *Actions) hasRoom(tx *ledger.Tx, in message.ConversationID, before, after []*wire.WaitingActionRecord) bool {
	was, is := sizeOf(before), sizeOf(after)
	if is.number <= was.number && is.bytes <= was.bytes {
		return true
	}
	number, bytes := MaxNumber, MaxBytes
	if a.Stranger(in) {
		number, bytes = MaxStrangerNumber, MaxStrangerBytes
	}
	l := a.loadOf(tx, in).add(load{is.number - was.number, is.bytes - was.bytes})
	return len(after) <= MaxEach && l.number <= number && l.bytes <= bytes
}

// deletedForUs reports whether one of our devices has deleted the message of an action for us,
// so that nothing else of it matters.
func (a *Actions) deletedForUs(tx *ledger.Tx, w Action) (bool, error) {
	self := a.Self()
	if w.In == self || a.loadOf(tx, self).number == 0 {
		return false, nil
	}
	list, err := read(tx, nameOf(self, w.Read.Target))
	return len(list) > 0, err
}

// Store has an action wait, as was planned in the same transaction; nil is fine.
func (a *Actions) Store(tx *ledger.Tx, p *Plan) error {
	if p == nil {
		return nil
	}
	if p.of.In == a.Self() {
		if err := a.dropElsewhere(tx, p.of.Read.Target); err != nil {
			return err
		}
	}
	return a.put(tx, p.name, p.before, p.after)
}

// dropElsewhere drops what waits for a message that was deleted for us, in whatever
// conversation it is.
func (a *Actions) dropElsewhere(tx *ledger.Tx, id [32]byte) error {
	a.mu.Lock()
	var all []message.ConversationID
	for in := range a.loads {
		all = append(all, in)
	}
	a.mu.Unlock()
	for in := range *a.changes(tx) {
		if !slices.Contains(all, in) {
			all = append(all, in)
		}
	}
	for _, in := range all {
		if in == a.Self() {
			continue
		}
		if err := a.drop(tx, nameOf(in, id), func(*wire.WaitingActionRecord) bool { return true }); err != nil {
			return err
		}
	}
	return nil
}

// drop drops the actions on a message for which which is true.
func (a *Actions) drop(tx *ledger.Tx, name []byte, which func(*wire.WaitingActionRecord) bool) error {
	before, err := read(tx, name)
	if err != nil {
		return err
	}
	after := slices.DeleteFunc(slices.Clone(before), which)
	if len(after) == len(before) {
		return nil
	}
	return a.put(tx, name, before, after)
}

// ForgetUpTo forgets the actions in a conversation that was cleared up to a clock: their messages
// are earlier, so they do not come any more. A deletion has nothing to hide, and its clock says
// nothing about its message, so it goes on waiting.
func (a *Actions) ForgetUpTo(tx *ledger.Tx, in message.ConversationID, clock uint64) error {
	if a.loadOf(tx, in).number == 0 {
		return nil
	}
	var names [][]byte
	err := tx.Each(tableWaiting, func(name, _ []byte) error {
		if of, ok := conversationOf(name); ok && of == in {
			names = append(names, bytes.Clone(name))
		}
		return nil
	})
	for i := 0; i < len(names) && err == nil; i++ {
		err = a.drop(tx, names[i], func(w *wire.WaitingActionRecord) bool {
			return w.GetSubject() != aboutDeletion && w.GetClock() <= clock
		})
	}
	return err
}

// Waited is an action that was taken out.
type Waited struct {
	Type    wire.ApplicationMetadataMessage_Type
	Payload []byte
	From    []byte
	ID      []byte
	At      int64 // when it came, ms
}

// Take takes out what waits for a message that has come. While nothing waits in its
// conversation it reads nothing.
func (a *Actions) Take(tx *ledger.Tx, in message.ConversationID, id [32]byte) (all []Waited, err error) {
	for _, from := range []message.ConversationID{in, a.Self()} {
		if a.loadOf(tx, from).number == 0 {
			continue
		}
		name := nameOf(from, id)
		list, err := read(tx, name)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			continue
		}
		if err := a.put(tx, name, list, nil); err != nil {
			return nil, err
		}
		for _, w := range list {
			if len(w.GetPayload()) > 0 {
				all = append(all, Waited{wire.ApplicationMetadataMessage_Type(w.GetType()), w.GetPayload(), w.GetFrom(), w.GetId(), w.GetAt()})
			}
		}
	}
	return all, nil
}
