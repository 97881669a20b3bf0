package waku

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/waku/v2/node"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	wakufilter "github.com/waku-org/go-waku/waku/v2/protocol/filter"

	"libstatus1to1/chat/port"
)

// go-waku serves us filter and lightpush, version 2: it is a service node of the fleet's
// kind, by others.
func TestLightGoWaku(t *testing.T) {
	silenceGoLog()
	building.Lock()
	other, err := node.New(node.WithLogger(silentLogger()), node.WithPrivateKey(ecdsaKey(t, newKey(t))), node.WithWakuRelayAndMinPeers(0),
		node.WithHostAddress(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}), node.WithPrometheusRegisterer(prometheus.NewRegistry()),
		node.WithClusterID(DefaultCluster), node.WithShards([]uint16{DefaultShard}),
		node.WithLightPush(), node.WithWakuFilterFullNode(wakufilter.WithTimeout(time.Minute)))
	building.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := other.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its own Stop may panic under traffic
		other.Relay().Stop()
		cancel()
		other.Host().Close()
	})
	if _, err := other.Relay().Subscribe(ctx, protocol.NewContentFilter(shard32)); err != nil {
		t.Fatal(err)
	}
	known := other.ListenAddresses()[0].String()
	relaying := start(t, Config{Peers: []string{known}})
	nodes := make([]*station, 2)
	for i := range nodes {
		nodes[i] = prepare(t, Config{Mode: ModeLight, Peers: []string{known}})
		nodes[i].settings.timing = fast
		nodes[i].start(t)
	}
	relaying.untilOnline(t)
	// It may know of the other's subscription before the other knows of its own.
	relaying.until(t, "being known", func() bool { return len(other.Relay().PubSub().ListPeers(shard32)) == 1 })
	for _, s := range nodes {
		s.untilOnline(t)
	}
	if evidence := nodes[0].publish(t, envelope([]byte("by lightpush"))); evidence.Kind != "lightpush" || evidence.Peers != 1 {
		t.Errorf("%+v", evidence)
	}
	nodes[1].untilReceived(t, []byte("by lightpush"))
	relaying.untilReceived(t, []byte("by lightpush"))
	relaying.publish(t, envelope([]byte("by relay")))
	for _, s := range nodes {
		s.untilReceived(t, []byte("by relay"))
	}
	if got := nodes[0].allReceived(); len(got) != 1 || nodes[0].Status().State != port.NetworkOnline {
		t.Errorf("%+v", got)
	}
}
