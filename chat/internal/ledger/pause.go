package ledger

import "time"

// Pause holds something back after a failure, longer each time in a row. The zero value
// holds nothing back.
type Pause struct {
	Until    time.Time
	failures int
}

// pauseBase and pauseMax bound a pause: short enough that a passing fault is not noticed,
// long enough that a lasting one costs nothing.
const (
	pauseBase = time.Second
	pauseMax  = time.Minute
	// maxDoublings limits the doublings of pauseBase, to stay clear of overflow.
	maxDoublings = 6
)

// Lasts reports whether the pause is not over yet.
func (p *Pause) Lasts(now time.Time) bool { return now.Before(p.Until) }

// Failed begins a pause, or the next one in a row.
func (p *Pause) Failed(now time.Time) {
	p.Until = now.Add(min(pauseBase<<min(p.failures, maxDoublings), pauseMax))
	p.failures++
}

// End ends the pause and its row: something has worked.
func (p *Pause) End() { *p = Pause{} }

// Shift moves the end of the pause, after somebody has set the clock by by.
func (p *Pause) Shift(by time.Duration) {
	if !p.Until.IsZero() {
		p.Until = p.Until.Add(by)
	}
}
