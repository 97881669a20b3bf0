package waku

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/store/pb"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// This file believes nothing that a store node says and that can be checked.

// storeOK is the status code of success. Spec: 13/WAKU2-STORE, "Status Codes".
const storeOK = 200

// storeMessages is the number of the field with the messages of an answer.
const storeMessages protowire.Number = 20

// decodeAnswer decodes an answer with at most limit messages. They are counted first: a
// message of three bytes takes some hundred when it is decoded.
func decodeAnswer(raw []byte, limit int) (*pb.StoreQueryResponse, error) {
	messages := 0
	for rest := raw; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		size := protowire.ConsumeFieldValue(number, kind, rest[n:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}
		if number == storeMessages {
			messages++
		}
		rest = rest[n+size:]
	}
	if messages > limit {
		return nil, fmt.Errorf("%d messages, of which at most %d were asked for", messages, limit)
	}
	answer := new(pb.StoreQueryResponse)
	return answer, proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(raw, answer)
}

// Errors of answers that do not answer the query.
var (
	errNoStatus      = errors.New("the answer has no status code")
	errForeignAnswer = errors.New("the answer is to another request")
	errBadHash       = errors.New("a hash is not of 32 bytes")
	errUnaskedHash   = errors.New("a message that was not asked for")
	errTwice         = errors.New("a message is there twice")
	errNoEnvelope    = errors.New("a message was left out of its entry")
	errWrongHash     = errors.New("a message has another hash than its entry says")
	errForeignTopic  = errors.New("a message is of a topic that was not asked for")
	errForeignTime   = errors.New("a message is of a time that was not asked for")
	errBadCursor     = errors.New("the cursor is not of 32 bytes")
	errNoProgress    = errors.New("the cursor leads nowhere")
)

// verifyAnswer returns the page that is in a successful answer, if it answers the query.
// Spec: 13/WAKU2-STORE, "Store Query Response".
func verifyAnswer(q port.StoreQuery, requestID string, answer *pb.StoreQueryResponse) (page port.StorePage, err error) {
	switch {
	case answer.StatusCode == nil:
		return page, errNoStatus
	case answer.RequestId != requestID:
		return page, errForeignAnswer
	}
	seen := map[[32]byte]bool{}
	if q.After != nil {
		seen[*q.After] = true // it was on the page before
	}
	for _, message := range answer.Messages {
		if len(message.GetMessageHash()) != len(port.StoreEntry{}.Hash) {
			return port.StorePage{}, errBadHash
		}
		entry := port.StoreEntry{Hash: [32]byte(message.MessageHash)}
		if seen[entry.Hash] {
			return port.StorePage{}, errTwice
		}
		seen[entry.Hash] = true
		if len(q.Hashes) > 0 && !slices.Contains(q.Hashes, entry.Hash) {
			return port.StorePage{}, errUnaskedHash
		}
		if q.WithEnvelopes {
			if entry.Envelope, err = verifyEntry(q, message); err != nil {
				return port.StorePage{}, err
			}
		}
		page.Entries = append(page.Entries, entry)
	}
	page.Next, err = verifyCursor(q, answer, len(page.Entries))
	if err != nil {
		return port.StorePage{}, err
	}
	return page, nil
}

// verifyCursor returns the cursor of the next page, if it can lead to one. A page with
// nothing on it is the last.
func verifyCursor(q port.StoreQuery, answer *pb.StoreQueryResponse, entries int) (*[32]byte, error) {
	cursor := answer.PaginationCursor
	switch {
	case len(cursor) == 0:
		return nil, nil
	case len(cursor) != len(port.StoreEntry{}.Hash):
		return nil, errBadCursor
	case entries == 0 || q.After != nil && [32]byte(cursor) == *q.After:
		return nil, errNoProgress
	}
	next := [32]byte(cursor)
	return &next, nil
}

// verifyEntry returns the envelope of an entry, if it is what the query asked for.
// Spec: 14/WAKU2-MESSAGE, "Deterministic message hashing".
func verifyEntry(q port.StoreQuery, entry *pb.WakuMessageKeyValue) (*port.Envelope, error) {
	message := entry.Message
	if message == nil {
		return nil, errNoEnvelope
	}
	if err := message.Validate(); err != nil {
		return nil, err
	}
	topic := entry.GetPubsubTopic()
	if entry.PubsubTopic == nil {
		topic = q.PubsubTopic
	}
	if messageHash(topic, message) != [32]byte(entry.MessageHash) {
		return nil, errWrongHash
	}
	if len(q.Hashes) == 0 {
		if topic != q.PubsubTopic || len(q.ContentTopics) > 0 && !slices.Contains(q.ContentTopics, message.ContentTopic) {
			return nil, errForeignTopic
		}
		// Without a timestamp it is the time at which the node stored it, which only it knows.
		if at := message.GetTimestamp(); at != 0 && (at < q.From || q.To > 0 && at >= q.To) {
			return nil, errForeignTime
		}
	}
	return &port.Envelope{PubsubTopic: topic, ContentTopic: message.ContentTopic, Payload: message.Payload,
		Version: message.GetVersion(), Timestamp: message.GetTimestamp(), Ephemeral: message.GetEphemeral()}, nil
}

// messageHash returns the hash by which store nodes know a message. Spec: 14/WAKU2-MESSAGE,
// "Deterministic message hashing".
func messageHash(topic string, message *wakupb.WakuMessage) [32]byte { return message.Hash(topic) }

// maxStatusText bounds what a store node says about an error, in bytes.
const maxStatusText = 200

// shortText returns the beginning of a text of a stranger, as valid UTF-8.
func shortText(text string) string {
	if len(text) > maxStatusText {
		text = text[:maxStatusText]
	}
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}
