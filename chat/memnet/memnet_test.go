package memnet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

const topic = "/waku/1/0x00000001/rfc26"

func TestPerfectNetworkKeepsOrderAndContent(t *testing.T) {
	n := New(Options{})
	a, b, c := join(t, n), join(t, n), join(t, n)
	const count = 2000
	for i := range count {
		if ev := publish(t, a, numbered(i)); ev != (port.Evidence{Kind: "memory", Peers: 2}) {
			t.Fatalf("evidence %+v", ev)
		}
	}
	for _, to := range []*inbox{b, c} {
		to.until(t, "all envelopes", func() bool { return len(to.received) == count })
		if !slices.Equal(to.numbers(), rising(count)) {
			t.Fatal("order lost")
		}
		want := numbered(7)
		if got := to.received[7]; got.ContentTopic != topic || got.PubsubTopic != PubsubTopic ||
			got.Version != want.Version || got.Timestamp != want.Timestamp || got.Ephemeral {
			t.Fatalf("envelope changed: %+v", got)
		}
	}
	if len(a.numbers()) != 0 {
		t.Fatal("own publishes came back")
	}
	b.received[0].Payload[0] = 99
	if c.received[0].Payload[0] == 99 {
		t.Fatal("receivers share a payload")
	}
}

func TestSubscriptionsFilter(t *testing.T) {
	n := New(Options{Manual: true})
	a, b := join(t, n), join(t, n)
	other := numbered(1)
	other.ContentTopic = "/waku/1/0x00000002/rfc26"
	publish(t, a, other)
	publish(t, a, numbered(2))
	n.Drain(0)
	if err := b.Subscribe(other.ContentTopic, other.ContentTopic); err != nil {
		t.Fatal(err)
	}
	publish(t, a, other)
	if err := b.Unsubscribe(topic); err != nil {
		t.Fatal(err)
	}
	publish(t, a, numbered(3))
	n.Drain(0)
	if got := b.numbers(); !slices.Equal(got, []uint32{2, 1}) {
		t.Fatalf("received %v", got)
	}
}

