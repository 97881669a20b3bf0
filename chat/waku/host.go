package waku

import (
	"crypto/tls"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	trimmer "github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/p2p/transport/websocket"
	madns "github.com/multiformats/go-multiaddr-dns"
	wakustore "github.com/waku-org/go-waku/waku/v2/peerstore"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/protocol/key"
)

// This file puts the libp2p host together. libp2p.New, and go-waku's WakuNode, which
// calls it, would do that too. But importing them links every transport they know
// (QUIC, WebTransport, WebRTC), discovery, two databases and a dependency injector:
// megabytes that nothing here runs, with all their vulnerabilities.

// userAgent is the name that identify tells other nodes: go-waku's own, so that we do
// not stand out.
const userAgent = "go-waku"

// newHost makes a host that does not listen yet: TCP, and WebSockets to dial, secure ones
// too; Noise
// (10/WAKU2, "Transports" and "Secure channel" ask for no other); yamux. gate decides
// about its connections; nil allows all. Closing it closes all of it. On an error
// nothing is left behind.
func newHost(private key.Private, s settings, gate connmgr.ConnectionGater, traffic *meter) (_ *baseHost, err error) {
	identity, err := crypto.UnmarshalSecp256k1PrivateKey(private.Bytes())
	if err != nil {
		return nil, err
	}
	var undo []func() error
	defer func() {
		if err != nil {
			for _, f := range undo {
				_ = f()
			}
		}
	}()
	peers, err := newPeerstore(identity)
	if err != nil {
		return nil, err
	}
	undo = append(undo, peers.Close)
	resources, err := newResources(s.mode)
	if err != nil {
		return nil, err
	}
	undo = append(undo, resources.Close)
	bus := eventbus.NewBus()
	network, err := newNetwork(identity, s, gate, traffic, peers, resources, bus)
	if err != nil {
		return nil, err
	}
	undo = append([]func() error{network.Close}, undo...) // it uses the others
	connections, err := newTrimmer(s.mode)
	if err != nil {
		return nil, err
	}
	undo = append(undo, connections.Close)
	return newBaseHost(network, bus, connections)
}

// newTrimmer returns the connection manager, which closes connections when there are too
// many. A light node has only those that it made, and would wake up for it every ten seconds.
func newTrimmer(mode enum.NetworkMode) (connmgr.ConnManager, error) {
	if mode == ModeLight {
		return &connmgr.NullConnMgr{}, nil
	}
	return trimmer.NewConnManager(fewConnections, manyConnections)
}

// muxerFor returns the multiplexer for a mode. That of a light node sends nothing on its
// own: neither pings to keep a connection (filter's pings do that) nor to measure it.
func muxerFor(mode enum.NetworkMode) *yamux.Transport {
	if mode != ModeLight {
		return yamux.DefaultTransport
	}
	quiet := *yamux.DefaultTransport
	quiet.EnableKeepAlive = false
	quiet.MeasureRTTInterval = never
	return &quiet
}

// newResources holds connections, streams and memory to limits.go's numbers.
func newResources(mode enum.NetworkMode) (network.ResourceManager, error) {
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(resourceLimits(mode)), rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: connectionsBySource}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: connectionsBySource}}))
}

// newPeerstore is go-waku's peer store, in memory, with our identity in it; go-waku's
// relay keeps the scores of peers there.
func newPeerstore(identity crypto.PrivKey) (peerstore.Peerstore, error) {
	id, err := peer.IDFromPrivateKey(identity)
	if err != nil {
		return nil, err
	}
	memory, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, err
	}
	if err := memory.AddPrivKey(id, identity); err != nil {
		_ = memory.Close()
		return nil, err
	}
	return unscored{wakustore.NewWakuPeerstore(memory).(wakuPeerstore)}, nil
}

// wakuPeerstore is all that go-waku's peer store is.
type wakuPeerstore interface {
	peerstore.Peerstore
	peerstore.CertifiedAddrBook
	wakustore.WakuPeerstore
}

// unscored does not keep the scores go-waku's relay notes down: nobody reads them, and
// they would outlive a peer that has left and was forgotten.
type unscored struct{ wakuPeerstore }

// SetScore forgets.
func (unscored) SetScore(peer.ID, float64) error { return nil }

// plainTransport is TCP, without SO_REUSEPORT: with it a second node of the same user would
// take half of our connections instead of failing.
func plainTransport(settings settings, upgrade transport.Upgrader, resources network.ResourceManager) (transport.Transport, error) {
	if settings.link != nil {
		return settings.link(upgrade), nil
	}
	return tcp.NewTCPTransport(upgrade, resources, nil, tcp.DisableReuseport())
}

// newNetwork is the swarm with its two transports.
func newNetwork(identity crypto.PrivKey, settings settings, gate connmgr.ConnectionGater, traffic *meter, peers peerstore.Peerstore, resources network.ResourceManager, bus event.Bus) (_ *swarm.Swarm, err error) {
	id, err := peer.IDFromPrivateKey(identity)
	if err != nil {
		return nil, err
	}
	muxers := []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: muxerFor(settings.mode)}}
	secure, err := noise.New(noise.ID, identity, muxers)
	if err != nil {
		return nil, err
	}
	upgradeAll, err := upgrader.New([]sec.SecureTransport{secure}, muxers, nil, resources, gate)
	if err != nil {
		return nil, err
	}
	upgrade := &meteredUpgrader{Upgrader: upgradeAll, meter: traffic, quiet: settings.mode == ModeLight}
	plain, err := plainTransport(settings, upgrade, resources)
	if err != nil {
		return nil, err
	}
	web, err := websocket.New(upgrade, resources, nil, websocket.WithTLSClientConfig(&tls.Config{RootCAs: settings.roots}))
	if err != nil {
		return nil, err
	}
	names, err := madns.NewResolver(madns.WithDefaultResolver(settings.resolver()))
	if err != nil {
		return nil, err
	}
	s, err := swarm.NewSwarm(id, peers, bus, swarm.WithResourceManager(resources), swarm.WithConnectionGater(gate),
		swarm.WithMultiaddrResolver(swarm.ResolverFromMaDNS{Resolver: names}))
	if err != nil {
		return nil, err
	}
	for _, t := range []transport.Transport{plain, web} {
		if err := s.AddTransport(t); err != nil {
			_ = s.Close()
			return nil, err
		}
	}
	return s, nil
}
