// Package chattest has the fakes that tests of several packages share.
package chattest

import (
	"sync"
	"time"
)

// Clock is a chat.Clock that runs with the real time, shifted by Advance: timers
// that are waited for fire when the shift reaches them. Jump sets the time of day only.
type Clock struct {
	mu      sync.Mutex
	shift   time.Duration // by which time has passed beside the real one
	set     time.Duration // by which the time of day was set on top of that
	opened  time.Time     // when passed was 0
	waiting map[chan time.Time]time.Duration
}

// Now is the real time, shifted.
func (c *Clock) Now() time.Time {
	now, _ := c.Both()
	return now
}

// Both returns the time of day and the time that has passed.
func (c *Clock) Both() (time.Time, time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	passed := c.passed()
	return c.opened.Round(0).Add(passed + c.set), passed
}

// passed returns the time that has passed; c.mu is held.
func (c *Clock) passed() time.Duration {
	if c.opened.IsZero() {
		c.opened = time.Now()
	}
	return time.Since(c.opened) + c.shift
}

// Wait fires once, when d has passed.
func (c *Clock) Wait(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	if c.waiting == nil {
		c.waiting = map[chan time.Time]time.Duration{}
	}
	c.waiting[ch] = c.passed() + d
	timer := time.AfterFunc(d, func() { c.fire(ch) })
	return ch, func() {
		timer.Stop()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, ch)
	}
}

// Advance lets time pass. With a negative d the time of day is set back: for a client
// that is closed meanwhile.
func (c *Clock) Advance(d time.Duration) {
	if d < 0 {
		c.Jump(d)
		return
	}
	c.mu.Lock()
	c.shift += d
	passed := c.passed()
	var due []chan time.Time
	for ch, at := range c.waiting {
		if at <= passed {
			due = append(due, ch)
		}
	}
	c.mu.Unlock()
	for _, ch := range due {
		c.fire(ch)
	}
}

// Jump sets the time of day forward, or back if d is negative, as when somebody
// corrects the clock or when a machine wakes from sleep. It fires no timers.
func (c *Clock) Jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set += d
}

func (c *Clock) fire(ch chan time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[ch]; ok {
		delete(c.waiting, ch)
		ch <- c.opened.Round(0).Add(c.passed() + c.set)
	}
}
