package chat

import (
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// That a message is sent is stored once for all messages of an attempt, in what is left
// of its record, and known in memory by the row of the outbox. The message's own record
// says "queued" until there is more to say: when it is delivered, has failed, or goes
// out in a second attempt. Records are under keyed hashes, so writing each again would
// be half the cost of sending.

// sentAs is why the messages of an attempt count as sent.
type sentAs struct {
	evidence Evidence
	at       time.Time
}

// tell writes it into the record of its attempt. nil is fine.
func (s *sentAs) tell(rec *wire.AttemptRecord) {
	if s != nil {
		rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = s.evidence.Kind, uint32(s.evidence.Peers), s.at.UnixMilli()
	}
}

// sentOf reads what tell wrote; nil if there is nothing.
func sentOf(rec *wire.AttemptRecord) *sentAs {
	if rec.GetEvidenceAt() == 0 {
		return nil
	}
	evidence := Evidence{Kind: rec.GetEvidenceKind(), Peers: int(rec.GetEvidencePeers())}
	return &sentAs{evidence, time.UnixMilli(rec.GetEvidenceAt())}
}

// put brings a message that is queued to the state "sent".
func (s *sentAs) put(rec *wire.MessageRecord) {
	if s == nil || rank[stateSent] <= rank[rec.GetState()] {
		return
	}
	rec.State = stateSent
	rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = s.evidence.Kind, uint32(s.evidence.Peers), s.at.UnixMilli()
}

// event tells of the message of a row what put does.
func (s *sentAs) event(r outboxRow) event.MessageState {
	rec := &wire.MessageRecord{Id: r.id[:], Chat: message.ConversationWith(r.peer).Bytes(), ClientRef: r.ref}
	s.put(rec)
	return stateEvent(rec)
}

// firstSent tells of a row that is in an attempt, or was in one, that the attempt is
// what makes its message sent.
func (r *outboxRow) firstSent() bool { return r.text && r.sends == 1 && !r.delivered }

// sentState brings a message record to the state that the outbox knows. It reports
// whether the outbox knows the message.
func (o *outbox) sentState(rec *wire.MessageRecord) bool {
	if !rec.GetOutgoing() || len(rec.GetId()) != len(outboxRow{}.id) {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.texts[[32]byte(rec.GetId())]
	if r != nil {
		r.sent.put(rec)
	}
	return r != nil
}

// sentStates brings records that were just read to the state of their messages. One
// that says "queued" and has no row any more has changed meanwhile: it is read again.
func (c *Client) sentStates(records ...*wire.MessageRecord) error {
	for _, rec := range records {
		if rec.GetState() != stateQueued || c.outbox.sentState(rec) {
			continue
		}
		if _, err := c.record(tableMessages, rec.GetId(), rec); err != nil {
			return err
		}
	}
	return nil
}

// keepSent writes the state "sent" into the record of a message whose row leaves the
// attempt that told it.
func (t *txn) keepSent(r outboxRow) error {
	if r.sent == nil || r.delivered {
		return nil
	}
	var rec wire.MessageRecord
	found, err := get(t, tableMessages, r.id[:], &rec)
	if err != nil || !found || rank[stateSent] <= rank[rec.GetState()] {
		return err
	}
	r.sent.put(&rec)
	return put(t, tableMessages, r.id[:], &rec)
}