func TestPublishErrors(t *testing.T) {
	n := New(Options{MaxMessageSize: 1000})
	a := n.Join().(*Node)
	ctx := context.Background()
	if _, err := a.Publish(ctx, numbered(0)); !errors.Is(err, port.ErrNoPeers) {
		t.Fatalf("not started: %v", err)
	}
	b := join(t, n)
	if _, err := b.Publish(ctx, numbered(0)); !errors.Is(err, port.ErrNoPeers) {
		t.Fatalf("alone: %v", err)
	}
	join(t, n)
	fits, over := numbered(0), numbered(0)
	fits.Payload = make([]byte, b.MaxPayload())
	over.Payload = make([]byte, b.MaxPayload()+1)
	publish(t, b, fits)
	if _, err := b.Publish(ctx, over); !errors.Is(err, port.ErrTooLarge) {
		t.Fatalf("too large: %v", err)
	}
	foreign := numbered(0)
	foreign.PubsubTopic = "/waku/2/rs/1/1"
	if _, err := b.Publish(ctx, foreign); port.CodeOf(err) != port.CodeBadParams {
		t.Fatalf("foreign topic: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := b.Publish(gone, numbered(0)); !errors.Is(err, context.Canceled) {
		t.Fatalf("cancelled: %v", err)
	}
}

func TestPeersComeAndGo(t *testing.T) {
	n := New(Options{Manual: true})
	a := join(t, n)
	if s := a.Status(); s.State != port.NetworkOffline || s.Kind != "memory" || len(s.ListenAddresses) != 1 {
		t.Fatalf("alone: %+v", s)
	}
	b := join(t, n)
	n.Drain(0)
	b.SetOnline(false)
	publishFails(t, a)
	b.SetOnline(true)
	if err := n.Partition(a, b); err == nil {
		t.Fatal("a wrapper is not a node")
	}
	if err := n.Partition(a.Node, b.Node); err != nil {
		t.Fatal(err)
	}
	if err := n.Heal(a.Node, b.Node); err != nil {
		t.Fatal(err)
	}
	if err := a.Disconnect("node-2"); err != nil {
		t.Fatal(err)
	}
	publishFails(t, a)
	if err := a.Connect(b.address()); err != nil {
		t.Fatal(err)
	}
	if s := a.Status(); s.State != port.NetworkOnline || len(s.Peers) != 1 || s.Peers[0].PeerID != "node-2" {
		t.Fatalf("joined again: %+v", s)
	}
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	if s := b.Status(); s.State != port.NetworkStopped {
		t.Fatalf("stopped: %+v", s)
	}
	n.Drain(0)
	var states []string
	for _, c := range a.changes {
		states = append(states, fmt.Sprint(c.State, " ", c.Peer, " ", c.Connected))
	}
	up, down := "online node-2 true", "offline node-2 false"
	if want := []string{up, down, up, down, up, down, up, down}; !slices.Equal(states, want) {
		t.Fatalf("changes of a: %q", states)
	}
}

func publishFails(t *testing.T, from *inbox) {
	t.Helper()
	if _, err := from.Publish(context.Background(), numbered(0)); !errors.Is(err, port.ErrNoPeers) {
		t.Fatalf("published to nobody: %v", err)
	}
}

func TestOfflineNodeMissesWhatWasUnderWay(t *testing.T) {
	n := New(Options{Manual: true})
	a, b, c := join(t, n), join(t, n), join(t, n)
	publish(t, a, numbered(1))
	b.SetOnline(false)
	publish(t, a, numbered(2))
	b.SetOnline(true)
	publish(t, a, numbered(3))
	n.Drain(0)
	if got := b.numbers(); !slices.Equal(got, []uint32{3}) {
		t.Fatalf("b received %v", got)
	}
	if got := c.numbers(); !slices.Equal(got, []uint32{1, 2, 3}) {
		t.Fatalf("c received %v", got)
	}
}

func TestRestart(t *testing.T) {
	n := New(Options{})
	a, b := join(t, n), join(t, n)
	if err := b.Start(context.Background(), b.hooks()); err == nil {
		t.Fatal("started twice")
	}
	for i := range 3 {
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
		publishFails(t, a)
		if err := b.Start(context.Background(), b.hooks()); err != nil {
			t.Fatal(err)
		}
		publish(t, a, numbered(i))
		b.until(t, "an envelope after the restart", func() bool { return len(b.received) == i+1 })
	}
}

func TestTapAndInject(t *testing.T) {
	n := New(Options{Loss: 1, Manual: true})
	a, b := join(t, n), join(t, n)
	var watched []uint32
	cancel := n.Tap(func(e port.Envelope) { watched = append(watched, binary.BigEndian.Uint32(e.Payload)) })
	publish(t, a, numbered(1))
	n.Inject(numbered(2))
	cancel()
	publish(t, a, numbered(3))
	n.Drain(0)
	if !slices.Equal(watched, []uint32{1}) {
		t.Fatalf("watched %v", watched)
	}
	for _, to := range []*inbox{a, b} {
		if got := to.numbers(); !slices.Equal(got, []uint32{2}) {
			t.Fatalf("received %v", got)
		}
	}
	stray := numbered(4)
	stray.PubsubTopic = "/waku/2/rs/1/1"
	n.Inject(stray)
	n.Drain(0)
	if len(a.numbers()) != 1 {
		t.Fatal("an envelope of another pubsub topic came through")
	}
}

func TestPanickingHook(t *testing.T) {
	for _, manual := range []bool{false, true} {
		n := New(Options{Manual: manual})
		a, b := join(t, n), n.Join().(*Node)
		box := &inbox{Node: b, arrived: make(chan struct{}, 64)}
		hooks := box.hooks()
		hooks.Received = func(port.Envelope) { panic("a defect") }
		b.Subscribe(topic)
		if err := b.Start(context.Background(), hooks); err != nil {
			t.Fatal(err)
		}
		publish(t, a, numbered(1))
		publish(t, a, numbered(2))
		n.Drain(0)
		box.until(t, "two reports", func() bool { return len(box.panics) == 2 })
		if err := b.Stop(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestStopWhileDelivering(t *testing.T) {
	for range 50 {
		n := New(Options{Seed: 7, Duplicate: 0.3, MaxDelay: time.Millisecond})
		a, b := join(t, n), n.Join().(*Node)
		var mu sync.Mutex
		stopped := false
		b.Subscribe(topic)
		b.Start(context.Background(), port.TransportHooks{Received: func(port.Envelope) {
			mu.Lock()
			defer mu.Unlock()
			if stopped {
				t.Error("delivered after Stop returned")
			}
		}})
		var publishers sync.WaitGroup
		for range 4 {
			publishers.Go(func() {
				for i := range 100 {
					a.Publish(context.Background(), numbered(i))
				}
			})
		}
		b.Stop()
		mu.Lock()
		stopped = true
		mu.Unlock()
		publishers.Wait()
	}
}

func TestConcurrentUse(t *testing.T) {
	n := New(Options{Seed: 3, Loss: 0.1})
	a, b := join(t, n), join(t, n)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 50 {
				switch worker % 4 {
				case 0:
					a.Publish(context.Background(), numbered(i))
				case 1:
					b.SetOnline(i%2 == 0)
					b.Status()
				case 2:
					c := n.Join()
					c.Start(context.Background(), port.TransportHooks{})
					c.Stop()
				default:
					a.Subscribe(fmt.Sprint(i))
					n.Inject(numbered(i))
				}
			}
		})
	}
	all.Wait()
}

func TestAddresses(t *testing.T) {
	n := New(Options{})
	a := join(t, n)
	b := join(t, n)
	if err := a.Connect(b.Status().ListenAddresses[0]); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "/memory/", "/memory/0", "/memory/x", "/ip4/127.0.0.1/tcp/1", "/memory/2/p2p/node-3"} {
		if err := a.Connect(bad); port.CodeOf(err) != port.CodeBadAddress {
			t.Errorf("Connect(%q): %v", bad, err)
		}
	}
	for _, bad := range []string{"", "node-0", "node-9", "node-1", "16Uiu2"} {
		if err := a.Disconnect(bad); port.CodeOf(err) != port.CodeNotFound {
			t.Errorf("Disconnect(%q): %v", bad, err)
		}
	}
}

