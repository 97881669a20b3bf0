package waku

import (
	"context"
	"slices"
	"sync"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/prometheus/client_golang/prometheus"
	wakuprotocol "github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
	"github.com/waku-org/go-waku/waku/v2/timesource"

	"libstatus1to1/chat/port"
)

// This file is the relay: go-waku's (11/WAKU2-RELAY), shielded from input it cannot
// handle.

// rpcOverhead is room in a gossipsub RPC beside one message: its topic and control
// messages that ride along.
const rpcOverhead = 64 * 1024

// validateQueue is the number of messages that may wait for gossipsub's validators;
// with its default of 32, every burst loses messages.
const validateQueue = 1024

// broadcastBuffer is room between gossipsub and go-waku's broadcaster, as in go-waku.
const broadcastBuffer = 1024

// building serialises newRelay: go-waku writes to a map that all nodes of a process
// share, without a lock.
var building sync.Mutex

// relayMode takes part in the network as a relay, with go-waku's implementation.
type relayMode struct {
	r             *run
	relay         *relay.WakuRelay
	broadcaster   relay.Broadcaster
	cancel        context.CancelFunc
	subscriptions []*relay.Subscription // one a shard
	topicEvents   event.Subscription    // relay.EvtPeerTopic
}

var _ mode = (*relayMode)(nil)

// join starts the relay and subscribes to the shards.
func (m *relayMode) join() error {
	s := m.r.owner.settings
	m.broadcaster = relay.NewBroadcaster(broadcastBuffer)
	m.relay = newRelay(s, m.broadcaster, ready(m.r.look), newInspector(&m.r.owner.static))
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	if err := m.broadcaster.Start(ctx); err != nil {
		return err
	}
	m.relay.SetHost(m.r.node)
	if err := m.relay.Start(ctx); err != nil {
		return err
	}
	var err error
	if m.topicEvents, err = m.relay.Events().Subscribe(new(relay.EvtPeerTopic), eventbus.BufSize(eventBuffer)); err != nil {
		return err
	}
	for _, topic := range m.r.topics {
		subscriptions, err := m.relay.Subscribe(m.r.ctx, wakuprotocol.NewContentFilter(topic), relay.WithCacheSize(relayBuffer))
		if err != nil {
			return err
		}
		m.subscriptions = append(m.subscriptions, subscriptions...)
	}
	return nil
}

func newRelay(s settings, broadcaster relay.Broadcaster, tracer pubsub.RawTracer, inspector *inspector) *relay.WakuRelay {
	building.Lock()
	defer building.Unlock()
	return relay.NewWakuRelay(broadcaster, s.minPeers, timesource.NewDefaultClock(), prometheus.NewRegistry(), silentLogger(),
		relay.WithMaxMsgSize(s.maxMessageSize),
		relay.WithPubSubOptions([]pubsub.Option{
			pubsub.WithMaxMessageSize(max(s.maxMessageSize, pubsub.DefaultMaxMessageSize) + rpcOverhead),
			pubsub.WithValidateQueueSize(validateQueue),
			pubsub.WithRawTracer(tracer),
			pubsub.WithAppSpecificRpcInspector(inspector.inspect),
			pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(
				pubsub.NewAllowlistSubscriptionFilter(s.pubsubTopics()...), maxSubscriptions)),
		}))
}

func (m *relayMode) work() {
	m.r.spawn("waku topics", m.watchTopics)
	for _, subscription := range m.subscriptions {
		m.r.spawn("waku receive", func() { m.receive(subscription) })
	}
}

// watchTopics follows who subscribes to a shard of ours and who leaves it. It waits for
// nobody, so that the bus never waits for it.
func (m *relayMode) watchTopics() {
	defer m.topicEvents.Close()
	for {
		select {
		case <-m.r.ctx.Done():
			return
		case e, ok := <-m.topicEvents.Out():
			if !ok {
				return
			}
			if joined, isTopic := e.(relay.EvtPeerTopic); isTopic && m.r.isOurs(joined.PubsubTopic) {
				if joined.State == relay.PEER_JOINED {
					m.r.keepers.joined(joined.PeerID)
				}
				signal(m.r.look)
			}
		}
	}
}

// receive takes the envelopes of a shard from go-waku's broadcaster. The broadcaster waits for
// it, so it waits for nobody: what the engine does not want or cannot take is dropped. It
// goes on until go-waku has stopped, since the relay cannot stop while the broadcaster waits.
func (m *relayMode) receive(subscription *relay.Subscription) {
	for {
		select {
		case <-m.r.gone:
			return
		case e, ok := <-subscription.Ch:
			if !ok {
				return
			}
			m.r.guard("waku receive", func() {
				message := e.Message()
				if m.r.echoes.take(e.Hash()) {
					return
				}
				m.r.heard(e.PubsubTopic(), message)
				if m.r.owner.topics.has(message.ContentTopic) {
					m.r.accept(e.PubsubTopic(), message)
				}
			})
		}
	}
}

// leave stops the relay before the broadcaster it sends to, which it would panic on once
// that has stopped.
func (m *relayMode) leave() {
	if m.cancel == nil {
		return
	}
	_ = recovered(func() error { m.relay.Stop(); return nil })
	m.cancel()
	_ = recovered(func() error { m.broadcaster.Stop(); return nil })
}

// peersOn returns who is subscribed to a shard: those a publish there reaches.
func (m *relayMode) peersOn(topic string) []peer.ID { return m.relay.PubSub().ListPeers(topic) }

func (m *relayMode) takersOn(topic string) []peer.ID { return m.peersOn(topic) }

func (m *relayMode) online() bool {
	return slices.ContainsFunc(m.r.topics, func(topic string) bool { return len(m.peersOn(topic)) >= m.r.owner.settings.minPeers })
}

func (m *relayMode) missing() int { return wantedPeers - m.r.chosenPeers() }

// topicsChanged does nothing: a relay hears everything on its shards.
func (m *relayMode) topicsChanged() {}

func (m *relayMode) describe(*port.NetworkStatus) {}

// publish hands a message to every peer on a shard.
func (m *relayMode) publish(ctx context.Context, topic string, message *pb.WakuMessage) (port.Evidence, error) {
	m.r.ending.RLock()
	defer m.r.ending.RUnlock()
	if m.r.ended {
		return port.Evidence{}, port.ErrNoPeers
	}
	peers := len(m.peersOn(topic))
	hash := message.Hash(topic)
	m.r.echoes.expect(hash)
	err := recovered(func() error {
		_, err := m.relay.Publish(ctx, message, relay.WithPubSubTopic(topic))
		return err
	})
	if err == nil {
		return port.Evidence{Kind: "relay", Peers: peers, Hash: hash}, nil
	}
	m.r.echoes.take(hash)
	switch {
	case ctx.Err() != nil:
		return port.Evidence{}, ctx.Err()
	case len(m.peersOn(topic)) < m.r.owner.settings.minPeers: // the last one left meanwhile
		return port.Evidence{}, port.ErrNoPeers
	default:
		return port.Evidence{}, port.Errorf(port.CodeNetworkDown, "", "the relay did not take the envelope").Because(err)
	}
}
