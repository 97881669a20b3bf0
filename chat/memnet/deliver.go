package memnet

import (
	"bytes"
	"runtime/debug"
	"time"
)

// inOrder is the due time of a delivery that nothing before it may follow. The
// network's lock is held.
func (d *Node) inOrder(due time.Duration) time.Duration {
	d.lastDue = max(d.lastDue, due)
	return d.lastDue
}

// wake tells the node's goroutine to look again. The network's lock is held.
func (d *Node) wake() {
	if d.run == nil {
		return
	}
	select {
	case d.run.woken <- struct{}{}:
	default:
	}
}

// work delivers until the run stops; the goroutine of a node that is not manual.
func (d *Node) work(r *run) {
	defer r.busy.Done()
	for {
		call, wait := d.next(r)
		if call != nil {
			r.guard(call)
			continue
		}
		var due <-chan time.Time
		if wait > 0 {
			due = time.After(wait)
		}
		select {
		case <-r.stop:
			return
		case <-r.woken:
		case <-due:
		}
	}
}

// next returns the hook call that is due, or the time until one is (0 for none).
func (d *Node) next(r *run) (call func(), wait time.Duration) {
	n := d.network
	n.mu.Lock()
	defer n.mu.Unlock()
	for d.run == r {
		if call := d.takeChange(r); call != nil {
			return call, 0
		}
		first, some := d.pending.first()
		if !some {
			return nil, 0
		}
		if wait := first.due - n.now(); wait > 0 {
			return nil, wait
		}
		if call := d.takeEnvelope(r); call != nil {
			return call, 0
		}
	}
	return nil, 0
}

// takeChange is the call that reports the oldest change, or after the last one that
// something was missed, or nil. The network's lock is held.
func (d *Node) takeChange(r *run) func() {
	if len(d.changes) == 0 {
		missed := d.missed && r.hooks.Missed != nil
		d.missed = false
		if !missed {
			return nil
		}
		return func() { r.hooks.Missed(time.Time{}) }
	}
	change := d.changes[0]
	d.changes = d.changes[1:]
	if r.hooks.Changed == nil {
		return func() {}
	}
	return func() { r.hooks.Changed(change) }
}

// takeEnvelope is the call that hands over the first pending envelope, or nil when
// nobody here wants its topic. The network's lock is held; there is one pending.
func (d *Node) takeEnvelope(r *run) func() {
	e := d.pending.take().envelope
	if e.PubsubTopic != PubsubTopic || !d.topics[e.ContentTopic] || r.hooks.Received == nil {
		return nil
	}
	d.network.stats.Delivered++
	return func() {
		e.Payload = bytes.Clone(e.Payload)
		r.hooks.Received(e)
	}
}

// guard runs a hook call and reports its panic.
func (r *run) guard(call func()) {
	defer func() {
		if value := recover(); value != nil && r.hooks.Panicked != nil {
			r.hooks.Panicked("memnet delivery", value, debug.Stack())
		}
	}()
	call()
}

// Step makes a manual network report all waiting changes of peers and then deliver one
// envelope: the one due next, which moves the virtual clock to its time. Hooks are
// called on the caller's goroutine and may publish. It reports whether there was
// anything to do; for a network that is not manual there never is.
func (n *Network) Step() bool {
	if !n.options.Manual {
		return false
	}
	did := false
	for {
		call, r, change := n.takeStep()
		if call == nil {
			return did
		}
		did = true
		r.guard(call)
		r.busy.Done()
		if !change {
			return true
		}
	}
}

// Drain calls Step until nothing is left, or limit times (0: no limit), and returns the
// number of steps made.
func (n *Network) Drain(limit int) int {
	steps := 0
	for limit <= 0 || steps < limit {
		if !n.Step() {
			break
		}
		steps++
	}
	return steps
}

// takeStep finds the next hook call of a manual network. The run it belongs to is
// marked busy, so that Stop waits for it.
func (n *Network) takeStep() (call func(), r *run, change bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, node := range n.running {
		if call := node.takeChange(node.run); call != nil {
			node.run.busy.Add(1)
			return call, node.run, true
		}
	}
	for {
		node := n.dueNext()
		if node == nil {
			return nil, nil, false
		}
		first, _ := node.pending.first()
		n.virtual = max(n.virtual, first.due)
		if call := node.takeEnvelope(node.run); call != nil {
			node.run.busy.Add(1)
			return call, node.run, false
		}
	}
}

// dueNext is the running node whose first delivery is due before all others', or
// nil. n.mu is held.
func (n *Network) dueNext() *Node {
	var best *Node
	var bestFirst delivery
	for _, node := range n.running {
		first, some := node.pending.first()
		if some && (best == nil || first.before(bestFirst)) {
			best, bestFirst = node, first
		}
	}
	return best
}
