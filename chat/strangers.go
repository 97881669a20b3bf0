package chat

import (
	"time"

	"libstatus1to1/chat/internal/ratelimit"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Strangers says what becomes of people who write to us unasked.
type Strangers string

// The policies. Who is in the address book, was asked or written to is no stranger.
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
	// strangerRequests more may be contact requests, of strangerRequestBytes more: who
	// has said too much can still ask.
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

// entryLimiter bounds how fast strangers come in: nobody spends a token before they have
// said something that opens.
type entryLimiter struct {
	entries, attempts ratelimit.Bucket
}

// mayTry takes the token of an attempt, if somebody could be let in at all.
func (l *entryLimiter) mayTry(now time.Time) bool {
	l.entries.Refill(now, strangerEvery)
	l.attempts.Refill(now, attemptEvery)
	return l.entries.Has(strangersAtOnce+requestsAtOnce) && l.attempts.Take(attemptsAtOnce)
}

// enter takes the token of somebody who has said something; asks is looked at when those
// left are for requests. It gives the attempt back.
func (l *entryLimiter) enter(asks func() bool) bool {
	all := strangersAtOnce + requestsAtOnce
	if !l.entries.Has(strangersAtOnce) && (!l.entries.Has(all) || !asks()) {
		return false
	}
	l.entries.Take(all)
	l.attempts.Return()
	return true
}

// admit decides about the sender of a payload before anything is opened or stored.
// What the blocked send is opened, to acknowledge it, and nothing else: silent.
func (p *pass) admit(m *inbound) error {
	s, known := p.c.roster.get(m.sender)
	switch {
	case m.sender == p.a.public, known && !s.stranger() && !s.blocked:
	case p.c.settings.Strangers == StrangersDeny && !s.familiar():
		return dropped("stranger") // also if they are blocked: it must look the same
	case s.blocked:
		m.silent = true
	case known, p.welcomed[m.sender]:
	case p.c.roster.full():
		return dropped("strangers_full")
	case !p.c.loop.entering.mayTry(p.now):
		return dropped("strangers_rate")
	default:
		if p.met == nil {
			p.met = map[key.Public]bool{}
		}
		p.met[m.sender] = true
	}
	return nil
}

// welcome lets a stranger in whose message has opened.
func (p *pass) welcome(m *inbound) error {
	if !p.met[m.sender] || p.welcomed[m.sender] {
		return nil
	}
	if !p.c.loop.entering.enter(func() bool { return asksToBeContact(m) }) {
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

// unsupportedOf reports whether a message of a type we do not support is shown: of a
// stranger within bounds, and none where they are to ask first.
func (t *txn) unsupportedOf(sender key.Public) (bool, error) {
	s, _ := t.c.roster.get(sender)
	if !s.stranger() || t.isOwn(sender.Compressed()) {
		return true, nil
	}
	if t.c.settings.Strangers == StrangersRequest {
		t.c.counters.drop("stranger")
		return false, nil
	}
	rec, err := contactRecord(t, sender)
	if err == nil {
		err = t.unaskedChange(sender, rec)
	}
	if err != nil {
		return false, err
	}
	return true, t.putContact(sender, rec)
}

// unaskedChange counts what a stranger changes with us that is no text. errLater: as
// much as one may.
func (t *txn) unaskedChange(k key.Public, rec *wire.ContactRecord) error {
	if s, _ := t.c.roster.get(k); !s.stranger() {
		return nil
	}
	if rec.GetUnaskedChanges() >= MaxStrangerMessages {
		t.c.counters.drop("stranger_messages")
		return errLater
	}
	rec.UnaskedChanges++
	return nil
}
