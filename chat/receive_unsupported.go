package chat

import (
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// unsupported reports a message of a type that this version does not handle. For a stranger
// it is reported within bounds, and not at all where strangers have to ask first.
func (p *pass) unsupported(am *applicationMessage) {
	m, app := am.from, am.app
	id := message.ID(m.sender, am.body.bytes)
	am.marked = true
	p.apply(am, func(r lookup) (func(*txn) error, error) {
		s, _ := p.c.people.contacts.get(m.sender)
		stranger := s.stranger() && !p.c.isSelf(m.sender.Compact())
		var rec *wire.ContactRecord
		if stranger {
			if p.c.settings.Strangers == StrangersRequest {
				p.c.counters.drop("stranger")
				return nil, nil
			}
			var err error
			if rec, err = contactRecord(r, m.sender); err != nil {
				return nil, err
			}
			if !p.c.countChange(m.sender, rec) {
				return nil, errLater
			}
		}
		return func(t *txn) error {
			if rec != nil {
				if err := t.putContact(m.sender, rec); err != nil {
					return err
				}
			}
			return t.Emit(event.UnsupportedReceived{
				From: m.sender.Hex(), ApplicationType: int32(app.Type), TypeName: app.Type.String(),
				MessageID: event.Hex(id[:]), Payload: reported(app.Payload, stranger),
			})
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
