package waku

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-msgio/pbio"
	"github.com/waku-org/go-waku/waku/v2/protocol/store/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// Spec: 13/WAKU2-STORE. A store node is asked for one page of what it has. go-waku's client
// would read an answer of two gigabytes, waits for it for ever, and believes it.

// storeProtocol names it.
const storeProtocol = protocol.ID("/vac/waku/store-query/3.0.0")

// storeQueries bounds the queries for envelopes under way, and with maxStoreAnswer the
// memory that their answers take.
const storeQueries = 4

// storeQueriesEach bounds those to one node, so that a slow one does not make others look
// slow.
const storeQueriesEach = storeQueries / 2

// maxStoreAnswer bounds an answer with messages in bytes: one of the largest size that is
// ever configured fits twice, a hundred of ordinary ones easily. A page that does not fit
// is asked for again with fewer messages.
const maxStoreAnswer = 2*maxMaxMessageSize + 64*1024

// maxHashAnswer bounds an answer without messages: a hundred hashes are 4 KiB.
const maxHashAnswer = 16 * 1024

// A store node has storeWait to begin to answer: the fleet's search a database. From then
// on each storeBlock bytes must come within storeBlockWait, which a phone's slowest
// connection can do; and all within storeTime.
const (
	storeWait      = 30 * time.Second
	storeBlock     = 64 * 1024
	storeBlockWait = 20 * time.Second
	storeTime      = 3 * time.Minute
)

// storePatience is the time after which a caller who gives up has had enough of the store
// node: it counts as failing.
const storePatience = 2 * time.Second

// smallerPages bounds how often a page is asked for again with fewer messages.
const smallerPages = 4

var _ port.Archive = (*Node)(nil)

// QueryStore asks a store node for one page, and connects to it before if it is one of
// the configuration. Spec: 13/WAKU2-STORE, "Store Queries".
func (n *Node) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	if err := checkQuery(q); err != nil {
		return port.StorePage{}, err
	}
	id, err := peer.Decode(node)
	if err != nil {
		return port.StorePage{}, port.Errorf(port.CodeNotFound, "peer_id", "there is no such peer")
	}
	r := n.running.Load()
	if r == nil {
		return port.StorePage{}, port.ErrNoPeers
	}
	if q.WithEnvelopes {
		leave, err := n.stores.enter(ctx, id)
		if err != nil {
			return port.StorePage{}, err
		}
		defer leave()
	}
	defer r.using(id)()
	began := time.Now()
	page, err := r.queryStore(ctx, id, q)
	took := time.Since(began)
	switch {
	case r.ctx.Err() != nil:
		return port.StorePage{}, port.ErrNoPeers
	case ctx.Err() != nil && took < n.stores.patience:
		return port.StorePage{}, ctx.Err()
	}
	n.stores.note(id, took, err)
	if ctx.Err() != nil {
		return port.StorePage{}, ctx.Err()
	}
	return page, err
}

// checkQuery refuses what store nodes would refuse.
func checkQuery(q port.StoreQuery) error {
	byHash := len(q.Hashes) > 0
	switch {
	case q.Limit < 1 || q.Limit > port.MaxQueryLimit:
		return port.Errorf(port.CodeBadParams, "limit", "the limit is between 1 and %d", port.MaxQueryLimit)
	case len(q.Hashes) > port.MaxQueryHashes:
		return port.Errorf(port.CodeBadParams, "hashes", "at most %d hashes", port.MaxQueryHashes)
	case len(q.ContentTopics) > port.MaxQueryTopics:
		return port.Errorf(port.CodeBadParams, "content_topics", "at most %d content topics", port.MaxQueryTopics)
	case byHash && (q.PubsubTopic != "" || len(q.ContentTopics) > 0 || q.From != 0 || q.To != 0):
		return port.Errorf(port.CodeBadParams, "hashes", "either hashes or topics and times")
	case !byHash && q.PubsubTopic == "":
		return port.Errorf(port.CodeBadParams, "pubsub_topic", "the pubsub topic is missing")
	case !byHash && (q.From < 0 || q.To != 0 && q.To <= q.From):
		return port.Errorf(port.CodeBadParams, "from", "the time must not be empty")
	}
	return nil
}

// queryStore asks for a page, and for a smaller one when it is too large.
func (r *run) queryStore(ctx context.Context, id peer.ID, q port.StoreQuery) (page port.StorePage, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	defer context.AfterFunc(r.ctx, cancel)()
	if err := r.reach(ctx, id); err != nil {
		return page, storeFault(id, port.StoreUnreachable, err)
	}
	for tries := 1; ; tries++ {
		page, err = r.askStore(ctx, id, q)
		var large tooLarge
		if !errors.As(err, &large) || q.Limit == 1 || tries == smallerPages {
			return page, err
		}
		q.Limit = large.fitting(q.Limit)
	}
}

// storeFault is an error of a store node. One that is about time is StoreSlow in any case.
func storeFault(id peer.ID, fault port.StoreFault, err error) error {
	var timed interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timed) && timed.Timeout() {
		fault = port.StoreSlow
	}
	return &port.StoreError{Node: id.String(), Fault: fault, Cause: err}
}

