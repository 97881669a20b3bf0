package waku

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// knowing is a list of candidates with a clock of its own.
func knowing() (*candidates, *time.Time) {
	now := time.Unix(1_700_000_000, 0)
	s := newCandidates()
	s.now = func() time.Time { return now }
	return s, &now
}

func at(addresses ...string) (all []ma.Multiaddr) {
	for _, text := range addresses {
		all = append(all, ma.StringCast(text))
	}
	return all
}

func nobody(peer.ID) bool { return false }

// However many nodes are named, in all and at one place, few are remembered and few
// addresses of each.
func TestBootstrapCandidatesBounded(t *testing.T) {
	s, _ := knowing()
	one := 0
	for i := range 1000 {
		if s.add(peer.AddrInfo{ID: peer.ID(fmt.Sprint("one ", i)), Addrs: at(fmt.Sprint("/ip4/9.9.9.9/tcp/", i+1))}, sourceExchange, false) {
			one++
		}
	}
	if one != candidatesBySource {
		t.Errorf("%d candidates at one address", one)
	}
	for i := range 100_000 {
		s.add(peer.AddrInfo{ID: peer.ID(fmt.Sprint(i)), Addrs: at(fmt.Sprintf("/ip4/9.%d.%d.%d/tcp/1", i>>16, i>>8&255, i&255))}, sourceDiscv5, false)
	}
	if len(s.all) != maxCandidates {
		t.Errorf("%d candidates", len(s.all))
	}
	// Those that failed give way, those that worked do not.
	tried := s.next(10, nobody)
	s.succeeded(tried[0])
	s.lost(tried[0])
	for _, c := range tried[1:] {
		s.failed(c)
	}
	for i := range 100 {
		s.add(peer.AddrInfo{ID: peer.ID(fmt.Sprint("later ", i)), Addrs: at(fmt.Sprintf("/ip4/8.8.8.%d/tcp/1", i))}, sourceTree, false)
	}
	later := 0
	for id := range s.all {
		if len(id) > 6 && id[:6] == "later " {
			later++
		}
	}
	if later != 9 || s.all[tried[0].id] == nil || len(s.all) != maxCandidates {
		t.Errorf("%d later ones; the one that worked is %v; %d in all", later, s.all[tried[0].id], len(s.all))
	}
	var many []ma.Multiaddr
	for i := range 1000 {
		many = append(many, ma.StringCast(fmt.Sprint("/ip4/9.9.9.9/tcp/", i+1)))
	}
	s.add(peer.AddrInfo{ID: tried[0].id, Addrs: many}, sourceExchange, false)
	if n := len(s.all[tried[0].id].addresses); n != addressesByCandidate {
		t.Errorf("%d addresses", n)
	}
}

// Those that worked come first, then those of who is trusted more. Who fails waits, and
// is forgotten if nobody but a peer has named it.
func TestBootstrapCandidatesInTurn(t *testing.T) {
	s, now := knowing()
	add := func(id string, from source) {
		s.add(peer.AddrInfo{ID: peer.ID(id), Addrs: at("/ip4/9.9.9.9/tcp/1")}, from, false)
	}
	add("stranger", sourceDiscv5)
	add("tree", sourceTree)
	s.recall([]peer.AddrInfo{{ID: "kept", Addrs: at("/ip4/9.9.9.9/tcp/1")}})
	names := func(all []*candidate) (ids []string) {
		for _, c := range all {
			ids = append(ids, string(c.id))
		}
		return ids
	}
	first := s.next(10, nobody)
	if got := names(first); !slices.Equal(got, []string{"kept", "tree", "stranger"}) {
		t.Errorf("%q", got)
	}
	if again := s.next(10, nobody); len(again) != 0 {
		t.Errorf("%q are tried twice at a time", names(again))
	}
	for _, c := range first {
		s.failed(c)
	}
	*now = now.Add(lastBackoff)
	if got := names(s.next(1, nobody)); !slices.Equal(got, []string{"kept"}) {
		t.Errorf("after %s %q", lastBackoff, got)
	}
	for range 10 * strangerTries {
		*now = now.Add(24 * time.Hour)
		for _, c := range s.next(10, nobody) {
			s.failed(c)
		}
	}
	if s.all["stranger"] != nil || s.all["tree"] == nil || s.all["kept"] == nil {
		t.Errorf("left: %v", s.all)
	}
	if got := s.next(10, func(id peer.ID) bool { return id != "tree" }); len(got) > 1 {
		t.Errorf("%q", names(got))
	}
}

