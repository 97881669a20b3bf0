package chat

import (
	"encoding/json"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/kept"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What people send that this version cannot read is kept whole (package kept), and read again
// by a version that can. What belongs into the conversation is shown there meanwhile, as
// something that cannot be read.

// newKept makes the part.
func (c *Client) newKept() *kept.Kept {
	k := kept.New(kept.Options{Ledger: c.ledger, Version: message.KindsVersion, Reread: c.rereadKept})
	// What a message was made of goes with it.
	c.history.Watch(func(tx *ledger.Tx, before, after *wire.MessageRecord) error {
		if !message.KeptWhole(before.GetKind()) || after != nil && after.GetDeletion() == nil {
			return nil
		}
		return k.Drop(tx, before.GetId())
	})
	return k
}

// keep keeps an application message whole.
func (t *txn) keep(from key.Public, id, application []byte) error {
	return t.c.kept.Keep(t.Tx, &wire.KeptRecord{Id: id, From: from.Compressed(), Application: application, At: t.c.now().UnixMilli()})
}

// keepOf keeps what a message was made of, unless it was deleted before it came.
func (t *txn) keepOf(from key.Public, rec *wire.MessageRecord, application []byte) error {
	if rec.GetDeletion() != nil {
		return nil
	}
	return t.keep(from, rec.GetId(), application)
}

// keeping keeps a message whole in the transaction that stores it, beside what else that does.
func keeping(from key.Public, application []byte, more func(*txn, *wire.MessageRecord) error) func(*txn, *wire.MessageRecord) error {
	return func(t *txn, rec *wire.MessageRecord) error {
		if more != nil {
			if err := more(t, rec); err != nil {
				return err
			}
		}
		return t.keepOf(from, rec, application)
	}
}

// readUnknown makes the record of an application message of somebody else that belongs into the
// conversation, though nobody can tell what it says; nil of any other.
func (p *pass) readUnknown(am *applicationMessage) (*receivedText, error) {
	m, app, b := am.from, am.app, am.body.bytes
	if m.sender == p.a.public || !message.IsConversation(app.Type) {
		return nil, nil
	}
	clock := message.ClockOf(app.Payload, p.now)
	id := am.id()
	r := &receivedText{lamport: clock, chat: m.sender, kept: len(b)}
	r.record = &wire.MessageRecord{
		Id: id[:], Chat: message.ConversationWith(m.sender).Bytes(), From: m.sender.Compressed(), Kind: message.KindUnsupported,
		Clock: clock, SentAt: int64(clock), ReceivedAt: p.now.UnixMilli(), State: string(history.Received), ApplicationType: int32(app.Type),
	}
	var err error
	if r.recordBytes, err = proto.Marshal(r.record); err != nil {
		return nil, err
	}
	r.store = func(t *txn, rec *wire.MessageRecord) error {
		if err := t.keepOf(m.sender, rec, b); err != nil || rec.GetRequest() || rec.GetDeletion() != nil {
			return err
		}
		return t.reportUnsupported(m.sender, app, id, t.c.isUnasked(r))
	}
	r.event, err = json.Marshal(history.Arrival(r.record))
	return r, err
}

// reportUnsupported emits that a message came that this version does not handle.
func (t *txn) reportUnsupported(from key.Public, app message.Application, id [32]byte, stranger bool) error {
	return t.Emit(event.UnsupportedReceived{
		From: from.Hex(), ApplicationType: int32(app.Type), TypeName: app.Type.String(),
		MessageID: event.Hex(id[:]), Payload: reported(app.Payload, stranger),
	})
}

// unsupported reports a message of a type that this version does not handle, and keeps it. For
// a stranger it is reported within bounds, and not at all where strangers have to ask first;
// nothing of theirs is kept.
func (p *pass) unsupported(am *applicationMessage) {
	m, app := am.from, am.app
	switch {
	case am.kept: // and stays so
		am.unread = true
		return
	case am.text != nil: // it belongs into the conversation
		p.chatMessage(am)
		return
	}
	id := am.id()
	am.marked = true
	p.apply(am, func(r lookup) (func(*txn) error, error) {
		s, _ := p.c.people.contacts.get(m.sender)
		stranger := s.stranger() && !p.c.isSelf(m.sender.Compact())
		if stranger && p.c.settings.Strangers == StrangersRequest {
			p.c.counters.drop("stranger")
			return nil, nil
		}
		var rec *wire.ContactRecord
		if stranger {
			var err error
			if rec, err = contactRecord(r, m.sender); err != nil {
				return nil, err
			}
			if !p.c.countChange(m.sender, rec) {
				return nil, errLater
			}
		}
		return func(t *txn) error {
			var err error
			if rec != nil {
				err = t.putContact(m.sender, rec)
			} else {
				err = t.keep(m.sender, id[:], am.body.bytes)
			}
			if err != nil {
				return err
			}
			return t.reportUnsupported(m.sender, app, id, stranger)
		}, nil
	})
}

// maxReported bounds the payload of an unsupported_received event: thousands of events may
// wait.
const maxReported = 16 << 10

// reported is a payload as an event carries it: whole, or not at all. Those of
// strangers are not asked for.
func reported(payload []byte, stranger bool) []byte {
	if stranger || len(payload) > maxReported {
		return nil
	}
	return payload
}

// rereadKept puts messages that an earlier version could not read through the end of the
// receiving pipeline once more. It is a step of the loop.
func (c *Client) rereadKept(t *ledger.Turn, batch []*wire.KeptRecord) error {
	a, err := c.account()
	if err != nil {
		return nil
	}
	p := c.newPass(a, archived)
	for _, rec := range batch {
		from, err := key.ParsePublic(rec.GetFrom())
		if err != nil || !c.people.contacts.hears(from) { // what somebody blocked has sent stays
			continue
		}
		steps := &stepList{}
		p.do(steps.run)
		p.applications = append(p.applications, applicationMessage{
			from: &inbound{sender: from, at: time.UnixMilli(rec.GetAt())}, body: body{bytes: rec.GetApplication()}, steps: steps, kept: true,
		})
	}
	p.openApplications()
	return c.store(p)
}

// dispatchKept hands on a message that was kept. It goes from there if it can be read now.
func (p *pass) dispatchKept(am *applicationMessage) {
	id := am.id()
	if am.text != nil && am.app.Type == wire.ApplicationMetadataMessage_CHAT_MESSAGE {
		p.do(func(t *txn) error { return t.rereadText(id, am.text) })
		return
	}
	if am.fault != nil && am.app.Type == wire.ApplicationMetadataMessage_CHAT_MESSAGE {
		return
	}
	p.dispatch(am)
	if am.unread {
		return
	}
	p.do(func(t *txn) error {
		if err := t.c.kept.Drop(t.Tx, id[:]); err != nil {
			return err
		}
		return t.hideUnread(id)
	})
}

// hideUnread removes what was shown as something that cannot be read, and is read now: it has
// come to something else.
func (t *txn) hideUnread(id [32]byte) error {
	rec, found, err := t.c.history.Record(t.Tx, id)
	if err != nil || !found {
		return err
	}
	if _, err := t.c.history.Remove(t.Tx, id); err != nil || rec.GetRequest() {
		return err
	}
	return t.Emit(event.MessageChanged{Message: history.EventOf(rec), Cause: history.CauseExpired})
}

// rereadText shows a ChatMessage of the history as it is read now.
func (t *txn) rereadText(id [32]byte, read *receivedText) error {
	if read.record.GetKind() == message.KindUnsupported {
		return nil
	}
	changed := false
	_, err := t.c.history.Change(t.Tx, id, history.CauseContent, func(rec *wire.MessageRecord) bool {
		if rec.GetKind() != message.KindUnsupported || rec.GetDeletion() != nil {
			return false
		}
		refill(rec, read.record)
		changed = true
		return true
	})
	if err != nil {
		return err
	}
	if changed && read.store != nil {
		if err := read.store(t, read.record); err != nil {
			return err
		}
	}
	if message.KeptWhole(read.record.GetKind()) {
		return nil
	}
	return t.c.kept.Drop(t.Tx, id[:])
}

// refill adds newly readable content to the record of a message, and keeps what has happened
// to the message since it came.
func refill(rec, read *wire.MessageRecord) {
	next := proto.CloneOf(read)
	rec.Kind = ""
	if rec.GetEdit() == nil {
		rec.Text, rec.Mentions, rec.Mentioned, rec.Previews = "", nil, false, nil
	}
	old, fresh := rec.ProtoReflect(), next.ProtoReflect()
	fields := old.Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); old.Has(f) {
			fresh.Clear(f)
		}
	}
	proto.Merge(rec, next)
}
