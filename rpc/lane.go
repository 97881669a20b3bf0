package rpc

import (
	"context"
	"sync"
)

// job is a request on its way.
type job struct {
	request
	ctx    context.Context // ends when the host cancels the request
	cancel context.CancelFunc
	size   int  // of its share of what is in flight
	beside bool // it has left its lane, and counts among the calls that wait
	// answer takes the answer, and what is to be done after it was written; nil for a
	// notification.
	answer func(text []byte, after func())
}

// lane runs the requests of one client one after the other, as they came.
type lane struct{ jobs chan *job }

// newLane starts a lane that hands its jobs to run. Its channel has room for all that can be
// in flight, so putting a job into it never blocks.
func newLane(running *sync.WaitGroup, run func(*job)) *lane {
	l := &lane{jobs: make(chan *job, maxInFlight)}
	running.Go(func() {
		for j := range l.jobs {
			run(j)
		}
	})
	return l
}

// gate bounds what is in flight, by number and by size.
type gate struct {
	mu      sync.Mutex
	changed *sync.Cond
	number  int
	bytes   int
}

func newGate() *gate {
	g := &gate{}
	g.changed = sync.NewCond(&g.mu)
	return g
}

// enter waits until a request of that size may be in flight too.
func (g *gate) enter(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.number >= maxInFlight || g.number > 0 && g.bytes+size > maxInFlightBytes {
		g.changed.Wait()
	}
	g.number++
	g.bytes += size
}

// leave ends what enter began.
func (g *gate) leave(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.number--
	g.bytes -= size
	g.changed.Broadcast()
}

// idle waits until nothing is in flight.
func (g *gate) idle() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.number > 0 {
		g.changed.Wait()
	}
}
