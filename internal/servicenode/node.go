// Package servicenode is a service node of the Waku network for tests: it relays on the
// shards of a cluster, stores what it relays, and serves store, filter, lightpush and
// peer exchange to light nodes. go-waku has the client's side of some of these only.
//
// It is made to be tested against: faults can be switched on while it runs (Faults), its
// archive can be filled and read, and what it was asked is counted. It does not defend
// itself against anybody, and must not be linked into the library.
package servicenode

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"

	"libstatus1to1/chat/protocol/key"
)

// Protocol names a protocol that a node may serve.
type Protocol = protocol.ID

// The protocols of a node. Relay stands for gossipsub in all its versions.
const (
	Relay        Protocol = "/vac/waku/relay/2.0.0"
	Metadata     Protocol = "/vac/waku/metadata/1.0.0"
	Store        Protocol = "/vac/waku/store-query/3.0.0"
	Filter       Protocol = "/vac/waku/filter-subscribe/2.0.0-beta1"
	FilterPush   Protocol = "/vac/waku/filter-push/2.0.0-beta1" // spoken, not served
	Lightpush    Protocol = "/vac/waku/lightpush/3.0.0"
	LightpushV2  Protocol = "/vac/waku/lightpush/2.0.0-beta1"
	PeerExchange Protocol = "/vac/waku/peer-exchange/2.0.0-alpha1"
)

// AllProtocols returns what a node serves unless Options says otherwise.
func AllProtocols() []Protocol {
	return []Protocol{Relay, Metadata, Store, Filter, Lightpush, LightpushV2, PeerExchange}
}

// Options configures Start. The zero value is a node on a free port of loopback.
type Options struct {
	// Listen are multiaddresses; nil means a TCP and a WebSocket port of loopback. A node
	// that is to be started again at the same place names its ports and its Key.
	Listen []string
	Key    key.Private // the node's identity; a new one if it is zero
	// Cluster is 16 and Shards is 32 unless they are given.
	Cluster uint16
	Shards  []uint16
	Peers   []string // multiaddresses of nodes to relay with, dialled again when they are lost
	// Protocols are those that are served; nil means all. Without Relay the node is on no
	// shard and has only what is put into its archive.
	Protocols []Protocol
	// Archive holds the stored messages. Nodes may share one, and a node that is started
	// again keeps what it had; nil makes a new one.
	Archive *Archive
	// MaxMessageSize is the size up to which messages are relayed; 1 MiB unless it is given.
	MaxMessageSize int
	// MinRelayPeers is the number of peers on the shard below which lightpush is refused.
	MinRelayPeers int
	// Variance is how far the timestamp of a relayed message may be from the node's clock;
	// others are not stored. It is 20 s unless it is given, as on the nodes of the fleet;
	// below zero all are stored.
	Variance time.Duration
	// OnePushStream pushes everything of a subscriber through one stream, as newer nodes do,
	// instead of opening a stream a message.
	OnePushStream bool
	// Heard is told of each message that is relayed, and Queried of the content topics of
	// each store query, in the order in which they come; nil tells nobody. They must not
	// wait.
	Heard   func(*wakupb.WakuMessage)
	Queried func(contentTopics []string)
	Faults  Faults
}

// maxVariance is the Variance of the nodes of the fleet.
const maxVariance = 20 * time.Second

// maxMessageSize is the largest message that the Status fleet takes, in bytes.
const maxMessageSize = 1 << 20

func (o Options) withDefaults() (Options, error) {
	if o.Listen == nil {
		o.Listen = []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0/ws"}
	}
	if o.Cluster == 0 {
		o.Cluster = 16
	}
	if len(o.Shards) == 0 {
		o.Shards = []uint16{32}
	}
	if o.Protocols == nil {
		o.Protocols = AllProtocols()
	}
	if o.Archive == nil {
		o.Archive = NewArchive()
	}
	if o.MaxMessageSize == 0 {
		o.MaxMessageSize = maxMessageSize
	}
	if o.Variance == 0 {
		o.Variance = maxVariance
	}
	var err error
	if o.Key.IsZero() {
		o.Key, err = key.Generate(rand.Reader)
	}
	return o, err
}

func (o Options) serves(p Protocol) bool { return slices.Contains(o.Protocols, p) }

