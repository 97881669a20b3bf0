package chat

import (
	"context"
	"errors"
	"io"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// Table names one kind of record of the store: an unordered map from a key to a
// value. The tables the engine uses are listed in tables.go.
type Table string

// Numbered tells that the name begins with #. The keys of such a table are numbers
// that rise with time, of 8 bytes: an adapter may show them, and can keep what is
// written together in one place.
func (t Table) Numbered() bool { return len(t) > 0 && t[0] == '#' }

// Store is the port to what survives a restart. Everything put into it is
// confidential: an adapter that keeps it on disk encrypts values and hides keys.
//
// Update runs fn in a write transaction and returns after it is durable, or with
// fn's error and nothing changed. Many goroutines may call it at once; the
// adapter may put several closures into one commit, but each sees the writes of
// those before it and a failing one leaves no trace. fn must only read and write:
// no cryptography, no network, no other transaction. fn runs once.
//
// View runs fn on a consistent snapshot; writing in it is an error.
type Store interface {
	View(fn func(Tx) error) error
	Update(fn func(Tx) error) error
	// Check walks the whole store and calls report for each damaged or
	// impossible record. It returns how many records it read.
	Check(ctx context.Context, report func(problem string)) (records int, err error)
	// Suspend waits for running transactions and releases the file and its
	// lock; until Resume every transaction fails with CodeStoreSuspended.
	Suspend() error
	Resume() error
	// ChangePassphrase re-wraps the data key, and returns when the old passphrase
	// opens nothing of the store any more. A memory store ignores it.
	ChangePassphrase(old, new string) error
	// Authenticate reports whether the passphrase, or the key, is the one that
	// opens the store: CodeWrongPassphrase if not. A memory store takes any.
	Authenticate(passphrase string, key []byte) error
	// Destroy closes the store for good, erases its keys and removes its file.
	Destroy() error
	// Info describes the store for people: kind, path, size, schema version.
	Info() StoreInfo
	// Close waits for running transactions and releases everything. Idempotent.
	Close() error
}

// StoreInfo is what Store.Info tells. Path is empty for a memory store.
type StoreInfo struct {
	Kind          string `json:"kind"`           // "file" or "memory"
	Path          string `json:"path,omitempty"` // of the bbolt file
	SizeBytes     int64  `json:"size_bytes"`
	SchemaVersion int    `json:"schema_version"`
}

// Queue names a list whose entries get rising numbers and leave from the front.
type Queue string

// Position places a message in the history of a chat: by Lamport clock, then id.
type Position struct {
	Clock uint64
	ID    [32]byte
}

// Tx is one transaction of a Store. Byte slices handed out belong to the caller;
// slices handed in are copied. A Tx is dead when its closure returns.
type Tx interface {
	// Get returns nil when there is no such record.
	Get(t Table, key []byte) ([]byte, error)
	Put(t Table, key, value []byte) error
	// Delete of a missing record is fine.
	Delete(t Table, key []byte) error
	// Each visits every record of t in no particular order. fn must not write
	// to t. An error from fn ends the walk and is returned.
	Each(t Table, fn func(key, value []byte) error) error

	// Append adds value to q under the next number. Numbers start at 1, rise by
	// one and are never used twice, not even after Trim and a restart.
	Append(q Queue, value []byte) (seq uint64, err error)
	// Range visits entries of q in rising order, beginning with the first whose
	// number is at least from, until fn returns an error or false.
	Range(q Queue, from uint64, fn func(seq uint64, value []byte) (more bool, err error)) error
	// Trim drops all entries of q up to and including upTo.
	Trim(q Queue, upTo uint64) error
	// Bounds tells the lowest number held and the last number given out
	// (first > last when q is empty).
	Bounds(q Queue) (first, last uint64, err error)

	// Insert puts p into the history named chat, which stays sorted by
	// (Clock, ID). It reports false when p is there already.
	Insert(chat []byte, p Position) (added bool, err error)
	// Page lists up to limit positions of a history, newest first. before is
	// exclusive; nil starts at the newest.
	Page(chat []byte, before *Position, limit int) ([]Position, error)
	// Count is how many positions the history named chat holds.
	Count(chat []byte) (uint64, error)
	// DropHistory removes the history named chat.
	DropHistory(chat []byte) error
}

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

// Evidence says why an envelope counts as sent.
type Evidence struct {
	Kind  string `json:"kind"`            // "relay" or "memory"
	Peers int    `json:"peers,omitempty"` // mesh peers it was handed to
}

// NetworkState is how well connected we are.
type NetworkState string

// The states of the network, worst first.
const (
	NetworkStopped NetworkState = "stopped" // not started, or closed
	NetworkOffline NetworkState = "offline" // no peer to publish to
	NetworkOnline  NetworkState = "online"  // at least one peer to publish to
)

// NetworkStatus is what Transport.Status tells.
type NetworkStatus struct {
	Kind            string        `json:"kind"` // "waku" or "memory"
	State           NetworkState  `json:"state"`
	PeerID          string        `json:"peer_id,omitempty"`
	ListenAddresses []string      `json:"listen_addresses"` // multiaddresses with /p2p/ id, to hand to others
	Peers           []NetworkPeer `json:"peers"`
	PubsubTopic     string        `json:"pubsub_topic"`
}

// NetworkPeer is a connected (or configured) peer.
type NetworkPeer struct {
	PeerID    string `json:"peer_id"`
	Address   string `json:"address,omitempty"`
	Connected bool   `json:"connected"`
	Static    bool   `json:"static"` // from configuration or network.connect: kept and redialled
}

// NetworkChange is reported by a transport when something about peers changes.
type NetworkChange struct {
	State NetworkState
	// Peer is set when this change is about one peer.
	Peer      string
	Connected bool
	Static    bool   // the peer is from the configuration or was connected to by Connect
	Error     string // why a static peer could not be reached; only on the first failure of a row
}

// TransportHooks is what the engine gives a transport at Start. All are called
// from the transport's own goroutines, never under its locks, and return soon.
// Received must not be called with envelopes of topics nobody subscribed to.
type TransportHooks struct {
	// NodeKey is the long-lived key of this node (its libp2p identity), for a node that
	// others know the address of. Others should have a new one at each start.
	NodeKey  key.Private
	Received func(Envelope)
	Changed  func(NetworkChange)
	// Panicked is told about a recovered panic of one of its goroutines.
	Panicked func(where string, value any, stack []byte)
	Log      Logger
}

// Transport is the port to the network.
type Transport interface {
	// Start begins listening and dialling. An address that cannot be listened
	// on is an *Error with CodePortInUse or CodeBadConfig, naming the field.
	Start(ctx context.Context, hooks TransportHooks) error
	// Subscribe adds content topics on the transport's pubsub topic. Known ones
	// are ignored.
	Subscribe(contentTopics ...string) error
	// Unsubscribe takes content topics away again.
	Unsubscribe(contentTopics ...string) error
	// PubsubTopic is the topic envelopes are published on.
	PubsubTopic() string
	// MaxPayload is the largest Envelope.Payload that can be published, bytes.
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

// Clock is the port to time. Now is the time of day, which somebody may set; it
// carries no monotonic reading, by which differences would leave out what a machine
// slept through. Both reads with it, at the same moment, how much time has passed since
// some moment by a clock that nobody sets and that may stand still while the machine
// sleeps. Wait returns a channel that gets one value after d, by the latter clock, and a
// function that gives the timer up.
type Clock interface {
	Now() time.Time
	Both() (now time.Time, passed time.Duration)
	Wait(d time.Duration) (<-chan time.Time, func())
}

// Logger receives diagnostic lines. Fields never hold keys, seeds, plaintext or
// passphrases. Implementations must be safe for concurrent use.
type Logger interface {
	// Log takes level "debug", "info", "warn" or "error".
	Log(level, msg string, fields ...any)
}

// Randomness for keys and nonces: crypto/rand.Reader in production.
type Randomness = io.Reader
