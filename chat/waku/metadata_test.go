package waku

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/libp2p/go-msgio/pbio"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/waku/v2/node"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/metadata"
	"github.com/waku-org/go-waku/waku/v2/protocol/metadata/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"google.golang.org/protobuf/proto"
)

// goWaku is a whole go-waku node, as others run it, on a cluster's shard 32.
func goWaku(t *testing.T, cluster uint16, topic string) (*node.WakuNode, <-chan *protocol.Envelope) {
	t.Helper()
	identity, err := crypto.ToECDSA(newKey(t).Bytes())
	if err != nil {
		t.Fatal(err)
	}
	silenceGoLog()
	building.Lock()
	n, err := node.New(node.WithLogger(silentLogger()), node.WithPrivateKey(identity), node.WithWakuRelay(),
		node.WithHostAddress(&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}), node.WithPrometheusRegisterer(prometheus.NewRegistry()),
		node.WithClusterID(cluster), node.WithShards([]uint16{DefaultShard}))
	building.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := n.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { // its own Stop may panic under traffic
		n.Relay().Stop()
		cancel()
		n.Host().Close()
	})
	subscriptions, err := n.Relay().Subscribe(ctx, protocol.NewContentFilter(topic))
	if err != nil {
		t.Fatal(err)
	}
	return n, subscriptions[0].Ch
}

// A whole go-waku node takes us for one of its kind, whoever dials, and keeps us.
func TestGoWakuNode(t *testing.T) {
	for _, dialled := range []bool{true, false} {
		s := prepare(t, Config{})
		other, received := goWaku(t, DefaultCluster, s.PubsubTopic())
		if dialled {
			if err := s.Connect(other.ListenAddresses()[0].String()); err != nil {
				t.Fatal(err)
			}
		}
		s.start(t)
		if !dialled {
			if err := other.DialPeer(context.Background(), s.address(t)); err != nil {
				t.Fatal(err)
			}
		}
		s.untilOnline(t)
		s.publish(t, envelope([]byte("to go-waku")))
		select {
		case e := <-received:
			if !bytes.Equal(e.Message().Payload, []byte("to go-waku")) {
				t.Fatalf("%q", e.Message().Payload)
			}
		case <-time.After(patience):
			t.Fatal("go-waku received nothing")
		}
		s.until(t, "a mesh", func() bool { return len(other.Relay().PubSub().MeshPeers(s.PubsubTopic())) == 1 })
		if _, err := other.Relay().Publish(context.Background(), wakuMessage(envelope([]byte("from go-waku"))), relay.WithPubSubTopic(s.PubsubTopic())); err != nil {
			t.Fatal(err)
		}
		s.untilReceived(t, []byte("from go-waku"))
		if connected := s.Status().Peers; len(connected) != 1 || !connected[0].Connected {
			t.Fatalf("%+v", connected)
		}
		agent, err := s.running.Load().host().Peerstore().Get(other.Host().ID(), "AgentVersion")
		if err != nil || agent != userAgent {
			t.Errorf("go-waku calls itself %v, we say %q", agent, userAgent)
		}
	}
}

// Neither keeps the other when the clusters differ.
func TestGoWakuNodeOfAnotherCluster(t *testing.T) {
	s := start(t, Config{})
	other, _ := goWaku(t, 99, s.PubsubTopic())
	if err := other.DialPeer(context.Background(), s.address(t)); err != nil {
		t.Fatal(err)
	}
	s.until(t, "hanging up", func() bool { return len(s.changes) > 1 && !s.running.Load().connected(other.Host().ID()) })
}

