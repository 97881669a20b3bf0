package waku

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
	metadatapb "github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// onShard counts the connected peers of a station that are on its shards.
func (s *station) onShard() (n int) {
	for _, p := range s.Status().Peers {
		if p.Connected && p.OnShard {
			n++
		}
	}
	return n
}

func (s *station) untilPeers(t testing.TB, want int) {
	t.Helper()
	s.until(t, fmt.Sprint(want, " peers"), func() bool { return s.onShard() == want })
}

// finding is a node that listens on nothing and finds its peers in a tree.
func finding(url, nameserver string) Config {
	return Config{Listen: []string{}, Trees: []string{url}, Nameserver: nameserver}
}

// A program that knows a tree and nothing else is online, and hears.
func TestBootstrapTree(t *testing.T) {
	var nodes []*enode.Node
	fleet := []*station{start(t, Config{}), start(t, Config{Shards: []uint16{0}}), start(t, Config{Listen: []string{"/ip6/::1/tcp/0"}})}
	for _, s := range fleet {
		nodes = append(nodes, s.record(t))
	}
	names := startNameserver(t)
	url, texts := tree(t, newKey(t), nodes...)
	names.serve(texts)
	c := finding(url, names.address)
	c.Shards = []uint16{32, 0}
	s := start(t, c)
	s.untilPeers(t, 3)
	for _, p := range s.Status().Peers {
		if p.Static {
			t.Errorf("%+v is static", p)
		}
	}
	fleet[2].untilOnline(t)
	fleet[2].publish(t, envelope([]byte("by IPv6")))
	s.untilReceived(t, []byte("by IPv6"))
	if asked := names.asked.Load(); asked > 20 {
		t.Errorf("%d lookups for a tree of %d entries", asked, len(texts))
	}
}

// What the key in the address has not signed is not used, whoever answers for the domain.
func TestBootstrapTreeIsSigned(t *testing.T) {
	t.Parallel() // it waits most of the time
	good, bad := start(t, Config{}), start(t, Config{})
	key := newKey(t)
	url, signed := tree(t, key, good.record(t))
	_, forged := tree(t, newKey(t), bad.record(t))
	replaced := maps.Clone(signed)
	for name, text := range replaced {
		if strings.HasPrefix(text, "enr:") {
			replaced[name] = bad.record(t).String()
		}
	}
	for what, texts := range map[string]map[string]string{"another key": forged, "another node": replaced, "nothing": nil} {
		names := startNameserver(t)
		names.serve(texts)
		c := finding(url, names.address)
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		nodes, err := s.settings.readTree(context.Background(), url)
		if len(nodes) > 0 || err == nil {
			t.Errorf("%s: %v, %v", what, nodes, err)
		}
		t.Logf("%s: %v", what, err)
	}
	names := startNameserver(t)
	names.serve(forged)
	s := start(t, finding(url, names.address))
	s.until(t, "the complaint", func() bool {
		return slices.ContainsFunc(s.logged, func(line string) bool {
			return strings.Contains(line, "could not be read") && strings.Contains(line, "signature")
		})
	})
	if peers := s.Status().Peers; len(peers) > 0 {
		t.Errorf("%+v", peers)
	}
	// As soon as it is right again, it is used.
	names.serve(signed)
	s.untilPeers(t, 1)
}

