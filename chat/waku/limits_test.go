package waku

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pubsubpb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// inspecting is an inspector with a clock of its own, and one static peer, "chosen".
func inspecting() (*inspector, *time.Time) {
	static := new(staticPeers)
	static.add(peer.AddrInfo{ID: "chosen"})
	i, now := newInspector(static), time.Unix(1_700_000_000, 0)
	i.now = func() time.Time { return now }
	return i, &now
}

// relayed returns how many of n messages of a size pass.
func relayed(i *inspector, from peer.ID, n, size int) int {
	rpc := &pubsub.RPC{RPC: pubsubpb.RPC{Publish: make([]*pubsubpb.Message, n)}}
	message := &pubsubpb.Message{Data: make([]byte, size)}
	for at := range rpc.Publish {
		rpc.Publish[at] = message
	}
	if err := i.inspect(from, rpc); (err != nil) != (n > 0 && len(rpc.Publish) == 0) {
		panic(fmt.Sprint(len(rpc.Publish), " messages are left, and ", err))
	}
	return len(rpc.Publish)
}

func TestMessagesByPeer(t *testing.T) {
	i, now := inspecting()
	if n := relayed(i, "one", 400_000, 20); n != messagesAtOnceByPeer {
		t.Errorf("one peer relayed %d messages at once", n)
	}
	if n := relayed(i, "one", 1, 20); n != 0 {
		t.Error("one more passed")
	}
	if n := relayed(i, "two", 1, 20); n != 1 {
		t.Error("another peer is not heard")
	}
	*now = now.Add(time.Second)
	if n := relayed(i, "one", 400_000, 20); n != int(messagesByPeer) {
		t.Errorf("%d messages a second", n)
	}
	bytes := func(from peer.ID) (n int) {
		for range 1000 {
			n += relayed(i, from, 1, 1<<20)
		}
		return n << 20
	}
	if n := bytes("three"); n > messageBytesAtOnce || n < messageBytesAtOnce*9/10 {
		t.Errorf("one peer relayed %d bytes at once", n)
	}
}

// A new identity costs nothing: however many strangers there are, they get no more.
// The peers that the user chose are heard all the same.
func TestMessagesByStrangers(t *testing.T) {
	i, _ := inspecting()
	total := 0
	for n := range 200 {
		total += relayed(i, peer.ID(fmt.Sprint("stranger ", n)), 20_000, 20)
	}
	if total != messagesAtOnceStrangers {
		t.Errorf("200 strangers relayed %d messages", total)
	}
	if n := relayed(i, "chosen", 1000, 20); n != 1000 {
		t.Errorf("of a static peer %d messages of 1000 passed", n)
	}
}

// The traffic of a busy shard passes, with what a relay has kept for us meanwhile.
func TestBusyShardPasses(t *testing.T) {
	i, now := inspecting()
	for second := range 600 {
		*now = now.Add(time.Second)
		n := 200
		if second%60 == 0 {
			n = 2000
		}
		if got := relayed(i, "relay", n, 3000); got != n {
			t.Fatalf("second %d: %d of %d messages", second, got, n)
		}
	}
	if n := relayed(i, "relay", 20, 1<<20); n != 20 { // a picture in segments
		t.Errorf("%d of 20 large messages", n)
	}
}

func TestControlMessages(t *testing.T) {
	i, _ := inspecting()
	control := func(c *pubsubpb.ControlMessage) *pubsubpb.ControlMessage {
		rpc := &pubsub.RPC{RPC: pubsubpb.RPC{Control: c}}
		if err := i.inspect("one", rpc); err != nil {
			t.Fatal(err)
		}
		return rpc.Control
	}
	got := control(&pubsubpb.ControlMessage{
		Prune:     []*pubsubpb.ControlPrune{{Peers: []*pubsubpb.PeerInfo{{PeerID: []byte("x")}}}},
		Idontwant: []*pubsubpb.ControlIDontWant{{MessageIDs: []string{"x"}}},
	})
	if got == nil || len(got.Prune) != 1 || got.Prune[0].Peers != nil || got.Idontwant != nil {
		t.Errorf("%v", got)
	}
	if got := control(&pubsubpb.ControlMessage{Idontwant: []*pubsubpb.ControlIDontWant{{}}}); got != nil {
		t.Errorf("%v", got)
	}
	if got := control(&pubsubpb.ControlMessage{Ihave: []*pubsubpb.ControlIHave{{}}}); got == nil {
		t.Error("gossip is lost")
	}
}

