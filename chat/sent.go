package chat

import (
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
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

// sending is it as the history wants it; nil is fine.
func (s *sentAs) sending() *history.Sending {
	if s == nil {
		return nil
	}
	return &history.Sending{Evidence: s.evidence, At: s.at}
}

// event tells that the message of a row is sent.
func (s *sentAs) event(r outboxRow) event.MessageState {
	rec := &wire.MessageRecord{
		Id: r.id[:], Chat: message.ConversationWith(r.peer).Bytes(), ClientRef: r.ref, State: string(history.Queued),
	}
	history.SetSent(rec, *s.sending())
	return stateEvent(rec)
}

// firstSent tells of a row that is in an attempt, or was in one, that the attempt is
// what makes its message sent.
func (r *outboxRow) firstSent() bool { return r.text && r.sends == 1 && !r.delivered }

// sending reports whether a message is in the outbox, and how it was sent, as far as its
// record does not say so.
func (o *outbox) sending(id [32]byte) (sent *history.Sending, known bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r := o.texts[id]
	if r == nil {
		return nil, false
	}
	return r.sent.sending(), true
}

// keepSent writes the state "sent" into the record of a message whose row leaves the
// attempt that told it.
func (t *txn) keepSent(r outboxRow) error {
	if r.sent == nil || r.delivered {
		return nil
	}
	return t.c.history.Sent(t.Tx, r.id, *r.sent.sending())
}
