package datasync

import (
	"encoding/binary"
	"io"
	"math"
	"time"
)

// The deployed schedule: 27 s, 54 s, ... over ten days until the last send, and as long
// again until the message is given up: see GiveUpAfter.
const (
	// DefaultBase is the wait after the first send.
	DefaultBase = 27 * time.Second
	// MaxSends is the number of times a message is sent before it counts as failed.
	MaxSends = 16
)

// jitterShare: up to a third of the base is added, so that what was sent
// together is not sent again together.
const jitterShare = 3

// GiveUpAfter is the time from the first send after which an unacknowledged message is
// given up, without the jitter: 20 days, 11 hours and 31 minutes with DefaultBase.
func GiveUpAfter(base time.Duration) time.Duration { return base * (1<<MaxSends - 1) }

// Backoff returns the time to wait for an acknowledgement after a message was sent for
// the sends-th time (from 1): base * 2^(sends-1), plus up to base/3. jitter supplies 8
// bytes for the addition; if reading it fails, nothing is added. Sends beyond MaxSends
// wait as long as the last one, and a wait too long for time.Duration becomes the
// largest Duration.
// Spec: 2/MVDS, "Retransmission" leaves the function open; this is status-go's.
func Backoff(sends int, base time.Duration, jitter io.Reader) time.Duration {
	base = max(base, 0)
	shift := min(max(sends, 1), MaxSends) - 1
	if base > math.MaxInt64>>(shift+1) {
		return math.MaxInt64
	}
	wait := base << shift
	var b [8]byte
	if _, err := io.ReadFull(jitter, b[:]); err != nil {
		return wait
	}
	return wait + time.Duration(binary.LittleEndian.Uint64(b[:])%uint64(base/jitterShare+1))
}
