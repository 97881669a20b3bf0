package port

import (
	"io"
	"time"
)

// Clock is the port to time. Now is the time of day, which somebody may set; it
// carries no monotonic reading, by which differences would leave out what a machine
// slept through. Both reads with it, at the same moment, how much time has passed since
// some moment by a clock that nobody sets and that may stand still while the machine
// sleeps. Wait returns a channel that gets one value after d, by the latter clock, and a
// function that gives the timer up.
type Clock interface {
	Now() time.Time
	Both() (now time.Time, passed time.Duration)
	Wait(d time.Duration) (<-chan time.Time, func())
}

// Logger receives diagnostic lines. Fields never hold keys, seeds, plaintext or
// passphrases. Implementations must be safe for concurrent use.
type Logger interface {
	// Log takes level "debug", "info", "warn" or "error".
	Log(level, msg string, fields ...any)
}

// Randomness for keys and nonces: crypto/rand.Reader in production.
type Randomness = io.Reader
