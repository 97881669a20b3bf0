package waku

import (
	"context"
	"errors"
	"io"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"
	"google.golang.org/protobuf/proto"
)

// Spec: 12/WAKU2-FILTER. This file has the messages on the wire; subscriber.go decides what is
// asked of whom. go-waku's client links its tests, and reads messages of two gigabytes.

// The protocols of 12/WAKU2-FILTER: a client opens the first kind of stream, a service node
// the second.
const (
	filterSubscribe = protocol.ID("/vac/waku/filter-subscribe/2.0.0-beta1")
	filterPush      = protocol.ID("/vac/waku/filter-push/2.0.0-beta1")
)

// Limits of service nodes: content topics in a request, and criteria (a content topic on a
// pubsub topic) of a client. The numbers are those of go-waku and logos-delivery, which count
// topics again that a client has already subscribed to.
const (
	topicsByRequest  = 100
	criteriaByClient = 1000
)

// maxFilterAnswer bounds an answer in bytes: an id, a number and a sentence.
const maxFilterAnswer = 8 * 1024

// maxPush bounds a push in bytes: the largest message that we are configured for anywhere,
// or that the fleet takes (1 MiB), with its pubsub topic.
const maxPush = 1<<20 + 64*1024

// Status codes of 12/WAKU2-FILTER, "FilterSubscribeResponse".
const (
	statusOK              = 200
	statusNotFound        = 404
	statusTooManyRequests = 429
)

// askFilter makes one request to a service node. Spec: 12/WAKU2-FILTER, "Filter-Subscribe".
func (r *run) askFilter(ctx context.Context, id peer.ID, kind pb.FilterSubscribeRequest_FilterSubscribeType, topic string, contentTopics []string) error {
	request := &pb.FilterSubscribeRequest{RequestId: newRequestID(), FilterSubscribeType: kind, ContentTopics: contentTopics}
	if topic != "" {
		request.PubsubTopic = proto.String(topic)
	}
	return r.exchange(ctx, id, []protocol.ID{filterSubscribe}, func(stream network.Stream) error {
		if err := pbio.NewDelimitedWriter(stream).WriteMsg(request); err != nil {
			return err
		}
		return readFilterAnswer(stream, request.RequestId)
	})
}

// readFilterAnswer reads the answer to a request. A refusal is a *refusedError. Nodes refuse
// clients that ask too often without reading the request, so that answer lacks its id.
func readFilterAnswer(from io.Reader, requestID string) error {
	answer := new(pb.FilterSubscribeResponse)
	if err := pbio.NewDelimitedReader(from, maxFilterAnswer).ReadMsg(answer); err != nil {
		return err
	}
	switch {
	case answer.RequestId != requestID && answer.StatusCode != statusTooManyRequests:
		return errOtherRequest
	case answer.StatusCode != statusOK:
		return &refusedError{answer.StatusCode, answer.GetStatusDesc()}
	}
	return nil
}

// errBadPush is for a push that is not valid.
var errBadPush = errors.New("the push is not valid")

// pushReader reads the pushes of one stream. Spec: 12/WAKU2-FILTER, "Filter-Push": one a
// stream, or, as logos-delivery does it, any number.
type pushReader struct{ from pbio.Reader }

func newPushReader(from io.Reader) pushReader {
	return pushReader{pbio.NewDelimitedReader(from, maxPush)}
}

// next returns the next push, with its pubsub topic.
func (p pushReader) next() (*pb.MessagePush, error) {
	push := new(pb.MessagePush)
	if err := p.from.ReadMsg(push); err != nil {
		return nil, err
	}
	if push.PubsubTopic == nil || push.Validate() != nil {
		return nil, errBadPush
	}
	return push, nil
}
