package chat

import (
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/history"
	"libstatus1to1/chat/internal/ratelimit"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Messages of strangers are kept within bounds. Where strangers have to ask first
// (StrangersRequest) their messages wait: their chat is listed among the requests only, and
// the events of its messages come when they are a stranger no more.

// Strangers is the policy for people who write to us unasked.
type Strangers = enum.Strangers

// The policies. People who are in the address book, were asked or were written to are no
// strangers.
const (
	StrangersAllow   = enum.StrangersAllow   // they may write; the default
	StrangersRequest = enum.StrangersRequest // what they write waits until they are accepted, added or written to
	StrangersDeny    = enum.StrangersDeny    // nothing of theirs is opened
)

const (
	// MaxStrangers limits the unanswered strangers that are kept; a thousand people who
	// wait for an answer are more than anybody reads.
	MaxStrangers = 1000
	// MaxStrangerMessages limits the messages that one of them can leave, and
	// MaxStrangerBytes their texts, pictures and recordings: with MaxStrangers, less than 100 MB in all.
	MaxStrangerMessages = 100
	MaxStrangerBytes    = 64 << 10
	// strangerRequests more may be contact requests, of strangerRequestBytes more: somebody
	// who has said too much can still ask.
	strangerRequests     = 10
	strangerRequestBytes = 32 << 10
	// strangersAtOnce and strangerEvery bound how fast new ones come in. Each costs
	// some 10 ms of key derivation, beside the loop, and 2 KB for good. What is not let in is repeated
	// by its sender for days.
	strangersAtOnce = 64
	strangerEvery   = 5 * time.Second
	// requestsAtOnce more may come in if they ask to be contacts.
	requestsAtOnce = 16
	// attemptsAtOnce and attemptEvery bound the payloads of unknown people that we try to
	// open: some 0.5 ms of CPU each. So garbage takes a tenth of a core, and honest people
	// have their share of the attempts.
	attemptsAtOnce = 256
	attemptEvery   = 5 * time.Millisecond
)

// entryLimiter bounds how fast strangers come in. Garbage costs attempts, which come back
// fast; one of the few entries is spent only for a message that has opened.
type entryLimiter struct {
	entries, attempts ratelimit.Bucket
}

// mayTry takes a token for an attempt, if a stranger could be let in at all.
func (l *entryLimiter) mayTry(now time.Time) bool {
	l.entries.Refill(now, strangerEvery)
	l.attempts.Refill(now, attemptEvery)
	return l.entries.Has(strangersAtOnce+requestsAtOnce) && l.attempts.Take(attemptsAtOnce)
}

// enter takes one entry for a person whose message has opened, and returns the token of the
// attempt. When only the entries for contact requests are left, asks decides: it is costly,
// so it is called only then.
func (l *entryLimiter) enter(asks func() bool) bool {
	all := strangersAtOnce + requestsAtOnce
	if !l.entries.Has(strangersAtOnce) && (!l.entries.Has(all) || !asks()) {
		return false
	}
	l.entries.Take(all)
	l.attempts.Return()
	return true
}

// welcome lets in a stranger whose message has opened.
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

// asksToBeContact reports whether the payload of a stranger has a contact request of
// theirs, before it is handled: it looks at the first few messages, since clients send it
// alone.
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

// countChange counts a change by a stranger that is not a text, and reports whether it is
// within their bound. It changes rec, and writes nothing.
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
func (c *Client) roomForUnasked(r lookup, text *receivedText) (bool, error) {
	m := text.record
	number, size, err := r.unaskedIn(m.GetChat())
	if err != nil {
		return false, err
	}
	most, mostBytes := uint32(MaxStrangerMessages), uint64(MaxStrangerBytes)
	if m.GetKind() == message.KindContactRequest {
		most, mostBytes = most+strangerRequests, mostBytes+strangerRequestBytes
	}
	if number >= most || size+text.size() > mostBytes {
		c.counters.drop("stranger_messages")
		return false, nil
	}
	return true, nil
}

// size returns the bytes that a text counts towards the bound of a stranger: its content with
// attachments and previews, and what is kept beside it.
func (r *receivedText) size() uint64 { return history.SizeOf(r.record) + uint64(r.kept) }

// unaskedIn returns how many messages a stranger has left in a chat, and their bytes, with
// those that this transaction has added.
func (t *txn) unaskedIn(chat []byte) (messages uint32, bytes uint64, err error) {
	rec, err := t.c.history.Chat(t.Tx, chat)
	return rec.GetUnasked(), rec.GetUnaskedBytes(), err
}

// countUnasked counts a message of a stranger in the record of its chat.
func (t *txn) countUnasked(r *receivedText) (*wire.ChatRecord, error) {
	chat, err := t.c.history.Chat(t.Tx, r.record.GetChat())
	if err != nil {
		return nil, err
	}
	chat.Unasked++
	chat.UnaskedBytes += r.size()
	return chat, nil
}

// addUnasked counts a text of a stranger, and lets it wait if they are to ask first.
func (t *txn) addUnasked(r *receivedText) error {
	chat, err := t.countUnasked(r)
	if err != nil {
		return err
	}
	if t.c.settings.Strangers == StrangersRequest && r.record.GetKind() != message.KindContactRequest {
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
	return t.EmitAsking(event.ChatRequestReceived{}, contactOf(rec), event.Hex(r.record.GetId()))
}