// topics returns the names of the shards. Spec: 51/WAKU2-RELAY-SHARDING, "Static
// Sharding".
func (o Options) topics() []string {
	topics := make([]string, len(o.Shards))
	for i, shard := range o.Shards {
		topics[i] = fmt.Sprintf("/waku/2/rs/%d/%d", o.Cluster, shard)
	}
	return topics
}

// Node is a service node that runs. Its methods may be called from any goroutine.
type Node struct {
	options Options
	host    host.Host
	relay   *pubsub.PubSub
	topics  map[string]*pubsub.Topic // by name
	filter  subscriptions
	faults  atomic.Pointer[Faults]

	mu      sync.Mutex
	asked   map[Protocol]int
	records [][]byte // for peer exchange

	ctx     context.Context
	cancel  context.CancelFunc
	working sync.WaitGroup
}

// Start starts a node. On an error nothing is left behind.
func Start(o Options) (_ *Node, err error) {
	if o, err = o.withDefaults(); err != nil {
		return nil, err
	}
	n := &Node{options: o, topics: map[string]*pubsub.Topic{}, asked: map[Protocol]int{}}
	n.faults.Store(&o.Faults)
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if n.host, err = newHost(o); err != nil {
		n.cancel()
		return nil, fmt.Errorf("servicenode: %w", err)
	}
	n.serve()
	if err = n.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("servicenode: %w", err), n.Close())
	}
	return n, nil
}

func (n *Node) begin() error {
	if err := n.join(); err != nil {
		return err
	}
	if err := n.listen(); err != nil {
		return err
	}
	return n.dial()
}

// Close ends the node and waits for it. The archive stays as it is.
func (n *Node) Close() error {
	n.cancel()
	err := n.host.Close()
	n.working.Wait()
	return err
}

// ID returns the node's peer id.
func (n *Node) ID() string { return n.host.ID().String() }

// Host returns the node's libp2p host, for tests that do what a service node never does.
func (n *Node) Host() host.Host { return n.host }

// Addresses returns the multiaddresses that the node listens on, with its peer id: those
// for TCP first, then those for WebSockets.
func (n *Node) Addresses() []string {
	var plain, web []string
	for _, address := range n.host.Network().ListenAddresses() {
		text := address.String() + "/p2p/" + n.ID()
		if _, err := address.ValueForProtocol(ma.P_WS); err == nil {
			web = append(web, text)
		} else {
			plain = append(plain, text)
		}
	}
	return append(plain, web...)
}

// Address returns the first address.
func (n *Node) Address() string { return n.Addresses()[0] }

// Archive returns the node's stored messages.
func (n *Node) Archive() *Archive { return n.options.Archive }

// PubsubTopics returns the names of the node's shards.
func (n *Node) PubsubTopics() []string { return n.options.topics() }

// SetFaults replaces the faults; the zero value mends all.
func (n *Node) SetFaults(f Faults) { n.faults.Store(&f) }

func (n *Node) currentFaults() Faults { return *n.faults.Load() }

// Asked returns the number of streams that peers have opened for a protocol so far.
func (n *Node) Asked(p Protocol) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[p]
}

func (n *Node) count(p Protocol) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked[p]++
}

// Connected returns the ids of the peers that are connected.
func (n *Node) Connected() []string {
	var ids []string
	for _, id := range n.host.Network().Peers() {
		ids = append(ids, id.String())
	}
	slices.Sort(ids)
	return ids
}

// Drop closes the connections to a peer.
func (n *Node) Drop(id string) error {
	decoded, err := peer.Decode(id)
	if err != nil {
		return err
	}
	return n.host.Network().ClosePeer(decoded)
}

// dial keeps the node connected to its peers.
func (n *Node) dial() error {
	for _, text := range n.options.Peers {
		info, err := peer.AddrInfoFromString(text)
		if err != nil {
			return err
		}
		n.working.Go(func() { n.keep(*info) })
	}
	return nil
}

// redial is the wait between attempts to reach a peer.
const redial = 200 * time.Millisecond

func (n *Node) keep(info peer.AddrInfo) {
	for n.ctx.Err() == nil {
		_ = n.host.Connect(n.ctx, info) // tried again
		select {
		case <-n.ctx.Done():
		case <-time.After(redial):
		}
	}
}
