package chat

import (
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
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
	if t.c.settings.Strangers == StrangersRequest && r.record.GetKind() != kindContactRequest {
		chat.Waiting++
		r.record.Request = true
	}
	return nil
}

// countUnasked counts a message of a stranger. errLater: they have left as much as one may.
func (t *txn) countUnasked(m *wire.MessageRecord) (*wire.ChatRecord, error) {
	chat, err := t.chat(m.GetChat())
	if err != nil {
		return nil, err
	}
	size, messages, bytes := uint64(len(m.GetText())), uint32(MaxStrangerMessages), uint64(MaxStrangerBytes)
	if m.GetKind() == kindContactRequest {
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
	chat, err := t.chat(r.record.GetChat())
	if err != nil || chat.GetWaiting() != 1 {
		return err
	}
	rec, err := contactRecord(t, r.chat)
	if err != nil {
		return err
	}
	return t.emit(event.ChatRequestReceived{Contact: contactOf(rec), Message: messageOf(r.record)})
}

// showRequest tells of the messages of a chat that wait, oldest first: its person is a
// stranger no more.
func (t *txn) showRequest(name []byte) error {
	chat, err := t.chat(name)
	if err != nil || chat.GetUnasked() == 0 {
		return err
	}
	waiting := int(chat.GetWaiting())
	chat.Unasked, chat.UnaskedBytes, chat.Waiting = 0, 0, 0
	var found []*wire.MessageRecord
	for before := (*Position)(nil); len(found) < waiting; {
		positions, err := t.Page(name, before, readAtOnce)
		if err != nil {
			return err
		}
		if len(positions) == 0 {
			break
		}
		for _, at := range positions {
			m := &wire.MessageRecord{}
			if _, err := get(t, tableMessages, at.ID[:], m); err != nil {
				return err
			}
			if m.GetRequest() {
				found = append(found, m)
			}
		}
		before = &positions[len(positions)-1]
	}
	slices.Reverse(found)
	for _, m := range found {
		m.Request = false
		if err := put(t, tableMessages, m.GetId(), m); err != nil {
			return err
		}
		if err := t.emit(event.MessageReceived{Message: messageOf(m)}); err != nil {
			return err
		}
	}
	return nil
}

// isRequest reports whether a chat is one of a stranger who waits for an answer.
func (c *Client) isRequest(rec *wire.ChatRecord) bool {
	k, ok := message.ConversationID(rec.GetKey()).Person()
	s, known := c.roster.of(k)
	return ok && known && s.stranger()
}

// listed reports whether a chat belongs into a list: that of the requests, or the plain
// one. Where strangers may write, theirs are in both; where they are to ask, or have and
// were blocked since, only among the requests.
func (c *Client) listed(rec *wire.ChatRecord, requests bool) bool {
	if _, ok := message.ConversationID(rec.GetKey()).Person(); !ok {
		return !requests // it is told as damaged when it is read
	}
	if len(rec.GetLastMessageId()) == 0 {
		return false // nothing but what somebody blocked has sent
	}
	if requests {
		return c.isRequest(rec)
	}
	return rec.GetWaiting() == 0 && !(c.settings.Strangers == StrangersRequest && c.isRequest(rec))
}
