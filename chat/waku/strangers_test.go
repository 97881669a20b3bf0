package waku

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"runtime"
	"slices"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pubsubpb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// stranger is a peer that speaks gossipsub by hand.
type stranger struct {
	host.Host
	stream network.Stream
	topic  string
}

// newStranger connects to s as a node of our shard does.
func newStranger(t *testing.T, s *station) stranger {
	t.Helper()
	h, _ := rawPeer(t, answer(&pb.WakuMetadataResponse{ClusterId: proto.Uint32(DefaultCluster), Shards: []uint32{DefaultShard}}))
	for _, id := range []protocol.ID{relay.WakuRelayID_v200, pubsub.GossipSubID_v11} {
		h.SetStreamHandler(id, func(stream network.Stream) { // reads and forgets
			for buffer := make([]byte, 1<<16); ; {
				if _, err := stream.Read(buffer); err != nil {
					return
				}
			}
		})
	}
	dialStation(t, h, s)
	stream, err := h.NewStream(context.Background(), s.running.Load().host().ID(), pubsub.GossipSubID_v11)
	if err != nil {
		t.Fatal(err)
	}
	return stranger{h, stream, s.PubsubTopic()}
}

// say sends an RPC.
func (p stranger) say(t *testing.T, rpc *pubsubpb.RPC) {
	t.Helper()
	raw, err := rpc.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.stream.Write(append(binary.AppendUvarint(nil, uint64(len(raw))), raw...)); err != nil {
		t.Fatal(err)
	}
}

// message is an envelope as gossipsub carries it.
func (p stranger) message(t *testing.T, payload string) *pubsubpb.Message {
	t.Helper()
	raw, err := proto.Marshal(wakuMessage(envelope([]byte(payload))))
	if err != nil {
		t.Fatal(err)
	}
	return &pubsubpb.Message{Data: raw, Topic: &p.topic}
}

// until waits for s to have taken all that p has said so far.
func (p stranger) until(t *testing.T, s *station, mark string) {
	t.Helper()
	p.say(t, &pubsubpb.RPC{Publish: []*pubsubpb.Message{p.message(t, mark)}})
	s.untilReceived(t, []byte(mark))
}

// heap returns the number of bytes in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Topics a peer says it is on are not kept, but ours.
func TestStrangersSubscriptions(t *testing.T) {
	s := start(t, Config{})
	p := newStranger(t, s)
	p.until(t, s, "before")
	before := heap()
	yes, n := true, 0
	for _, size := range append(slices.Repeat([]int{maxSubscriptions}, 200), 60_000) {
		rpc := new(pubsubpb.RPC)
		for range size {
			n++
			rpc.Subscriptions = append(rpc.Subscriptions, &pubsubpb.RPC_SubOpts{Subscribe: &yes, Topicid: proto.String(fmt.Sprintf("%x", n))})
		}
		p.say(t, rpc)
	}
	p.say(t, &pubsubpb.RPC{Subscriptions: []*pubsubpb.RPC_SubOpts{{Subscribe: &yes, Topicid: &p.topic}}})
	p.until(t, s, "after")
	s.untilOnline(t) // the subscription to our shard counts
	if grown := heap() - before; grown > 16<<20 {
		t.Errorf("%d subscriptions made the heap grow by %d KiB", n, grown>>10)
	}
}

// signed is a peer that does not exist, at an address, as peer exchange names it.
func signed(t *testing.T, address string) (peer.ID, *pubsubpb.PeerInfo) {
	t.Helper()
	private, err := crypto.UnmarshalSecp256k1PrivateKey(newKey(t).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast(address)}}), private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := sealed.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return id, &pubsubpb.PeerInfo{PeerID: []byte(id), SignedPeerRecord: raw}
}

// Nobody makes us dial: neither by peer exchange, nor in any other way libp2p may have.
func TestStrangersMakeUsDialNobody(t *testing.T) {
	s := start(t, Config{})
	p := newStranger(t, s)
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a service of this machine
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	came := make(chan struct{}, 16)
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			connection.Close()
			came <- struct{}{}
		}
	}()
	address := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", listener.Addr().(*net.TCPAddr).Port)
	id, info := signed(t, address)
	p.say(t, &pubsubpb.RPC{Control: &pubsubpb.ControlMessage{Prune: []*pubsubpb.ControlPrune{{TopicID: &p.topic, Peers: []*pubsubpb.PeerInfo{info}}}}})
	p.until(t, s, "pruned")
	h := s.running.Load().host()
	err = h.Connect(context.Background(), peer.AddrInfo{ID: id, Addrs: []ma.Multiaddr{ma.StringCast(address)}})
	if !errors.Is(err, swarm.ErrGaterDisallowedConnection) {
		t.Errorf("dialling a stranger: %v", err)
	}
	select {
	case <-came:
		t.Error("the node dialled")
	case <-time.After(500 * time.Millisecond): // gossipsub would have dialled by now
	}
}

