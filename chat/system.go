package chat

import "time"

// systemClock is the real time.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Wait(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}

// silence is the logger of a client that was given none.
type silence struct{}

func (silence) Log(string, string, ...any) {}
