package chat

import (
	"context"
	"testing"
	"time"
)

func TestByteGate(t *testing.T) {
	g := &byteGate{max: 10}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	enter := func(n int, want bool) {
		t.Helper()
		if got := g.enter(ended, n) == nil; got != want {
			t.Fatalf("enter(%d) with %d inside: %v", n, g.used, got)
		}
	}
	enter(100, true) // larger than the gate, and alone
	enter(1, false)
	g.leave(100)
	enter(6, true)
	enter(4, true)
	enter(1, false)
	through := make(chan error)
	go func() { through <- g.enter(context.Background(), 5) }()
	g.leave(4) // not enough
	select {
	case <-through:
		t.Fatal("there was no room")
	case <-time.After(10 * time.Millisecond):
	}
	g.leave(6)
	if err := <-through; err != nil || g.used != 5 {
		t.Fatalf("%v, %d inside", err, g.used)
	}
}
