package chat

import (
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// A timer runs by a clock that stands still while the machine sleeps and that nobody
// sets, but what is due is due by the time of day. So the loop compares the two, at
// least every clockLook: where they part, the machine has slept, or somebody has set its
// clock. Go has no notice of either (golang.org/issue/24595).

const (
	// clockLook is the interval at which we look for such a jump, so that waiting messages
	// go out within seconds of it. A look costs microseconds; the network node wakes up
	// each second.
	clockLook = 5 * time.Second
	// clockLookLight is that interval for a node in light mode, which wakes up 40 times an
	// hour, and looks itself then.
	clockLookLight = 10 * time.Minute
	// minJump is less than anybody waits for, and more than the daemons that keep a clock
	// right correct in clockLook.
	minJump = 2 * time.Second
)

// lookEvery returns the interval for a node.
func lookEvery(status NetworkStatus) time.Duration {
	if status.Mode == port.ModeLight {
		return clockLookLight
	}
	return clockLook
}

// clockReading holds the time of both clocks at one moment.
type clockReading struct {
	at     time.Time
	passed time.Duration
}

func (c *Client) readClocks() clockReading {
	at, passed := c.clock.Both()
	return clockReading{at, passed}
}

// jump returns the difference between the change of the time of day and the time that has
// really passed.
func (r clockReading) jump(since clockReading) time.Duration {
	by := r.at.Sub(since.at) - (r.passed - since.passed)
	if by.Abs() < minJump {
		return 0
	}
	return by
}

// clockJumped reports whether there was a jump that followClock has not followed. Small
// ones are ignored. The caller holds the engine's lock.
func (c *Client) clockJumped() bool {
	now := c.readClocks()
	if now.jump(c.loop.clocks) != 0 {
		return true
	}
	c.loop.clocks = now
	return false
}

// followClock does what a jump of the time of day asks for. After one forward all that
// became due meanwhile is due anyway; we were away perhaps. After one back, what is due in
// a second must not wait for as long as the jump. The caller holds the engine's lock.
func (c *Client) followClock(t *ledger.Turn) {
	now := c.readClocks()
	by := now.jump(c.loop.clocks)
	c.loop.clocks = now
	if by == 0 {
		return
	}
	c.counters.doctor.Jumped(by)
	c.log.Log("info", "the time of day has jumped", "seconds", int64(by.Seconds()))
	if by < 0 {
		c.setBack(t, by)
	}
	c.outbox.WasAway(t)
	c.catchUp.Missed(time.Time{})
}

// setBack moves all that is due by a jump back.
func (c *Client) setBack(t *ledger.Turn, by time.Duration) {
	l := &c.loop
	for _, at := range []*time.Time{
		&l.nextCare, &l.storePause.Until, &l.networkPause.Until, &c.people.presences.next,
	} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
	c.linking.ShiftClock(t, by)
	c.deviceSync.ShiftClock(t, by)
	c.outbox.ShiftClock(t, by)
	c.noise.ShiftClock(t, by)
	c.agree.ShiftClock(t, by)
	c.catchUp.ShiftClock(t, by)
	c.expiry.ShiftClock(t, by)
	c.sessions.shift(by)
}

// systemClock reads the clock of the machine; opened is the time it was created.
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
