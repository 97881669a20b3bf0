package soak

import "time"

// presence measures for how long both sides were online together: both run, and a way
// leads from one to the other. It counts what the plan did to them, and not what they
// believe, so that a client that finds its way back slowly shows in the figures.
type presence struct {
	online bool
	since  time.Duration // when that began
	before time.Duration // of the times that have ended
}

// set says at a time of the run whether both are online.
func (p *presence) set(now time.Duration, online bool) {
	if online == p.online {
		return
	}
	if p.online {
		p.before += now - p.since
	}
	p.online, p.since = online, now
}

// total returns the time both were online until now.
func (p *presence) total(now time.Duration) time.Duration {
	if p.online {
		return p.before + now - p.since
	}
	return p.before
}
