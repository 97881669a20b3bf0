package ledger

import (
	"bytes"
	"encoding/json"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
)

// Events of changes of messages. One contact can change one message a million times, so of
// several that wait about the same there is one, and what is stored is small (whole.go).

// Change is the stored form of an event about a changed message.
type Change struct {
	// PublicKey is whose doing it was; "" is ours.
	PublicKey string             `json:"public_key"`
	MessageID string             `json:"message_id"`
	Cause     enum.MessageChange `json:"cause"`
}

// changePrefix begins what is stored of a Change. An event that is stored whole begins with
// another member.
const changePrefix = `{"public_key":`

// changesShare of the queue is for what one person has changed: with the default 2000 events.
const changesShare = 10

// changeOf returns what names the change that an event tells of, "" for other events.
func changeOf(kind string, data []byte) string {
	if kind != (event.MessageChanged{}).Type() || !bytes.HasPrefix(data, []byte(changePrefix)) {
		return ""
	}
	return string(data)
}

// noteChange notes that the event that is about to be added is the last one of a change.
func (x *eventIndex) noteChange(change string) {
	if change == "" {
		return
	}
	if x.changes == nil {
		x.changes = map[string]uint64{}
	}
	x.changes[change] = x.next()
}

// EmitChange emits that a message has changed. person is the other person of its chat, 0x04...,
// whose doing it is in a transaction of ByOthers.
func (t *Tx) EmitChange(person, messageID string, cause enum.MessageChange) error {
	c := Change{MessageID: messageID, Cause: cause}
	if t.byOthers {
		c.PublicKey = person
	}
	return t.emitChange(c)
}

func (t *Tx) emitChange(c Change) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	queue, kind := &t.ledger.index, (event.MessageChanged{}).Type()
	queue.mu.Lock()
	defer queue.mu.Unlock()
	if err := queue.follow(t.Tx); err != nil {
		return err
	}
	if seq := queue.changes[string(data)]; seq > 0 && seq >= t.ledger.Events.FirstUnread() {
		t.After(func() { t.ledger.tellAgain(c, seq) })
		return nil
	}
	if who, found := eventAbout(kind, data); found {
		if withheld, err := t.withhold(who, len(data)); withheld || err != nil {
			return err
		}
		if theirs := queue.of(who); theirs.changes >= max(1, t.ledger.MaxEvents/changesShare) {
			return t.notice(theirs)
		}
	}
	return t.append(kind, data)
}

// tellAgain emits a change once more if the event that was to tell of it was handed out before
// the change was durable. A failure loses nothing but the event.
func (l *Ledger) tellAgain(c Change, seq uint64) {
	if l.Events.FirstUnread() <= seq {
		return
	}
	_ = l.Update(func(t *Tx) error { return t.emitChange(c) })
}