// rawPeer is a libp2p host that does what a test makes it do; gone tells when it has
// lost its connection.
func rawPeer(t *testing.T, metadata network.StreamHandler) (h host.Host, gone event.Subscription) {
	t.Helper()
	h, err := newHost(newKey(t), settings{}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	if metadata != nil {
		h.SetStreamHandler(metadataProtocol, metadata)
	}
	if gone, err = h.EventBus().Subscribe(new(event.EvtPeerConnectednessChanged), eventbus.BufSize(eventBuffer)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { gone.Close() })
	return h, gone
}

func dialStation(t *testing.T, h host.Host, s *station) {
	t.Helper()
	info, err := peer.AddrInfoFromString(s.address(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Connect(context.Background(), *info); err != nil {
		t.Fatal(err)
	}
}

// answer is a metadata handler that answers with what is given.
func answer(response *pb.WakuMetadataResponse) network.StreamHandler {
	return func(stream network.Stream) {
		_ = pbio.NewDelimitedReader(stream, math.MaxInt32).ReadMsg(new(pb.WakuMetadataRequest))
		finish(stream, pbio.NewDelimitedWriter(stream).WriteMsg(response))
	}
}

// announce is the length of a message of two gigabytes, without the message.
var announce = binary.AppendUvarint(nil, math.MaxInt32)

func TestHostileMetadata(t *testing.T) {
	cluster := proto.Uint32(DefaultCluster)
	for what, handler := range map[string]network.StreamHandler{
		"nothing":       answer(&pb.WakuMetadataResponse{}),
		"cluster":       answer(&pb.WakuMetadataResponse{ClusterId: proto.Uint32(99), Shards: []uint32{DefaultShard}}),
		"cluster wraps": answer(&pb.WakuMetadataResponse{ClusterId: proto.Uint32(DefaultCluster + 1<<16)}),
		"shard":         answer(&pb.WakuMetadataResponse{ClusterId: cluster, Shards: []uint32{DefaultShard + 1}}),
		"not spoken":    nil,
		"reset":         func(stream network.Stream) { stream.Reset() },
		"end":           func(stream network.Stream) { stream.Close() },
		"junk":          func(stream network.Stream) { stream.Write([]byte{3, 0xff, 0xff, 0xff}) },
		"two gigabytes": func(stream network.Stream) { stream.Write(announce) },
		"too long":      answer(&pb.WakuMetadataResponse{ClusterId: cluster, Shards: make([]uint32, maxMetadata)}),
	} {
		t.Run(what, func(t *testing.T) {
			s := start(t, Config{})
			h, events := rawPeer(t, handler)
			dialStation(t, h, s)
			deadline := time.After(patience)
			for {
				select {
				case e := <-events.Out():
					if e.(event.EvtPeerConnectednessChanged).Connectedness != network.Connected {
						return
					}
				case <-deadline:
					t.Fatal("the peer was kept")
				}
			}
		})
	}
}

// ask sends a raw request and gives the raw answer, up to its end or a reset.
func ask(t *testing.T, h host.Host, s *station, request []byte) ([]byte, error) {
	t.Helper()
	stream, err := h.NewStream(context.Background(), s.running.Load().host().ID(), metadataProtocol)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Write(request); err != nil {
		t.Fatal(err)
	}
	return io.ReadAll(stream)
}

// A static peer may be reached through a WebSocket.
func TestDialsWebSocket(t *testing.T) {
	h, _ := rawPeer(t, answer(&pb.WakuMetadataResponse{ClusterId: proto.Uint32(DefaultCluster)}))
	if err := h.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0/ws")); err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Peers: []string{h.Network().ListenAddresses()[0].String() + "/p2p/" + h.ID().String()}})
	s.until(t, "the connection", func() bool { return s.Status().Peers[0].Connected })
}

// silentStream gives what it holds and then ends.
type silentStream struct {
	network.Stream
	io.Reader
}

func (s silentStream) Read(to []byte) (int, error)  { return s.Reader.Read(to) }
func (silentStream) SetDeadline(time.Time) error    { return nil }
func (silentStream) Write(from []byte) (int, error) { return len(from), nil }

// A message that is announced too long is refused before room is made for it.
func TestHostileMetadataLength(t *testing.T) {
	for length, want := range map[uint64]error{math.MaxInt32: io.ErrShortBuffer, maxMetadata + 1: io.ErrShortBuffer, maxMetadata: io.EOF} {
		stream := silentStream{Reader: bytes.NewReader(binary.AppendUvarint(nil, length))}
		if err := (settings{}).answerMetadata(stream); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v, want %v", length, err, want)
		}
	}
}

func TestMetadataIsAnswered(t *testing.T) {
	if string(metadataProtocol) != string(metadata.MetadataID_v1) {
		t.Fatalf("%s", metadataProtocol)
	}
	s := start(t, Config{Shards: []uint16{300}})
	h, events := rawPeer(t, answer(&pb.WakuMetadataResponse{ClusterId: proto.Uint32(DefaultCluster)})) // on no shard yet
	dialStation(t, h, s)
	<-events.Out()
	for what, request := range map[string][]byte{
		"empty":     {0},
		"another's": {4, 0x08, 99, 0x10, 7},
		"unknown":   {2, 0x78, 1},
	} {
		// Spec: 66/WAKU2-METADATA: cluster_id 1, shards 3 packed.
		if got, err := ask(t, h, s, request); err != nil || !bytes.Equal(got, []byte{6, 0x08, 16, 0x1a, 2, 0xac, 2}) {
			t.Errorf("%s: % x, %v", what, got, err)
		}
	}
	for what, request := range map[string][]byte{"two gigabytes": announce, "junk": {3, 0xff, 0xff, 0xff}} {
		if got, err := ask(t, h, s, request); err == nil || len(got) > 0 {
			t.Errorf("%s: answered % x", what, got)
		}
	}
	select {
	case e := <-events.Out():
		t.Fatalf("the peer was not kept: %+v", e)
	default:
	}
}
