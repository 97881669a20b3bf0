// Package memnet is a network in memory: every node of a Network is a peer of every
// other, and a seeded scheduler can lose, duplicate, delay and reorder the envelopes.
// It is part of the library (`network.kind = memory`), and the two-peer tests run on
// it.
//
// Like the real network it delivers nothing to the sender itself, has no history but that
// of store nodes (without those an offline node misses what is published meanwhile),
// returns ErrNoPeers when there are no peers and ErrTooLarge at the same size, and has
// bounded queues that drop. It leaves out meshes, relaying and gossipsub's memory of
// identical bytes.
//
// Given the seed, the order in which nodes join and the order of publishes, every
// decision is the same again: each publish draws a fixed number of values for each
// other running node, in the order they joined. With Options.Manual the order of
// deliveries is the same too.
package memnet

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

// PubsubTopic is the shard that every node of a Network is on: the one that carries
// Status's 1:1 messages.
const PubsubTopic = "/waku/2/rs/16/32"

// defaultMaxMessageSize is Waku's default for one message, in bytes.
const defaultMaxMessageSize = 150 * 1024

// messageOverhead is the room that Node.MaxPayload leaves for topic, timestamp and tags
// of the WakuMessage around the payload; chat/waku leaves the same.
const messageOverhead = 256

// virtualTick is the time by which one publish moves the virtual clock of a manual
// network, so that delays and reordering have an effect there.
const virtualTick = time.Millisecond

// minReorderWindow is the shortest range from which the delay of a reordered envelope
// is drawn: in a manual network 20 later publishes can overtake it.
const minReorderWindow = 20 * time.Millisecond

// Options sets the faults of a Network. The zero value is a perfect network.
type Options struct {
	// Seed of every decision.
	Seed uint64
	// Loss, Duplicate and Reorder are probabilities (0..1) for each envelope and
	// each receiver: that it never arrives, that it arrives twice, that later
	// ones may overtake it.
	Loss, Duplicate, Reorder float64
	// MaxDelay: each delivery waits between 0 and this long. Order from one
	// publish to the next is kept unless Reorder says otherwise.
	MaxDelay time.Duration
	// MaxMessageSize is the largest WakuMessage in bytes; 0 means 150 KiB.
	MaxMessageSize int
	// Manual networks deliver nothing by themselves: see Step and Drain.
	Manual bool
	// Stores is the number of store nodes that keep everything for 30 days; they come
	// before all other nodes. See AddStore for others.
	Stores int
}

// Stats counts what a Network did since it was made.
type Stats struct {
	Published  uint64 // accepted by Publish
	Delivered  uint64 // handed to a node's Received
	Lost       uint64 // by Options.Loss
	Duplicated uint64 // by Options.Duplicate
	Dropped    uint64 // because a receiver's queue was full
	Queries    uint64 // that reached a store node
}

// Network is a set of nodes. Its methods may be called from any goroutine.
type Network struct {
	options Options

	mu      sync.Mutex
	random  *rand.Rand
	joined  uint64        // number given to the last node that joined
	order   uint64        // number given to the last delivery queued
	virtual time.Duration // the clock of a manual network
	running []*Node       // started nodes, in the order they joined
	cuts    map[link]bool
	taps    map[uint64]func(port.Envelope)
	tapped  uint64 // number given to the last tap
	stats   Stats
}

// link is an unordered pair of node numbers.
type link struct{ low, high uint64 }

func linkOf(a, b *Node) link {
	return link{min(a.number, b.number), max(a.number, b.number)}
}

// New makes an empty network. Probabilities outside 0..1 mean never or always.
func New(o Options) *Network {
	if o.MaxMessageSize <= 0 {
		o.MaxMessageSize = defaultMaxMessageSize
	}
	o.MaxDelay = max(o.MaxDelay, 0)
	n := &Network{
		options: o,
		random:  rand.New(rand.NewPCG(o.Seed, 0)),
		cuts:    map[link]bool{},
		taps:    map[uint64]func(port.Envelope){},
	}
	for range o.Stores {
		n.AddStore(StoreOptions{})
	}
	return n
}

// Join makes a new node, not yet started. Nodes are numbered from 1. The
// Transport is a *Node.
func (n *Network) Join() port.Transport {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.joined++
	return &Node{network: n, number: n.joined, topics: map[string]bool{}, online: true}
}

// Stats returns what the network has done so far.
func (n *Network) Stats() Stats {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.stats
}

// Tap calls watch with every envelope that the network accepts, even one that is lost
// later, until cancel is called. It is called on the publisher's goroutine, under no
// lock, after the envelope was queued.
func (n *Network) Tap(watch func(port.Envelope)) (cancel func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tapped++
	id := n.tapped
	n.taps[id] = watch
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.taps, id)
	}
}

// Inject brings an envelope of nobody to every online node, without loss or delay
// and without a draw from the seeded source. An empty PubsubTopic means ours.
func (n *Network) Inject(e port.Envelope) {
	if e.PubsubTopic == "" {
		e.PubsubTopic = PubsubTopic
	}
	e.Payload = bytes.Clone(e.Payload)
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, receiver := range n.running {
		if receiver.online {
			n.queue(receiver, e, receiver.inOrder(n.now()))
		}
	}
}

// Partition cuts the link between two nodes of this network; Heal joins it again.
// What is under way arrives. Transports of another kind are an error.
func (n *Network) Partition(a, b port.Transport) error { return n.setCut(a, b, true) }

// Heal undoes Partition.
func (n *Network) Heal(a, b port.Transport) error { return n.setCut(a, b, false) }

func (n *Network) setCut(a, b port.Transport, cut bool) error {
	first, okA := a.(*Node)
	second, okB := b.(*Node)
	if !okA || !okB || first.network != n || second.network != n || first == second {
		return fmt.Errorf("memnet: these are not two nodes of this network")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rewire(func() { n.cut(linkOf(first, second), cut) })
	return nil
}

// cut records or forgets a cut. n.mu is held.
func (n *Network) cut(l link, cut bool) {
	if cut {
		n.cuts[l] = true
	} else {
		delete(n.cuts, l)
	}
}

// linked reports whether a and b are peers. n.mu is held.
func (n *Network) linked(a, b *Node) bool {
	return a != b && a.active() && b.active() && !n.cuts[linkOf(a, b)]
}

// now is the time deliveries are due by: virtual in a manual network, otherwise
// since the process started. n.mu is held.
func (n *Network) now() time.Duration {
	if n.options.Manual {
		return n.virtual
	}
	return time.Since(processStart)
}

// processStart makes monotonic durations out of time.Now.
var processStart = time.Now()
