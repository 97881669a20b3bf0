package waku

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// This file keeps the addresses of found peers over restarts, so that a node that knew
// the network once needs neither a boot node nor the DNS to come back.

// maxKeptBytes bounds what is read back: maxKept peers with all their addresses.
const maxKeptBytes = maxKept * addressesByCandidate * 256

// saveEvery is the least time between two writes of the kept peers while they change.
const saveEvery = 30 * time.Second

// encodeKept writes one address with a peer id a line, the latest peer first, after the
// cluster they are of.
func encodeKept(cluster uint16, peers []peer.AddrInfo) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%d\n", cluster)
	for _, info := range peers {
		for _, address := range info.Addrs {
			fmt.Fprintf(&b, "%s/p2p/%s\n", address, info.ID)
		}
	}
	return b.Bytes()
}

// decodeKept reads what encodeKept wrote. What is of another cluster, or does not read
// back, is left out: it is found again.
func decodeKept(cluster uint16, b []byte) (peers []peer.AddrInfo) {
	first, rest, _ := strings.Cut(string(b[:min(len(b), maxKeptBytes)]), "\n")
	if first != fmt.Sprint(cluster) {
		return nil
	}
	for line := range strings.Lines(rest) {
		info, err := parsePeer("kept", strings.TrimSuffix(line, "\n"))
		if err != nil {
			continue
		}
		at := slices.IndexFunc(peers, func(known peer.AddrInfo) bool { return known.ID == info.ID })
		switch {
		case at < 0 && len(peers) < maxKept:
			peers = append(peers, info)
		case at >= 0 && len(peers[at].Addrs) < addressesByCandidate:
			peers[at].Addrs = append(peers[at].Addrs, info.Addrs...)
		}
	}
	return peers
}

// recall makes candidates of the peers that were kept.
func (f *finder) recall() {
	if f.r.hooks.Peers == nil {
		return
	}
	b, err := f.r.hooks.Peers.Load()
	if err != nil {
		f.r.log("warn", "the addresses of peers could not be read", "error", err)
		return
	}
	f.r.owner.candidates.recall(decodeKept(f.r.owner.settings.cluster, b))
}

// recall adds peers that worked before.
func (s *candidates) recall(peers []peer.AddrInfo) {
	for _, info := range peers {
		// A name must not lead into the private network we are in today, unless the peer
		// was at such an address itself.
		private := slices.ContainsFunc(info.Addrs, func(a ma.Multiaddr) bool { return manet.IsThinWaist(a) && !manet.IsPublicAddr(a) })
		if !s.add(info, sourceKept, private) {
			continue
		}
		s.mu.Lock()
		s.all[info.ID].worked = true
		s.kept = append(s.kept, info.ID)
		s.mu.Unlock()
	}
}

// save writes the peers that worked, if they are others now and the last time is some
// while ago, or at the end.
func (f *finder) save(last bool) {
	if f.r.hooks.Peers == nil || !last && time.Since(f.saved) < saveEvery {
		return
	}
	peers, changed := f.r.owner.candidates.toKeep()
	if !changed {
		return
	}
	f.saved = time.Now()
	if err := f.r.hooks.Peers.Save(encodeKept(f.r.owner.settings.cluster, peers)); err != nil {
		f.r.log("warn", "the addresses of peers could not be kept", "error", err)
	}
}

// changed reports whether the candidates that worked have changed since the last call of
// toKeep.
func (s *candidates) changed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dirty
}

// toKeep lists the candidates that worked, and reports whether they are others than at the
// last call.
func (s *candidates) toKeep() (peers []peer.AddrInfo, changed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.dirty {
		return nil, false
	}
	s.dirty = false
	for _, id := range s.kept {
		if c := s.all[id]; c != nil {
			peers = append(peers, c.info())
		}
	}
	return peers, true
}
