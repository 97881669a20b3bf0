package servicenode

import (
	"context"
	"fmt"

	"github.com/libp2p/go-libp2p/core/network"
	lightpushpb "github.com/waku-org/go-waku/waku/v2/protocol/lightpush/pb"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// serveLightpush relays a message for a client. Spec: 19/WAKU2-LIGHTPUSH, version 3.
func (n *Node) serveLightpush(stream network.Stream) error {
	request := new(wire.LightpushRequest)
	if err := read(stream, request); err != nil {
		return err
	}
	message := new(wakupb.WakuMessage)
	if err := proto.Unmarshal(request.Message, message); err != nil {
		message = nil
	}
	topic := request.GetPubsubTopic()
	if request.PubsubTopic == nil && len(n.options.Shards) == 1 {
		topic = n.options.topics()[0]
	}
	status, why, peers, err := n.lightpush(topic, message)
	if err != nil {
		return err
	}
	answer := &wire.LightpushResponse{RequestId: request.RequestId, StatusCode: status, StatusDesc: proto.String(why)}
	if status == statusOK {
		answer.RelayPeerCount = proto.Uint32(uint32(peers))
	}
	return write(stream, answer)
}

// serveLightpushV2 relays a message for a client. Spec: 19/WAKU2-LIGHTPUSH, version 2.
func (n *Node) serveLightpushV2(stream network.Stream) error {
	request := new(lightpushpb.PushRpc)
	if err := read(stream, request); err != nil {
		return err
	}
	status, why, _, err := n.lightpush(request.GetRequest().GetPubsubTopic(), request.GetRequest().GetMessage())
	if err != nil {
		return err
	}
	return write(stream, &lightpushpb.PushRpc{RequestId: request.RequestId,
		Response: &lightpushpb.PushResponse{IsSuccess: status == statusOK, Info: proto.String(why)}})
}

// lightpush relays a message, and returns the number of peers it was relayed to. An error
// means no answer.
func (n *Node) lightpush(topic string, message *wakupb.WakuMessage) (status uint32, why string, peers int, err error) {
	f := n.currentFaults()
	peers = n.RelayPeers(topic)
	switch {
	case f.LightpushHangs:
		return 0, "", 0, n.hang()
	case f.LightpushStatus != 0:
		return f.LightpushStatus, "out of order", 0, nil
	case message == nil || message.Validate() != nil:
		return statusBadRequest, "the message is not valid", 0, nil
	case proto.Size(message) > n.options.MaxMessageSize:
		return statusTooLarge, fmt.Sprintf("at most %d bytes", n.options.MaxMessageSize), 0, nil
	case n.topics[topic] == nil:
		return statusForeignTopic, "the node is not on " + topic, 0, nil
	case peers < n.options.MinRelayPeers:
		return statusNoPeers, "no peers to relay to", 0, nil
	}
	if !f.LightpushLoses {
		if err := n.publish(n.ctx, topic, message); err != nil {
			return statusInternalError, err.Error(), 0, nil
		}
	}
	if f.LightpushMute {
		return 0, "", 0, n.hang()
	}
	if !n.wait(f.LightpushDelay) {
		return 0, "", 0, errHung
	}
	return statusOK, "OK", peers, nil
}

// Publish relays an envelope as if it had come from a client of the node, which stores it
// and pushes it to subscribers too.
func (n *Node) Publish(ctx context.Context, e port.Envelope) error {
	return n.publish(ctx, e.PubsubTopic, MessageOf(e))
}

func (n *Node) publish(ctx context.Context, topic string, message *wakupb.WakuMessage) error {
	joined := n.topics[topic]
	if joined == nil {
		return fmt.Errorf("servicenode: the node is not on %q", topic)
	}
	raw, err := proto.Marshal(message)
	if err != nil {
		return err
	}
	return joined.Publish(ctx, raw)
}
