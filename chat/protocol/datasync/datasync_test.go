package datasync

import (
	"bytes"
	"crypto/rand"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func sample() Payload {
	return Payload{
		Acks:     [][32]byte{{1}, {2}},
		Offers:   [][32]byte{{3}},
		Requests: [][32]byte{{4}, {5}},
		Messages: []Message{
			{GroupID: [32]byte{6}, Timestamp: 1700000000, Body: []byte("body")},
			{GroupID: [32]byte{7}, Timestamp: -1},
		},
	}
}

func TestRoundTrip(t *testing.T) {
	want := sample()
	b, err := Encode(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decode(b); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v\nwant %+v", got, err, want)
	}
	if got, err := Decode(append(b, marshal(t, &wire.ApplicationMetadataMessage{Payload: []byte("x")})...)); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("unknown fields: %+v, %v", got, err)
	}
}

// Each field of a message is in its id.
func TestIDCoversEveryField(t *testing.T) {
	seen := map[[32]byte]string{}
	for name, m := range map[string]Message{
		"base": {Timestamp: 1, Body: []byte("b")}, "group": {GroupID: [32]byte{1}, Timestamp: 1, Body: []byte("b")},
		"time": {Timestamp: 2, Body: []byte("b")}, "body": {Timestamp: 1, Body: []byte("c")}, "negative": {Timestamp: -1, Body: []byte("b")},
	} {
		if other, ok := seen[m.ID()]; ok {
			t.Errorf("%s has the id of %s", name, other)
		}
		seen[m.ID()] = name
	}
}

func TestGroupID(t *testing.T) {
	newPublic := func() key.Public {
		k, err := key.Generate(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k.Public()
	}
	a, b := newPublic(), newPublic()
	if GroupID(a, b) != GroupID(b, a) {
		t.Error("the order of the keys matters")
	}
	if GroupID(a, a) == GroupID(a, b) || GroupID(a, a) == GroupID(b, b) {
		t.Error("groups coincide")
	}
	negated := a.Compressed()
	negated[0] ^= 1
	minus, err := key.ParsePublic(negated)
	if err != nil {
		t.Fatal(err)
	}
	if GroupID(a, minus) != GroupID(minus, a) {
		t.Error("the order of a key and its negation matters")
	}
}

func TestDecodeGroupOffers(t *testing.T) {
	id := func(n byte) []byte { return append([]byte{n}, make([]byte, 31)...) }
	b := marshal(t, &wire.MVDSPayload{
		Offers: [][]byte{id(1)},
		GroupOffers: []*wire.MVDSOffer{
			{GroupId: id(9), MessageIds: [][]byte{id(2), id(3)}}, {GroupId: id(8)},
		},
	})
	p, err := Decode(b)
	if want := [][32]byte{{1}, {2}, {3}}; err != nil || !reflect.DeepEqual(p.Offers, want) {
		t.Fatalf("%x, %v", p.Offers, err)
	}
}

func repeat(n int, field protowire.Number, entry []byte) []byte {
	one := protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), entry)
	return bytes.Repeat(one, n)
}

