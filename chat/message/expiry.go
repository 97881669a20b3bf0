package message

import (
	"time"

	"libstatus1to1/chat/wire"
)

// Disappearing messages are a field of this library: no spec has them, and the Status app
// skips the fields, so it keeps such a message. docs/specs.md says more.

// MaxExpiry is the longest timer, s: what is to be kept for longer than a year needs none.
const MaxExpiry = 365 * 24 * 60 * 60

// Timer is the timer of a chat, a register that both sides write: the seconds after which a
// new message is erased, and the Lamport clock of the chat at which that was set. The zero
// value is a timer that nobody has set.
type Timer struct {
	Seconds uint32 // 0 is off
	Clock   uint64 // ms
}

// Over reports whether t wins over o: it was set later or, at the same clock, erases sooner.
// It orders all timers, so two sides that have seen the same have the same one.
func (t Timer) Over(o Timer) bool {
	if t.Clock != o.Clock {
		return t.Clock > o.Clock
	}
	return t.Seconds != o.Seconds && t.Seconds != 0 && (o.Seconds == 0 || t.Seconds < o.Seconds)
}

// ParseTimer reads the timer that a message carries. ok is false if it carries none, or one
// that was set after the message itself, or after latest: that would win for ever.
func ParseTimer(cm *wire.ChatMessage, latest uint64) (t Timer, ok bool) {
	t = Timer{Seconds: min(cm.GetExpiryTimer().GetSeconds(), MaxExpiry), Clock: cm.GetExpiryTimer().GetClock()}
	return t, t.Clock != 0 && t.Clock <= min(cm.GetClock(), latest)
}

// NewTimer is a timer as a message carries it; nil if nobody has set it.
func NewTimer(t Timer) *wire.ExpiryTimer {
	if t == (Timer{}) {
		return nil
	}
	return &wire.ExpiryTimer{Seconds: t.Seconds, Clock: t.Clock}
}

// ExpiryOf returns the seconds after which a received message is erased; 0 is never. More
// than MaxExpiry is MaxExpiry. Contact requests stay: the state of a contact refers to them.
func ExpiryOf(cm *wire.ChatMessage) uint32 {
	if cm.GetContentType() == wire.ChatMessage_CONTACT_REQUEST {
		return 0
	}
	return min(cm.GetExpiresIn(), MaxExpiry)
}

// ExpiresAt is when a message is erased, ms: seconds after it was written, by its Lamport
// clock, which both sides know. A clock that is ahead of now counts as now. 0 is never.
func ExpiresAt(clock uint64, seconds uint32, now time.Time) int64 {
	if seconds == 0 {
		return 0
	}
	return int64(min(clock, uint64(max(0, now.UnixMilli())))) + int64(seconds)*1000
}

// FillExpiry writes into the record of a ChatMessage when it is erased. now is when it was
// written here, or came.
func FillExpiry(rec *wire.MessageRecord, cm *wire.ChatMessage, now time.Time) {
	rec.ExpiresIn = ExpiryOf(cm)
	rec.ExpiresAt = ExpiresAt(cm.GetClock(), rec.GetExpiresIn(), now)
}
