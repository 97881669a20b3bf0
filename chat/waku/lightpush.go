package waku

import (
	"context"
	"errors"
	"io"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
	pushpb "github.com/waku-org/go-waku/waku/v2/protocol/lightpush/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// Spec: 19/WAKU2-LIGHTPUSH. This file has the messages on the wire, in the version that a
// service node speaks; publisher.go decides whom to ask.

// The versions of 19/WAKU2-LIGHTPUSH. An answer of version 2 says only whether it has worked.
const (
	lightpush3 = protocol.ID("/vac/waku/lightpush/3.0.0")
	lightpush2 = protocol.ID("/vac/waku/lightpush/2.0.0-beta1")
)

// Status codes of version 3. Spec: 19/WAKU2-LIGHTPUSH, "Status codes"; 505 is 503 there, and
// 505 in logos-delivery.
const (
	pushOK              = 200
	pushTooLarge        = 413
	pushTooManyRequests = 429
	pushNotAvailable    = 503
	pushNoPeers         = 505
	pushRefused         = 1000 // ours: the refusals of version 2, which have no code
)

// requestIDOfTheLimited is the request id in an answer to a client that asks too often, whose
// request is not read.
const requestIDOfTheLimited = "N/A"

// maxPushAnswer bounds an answer in bytes: an id, numbers and a sentence.
const maxPushAnswer = 8 * 1024

// errOtherMessage is for a message of another kind where an answer should be.
var errOtherMessage = errors.New("the service node's message is no answer")

// push asks one service node to publish a message, and returns to how many peers it relayed
// it: 1 if it does not say. Only an answer that reports success is success.
// Spec: 19/WAKU2-LIGHTPUSH.
func (r *run) push(ctx context.Context, id peer.ID, topic string, message *pb.WakuMessage) (peers int, err error) {
	protocols := []protocol.ID{lightpush2}
	if r.speaks(id, lightpush3) {
		protocols = []protocol.ID{lightpush3, lightpush2}
	}
	requestID := newRequestID()
	err = r.exchange(ctx, id, protocols, func(stream network.Stream) (err error) {
		if stream.Protocol() == lightpush2 {
			request := &pushpb.PushRpc{RequestId: requestID, Request: &pushpb.PushRequest{PubsubTopic: topic, Message: message}}
			if err := pbio.NewDelimitedWriter(stream).WriteMsg(request); err != nil {
				return err
			}
			peers = 1
			return readPushAnswer2(stream, requestID)
		}
		raw, err := proto.Marshal(message)
		if err != nil {
			return err
		}
		request := &wire.LightpushRequest{RequestId: requestID, PubsubTopic: proto.String(topic), Message: raw}
		if err := pbio.NewDelimitedWriter(stream).WriteMsg(request); err != nil {
			return err
		}
		peers, err = readPushAnswer3(stream, requestID)
		return err
	})
	return peers, err
}

// readPushAnswer3 reads an answer of version 3. A refusal is a *refusedError. Nodes refuse
// clients that ask too often without reading the request, so that answer lacks its id.
func readPushAnswer3(from io.Reader, requestID string) (peers int, err error) {
	answer := new(wire.LightpushResponse)
	if err := pbio.NewDelimitedReader(from, maxPushAnswer).ReadMsg(answer); err != nil {
		return 0, err
	}
	if answer.RequestId != requestID && answer.StatusCode == pushOK || answer.RequestId != requestID && answer.RequestId != requestIDOfTheLimited {
		return 0, errOtherRequest
	}
	if answer.StatusCode != pushOK {
		return 0, &refusedError{answer.StatusCode, answer.GetStatusDesc()}
	}
	if answer.RelayPeerCount == nil {
		return 1, nil
	}
	return int(min(answer.GetRelayPeerCount(), maxRelayCount)), nil
}

// maxRelayCount bounds the number of peers that a service node claims: more than any has.
const maxRelayCount = 10_000

// readPushAnswer2 reads an answer of version 2. A refusal is a *refusedError.
func readPushAnswer2(from io.Reader, requestID string) error {
	answer := new(pushpb.PushRpc)
	if err := pbio.NewDelimitedReader(from, maxPushAnswer).ReadMsg(answer); err != nil {
		return err
	}
	switch {
	case answer.Response == nil:
		return errOtherMessage
	case answer.RequestId == requestIDOfTheLimited && !answer.Response.IsSuccess:
		return &refusedError{pushTooManyRequests, answer.Response.GetInfo()}
	case answer.RequestId != requestID:
		return errOtherRequest
	case !answer.Response.IsSuccess:
		return &refusedError{pushRefused, answer.Response.GetInfo()}
	}
	return nil
}
