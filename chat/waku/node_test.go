package waku

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// pair is two stations that are online; the second dials the first.
// pair is two nodes, of which b keeps the connection to a. The first may stop and start again at
// its place.
func pair(t *testing.T, c Config) (a, b *station) {
	t.Helper()
	listens := c
	listens.Listen = []string{free(t)}
	a = start(t, listens)
	c.Peers = append(c.Peers, a.address(t))
	b = start(t, c)
	a.untilOnline(t)
	b.untilOnline(t)
	return a, b
}

func TestTwoNodesExchange(t *testing.T) {
	a, b := pair(t, Config{})
	for i, direction := range [][2]*station{{a, b}, {b, a}} {
		from, to := direction[0], direction[1]
		payload := make([]byte, 3000)
		rand.Read(payload)
		sent := port.Envelope{ContentTopic: topic, Payload: payload, Version: uint32(i), Timestamp: time.Now().UnixNano(), Ephemeral: i == 1}
		hash := messageHash(from.PubsubTopic(), wakuMessage(sent))
		if evidence := from.publish(t, sent); evidence != (port.Evidence{Kind: "relay", Peers: 1, Hash: hash}) {
			t.Fatalf("evidence %+v", evidence)
		}
		got := to.untilReceived(t, payload)
		if got.ContentTopic != topic || got.PubsubTopic != "/waku/2/rs/16/32" || got.Version != sent.Version ||
			got.Timestamp != sent.Timestamp || got.Ephemeral != sent.Ephemeral {
			t.Fatalf("sent %+v, got %+v", sent, got)
		}
	}
	// Each has seen the other's envelope, so its own would be here too by now.
	for _, s := range []*station{a, b} {
		if len(s.allReceived()) != 1 || s.Stats() != (Stats{Received: 1}) {
			t.Fatalf("received %d, %+v: own publishes were delivered", len(s.allReceived()), s.Stats())
		}
	}
}

func TestWireFormat(t *testing.T) {
	raw, err := proto.Marshal(wakuMessage(port.Envelope{ContentTopic: "t", Payload: []byte{1}}))
	if err != nil {
		t.Fatal(err)
	}
	// payload, content topic, version 0, timestamp 0, meta empty, ephemeral false: all there.
	want := []byte{0x0a, 1, 1, 0x12, 1, 't', 0x18, 0, 0x50, 0, 0x5a, 0, 0xf8, 1, 0}
	if !bytes.Equal(raw, want) {
		t.Fatalf("% x", raw)
	}
}

func TestStartOrder(t *testing.T) {
	t.Parallel()
	address := free(t)
	late := prepare(t, Config{Listen: []string{address}})
	id, err := PeerID(late.key)
	if err != nil {
		t.Fatal(err)
	}
	early := start(t, Config{Peers: []string{address + "/p2p/" + id}})
	early.until(t, "the first failure", func() bool { return len(early.changes) == 1 })
	if c := early.allChanges()[0]; c.Peer != id || c.Connected || c.State != port.NetworkOffline || !strings.Contains(c.Error, "refused") {
		t.Fatalf("%+v", c)
	}
	late.start(t)
	early.untilOnline(t)
	late.untilOnline(t)
	early.publish(t, envelope([]byte("hello")))
	late.untilReceived(t, []byte("hello"))
	for _, c := range early.allChanges()[1:] {
		if c.Error != "" {
			t.Fatalf("a second failure was reported: %+v", c)
		}
	}
}

func TestReconnectsAfterRestart(t *testing.T) {
	a, b := pair(t, Config{})
	id := a.Status().PeerID
	again := mustListen(t, a.port(t))
	for round := range 2 {
		a.stop(t)
		a.Node.settings.listen = again
		b.until(t, "being offline", func() bool { return b.Status().State == port.NetworkOffline })
		if _, err := b.Publish(context.Background(), envelope([]byte("lost"))); !errors.Is(err, port.ErrNoPeers) {
			t.Fatalf("published to nobody: %v", err)
		}
		a.start(t)
		if a.Status().PeerID != id {
			t.Fatal("another peer id for the same key")
		}
		b.untilOnline(t)
		a.untilOnline(t)
		payload := fmt.Appendf(nil, "round %d", round)
		b.publish(t, envelope(payload))
		a.untilReceived(t, payload)
	}
	var seen []string
	for _, c := range b.allChanges() {
		seen = append(seen, fmt.Sprint(c.State, " ", c.Connected))
	}
	if !slices.Contains(seen, "online false") || !slices.Contains(seen, "offline false") {
		t.Fatalf("changes %q", seen)
	}
}

