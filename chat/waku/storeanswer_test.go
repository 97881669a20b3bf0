package waku

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	wakupb "github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/store/pb"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// The hash is that of the specification: SHA-256 of its five fields. The vector is its
// first (14/WAKU2-MESSAGE, "Test vectors").
func TestStoreHash(t *testing.T) {
	message := &wakupb.WakuMessage{ContentTopic: "/waku/2/default-content/proto", Timestamp: proto.Int64(0x175789bfa23f8400)}
	message.Payload, _ = hex.DecodeString("010203045445535405060708")
	message.Meta, _ = hex.DecodeString("73757065722d736563726574")
	const on, want = "/waku/2/default-waku/proto", "64cce733fed134e83da02b02c6f689814872b1a0ac97ea56b76095c3c72bfe05"
	if hash := messageHash(on, message); hex.EncodeToString(hash[:]) != want {
		t.Errorf("%x", hash)
	}
	for _, e := range []port.Envelope{envelope([]byte("one")), {ContentTopic: "t", Payload: []byte{0}, Timestamp: -5}, {}} {
		sum := sha256.New()
		for _, part := range [][]byte{[]byte(on), e.Payload, []byte(e.ContentTopic), binary.BigEndian.AppendUint64(nil, uint64(e.Timestamp))} {
			sum.Write(part)
		}
		if hash := messageHash(on, wakuMessage(e)); !bytes.Equal(hash[:], sum.Sum(nil)) {
			t.Errorf("%+v: %x", e, hash)
		}
	}
}

// Many messages in few bytes are counted before room is made for them.
func TestStoreAnswerOfManyMessages(t *testing.T) {
	many := bytes.Repeat([]byte{0xa2, 1, 0}, maxStoreAnswer/3)
	grew := testing.AllocsPerRun(1, func() {
		if _, err := decodeAnswer(many, 100); err == nil {
			t.Error("decoded")
		}
	})
	if grew > 100 {
		t.Errorf("%v allocations", grew)
	}
}

// cutReader reads the bytes of a peer, and ignores deadlines.
type cutReader struct{ io.Reader }

func (cutReader) SetReadDeadline(time.Time) error { return nil }

// An announced length is not made room for; a wrong one is told from a broken connection.
func TestStoreAnswerLength(t *testing.T) {
	read := func(raw []byte) ([]byte, error) {
		return readAnswer(cutReader{bytes.NewReader(raw)}, maxStoreAnswer, time.Second)
	}
	if raw, err := read(append([]byte{3}, "abcdef"...)); err != nil || string(raw) != "abc" {
		t.Errorf("%q, %v", raw, err)
	}
	if _, err := read(bytes.Repeat([]byte{0xff}, 11)); !errors.Is(err, errBadLength) {
		t.Error(err)
	}
	var large tooLarge
	if _, err := read(binary.AppendUvarint(nil, maxStoreAnswer+1)); !errors.As(err, &large) || large.fitting(100) != 50 || large.fitting(1) != 1 {
		t.Error(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := read(binary.AppendUvarint(nil, maxStoreAnswer)); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > maxStoreAnswer/8 {
		t.Errorf("%d bytes for nothing", after.TotalAlloc-before.TotalAlloc)
	}
}

// FuzzStoreAnswer reads answers of store nodes to three kinds of queries. What is taken of
// them answers the query.
func FuzzStoreAnswer(f *testing.F) {
	const id = "7"
	kept := wakuMessage(port.Envelope{ContentTopic: topic, Payload: []byte("kept"), Timestamp: 5})
	hash := messageHash(shard, kept)
	queries := []port.StoreQuery{
		{PubsubTopic: shard, ContentTopics: []string{topic}, From: 1, To: 9, Limit: 2, WithEnvelopes: true, After: &[32]byte{1}},
		{PubsubTopic: shard, Limit: 2},
		{Hashes: [][32]byte{hash}, Limit: 2, WithEnvelopes: true},
	}
	answer := &pb.StoreQueryResponse{RequestId: id, StatusCode: proto.Uint32(storeOK), PaginationCursor: hash[:],
		Messages: []*pb.WakuMessageKeyValue{{MessageHash: hash[:], Message: kept, PubsubTopic: proto.String(shard)}}}
	for i := range queries {
		raw, err := proto.Marshal(answer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(append(binary.AppendUvarint(nil, uint64(len(raw))), raw...), uint8(i))
	}
	f.Fuzz(func(t *testing.T, sent []byte, which uint8) {
		q := queries[int(which)%len(queries)]
		raw, err := readAnswer(cutReader{bytes.NewReader(sent)}, answerLimit(q), time.Second)
		if err != nil {
			return
		}
		answer, err := decodeAnswer(raw, q.Limit)
		if err != nil {
			return
		}
		if page, err := verifyAnswer(q, id, answer); err == nil {
			checkPage(t, q, page)
		}
	})
}

// checkPage fails if a page does not answer its query.
func checkPage(t *testing.T, q port.StoreQuery, page port.StorePage) {
	t.Helper()
	if len(page.Entries) > q.Limit || page.Next != nil && len(page.Entries) == 0 {
		t.Fatalf("%+v", page)
	}
	for _, entry := range page.Entries {
		e := entry.Envelope
		if len(q.Hashes) > 0 && !slices.Contains(q.Hashes, entry.Hash) || (e != nil) != q.WithEnvelopes {
			t.Fatalf("%+v", entry)
		}
		if e == nil || len(q.Hashes) > 0 {
			continue
		}
		if e.PubsubTopic != q.PubsubTopic || !slices.Contains(q.ContentTopics, e.ContentTopic) ||
			e.Timestamp != 0 && (e.Timestamp < q.From || e.Timestamp >= q.To) {
			t.Fatalf("%+v", e)
		}
	}
}
