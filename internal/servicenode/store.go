package servicenode

import (
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/waku-org/go-waku/waku/v2/protocol/store/pb"
	"google.golang.org/protobuf/proto"
)

// Limits of a query, as the Status fleet has them.
const (
	maxContents  = 10
	maxHashes    = 100
	maxPage      = 100
	ordinaryPage = 20
)

// Status codes. Spec: 13/WAKU2-STORE, "Store Query Response"; 12/WAKU2-FILTER; 19/WAKU2-LIGHTPUSH, "Examples
// of possible error codes".
const (
	statusOK            = 200
	statusBadRequest    = 400
	statusNotFound      = 404
	statusTooLarge      = 413
	statusForeignTopic  = 421
	statusInternalError = 500
	statusNoPeers       = 503
)

// serveStore answers a query. Spec: 13/WAKU2-STORE.
func (n *Node) serveStore(stream network.Stream) error {
	request := new(pb.StoreQueryRequest)
	if err := read(stream, request); err != nil {
		return err
	}
	if n.options.Queried != nil {
		n.options.Queried(request.ContentTopics)
	}
	f := n.currentFaults()
	if f.StoreHangs {
		return n.hang()
	}
	if !n.wait(f.StoreDelay) {
		return errHung
	}
	answer := n.answerStore(request, f)
	if f.StoreLie != NoLie {
		return n.lie(stream, f.StoreLie, request, answer)
	}
	if f.StoreCuts {
		return cut(stream, answer)
	}
	if f.StoreTrickles {
		return n.trickle(stream, answer)
	}
	return write(stream, answer)
}

// refuse returns an answer with an error, which names no request, like that of the fleet's
// nodes.
func refuse(status uint32, why string) *pb.StoreQueryResponse {
	return &pb.StoreQueryResponse{StatusCode: proto.Uint32(status), StatusDesc: proto.String(why)}
}

func (n *Node) answerStore(request *pb.StoreQueryRequest, f Faults) *pb.StoreQueryResponse {
	limit := ordinaryPage
	if request.PaginationLimit != nil && request.GetPaginationLimit() > 0 {
		limit = int(min(request.GetPaginationLimit(), maxPage))
	}
	switch err := request.Validate(); {
	case f.StoreStatus != 0:
		return refuse(f.StoreStatus, "out of order")
	case err != nil:
		return refuse(statusBadRequest, err.Error())
	case len(request.ContentTopics) > maxContents || len(request.MessageHashes) > maxHashes:
		return refuse(statusBadRequest, "too many content topics or hashes")
	case len(request.PaginationCursor) != 0 && len(request.PaginationCursor) != len(Hash{}):
		return refuse(statusBadRequest, "the cursor is no hash")
	}
	answer := &pb.StoreQueryResponse{RequestId: request.RequestId, StatusCode: proto.Uint32(statusOK), StatusDesc: proto.String("OK")}
	if f.StoreEmpty {
		return answer
	}
	page, more, ok := n.page(request, limit)
	if !ok {
		return refuse(statusBadRequest, "the cursor is not there")
	}
	if more {
		end := page[len(page)-1]
		if !request.PaginationForward {
			end = page[0]
		}
		answer.PaginationCursor = end.Hash[:]
	}
	for _, s := range page {
		if f.StoreForgot == nil || !f.StoreForgot(s.Hash) {
			answer.Messages = append(answer.Messages, s.entry(request.IncludeData))
		}
	}
	return answer
}

// page returns the stored messages that a request asks for.
func (n *Node) page(request *pb.StoreQueryRequest, limit int) (page []*Stored, more, ok bool) {
	var after *Hash
	if len(request.PaginationCursor) > 0 {
		cursor := Hash(request.PaginationCursor)
		after = &cursor
	}
	if len(request.MessageHashes) == 0 {
		return n.options.Archive.find(query{pubsub: request.GetPubsubTopic(), contents: request.ContentTopics,
			from: request.GetTimeStart(), to: request.GetTimeEnd(),
			after: after, backward: !request.PaginationForward, limit: limit})
	}
	hashes := make([]Hash, len(request.MessageHashes))
	for i, h := range request.MessageHashes {
		hashes[i] = Hash(h)
	}
	found := n.options.Archive.get(hashes)
	if after != nil {
		at := indexOf(found, *after)
		if at < 0 {
			return nil, false, false
		}
		found = found[at+1:]
	}
	if len(found) > limit {
		return found[:limit], true, true
	}
	return found, false, true
}

func indexOf(all []*Stored, h Hash) int {
	for i, s := range all {
		if s.Hash == h {
			return i
		}
	}
	return -1
}

// entry returns a stored message as it is in an answer.
func (s *Stored) entry(withData bool) *pb.WakuMessageKeyValue {
	e := &pb.WakuMessageKeyValue{MessageHash: s.Hash[:]}
	if withData {
		e.Message, e.PubsubTopic = s.Message, proto.String(s.PubsubTopic)
	}
	return e
}
