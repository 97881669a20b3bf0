package waku

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/waku/v2/node"
	"github.com/waku-org/go-waku/waku/v2/protocol"
)

// goWakuFinder is a whole go-waku node that takes part in discv5 and answers peer exchange.
// Its two halves race with each other at their start, which the race detector finds.
func goWakuFinder(t *testing.T, boot ...*enode.Node) *node.WakuNode {
	t.Helper()
	if testing.Short() {
		t.Skip("under the race detector go-waku fails by itself")
	}
	socket, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp := socket.LocalAddr().(*net.UDPAddr).Port
	socket.Close()
	silenceGoLog()
	building.Lock()
	n, err := node.New(node.WithLogger(silentLogger()), node.WithPrivateKey(ecdsaKey(t, newKey(t))), node.WithWakuRelay(),
		node.WithHostAddress(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}), node.WithPrometheusRegisterer(prometheus.NewRegistry()),
		node.WithClusterID(DefaultCluster), node.WithShards([]uint16{DefaultShard}),
		node.WithDiscoveryV5(uint(udp), boot, false), node.WithPeerExchange())
	building.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its own Stop may panic under traffic
		n.DiscV5().Stop()
		n.Relay().Stop()
		cancel()
		n.Host().Close()
	})
	if err := n.DiscV5().Start(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Relay().Subscribe(ctx, protocol.NewContentFilter(fmt.Sprintf("/waku/2/rs/%d/%d", DefaultCluster, DefaultShard))); err != nil {
		t.Fatal(err)
	}
	return n
}

// go-waku's discv5 and ours understand each other: a node that only it knows is found.
func TestBootstrapGoWakuDiscv5(t *testing.T) {
	t.Parallel()
	known := start(t, Config{})
	where := netipOf(t, known.address(t))
	table := discoverable(t, known.key, relays, enr.TCP(where.Port()), shardList(16, 32))
	other := goWakuFinder(t, table.Self())
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		found, err := (settings{cluster: 16, shards: []uint16{32}}).searchDiscv5(context.Background(), []*enode.Node{other.ENR()})
		if err != nil {
			t.Fatal(err)
		}
		for _, node := range found {
			if node.ID() == table.Self().ID() {
				return
			}
		}
		if time.Since(began) > patience {
			t.Fatal("go-waku named nobody")
		}
	}
}

// go-waku answers our peer exchange, with nodes that it knows of discv5.
func TestBootstrapGoWakuExchange(t *testing.T) {
	t.Parallel()
	known := start(t, Config{})
	where := netipOf(t, known.address(t))
	table := discoverable(t, known.key, relays, enr.TCP(where.Port()), shardList(16, 32))
	other := goWakuFinder(t, table.Self())
	s := start(t, Config{Listen: []string{}, Peers: []string{other.ListenAddresses()[0].String()}})
	s.untilPeers(t, 1)
	r := s.running.Load()
	if !r.speaks(other.Host().ID(), exchangeProtocol) {
		t.Fatal("go-waku has no peer exchange")
	}
	for began := time.Now(); ; time.Sleep(500 * time.Millisecond) {
		nodes, err := r.askExchange(context.Background(), other.Host().ID())
		for _, node := range nodes {
			if node.ID() == table.Self().ID() {
				return
			}
		}
		if time.Since(began) > patience {
			t.Fatalf("go-waku named %d others, %v", len(nodes), err)
		}
	}
}
