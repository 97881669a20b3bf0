package servicenode

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/p2p/enode"
	"github.com/ethereum/go-ethereum/p2p/enr"
	"github.com/ethereum/go-ethereum/rlp"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/waku-org/go-waku/waku/v2/onlinechecker"
	"github.com/waku-org/go-waku/waku/v2/protocol"
	wakuenr "github.com/waku-org/go-waku/waku/v2/protocol/enr"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter"
	"github.com/waku-org/go-waku/waku/v2/protocol/lightpush"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	exchangepb "github.com/waku-org/go-waku/waku/v2/protocol/peer_exchange/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"github.com/waku-org/go-waku/waku/v2/protocol/store"
	"github.com/waku-org/go-waku/waku/v2/timesource"
	"go.uber.org/zap"
	"golang.org/x/time/rate"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// client is a libp2p host that is connected to a node.
func client(t *testing.T, n *Node) host.Host {
	t.Helper()
	c := start(t, Options{Protocols: []Protocol{Metadata}, Peers: []string{n.Address()}})
	until(t, "a connection", func() bool { return slices.Contains(n.Connected(), c.ID()) })
	return c.host
}

// go-waku's store client gets the pages of a query in either direction, and messages by
// their hashes.
func TestGoWakuStoreClient(t *testing.T) {
	n := start(t, Options{})
	var want []Hash
	for i := range 25 {
		for _, content := range []string{topic, "/waku/1/other/rfc26", "/waku/1/third/rfc26"} {
			e := envelope(content, int64(100+i/2), fmt.Sprint(content, i)) // two at a time
			n.Archive().Add(e)
			if content != topic && i >= 4 {
				want = append(want, HashOf(e))
			}
		}
	}
	order := n.Archive().List()
	place := func(h Hash) int { return slices.IndexFunc(order, func(s *Stored) bool { return s.Hash == h }) }
	slices.SortFunc(want, func(a, b Hash) int { return place(a) - place(b) })

	c := store.NewWakuStore(nil, timesource.NewDefaultClock(), zap.NewNop(), rate.Inf)
	c.SetHost(client(t, n))
	criteria := store.FilterCriteria{ContentFilter: protocol.NewContentFilter(shard, "/waku/1/other/rfc26", "/waku/1/third/rfc26"), TimeStart: proto.Int64(102)}
	for _, forward := range []bool{true, false} {
		var got []Hash
		result, err := c.Query(context.Background(), criteria, store.WithPeer(n.host.ID()), store.WithPaging(forward, 10), store.IncludeData(true))
		for ; err == nil && !result.IsComplete(); err = result.Next(context.Background()) {
			var page []Hash
			for _, m := range result.Messages() {
				if m.Message.Hash(m.GetPubsubTopic()) != m.WakuMessageHash() {
					t.Error("wrong hash")
				}
				page = append(page, Hash(m.WakuMessageHash()))
			}
			if forward {
				got = append(got, page...)
			} else {
				got = append(page, got...)
			}
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("forward %t: %d of %d messages, %v", forward, len(got), len(want), err)
		}
	}
	result, err := c.QueryByHash(context.Background(), []wakupb.MessageHash{wakupb.MessageHash(want[3]), {}}, store.WithPeer(n.host.ID()), store.IncludeData(true))
	if err != nil || len(result.Messages()) != 1 || Hash(result.Messages()[0].WakuMessageHash()) != want[3] {
		t.Error(result, err)
	}
	n.SetFaults(Faults{StoreStatus: 429})
	if _, err := c.Query(context.Background(), criteria, store.WithPeer(n.host.ID())); err == nil {
		t.Error("no error")
	}
}

// go-waku's filter client gets what it has subscribed to, as long as it is subscribed.
func TestGoWakuFilterClient(t *testing.T) {
	n := start(t, Options{})
	relay := relay.NewBroadcaster(10)
	if err := relay.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer relay.Stop()
	c := filter.NewWakuFilterLightNode(relay, nil, timesource.NewDefaultClock(), onlinechecker.NewDefaultOnlineChecker(true),
		prometheus.NewRegistry(), zap.NewNop())
	h := client(t, n)
	c.SetHost(h)
	if err := c.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	ctx, to := context.Background(), n.host.ID()
	if err := c.Ping(ctx, to); err == nil {
		t.Error("a ping without a subscription is answered")
	}
	subscriptions, err := c.Subscribe(ctx, protocol.NewContentFilter(shard, topic), filter.WithPeer(to))
	if err != nil || n.Subscriptions(h.ID().String()) != 1 {
		t.Fatal(n.Subscribers(), err)
	}
	if err := c.Ping(ctx, to); err != nil {
		t.Error(err)
	}
	for i := range 3 {
		for _, e := range []port.Envelope{envelope("/waku/1/other/rfc26", 1, fmt.Sprint(i)), envelope(topic, 2, fmt.Sprint(i))} {
			if err := n.Publish(ctx, e); err != nil {
				t.Fatal(err)
			}
		}
		got := <-subscriptions[0].C
		if got.Message().ContentTopic != topic || string(got.Message().Payload) != fmt.Sprint(i) {
			t.Errorf("%s", got.Message())
		}
	}
	if _, err := c.Unsubscribe(ctx, protocol.NewContentFilter(shard, topic), filter.WithPeer(to)); err != nil || len(n.Subscribers()) != 0 {
		t.Error(n.Subscribers(), err)
	}
}

