package memnet

import (
	"container/heap"
	"time"

	"libstatus1to1/chat/port"
)

// What one node's queue holds at most; beyond it envelopes are dropped and
// counted. Large enough for a benchmark's burst of small messages, small enough
// that a client which stopped reading does not take the process's memory.
const (
	maxPending      = 1 << 16
	maxPendingBytes = 64 << 20
)

// delivery is one envelope on its way to one node.
type delivery struct {
	due      time.Duration
	order    uint64 // of queueing; breaks ties, unique in a network
	envelope port.Envelope
}

// before orders deliveries by due time, then as they were queued.
func (d delivery) before(other delivery) bool {
	if d.due != other.due {
		return d.due < other.due
	}
	return d.order < other.order
}

// pending is a bounded priority queue of deliveries.
type pending struct {
	items byDue
	bytes int
}

// add reports false when d does not fit.
func (p *pending) add(d delivery) bool {
	if len(p.items) >= maxPending || p.bytes+len(d.envelope.Payload) > maxPendingBytes {
		return false
	}
	heap.Push(&p.items, d)
	p.bytes += len(d.envelope.Payload)
	return true
}

// first is the delivery due next.
func (p *pending) first() (delivery, bool) {
	if len(p.items) == 0 {
		return delivery{}, false
	}
	return p.items[0], true
}

// take removes and returns what first returns; p is not empty.
func (p *pending) take() delivery {
	d := heap.Pop(&p.items).(delivery)
	p.bytes -= len(d.envelope.Payload)
	return d
}

// byDue implements heap.Interface.
type byDue []delivery

func (b byDue) Len() int           { return len(b) }
func (b byDue) Less(i, j int) bool { return b[i].before(b[j]) }
func (b byDue) Swap(i, j int)      { b[i], b[j] = b[j], b[i] }
func (b *byDue) Push(x any)        { *b = append(*b, x.(delivery)) }
func (b *byDue) Pop() any {
	last := len(*b) - 1
	d := (*b)[last]
	(*b)[last] = delivery{}
	*b = (*b)[:last]
	return d
}
