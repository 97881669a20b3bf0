package waku

import (
	"sync"
	"time"
)

// gaps collects the times since which envelopes may have been missed.
type gaps struct {
	mu    sync.Mutex
	any   bool
	since time.Time // the earliest that is not reported
	woken chan struct{}
}

// missed notes that envelopes may not have arrived since a moment; the zero time is the
// start.
func (r *run) missed(since time.Time) {
	g := &r.gaps
	g.mu.Lock()
	if !g.any || since.Before(g.since) {
		g.any, g.since = true, since
	}
	g.mu.Unlock()
	signal(g.woken)
}

// take returns the earliest time that is not reported yet.
func (g *gaps) take() (since time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	since, ok = g.since, g.any
	g.any = false
	return since, ok
}

// reportGaps tells the engine what may have been missed.
func (r *run) reportGaps() {
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-r.gaps.woken:
		}
		since, ok := r.gaps.take()
		if !ok {
			continue
		}
		r.log("info", "envelopes may have been missed", "since", since)
		if r.hooks.Missed != nil {
			r.guard("waku gaps", func() { r.hooks.Missed(since) })
		}
		select {
		case <-r.ctx.Done():
			return
		case <-time.After(r.owner.settings.timing.gapEvery):
		}
	}
}
