package message

import (
	"math"
	"time"
)

// MaxClockAhead is how far a message's clock may run ahead of its envelope's
// timestamp: enough for honest Lamport clocks, too little to pin a message to
// the end of a chat for ever.
const MaxClockAhead = 120 * time.Second

// NextClock is the Lamport clock of the next message of a chat, in ms: last is
// the chat's highest so far, nowMillis the time. It never goes back, also past
// the largest number.
// Spec: 62/STATUS-PAYLOADS, "Clock vs Timestamp and message ordering".
func NextClock(last, nowMillis uint64) uint64 {
	if last == math.MaxUint64 {
		return last
	}
	return max(nowMillis, last+1)
}

// clockAllowed: not 0 and at most MaxClockAhead past the envelope.
func clockAllowed(clock uint64, envelope time.Time) bool {
	limit := envelope.UnixMilli() + MaxClockAhead.Milliseconds()
	return clock != 0 && limit > 0 && clock <= uint64(limit)
}
