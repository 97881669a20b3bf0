package ledger

import (
	"bytes"
	"encoding/json"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
)

// Events of changes of messages. They name the message whole, and one contact can change one
// message a million times. So what is stored names the message only, of several that wait
// about the same there is one, and the message is put in when the event is handed out: as it
// is then.

// Change is what a stored event says of a change.
type Change struct {
	// PublicKey is whose doing it was; "" is ours.
	PublicKey string `json:"public_key"`
	MessageID string `json:"message_id"`
	Cause     string `json:"cause"`
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

// Arrival is what a stored event says of a message that has come and will expire: when it is
// gone, nothing of it is in the queue, and nobody is told.
type Arrival struct {
	From      string `json:"from"` // whose it is, 0x04...
	ChatID    string `json:"chat_id"`
	MessageID string `json:"message_id"`
}

// arrivalPrefix begins what is stored of an Arrival.
const arrivalPrefix = `{"from":`

// EmitArrival emits that a message has come that will expire.
func (t *Tx) EmitArrival(a Arrival) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return t.EmitEncoded(event.MessageReceived{}.Type(), data)
}

// isArrival reports whether a stored event is an Arrival.
func isArrival(kind string, data []byte) bool {
	return kind == (event.MessageReceived{}).Type() && bytes.HasPrefix(data, []byte(arrivalPrefix))
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
func (t *Tx) EmitChange(person, messageID, cause string) error {
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

// whole puts the message into an event that is handed out. found is false if there is no such
// message any more.
func (s *Stream) whole(e event.Delivered) (data json.RawMessage, found bool, err error) {
	arrival := isArrival(e.Type, e.Data)
	if s.message == nil || !arrival && changeOf(e.Type, e.Data) == "" {
		return e.Data, true, nil
	}
	var c Change
	if err := json.Unmarshal(e.Data, &c); err != nil {
		return nil, false, nil
	}
	changed, found, err := s.message(c)
	if err != nil || !found {
		if port.CodeOf(err) == port.CodeStoreCorrupt {
			err = nil // it must not keep the others from being read
		}
		return nil, false, err
	}
	if arrival {
		data, err = json.Marshal(event.MessageReceived{Message: changed.Message})
	} else {
		data, err = json.Marshal(changed)
	}
	return data, err == nil, err
}
