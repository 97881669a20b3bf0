package waku

import (
	"context"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"

	"libstatus1to1/chat/port"
)

// stopWait bounds how long Stop waits for go-waku, which normally takes
// milliseconds.
const stopWait = 15 * time.Second

// These limit the calls that wait for a hook. An engine stores some thousand envelopes
// a second, so this is seconds of work and little memory. Changes are small and rare.
const (
	maxInbox      = 8192
	maxInboxBytes = 32 << 20
	maxChanges    = 1024
)

// relayBuffer and eventBuffer are room between go-waku's and libp2p's goroutines
// and ours, which never wait for anybody.
const (
	relayBuffer = 1024
	eventBuffer = 256
)

// run holds everything that belongs to one Start of a Node.
type run struct {
	owner  *Node
	hooks  port.TransportHooks
	node   *relayNode
	topics []string // of our shards, the preferred one first

	ctx     context.Context
	cancel  context.CancelFunc
	gone    chan struct{}  // closed when go-waku has stopped, or was given up
	working sync.WaitGroup // our goroutines
	keepers keepers

	subscriptions []*relay.Subscription // one a shard
	topicEvents   event.Subscription    // relay.EvtPeerTopic
	peerEvents    event.Subscription    // event.EvtPeerConnectednessChanged

	online  atomic.Bool
	members members
	news    news
	inbox   *queue[port.Envelope]
	changes *queue[port.NetworkChange]
	echoes  echoes

	ending sync.RWMutex // read-held by what must not meet the end: Publish, keep
	ended  bool         // guarded by ending
}

// begin starts the relay node and subscribes to the shards; no goroutine of ours
// runs yet.
func begin(n *Node, hooks port.TransportHooks) (*run, error) {
	r := &run{owner: n, hooks: hooks, topics: n.settings.pubsubTopics(), gone: make(chan struct{}),
		inbox:   newQueue[port.Envelope](maxInbox, maxInboxBytes),
		changes: newQueue[port.NetworkChange](maxChanges, math.MaxInt)}
	identity, err := identityOf(n.settings, hooks.NodeKey)
	if err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if r.node, err = newRelayNode(n.settings, identity, &n.static, n.candidates, r.serveMetadata); err != nil {
		r.cancel()
		return nil, err
	}
	if err := recovered(r.subscribe); err != nil {
		r.cancel()
		r.node.stop()
		return nil, port.Errorf(port.CodeInternal, "", "the node could not subscribe to its shards").Because(err)
	}
	return r, nil
}

// subscribe joins the shards and both event buses.
func (r *run) subscribe() (err error) {
	r.topicEvents, err = r.node.relay.Events().Subscribe(new(relay.EvtPeerTopic), eventbus.BufSize(eventBuffer))
	if err != nil {
		return err
	}
	r.peerEvents, err = r.host().EventBus().Subscribe(new(event.EvtPeerConnectednessChanged), eventbus.BufSize(eventBuffer))
	if err != nil {
		return err
	}
	for _, topic := range r.topics {
		subscriptions, err := r.node.relay.Subscribe(r.ctx, protocol.NewContentFilter(topic), relay.WithCacheSize(relayBuffer))
		if err != nil {
			return err
		}
		r.subscriptions = append(r.subscriptions, subscriptions...)
	}
	return nil
}

// work starts our goroutines.
func (r *run) work() {
	r.spawn("waku watch", r.watch)
	for _, subscription := range r.subscriptions {
		r.spawn("waku receive", func() { r.receive(subscription) })
	}
	r.spawn("waku deliver", r.deliver)
	r.spawn("waku changes", r.report)
	for _, p := range r.owner.static.list() {
		r.keep(p)
	}
	if r.owner.settings.finds() {
		r.spawn("waku finder", newFinder(r).work)
	}
}

// end stops the run and waits.
func (r *run) end() error {
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		r.ending.Lock()
		r.ended = true
		r.ending.Unlock()
		r.cancel()
		r.node.stop()
	}()
	var err error
	select {
	case <-stopped:
	case <-time.After(stopWait):
		r.log("error", "go-waku did not stop", "after", stopWait)
		err = port.Errorf(port.CodeTimeout, "", "the network node did not stop within %s", stopWait)
		r.cancel()
	}
	close(r.gone)
	r.working.Wait()
	return err
}

// spawn runs f as one of our goroutines; its panic is reported, not passed on.
func (r *run) spawn(name string, f func()) {
	r.working.Go(func() { r.guard(name, f) })
}

func (r *run) guard(name string, f func()) {
	defer func() {
		if value := recover(); value != nil && r.hooks.Panicked != nil {
			r.hooks.Panicked(name, value, debug.Stack())
		}
	}()
	f()
}

func (r *run) log(level, message string, fields ...any) {
	if r.hooks.Log != nil {
		r.hooks.Log.Log(level, message, fields...)
	}
}

func (r *run) host() host.Host { return r.node.host }

func (r *run) connected(id peer.ID) bool {
	return r.host().Network().Connectedness(id) == network.Connected
}
