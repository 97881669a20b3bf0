package chat

import (
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What strangers write is kept within bounds. Where they are to ask first
// (StrangersRequest) it waits: their chat is listed among the requests only, and the host
// is told of its messages when they are a stranger no more.

// Strangers says what becomes of people who write to us unasked.
type Strangers string

// The policies. People who are in the address book, were asked or were written to are no
// strangers.
const (
	StrangersAllow   Strangers = "allow"   // they may write; the default
	StrangersRequest Strangers = "request" // what they write waits until they are accepted, added or written to
	StrangersDeny    Strangers = "deny"    // nothing of theirs is opened
)

const (
	// MaxStrangers is how many unanswered strangers are kept; a thousand people who
	// wait for an answer are more than anybody reads.
	MaxStrangers = 1000
	// MaxStrangerMessages is how many messages one of them can leave, and
	// MaxStrangerBytes how much: with MaxStrangers, less than 100 MB in all.
	MaxStrangerMessages = 100
	MaxStrangerBytes    = 64 << 10
	// strangerRequests more may be contact requests, of strangerRequestBytes more: somebody
	// who has said too much can still ask.
	strangerRequests     = 10
	strangerRequestBytes = 32 << 10
	// strangersAtOnce and strangerEvery bound how fast new ones come in. Each costs
	// some 15 ms of key derivation and 2 KB for good. What is not let in is repeated
	// by its sender for days.
	strangersAtOnce = 64
	strangerEvery   = 5 * time.Second
	// requestsAtOnce more are let in of those who ask to be contacts.
	requestsAtOnce = 16
	// attemptsAtOnce and attemptEvery bound how much is opened to find out whether
	// somebody unknown has said something: some 0.5 ms of CPU each. So garbage takes a
	// tenth of a core, and those who are honest have their share of the attempts.
	attemptsAtOnce = 256
	attemptEvery   = 5 * time.Millisecond
)

// newcomerLimit bounds how fast strangers come in. Garbage costs attempts, which come back
// fast; one of the few entries is spent only for a message that has opened.
type newcomerLimit struct {
	entries, attempts bucket
}

// bucket holds tokens; it counts those that were taken, and gets one back each time.
type bucket struct {
	used  int
	since time.Time
}

// refill gives back what time has brought.
func (b *bucket) refill(now time.Time, every time.Duration) {
	if back := int(now.Sub(b.since) / every); back > 0 || now.Before(b.since) {
		b.used, b.since = max(0, b.used-max(back, 0)), now
	}
}

// mayTry takes the token of an attempt, if somebody could be let in at all.
func (n *newcomerLimit) mayTry(now time.Time) bool {
	n.entries.refill(now, strangerEvery)
	n.attempts.refill(now, attemptEvery)
	if n.entries.used >= strangersAtOnce+requestsAtOnce || n.attempts.used >= attemptsAtOnce {
		return false
	}
	n.attempts.used++
	return true
}

// letIn takes the entry of somebody whose message has opened, and gives the attempt back. When
// the entries left are for contact requests, asks decides: it is costly, so it is called only
// then.
func (n *newcomerLimit) letIn(asks func() bool) bool {
	if n.entries.used >= strangersAtOnce && (n.entries.used >= strangersAtOnce+requestsAtOnce || !asks()) {
		return false
	}
	n.entries.used++
	n.attempts.used = max(0, n.attempts.used-1)
	return true
}

// welcome lets a stranger in whose message has opened.
func (p *pass) welcome(m *inbound) error {
	if p.welcomed[m.sender] {
		return nil
	}
	if !p.c.people.newcomers.letIn(func() bool { return asksToBeContact(m) }) {
		return dropped("strangers_rate")
	}
	if p.welcomed == nil {
		p.welcomed = map[key.Public]bool{}
	}
	p.welcomed[m.sender] = true
	return nil
}

// asksToBeContact reports whether what a stranger has said is a contact request of
// theirs, before it is taken: one message of few, as clients send it.
func asksToBeContact(m *inbound) bool {
	bodies := [][]byte{m.in.Plaintext}
	if sync, err := datasync.Decode(m.in.Plaintext); err == nil {
		bodies = nil
		for _, sm := range sync.Messages[:min(len(sync.Messages), maxLookedAt)] {
			bodies = append(bodies, sm.Body)
		}
	}
	for _, b := range bodies {
		app, err := message.Unwrap(b)
		if err != nil || app.Signer != m.sender || app.Type != wire.ApplicationMetadataMessage_CHAT_MESSAGE {
			continue
		}
		cm, err := message.DecodeChatMessage(app.Payload)
		if err == nil && cm.GetContentType() == wire.ChatMessage_CONTACT_REQUEST && message.ValidateChatMessage(cm) == nil {
			return true
		}
	}
	return false
}

// maxLookedAt bounds the signatures that are recovered to find a request.
const maxLookedAt = 4

// countChange counts what a stranger changes with us that is no text, and reports whether
// they may. It changes rec, and writes nothing.
func (c *Client) countChange(k key.Public, rec *wire.ContactRecord) bool {
	if s, _ := c.people.contacts.get(k); !s.stranger() {
		return true
	}
	if rec.GetUnaskedChanges() >= MaxStrangerMessages {
		c.counters.drop("stranger_messages")
		return false
	}
	rec.UnaskedChanges++
	return true
}

// roomForUnasked reports whether a stranger may leave one more message with us.
func (c *Client) roomForUnasked(r lookup, m *wire.MessageRecord) (bool, error) {
	number, size, err := r.unaskedIn(m.GetChat())
	if err != nil {
		return false, err
	}
	most, mostBytes := uint32(MaxStrangerMessages), uint64(MaxStrangerBytes)
	if m.GetKind() == kindContactRequest {
		most, mostBytes = most+strangerRequests, mostBytes+strangerRequestBytes
	}
	if number >= most || size+uint64(len(m.GetText())) > mostBytes {
		c.counters.drop("stranger_messages")
		return false, nil
	}
	return true, nil
}

// unaskedIn returns how many messages a stranger has left in a chat, and their bytes, with
// those that this transaction has added.
func (t *txn) unaskedIn(chat []byte) (messages uint32, bytes uint64, err error) {
	rec, err := t.chat(chat)
	return rec.GetUnasked(), rec.GetUnaskedBytes(), err
}

// countUnasked counts a message of a stranger in the record of its chat.
func (t *txn) countUnasked(m *wire.MessageRecord) (*wire.ChatRecord, error) {
	chat, err := t.chat(m.GetChat())
	if err != nil {
		return nil, err
	}
	chat.Unasked++
	chat.UnaskedBytes += uint64(len(m.GetText()))
	return chat, nil
}

// addUnasked counts a text of a stranger, and lets it wait if they are to ask first.
func (t *txn) addUnasked(r *receivedText) error {
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

// reportRequest reports the first message that waits in a chat. The others are counted
// there: a host that is to decide about one person needs no second event.
func (t *txn) reportRequest(r *receivedText) error {
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

// reportWaiting reports the messages of a chat that wait, oldest first, because its person is
// a stranger no more. The count of what they left begins anew.
func (t *txn) reportWaiting(name []byte) error {
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
	s, known := c.people.contacts.of(key.Compact(rec.GetKey()))
	return known && s.stranger()
}

// listed reports whether a chat belongs into a list: that of the requests, or the plain
// one. Where strangers may write, theirs are in both; where they are to ask, or have and
// were blocked since, only among the requests.
func (c *Client) listed(rec *wire.ChatRecord, requests bool) bool {
	if len(rec.GetKey()) != len(key.Compact{}) {
		return !requests // a damaged record: reading the chat says so
	}
	if len(rec.GetLastMessageId()) == 0 {
		return false // nothing but what somebody blocked has sent
	}
	if requests {
		return c.isRequest(rec)
	}
	return rec.GetWaiting() == 0 && !(c.settings.Strangers == StrangersRequest && c.isRequest(rec))
}
