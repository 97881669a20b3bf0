package chat

import (
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Strangers says what becomes of people who write to us unasked.
type Strangers string

// The policies. Who is in the address book, was asked or written to is no stranger.
const (
	StrangersAllow   Strangers = "allow"   // they may write; the default
	StrangersRequest Strangers = "request" // of theirs only contact requests are shown
	StrangersDeny    Strangers = "deny"    // nothing of theirs is opened
)

const (
	// MaxStrangers is how many unanswered strangers are kept; a thousand people who
	// wait for an answer are more than anybody reads.
	MaxStrangers = 1000
	// MaxStrangerMessages is how many messages one of them can leave.
	MaxStrangerMessages = 100
	// strangersAtOnce and strangerEvery bound how fast new ones come in. Each costs
	// some 15 ms of key derivation and 2 KB for good. What is not let in is repeated
	// by its sender for days.
	strangersAtOnce = 64
	strangerEvery   = 5 * time.Second
)

// doorbell is a bucket of strangersAtOnce tokens that fills by one each
// strangerEvery.
type doorbell struct {
	used  int
	since time.Time
}

// ring takes a token, if there is one.
func (d *doorbell) ring(now time.Time) bool {
	if back := int(now.Sub(d.since) / strangerEvery); back > 0 || now.Before(d.since) {
		d.used = max(0, d.used-max(back, 0))
		d.since = now
	}
	if d.used >= strangersAtOnce {
		return false
	}
	d.used++
	return true
}

// admit decides about the sender of a payload before anything is opened or stored.
// What the blocked send is opened, to acknowledge it, and nothing else: silent.
func (p *pass) admit(m *inbound) error {
	s, known := p.c.roster.get(m.sender)
	switch {
	case m.sender == p.a.public, known && !s.stranger() && !s.blocked:
	case s.blocked:
		m.silent = true
	case p.c.settings.Strangers == StrangersDeny:
		return dropped("stranger")
	case known, p.met[m.sender]:
	case p.c.roster.full():
		return dropped("strangers_full")
	case !p.c.loop.doorbell.ring(p.now):
		return dropped("strangers_rate")
	default:
		if p.met == nil {
			p.met = map[key.Public]bool{}
		}
		p.met[m.sender] = true
	}
	return nil
}

// wanted reports whether a message belongs into the history: of strangers not all
// do.
func (t *txn) wanted(chat key.Public, rec *wire.MessageRecord) (bool, error) {
	s, _ := t.c.roster.get(chat)
	if rec.GetOutgoing() || !s.stranger() {
		return true, nil
	}
	if t.c.settings.Strangers == StrangersRequest && rec.GetKind() != kindContactRequest {
		t.c.counters.drop("stranger")
		return false, nil
	}
	n, err := t.Count(rec.GetChat())
	if err == nil && n >= MaxStrangerMessages {
		t.c.counters.drop("stranger_messages")
		return false, nil
	}
	return true, err
}
