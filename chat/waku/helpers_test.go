package waku

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/internal/freeport"
)

const topic = "/waku/1/0x12345678/rfc26"

// patience bounds waits for things that will happen; it is no measurement.
const patience = 40 * time.Second

// station is a node with a key and what its hooks were called with.
type station struct {
	*Node
	key key.Private

	mu       sync.Mutex
	received []port.Envelope
	changes  []port.NetworkChange
	missed   []time.Time
	panics   []string
	logged   []string
	woken    chan struct{}
	receive  func(port.Envelope) // instead of noting it, when set
	memory   port.PeerMemory     // where found peers are kept, when set
}

func newKey(t testing.TB) key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// prepare makes a station on loopback that is not started.
func prepare(t testing.TB, c Config) *station {
	t.Helper()
	if c.Listen == nil { // an empty list listens on nothing
		c.Listen = []string{"/ip4/127.0.0.1/tcp/0"}
	}
	n, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	s := &station{Node: n, key: newKey(t), woken: make(chan struct{}, 1)}
	if err := s.Subscribe(topic); err != nil {
		t.Fatal(err)
	}
	return s
}

func start(t testing.TB, c Config) *station {
	t.Helper()
	s := prepare(t, c)
	s.start(t)
	return s
}

func (s *station) start(t testing.TB) {
	t.Helper()
	if err := s.Start(context.Background(), s.hooks()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.stop(t) })
}

func (s *station) stop(t testing.TB) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func (s *station) note(f func()) {
	s.mu.Lock()
	f()
	s.mu.Unlock()
	signal(s.woken)
}

// allChanges and allReceived are what has come so far.
func (s *station) allChanges() []port.NetworkChange {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.changes)
}

func (s *station) allReceived() []port.Envelope {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

func (s *station) hooks() port.TransportHooks {
	return port.TransportHooks{
		NodeKey: s.key,
		Received: func(e port.Envelope) {
			if s.receive != nil {
				s.receive(e)
				return
			}
			s.note(func() { s.received = append(s.received, e) })
		},
		Changed: func(c port.NetworkChange) { s.note(func() { s.changes = append(s.changes, c) }) },
		Missed:  func(since time.Time) { s.note(func() { s.missed = append(s.missed, since) }) },
		Panicked: func(where string, value any, _ []byte) {
			s.note(func() { s.panics = append(s.panics, fmt.Sprint(where, ": ", value)) })
		},
		Log: s, Peers: s.memory,
	}
}

func (s *station) Log(level, message string, fields ...any) {
	s.note(func() { s.logged = append(s.logged, fmt.Sprint(level, " ", message, " ", fields)) })
}

// until waits for condition, called under s.mu, looking after each hook call and now
// and then.
func (s *station) until(t testing.TB, what string, condition func() bool) {
	t.Helper()
	giveUp := time.After(patience)
	now := time.NewTicker(20 * time.Millisecond)
	defer now.Stop()
	for {
		s.mu.Lock()
		ok := condition()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-s.woken:
		case <-now.C:
		case <-giveUp:
			s.mu.Lock()
			defer s.mu.Unlock()
			t.Fatalf("waited in vain for %s; changes %+v, log %q, panics %q", what, s.changes, s.logged, s.panics)
		}
	}
}

func (s *station) untilOnline(t testing.TB) {
	t.Helper()
	s.until(t, "being online", func() bool { return s.Status().State == port.NetworkOnline })
}

func (s *station) untilReceived(t testing.TB, payload []byte) port.Envelope {
	t.Helper()
	var found port.Envelope
	s.until(t, "an envelope", func() bool {
		for _, e := range s.received {
			if bytes.Equal(e.Payload, payload) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

// address is the node's first listen address, with /p2p/.
func (s *station) address(t testing.TB) string {
	t.Helper()
	listed := s.Status().ListenAddresses
	if len(listed) == 0 {
		t.Fatal("no listen address")
	}
	return listed[0]
}

// port is its address without /p2p/, to start another node there.
func (s *station) port(t testing.TB) string {
	t.Helper()
	port, _, _ := strings.Cut(s.address(t), "/p2p/")
	return port
}

func envelope(payload []byte) port.Envelope {
	return port.Envelope{ContentTopic: topic, Payload: payload, Version: 1, Timestamp: time.Now().UnixNano()}
}

func (s *station) publish(t testing.TB, e port.Envelope) port.Evidence {
	t.Helper()
	evidence, err := s.Publish(context.Background(), e)
	if err != nil {
		t.Fatal(err)
	}
	return evidence
}

// free is a loopback address nobody listens on.
func free(t testing.TB) string {
	t.Helper()
	number, err := freeport.Take()
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", number)
}

// TestMain lets this binary be the child process of the tests that need one.
func TestMain(m *testing.M) {
	if job := os.Getenv(childJob); job != "" {
		os.Exit(child(job))
	}
	os.Exit(m.Run())
}
