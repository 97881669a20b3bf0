// Package chattest has the fakes that tests of several packages share.
package chattest

import (
	"sync"
	"time"
)

// Clock is a chat.Clock that runs with the real time, shifted by Advance: timers
// that are waited for fire when the shift reaches them.
type Clock struct {
	mu      sync.Mutex
	shift   time.Duration
	waiting map[chan time.Time]time.Time
}

// Now is the real time plus the shift.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.shift)
}

// Wait fires once, d from now by this clock.
func (c *Clock) Wait(d time.Duration) (<-chan time.Time, func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	if c.waiting == nil {
		c.waiting = map[chan time.Time]time.Time{}
	}
	c.waiting[ch] = time.Now().Add(c.shift + d)
	timer := time.AfterFunc(d, func() { c.fire(ch) })
	return ch, func() {
		timer.Stop()
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.waiting, ch)
	}
}

// Advance moves the clock forward, or back when d is negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	c.shift += d
	now := time.Now().Add(c.shift)
	var due []chan time.Time
	for ch, at := range c.waiting {
		if !at.After(now) {
			due = append(due, ch)
		}
	}
	c.mu.Unlock()
	for _, ch := range due {
		c.fire(ch)
	}
}

func (c *Clock) fire(ch chan time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[ch]; ok {
		delete(c.waiting, ch)
		ch <- time.Now().Add(c.shift)
	}
}
