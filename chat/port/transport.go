package port

import (
	"context"
	"errors"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/protocol/key"
)

// Envelope is a WakuMessage (14/WAKU2-MESSAGE) with the pubsub topic it travels on.
type Envelope struct {
	PubsubTopic  string
	ContentTopic string
	Payload      []byte
	Version      uint32
	Timestamp    int64 // ns since 1970, as the sender says
	Ephemeral    bool
}

// ErrNoPeers is returned by Publish when nobody is there to take the envelope.
// It is not a failure of the message: the engine tries again when peers appear.
var ErrNoPeers = errors.New("network: no peers to publish to")

// ErrTooLarge is returned by Publish for an envelope above the network's limit.
var ErrTooLarge = errors.New("network: envelope is larger than the network carries")

// Evidence shows on what grounds an envelope counts as sent.
type Evidence struct {
	Kind  enum.EvidenceKind `json:"kind"`            // "relay", "lightpush", "external" or "memory"
	Peers int               `json:"peers,omitempty"` // the number of peers it was handed to; for "lightpush", to which the service node relayed it
	// Hash is the message hash by which store nodes know the envelope (14/WAKU2-MESSAGE,
	// "Deterministic message hashing"); zero where there are no store nodes.
	Hash [32]byte `json:"-"`
}

// NetworkState tells whether messages can be published.
type NetworkState = enum.NetworkState

// The states of the network, worst first.
const (
	NetworkStopped = enum.NetworkStopped // not started, or closed
	NetworkOffline = enum.NetworkOffline // no peer to publish to, or in light mode none that pushes to us
	NetworkOnline  = enum.NetworkOnline  // at least one peer to publish to, in light mode also one that pushes to us
)

// The modes of NetworkStatus.Mode: a node that relays for others, and one that is a client
// of service nodes.
const (
	ModeRelay = enum.NodeRelay
	ModeLight = enum.NodeLight
)

// NetworkStatus describes the network at one moment.
type NetworkStatus struct {
	Kind enum.NetworkKind `json:"kind"` // "waku", "memory" or "external"
	// Mode is "relay" or "light"; left out where there are no modes.
	Mode enum.NodeMode `json:"mode,omitempty"`
	// State is "online" (messages can be published, and in light mode a service node pushes to
	// us), "offline" or "stopped".
	State           enum.NetworkState `json:"state"`
	PeerID          string            `json:"peer_id,omitempty"`
	ListenAddresses []string          `json:"listen_addresses"` // our multiaddresses with /p2p/<peer id>, for others to connect to
	Peers           []NetworkPeer     `json:"peers"`
	// PubsubTopic is the topic of the shard that is published on at the moment.
	PubsubTopic string `json:"pubsub_topic"`
	// Shards are all shards the node listens on while it runs, the preferred one first.
	// It publishes on the first that has enough peers.
	Shards []NetworkShard `json:"shards,omitempty"`
	// Subscriptions lists the subscriptions at service nodes, in light mode. Each content
	// topic is subscribed at two nodes where there are two.
	Subscriptions []NetworkSubscription `json:"subscriptions,omitempty"`
	// Protocols counts, for each protocol that we use, the connected peers that speak it.
	Protocols []NetworkProtocol `json:"protocols,omitempty"`
}

// NetworkSubscription is the subscription at one service node (12/WAKU2-FILTER).
type NetworkSubscription struct {
	PeerID string `json:"peer_id"`
	// Working is true once the node has accepted all content topics of the first request.
	Working bool `json:"working"`
	Topics  int  `json:"topics"` // number of content topics that it has accepted
	// WorkedAt is the time at which the node was last known to push, in ms since 1970; left
	// out until it is working.
	WorkedAt int64 `json:"worked_at,omitempty"`
}

// NetworkProtocol counts the peers that speak a protocol.
type NetworkProtocol struct {
	Protocol enum.NetworkProtocolName `json:"protocol"` // "relay", "store", "filter", "lightpush" or "peer_exchange"
	Peers    int                      `json:"peers"`
}

