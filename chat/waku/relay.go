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
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/waku/v2/node"
	"github.com/waku-org/go-waku/waku/v2/peermanager"

	"libstatus1to1/chat"
	"libstatus1to1/chat/protocol/key"
)

// This file is where go-waku is set up and taken down, with what must be kept away
// from it.

// userAgent is what identify tells other nodes about us: go-waku's own, so that we
// do not stand out.
const userAgent = node.UserAgent

// rpcOverhead is room in a gossipsub RPC beside one message: its topic and control
// messages that ride along.
const rpcOverhead = 64 * 1024

// validateQueue is how many messages may wait for gossipsub's validators; its
// default of 32 loses messages in every burst.
const validateQueue = 1024

// healthEvents is room for go-waku's topic health notices. It sends them under a
// lock to a channel that must exist, so they are read and thrown away; the room is
// for those sent after the reader has gone.
const healthEvents = 64

// relayWait is how long a relay may take to stop before it is pressed; it needs
// milliseconds.
const relayWait = time.Second

// building serialises node.New: it writes to a map and a log sink that all nodes of
// a process share, without a lock.
var building sync.Mutex

// offline is the OnlineChecker that keeps go-waku's own connector from dialling:
// static peers are this package's task, and two who dial would fight.
type offline struct{}

func (offline) IsOnline() bool { return false }

// relayNode is a go-waku node with what it needs to end cleanly.
type relayNode struct {
	*node.WakuNode
	peers  peerstore.Peerstore
	cancel context.CancelFunc
	health chan peermanager.TopicHealthStatus
	ready  ready
}

// newRelayNode builds and starts a node that listens. On an error nothing is left
// behind.
func newRelayNode(s settings, private key.Private) (*relayNode, error) {
	if err := checkListen(s.listen); err != nil {
		return nil, err
	}
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relayNode{peers: peers, cancel: cancel, ready: make(ready, 1),
		health: make(chan peermanager.TopicHealthStatus, healthEvents)}
	if err := recovered(func() error { return r.start(ctx, s, private) }); err != nil {
		r.stop()
		return nil, listenError(err)
	}
	if len(r.Host().Network().ListenAddresses()) < len(s.listen) {
		r.stop()
		return nil, listenError(syscall.EADDRINUSE)
	}
	return r, nil
}

func (r *relayNode) start(ctx context.Context, s settings, private key.Private) error {
	options, err := r.options(s, private)
	if err != nil {
		return err
	}
	building.Lock()
	r.WakuNode, err = node.New(options...)
	building.Unlock()
	if err != nil {
		return err
	}
	return r.WakuNode.Start(ctx)
}

func (r *relayNode) options(s settings, private key.Private) ([]node.WakuNodeOption, error) {
	identity, err := crypto.ToECDSA(private.Bytes())
	if err != nil {
		return nil, err
	}
	first, err := manet.ToNetAddr(s.listen[0])
	if err != nil {
		return nil, err
	}
	return []node.WakuNodeOption{
		node.WithLogger(silentLogger()),
		node.WithPrivateKey(identity),
		node.WithHostAddress(first.(*net.TCPAddr)),
		node.WithMultiaddress(s.listen[1:]...),
		node.WithLibP2POptions(
			// Without SO_REUSEPORT: with it a second node of the same user
			// would take half of our connections instead of failing.
			libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
			libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
			libp2p.UserAgent(userAgent),
			libp2p.DisableMetrics(),
			// Says that there is nothing to find out: no AutoNAT probes, no
			// search for circuit relays.
			libp2p.ForceReachabilityPublic(),
		),
		node.WithPeerStore(r.peers),
		node.WithPrometheusRegisterer(prometheus.NewRegistry()),
		// go-waku's limit for one IP address counts failed handshakes for ever;
		// libp2p's resource manager has a sound one.
		node.WithMaxConnectionsPerIP(0),
		node.WithOnlineChecker(offline{}),
		node.WithTopicHealthStatusChannel(r.health),
		node.WithClusterID(s.cluster),
		// Its metadata protocol tells peers our shards and drops those who
		// share none; unset, they drop us.
		node.WithShards([]uint16{s.shard}),
		node.WithMaxMsgSize(s.maxMessageSize),
		node.WithWakuRelayAndMinPeers(s.minPeers,
			pubsub.WithMaxMessageSize(max(s.maxMessageSize, pubsub.DefaultMaxMessageSize)+rpcOverhead),
			pubsub.WithValidateQueueSize(validateQueue),
			pubsub.WithRawTracer(r.ready),
		),
	}, nil
}

// stop takes the node down as far as it got up. It does what WakuNode.Stop does for
// the parts in use, but not by calling it: that one closes a channel on which a
// goroutine of its own may still send, and another on which the relay may, and
// either panics the process when a node is stopped soon after its start or under
// traffic. Here the relay goes first, while the broadcaster it sends to runs and its
// subscription is read; and the context ends the rest.
func (r *relayNode) stop() {
	if r.WakuNode != nil && r.Host() != nil {
		// While somebody still reads the notices of it.
		_ = recovered(func() error { r.DisconnectAllPeers(); return nil })
		r.stopRelay()
		r.cancel()
		_ = recovered(func() error { r.Broadcaster().Stop(); return nil })
		_ = recovered(r.Host().Close)
		_ = recovered(func() error { closeRecord(r.WakuNode); return nil })
	}
	r.cancel()
	_ = recovered(r.peers.Close)
}

// stopRelay stops the relay and waits. Its reader of peer events may be stuck behind
// go-waku's peer manager, which gives an unwilling peer 7 seconds each; then the
// context ends that too.
func (r *relayNode) stopRelay() {
	impatient := time.AfterFunc(relayWait, r.cancel)
	defer impatient.Stop()
	_ = recovered(func() error { r.Relay().Stop(); return nil })
}

// drainHealth reads and forgets go-waku's notices until done is closed.
func (r *relayNode) drainHealth(done <-chan struct{}) {
	for {
		select {
		case <-r.health:
		case <-done:
			return
		}
	}
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
func listenError(err error) *chat.Error {
	var typed *chat.Error
	switch {
	case errors.As(err, &typed):
		return typed
	case errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), syscall.EADDRINUSE.Error()):
		return chat.Errorf(chat.CodePortInUse, fieldListen, "the address is in use").Because(err)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return chat.Errorf(chat.CodeBadConfig, fieldListen, "the address is not of this machine").Because(err)
	case errors.Is(err, syscall.EACCES):
		return chat.Errorf(chat.CodeBadConfig, fieldListen, "this user may not listen on this port").Because(err)
	default:
		return chat.Errorf(chat.CodeBadConfig, fieldListen, "the node could not be started on this address").Because(err)
	}
}
