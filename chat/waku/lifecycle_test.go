package waku

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

func mustListen(t testing.TB, address string) []ma.Multiaddr {
	t.Helper()
	parsed, err := ma.NewMultiaddr(address)
	if err != nil {
		t.Fatal(err)
	}
	return []ma.Multiaddr{parsed}
}

func wantError(t *testing.T, err error, code port.Code, field string) {
	t.Helper()
	var typed *port.Error
	if !errors.As(err, &typed) || typed.Code != code || typed.Field != field {
		t.Errorf("%v, want %s about %s", err, code, field)
	}
}

func TestPortInUse(t *testing.T) {
	a := start(t, Config{})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, number, _ := net.SplitHostPort(listener.Addr().String())
	for what, listen := range map[string][]string{
		"another node":       {a.port(t)},
		"another program":    {"/ip4/127.0.0.1/tcp/" + number},
		"one of two is free": {"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/" + number},
	} {
		b := prepare(t, Config{Listen: listen})
		err := b.Start(context.Background(), b.hooks())
		t.Log(what, err)
		wantError(t, err, port.CodePortInUse, "network.listen")
		b.stop(t) // fine, though it never ran
		if b.Status().State != port.NetworkStopped {
			t.Errorf("%s: %s", what, b.Status().State)
		}
	}
	// Once the port is free the same node starts.
	b := prepare(t, Config{Listen: []string{"/ip4/127.0.0.1/tcp/" + number}})
	wantError(t, b.Start(context.Background(), b.hooks()), port.CodePortInUse, "network.listen")
	listener.Close()
	b.start(t)
}

func TestAddressOfAnotherMachine(t *testing.T) {
	s := prepare(t, Config{Listen: []string{"/ip4/192.0.2.1/tcp/0"}})
	wantError(t, s.Start(context.Background(), s.hooks()), port.CodeBadConfig, "network.listen")
}

