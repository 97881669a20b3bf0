package chat

import "time"

// systemClock is the real time; opened is when it was made.
type systemClock struct{ opened time.Time }

func (systemClock) Now() time.Time { return time.Now().Round(0) }

func (s systemClock) Both() (time.Time, time.Duration) {
	now := time.Now()
	return now.Round(0), now.Sub(s.opened)
}

func (systemClock) Wait(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// within reports whether now is less than d after at, ms. It is not when at is in the
// future, by a clock that was ahead then.
func within(d time.Duration, at int64, now time.Time) bool {
	since := now.UnixMilli() - at
	return since >= 0 && since < d.Milliseconds()
}

// silence is the logger of a client that was given none.
type silence struct{}

func (silence) Log(string, string, ...any) {}
