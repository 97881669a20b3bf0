package chat

import (
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/wire"
)

// What strangers write is kept within bounds. Where they are to ask first
// (StrangersRequest) it waits: their chat is listed among the requests only, and the host
// is told of its messages when they are a stranger no more.

// unasked counts what a stranger leaves with us, and lets a text wait if they are to ask
// first. errLater: they have left as much as one may. In the transaction.
func (t *txn) unasked(r *received) error {
	s, _ := t.c.roster.get(r.chat)
	if r.record.GetOutgoing() || !s.stranger() {
		return nil
	}
	chat, err := t.countUnasked(r.record)
	if err != nil {
		return err
	}
	if t.c.settings.Strangers == StrangersRequest && r.record.GetKind() != history.KindContactRequest {
		chat.Waiting++
		r.record.Request = true
	}
	return nil
}

// countUnasked counts a message of a stranger. errLater: they have left as much as one may.
func (t *txn) countUnasked(m *wire.MessageRecord) (*wire.ChatRecord, error) {
	chat, err := t.c.history.Chat(t.Tx, m.GetChat())
	if err != nil {
		return nil, err
	}
	size, messages, bytes := uint64(len(m.GetText())), uint32(MaxStrangerMessages), uint64(MaxStrangerBytes)
	if m.GetKind() == history.KindContactRequest {
		messages, bytes = messages+strangerRequests, bytes+strangerRequestBytes
	}
	if chat.GetUnasked() >= messages || chat.GetUnaskedBytes()+size > bytes {
		t.c.counters.drop("stranger_messages")
		return nil, errLater
	}
	chat.Unasked++
	chat.UnaskedBytes += size
	return chat, nil
}

// tellOfRequest tells of the first message that waits in a chat; of the others the chat
// tells.
func (t *txn) tellOfRequest(r *received) error {
	chat, err := t.c.history.Chat(t.Tx, r.record.GetChat())
	if err != nil || chat.GetWaiting() != 1 {
		return err
	}
	rec, err := contactRecord(t, r.chat)
	if err != nil {
		return err
	}
	return t.emit(event.ChatRequestReceived{Contact: contactOf(rec), Message: messageOf(r.record)})
}
