package memnet

import (
	"bytes"
	"slices"
	"time"

	"libstatus1to1/chat/port"
)

// fate is the decision of the seeded source about one envelope and one receiver.
type fate struct {
	lost, twice, overtaken    bool
	delay, copyDelay, holding time.Duration
}

// draw takes six random values with any options, so that changing one probability
// leaves the other decisions as they were. n.mu is held.
func (n *Network) draw() fate {
	o := n.options
	span := func(limit time.Duration) time.Duration {
		return time.Duration(n.random.Float64() * float64(limit))
	}
	var f fate
	f.lost = n.random.Float64() < o.Loss
	f.twice = n.random.Float64() < o.Duplicate
	f.overtaken = n.random.Float64() < o.Reorder
	f.delay = span(o.MaxDelay)
	f.copyDelay = span(o.MaxDelay)
	f.holding = span(max(o.MaxDelay, minReorderWindow))
	return f
}

// route decides about every other running node and queues the deliveries. It returns
// the number of peers the sender has; with none nothing happens.
func (n *Network) route(sender *Node, e port.Envelope) (peers int, taps []func(port.Envelope)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	peers = n.peersOf(sender)
	if peers == 0 {
		return 0, nil
	}
	n.stats.Published++
	n.virtual += virtualTick
	e.Payload = bytes.Clone(e.Payload)
	now := n.now()
	for _, receiver := range n.running {
		if receiver == sender {
			continue
		}
		f := n.draw()
		if n.linked(sender, receiver) {
			n.deliver(receiver, e, now, f)
		}
	}
	for id := uint64(1); id <= n.tapped; id++ {
		if watch := n.taps[id]; watch != nil {
			taps = append(taps, watch)
		}
	}
	return peers, taps
}

// deliver queues e for receiver as f says. n.mu is held.
func (n *Network) deliver(receiver *Node, e port.Envelope, now time.Duration, f fate) {
	if f.lost && receiver.store == nil {
		n.stats.Lost++
		return
	}
	if f.overtaken {
		n.queue(receiver, e, now+f.delay+f.holding)
	} else {
		n.queue(receiver, e, receiver.inOrder(now+f.delay))
	}
	if f.twice {
		n.stats.Duplicated++
		n.queue(receiver, e, receiver.inOrder(now+f.copyDelay))
	}
}

// queue appends one delivery, or counts a drop. A store node keeps the envelope at once.
// n.mu is held.
func (n *Network) queue(receiver *Node, e port.Envelope, due time.Duration) {
	if receiver.store != nil {
		receiver.store.keep(e)
		return
	}
	n.order++
	if !receiver.pending.add(delivery{due: due, order: n.order, envelope: e}) {
		n.stats.Dropped++
		receiver.missed = true
	}
	receiver.wake()
}

// peersOf counts the nodes that sender is linked with. n.mu is held.
func (n *Network) peersOf(sender *Node) int {
	peers := 0
	for _, other := range n.running {
		if n.linked(sender, other) {
			peers++
		}
	}
	return peers
}

// rewire runs change, which may start, stop, cut or heal, and tells every running
// node about the peers it won and lost by it. n.mu is held.
func (n *Network) rewire(change func()) {
	before := n.links()
	change()
	after := n.links()
	for _, node := range n.running {
		for _, other := range union(before[node], after[node]) {
			had, has := slices.Contains(before[node], other), slices.Contains(after[node], other)
			if had == has || node.store != nil {
				continue
			}
			node.noteLink(other, has)
			node.changes = append(node.changes, port.NetworkChange{
				State: n.stateOf(node), Peer: other.peerID(), Connected: has, OnShard: has})
			node.wake()
		}
	}
}

// noteLink notes that a link was won or lost. While one is lost the other side, or peers of
// it, may publish; when there is one again, something may have been missed. n.mu is held.
func (d *Node) noteLink(other *Node, has bool) {
	switch {
	case has && d.cut:
		d.cut, d.missed = false, true
	case !has && (!d.active() || other.active()):
		d.cut = true
	}
}

// links lists the peers of every running node. n.mu is held.
func (n *Network) links() map[*Node][]*Node {
	all := make(map[*Node][]*Node, len(n.running))
	for _, node := range n.running {
		for _, other := range n.running {
			if n.linked(node, other) {
				all[node] = append(all[node], other)
			}
		}
	}
	return all
}

// union is a, then what of b is not in a.
func union(a, b []*Node) []*Node {
	all := slices.Clone(a)
	for _, node := range b {
		if !slices.Contains(all, node) {
			all = append(all, node)
		}
	}
	return all
}

// stateOf is the state a node is in. n.mu is held.
func (n *Network) stateOf(node *Node) port.NetworkState {
	switch {
	case node.run == nil:
		return port.NetworkStopped
	case n.peersOf(node) == 0:
		return port.NetworkOffline
	default:
		return port.NetworkOnline
	}
}