// askStore makes one exchange.
func (r *run) askStore(ctx context.Context, id peer.ID, q port.StoreQuery) (page port.StorePage, err error) {
	request := storeRequest(q)
	raw, err := r.exchangeStore(ctx, id, request, answerLimit(q))
	switch {
	case errors.As(err, new(tooLarge)) || errors.Is(err, errBadLength):
		return page, storeFault(id, port.StoreWrong, err)
	case err != nil:
		return page, storeFault(id, port.StoreUnreachable, err)
	}
	answer, err := decodeAnswer(raw, q.Limit)
	if err != nil {
		return page, storeFault(id, port.StoreWrong, err)
	}
	if status := answer.GetStatusCode(); answer.StatusCode != nil && status != storeOK {
		return page, &port.StoreError{Node: id.String(), Fault: port.StoreRefused, Status: int(status),
			Cause: fmt.Errorf("status %d: %q", status, shortText(answer.GetStatusDesc()))}
	}
	if page, err = verifyAnswer(q, request.RequestId, answer); err != nil {
		return page, storeFault(id, port.StoreWrong, err)
	}
	return page, nil
}

// exchangeStore sends a request and returns the answer, of up to limit bytes.
func (r *run) exchangeStore(ctx context.Context, id peer.ID, request *pb.StoreQueryRequest, limit int) (raw []byte, err error) {
	err = r.onStream(ctx, id, r.owner.stores.wait, []protocol.ID{storeProtocol}, func(stream network.Stream) (err error) {
		if err := pbio.NewDelimitedWriter(stream).WriteMsg(request); err != nil {
			return err
		}
		raw, err = readAnswer(stream, limit, r.owner.stores.blockWait)
		if err != nil && ctx.Err() != nil {
			return ctx.Err() // which says why the stream was reset
		}
		return err
	})
	return raw, err
}

// storeRequest is a query on the wire. Spec: 13/WAKU2-STORE, "Store Query Request". Both
// ends of the time are inclusive there.
func storeRequest(q port.StoreQuery) *pb.StoreQueryRequest {
	request := &pb.StoreQueryRequest{RequestId: newRequestID(), IncludeData: q.WithEnvelopes,
		PaginationForward: true, PaginationLimit: proto.Uint64(uint64(q.Limit))}
	for _, hash := range q.Hashes {
		request.MessageHashes = append(request.MessageHashes, bytes.Clone(hash[:]))
	}
	if len(q.Hashes) == 0 {
		request.PubsubTopic, request.ContentTopics = proto.String(q.PubsubTopic), q.ContentTopics
		if q.From > 0 {
			request.TimeStart = proto.Int64(q.From)
		}
		if q.To > 0 {
			request.TimeEnd = proto.Int64(q.To - 1)
		}
	}
	if q.After != nil {
		request.PaginationCursor = bytes.Clone(q.After[:])
	}
	return request
}

func answerLimit(q port.StoreQuery) int {
	if q.WithEnvelopes {
		return maxStoreAnswer
	}
	return maxHashAnswer
}

// tooLarge is an answer of more bytes than are taken.
type tooLarge struct{ announced, limit uint64 }

func (t tooLarge) Error() string {
	return fmt.Sprintf("an answer of %d bytes, of which %d are taken", t.announced, t.limit)
}

// fitting returns a number of messages that should fit, when so many were too large.
func (t tooLarge) fitting(limit int) int {
	fits := float64(limit) * float64(t.limit) / float64(t.announced)
	return max(1, min(limit/2, int(fits)*3/4))
}

// errBadLength is for an answer that does not begin with its length.
var errBadLength = errors.New("the answer does not begin with its length")

// readLength reads the length that an answer begins with.
func readLength(from io.ByteReader) (uint64, error) {
	var raw []byte
	for len(raw) < binary.MaxVarintLen64 {
		b, err := from.ReadByte()
		if err != nil {
			return 0, fmt.Errorf("no answer: %w", err)
		}
		if raw = append(raw, b); b < 0x80 {
			break
		}
	}
	length, n := binary.Uvarint(raw)
	if n <= 0 {
		return 0, errBadLength
	}
	return length, nil
}

// readAnswer reads an answer of up to limit bytes. It makes room for what has come, not
// for what was announced, and gives each block its time.
func readAnswer(stream deadlineReader, limit int, wait time.Duration) ([]byte, error) {
	from := bufio.NewReader(stream)
	length, err := readLength(from)
	switch {
	case err != nil:
		return nil, err
	case length > uint64(limit):
		return nil, tooLarge{length, uint64(limit)}
	}
	var raw bytes.Buffer
	for left := int64(length); left > 0; {
		if err := stream.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return nil, err
		}
		n, err := io.CopyN(&raw, from, min(left, storeBlock))
		if left -= n; err != nil {
			return nil, fmt.Errorf("the answer ended %d bytes too early: %w", left, err)
		}
	}
	return raw.Bytes(), nil
}

// deadlineReader is the part of a stream that answers are read from.
type deadlineReader interface {
	io.Reader
	SetReadDeadline(time.Time) error
}
