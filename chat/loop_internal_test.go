package chat

import (
	"context"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// handClock is a clock that is moved by hand.
type handClock struct{ passed time.Duration }

func (c *handClock) Now() time.Time { at, _ := c.Both(); return at }

func (c *handClock) Both() (time.Time, time.Duration) {
	return time.UnixMilli(1_800_000_000_000).Add(c.passed), c.passed
}

func (c *handClock) Wait(time.Duration) (<-chan time.Time, func()) { return nil, func() {} }

// handClient is a client that is online and has a clock, and nothing else.
func handClient() (*Client, *handClock) {
	clock := &handClock{}
	c := &Client{clock: clock, log: silence{}}
	c.loop.clocks, c.loop.acceptsWork = c.readClocks(), true
	c.loop.nextCare, c.sessions.code.next = c.now().Add(careEvery), c.now().Add(careEvery)
	c.online.set(true)
	return c, clock
}

// A store that takes long to fail is left alone after that, not only while it does.
func TestSlowFailureOfTheStore(t *testing.T) {
	c, clock := handClient()
	turn := c.beginTurn()
	defer turn.End()
	clock.passed += time.Minute
	if c.storeFailed(port.Errorf(port.CodeStoreIO, "", "the disk is slow")); !c.loop.storePause.Lasts(c.now()) {
		t.Error("the pause was over before it began")
	}
}

// eager is a part that is due as long as there is somebody to publish to.
type eager struct{ part }

func (eager) Due(t *ledger.Turn) time.Time {
	if t.Online {
		return t.Now
	}
	return time.Time{}
}

// A pause of the network that ends between two looks at the clock wakes the loop all the
// same.
func TestPauseEndsWithinATurn(t *testing.T) {
	c, clock := handClient()
	c.loop.parts = []part{eager{}}
	c.loop.networkPause.Failed(c.now())
	turn := c.beginTurn()
	defer turn.End()
	clock.passed += time.Minute
	if due := c.untilDue(turn); due > time.Second {
		t.Errorf("the loop would sleep for %v", due)
	}
}

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
