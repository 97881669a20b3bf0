package memnet

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

// Node is one client's place in a Network. It implements port.Transport. The
// network's lock guards its fields. Start works again after Stop.
type Node struct {
	network *Network
	number  uint64

	online  bool // see SetOnline
	topics  map[string]bool
	run     *run // nil while stopped
	pending pending
	changes []port.NetworkChange
	lastDue time.Duration // of the last delivery that keeps its order
	// cut: it has lost a link over which envelopes may go meanwhile; missed: that is to be
	// reported, since it has one again.
	cut, missed bool
	store       *Store // nil for the node of a client
}

// run holds everything that belongs to one Start.
type run struct {
	hooks port.TransportHooks
	stop  chan struct{}
	woken chan struct{}  // holds one value when there may be work
	busy  sync.WaitGroup // the delivering goroutine, and hooks being called
}

var _ port.Transport = (*Node)(nil)

// Start joins the running nodes. It never fails, except when started already.
func (d *Node) Start(_ context.Context, hooks port.TransportHooks) error {
	n := d.network
	n.mu.Lock()
	defer n.mu.Unlock()
	if d.run != nil {
		return port.Errorf(port.CodeInternal, "", "the memory network is started already")
	}
	r := &run{hooks: hooks, stop: make(chan struct{}), woken: make(chan struct{}, 1)}
	n.rewire(func() {
		d.run, d.lastDue = r, 0
		at, _ := slices.BinarySearchFunc(n.running, d.number, func(e *Node, number uint64) int {
			return int(int64(e.number) - int64(number))
		})
		n.running = slices.Insert(n.running, at, d)
	})
	if !n.options.Manual {
		r.busy.Add(1)
		go d.work(r)
	}
	return nil
}

// Stop leaves the network and waits until no hook is running any more; what was
// queued for this node is gone. It must not be called from a hook.
func (d *Node) Stop() error {
	n := d.network
	n.mu.Lock()
	r := d.run
	if r == nil {
		n.mu.Unlock()
		return nil
	}
	n.rewire(func() {
		d.run, d.pending, d.changes, d.cut, d.missed = nil, pending{}, nil, false, false
		n.running = slices.DeleteFunc(n.running, func(e *Node) bool { return e == d })
	})
	close(r.stop)
	n.mu.Unlock()
	r.busy.Wait()
	return nil
}

// SetOnline pulls the node's plug or puts it in again. A node that is offline has
// no peers and misses everything, also what was on its way.
func (d *Node) SetOnline(online bool) {
	n := d.network
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rewire(func() {
		d.online = online
		if !online {
			d.pending = pending{}
		}
	})
}

// Subscribe adds content topics.
func (d *Node) Subscribe(contentTopics ...string) error {
	d.network.mu.Lock()
	defer d.network.mu.Unlock()
	for _, topic := range contentTopics {
		d.topics[topic] = true
	}
	return nil
}

// Unsubscribe takes content topics away; envelopes on their way are not delivered.
func (d *Node) Unsubscribe(contentTopics ...string) error {
	d.network.mu.Lock()
	defer d.network.mu.Unlock()
	for _, topic := range contentTopics {
		delete(d.topics, topic)
	}
	return nil
}

// PubsubTopic is the constant of that name.
func (d *Node) PubsubTopic() string { return PubsubTopic }

// MaxPayload is Options.MaxMessageSize less what surrounds a payload, in bytes.
func (d *Node) MaxPayload() int { return max(d.network.options.MaxMessageSize-messageOverhead, 0) }

// Publish queues e for every peer. Fails with port.ErrTooLarge, port.ErrNoPeers,
// or CodeBadParams for a foreign pubsub topic.
func (d *Node) Publish(ctx context.Context, e port.Envelope) (port.Evidence, error) {
	if err := ctx.Err(); err != nil {
		return port.Evidence{}, err
	}
	if e.PubsubTopic == "" {
		e.PubsubTopic = PubsubTopic
	}
	if e.PubsubTopic != PubsubTopic {
		return port.Evidence{}, port.Errorf(port.CodeBadParams, "pubsub_topic", "this node is on %s only", PubsubTopic)
	}
	if len(e.Payload) > d.MaxPayload() {
		return port.Evidence{}, port.ErrTooLarge
	}
	peers, taps := d.network.route(d, e)
	if peers == 0 {
		return port.Evidence{}, port.ErrNoPeers
	}
	for _, watch := range taps {
		seen := e
		seen.Payload = bytes.Clone(e.Payload)
		watch(seen)
	}
	evidence := port.Evidence{Kind: "memory", Peers: peers}
	if len(d.StoreNodes()) > 0 {
		evidence.Hash = e.Hash()
	}
	return evidence, nil
}

// Connect undoes Disconnect. The address is /memory/<number>, as Status lists it,
// with or without the /p2p/ part; nodes are peers without being connected.
func (d *Node) Connect(address string) error {
	text, found := strings.CutPrefix(address, addressPrefix)
	text, id, hasID := strings.Cut(text, "/p2p/")
	number, err := strconv.ParseUint(text, 10, 64)
	if !found || err != nil || number == 0 || (hasID && id != peerIDOf(number)) {
		return port.Errorf(port.CodeBadAddress, "address", "a memory address is %s<number>", addressPrefix)
	}
	d.setCut(number, false)
	return nil
}

// Disconnect cuts the link to a peer, named by its peer id, until Connect.
func (d *Node) Disconnect(peerID string) error {
	text, found := strings.CutPrefix(peerID, peerIDPrefix)
	number, err := strconv.ParseUint(text, 10, 64)
	if !found || err != nil || number == d.number || !d.network.knows(number) {
		return port.Errorf(port.CodeNotFound, "peer_id", "there is no such peer")
	}
	d.setCut(number, true)
	return nil
}

func (d *Node) setCut(number uint64, cut bool) {
	n := d.network
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rewire(func() { n.cut(linkOf(d, &Node{number: number}), cut) })
}

// knows reports whether a node of that number ever joined.
func (n *Network) knows(number uint64) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return number >= 1 && number <= n.joined
}

// Status tells about this node; its peers are the running nodes it is linked with.
func (d *Node) Status() port.NetworkStatus {
	n := d.network
	n.mu.Lock()
	defer n.mu.Unlock()
	s := port.NetworkStatus{
		Kind: "memory", State: n.stateOf(d), PubsubTopic: PubsubTopic, PeerID: d.peerID(),
		ListenAddresses: []string{}, Peers: []port.NetworkPeer{},
	}
	if d.run != nil {
		s.ListenAddresses = append(s.ListenAddresses, d.address()+"/p2p/"+d.peerID())
	}
	for _, other := range n.running {
		if n.linked(d, other) {
			s.Peers = append(s.Peers, port.NetworkPeer{PeerID: other.peerID(), Address: other.address(), Connected: true, OnShard: true})
		}
	}
	return s
}

const (
	peerIDPrefix  = "node-"
	addressPrefix = "/memory/"
)

func peerIDOf(number uint64) string { return fmt.Sprint(peerIDPrefix, number) }
func (d *Node) peerID() string      { return peerIDOf(d.number) }
func (d *Node) address() string     { return fmt.Sprint(addressPrefix, d.number) }

// active reports whether the node can have peers. The network's lock is held.
func (d *Node) active() bool { return d.run != nil && d.online }
