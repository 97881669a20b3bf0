package ledger

import (
	"bytes"
	"encoding/json"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
)

// Events contain whole messages when they are handed out, but only name them while they wait:
// a text that was deleted, expired or edited meanwhile must not stay in the queue. So a program
// gets a message as it is when the event is read, and no event about one that is gone. Events
// that an earlier version has stored whole are handed out as they are.

// Arrival is the stored form of an event about a received message.
type Arrival struct {
	From      string `json:"from"` // whose it is, 0x04...
	ChatID    string `json:"chat_id"`
	MessageID string `json:"message_id"`
}

// arrivalPrefix begins what is stored of an Arrival.
const arrivalPrefix = `{"from":`

// EmitArrival emits that a message has come.
func (t *Tx) EmitArrival(a Arrival) error {
	data, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return t.EmitEncoded(event.MessageReceived{}.Type(), data)
}

// asking is the stored form of an event about a contact request: all but its message.
type asking struct {
	Contact   json.RawMessage `json:"contact"`
	MessageID string          `json:"message_id"`
}

// EmitAsking emits e, a ContactRequestReceived or ChatRequestReceived, which is made in a message.
func (t *Tx) EmitAsking(e event.Event, from event.Contact, messageID string) error {
	who, err := json.Marshal(from)
	if err != nil {
		return err
	}
	data, err := json.Marshal(asking{who, messageID})
	if err != nil {
		return err
	}
	return t.EmitEncoded(e.Type(), data)
}

// EmitChat emits that a chat has changed. What is said in it is put in when the event is handed
// out.
func (t *Tx) EmitChat(e event.ChatChanged) error {
	e.Chat.LastMessage, e.Chat.Draft = nil, ""
	return t.Emit(e)
}

// Ask names who is asked for what events leave out while they wait; without that they are handed
// out as they are stored. To be called before there are readers.
func (s *Stream) Ask(says Says) { s.says = says }

// whole makes of a stored event what is handed out. found is false if it is about a message
// that is not there any more.
func (s *Stream) whole(e event.Delivered) (data json.RawMessage, found bool, err error) {
	if s.says == nil {
		return e.Data, true, nil
	}
	var whole any
	switch e.Type {
	case event.MessageChanged{}.Type():
		if changeOf(e.Type, e.Data) == "" {
			return e.Data, true, nil
		}
		whole, found, err = s.wholeChange(e.Data)
	case event.MessageReceived{}.Type():
		if !bytes.HasPrefix(e.Data, []byte(arrivalPrefix)) {
			return e.Data, true, nil
		}
		whole, found, err = s.wholeArrival(e)
	case event.ContactRequestReceived{}.Type(), event.ChatRequestReceived{}.Type():
		return s.wholeAsking(e)
	case event.ChatChanged{}.Type():
		whole, found, err = s.wholeChat(e.Data)
	default:
		return e.Data, true, nil
	}
	if err != nil || !found {
		return nil, false, notDamage(err)
	}
	data, err = json.Marshal(whole)
	return data, err == nil, err
}

// notDamage is an error, unless it says that a record is damaged: that must not keep the events
// behind it from being read.
func notDamage(err error) error {
	if port.CodeOf(err) == port.CodeStoreCorrupt {
		return nil
	}
	return err
}

func (s *Stream) wholeChange(data []byte) (any, bool, error) {
	var c Change
	if err := json.Unmarshal(data, &c); err != nil {
		return nil, false, nil
	}
	m, found, err := s.says.Message(c.MessageID)
	return event.MessageChanged{Message: m, Cause: c.Cause}, found, err
}

func (s *Stream) wholeArrival(e event.Delivered) (any, bool, error) {
	if rec := s.arrivals.take(e.Seq, e.Data); rec != nil {
		m, found := s.says.Received(rec)
		return event.MessageReceived{Message: m}, found, nil
	}
	var a Arrival
	if err := json.Unmarshal(e.Data, &a); err != nil {
		return nil, false, nil
	}
	m, found, err := s.says.Message(a.MessageID)
	return event.MessageReceived{Message: m}, found, err
}

// wholeAsking adds the message of a request. A contact asks also when it is gone; that a chat
// was begun is no news then.
func (s *Stream) wholeAsking(e event.Delivered) (json.RawMessage, bool, error) {
	var a asking
	if err := json.Unmarshal(e.Data, &a); err != nil || a.MessageID == "" {
		return e.Data, true, nil
	}
	m, found, err := s.says.Message(a.MessageID)
	if err = notDamage(err); err != nil || !found && e.Type == (event.ChatRequestReceived{}).Type() {
		return nil, false, err
	}
	full := struct {
		Contact json.RawMessage `json:"contact"`
		Message *event.Message  `json:"message,omitempty"`
	}{Contact: a.Contact}
	if found {
		full.Message = &m
	}
	data, err := json.Marshal(full)
	return data, err == nil, err
}

func (s *Stream) wholeChat(data []byte) (any, bool, error) {
	var changed event.ChatChanged
	if err := json.Unmarshal(data, &changed); err != nil {
		return nil, false, nil
	}
	var err error
	changed.Chat.LastMessage, changed.Chat.Draft, err = s.says.InChat(changed.Chat.ChatID)
	return changed, true, notDamage(err)
}
