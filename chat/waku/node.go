package waku

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/port"
)

// Node is a node of the network, in one of two modes. It implements port.Transport; all
// methods may be called from any goroutine. After Stop it can be started again.
type Node struct {
	settings   settings
	topics     topicSet
	static     staticPeers
	candidates *candidates
	elsewhere  *elsewhere
	stores     *storeRecords
	counters   counters
	meter      meter

	lifecycle sync.Mutex // held by Start and Stop, also while they wait
	running   atomic.Pointer[run]
}

var _ port.Transport = (*Node)(nil)

// New checks a configuration. Nothing listens or dials before Start. It fails with
// a *port.Error: CodeBadAddress or CodeBadConfig, naming the field
// ("network.listen", "network.peers[0]", "network.shards[1]", ...).
func New(c Config) (*Node, error) {
	s, err := c.check()
	if err != nil {
		return nil, err
	}
	n := &Node{settings: s, candidates: newCandidates(), elsewhere: newElsewhere(), stores: newStoreRecords(s.storePeers)}
	n.meter.began, n.meter.apart = time.Now(), s.timing.apart
	for _, info := range s.peers {
		p, _ := n.static.add(info) // their number was checked
		p.keep()
	}
	for _, info := range s.storePeers {
		n.static.add(info)
	}
	return n, nil
}

// Start listens and begins to dial the static peers; it does not wait for them. An
// address that cannot be listened on is CodePortInUse or CodeBadConfig with field
// "network.listen". A ctx that has ended stops it from starting.
func (n *Node) Start(ctx context.Context, hooks port.TransportHooks) error {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	if n.running.Load() != nil {
		return port.Errorf(port.CodeInternal, "", "the node is started already")
	}
	if hooks.NodeKey.IsZero() {
		return port.Errorf(port.CodeInternal, "", "the node has no key")
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	r, err := begin(n, hooks)
	if err != nil {
		return err
	}
	n.running.Store(r)
	r.work()
	return nil
}

// Stop closes everything and waits for it, and for hooks that are being called; it
// must not be called from one. Should go-waku not come to an end within stopWait,
// CodeTimeout is returned and its goroutines are left behind.
func (n *Node) Stop() error {
	n.lifecycle.Lock()
	defer n.lifecycle.Unlock()
	r := n.running.Swap(nil)
	if r == nil {
		return nil
	}
	return r.end()
}

// Subscribe adds content topics. It works at any time, also before Start.
func (n *Node) Subscribe(contentTopics ...string) error {
	n.topics.add(contentTopics)
	n.topicsChanged()
	return nil
}

// Unsubscribe takes content topics away.
func (n *Node) Unsubscribe(contentTopics ...string) error {
	n.topics.remove(contentTopics)
	n.topicsChanged()
	return nil
}

func (n *Node) topicsChanged() {
	if r := n.running.Load(); r != nil {
		r.mode.topicsChanged()
	}
}

// PubsubTopic is /waku/2/rs/<cluster>/<shard> of the shard to publish on now.
func (n *Node) PubsubTopic() string {
	if r := n.running.Load(); r != nil {
		topic, _, _ := r.publishTopic()
		return topic
	}
	return n.settings.pubsubTopic(n.settings.shards[0])
}

// messageOverhead is the room that MaxPayload leaves for the rest of the message:
// content topic (about 30 bytes in 23/WAKU2-TOPICS' form), timestamp, version and tags.
const messageOverhead = 256

// MaxPayload is the largest payload that can be published under a content topic of
// up to 200 bytes. Publish measures the whole message.
func (n *Node) MaxPayload() int { return n.settings.maxMessageSize - messageOverhead }

// Connect makes a peer static and starts dialling it; another address of a known
// one is added. Fails with CodeBadAddress, or CodeTooMany above 256 peers.
func (n *Node) Connect(address string) error {
	info, err := parsePeer("address", address)
	if err != nil {
		return err
	}
	r := n.running.Load()
	if r != nil && r.host().ID() == info.ID {
		return port.Errorf(port.CodeBadAddress, "address", "this is the node's own address")
	}
	p, ok := n.static.add(info)
	if !ok {
		return port.Errorf(port.CodeTooMany, "address", "at most %d static peers", maxAddresses)
	}
	p.keep()
	if r != nil {
		r.keep(p)
	}
	return nil
}

// Disconnect forgets a static peer and closes the connections to it, or to one that
// dialled us. Fails with CodeNotFound when it is neither.
func (n *Node) Disconnect(peerID string) error {
	id, err := peer.Decode(peerID)
	if err != nil {
		return port.Errorf(port.CodeNotFound, "peer_id", "there is no such peer")
	}
	known := n.static.remove(id)
	n.candidates.forget(id)
	r := n.running.Load()
	if r != nil && r.connected(id) {
		known = true
	}
	if !known {
		return port.Errorf(port.CodeNotFound, "peer_id", "there is no such peer")
	}
	if r != nil {
		r.drop(id)
	}
	return nil
}

// Status returns the state of the node. Peers lists the static ones in the order they
// were added, then the others in the order of their ids.
func (n *Node) Status() port.NetworkStatus {
	s := port.NetworkStatus{
		Kind: "waku", Mode: enum.NodeMode(n.settings.mode), State: port.NetworkStopped, PubsubTopic: n.PubsubTopic(),
		ListenAddresses: []string{}, Peers: []port.NetworkPeer{},
	}
	r := n.running.Load()
	listed := map[peer.ID]bool{}
	for _, p := range n.static.list() {
		listed[p.id] = true
		s.Peers = append(s.Peers, port.NetworkPeer{PeerID: p.id.String(), Address: p.addressText(),
			Static: true, OnDemand: !p.isKept(), Connected: r != nil && r.connected(p.id), OnShard: r != nil && r.members.has(p.id), Error: p.problemText()})
	}
	if r == nil {
		return s
	}
	s.State = r.currentState()
	s.Shards = r.shardStatus()
	r.mode.describe(&s)
	s.Protocols = r.protocolStatus()
	s.PeerID = r.host().ID().String()
	for _, address := range r.node.addresses() {
		s.ListenAddresses = append(s.ListenAddresses, address.String())
	}
	ids := r.host().Network().Peers()
	slices.Sort(ids)
	for _, id := range ids {
		if !listed[id] && r.connected(id) {
			s.Peers = append(s.Peers, port.NetworkPeer{PeerID: id.String(), Address: remoteAddress(r.host().Network().ConnsToPeer(id)),
				Connected: true, OnShard: r.members.has(id)})
		}
	}
	return s
}

// remoteAddress returns the remote address of the first of these connections.
func remoteAddress(connections []network.Conn) string {
	if len(connections) == 0 {
		return ""
	}
	return connections[0].RemoteMultiaddr().String()
}

// Stats counts what a Node did since it was made, over all its starts.
type Stats struct {
	Received uint64 // envelopes of subscribed content topics, own ones not counted
	Dropped  uint64 // of those, lost because Received was too slow
}

// Stats tells the counters.
func (n *Node) Stats() Stats {
	return Stats{Received: n.counters.received.Load(), Dropped: n.counters.dropped.Load()}
}

type counters struct{ received, dropped atomic.Uint64 }