func TestShared(t *testing.T) {
	first, err := Shared("test", Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Shared("test", Options{Seed: 1, MaxMessageSize: defaultMaxMessageSize}); err != nil || again != first {
		t.Fatalf("another network, or %v", err)
	}
	if other, err := Shared("test 2", Options{Seed: 2}); err != nil || other == first {
		t.Fatalf("the same network, or %v", err)
	}
	for field, o := range map[string]Options{
		"network":                  {Seed: 2},
		"network.loss":             {Seed: 1, Loss: 1.5},
		"network.duplicate":        {Seed: 1, Duplicate: -1},
		"network.max_delay_ms":     {Seed: 1, MaxDelay: -1},
		"network.max_message_size": {Seed: 1, MaxMessageSize: -1},
	} {
		_, err := Shared("test", o)
		var typed *port.Error
		if !errors.As(err, &typed) || typed.Code != port.CodeBadConfig || typed.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func BenchmarkPublishAndDeliver(b *testing.B) {
	n := New(Options{Manual: true})
	a := join(b, n)
	c := n.Join()
	c.Subscribe(topic)
	c.Start(context.Background(), port.TransportHooks{Received: func(port.Envelope) {}})
	defer c.Stop()
	e := numbered(1)
	e.Payload = make([]byte, 1024)
	for b.Loop() {
		publish(b, a, e)
		n.Drain(0)
	}
}
