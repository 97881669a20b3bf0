package message

import (
	"math"
	"time"
)

// MaxClockAhead limits the time by which the clock of a message may be ahead of the
// time it is compared with. Honest Lamport clocks stay within it; it is too short to
// pin a message to the end of a chat for long. Deployed clients compare with the
// timestamp of the envelope.
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

// LatestClock is the latest clock that is believed at a time: MaxClockAhead past it.
func LatestClock(at time.Time) uint64 {
	return uint64(max(0, at.UnixMilli()+MaxClockAhead.Milliseconds()))
}

// ValidateClock checks the clock of a state, judged at a time: not 0, and not after
// LatestClock. Error: ErrClock.
func ValidateClock(clock uint64, at time.Time) error {
	if clock == 0 || clock > LatestClock(at) {
		return ErrClock
	}
	return nil
}