func TestSubscriptionsFilter(t *testing.T) {
	a, b := pair(t, Config{})
	other := envelope([]byte("other"))
	other.ContentTopic = "/waku/1/0x00000000/rfc26"
	a.publish(t, other)
	a.publish(t, envelope([]byte("wanted")))
	b.untilReceived(t, []byte("wanted"))

	if err := b.Subscribe(other.ContentTopic, topic); err != nil {
		t.Fatal(err)
	}
	if err := b.Unsubscribe(topic, "unknown"); err != nil {
		t.Fatal(err)
	}
	a.publish(t, envelope([]byte("unwanted")))
	other.Timestamp++
	a.publish(t, other)
	b.untilReceived(t, []byte("other"))
	for _, e := range b.allReceived() {
		if string(e.Payload) == "unwanted" {
			t.Fatal("received after Unsubscribe")
		}
	}
	if len(b.allReceived()) != 2 {
		t.Fatalf("received %d", len(b.allReceived()))
	}
}

func TestPublishErrors(t *testing.T) {
	ctx := context.Background()
	s := prepare(t, Config{})
	check := func(what string, e port.Envelope, ok func(error) bool) {
		t.Helper()
		if _, err := s.Publish(ctx, e); !ok(err) {
			t.Errorf("%s: %v", what, err)
		}
	}
	is := func(want error) func(error) bool { return func(err error) bool { return errors.Is(err, want) } }
	code := func(want port.Code) func(error) bool { return func(err error) bool { return port.CodeOf(err) == want } }
	check("not started", envelope([]byte{1}), is(port.ErrNoPeers))
	s.start(t)
	check("no peers", envelope([]byte{1}), is(port.ErrNoPeers))
	check("too large", envelope(make([]byte, DefaultMaxMessageSize)), is(port.ErrTooLarge))
	check("empty payload", envelope(nil), code(port.CodeBadParams))
	foreign := envelope([]byte{1})
	foreign.PubsubTopic = "/waku/2/rs/16/64"
	check("foreign topic", foreign, code(port.CodeBadParams))
	nowhere := envelope([]byte{1})
	nowhere.ContentTopic = ""
	check("no content topic", nowhere, code(port.CodeBadParams))
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Publish(gone, envelope([]byte{1})); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestLargestMessage(t *testing.T) {
	a, b := pair(t, Config{})
	e := envelope(nil)
	fixed := proto.Size(wakuMessage(envelope(make([]byte, 140_000)))) - 140_000
	for _, over := range []int{0, 1} {
		e.Payload = make([]byte, DefaultMaxMessageSize-fixed+over)
		rand.Read(e.Payload)
		_, err := a.Publish(context.Background(), e)
		if over == 0 {
			if err != nil {
				t.Fatal(err)
			}
			b.untilReceived(t, e.Payload)
		} else if !errors.Is(err, port.ErrTooLarge) {
			t.Fatalf("one byte too many: %v", err)
		}
	}
	if room := DefaultMaxMessageSize - fixed - a.MaxPayload(); room < 0 || room > 256 {
		t.Fatalf("MaxPayload leaves %d bytes", room)
	}
	e.Payload = make([]byte, a.MaxPayload())
	a.publish(t, e)
	b.untilReceived(t, e.Payload)
}

func TestOneMebibyteNetwork(t *testing.T) {
	a, b := pair(t, Config{MaxMessageSize: 1 << 20})
	payload := make([]byte, a.MaxPayload())
	rand.Read(payload)
	a.publish(t, envelope(payload))
	b.untilReceived(t, payload)
}

func TestRelaysThroughTheMiddle(t *testing.T) {
	b := start(t, Config{})
	a := start(t, Config{Peers: []string{b.address(t)}})
	c := start(t, Config{Peers: []string{b.address(t)}})
	if err := b.Unsubscribe(topic); err != nil { // it relays what it does not want
		t.Fatal(err)
	}
	a.untilOnline(t)
	c.untilOnline(t)
	// Flood publishing is for own messages; others' go to the mesh, which gossipsub
	// builds at its next heartbeat.
	b.until(t, "a mesh with both ends", func() bool {
		return len(b.running.Load().mode.(*relayMode).relay.PubSub().MeshPeers(b.PubsubTopic())) == 2
	})
	a.publish(t, envelope([]byte("through")))
	c.untilReceived(t, []byte("through"))
	if len(a.Status().Peers) != 1 || len(b.allReceived()) != 0 {
		t.Fatalf("a has %d peers, b received %d", len(a.Status().Peers), len(b.allReceived()))
	}
}

func TestAnotherClusterIsNotOnline(t *testing.T) {
	for what, c := range map[string]Config{"cluster": {Cluster: 99}, "shard": {Shards: []uint16{64}}} {
		foreign := start(t, c)
		s := start(t, Config{Peers: []string{foreign.address(t)}})
		s.until(t, "the refusal ("+what+")", func() bool {
			return slices.ContainsFunc(s.changes, func(c port.NetworkChange) bool { return c.Error == errNotOurShard.Error() }) ||
				(what == "shard" && slices.ContainsFunc(s.changes, func(c port.NetworkChange) bool { return c.Connected }))
		})
		if state := s.Status().State; state != port.NetworkOffline {
			t.Errorf("%s: %s", what, state)
		}
		if _, err := s.Publish(context.Background(), envelope([]byte{1})); !errors.Is(err, port.ErrNoPeers) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMinPeers(t *testing.T) {
	a := start(t, Config{MinPeers: 2})
	b := start(t, Config{Peers: []string{a.address(t)}})
	b.untilOnline(t)
	a.until(t, "one peer", func() bool { return len(a.running.Load().mode.peersOn(a.PubsubTopic())) == 1 })
	if _, err := a.Publish(context.Background(), envelope([]byte{1})); !errors.Is(err, port.ErrNoPeers) || a.Status().State != port.NetworkOffline {
		t.Fatalf("one peer of two: %v, %s", err, a.Status().State)
	}
	c := start(t, Config{Peers: []string{a.address(t)}})
	a.untilOnline(t)
	if evidence := a.publish(t, envelope([]byte("two"))); evidence.Peers != 2 {
		t.Fatalf("%+v", evidence)
	}
	c.untilReceived(t, []byte("two"))
}

func TestConnectAndDisconnect(t *testing.T) {
	t.Parallel()
	a, b := start(t, Config{}), start(t, Config{})
	id := a.Status().PeerID
	if err := b.Connect(a.address(t)); err != nil {
		t.Fatal(err)
	}
	b.untilOnline(t)
	if p := b.Status().Peers; len(p) != 1 || p[0] != (port.NetworkPeer{PeerID: id, Address: a.port(t), Connected: true, Static: true, OnShard: true}) {
		t.Fatalf("peers %+v", p)
	}
	a.untilOnline(t)
	if p := a.Status().Peers; len(p) != 1 || p[0].Static || !p[0].Connected || p[0].PeerID != b.Status().PeerID || p[0].Address == "" {
		t.Fatalf("peers of the other side %+v", p)
	}
	if err := b.Disconnect(id); err != nil {
		t.Fatal(err)
	}
	b.until(t, "being offline", func() bool { return b.Status().State == port.NetworkOffline })
	if p := b.Status().Peers; len(p) != 0 {
		t.Fatalf("peers %+v", p)
	}
	for _, unknown := range []string{id, "", "not an id"} {
		if err := b.Disconnect(unknown); port.CodeOf(err) != port.CodeNotFound {
			t.Errorf("Disconnect(%q): %v", unknown, err)
		}
	}
	for _, bad := range []string{"", "/ip4/127.0.0.1/tcp/1", b.address(t)} {
		if err := b.Connect(bad); port.CodeOf(err) != port.CodeBadAddress {
			t.Errorf("Connect(%q): %v", bad, err)
		}
	}
	// A peer that dialled us can be thrown out too; it comes back by itself.
	if err := a.Connect(b.address(t)); err != nil {
		t.Fatal(err)
	}
	b.untilOnline(t)
	if err := b.Disconnect(id); err != nil {
		t.Fatal(err)
	}
	b.until(t, "being offline", func() bool { return b.Status().State == port.NetworkOffline })
	b.untilOnline(t)
}

func TestSlowReceiverLosesOnlyItsOwn(t *testing.T) {
	a, b := prepare(t, Config{}), start(t, Config{})
	release := make(chan struct{})
	a.receive = func(e port.Envelope) { <-release; a.note(func() { a.received = append(a.received, e) }) }
	if err := a.Connect(b.address(t)); err != nil {
		t.Fatal(err)
	}
	a.start(t)
	a.untilOnline(t)
	b.untilOnline(t)
	r := a.running.Load()
	r.inbox.maxItems = 3
	for i := range 20 {
		b.publish(t, envelope(fmt.Appendf(nil, "%d", i)))
	}
	lines := func() (n int) {
		for _, line := range a.logged {
			if strings.Contains(line, "faster than they are taken") {
				n++
			}
		}
		return n
	}
	a.until(t, "the log line", func() bool { return lines() > 0 })
	for a.Stats().Received < 20 {
		time.Sleep(time.Millisecond)
	}
	stats := a.Stats()
	close(release)
	a.until(t, "what was kept", func() bool { return len(a.received) == 20-int(stats.Dropped) })
	if stats.Dropped < 15 || stats.Dropped > 17 {
		t.Fatalf("%+v", stats)
	}
	// It still takes part.
	b.publish(t, envelope([]byte("after")))
	a.untilReceived(t, []byte("after"))
	// One line a row of drops, and the receiver takes one envelope at some time.
	a.mu.Lock()
	defer a.mu.Unlock()
	if lines() > 2 {
		t.Fatalf("log %q", a.logged)
	}
}

func TestPanickingHooksAreReported(t *testing.T) {
	a, b := prepare(t, Config{}), start(t, Config{})
	a.receive = func(port.Envelope) { panic("a defect") }
	if err := a.Connect(b.address(t)); err != nil {
		t.Fatal(err)
	}
	a.start(t)
	b.untilOnline(t)
	b.publish(t, envelope([]byte("1")))
	b.publish(t, envelope([]byte("2")))
	a.until(t, "two reports", func() bool { return len(a.panics) == 2 })
	if a.panics[0] != "waku deliver: a defect" {
		t.Fatalf("%q", a.panics)
	}
}