func TestArrivals(t *testing.T) {
	a, now := newArrivals(), time.Unix(1_700_000_000, 0)
	admitted := func(tries int, address func(int) string) (n int) {
		for try := range tries {
			if a.admit(now, sourceOf(ma.StringCast(address(try)))) {
				n++
			}
		}
		return n
	}
	one := func(int) string { return "/ip4/192.0.2.1/tcp/1000" }
	if n := admitted(1000, one); n != arrivalsAtOnceBySource {
		t.Errorf("one address: %d", n)
	}
	if n := admitted(1000, func(i int) string { return fmt.Sprintf("/ip6/2001:db8:0:%x::1/tcp/1", i%256) }); n != arrivalsAtOnceBySource {
		t.Errorf("one network: %d", n)
	}
	rest := arrivalsAtOnce - 2*arrivalsAtOnceBySource
	if n := admitted(1000, func(i int) string { return fmt.Sprintf("/ip4/198.51.%d.%d/tcp/1", i/250, i%250) }); n != rest {
		t.Errorf("many addresses: %d", n)
	}
	now = now.Add(4 * arrivalEveryBySource)
	if n := admitted(1000, one); n != 4 {
		t.Errorf("one address later: %d", n)
	}
	// This machine's own programs are not told apart, but counted.
	a = newArrivals()
	if n := admitted(1000, func(int) string { return "/ip4/127.0.0.1/tcp/1" }); n != arrivalsAtOnce {
		t.Errorf("loopback: %d", n)
	}
	for i := range 2 * sourcesRemembered {
		a.admit(now, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 32))
	}
	if n := a.sources.Len(); n > sourcesRemembered {
		t.Errorf("%d sources are kept", n)
	}
}

// Connections and streams that peers may hold at a time.
func TestConnectionsAndStreams(t *testing.T) {
	resources, err := newResources(ModeRelay)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resources.Close() })
	opened := func(tries int, address func(int) string) (n int) {
		for try := range tries {
			if c, err := resources.OpenConnection(network.DirInbound, true, ma.StringCast(address(try))); err == nil {
				t.Cleanup(c.Done)
				if err := c.SetPeer(peer.ID(fmt.Sprint(address(try), try))); err != nil { // else they count as not known yet
					t.Fatal(err)
				}
				n++
			}
		}
		return n
	}
	if n := opened(100, func(int) string { return "/ip4/192.0.2.1/tcp/1" }); n != connectionsBySource {
		t.Errorf("%d connections of one address", n)
	}
	if n := opened(100, func(i int) string { return fmt.Sprintf("/ip6/2001:db8:0:%x::1/tcp/1", i) }); n != connectionsBySource {
		t.Errorf("%d connections of one network", n)
	}
	if n := opened(1000, func(i int) string { return fmt.Sprintf("/ip4/198.51.%d.%d/tcp/1", i/250, i%250) }); n != manyConnections-2*connectionsBySource {
		t.Errorf("%d connections of many addresses", n)
	}
	streams := 0
	for range 1000 {
		if s, err := resources.OpenStream("one", network.DirInbound); err == nil {
			defer s.Done()
			streams++
		}
	}
	if streams != streamsByPeer {
		t.Errorf("%d streams of one peer", streams)
	}
}

// Scores go-waku's relay notes down of peers that have left are not kept.
func TestScoresAreNotKept(t *testing.T) {
	h, err := newHost(newKey(t), settings{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	peers := h.Peerstore().(unscored)
	for i := range 10 {
		if err := peers.SetScore(peer.ID(fmt.Sprint(i)), 1); err != nil {
			t.Fatal(err)
		}
	}
	if score, err := peers.Get("1", "score"); err == nil {
		t.Errorf("kept: %v", score)
	}
}
