package waku

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/waku-org/go-waku/waku/v2/protocol"
	"github.com/waku-org/go-waku/waku/v2/protocol/pb"
	"github.com/waku-org/go-waku/waku/v2/protocol/relay"
)

func TestBackoffGrowsWithinBounds(t *testing.T) {
	for failures := 1; failures < 200; failures++ {
		wait := backoff(failures)
		if wait < time.Second || wait > lastBackoff {
			t.Fatalf("after %d failures %s", failures, wait)
		}
		if failures > 3 && wait < lastBackoff/2 || failures == 1 && wait > 2*time.Second {
			t.Fatalf("after %d failures %s", failures, wait)
		}
	}
	waits := map[time.Duration]bool{}
	for range 10 {
		waits[backoff(4)] = true
	}
	if len(waits) == 1 {
		t.Fatal("no jitter")
	}
}

func TestQueue(t *testing.T) {
	q := newQueue[int](3, 10)
	put := func(item, bytes int, ok, first bool) {
		t.Helper()
		if gotOK, gotFirst := q.put(item, bytes); gotOK != ok || gotFirst != first {
			t.Fatalf("put(%d): %v %v", item, gotOK, gotFirst)
		}
	}
	take := func(want int) {
		t.Helper()
		if got, ok := q.take(context.Background()); !ok || got != want {
			t.Fatalf("took %d, %v", got, ok)
		}
	}
	put(1, 1, true, false)
	put(2, 1, true, false)
	put(3, 1, true, false)
	put(4, 1, false, true)
	put(5, 1, false, false)
	take(1)
	put(6, 9, false, false) // too many bytes, still the same row
	put(7, 8, true, false)
	take(2)
	put(8, 9, false, true)
	take(3)
	take(7)
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if _, ok := q.take(gone); ok {
		t.Fatal("took from an empty queue")
	}
	put(9, 10, true, false)
	if _, ok := q.take(gone); ok {
		t.Fatal("took after the end")
	}
}

func TestEchoes(t *testing.T) {
	var e echoes
	hash := func(i int) pb.MessageHash { return pb.MessageHash{byte(i), byte(i >> 8)} }
	if e.take(hash(1)) {
		t.Fatal("nothing was published")
	}
	e.expect(hash(1))
	if !e.take(hash(1)) || e.take(hash(1)) {
		t.Fatal("once and no more")
	}
	e.expect(hash(2))
	e.expected[hash(2)] = time.Now().Add(-echoTime)
	if e.take(hash(2)) {
		t.Fatal("too old")
	}
	for i := range maxEchoes * 3 {
		e.expect(hash(i))
	}
	if len(e.expected) > maxEchoes || len(e.order) > maxEchoes || e.take(hash(0)) || !e.take(hash(maxEchoes*3-1)) {
		t.Fatalf("%d, %d", len(e.expected), len(e.order))
	}
}

// BenchmarkFilter shows why there is one go-waku subscription. It measures the cost of one
// envelope of the shard beside 10,000 content topics to which it does not belong.
func BenchmarkFilter(b *testing.B) {
	const shard, count = "/waku/2/rs/16/32", 10_000
	topics := make([]string, count)
	for i := range topics {
		topics[i] = fmt.Sprintf("/waku/1/0x%08x/rfc26", rand.Uint32())
	}
	message := &pb.WakuMessage{Payload: []byte{1}, ContentTopic: "/waku/1/other/rfc26"}
	e := protocol.NewEnvelope(message, 0, shard)
	b.Run("ours", func(b *testing.B) {
		r := &run{owner: &Node{}, ctx: context.Background()}
		r.owner.topics.add(topics)
		for b.Loop() {
			r.accept(shard, message)
		}
	})
	b.Run("go-waku", func(b *testing.B) {
		subscriptions := make([]*relay.Subscription, count)
		for i, topic := range topics {
			subscriptions[i] = relay.NewSubscription(protocol.NewContentFilter(shard, topic))
		}
		for b.Loop() {
			for _, s := range subscriptions {
				s.Submit(context.Background(), e)
			}
		}
	})
}
