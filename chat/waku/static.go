package waku

import (
	"errors"
	"net"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// chosenTag protects connections that we chose to make from being trimmed.
const chosenTag = "chosen"

// staticPeer is a peer of the user's choice: one to be kept connected, or a store node
// that is dialled on demand.
type staticPeer struct {
	id peer.ID

	mu        sync.Mutex
	kept      bool           // dialled at the start and whenever it is lost; others on demand
	addresses []ma.Multiaddr // without /p2p/
	problem   string         // why it is not on our shards, "" while it is or nothing is known
	refusal   string         // why we hung up on it last, until the keeper has seen it
}

// isKept reports whether the peer is to be connected all the time.
func (p *staticPeer) isKept() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept
}

// keep makes it one that is.
func (p *staticPeer) keep() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept = true
}

// problemText returns the reason the peer is not on our shards.
func (p *staticPeer) problemText() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.problem
}

// refuse notes why we hang up on the peer.
func (p *staticPeer) refuse(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problem, p.refusal = text, text
}

// failed notes an attempt that came to nothing. A peer that hung up was perhaps refused
// by us meanwhile, which says more.
func (p *staticPeer) failed(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problem = dialText(err)
	if errors.Is(err, errNotOurShard) && p.refusal != "" {
		p.problem = p.refusal
	}
	p.refusal = ""
}

// joined notes that the peer is on a shard of ours.
func (p *staticPeer) joined() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problem, p.refusal = "", ""
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

func (s *staticPeers) has(id peer.ID) bool { return s.get(id) != nil }

// keeps reports whether a peer is one to be connected all the time.
func (s *staticPeers) keeps(id peer.ID) bool {
	p := s.get(id)
	return p != nil && p.isKept()
}

// get is the peer with this id, or nil.
func (s *staticPeers) get(id peer.ID) *staticPeer {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.find(id)
	if at < 0 {
		return nil
	}
	return s.peers[at]
}

// at reports whether a peer may be dialled at an IP address: one that was configured,
// or one that a configured name resolved to, with the configured port. The owner of a
// name decides where it leads in any case.
func (s *staticPeers) at(id peer.ID, address ma.Multiaddr) bool {
	p := s.get(id)
	return p != nil && leadsTo(p.info().Addrs, address)
}

// leadsTo reports whether an address that names an IP address is one of these, or one that
// a name among them may lead to.
func leadsTo(allowed []ma.Multiaddr, address ma.Multiaddr) bool {
	return slices.ContainsFunc(allowed, func(allowed ma.Multiaddr) bool {
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