func TestDecodeRefuses(t *testing.T) {
	id := make([]byte, 32)
	message := marshal(t, &wire.MVDSMessage{GroupId: id, Body: []byte("b")})
	bigOffer := &wire.MVDSOffer{}
	for range MaxIDs + 1 {
		bigOffer.MessageIds = append(bigOffer.MessageIds, id)
	}
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":                 {nil, ErrNotMVDS},
		"application message":   {marshal(t, &wire.ApplicationMetadataMessage{Signature: id, Payload: id, Type: 1}), ErrNotMVDS},
		"known number, integer": {protowire.AppendVarint(protowire.AppendTag(nil, 5001, protowire.VarintType), 7), ErrNotMVDS},
		"not protobuf":          {[]byte{0xff}, ErrMalformed},
		"short ack":             {repeat(1, 5001, id[1:]), ErrMalformed},
		"long offer":            {repeat(1, 5002, append(id, 0)), ErrMalformed},
		"empty request":         {repeat(1, 5003, nil), ErrMalformed},
		"empty message":         {repeat(1, 5004, nil), ErrMalformed},
		"message not protobuf":  {repeat(1, 5004, []byte{0xff}), ErrMalformed},
		"short group offer":     {repeat(1, 5005, repeat(1, 2, id[1:])), ErrMalformed},
		"too many acks":         {repeat(MaxIDs+1, 5001, id), ErrTooMany},
		"too many offers":       {repeat(MaxIDs+1, 5002, id), ErrTooMany},
		"too many requests":     {repeat(MaxIDs+1, 5003, id), ErrTooMany},
		"too many messages":     {repeat(MaxMessages+1, 5004, message), ErrTooMany},
		"too many groups":       {repeat(MaxIDs+1, 5005, nil), ErrTooMany},
		"too many in a group":   {marshal(t, &wire.MVDSPayload{GroupOffers: []*wire.MVDSOffer{bigOffer}}), ErrTooMany},
		"as many as allowed":    {append(repeat(MaxIDs, 5001, id), repeat(MaxMessages, 5004, message)...), nil},
	} {
		p, err := Decode(c.b)
		if !errors.Is(err, c.want) || err != nil && !p.IsEmpty() {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	if _, err := Encode(Payload{}); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	if _, err := Encode(Payload{Acks: make([][32]byte, MaxIDs+1)}); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many acks: %v", err)
	}
	if _, err := Encode(Payload{Messages: make([]Message, MaxMessages+1)}); !errors.Is(err, ErrTooMany) {
		t.Errorf("too many messages: %v", err)
	}
}

func TestBackoff(t *testing.T) {
	none := func() *bytes.Reader { return bytes.NewReader(nil) }
	for _, c := range []struct {
		sends int
		base  time.Duration
		want  time.Duration
	}{
		{1, DefaultBase, 27 * time.Second}, {2, DefaultBase, 54 * time.Second}, {5, DefaultBase, 432 * time.Second},
		{MaxSends, DefaultBase, 27 * time.Second << 15}, {MaxSends + 9, DefaultBase, 27 * time.Second << 15},
		{0, time.Second, time.Second}, {-4, time.Second, time.Second}, {3, 0, 0}, {3, -time.Hour, 0},
		{MaxSends, math.MaxInt64 / 2, math.MaxInt64},
	} {
		if got := Backoff(c.sends, c.base, none()); got != c.want {
			t.Errorf("after %d sends from %s: %s, want %s", c.sends, c.base, got, c.want)
		}
	}
	longest := time.Duration(0)
	for range 1000 {
		extra := Backoff(3, DefaultBase, rand.Reader) - 4*DefaultBase
		if extra < 0 || extra > DefaultBase/3 {
			t.Fatalf("jitter of %s", extra)
		}
		longest = max(longest, extra)
	}
	if longest < DefaultBase/6 {
		t.Fatalf("no jitter above %s in 1000 draws", longest)
	}
	largest := bytes.Repeat([]byte{0xff}, 8)
	for _, base := range []time.Duration{math.MaxInt64, math.MaxInt64 / 2, math.MaxInt64 / 3, 1, 2, 3} {
		for sends := 1; sends <= MaxSends; sends++ {
			if got := Backoff(sends, base, bytes.NewReader(largest)); got < base {
				t.Fatalf("after %d sends from %d: %d", sends, base, got)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	b, err := Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(marshal(f, &wire.MVDSPayload{GroupOffers: []*wire.MVDSOffer{{GroupId: make([]byte, 32), MessageIds: [][]byte{make([]byte, 32)}}}}))
	f.Add(marshal(f, &wire.ApplicationMetadataMessage{Signature: make([]byte, 65), Payload: []byte("x"), Type: 1}))
	f.Add(repeat(3, 5004, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b)
		if err != nil {
			if !p.IsEmpty() {
				t.Fatal("an error came with a result")
			}
			return
		}
		if p.IsEmpty() {
			return // group offers without ids
		}
		again, err := Encode(p)
		if err != nil {
			t.Fatal(err)
		}
		if q, err := Decode(again); err != nil || !equal(p, q) {
			t.Fatalf("%+v came back as %+v, %v", p, q, err)
		}
	})
}

// equal is DeepEqual, but for empty and missing bodies.
func equal(p, q Payload) bool {
	for _, ms := range [][]Message{p.Messages, q.Messages} {
		for i := range ms {
			if len(ms[i].Body) == 0 {
				ms[i].Body = nil
			}
		}
	}
	return reflect.DeepEqual(p, q)
}
