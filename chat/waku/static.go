package waku

import (
	"net"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// staticTag protects connections to static peers from being trimmed.
const staticTag = "static"

// staticPeer is a peer to be kept connected.
type staticPeer struct {
	id peer.ID

	mu        sync.Mutex
	addresses []ma.Multiaddr // without /p2p/
}

// info holds the addresses to dial.
func (p *staticPeer) info() peer.AddrInfo {
	p.mu.Lock()
	defer p.mu.Unlock()
	return peer.AddrInfo{ID: p.id, Addrs: slices.Clone(p.addresses)}
}

// addressText is the peer's first address.
func (p *staticPeer) addressText() string { return p.info().Addrs[0].String() }

// staticPeers are the static peers of a Node, in the order they were added. The
// zero value is ready.
type staticPeers struct {
	mu    sync.Mutex
	peers []*staticPeer
}

// add adds a peer, or addresses to a known one; ok is false when there are too many.
func (s *staticPeers) add(info peer.AddrInfo) (p *staticPeer, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(info.ID)
	if at < 0 {
		if len(s.peers) >= maxAddresses {
			return nil, false
		}
		at = len(s.peers)
		s.peers = append(s.peers, &staticPeer{id: info.ID})
	}
	p = s.peers[at]
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, address := range info.Addrs {
		known := slices.ContainsFunc(p.addresses, address.Equal)
		if !known && len(p.addresses) < maxAddresses {
			p.addresses = append(p.addresses, address)
		}
	}
	return p, true
}

// remove forgets a peer and reports whether it was there.
func (s *staticPeers) remove(id peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(id)
	if at < 0 {
		return false
	}
	s.peers = slices.Delete(s.peers, at, at+1)
	return true
}

func (s *staticPeers) has(id peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id) >= 0
}

// at reports whether a peer may be dialled at an IP address: one that was configured,
// or one that a configured name resolved to, with the configured port. The owner of a
// name decides where it leads in any case.
func (s *staticPeers) at(id peer.ID, address ma.Multiaddr) bool {
	s.mu.Lock()
	at := s.find(id)
	if at < 0 {
		s.mu.Unlock()
		return false
	}
	p := s.peers[at]
	s.mu.Unlock()
	return slices.ContainsFunc(p.info().Addrs, func(allowed ma.Multiaddr) bool {
		return portOf(allowed) == portOf(address) && (!manet.IsThinWaist(allowed) || ipOf(allowed).Equal(ipOf(address)))
	})
}

// portOf is the TCP port of an address, ipOf its IP address; "" and nil if it has none.
func portOf(address ma.Multiaddr) string {
	port, err := address.ValueForProtocol(ma.P_TCP)
	if err != nil {
		return ""
	}
	return port
}

func ipOf(address ma.Multiaddr) net.IP {
	ip, err := manet.ToIP(address)
	if err != nil {
		return nil
	}
	return ip
}

func (s *staticPeers) list() []*staticPeer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.peers)
}

// find is the index of id, or -1. s.mu is held.
func (s *staticPeers) find(id peer.ID) int {
	return slices.IndexFunc(s.peers, func(p *staticPeer) bool { return p.id == id })
}
