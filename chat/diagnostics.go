package chat

import (
	"maps"
	"runtime"
	"sync"
	"sync/atomic"

	"libstatus1to1/chat/internal/doctor"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// counters are for diagnostics; they do not show who talks to whom.
type counters struct {
	received atomic.Uint64
	doctor   *doctor.Doctor
	wakeups  atomic.Uint64 // of the loop
	opened   clockReading

	mu      sync.Mutex
	dropped map[string]uint64
}

func (n *counters) drop(reason string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.dropped == nil {
		n.dropped = map[string]uint64{}
	}
	n.dropped[reason]++
}

// Diagnostics returns counters and the lengths of queues.
func (c *Client) Diagnostics() (Diagnostics, error) {
	if err := c.checkOpen(); err != nil {
		return Diagnostics{}, err
	}
	d := Diagnostics{
		Received: c.counters.received.Load(), Incoming: len(c.loop.inbox.waiting), Outbox: c.outbox.Len(), EventsUnread: c.ledger.Events.Unread(),
		Goroutines: runtime.NumGoroutine(),
	}
	d.Open, d.LoopWakeups = c.readClocks().passed-c.counters.opened.passed, c.counters.wakeups.Load()
	if meter, ok := c.net.(port.Meter); ok {
		traffic := meter.Traffic()
		d.Traffic = &traffic
	}
	d.Sent, d.Resent = c.outbox.Counts()
	if c.catchUp.Enabled() {
		status := c.catchUp.Status()
		d.CatchUp = &status
	}
	c.counters.mu.Lock()
	d.Dropped = maps.Clone(c.counters.dropped)
	c.counters.mu.Unlock()
	if d.Dropped == nil {
		d.Dropped = map[string]uint64{}
	}
	err := c.ledger.View(func(tx Tx) error {
		first, last, err := tx.Bounds(ledger.QueueEvents)
		if err != nil {
			return err
		}
		d.EventsWaiting = last + 1 - first
		_, lost, err := ledger.ReadLost(tx)
		if lost > 0 {
			d.EventsWaiting++ // that they are lost
		}
		return err
	})
	return d, err
}