// A static peer is dialled where it was configured, not where it says it is.
func TestDialledAddresses(t *testing.T) {
	n, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	add := func(address string) peer.ID {
		t.Helper()
		id, err := PeerID(newKey(t))
		if err != nil {
			t.Fatal(err)
		}
		info, err := parsePeer("peer", address+"/p2p/"+id)
		if err != nil {
			t.Fatal(err)
		}
		n.static.add(info)
		return info.ID
	}
	numbered, named := add("/ip4/192.0.2.1/tcp/60000"), add("/dns4/node.example.org/tcp/443/wss")
	g := gate{dials: []dialList{&n.static}}
	for _, c := range []struct {
		id      peer.ID
		address string
		want    bool
	}{
		{numbered, "/ip4/192.0.2.1/tcp/60000", true},
		{numbered, "/ip4/192.0.2.1/tcp/22", false},
		{numbered, "/ip4/192.0.2.2/tcp/60000", false},
		{numbered, "/ip4/192.0.2.1/udp/60000/quic-v1", false},
		{named, "/ip4/192.0.2.7/tcp/443/tls/sni/node.example.org/ws", true},
		{named, "/ip4/192.0.2.7/tcp/80/ws", false},
		{"nobody", "/ip4/192.0.2.1/tcp/60000", false},
	} {
		if got := g.InterceptAddrDial(c.id, ma.StringCast(c.address)); got != c.want {
			t.Errorf("%s: %v", c.address, got)
		}
	}
	if !g.InterceptPeerDial(named) || g.InterceptPeerDial("nobody") {
		t.Error("the list of static peers does not decide")
	}
	n.static.remove(named)
	if g.InterceptPeerDial(named) {
		t.Error("a peer that was removed may be dialled")
	}
}

// What identify tells: the addresses we were told to listen on, of a wildcard none.
func TestIdentifyTellsConfiguredAddresses(t *testing.T) {
	for listen, want := range map[string]int{"/ip4/127.0.0.1/tcp/0": 1, "/ip4/0.0.0.0/tcp/0": 0} {
		s := start(t, Config{Listen: []string{listen}})
		h, _ := rawPeer(t, answer(&pb.WakuMetadataResponse{ClusterId: proto.Uint32(DefaultCluster)}))
		identified, err := h.EventBus().Subscribe(new(event.EvtPeerIdentificationCompleted), eventbus.BufSize(4))
		if err != nil {
			t.Fatal(err)
		}
		defer identified.Close()
		dialStation(t, h, s)
		told := (<-identified.Out()).(event.EvtPeerIdentificationCompleted)
		if len(told.ListenAddrs) != want || told.SignedPeerRecord != nil {
			t.Errorf("listening on %s: told %v, record %v", listen, told.ListenAddrs, told.SignedPeerRecord)
		}
		if len(s.Status().ListenAddresses) == 0 {
			t.Errorf("listening on %s: the user is told no address", listen)
		}
	}
}

// A node that is not told to listen does not, has another peer id at each start, and
// still takes part.
func TestNodeWithoutListening(t *testing.T) {
	hub := start(t, Config{})
	quiet := prepare(t, Config{Listen: []string{}, Peers: []string{hub.address(t)}})
	ids := map[string]bool{}
	for range 2 {
		quiet.start(t)
		quiet.untilOnline(t)
		hub.untilOnline(t)
		status := quiet.Status()
		ids[status.PeerID] = true
		if len(status.ListenAddresses) > 0 || len(quiet.running.Load().host().Network().ListenAddresses()) > 0 {
			t.Fatalf("it listens on %v", status.ListenAddresses)
		}
		payload := []byte(status.PeerID)
		hub.publish(t, envelope(payload))
		quiet.untilReceived(t, payload)
		quiet.stop(t)
	}
	own, err := PeerID(quiet.key)
	if err != nil {
		t.Fatal(err)
	}
	if len(ids) != 2 || ids[own] {
		t.Errorf("peer ids %v; that of the stored key is %s", ids, own)
	}
}

// Whoever sends more messages than a shard has fills no memory, and others are heard.
func TestStrangersManyMessages(t *testing.T) {
	s := start(t, Config{})
	honest := start(t, Config{Peers: []string{s.address(t)}})
	honest.untilOnline(t)
	s.untilOnline(t)
	s.receive = func(e port.Envelope) {
		if bytes.HasPrefix(e.Payload, []byte("kept")) {
			s.note(func() { s.received = append(s.received, e) })
		}
	}
	p := newStranger(t, s)
	before, sent := heap(), 0
	for range 40 {
		rpc := new(pubsubpb.RPC)
		for range 5000 {
			sent++
			rpc.Publish = append(rpc.Publish, p.message(t, fmt.Sprintf("x%d", sent)))
		}
		p.say(t, rpc)
	}
	honest.publish(t, envelope([]byte("kept: an honest message")))
	s.untilReceived(t, []byte("kept: an honest message"))
	if grown := heap() - before; grown > 32<<20 {
		t.Errorf("%d messages made the heap grow by %d KiB", sent, grown>>10)
	}
	if stats := s.Stats(); stats.Received == 0 || stats.Received > messagesAtOnceByPeer*2 {
		t.Errorf("%d of %d messages were taken", stats.Received, sent)
	}
}

// A static peer that is gone is told, also if somebody else is there now.
func TestLostStaticPeerIsTold(t *testing.T) {
	t.Parallel() // it waits most of the time
	told := func(s *station) (n int) {
		for _, c := range s.changes {
			if c.Error != "" && !c.Connected && c.Static {
				n++
			}
		}
		return n
	}
	a, b := pair(t, Config{})
	place := a.port(t)
	a.stop(t)
	b.until(t, "being told", func() bool { return told(b) == 1 })
	a.Node.settings.listen = mustListen(t, place)
	a.start(t)
	b.untilOnline(t)
	a.stop(t)
	start(t, Config{Listen: []string{place}}) // with another peer id
	b.until(t, "being told again", func() bool { return told(b) == 2 })
}
