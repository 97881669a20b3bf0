package memnet

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// story runs a fixed script on a bad manual network and writes down what happens.
func story(seed uint64) string {
	n := New(Options{Seed: seed, Loss: 0.2, Duplicate: 0.2, Reorder: 0.3, MaxDelay: 5 * time.Millisecond, Manual: true})
	var log strings.Builder
	nodes := make([]port.Transport, 4)
	for i := range nodes {
		nodes[i] = n.Join()
		nodes[i].Subscribe(topic)
		nodes[i].Start(context.Background(), port.TransportHooks{
			Received: func(e port.Envelope) {
				number := binary.BigEndian.Uint32(e.Payload)
				fmt.Fprintln(&log, i, "got", number)
				if number < 1000 && number%5 == uint32(i) { // an answer, from within a hook
					nodes[i].Publish(context.Background(), numbered(int(number)+1000))
				}
			},
			Changed: func(c port.NetworkChange) { fmt.Fprintln(&log, i, c) },
		})
	}
	for i := range 200 {
		nodes[i%4].Publish(context.Background(), numbered(i))
		if i%7 == 0 {
			n.Drain(3)
		}
		if i == 100 {
			nodes[3].(*Node).SetOnline(false)
		}
	}
	n.Drain(0)
	fmt.Fprint(&log, n.Stats())
	return log.String()
}

func TestManualIsDeterministic(t *testing.T) {
	seen := map[string]bool{}
	for seed := range uint64(5) {
		first := story(seed)
		if strings.Count(first, "got") < 200 {
			t.Fatalf("hardly anything was delivered:\n%s", first)
		}
		if story(seed) != first {
			t.Fatalf("seed %d told two stories", seed)
		}
		seen[first] = true
	}
	if len(seen) != 5 {
		t.Fatalf("five seeds gave %d stories", len(seen))
	}
}

func TestRates(t *testing.T) {
	const count = 10_000
	n := New(Options{Seed: 42, Loss: 0.2, Duplicate: 0.1, Reorder: 0.25, Manual: true})
	a, b := join(t, n), join(t, n)
	for i := range count {
		publish(t, a, numbered(i))
	}
	n.Drain(0)
	seen, overtaken, highest := map[uint32]int{}, 0, uint32(0)
	for _, number := range b.numbers() {
		if seen[number]++; seen[number] == 1 && number < highest {
			overtaken++
		}
		highest = max(highest, number)
	}
	doubled := 0
	for _, times := range seen {
		doubled += times - 1
	}
	near := func(what string, got, want int) {
		if got < want*9/10 || got > want*11/10 {
			t.Errorf("%s: %d, want about %d", what, got, want)
		}
	}
	near("arrived", len(seen), count*8/10)
	near("doubled", doubled, count*8/100)
	// A held-back envelope counts as overtaken only if a later one arrived.
	if overtaken < count/10 || overtaken > count/4 {
		t.Errorf("overtaken: %d", overtaken)
	}
	s := n.Stats()
	if s.Published != count || s.Lost != uint64(count-len(seen)) || s.Duplicated != uint64(doubled) ||
		s.Delivered != uint64(len(seen)+doubled) || s.Dropped != 0 {
		t.Errorf("stats %+v", s)
	}
}

func TestDelayedDeliveryArrives(t *testing.T) {
	n := New(Options{Seed: 1, MaxDelay: 3 * time.Millisecond, Reorder: 0.5})
	a, b := join(t, n), join(t, n)
	const count = 100
	for i := range count {
		publish(t, a, numbered(i))
	}
	b.until(t, "all envelopes", func() bool { return len(b.received) == count })
	got := b.numbers()
	if slices.Equal(got, rising(count)) {
		t.Fatal("nothing was reordered")
	}
	slices.Sort(got)
	if !slices.Equal(got, rising(count)) {
		t.Fatal("something is missing")
	}
}

func TestFullQueueDrops(t *testing.T) {
	n := New(Options{Manual: true})
	a, b := join(t, n), join(t, n)
	big := numbered(0)
	big.Payload = make([]byte, 128*1024)
	for range maxPendingBytes/len(big.Payload) + 5 {
		publish(t, a, big)
	}
	if s := n.Stats(); s.Dropped != 5 {
		t.Fatalf("by size: %+v", s)
	}
	n.Drain(0)
	if b.pending.bytes != 0 {
		t.Fatalf("%d bytes accounted to an empty queue", b.pending.bytes)
	}
	for range maxPending + 7 {
		publish(t, a, numbered(0))
	}
	if s := n.Stats(); s.Dropped != 5+7 {
		t.Fatalf("by number: %+v", s)
	}
}
