package chat

import (
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ratelimit"
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

// entryLimiter bounds how fast strangers come in. Garbage costs attempts, which come back
// fast; one of the few entries is spent only for a message that has opened.
type entryLimiter struct {
	entries, attempts ratelimit.Bucket
}

// mayTry takes the token of an attempt, if somebody could be let in at all.
func (l *entryLimiter) mayTry(now time.Time) bool {
	l.entries.Refill(now, strangerEvery)
	l.attempts.Refill(now, attemptEvery)
	return l.entries.Has(strangersAtOnce+requestsAtOnce) && l.attempts.Take(attemptsAtOnce)
}

// enter takes the entry of somebody whose message has opened, and gives the attempt back. When
// the entries left are for contact requests, asks decides: it is costly, so it is called only
// then.
func (l *entryLimiter) enter(asks func() bool) bool {
	all := strangersAtOnce + requestsAtOnce
	if !l.entries.Has(strangersAtOnce) && (!l.entries.Has(all) || !asks()) {
		return false
	}
	l.entries.Take(all)
	l.attempts.Return()
	return true
}

// welcome lets a stranger in whose message has opened.
func (p *pass) welcome(m *inbound) error {
	if p.welcomed[m.sender] {
		return nil
	}
	if !p.c.people.entering.enter(func() bool { return asksToBeContact(m) }) {
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
	if m.GetKind() == history.KindContactRequest {
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
	rec, err := t.c.history.Chat(t.Tx, chat)
	return rec.GetUnasked(), rec.GetUnaskedBytes(), err
}

// countUnasked counts a message of a stranger in the record of its chat.
func (t *txn) countUnasked(m *wire.MessageRecord) (*wire.ChatRecord, error) {
	chat, err := t.c.history.Chat(t.Tx, m.GetChat())
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
	if t.c.settings.Strangers == StrangersRequest && r.record.GetKind() != history.KindContactRequest {
		chat.Waiting++
		r.record.Request = true
	}
	return nil
}

// reportRequest reports the first message that waits in a chat. The others are counted
// there: a host that is to decide about one person needs no second event.
func (t *txn) reportRequest(r *receivedText) error {
	chat, err := t.c.history.Chat(t.Tx, r.record.GetChat())
	if err != nil || chat.GetWaiting() != 1 {
		return err
	}
	rec, err := contactRecord(t, r.chat)
	if err != nil {
		return err
	}
	return t.Emit(event.ChatRequestReceived{Contact: contactOf(rec), Message: history.EventOf(r.record)})
}
