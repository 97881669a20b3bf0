package waku

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/p2p/discover"
	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"

	"libstatus1to1/chat/protocol/key"
)

// discoverable runs a discv5 node on loopback until the end of the test.
func discoverable(t testing.TB, k key.Private, entries ...enr.Entry) *discover.UDPv5 {
	t.Helper()
	database, err := enode.OpenDB("")
	if err != nil {
		t.Fatal(err)
	}
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	private := ecdsaKey(t, k)
	local := enode.NewLocalNode(database, private)
	local.SetStaticIP(net.IPv4(127, 0, 0, 1))
	local.SetFallbackUDP(socket.LocalAddr().(*net.UDPAddr).Port)
	for _, e := range entries {
		local.Set(e)
	}
	name := discv5Protocol
	node, err := discover.ListenV5(socket, local, discover.Config{PrivateKey: private, V5ProtocolID: &name,
		PingInterval: 50 * time.Millisecond, Log: log.NewLogger(log.DiscardHandler())})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { node.Close(); database.Close() })
	return node
}

// discoverable makes a station take part in discv5, and known to a node there, which
// would else learn of it minutes later.
func (s *station) discoverable(t testing.TB, by *discover.UDPv5, more ...enr.Entry) {
	t.Helper()
	where := netip.MustParseAddrPort(hostPort(t, s.address(t)))
	node := discoverable(t, s.key, append([]enr.Entry{relays, enr.TCP(where.Port()), shardList(16, 32)}, more...)...)
	if !by.AddKnownNode(node.Self()) {
		t.Fatal("the node was not added")
	}
}

// startFar starts a station whose id is far from a node's, as most are: lookups of random
// ids hardly ever ask a node for others that are near it.
func startFar(t testing.TB, from *enode.Node) *station {
	t.Helper()
	s := prepare(t, Config{})
	for enode.LogDist(from.ID(), enode.PubkeyToIDV4(&ecdsaKey(t, s.key).PublicKey)) < 255 {
		s.key = newKey(t)
	}
	s.start(t)
	return s
}

// Who knows one node that takes part in discv5 finds others there, and leaves alone those
// that are not ours.
func TestBootstrapDiscv5(t *testing.T) {
	boot := start(t, Config{})
	where := netip.MustParseAddrPort(hostPort(t, boot.address(t)))
	table := discoverable(t, boot.key, relays, enr.TCP(where.Port()), shardList(16, 32))
	one, two, elsewhere := startFar(t, table.Self()), startFar(t, table.Self()), startFar(t, table.Self())
	one.discoverable(t, table)
	two.discoverable(t, table)
	elsewhere.discoverable(t, table, shardList(1, 32))
	names := startNameserver(t)
	url, texts := tree(t, newKey(t), table.Self())
	names.serve(texts)
	c := finding(url, names.address)
	c.Discv5 = true
	s := start(t, c)
	s.untilPeers(t, 3)
	for _, p := range s.Status().Peers {
		if p.PeerID == elsewhere.Status().PeerID {
			t.Error("a node of another cluster is a peer")
		}
	}
}

// A search ends in time, with an answer or without.
func TestBootstrapDiscv5Ends(t *testing.T) {
	silent, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	where := netip.MustParseAddrPort(silent.LocalAddr().String())
	boot := signedRecord(t, newKey(t), relays, enr.IPv4Addr(where.Addr()), enr.UDP(where.Port()))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	began := time.Now()
	nodes, err := settings{cluster: 16, shards: []uint16{32}}.searchDiscv5(ctx, []*enode.Node{boot})
	if len(nodes) > 0 || err != nil || time.Since(began) > discv5Wait/2 {
		t.Errorf("after %s %v, %v", time.Since(began), nodes, err)
	}
}

// However many nodes are named, few are taken.
func TestBootstrapDiscv5Bounds(t *testing.T) {
	var nodes []*enode.Node
	for i := range 300 {
		nodes = append(nodes, signedRecord(t, newKey(t), relays, shardList(16, 32), enr.IPv4{10, 0, byte(i >> 8), byte(i)}, enr.TCP(1)))
	}
	looks := 0
	s := settings{cluster: 16, shards: []uint16{32}}
	if got := s.pick(context.Background(), enode.Filter(enode.CycleNodes(nodes), func(*enode.Node) bool { looks++; return true })); len(got) != discv5Nodes {
		t.Errorf("%d nodes", len(got))
	}
	s.cluster = 17
	looks = 0
	if got := s.pick(context.Background(), enode.Filter(enode.CycleNodes(nodes), func(*enode.Node) bool { looks++; return true })); len(got) > 0 || looks > discv5Looks {
		t.Errorf("%d nodes after %d looks", len(got), looks)
	}
}