// A tree of any size costs a bounded number of lookups and gives a bounded number of nodes.
func TestBootstrapTreeBounds(t *testing.T) {
	t.Parallel()
	var nodes []*enode.Node
	for i := range 600 {
		nodes = append(nodes, signedRecord(t, newKey(t), relays, enr.IPv4{10, 0, byte(i >> 8), byte(i)}, enr.TCP(1)))
	}
	names := startNameserver(t)
	url, texts := tree(t, newKey(t), nodes...)
	names.serve(texts)
	s, err := New(finding(url, names.address))
	if err != nil {
		t.Fatal(err)
	}
	read, err := s.settings.readTree(context.Background(), url)
	if err != nil || len(read) > treeNodes || len(read) == 0 {
		t.Errorf("%d nodes of %d, %v", len(read), len(nodes), err)
	}
	if asked := names.asked.Load(); asked > treeLookups+1 {
		t.Errorf("%d lookups", asked)
	}
	// A reading that is given up ends at once.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	began := time.Now()
	if _, err := s.settings.readTree(ctx, url); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

// serveExchange makes a station answer peer exchange, and counts the questions.
func serveExchange(s *station, answer func(network.Stream)) {
	s.running.Load().host().SetStreamHandler(exchangeProtocol, answer)
}

// naming answers peer exchange with records.
func naming(t testing.TB, nodes ...*enode.Node) func(network.Stream) {
	response := new(pb.PeerExchangeResponse)
	for _, node := range nodes {
		response.PeerInfos = append(response.PeerInfos, &pb.PeerInfo{Enr: encoded(t, node)})
	}
	return func(stream network.Stream) {
		query := new(pb.PeerExchangeRPC)
		if err := pbio.NewDelimitedReader(stream, 1024).ReadMsg(query); err != nil || query.Query.GetNumPeers() != exchangeNodes {
			_ = stream.Reset()
			return
		}
		finish(stream, pbio.NewDelimitedWriter(stream).WriteMsg(&pb.PeerExchangeRPC{Response: response}))
	}
}

// One peer is enough to find others, if it names them.
func TestBootstrapExchange(t *testing.T) {
	boot, one, two := start(t, Config{}), start(t, Config{}), start(t, Config{})
	elsewhere := start(t, Config{Cluster: 99})
	serveExchange(boot, naming(t, one.record(t), elsewhere.record(t), two.record(t)))
	s := start(t, Config{Listen: []string{}, Peers: []string{boot.address(t)}, Exchange: true})
	s.untilPeers(t, 3)
	if peers := s.Status().Peers; len(peers) != 3 {
		t.Errorf("%+v", peers)
	}
	// A peer that is thrown out is forgotten, until somebody names it again.
	if err := s.Disconnect(one.Status().PeerID); err != nil {
		t.Fatal(err)
	}
	s.untilPeers(t, 2)
}

// A responder may say what it likes: nothing breaks, and honest peers are found through
// another one.
func TestBootstrapHostileExchange(t *testing.T) {
	t.Parallel() // it waits most of the time
	many := make([]*enode.Node, 60)
	for i := range many {
		many[i] = signedRecord(t, newKey(t), relays, shardList(16, 32), enr.IPv4{127, 0, 0, 1}, enr.TCP(i+1))
	}
	for what, answer := range map[string]func(network.Stream){
		"silence":       func(network.Stream) {},
		"end":           func(stream network.Stream) { stream.Close() },
		"two gigabytes": func(stream network.Stream) { stream.Write(announce) },
		"junk":          func(stream network.Stream) { stream.Write([]byte{3, 0xff, 0xff, 0xff}) },
		"a question":    func(stream network.Stream) { stream.Write([]byte{2, 0x0a, 0}) },
		"bad records": func(stream network.Stream) {
			finish(stream, pbio.NewDelimitedWriter(stream).WriteMsg(&pb.PeerExchangeRPC{Response: &pb.PeerExchangeResponse{
				PeerInfos: []*pb.PeerInfo{nil, {}, {Enr: make([]byte, 10_000)}, {Enr: []byte{0xc0}}}}}))
		},
		"nobody": naming(t, many...),
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			hostile, boot, one := start(t, Config{}), start(t, Config{}), start(t, Config{})
			serveExchange(hostile, answer)
			serveExchange(boot, naming(t, one.record(t)))
			s := start(t, Config{Listen: []string{}, Peers: []string{hostile.address(t), boot.address(t)}, Exchange: true})
			s.untilPeers(t, 3)
			s.candidates.mu.Lock()
			known := len(s.candidates.all)
			s.candidates.mu.Unlock()
			if known > exchangeNodes+1 {
				t.Errorf("%d candidates of one answer", known)
			}
			if len(s.panics) > 0 {
				t.Errorf("%q", s.panics)
			}
		})
	}
}

