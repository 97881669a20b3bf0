package waku

import (
	"net/netip"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/time/rate"
)

// gate decides which connections are allowed. We dial only the peers on the node's
// lists, at the addresses of the lists: peers name addresses of others (gossipsub's peer
// exchange) and of themselves (identify), and could otherwise make us connect anywhere.
// We accept connections from everybody, but not faster than limits.go allows.
type gate struct {
	dials    []dialList
	arrivals *arrivals
}

// dialList says who may be dialled, and where.
type dialList interface {
	has(peer.ID) bool
	at(peer.ID, ma.Multiaddr) bool
}

var _ connmgr.ConnectionGater = gate{}

// InterceptPeerDial reports whether a peer may be dialled.
func (g gate) InterceptPeerDial(id peer.ID) bool {
	return slices.ContainsFunc(g.dials, func(list dialList) bool { return list.has(id) })
}

// InterceptAddrDial reports whether it may be dialled at this address.
func (g gate) InterceptAddrDial(id peer.ID, address ma.Multiaddr) bool {
	return slices.ContainsFunc(g.dials, func(list dialList) bool { return list.at(id, address) })
}

// InterceptAccept reports whether a connection is accepted, before anything is read.
func (g gate) InterceptAccept(connection network.ConnMultiaddrs) bool {
	return g.arrivals.admit(time.Now(), sourceOf(connection.RemoteMultiaddr()))
}

// InterceptSecured and InterceptUpgraded are called when the identity of the peer is
// known, which does not change the decision.
func (gate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool { return true }

func (gate) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

// sourceOf returns the source of an address for counting: the address itself for IPv4,
// its /56 for IPv6. The result is not valid for addresses of this machine and for
// anything that is not an IP address.
func sourceOf(address ma.Multiaddr) netip.Prefix {
	raw, err := manet.ToIP(address)
	if err != nil {
		return netip.Prefix{}
	}
	ip, ok := netip.AddrFromSlice(raw)
	if ip = ip.Unmap(); !ok || ip.IsLoopback() {
		return netip.Prefix{}
	}
	bits := 32
	if ip.Is6() {
		bits = 56
	}
	source, _ := ip.Prefix(bits) // fails for too many bits only
	return source
}

// arrivals are the connections that were accepted lately.
type arrivals struct {
	mu      sync.Mutex
	all     *rate.Limiter
	sources *lru.Cache[netip.Prefix, *rate.Limiter]
}

func newArrivals() *arrivals {
	sources, _ := lru.New[netip.Prefix, *rate.Limiter](sourcesRemembered) // fails for a size below 1 only
	return &arrivals{all: rate.NewLimiter(rate.Every(arrivalEvery), arrivalsAtOnce), sources: sources}
}

// admit counts a connection and reports whether it is one too many. A source that
// connects too often does not use up the allowance of all.
func (a *arrivals) admit(now time.Time, source netip.Prefix) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if source.IsValid() {
		own, known := a.sources.Get(source)
		if !known {
			own = rate.NewLimiter(rate.Every(arrivalEveryBySource), arrivalsAtOnceBySource)
			a.sources.Add(source, own)
		}
		if !own.AllowN(now, 1) {
			return false
		}
	}
	return a.all.AllowN(now, 1)
}
