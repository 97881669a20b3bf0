package chat

import (
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/internal/actions"
	"libstatus1to1/chat/internal/attachments"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Actions that come in: edits, deletions, reactions and pins, from the other person of a chat
// or from our own other devices. One that comes before its message waits for it (package
// actions); what it does to a message is the same then (package history, registers.go).
// Spec: 62/STATUS-PAYLOADS, "EditMessage", "DeleteMessage", "PinMessage", "EmojiReaction".

// action is an action with what is needed to apply it.
type action struct {
	message.Action
	in      message.ConversationID
	from    []byte // who signed it, compressed
	id      [32]byte
	at      int64               // when it came, ms
	content *wire.MessageRecord // what the message says after an edit
	payload []byte              // as it waits
}

// maxWaitingEdit bounds an edit that waits, bytes: one with large pictures in its previews
// waits without them.
const maxWaitingEdit = 64 << 10

// readAction reads an action and finds its chat.
func (c *Client) readAction(self key.Public, from key.Public, typ wire.ApplicationMetadataMessage_Type, payload []byte) (*action, error) {
	a, err := message.DecodeAction(typ, payload)
	if err != nil {
		return nil, err
	}
	x := &action{Action: a, in: message.ConversationWith(self), from: from.Compressed(), payload: payload}
	if typ != wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE {
		chat, err := message.ChatOf(self, from, a.ChatID)
		if err != nil {
			return nil, err
		}
		if chat == self {
			return nil, dropped("action")
		}
		x.in = message.ConversationWith(chat)
	}
	if a.Edit != nil {
		x.content = contentOf(a.Edit, self)
		if len(payload) > maxWaitingEdit {
			bare := proto.CloneOf(a.Edit)
			bare.UnfurledLinks, bare.UnfurledStatusLinks, bare.Grant = nil, nil, nil
			bare.ProtoReflect().SetUnknown(nil)
			if x.payload, err = proto.Marshal(bare); err != nil {
				return nil, err
			}
		}
	}
	return x, nil
}

// contentOf returns the content of a message after an edit.
func contentOf(e *wire.EditMessage, self key.Public) *wire.MessageRecord {
	content := &wire.MessageRecord{Kind: message.KindOf(message.NewChatMessage(message.ChatParams{TextParams: message.TextParams{Text: e.GetText()}}))}
	message.SetText(content, e.GetText(), self)
	message.SetPreviews(content, e.GetUnfurledLinks(), e.GetUnfurledStatusLinks().GetUnfurledStatusLinks())
	return content
}

// action handles an application message that is an action: of our own, only one of a device
// that the user has enabled.
func (p *pass) action(am *applicationMessage) {
	x, err := p.c.readAction(p.a.public, am.from.sender, am.app.Type, am.app.Payload)
	switch {
	case errors.Is(err, message.ErrNotOneToOne): // on a message of a group
		p.unsupported(am)
		return
	case err != nil:
		p.c.counters.drop("action")
		return
	case am.from.sender == p.a.public && !p.fromOwn(am): // a lost device must not change what we have
		return
	}
	x.id, x.at = am.id(), p.now.UnixMilli()
	latest := message.LatestClock(p.judged(am.from))
	am.marked = true
	p.apply(am, func(r lookup) (func(*txn) error, error) { return p.c.judgeAction(r, x, latest) })
}

// judgeAction decides about an action: it needs the right signer, a clock that is believed
// and, if its message is not here, or its signer is a stranger, room.
func (c *Client) judgeAction(r lookup, x *action, latest uint64) (func(*txn) error, error) {
	if x.ahead(latest) {
		c.counters.drop("action_clock")
		return nil, errLater
	}
	rec, found, err := r.message(x.Target)
	if err != nil {
		return nil, err
	}
	if found && !x.mayChange(rec) {
		c.counters.drop("action_signer")
		return nil, nil
	}
	if gone, err := expired(r, x.Target[:]); err != nil || gone {
		return nil, err
	}
	count, err := c.countAction(r, x)
	if err != nil {
		return nil, err
	}
	if found {
		return func(t *txn) error { return errors.Join(count(t), t.act(x)) }, nil
	}
	plan, room, err := r.planWaiting(x.waiting(false))
	if err != nil {
		return nil, err
	}
	if !room {
		c.counters.drop("actions_waiting")
		return nil, errLater
	}
	return func(t *txn) error { return errors.Join(count(t), c.actions.Store(t.Tx, plan)) }, nil
}

// ahead reports whether the clock of an action is later than may be. That of a deletion counts
// nothing.
func (x *action) ahead(latest uint64) bool {
	return x.Type != wire.ApplicationMetadataMessage_DELETE_MESSAGE && x.Clock > latest
}

// waiting is an action as it waits for its message. void: it only takes room.
func (x *action) waiting(void bool) actions.Action {
	return actions.Action{In: x.in, Payload: x.payload, Read: x.Action, From: x.from, ID: x.id, Void: void}
}

// mayChange reports whether an action is by somebody who may do that to a message: an edit and
// a deletion for everyone by its author, in its chat; what deletes it for us, by ourselves.
func (x *action) mayChange(rec *wire.MessageRecord) bool {
	switch x.Type {
	case wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE:
		return true
	case wire.ApplicationMetadataMessage_EDIT_MESSAGE, wire.ApplicationMetadataMessage_DELETE_MESSAGE:
		return string(rec.GetChat()) == string(x.in) && string(rec.GetFrom()) == string(x.from)
	}
	return string(rec.GetChat()) == string(x.in)
}

// countAction counts what a stranger does, among their changes, and the text of an edit among
// their texts. errLater: there is no room for more.
func (c *Client) countAction(r lookup, x *action) (count func(*txn) error, err error) {
	who, err := x.in.Public()
	if err != nil {
		return nil, err
	}
	s, _ := c.people.contacts.get(who)
	if !s.stranger() || string(x.from) != string(who.Compressed()) {
		return func(*txn) error { return nil }, nil
	}
	rec, err := contactRecord(r, who)
	if err != nil {
		return nil, err
	}
	size := history.SizeOf(x.content)
	if _, used, err := r.unaskedIn(x.in.Bytes()); err != nil || used+size > MaxStrangerBytes {
		c.counters.drop("stranger_messages")
		return nil, errors.Join(err, errLater)
	}
	if !c.countChange(who, rec) {
		return nil, errLater
	}
	return func(t *txn) error {
		if err := t.putContact(who, rec); err != nil || size == 0 {
			return err
		}
		chat, err := t.c.history.Chat(t.Tx, x.in.Bytes())
		chat.UnaskedBytes += size
		return err
	}, nil
}

// act applies an action to a message that is here.
func (t *txn) act(x *action) error {
	if x.Type == wire.ApplicationMetadataMessage_DELETE_MESSAGE || x.Type == wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE {
		err := t.erase(x)
		if err != nil || x.Type == wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE {
			return err // its clock is that of our own devices
		}
		return t.c.history.Heard(t.Tx, x.in, x.Clock)
	}
	var replaced []byte
	_, err := t.c.history.Change(t.Tx, x.Target, x.cause(), func(rec *wire.MessageRecord) (changed bool) {
		changed, replaced = x.applyTo(rec, t.c.settings.KeepEdits)
		return changed
	})
	if err != nil {
		return err
	}
	return errors.Join(t.c.history.EraseUnsent(t.Tx, replaced), t.c.history.Heard(t.Tx, x.in, x.Clock))
}

// erase applies a deletion to a message, and to all pictures of the album it is in.
func (t *txn) erase(x *action) error {
	rec, found, err := t.message(x.Target)
	if err != nil || !found {
		return err
	}
	return t.eraseAlbum(rec, x.deletion())
}

// eraseAlbum deletes a message and all pictures of the album it is in, as far as they are here.
func (t *txn) eraseAlbum(rec *wire.MessageRecord, d *wire.DeletionRecord) error {
	ids, err := attachments.Album(t, rec)
	for i := 0; i < len(ids) && err == nil; i++ {
		_, err = t.c.history.Erase(t.Tx, ids[i], d)
	}
	return err
}

// joinAlbum deletes a picture that comes when another one of its album was deleted, and the
// others if it was itself.
func (t *txn) joinAlbum(m *wire.MessageRecord) (changed bool, err error) {
	if m.GetAlbum() == "" {
		return false, nil
	}
	if m.GetDeletion() != nil {
		return false, t.eraseAlbum(m, m.GetDeletion())
	}
	ids, err := attachments.Album(t, m)
	for i := 0; i < len(ids) && err == nil && !changed; i++ {
		var other *wire.MessageRecord
		if other, _, err = t.message(ids[i]); other.GetDeletion() != nil {
			changed = history.SetDeletion(m, other.GetDeletion())
		}
	}
	return changed, err
}

// deletion returns the record of a deletion. Its time is the message's clock if plausible.
func (x *action) deletion() *wire.DeletionRecord {
	d := &wire.DeletionRecord{At: x.at, By: x.from, ForEveryone: x.Type == wire.ApplicationMetadataMessage_DELETE_MESSAGE}
	if x.Clock > 0 && x.Clock <= message.LatestClock(time.UnixMilli(x.at)) {
		d.At = int64(x.Clock)
	}
	return d
}

// cause returns the cause that the event names to programs.
func (x *action) cause() enum.MessageChange {
	switch x.Type {
	case wire.ApplicationMetadataMessage_EDIT_MESSAGE:
		return enum.MessageEdited
	case wire.ApplicationMetadataMessage_EMOJI_REACTION:
		return enum.MessageReaction
	case wire.ApplicationMetadataMessage_PIN_MESSAGE:
		return enum.MessagePinned
	}
	return enum.MessageDeleted
}

// applyTo applies an action to a message. It reports the id of an application message of ours
// that has become needless by that.
func (x *action) applyTo(rec *wire.MessageRecord, keepEdits bool) (changed bool, needless []byte) {
	switch x.Type {
	case wire.ApplicationMetadataMessage_EDIT_MESSAGE:
		changed, needless = history.SetEdit(rec, &wire.EditRecord{Clock: x.Clock, Id: x.id[:]}, x.content, keepEdits)
		if !rec.GetOutgoing() {
			needless = nil
		}
	case wire.ApplicationMetadataMessage_EMOJI_REACTION:
		changed, needless = history.SetReaction(rec, &wire.ReactionRecord{
			Emoji: x.Emoji, From: x.from, Clock: x.Clock, Retracted: x.Retracted, Id: x.id[:],
		})
		if !history.IsOurs(rec, x.from) {
			needless = nil
		}
	case wire.ApplicationMetadataMessage_PIN_MESSAGE:
		var before *wire.PinRecord
		changed, before = history.SetPin(rec, &wire.PinRecord{Clock: x.Clock, Pinned: x.Pinned, By: x.from, Id: x.id[:]})
		if history.IsOurs(rec, before.GetBy()) {
			needless = before.GetId()
		}
	default:
		changed = history.SetDeletion(rec, x.deletion())
	}
	return changed, needless
}

// arriving applies to a message that is about to be added what has waited for it.
func (c *Client) arriving(tx *ledger.Tx, m *wire.MessageRecord) (changed bool, err error) {
	a := c.self.Load()
	if a == nil { // an archive is merged into a new store
		return false, nil
	}
	waited, err := c.actions.Take(tx, message.ConversationID(m.GetChat()), [32]byte(m.GetId()))
	if err != nil {
		return false, err
	}
	for _, w := range waited {
		from, err := key.ParsePublic(w.From)
		if err != nil {
			continue
		}
		x, err := c.readAction(a.public, from, w.Type, w.Payload)
		if err != nil {
			continue // an earlier version has let it wait
		}
		x.id, x.at = [32]byte(w.ID), w.At
		if !x.mayChange(m) {
			c.counters.drop("action_signer")
			continue
		}
		applied, _ := x.applyTo(m, c.settings.KeepEdits)
		changed = changed || applied
	}
	deleted, err := c.txn(tx).joinAlbum(m)
	return changed || deleted, err
}

// message reads a message that is shown.
func (t *txn) message(id [32]byte) (*wire.MessageRecord, bool, error) {
	return t.c.history.Record(t.Tx, id)
}

// planWaiting decides whether an action may wait for its message.
func (t *txn) planWaiting(a actions.Action) (*actions.Plan, bool, error) {
	return t.c.actions.Plan(t.Tx, a)
}

// deletedForMe handles the deletion of a message for ourselves, which only our own devices may
// tell us of.
// Spec: 62/STATUS-PAYLOADS, "SyncDeleteForMeMessage".
func (p *pass) deletedForMe(am *applicationMessage) {
	if !p.fromOwn(am) {
		return
	}
	a, err := message.DecodeAction(am.app.Type, am.app.Payload)
	if err != nil {
		p.c.counters.drop("action")
		return
	}
	p.apply(am, func(lookup) (func(*txn) error, error) {
		return func(t *txn) error { return t.deleteForMe(a.Target, a.Clock) }, nil
	})
}

// deleteForMe deletes a message as another device of ours says that it was deleted for us. One
// that is not here is deleted when it comes.
func (t *txn) deleteForMe(id [32]byte, clock uint64) error {
	a := t.c.self.Load()
	x := &action{
		Action: message.Action{Type: wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE, Target: id, Clock: clock},
		in:     message.ConversationWith(a.public), from: a.public.Compressed(), at: t.c.now().UnixMilli(),
	}
	_, found, err := t.message(id)
	if err != nil {
		return err
	}
	if found {
		return t.act(x)
	}
	if x.payload, err = proto.Marshal(message.NewDeleteForMe(id, clock)); err != nil {
		return err
	}
	plan, room, err := t.planWaiting(x.waiting(false))
	if err != nil || !room {
		return err
	}
	return t.c.actions.Store(t.Tx, plan)
}

// ignoreAction counts an action of somebody blocked as it would be counted if they were not:
// what would be refused then is refused, or they could tell.
func (p *pass) ignoreAction(am *applicationMessage) {
	if !am.authentic || !message.IsAction(am.app.Type) {
		return
	}
	x, err := p.c.readAction(p.a.public, am.from.sender, am.app.Type, am.app.Payload)
	if err != nil {
		return
	}
	if x.ahead(message.LatestClock(p.judged(am.from))) {
		p.refuse(am.body)
		return
	}
	x.id, x.at = am.id(), p.now.UnixMilli()
	p.do(func(t *txn) error {
		room, err := t.countIgnored(x)
		if err == nil && !room {
			p.refuse(am.body)
		}
		return err
	})
}

// countIgnored counts an action of somebody blocked and reports whether there was room.
func (t *txn) countIgnored(x *action) (room bool, err error) {
	rec, found, err := t.message(x.Target)
	if err != nil || found && !x.mayChange(rec) {
		return true, err
	}
	if gone, err := expired(t, x.Target[:]); err != nil || gone {
		return true, err
	}
	if !found { // if its message came while they were blocked, it would be here
		if found, err = ignored(t, x.Target[:]); err != nil {
			return false, err
		}
	}
	who, err := x.in.Public()
	if err != nil {
		return true, err
	}
	contact, err := contactRecord(t, who)
	if err != nil {
		return false, err
	}
	_, used, err := t.unaskedIn(x.in.Bytes())
	s, _ := t.c.people.contacts.get(who)
	size, stranger := history.SizeOf(x.content), !s.familiar()
	if err != nil || stranger && (used+size > MaxStrangerBytes || contact.GetUnaskedChanges() >= MaxStrangerMessages) {
		return false, err
	}
	if !found {
		plan, room, err := t.planWaiting(x.waiting(true))
		if err != nil || !room {
			return false, err
		}
		if err := t.c.actions.Store(t.Tx, plan); err != nil {
			return false, err
		}
	}
	if !stranger {
		return true, nil
	}
	chat, err := t.c.history.Chat(t.Tx, x.in.Bytes())
	if err != nil {
		return false, err
	}
	chat.UnaskedBytes, contact.UnaskedChanges = chat.UnaskedBytes+size, contact.UnaskedChanges+1
	return true, t.putContact(who, contact)
}
