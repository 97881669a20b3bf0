package waku

import (
	"context"
	"math"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

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
	node   *baseHost
	mode   mode
	topics []string // of our shards, the preferred one first

	ctx     context.Context
	cancel  context.CancelFunc
	gone    chan struct{}  // closed when go-waku has stopped, or was given up
	working sync.WaitGroup // our goroutines
	keepers keepers

	peerEvents event.Subscription // event.EvtPeerConnectednessChanged and others about peers
	look       chan struct{}      // one value: see who is on our shards

	online  atomic.Bool
	offline time.Time // when it went offline, zero at first; watch has it
	members members
	places  places
	news    news
	gaps    gaps
	inbox   *queue[port.Envelope]
	changes *queue[port.NetworkChange]
	echoes  echoes

	ending sync.RWMutex // read-held by what must not meet the end: relaying, keep
	ended  bool         // guarded by ending
}

// begin makes the host, joins the shards and listens; no goroutine of ours runs yet. On
// an error nothing is left behind.
func begin(n *Node, hooks port.TransportHooks) (*run, error) {
	r := &run{owner: n, hooks: hooks, topics: n.settings.pubsubTopics(), gone: make(chan struct{}), look: make(chan struct{}, 1),
		gaps:    gaps{woken: make(chan struct{}, 1)},
		inbox:   newQueue[port.Envelope](maxInbox, maxInboxBytes),
		changes: newQueue[port.NetworkChange](maxChanges, math.MaxInt)}
	identity, err := identityOf(n.settings, hooks.NodeKey)
	if err != nil {
		return nil, err
	}
	if err := checkListen(n.settings.listen); err != nil {
		return nil, err
	}
	silenceGoLog()
	r.node, err = newHost(identity, n.settings, gate{dials: []dialList{&n.static, n.candidates}, arrivals: newArrivals()}, &n.meter)
	if err != nil {
		return nil, port.Errorf(port.CodeInternal, "", "the node could not be made").Because(err)
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.mode = newMode(r)
	if err := r.join(); err != nil {
		r.cancel()
		r.leave()
		return nil, err
	}
	return r, nil
}

// join takes part in the network. Listening comes last, so that everything is in place
// for the first peer that connects.
func (r *run) join() (err error) {
	r.peerEvents, err = r.node.EventBus().Subscribe([]any{new(event.EvtPeerConnectednessChanged),
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated)}, eventbus.BufSize(eventBuffer))
	if err != nil {
		return port.Errorf(port.CodeInternal, "", "the node could not be made").Because(err)
	}
	r.node.SetStreamHandler(metadataProtocol, r.serveMetadata)
	if err := recovered(r.mode.join); err != nil {
		return port.Errorf(port.CodeInternal, "", "the node could not join its shards").Because(err)
	}
	listen := r.owner.settings.listen
	if err := recovered(func() error { return r.node.listen(listen) }); err != nil {
		return listenError(err)
	}
	if len(r.node.Network().ListenAddresses()) < len(listen) {
		return listenError(syscall.EADDRINUSE)
	}
	return nil
}

// leave takes the node down as far as it got up.
func (r *run) leave() {
	for _, id := range r.node.Network().Peers() {
		_ = r.node.Network().ClosePeer(id)
	}
	r.mode.leave()
	_ = recovered(r.node.Close)
}

// work starts our goroutines.
func (r *run) work() {
	r.spawn("waku watch", r.watch)
	r.mode.work()
	r.spawn("waku deliver", r.deliver)
	r.spawn("waku changes", r.report)
	r.spawn("waku gaps", r.reportGaps)
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
		r.leave()
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

// spawnUnlessEnded runs f as one of our goroutines, unless the run ends; then it reports
// false. What others call at any time starts its goroutines with it.
func (r *run) spawnUnlessEnded(name string, f func()) bool {
	r.ending.RLock()
	defer r.ending.RUnlock()
	if r.ended {
		return false
	}
	r.spawn(name, f)
	return true
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

func (r *run) host() host.Host { return r.node }

func (r *run) connected(id peer.ID) bool {
	return r.host().Network().Connectedness(id) == network.Connected
}