// Nobody but a peer on a private network, or the configuration, makes us dial into one; and
// only while the finder tries a candidate, at its own addresses.
func TestBootstrapDialsWhereAllowed(t *testing.T) {
	s, _ := knowing()
	g := gate{dials: []dialList{new(staticPeers), s}}
	for i, address := range []string{"/ip4/127.0.0.1/tcp/22", "/ip4/10.0.0.1/tcp/80", "/ip4/192.168.1.1/tcp/443/wss", "/ip4/169.254.169.254/tcp/80",
		"/ip4/0.0.0.0/tcp/80", "/ip6/::1/tcp/80", "/ip6/fe80::1/tcp/80", "/ip6/::ffff:10.0.0.1/tcp/80", "/ip4/9.9.9.9/udp/1", "/ip4/9.9.9.9/udp/1/quic-v1",
		"/ip4/9.9.9.9/tcp/0", "/unix/x", "/ip4/9.9.9.9/tcp/1/p2p-circuit"} {
		if s.add(peer.AddrInfo{ID: peer.ID(fmt.Sprint(i)), Addrs: at(address)}, sourceExchange, false) {
			t.Errorf("%s is a candidate", address)
		}
	}
	s.add(peer.AddrInfo{ID: "numbered", Addrs: at("/ip4/9.9.9.9/tcp/1", "/ip4/10.0.0.1/tcp/2")}, sourceExchange, false)
	s.add(peer.AddrInfo{ID: "named", Addrs: at("/dns4/node.example.org/tcp/443/wss")}, sourceExchange, false)
	s.add(peer.AddrInfo{ID: "neighbour", Addrs: at("/ip4/10.0.0.2/tcp/1")}, sourceExchange, true)
	if g.InterceptPeerDial("numbered") || g.InterceptAddrDial("numbered", at("/ip4/9.9.9.9/tcp/1")[0]) {
		t.Error("dialled although it is not tried")
	}
	s.next(10, nobody)
	for _, c := range []struct {
		id      peer.ID
		address string
		want    bool
	}{
		{"numbered", "/ip4/9.9.9.9/tcp/1", true},
		{"numbered", "/ip4/9.9.9.9/tcp/2", false},
		{"numbered", "/ip4/9.9.9.8/tcp/1", false},
		{"numbered", "/ip4/10.0.0.1/tcp/2", false},
		{"named", "/ip4/9.9.9.7/tcp/443/tls/sni/node.example.org/ws", true},
		{"named", "/ip4/9.9.9.7/tcp/80/ws", false},
		{"named", "/ip4/10.0.0.7/tcp/443/tls/sni/node.example.org/ws", false},
		{"named", "/ip4/127.0.0.1/tcp/443/tls/sni/node.example.org/ws", false},
		{"neighbour", "/ip4/10.0.0.2/tcp/1", true},
		{"neighbour", "/ip4/10.0.0.3/tcp/1", false},
	} {
		if got := g.InterceptPeerDial(c.id) && g.InterceptAddrDial(c.id, ma.StringCast(c.address)); got != c.want {
			t.Errorf("%s at %s: %v", c.id, c.address, got)
		}
	}
}

// Of those that worked the latest are kept, with their addresses, and read back.
func TestBootstrapKeptBounded(t *testing.T) {
	s, now := knowing()
	var ids []string
	for i := range 2 * maxKept {
		id, err := PeerID(newKey(t))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
		info, err := parsePeer("peer", fmt.Sprintf("/ip4/9.9.%d.1/tcp/1/p2p/%s", i, id))
		if err != nil {
			t.Fatal(err)
		}
		s.add(info, sourceTree, false)
		*now = now.Add(time.Hour)
		for _, c := range s.next(1, func(other peer.ID) bool { return other != info.ID }) {
			s.succeeded(c)
			s.lost(c)
		}
	}
	peers, changed := s.toKeep()
	if len(peers) != maxKept || !changed || peers[0].ID.String() != ids[len(ids)-1] {
		t.Fatalf("%d are kept, the first %s", len(peers), peers[0].ID)
	}
	b := encodeKept(16, peers)
	read := decodeKept(16, b)
	if len(read) != maxKept || read[0].ID != peers[0].ID || !read[0].Addrs[0].Equal(peers[0].Addrs[0]) {
		t.Errorf("%q gave %v", b, read)
	}
	if other := decodeKept(17, b); len(other) != 0 {
		t.Errorf("of another cluster: %v", other)
	}
	if _, changed := s.toKeep(); changed {
		t.Error("changed again")
	}
}

func FuzzKept(f *testing.F) {
	id, err := PeerID(newKey(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("16\n/ip4/9.9.9.9/tcp/1/p2p/" + id + "\n/ip6/2001:db8::1/tcp/1/p2p/" + id + "\n"))
	f.Add([]byte("16"))
	f.Add([]byte("17\nx\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		peers := decodeKept(16, b)
		if len(peers) > maxKept {
			t.Fatalf("%d peers", len(peers))
		}
		for _, info := range peers {
			if len(info.Addrs) == 0 || len(info.Addrs) > addressesByCandidate {
				t.Fatalf("%v", info)
			}
		}
		if again := decodeKept(16, encodeKept(16, peers)); len(again) != len(peers) {
			t.Fatalf("%d became %d", len(peers), len(again))
		}
	})
}
