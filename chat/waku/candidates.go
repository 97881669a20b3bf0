package waku

import (
	"cmp"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// This file remembers nodes that were found, until they were tried. Most of them are
// somebody's word, and a new identity costs nothing: their number is bounded, in all and
// for each place they are said to be at, and so is how often they are tried.

// Bounds of what is remembered. The first is some turns of what the finder asks for at
// once; a candidate takes less than 2 KiB. Of those that worked the latest are kept over
// restarts: enough for some of them to be there still after months.
const (
	maxCandidates        = 256
	maxKept              = 32
	addressesByCandidate = 8
	candidatesBySource   = 4 // at one IPv4 address, or in the /56 of an IPv6 one
)

// When a candidate is tried again. One that worked is tried as a static peer is (see
// backoff), but given up after some three days of trying while nobody else is there. One
// of a tree waits a minute, since the network may have been away and not the node. One
// that was found in another way waits a minute, then twice that each time, and has a few
// tries.
const (
	retryAfter    = time.Minute
	strangerTries = 4
	keptTries     = 30_000
)

// source says where we know a candidate from, in the order of trust.
type source int

const (
	sourceKept     source = iota // it was on our shards before
	sourceTree                   // a signed tree whose key the configuration has
	sourceExchange               // a peer
	sourceDiscv5                 // anybody
)

// candidate is a node that was found.
type candidate struct {
	id        peer.ID
	addresses []ma.Multiaddr // without /p2p/
	source    source
	private   bool // may be dialled at addresses that are not of the open Internet
	worked    bool // has been on our shards
	trying    bool // the finder dials it or has it
	failures  int  // since it worked
	after     time.Time
}

// info returns the addresses of the candidate.
func (c *candidate) info() peer.AddrInfo {
	return peer.AddrInfo{ID: c.id, Addrs: slices.Clone(c.addresses)}
}

// allows reports whether the candidate may be dialled at an address that names an IP
// address: one of its own, or one that a name of its leads to. Names are anybody's: they
// lead only where the open Internet is, if the candidate does.
func (c *candidate) allows(address ma.Multiaddr) bool {
	if !c.private && !manet.IsPublicAddr(address) {
		return false
	}
	return leadsTo(c.addresses, address)
}

// candidates are the candidates of a Node.
type candidates struct {
	now func() time.Time

	mu    sync.Mutex
	all   map[peer.ID]*candidate
	kept  []peer.ID // those that worked, the latest first
	dirty bool      // kept, or an address of theirs, has changed
}

func newCandidates() *candidates {
	return &candidates{now: time.Now, all: map[peer.ID]*candidate{}}
}

// add remembers a node, or other addresses of one. It reports whether it is new.
// private tells that whoever named it may name addresses of private networks.
func (s *candidates) add(info peer.AddrInfo, from source, private bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	addresses := slices.DeleteFunc(slices.Clone(info.Addrs), func(a ma.Multiaddr) bool {
		return !canDial(a) || !private && !mayBePublic(a)
	})
	if len(addresses) == 0 {
		return false
	}
	if known := s.all[info.ID]; known != nil {
		s.learn(known, addresses, private)
		return false
	}
	if !s.room(from, addresses) {
		return false
	}
	s.all[info.ID] = &candidate{id: info.ID, source: from, private: private,
		addresses: addresses[:min(len(addresses), addressesByCandidate)]}
	return true
}

// learn puts addresses before those that are known. Records are signed by the node they
// describe, so that nobody else can misplace it; s.mu is held.
func (s *candidates) learn(c *candidate, addresses []ma.Multiaddr, private bool) {
	if !private && c.private {
		return // what we have is of somebody whom we trust more
	}
	merged := slices.Clone(addresses[:min(len(addresses), addressesByCandidate)])
	for _, old := range c.addresses {
		if len(merged) < addressesByCandidate && !slices.ContainsFunc(merged, old.Equal) {
			merged = append(merged, old)
		}
	}
	c.addresses = merged
}

// room reports whether one more fits, and makes room by forgetting one that failed. s.mu is held.
func (s *candidates) room(from source, addresses []ma.Multiaddr) bool {
	if place := placeOf(addresses); from >= sourceExchange && place.IsValid() {
		there := 0
		for _, c := range s.all {
			if placeOf(c.addresses) == place {
				there++
			}
		}
		if there >= candidatesBySource {
			return false
		}
	}
	if len(s.all) < maxCandidates {
		return true
	}
	var worst *candidate
	for _, c := range s.all {
		if !c.worked && !c.trying && c.failures > 0 && (worst == nil || c.failures > worst.failures) {
			worst = c
		}
	}
	if worst == nil {
		return false
	}
	delete(s.all, worst.id)
	return true
}

// next gives up to n candidates whose turn it is, not those that skip names: first those
// that worked, then those of who is trusted more, otherwise in no order. The caller tries
// each and calls succeeded or failed.
func (s *candidates) next(n int, skip func(peer.ID) bool) []*candidate {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	var due []*candidate
	for _, c := range s.all {
		if !c.trying && !now.Before(c.after) && !skip(c.id) {
			due = append(due, c)
		}
	}
	rand.Shuffle(len(due), func(i, j int) { due[i], due[j] = due[j], due[i] })
	slices.SortStableFunc(due, func(a, b *candidate) int {
		if a.worked != b.worked {
			if a.worked {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.source, b.source)
	})
	due = due[:min(len(due), n)]
	for _, c := range due {
		c.trying = true
	}
	return due
}

// succeeded notes that a candidate is on our shards.
func (s *candidates) succeeded(c *candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.failures = 0
	c.worked = true
	at := slices.Index(s.kept, c.id)
	if at < 0 {
		s.dirty = true
	} else {
		s.kept = slices.Delete(s.kept, at, at+1)
	}
	s.kept = slices.Insert(s.kept, 0, c.id)
	if len(s.kept) > maxKept {
		if last := s.all[s.kept[maxKept]]; last != nil {
			last.worked = false
		}
		s.kept = s.kept[:maxKept]
	}
}

// failed notes that a candidate could not be reached or is not one of ours, or that it
// has gone.
func (s *candidates) failed(c *candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.trying = false
	c.failures++
	wait := retryAfter
	switch {
	case c.worked:
		wait = backoff(c.failures)
	case c.source >= sourceExchange:
		wait = retryAfter << min(c.failures-1, strangerTries)
	}
	c.after = s.now().Add(wait)
	switch {
	case c.worked && c.failures >= keptTries:
		s.kept = slices.DeleteFunc(s.kept, func(id peer.ID) bool { return id == c.id })
		s.dirty = true
		delete(s.all, c.id)
	case !c.worked && c.failures >= strangerTries && c.source >= sourceExchange:
		delete(s.all, c.id)
	}
}

// lost notes that a candidate that worked has gone; it is tried again soon.
func (s *candidates) lost(c *candidate) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.trying = false
	c.after = s.now().Add(backoff(1))
}

// forget drops a candidate.
func (s *candidates) forget(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, id)
	if at := slices.Index(s.kept, id); at >= 0 {
		s.kept = slices.Delete(s.kept, at, at+1)
		s.dirty = true
	}
}

