package waku

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	blankhost "github.com/libp2p/go-libp2p/p2p/host/blank"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/host/pstoremanager"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"
)

// negotiationWait limits the time to agree on a stream's protocol, on either side, so
// that silence cannot keep a stream open. The number is that of libp2p's own hosts.
const negotiationWait = 10 * time.Second

// baseHost is libp2p's blank host with the additions a node needs: identify, ping, a
// peer store that forgets peers that have left, and a time limit for every stream.
// libp2p's basic host has all that too, but links QUIC, WebTransport and WebRTC.
type baseHost struct {
	*blankhost.BlankHost
	swarm     *swarm.Swarm
	identify  identify.IDService
	forgetter *pstoremanager.PeerstoreManager
	moved     event.Emitter // event.EvtLocalAddressesUpdated, after listen
	protocols event.Emitter // event.EvtLocalProtocolsUpdated, which the blank host emits
}

var _ host.Host = (*baseHost)(nil)

// newBaseHost makes a host of a swarm; closing it closes the swarm and all that the
// swarm uses.
func newBaseHost(s *swarm.Swarm, bus event.Bus, connections connmgr.ConnManager) (*baseHost, error) {
	// Stateful: identify begins to wait for changes some time after its start.
	protocols, err := bus.Emitter(new(event.EvtLocalProtocolsUpdated), eventbus.Stateful)
	if err != nil {
		return nil, err
	}
	blank := blankhost.NewBlankHost(s, blankhost.WithEventBus(bus), blankhost.WithConnectionManager(connections))
	if blank == nil {
		return nil, errors.New("waku: the host could not be made")
	}
	h := &baseHost{BlankHost: blank, swarm: s, protocols: protocols}
	s.SetStreamHandler(h.accept)
	if h.moved, err = bus.Emitter(new(event.EvtLocalAddressesUpdated)); err != nil {
		return nil, err
	}
	if h.forgetter, err = pstoremanager.NewPeerstoreManager(s.Peerstore(), bus, s); err != nil {
		return nil, err
	}
	// What others observe of our addresses is of no use to us. A signed record of them
	// would travel on, by peer exchange, to people we are not connected to.
	h.identify, err = identify.NewIDService(h, identify.UserAgent(userAgent),
		identify.DisableObservedAddrManager(), identify.DisableSignedPeerRecord())
	if err != nil {
		return nil, err
	}
	h.forgetter.Start()
	h.identify.Start()
	ping.NewPingService(h)
	return h, nil
}

// listen begins to listen, on nothing if there are no addresses.
func (h *baseHost) listen(addresses []ma.Multiaddr) error {
	if len(addresses) == 0 {
		return nil
	}
	if err := h.swarm.Listen(addresses...); err != nil {
		return err
	}
	return h.moved.Emit(event.EvtLocalAddressesUpdated{})
}

// Addrs returns the addresses that identify tells every peer: those we were configured
// to listen on. It leaves out a wildcard such as 0.0.0.0, because peers need not know
// which interfaces this machine has.
func (h *baseHost) Addrs() []ma.Multiaddr {
	var named []ma.Multiaddr
	for _, address := range h.swarm.ListenAddresses() {
		if !manet.IsIPUnspecified(address) {
			named = append(named, address)
		}
	}
	return named
}

// Connect connects to a peer and waits until it is known which protocols it has.
func (h *baseHost) Connect(ctx context.Context, info peer.AddrInfo) error {
	h.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.TempAddrTTL)
	if h.swarm.Connectedness(info.ID) == network.Connected {
		return nil
	}
	connection, err := h.swarm.DialPeer(ctx, info.ID)
	if err != nil {
		return fmt.Errorf("failed to dial: %w", err)
	}
	return h.identified(ctx, connection)
}

func (h *baseHost) identified(ctx context.Context, connection network.Conn) error {
	select {
	case <-h.identify.IdentifyWait(connection):
		return nil
	case <-ctx.Done():
		return fmt.Errorf("identify failed to complete: %w", ctx.Err())
	}
}

// NewStream opens a stream for the first of these protocols that the peer has.
func (h *baseHost) NewStream(ctx context.Context, id peer.ID, protocols ...protocol.ID) (_ network.Stream, err error) {
	ctx, cancel := context.WithTimeout(ctx, negotiationWait)
	defer cancel()
	if noDial, _ := network.GetNoDial(ctx); !noDial {
		if err := h.Connect(ctx, peer.AddrInfo{ID: id}); err != nil {
			return nil, err
		}
	}
	stream, err := h.swarm.NewStream(network.WithNoDial(ctx, "connected already"), id)
	if err != nil {
		return nil, fmt.Errorf("failed to open stream: %w", err)
	}
	defer func() {
		if err != nil {
			_ = stream.Reset()
		}
	}()
	if err := h.identified(ctx, stream.Conn()); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	chosen, err := multistream.SelectOneOf(protocols, stream)
	if !stop() {
		return nil, fmt.Errorf("failed to negotiate protocol: %w", ctx.Err())
	}
	if err != nil {
		return nil, fmt.Errorf("failed to negotiate protocol: %w", err)
	}
	return stream, stream.SetProtocol(chosen)
}

// accept finds the handler of a stream that a peer has opened. Unlike blank host's it
// does not wait for ever, and lets the limits of a protocol refuse the stream.
func (h *baseHost) accept(stream network.Stream) {
	refuse := func() { _ = stream.Reset() }
	if stream.SetDeadline(time.Now().Add(negotiationWait)) != nil {
		refuse()
		return
	}
	name, handle, err := h.Mux().Negotiate(stream)
	if err != nil || stream.SetDeadline(time.Time{}) != nil || stream.SetProtocol(name) != nil {
		refuse()
		return
	}
	_ = handle(name, stream)
}

// Close ends everything of the host. It may be called once.
func (h *baseHost) Close() error {
	resources := h.swarm.ResourceManager()
	return errors.Join(h.ConnManager().Close(), h.identify.Close(), h.moved.Close(), h.protocols.Close(), h.swarm.Close(),
		h.forgetter.Close(), h.Peerstore().Close(), resources.Close())
}