// What was found once is found again without those who named it.
func TestBootstrapKept(t *testing.T) {
	a, b := start(t, Config{}), start(t, Config{})
	names := startNameserver(t)
	url, texts := tree(t, newKey(t), a.record(t), b.record(t))
	names.serve(texts)
	kept := new(memory)
	first := prepare(t, finding(url, names.address))
	first.memory = kept
	first.start(t)
	first.untilPeers(t, 2)
	first.until(t, "both to be noted", func() bool {
		first.candidates.mu.Lock()
		defer first.candidates.mu.Unlock()
		return len(first.candidates.kept) == 2
	})
	first.stop(t)
	if kept.saves == 0 || kept.saves > 3 {
		t.Fatalf("saved %d times: %q", kept.saves, kept.b)
	}

	silent := startNameserver(t)
	second := prepare(t, finding(url, silent.address))
	second.memory = kept
	second.start(t)
	second.untilPeers(t, 2)
	saves := kept.saves
	second.stop(t)
	if kept.saves != saves {
		t.Error("written although nothing has changed")
	}
	// Another cluster has other peers.
	c := finding(url, silent.address)
	c.Cluster = 99
	third := prepare(t, c)
	third.memory = kept
	third.start(t)
	third.until(t, "a look for peers", func() bool { return silent.asked.Load() > 0 && len(third.logged) > 0 })
	if n := len(third.candidates.all); n != 0 {
		t.Errorf("%d candidates", n)
	}
}

// A node whose record says our shard, but which is of another cluster, is no peer, and is
// not dialled over and over. Nor is one that takes no part in any shard.
func TestBootstrapRefusesOthers(t *testing.T) {
	lying := start(t, Config{Cluster: 99})
	h, _ := rawPeer(t, answer(&metadatapb.WakuMetadataResponse{ClusterId: proto.Uint32(DefaultCluster), Shards: []uint32{DefaultShard + 1}}))
	if err := h.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0")); err != nil {
		t.Fatal(err)
	}
	where := netipOf(t, lying.address(t))
	record := signedRecord(t, lying.key, relays, shardList(16, 32), enr.IPv4Addr(where.Addr()), enr.TCP(where.Port()))
	names := startNameserver(t)
	url, texts := tree(t, newKey(t), record)
	names.serve(texts)
	s := start(t, finding(url, names.address))
	s.until(t, "a try", func() bool {
		s.candidates.mu.Lock()
		defer s.candidates.mu.Unlock()
		for _, c := range s.candidates.all {
			if c.failures > 0 && !c.trying {
				return true
			}
		}
		return false
	})
	if status := s.Status(); status.State != port.NetworkOffline || len(status.Peers) > 0 {
		t.Errorf("%+v", status)
	}
	if due := s.candidates.due(); time.Until(due) < retryAfter/2 {
		t.Errorf("tried again in %s", time.Until(due))
	}
}

// With peers enough nothing is asked; when one goes, another takes its place.
func TestBootstrapReplacesPeers(t *testing.T) {
	var fleet []*station
	var nodes []*enode.Node
	for range wantedPeers + 2 {
		s := start(t, Config{})
		fleet, nodes = append(fleet, s), append(nodes, s.record(t))
	}
	names := startNameserver(t)
	url, texts := tree(t, newKey(t), nodes...)
	names.serve(texts)
	s := start(t, finding(url, names.address))
	s.untilPeers(t, wantedPeers)
	asked := names.asked.Load()
	first := s.Status().Peers[0].PeerID
	for _, f := range fleet {
		if f.Status().PeerID == first {
			f.stop(t)
		}
	}
	s.until(t, "another peer", func() bool {
		return s.onShard() == wantedPeers && !slices.ContainsFunc(s.Status().Peers, func(p port.NetworkPeer) bool { return p.PeerID == first })
	})
	if again := names.asked.Load(); again != asked {
		t.Errorf("%d lookups became %d", asked, again)
	}
}