// NetworkShard is a shard the node listens on.
type NetworkShard struct {
	Shard       int    `json:"shard"`
	PubsubTopic string `json:"pubsub_topic"`
	Peers       int    `json:"peers"` // that are on it: what is published there reaches them
}

// NetworkPeer is a peer that is connected or configured.
type NetworkPeer struct {
	PeerID    string `json:"peer_id"`
	Address   string `json:"address,omitempty"`
	Connected bool   `json:"connected"`
	Static    bool   `json:"static"` // true for peers from the configuration or network.connect, which are redialled
	// OnDemand is true for a store node of the configuration that is connected to only when
	// it is asked for something.
	OnDemand bool `json:"on_demand,omitempty"`
	// OnShard is true while the peer is on one of our shards. Only then does what we
	// publish reach it, and only then does it count for network.wait.
	// In light mode it is a service node of one of our shards.
	OnShard bool `json:"on_shard"`
	// Error is the reason a static peer is not connected or not on our shards: it cannot
	// be reached, or is of another cluster or shard.
	Error string `json:"error,omitempty"`
}

// NetworkChange is reported by a transport when something about peers changes.
type NetworkChange struct {
	State NetworkState
	// Peer is set when this change is about one peer.
	Peer      string
	Connected bool
	Static    bool   // the peer is from the configuration or was connected to by Connect
	OnShard   bool   // the peer is on a shard of ours
	Error     string // why a static peer could not be reached; only on the first failure of a row
}

// TransportHooks are the functions and the key that the engine gives a transport at
// Start. They are called from the transport's own goroutines, never under its locks,
// and return soon. Received must not be called with envelopes of topics that nobody has
// subscribed to.
type TransportHooks struct {
	// NodeKey is the long-lived key of this node (its libp2p identity), for nodes whose
	// address others know. All other nodes should use a new key at each start.
	NodeKey  key.Private
	Received func(Envelope)
	// Heard is called, by transports that receive all topics, with each envelope that others
	// publish, subscribed to or not, without its payload. It may be nil.
	Heard   func(Envelope)
	Changed func(NetworkChange)
	// Missed is called when envelopes of subscribed topics may not have arrived since a
	// moment: the node was offline, a subscription was lost or silent, a queue was full. The
	// zero time is the start. It may be nil.
	Missed func(since time.Time)
	// Panicked is called after a panic in one of the transport's goroutines was
	// recovered.
	Panicked func(where string, value any, stack []byte)
	Log      Logger
	// Peers keeps the addresses of peers over restarts; nil keeps nothing. A transport
	// that finds none itself does not use it.
	Peers PeerMemory
	// Carrier is used by an External transport only, which needs it.
	Carrier Carrier
}

// PeerMemory is one record of a transport's own, some KiB at most. Its methods may be
// called from any goroutine until Stop returns.
type PeerMemory interface {
	// Load returns what was saved last, or nil.
	Load() ([]byte, error)
	Save(b []byte) error
}

// Transport is the port to the network.
type Transport interface {
	// Start begins listening and dialling. An address that cannot be listened
	// on is an *Error with CodePortInUse or CodeBadConfig, naming the field.
	Start(ctx context.Context, hooks TransportHooks) error
	// Subscribe adds content topics on all of the transport's pubsub topics. Known ones
	// are ignored.
	Subscribe(contentTopics ...string) error
	// Unsubscribe takes content topics away again.
	Unsubscribe(contentTopics ...string) error
	// PubsubTopic returns the topic that envelopes are published on at the moment.
	PubsubTopic() string
	// MaxPayload returns the largest Envelope.Payload that can be published, in bytes.
	MaxPayload() int
	// Publish hands an envelope to the network. It returns ErrNoPeers rather
	// than publish into the void.
	Publish(ctx context.Context, e Envelope) (Evidence, error)
	// Connect adds a static peer and starts dialling it; it does not wait.
	Connect(address string) error
	// Disconnect forgets a static peer and closes its connections.
	Disconnect(peerID string) error
	Status() NetworkStatus
	// Stop ends everything and waits for it. Idempotent.
	Stop() error
}