// go-waku's lightpush client, of version 2, publishes through a node, and hears of failure.
func TestGoWakuLightpushClient(t *testing.T) {
	n := start(t, Options{})
	c := lightpush.NewWakuLightPush(nil, nil, prometheus.NewRegistry(), zap.NewNop())
	c.SetHost(client(t, n))
	sent := MessageOf(envelope(topic, time.Now().UnixNano(), "pushed"))
	publish := func(on string) error {
		_, err := c.Publish(context.Background(), sent, lightpush.WithPubSubTopic(on), lightpush.WithPeer(n.host.ID()))
		return err
	}
	if err := publish(shard); err != nil {
		t.Fatal(err)
	}
	until(t, "the message", func() bool { return n.Archive().Has(Hash(sent.Hash(shard))) })
	if err := publish("/waku/2/rs/16/1"); err == nil {
		t.Error("published on a foreign shard")
	}
	n.SetFaults(Faults{LightpushStatus: 503})
	if err := publish(shard); err == nil {
		t.Error("published by a node that is out of order")
	}
}

// Version 3 of lightpush says to how many peers a message was relayed, or why it was not.
func TestLightpushV3(t *testing.T) {
	n := start(t, Options{MinRelayPeers: 1, MaxMessageSize: 1000})
	h := client(t, n)
	to, err := peer.AddrInfoFromString(n.Address())
	if err != nil {
		t.Fatal(err)
	}
	push := func(on string, payload []byte) *wire.LightpushResponse {
		t.Helper()
		stream, err := h.NewStream(context.Background(), to.ID, Lightpush)
		if err != nil {
			t.Fatal(err)
		}
		defer stream.Close()
		message, err := proto.Marshal(MessageOf(port.Envelope{ContentTopic: topic, Payload: payload, Timestamp: time.Now().UnixNano()}))
		if err != nil {
			t.Fatal(err)
		}
		answer := new(wire.LightpushResponse)
		request := &wire.LightpushRequest{RequestId: "7", PubsubTopic: proto.String(on), Message: message}
		if err := write(stream, request); err != nil {
			t.Fatal(err)
		}
		if err := read(stream, answer); err != nil || answer.RequestId != "7" {
			t.Fatal(answer, err)
		}
		return answer
	}
	if a := push(shard, []byte("early")); a.StatusCode != statusNoPeers || a.RelayPeerCount != nil {
		t.Error(a)
	}
	other := start(t, Options{Peers: []string{n.Address()}})
	until(t, "a peer", func() bool { return n.RelayPeers(shard) == 1 })
	if a := push(shard, []byte("good")); a.StatusCode != statusOK || a.GetRelayPeerCount() != 1 {
		t.Error(a)
	}
	until(t, "the message", func() bool { return other.Archive().Count() == 1 })
	for status, a := range map[uint32]*wire.LightpushResponse{
		statusForeignTopic: push("/waku/2/rs/16/1", []byte("good")), statusBadRequest: push(shard, nil),
		statusTooLarge: push(shard, bytes.Repeat([]byte{1}, 1000)),
	} {
		if a.StatusCode != status || a.GetStatusDesc() == "" {
			t.Errorf("%v, want %d", a, status)
		}
	}
}

// Peer exchange names the nodes that were introduced, by records that go-waku can read.
func TestPeerExchange(t *testing.T) {
	other := start(t, Options{Shards: []uint16{1, 32}})
	n := start(t, Options{})
	if err := n.Introduce(other, n); err != nil {
		t.Fatal(err)
	}
	stream, err := client(t, n).NewStream(context.Background(), n.host.ID(), PeerExchange)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	answer := new(exchangepb.PeerExchangeRPC)
	if err := write(stream, &exchangepb.PeerExchangeRPC{Query: &exchangepb.PeerExchangeQuery{NumPeers: 1}}); err != nil {
		t.Fatal(err)
	}
	if err := read(stream, answer); err != nil || len(answer.GetResponse().GetPeerInfos()) != 1 {
		t.Fatal(answer, err)
	}
	var record enr.Record
	if err := rlp.DecodeBytes(answer.Response.PeerInfos[0].Enr, &record); err != nil {
		t.Fatal(err)
	}
	node, err := enode.New(enode.ValidSchemes, &record)
	if err != nil {
		t.Fatal(err)
	}
	info, err := wakuenr.EnodeToPeerInfo(node)
	if err != nil || info.ID != other.host.ID() || info.Addrs[0].String()+"/p2p/"+other.ID() != other.Address() {
		t.Error(info, err)
	}
	if !wakuenr.ContainsShard(&record, 16, 1) || !wakuenr.ContainsShard(&record, 16, 32) || wakuenr.ContainsShard(&record, 16, 2) {
		t.Error(&record)
	}
}
