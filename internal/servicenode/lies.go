package servicenode

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/store/pb"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"
)

// lie sends an answer that does not answer the request. True is what the answer would have been;
// most lies spoil one of its entries, or add one.
func (n *Node) lie(stream network.Stream, l Lie, request *pb.StoreQueryRequest, answer *pb.StoreQueryResponse) error {
	switch l {
	case LieGarbage:
		_, err := stream.Write([]byte{5, 0xff, 0xff, 0xff, 0xff, 0xff})
		return err
	case LieAnnounced:
		if _, err := stream.Write(binary.AppendUvarint(nil, 2<<30)); err != nil {
			return err
		}
		return n.hang()
	case LieOversized:
		return oversized(stream)
	}
	answer = proto.Clone(answer).(*pb.StoreQueryResponse)
	n.spoilAnswer(l, request, answer)
	if len(answer.Messages) == 0 && slices.Contains([]Lie{LieWrongHash, LieContentTopic, LiePubsubTopic, LieTime, LieTwice,
		LieNoEnvelope, LieBadEnvelope}, l) {
		answer.Messages = append(answer.Messages, madeUp(request))
	}
	spoilEntry(l, request, answer)
	return write(stream, answer)
}

// spoilAnswer tells the lies that are about a whole answer.
func (n *Node) spoilAnswer(l Lie, request *pb.StoreQueryRequest, answer *pb.StoreQueryResponse) {
	cursor := make([]byte, len(Hash{}))
	_, _ = rand.Read(cursor)                                                 // never fails
	if slices.Contains([]Lie{LieSameCursor, LieEndless, LieEmptyPages}, l) { // whose cursors are not there
		answer.RequestId, answer.StatusCode = request.RequestId, proto.Uint32(statusOK)
	}
	switch l {
	case LieUnasked:
		answer.Messages = append(answer.Messages, madeUp(request))
	case LieTooMany:
		for range max(int(request.GetPaginationLimit()), ordinaryPage) + 1 {
			answer.Messages = append(answer.Messages, madeUp(request))
		}
	case LieSameCursor:
		first := proto.Clone(request).(*pb.StoreQueryRequest)
		first.PaginationCursor = nil
		page := n.answerStore(first, Faults{})
		answer.Messages = page.Messages
		for i := range cursor {
			cursor[i] = byte(i)
		}
		answer.PaginationCursor = cursor
	case LieEndless:
		answer.Messages = nil
		for range max(int(request.GetPaginationLimit()), 1) {
			answer.Messages = append(answer.Messages, madeUp(request))
		}
		answer.PaginationCursor = answer.Messages[len(answer.Messages)-1].MessageHash
	case LieEmptyPages:
		answer.Messages, answer.PaginationCursor = nil, cursor
	case LieShortCursor:
		answer.PaginationCursor = cursor[:7]
	case LieRequestID:
		answer.RequestId = "another"
	case LieNoStatus:
		answer.StatusCode = nil
	case LieReversed:
		slices.Reverse(answer.Messages)
	}
}

// spoilEntry tells the lies that are about one entry, the last.
func spoilEntry(l Lie, request *pb.StoreQueryRequest, answer *pb.StoreQueryResponse) {
	if len(answer.Messages) == 0 {
		return
	}
	entry := answer.Messages[len(answer.Messages)-1]
	rehash := func() {
		if entry.Message != nil {
			hash := entry.Message.Hash(entry.GetPubsubTopic())
			entry.MessageHash = hash[:]
		}
	}
	switch l {
	case LieWrongHash:
		entry.MessageHash = slices.Clone(entry.MessageHash)
		entry.MessageHash[0] ^= 1
	case LieContentTopic:
		if entry.Message != nil {
			entry.Message.ContentTopic += "x"
		}
		rehash()
	case LiePubsubTopic:
		entry.PubsubTopic = proto.String("/waku/2/rs/99/9")
		rehash()
	case LieTime:
		if entry.Message != nil {
			entry.Message.Timestamp = proto.Int64(request.GetTimeStart() - int64(time.Hour))
		}
		rehash()
	case LieTwice:
		answer.Messages = append(answer.Messages, entry)
	case LieNoEnvelope:
		entry.Message, entry.PubsubTopic = nil, nil
	case LieBadEnvelope:
		if entry.Message != nil {
			entry.Message.Payload = nil
		}
		rehash()
	}
}

// madeUp is an entry that nobody has published, but that answers a query for a topic.
func madeUp(request *pb.StoreQueryRequest) *pb.WakuMessageKeyValue {
	payload := make([]byte, 100)
	_, _ = rand.Read(payload) // never fails
	topic := "/waku/1/0x12345678/rfc26"
	if len(request.ContentTopics) > 0 {
		topic = request.ContentTopics[0]
	}
	s := &Stored{PubsubTopic: request.GetPubsubTopic(), Message: &wakupb.WakuMessage{Payload: payload, ContentTopic: topic,
		Timestamp: proto.Int64(max(request.GetTimeStart(), 1)), Meta: []byte{}}}
	s.Hash = Hash(s.Message.Hash(s.PubsubTopic))
	return s.entry(request.IncludeData)
}

// oversizedBytes is more than any client should take.
const oversizedBytes = 512 << 20

// oversized announces a very large answer and sends it until the client has enough.
func oversized(stream network.Stream) error {
	if _, err := stream.Write(binary.AppendUvarint(nil, oversizedBytes)); err != nil {
		return err
	}
	for block, sent := make([]byte, 1<<16), 0; sent < oversizedBytes; sent += len(block) {
		if _, err := stream.Write(block); err != nil {
			return err
		}
	}
	return nil
}

// cut sends half of an answer and resets the stream.
func cut(stream network.Stream, answer *pb.StoreQueryResponse) error {
	var whole writer
	if _, err := protodelim.MarshalTo(&whole, answer); err != nil {
		return err
	}
	if _, err := stream.Write(whole[:(len(whole)+1)/2]); err != nil {
		return err
	}
	return errHung
}

// trickle sends an answer byte by byte.
func (n *Node) trickle(stream network.Stream, answer *pb.StoreQueryResponse) error {
	var whole writer
	if _, err := protodelim.MarshalTo(&whole, answer); err != nil {
		return err
	}
	for _, b := range whole {
		if _, err := stream.Write([]byte{b}); err != nil || !n.wait(100*time.Millisecond) {
			return errHung
		}
	}
	return nil
}

// writer is bytes that were written.
type writer []byte

func (w *writer) Write(p []byte) (int, error) {
	*w = append(*w, p...)
	return len(p), nil
}
