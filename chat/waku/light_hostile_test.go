package waku

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-msgio/pbio"
	filterpb "github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
	"libstatus1to1/internal/servicenode"
)

// pushTo pushes what it likes to a light node that is connected, through one stream, and
// reports whether all of it went out.
func pushTo(t testing.TB, n *servicenode.Node, s *station, all ...*filterpb.MessagePush) bool {
	t.Helper()
	id, err := peer.Decode(s.Status().PeerID)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := n.Host().NewStream(network.WithNoDial(context.Background(), "test"), id, servicenode.FilterPush)
	if err != nil {
		return false
	}
	defer func() { _ = stream.Reset() }()
	to := pbio.NewDelimitedWriter(stream)
	for _, push := range all {
		if err := to.WriteMsg(push); err != nil {
			return false
		}
	}
	_ = stream.CloseWrite()
	_ = stream.SetReadDeadline(time.Now().Add(patience))
	_, err = stream.Read(make([]byte, 1)) // the other side has read all, or reset it
	return err != nil && err.Error() == "EOF"
}

func pushOf(e port.Envelope) *filterpb.MessagePush {
	return &filterpb.MessagePush{PubsubTopic: proto.String(e.PubsubTopic), WakuMessage: servicenode.MessageOf(e)}
}

// Pushes of topics that we have not subscribed to, of other shards, and of a peer that we
// have not subscribed at, are not delivered; whoever goes on with them is left.
func TestLightLyingPushes(t *testing.T) {
	one := service(t, servicenode.Options{})
	stranger := service(t, servicenode.Options{Protocols: without(servicenode.Filter)})
	s := light(t, nil, one, stranger)
	s.untilSubscribed(t, one)
	s.until(t, "the other peer", func() bool { return s.running.Load().mode.(*lightMode).missing() == 1 })

	foreign, elsewhere := on("/waku/1/0xffffffff/rfc26", "foreign topic"), on(topic, "other shard")
	elsewhere.PubsubTopic = "/waku/2/rs/16/33"
	pushTo(t, one, s, pushOf(foreign), pushOf(elsewhere),
		&filterpb.MessagePush{WakuMessage: servicenode.MessageOf(on(topic, "no shard"))})
	pushTo(t, one, s, &filterpb.MessagePush{PubsubTopic: proto.String(shard32)})
	if pushTo(t, stranger, s, pushOf(on(topic, "of a stranger"))) {
		t.Error("the push of a stranger was read")
	}
	sentBy(t, one, on(topic, "honest"))
	s.untilReceived(t, []byte("honest"))
	if got := s.allReceived(); len(got) != 1 {
		t.Errorf("received %+v", got)
	}
	asked := one.Asked(servicenode.Filter)
	var many []*filterpb.MessagePush
	for i := range maxForeign + 1 {
		many = append(many, pushOf(on("/waku/1/0xffffffff/rfc26", fmt.Sprint(i))))
	}
	pushTo(t, one, s, many...)
	s.until(t, "the liar to be left", func() bool { return one.Asked(servicenode.Filter) > asked+1 || len(s.Status().Subscriptions) == 0 })
}

// A service node that pushes without end is left, what it pushed is bounded, and that
// something may be missing is said.
func TestLightPushFlood(t *testing.T) {
	one := service(t, servicenode.Options{})
	s := light(t, nil, one)
	s.untilSubscribed(t, one)
	s.untilMissed(t, 1)
	part := make([]*filterpb.MessagePush, pushesAtOnceByPeer+2000)
	for i := range part {
		part[i] = pushOf(on(topic, fmt.Sprint("flood ", i)))
	}
	if pushTo(t, one, s, part...) {
		t.Error("all of the flood was read")
	}
	s.untilMissed(t, 2)
	if got := s.Stats().Received; got > pushesAtOnceByPeer+uint64(pushesByPeer)*uint64(patience.Seconds()) {
		t.Errorf("%d received", got)
	}
	f := s.running.Load().mode.(*lightMode).subscriber
	f.mu.Lock()
	defer f.mu.Unlock()
	h := &f.recent
	if len(h.all) > maxRecent || len(h.order) > maxRecent || len(h.unchecked) > maxRecent {
		t.Errorf("%d, %d, %d remembered", len(h.all), len(h.order), len(h.unchecked))
	}
}
