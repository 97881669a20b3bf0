package waku

import "time"

// minSleep is the difference between both clocks that counts as a sleep of the machine: more
// than the daemons that keep a clock right correct between two looks.
const minSleep = 10 * time.Second

// sleepWatch finds that the machine has slept. Timers and Go's monotonic clock stand still
// meanwhile, and the time of day goes on (golang.org/issue/24595).
type sleepWatch struct {
	now  func() (wall time.Time, passed time.Duration)
	wall time.Time
	at   time.Duration
}

func newSleepWatch() *sleepWatch {
	began := time.Now()
	w := &sleepWatch{now: func() (time.Time, time.Duration) {
		now := time.Now()
		return now.Round(0), now.Sub(began)
	}}
	w.wall, w.at = w.now()
	return w
}

// slept reports whether the machine has slept since the last call, and when that was.
func (w *sleepWatch) slept() (since time.Time, slept bool) {
	since = w.wall
	wall, at := w.now()
	slept = wall.Sub(since)-(at-w.at) >= minSleep
	w.wall, w.at = wall, at
	return since, slept
}
