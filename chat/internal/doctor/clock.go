package doctor

import (
	"fmt"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/port"
)

// Nobody signs the timestamp of an envelope, so that one alone says nothing. The median of
// what came on several content topics is somewhere near the right time, unless somebody
// goes to some lengths to make it wrong; nothing but this check goes by it.

const (
	// maxSamples is the number of content topics of which the last timestamp is kept.
	maxSamples = 64
	// minSamples is the number from which on the median is believed.
	minSamples = 3
	// sampleAge is the age past which a timestamp is not used.
	sampleAge = 30 * time.Minute
	// storesRefuse is the difference past which store nodes do not keep an envelope, and
	// some relays do not pass it on.
	storesRefuse = 20 * time.Second
	// peersRefuse is the difference past which the recipients' clients may refuse what we
	// say, and we what they say.
	peersRefuse = 2 * time.Minute
	// jumpAge is the age past which a jump of the clock is not reported.
	jumpAge = time.Hour
)

// sample is by how much our clock was ahead of the timestamp of an envelope.
type sample struct {
	at    time.Time
	ahead time.Duration
}

// clock compares our clock with the timestamps of envelopes, and remembers its last jump.
type clock struct {
	mu      sync.Mutex
	samples *lru.Cache[string, sample] // by content topic
	jumped  time.Time                  // when it jumped last; zero for never
	by      time.Duration
}

func newClock() clock {
	samples, _ := lru.New[string, sample](maxSamples) // fails for a size below 1 only
	return clock{samples: samples}
}

// heard notes the timestamp of an envelope that has just arrived.
func (c *clock) heard(now time.Time, e port.Envelope) {
	if e.Timestamp <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.samples.Add(e.ContentTopic, sample{now, now.Sub(time.Unix(0, e.Timestamp))})
}

// Jumped notes that the time of day has jumped. What was compared with it before is void.
func (d *Doctor) Jumped(by time.Duration) {
	c := &d.clock
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jumped, c.by = d.Now(), by
	c.samples.Purge()
}

// ahead returns the median of the samples, and their number.
func (c *clock) ahead(now time.Time) (time.Duration, int) {
	var all []time.Duration
	for _, s := range c.samples.Values() {
		if now.Sub(s.at) <= sampleAge {
			all = append(all, s.ahead)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	return all[len(all)/2], len(all)
}

// check compares our clock with those of others.
func (c *clock) check(now time.Time) port.Check {
	c.mu.Lock()
	defer c.mu.Unlock()
	ahead, samples := c.ahead(now)
	check := port.Check{Name: "clock", Result: port.CheckPassed, Details: map[string]any{
		"now": now.UnixMilli(), "ahead_ms": ahead.Milliseconds(), "envelopes": samples}}
	remedy := "set the clock of this machine, or have it set by the network"
	switch {
	case samples < minSamples:
		check.Result = port.CheckSkipped
		check.Cause = fmt.Sprintf("envelopes of %d content topics have arrived in the last half hour, too few to compare our clock with", samples)
		check.Remedy = "ask again when more has arrived"
	case ahead.Abs() >= peersRefuse:
		check.Result, check.Remedy = port.CheckFailed, remedy
		check.Cause = fmt.Sprintf("our clock is %s what others publish: store nodes and recipients refuse what we send", differs(ahead))
	case ahead.Abs() >= storesRefuse:
		check.Result, check.Remedy = port.CheckWarning, remedy
		check.Cause = fmt.Sprintf("our clock is %s what others publish: store nodes may refuse what we send", differs(ahead))
	default:
		check.Cause = fmt.Sprintf("our clock is within %s of what others publish", storesRefuse)
	}
	if !c.jumped.IsZero() && now.Sub(c.jumped) < jumpAge {
		check.Details["jumped_ms"], check.Details["jumped_at"] = c.by.Milliseconds(), c.jumped.UnixMilli()
		if check.Result == port.CheckPassed || check.Result == port.CheckSkipped {
			check.Result = port.CheckWarning
			check.Cause = fmt.Sprintf("the time of day jumped by %s: the machine slept, or its clock was set", c.by.Round(time.Second))
			check.Remedy = "none is needed if that was so"
		}
	}
	return check
}

// differs says how a clock that is ahead by a duration relates to others.
func differs(ahead time.Duration) string {
	if ahead < 0 {
		return fmt.Sprintf("%s behind", (-ahead).Round(time.Second))
	}
	return fmt.Sprintf("%s ahead of", ahead.Round(time.Second))
}