// has and at are the gate's: only a candidate that the finder tries may be dialled.

func (s *candidates) has(id peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.all[id]
	return c != nil && c.trying
}

func (s *candidates) at(id peer.ID, address ma.Multiaddr) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.all[id]
	return c != nil && c.trying && c.allows(address)
}

// where copies the addresses of a candidate.
func (s *candidates) where(c *candidate) peer.AddrInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return c.info()
}

// due returns the time at which the next candidate may be tried; zero when there is none.
func (s *candidates) due() (at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.all {
		if !c.trying && (at.IsZero() || c.after.Before(at)) {
			at = c.after
		}
	}
	return at
}

// count returns the number of candidates, and how many of them worked before.
func (s *candidates) count() (all, worked int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.all), len(s.kept)
}

// mayBePublic reports whether an address is of the open Internet, or a name, which shows
// when it is dialled.
func mayBePublic(address ma.Multiaddr) bool {
	return !manet.IsThinWaist(address) || manet.IsPublicAddr(address)
}

// placeOf returns the place of the first IP address among these, as sourceOf does; not
// valid if there is none, or only of this machine.
func placeOf(addresses []ma.Multiaddr) netip.Prefix {
	for _, address := range addresses {
		if place := sourceOf(address); place.IsValid() {
			return place
		}
	}
	return netip.Prefix{}
}
