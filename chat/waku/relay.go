package waku

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"github.com/waku-org/go-waku/waku/v2/timesource"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// This file starts and stops go-waku's relay, and shields it from input it cannot
// handle.

// rpcOverhead is room in a gossipsub RPC beside one message: its topic and control
// messages that ride along.
const rpcOverhead = 64 * 1024

// validateQueue is the number of messages that may wait for gossipsub's validators;
// with its default of 32, every burst loses messages.
const validateQueue = 1024

// broadcastBuffer is room between gossipsub and go-waku's broadcaster, as in go-waku.
const broadcastBuffer = 1024

// building serialises newRelay: go-waku writes to a map that all nodes of a process
// share, without a lock.
var building sync.Mutex

// relayNode is go-waku's relay on a libp2p host.
type relayNode struct {
	host        *baseHost
	relay       *relay.WakuRelay
	broadcaster relay.Broadcaster
	cancel      context.CancelFunc
	ready       ready
}

// newRelayNode builds and starts a node that listens where it is told to. Streams of
// the metadata protocol go to metadata; only chosen and found are dialled. On an error
// nothing is left behind.
func newRelayNode(s settings, private key.Private, chosen *staticPeers, found *candidates, metadata network.StreamHandler) (*relayNode, error) {
	if err := checkListen(s.listen); err != nil {
		return nil, err
	}
	silenceGoLog()
	h, err := newHost(private, s, gate{dials: []dialList{chosen, found}, arrivals: newArrivals()})
	if err != nil {
		return nil, port.Errorf(port.CodeInternal, "", "the node could not be made").Because(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relayNode{host: h, cancel: cancel, ready: make(ready, 1), broadcaster: relay.NewBroadcaster(broadcastBuffer)}
	r.relay = newRelay(s, r.broadcaster, r.ready, newInspector(chosen))
	h.SetStreamHandler(metadataProtocol, metadata)
	// Listening comes last, so that everything is in place for the first peer that
	// connects.
	if err := recovered(func() error { return errors.Join(r.start(ctx), h.listen(s.listen)) }); err != nil {
		r.stop()
		return nil, listenError(err)
	}
	if len(h.Network().ListenAddresses()) < len(s.listen) {
		r.stop()
		return nil, listenError(syscall.EADDRINUSE)
	}
	return r, nil
}

func newRelay(s settings, broadcaster relay.Broadcaster, tracer pubsub.RawTracer, inspector *inspector) *relay.WakuRelay {
	building.Lock()
	defer building.Unlock()
	return relay.NewWakuRelay(broadcaster, s.minPeers, timesource.NewDefaultClock(), prometheus.NewRegistry(), silentLogger(),
		relay.WithMaxMsgSize(s.maxMessageSize),
		relay.WithPubSubOptions([]pubsub.Option{
			pubsub.WithMaxMessageSize(max(s.maxMessageSize, pubsub.DefaultMaxMessageSize) + rpcOverhead),
			pubsub.WithValidateQueueSize(validateQueue),
			pubsub.WithRawTracer(tracer),
			pubsub.WithAppSpecificRpcInspector(inspector.inspect),
			pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(
				pubsub.NewAllowlistSubscriptionFilter(s.pubsubTopics()...), maxSubscriptions)),
		}))
}

func (r *relayNode) start(ctx context.Context) error {
	if err := r.broadcaster.Start(ctx); err != nil {
		return err
	}
	r.relay.SetHost(r.host)
	return r.relay.Start(ctx)
}

// addresses returns the addresses the node listens on, with its peer id. They are for
// our own use, so a wildcard becomes the addresses of all interfaces.
func (r *relayNode) addresses() []ma.Multiaddr {
	listening, err := r.host.Network().InterfaceListenAddresses()
	if err != nil {
		listening = r.host.Network().ListenAddresses()
	}
	if len(listening) == 0 {
		return nil
	}
	addresses, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: r.host.ID(), Addrs: listening})
	if err != nil { // only without an id
		return nil
	}
	return addresses
}

// stop takes the node down as far as it got up. The relay goes first, while the
// broadcaster it sends to runs and its subscription is read: it would panic on a
// broadcaster that has stopped.
func (r *relayNode) stop() {
	for _, id := range r.host.Network().Peers() {
		_ = r.host.Network().ClosePeer(id)
	}
	_ = recovered(func() error { r.relay.Stop(); return nil })
	r.cancel()
	_ = recovered(func() error { r.broadcaster.Stop(); return nil })
	_ = recovered(r.host.Close)
}

// recovered runs f and makes an error of its panic.
func recovered(f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("waku: panic in go-waku: %v\n%s", value, debug.Stack())
		}
	}()
	return f()
}

// checkListen tries every address that names a port: libp2p is content when one of
// several works, and leaks when none does.
func checkListen(addresses []ma.Multiaddr) error {
	for _, address := range addresses {
		network, hostPort, err := manet.DialArgs(address)
		if err != nil {
			return listenError(err)
		}
		listener, err := net.Listen(network, hostPort)
		if err != nil {
			return listenError(err).With("address", address.String())
		}
		if err := listener.Close(); err != nil {
			return listenError(err)
		}
	}
	return nil
}

// listenError is the typed error for err, which came from starting to listen.
func listenError(err error) *port.Error {
	var typed *port.Error
	switch {
	case errors.As(err, &typed):
		return typed
	case errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), syscall.EADDRINUSE.Error()):
		return port.Errorf(port.CodePortInUse, fieldListen, "the address is in use").Because(err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return port.Errorf(port.CodeBadConfig, fieldListen, "the address is not of this machine").Because(err)
	case errors.Is(err, syscall.EACCES):
		return port.Errorf(port.CodeBadConfig, fieldListen, "this user may not listen on this port").Because(err)
	default:
		return port.Errorf(port.CodeBadConfig, fieldListen, "the node could not be started on this address").Because(err)
	}
}
