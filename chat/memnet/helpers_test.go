package memnet

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// inbox is a started node and what its hooks were called with.
type inbox struct {
	*Node
	mu       sync.Mutex
	received []port.Envelope
	changes  []port.NetworkChange
	panics   []string
	arrived  chan struct{}
}

func join(t testing.TB, n *Network) *inbox {
	t.Helper()
	b := &inbox{Node: n.Join().(*Node), arrived: make(chan struct{}, 1<<16)}
	if err := b.Start(context.Background(), b.hooks()); err != nil {
		t.Fatal(err)
	}
	if err := b.Subscribe(topic); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Stop() })
	return b
}

func (b *inbox) hooks() port.TransportHooks {
	return port.TransportHooks{
		Received: func(e port.Envelope) {
			b.mu.Lock()
			b.received = append(b.received, e)
			b.mu.Unlock()
			b.arrived <- struct{}{}
		},
		Changed: func(c port.NetworkChange) {
			b.mu.Lock()
			b.changes = append(b.changes, c)
			b.mu.Unlock()
			b.arrived <- struct{}{}
		},
		Panicked: func(_ string, value any, _ []byte) {
			b.mu.Lock()
			b.panics = append(b.panics, fmt.Sprint(value))
			b.mu.Unlock()
			b.arrived <- struct{}{}
		},
	}
}

// numbers are the payloads received, as numbered makes them.
func (b *inbox) numbers() []uint32 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []uint32
	for _, e := range b.received {
		all = append(all, binary.BigEndian.Uint32(e.Payload))
	}
	return all
}

// until waits for condition, which is looked at after each hook call.
func (b *inbox) until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	giveUp := time.After(20 * time.Second)
	for {
		b.mu.Lock()
		ok := condition()
		b.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-b.arrived:
		case <-giveUp:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func numbered(i int) port.Envelope {
	return port.Envelope{ContentTopic: topic, Payload: binary.BigEndian.AppendUint32(nil, uint32(i)), Version: 1, Timestamp: int64(i)}
}

func publish(t testing.TB, from port.Transport, e port.Envelope) port.Evidence {
	t.Helper()
	evidence, err := from.Publish(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return evidence
}

func rising(count int) []uint32 {
	all := make([]uint32, count)
	for i := range all {
		all[i] = uint32(i)
	}
	return all
}