func TestSeveralListenAddresses(t *testing.T) {
	s := start(t, Config{Listen: []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/tcp/0"}})
	if listed := s.Status().ListenAddresses; len(listed) != 2 {
		t.Fatalf("%q", listed)
	}
	for _, address := range s.Status().ListenAddresses {
		o := start(t, Config{Peers: []string{address}})
		o.untilOnline(t)
	}
}

func TestStartErrors(t *testing.T) {
	s := prepare(t, Config{})
	if err := s.Start(context.Background(), port.TransportHooks{}); port.CodeOf(err) != port.CodeInternal {
		t.Errorf("without a key: %v", err)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Start(gone, s.hooks()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	s.start(t)
	if err := s.Start(context.Background(), s.hooks()); port.CodeOf(err) != port.CodeInternal {
		t.Errorf("twice: %v", err)
	}
	if s.PubsubTopic() != "/waku/2/rs/16/32" || s.Status().Kind != "waku" {
		t.Errorf("%+v", s.Status())
	}
}

func TestPeerID(t *testing.T) {
	s := start(t, Config{})
	id, err := PeerID(s.key)
	if err != nil || id != s.Status().PeerID || !strings.HasSuffix(s.address(t), "/p2p/"+id) {
		t.Fatalf("%s, %v, %+v", id, err, s.Status())
	}
	if _, err := PeerID(key.Private{}); err == nil {
		t.Fatal("an id of no key")
	}
}

func TestUnreachablePeersAndOneself(t *testing.T) {
	s := prepare(t, Config{Listen: []string{free(t)}})
	id, err := PeerID(s.key)
	if err != nil {
		t.Fatal(err)
	}
	other, err := PeerID(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	// 192.0.2.0/24 is TEST-NET-1 (RFC 5737): nobody answers, or the kernel refuses.
	for _, address := range []string{s.settings.listen[0].String() + "/p2p/" + id, "/ip4/192.0.2.1/tcp/9/p2p/" + other} {
		if err := s.Connect(address); err != nil {
			t.Fatal(err)
		}
	}
	s.start(t)
	if state := s.Status(); state.State != port.NetworkOffline || len(state.Peers) != 2 || state.Peers[1].Connected {
		t.Fatalf("%+v", state)
	}
}

func TestWrongPeerIDIsReported(t *testing.T) {
	a := start(t, Config{})
	id, err := PeerID(newKey(t))
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, Config{Peers: []string{a.port(t) + "/p2p/" + id}})
	s.until(t, "the report", func() bool { return len(s.changes) > 0 })
	if c := s.allChanges()[0]; c.Peer != id || !strings.Contains(c.Error, "peer id mismatch") {
		t.Fatalf("%+v", c)
	}
}

// Strangers that connect and say nothing sensible must not use up the room of those
// who come from the same address.
func TestJunkConnections(t *testing.T) {
	a := start(t, Config{})
	parts := strings.Split(a.port(t), "/")
	for range 12 {
		c, err := net.Dial("tcp", net.JoinHostPort(parts[2], parts[4]))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(c, "GET / HTTP/1.1\r\n\r\n")
		c.Close()
	}
	b := start(t, Config{Peers: []string{a.address(t)}})
	b.untilOnline(t)
}

func TestStopIsCleanAndRepeatable(t *testing.T) {
	a, b := prepare(t, Config{}), prepare(t, Config{})
	round := func() {
		a.start(t)
		if err := b.Connect(a.address(t)); err != nil {
			t.Fatal(err)
		}
		b.start(t)
		b.untilOnline(t)
		b.publish(t, envelope([]byte(time.Now().String())))
		if err := b.Disconnect(a.Status().PeerID); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*station{a, b, a, b} {
			s.stop(t)
		}
	}
	round() // what go-waku and libp2p start once for all
	before := settle(0)
	for range 5 {
		round()
	}
	if after := settle(before); after > before {
		pprof.Lookup("goroutine").WriteTo(os.Stderr, 1)
		t.Fatalf("%d goroutines before, %d after five rounds", before, after)
	}
}

// settle waits until there are at most want goroutines, or their number stays the
// same.
func settle(want int) int {
	last, same := runtime.NumGoroutine(), 0
	for same < 20 && (want == 0 || last > want) {
		time.Sleep(50 * time.Millisecond)
		if now := runtime.NumGoroutine(); now == last {
			same++
		} else {
			last, same = now, 0
		}
	}
	return last
}

func TestFailedStartsLeaveNothing(t *testing.T) {
	a := start(t, Config{})
	b := prepare(t, Config{Listen: []string{a.port(t)}})
	fail := func() {
		if err := b.Start(context.Background(), b.hooks()); err == nil {
			t.Fatal("started on a port in use")
		}
	}
	fail()
	before := settle(0)
	for range 5 {
		fail()
	}
	if after := settle(before); after > before {
		t.Fatalf("%d goroutines before, %d after", before, after)
	}
}

func TestStopUnderTraffic(t *testing.T) {
	a, b := pair(t, Config{})
	ctx, cancel := context.WithCancel(context.Background())
	var publishers sync.WaitGroup
	for worker := range 4 {
		from := []*station{a, b}[worker%2]
		publishers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				_, err := from.Publish(ctx, envelope(fmt.Appendf(nil, "%d %d", worker, i)))
				if err != nil && !errors.Is(err, port.ErrNoPeers) && !errors.Is(err, context.Canceled) && port.CodeOf(err) != port.CodeNetworkDown {
					t.Error(err)
				}
				from.Status()
			}
		})
	}
	b.until(t, "traffic", func() bool { return len(b.received) > 20 })
	var stops sync.WaitGroup
	for range 2 {
		stops.Go(func() { b.stop(t) })
	}
	stops.Wait()
	count := len(b.allReceived())
	a.until(t, "being offline", func() bool { return a.Status().State == port.NetworkOffline })
	cancel()
	publishers.Wait()
	if len(b.allReceived()) != count {
		t.Fatal("received after Stop")
	}
}
