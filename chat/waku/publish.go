package waku

import (
	"context"
	"slices"
	"strings"

	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// Publish hands e to every peer on the shard it names, or, if it names none, on the
// first shard with enough peers; in light mode to one service node, or to two if the
// first does not take it. It fails with port.ErrTooLarge above the configured
// size of the encoded message, with port.ErrNoPeers when fewer than MinPeers peers are
// there or the node is not running, with CodeBadParams for a foreign pubsub topic or an
// envelope that is not valid (14/WAKU2-MESSAGE), and with CodeNetworkDown when gossipsub
// or the service nodes refuse it.
//
// The same envelope published again within two minutes goes nowhere, and is success.
func (n *Node) Publish(ctx context.Context, e port.Envelope) (port.Evidence, error) {
	if err := ctx.Err(); err != nil {
		return port.Evidence{}, err
	}
	if ours := n.settings.pubsubTopics(); e.PubsubTopic != "" && !slices.Contains(ours, e.PubsubTopic) {
		return port.Evidence{}, port.Errorf(port.CodeBadParams, "pubsub_topic", "this node is on %s only", strings.Join(ours, " and "))
	}
	message := wakuMessage(e)
	if err := message.Validate(); err != nil {
		return port.Evidence{}, port.Errorf(port.CodeBadParams, "", "the envelope is not valid").Because(err)
	}
	if proto.Size(message) > n.settings.maxMessageSize {
		return port.Evidence{}, port.ErrTooLarge
	}
	r := n.running.Load()
	if r == nil {
		return port.Evidence{}, port.ErrNoPeers
	}
	return r.publish(ctx, e.PubsubTopic, message)
}

// wakuMessage is e as Status sends it: every field present, meta empty.
// Spec: 14/WAKU2-MESSAGE, "Wire Format".
func wakuMessage(e port.Envelope) *pb.WakuMessage {
	return &pb.WakuMessage{
		Payload:      e.Payload,
		ContentTopic: e.ContentTopic,
		Version:      proto.Uint32(e.Version),
		Timestamp:    proto.Int64(e.Timestamp),
		Meta:         []byte{},
		Ephemeral:    proto.Bool(e.Ephemeral),
	}
}

// publish publishes on a shard, or with topic "" where enough peers are.
func (r *run) publish(ctx context.Context, topic string, message *pb.WakuMessage) (port.Evidence, error) {
	if topic == "" {
		topic, _, _ = r.publishTopic()
	}
	if len(r.mode.takersOn(topic)) < r.owner.settings.minPeers {
		return port.Evidence{}, port.ErrNoPeers
	}
	return r.mode.publish(ctx, topic, message)
}
