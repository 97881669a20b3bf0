package waku

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/waku-org/go-waku/waku/v2/protocol/filter/pb"
	"google.golang.org/protobuf/proto"
)

// Spec: 12/WAKU2-FILTER. This file is what goes over the wire; subscriber.go decides what is
// asked of whom. go-waku's client links its tests, and reads messages of two gigabytes.

// The protocols of 12/WAKU2-FILTER: a client opens the first kind of stream, a service node
// the second.
const (
	filterSubscribe = protocol.ID("/vac/waku/filter-subscribe/2.0.0-beta1")
	filterPush      = protocol.ID("/vac/waku/filter-push/2.0.0-beta1")
)

// What service nodes take: content topics of a request, and criteria (a content topic on a
// pubsub topic) of a client. The numbers are those of go-waku and logos-delivery, who count
// the topics of a request again if they are known.
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

// filterError is the refusal of a service node.
type filterError struct {
	status uint32
	text   string
}

func (e *filterError) Error() string {
	return fmt.Sprintf("the service node answered %d (%.100q)", e.status, e.text)
}

// statusOf returns the status code of a refusal, 0 for any other error.
func statusOf(err error) uint32 {
	if refused := (*filterError)(nil); errors.As(err, &refused) {
		return refused.status
	}
	return 0
}

// errOtherRequest is an answer to another request.
var errOtherRequest = errors.New("the answer is to another request")

// newRequestID returns an id that nobody guesses.
func newRequestID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // it does not fail
	return hex.EncodeToString(id[:])
}

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

// exchange opens a stream to a connected peer, for the first of these protocols that it
// has, and lets f use it for as long as a request may take.
func (r *run) exchange(ctx context.Context, id peer.ID, protocols []protocol.ID, f func(network.Stream) error) (err error) {
	ctx, cancel := context.WithTimeout(ctx, r.owner.settings.timing.answer)
	defer cancel()
	stream, err := r.host().NewStream(network.WithNoDial(ctx, "service"), id, protocols...)
	if err != nil {
		return err
	}
	defer func() { finish(stream, err) }()
	deadline, _ := ctx.Deadline()
	if err := stream.SetDeadline(deadline); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	return f(stream)
}

// isTimeout reports whether err says that a peer has not answered in time.
func isTimeout(err error) bool {
	timeout := net.Error(nil)
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}

// readFilterAnswer reads the answer to a request. A refusal is a *filterError; one for the
// rate of requests comes without looking at the request, and so without its id.
func readFilterAnswer(from io.Reader, requestID string) error {
	answer := new(pb.FilterSubscribeResponse)
	if err := pbio.NewDelimitedReader(from, maxFilterAnswer).ReadMsg(answer); err != nil {
		return err
	}
	switch {
	case answer.RequestId != requestID && answer.StatusCode != statusTooManyRequests:
		return errOtherRequest
	case answer.StatusCode != statusOK:
		return &filterError{answer.StatusCode, answer.GetStatusDesc()}
	}
	return nil
}

// errBadPush is a push that is not valid.
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
