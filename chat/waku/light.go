package waku

import (
	"context"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"

	"libstatus1to1/chat/port"
)

// lightMode takes part in the network as a client of service nodes.
type lightMode struct {
	r          *run
	subscriber *subscriber
	publisher  *publisher
}

var _ mode = (*lightMode)(nil)

func newLightMode(r *run) *lightMode {
	m := &lightMode{r: r, subscriber: newSubscriber(r), publisher: newPublisher(r)}
	m.subscriber.probe.publish = func(ctx context.Context, topic string, message *pb.WakuMessage) error {
		_, err := m.publish(ctx, topic, message)
		return err
	}
	m.subscriber.probe.doubted = m.publisher.doubt
	return m
}

func (m *lightMode) join() error {
	m.r.node.SetStreamHandler(filterPush, m.subscriber.serve)
	return nil
}

func (m *lightMode) work() { m.r.spawn("waku subscriber", m.subscriber.work) }

// leave has nothing to do: the streams end with the host.
func (m *lightMode) leave() {}

// peersOn returns the service nodes of a shard.
func (m *lightMode) peersOn(topic string) []peer.ID {
	return m.r.serving(topic, filterSubscribe, lightpush3, lightpush2)
}

func (m *lightMode) takersOn(topic string) []peer.ID {
	return m.r.serving(topic, lightpush3, lightpush2)
}

// online reports whether there is a node to publish through and one that pushes to us.
func (m *lightMode) online() bool {
	_, _, ok := m.r.publishTopic()
	return ok && m.subscriber.works()
}

// missing returns how many service nodes there are too few.
func (m *lightMode) missing() int {
	return max(0, m.subscriber.wantedPeers()-m.subscriber.good(), pushPeers-m.publisher.good())
}

func (m *lightMode) topicsChanged() { m.subscriber.topicsChanged() }

// publish publishes through a service node. The nodes that push its topic to us are expected
// to push the message back.
func (m *lightMode) publish(ctx context.Context, topic string, message *pb.WakuMessage) (port.Evidence, error) {
	own := m.subscriber.published(message, topic)
	by, peers, err := m.publisher.publish(ctx, topic, message)
	m.subscriber.took(own, by)
	if err != nil {
		return port.Evidence{}, err
	}
	return port.Evidence{Kind: "lightpush", Peers: peers, Hash: own.hash}, nil
}

// describe adds the subscriptions.
func (m *lightMode) describe(s *port.NetworkStatus) { s.Subscriptions = m.subscriber.status() }
