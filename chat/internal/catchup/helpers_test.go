package catchup

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

// host stands for the engine around the part.
type host struct {
	t      *testing.T
	net    *memnet.Network
	node   *memnet.Node
	store  *countingStore
	ledger *ledger.Ledger
	lock   ledger.Lock
	part   *CatchUp

	mu        sync.Mutex
	now       time.Time
	topics    []Topic
	delivered []port.Envelope
	refuse    func() error // of Deliver, if it is set
	events    []event.Event
}

// countingStore counts its write transactions.
type countingStore struct {
	port.Store
	updates atomic.Int64
}

func (s *countingStore) Update(fn func(port.Tx) error) error {
	s.updates.Add(1)
	return s.Store.Update(fn)
}

func (h *host) Now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

type noLog struct{}

func (noLog) Log(string, string, ...any) {}

// newHost makes an engine in a network with store nodes; stepped decides whether the part
// has goroutines.
func newHost(t *testing.T, stepped bool, stores ...memnet.StoreOptions) (*host, []*memnet.Store) {
	t.Helper()
	h := &host{t: t, net: memnet.New(memnet.Options{Seed: 1, Manual: true}), now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	var nodes []*memnet.Store
	for _, o := range stores {
		o.Now = h.Now
		nodes = append(nodes, h.net.AddStore(o))
	}
	h.node = h.net.Join().(*memnet.Node)
	if err := h.node.Start(context.Background(), port.TransportHooks{}); err != nil {
		t.Fatal(err)
	}
	h.store = &countingStore{Store: store.Memory()}
	h.ledger = ledger.New(ledger.Options{
		Store: h.store, Now: h.Now, MaxEvents: 100, MaxEventBytes: 1 << 20,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(v any, _ []byte) string { panic(v) },
	})
	h.open(stepped)
	t.Cleanup(func() {
		h.part.Close()
		_ = h.node.Stop()
	})
	return h, nodes
}

// open makes the part anew, as at a start.
func (h *host) open(stepped bool) {
	h.t.Helper()
	h.part = New(Options{
		Ledger: h.ledger, Archive: h.node, Now: h.Now, Log: noLog{}, Wake: func() {}, Stepped: stepped,
		Topics: func() ([]Topic, error) {
			h.mu.Lock()
			defer h.mu.Unlock()
			return slices.Clone(h.topics), nil
		},
		Deliver: h.deliver,
		Emit: func(_ string, e event.Event) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.events = append(h.events, e)
		},
		Panicked: func(v any, stack []byte) { h.t.Errorf("panic: %v\n%s", v, stack) },
	})
	if err := h.ledger.View(h.part.Load); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) deliver(all []port.Envelope) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(all) > deliverAtOnce {
		h.t.Errorf("%d envelopes at once", len(all))
	}
	if h.refuse != nil {
		if err := h.refuse(); err != nil {
			return err
		}
	}
	h.delivered = append(h.delivered, all...)
	return nil
}

func (h *host) advance(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *host) turn(f func(*ledger.Turn)) {
	turn := h.lock.Begin(func() (time.Time, bool) { return h.Now(), true })
	defer turn.End()
	f(turn)
}

// round does what is due now; it reports whether that was anything.
func (h *host) round() bool {
	h.t.Helper()
	began := false
	h.turn(func(turn *ledger.Turn) {
		due := h.part.Due(turn)
		began = !due.IsZero() && !due.After(turn.Now)
		if err := h.part.Work(turn); err != nil {
			h.t.Fatal(err)
		}
	})
	h.part.RunPending()
	h.part.runs.Wait()
	return began
}

// pass lets time pass and does all that becomes due.
func (h *host) pass(d time.Duration) {
	h.t.Helper()
	end := h.Now().Add(d)
	for n := 0; ; n++ {
		if n > 10000 {
			h.t.Fatal("something is due without end")
		}
		if h.round() {
			continue
		}
		due := time.Time{}
		h.turn(func(turn *ledger.Turn) { due = h.part.Due(turn) })
		if due.IsZero() || due.After(end) {
			h.advance(end.Sub(h.Now()))
			return
		}
		h.advance(due.Sub(h.Now()))
	}
}

// publish puts numbered envelopes on a topic into the stores, one each second from a time.
func publish(to []*memnet.Store, topic string, from time.Time, n, size int) (all []port.Envelope) {
	for i := range n {
		payload := binary.BigEndian.AppendUint64(make([]byte, 0, size+8), uint64(i))
		all = append(all, port.Envelope{
			PubsubTopic: memnet.PubsubTopic, ContentTopic: topic, Payload: append(payload, make([]byte, size)...),
			Timestamp: from.Add(time.Duration(i) * time.Second).UnixNano(),
		})
	}
	for _, s := range to {
		s.Add(all...)
	}
	return all
}

// has checks that envelopes were delivered once each, and nothing else, in this order.
func (h *host) has(want []port.Envelope) {
	h.t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	same := func(a, b port.Envelope) bool { return a.Hash() == b.Hash() }
	if slices.EqualFunc(h.delivered, want, same) {
		return
	}
	count := map[[32]byte]int{}
	for _, e := range h.delivered {
		count[e.Hash()]++
	}
	lost, doubled := 0, 0
	for _, e := range want {
		switch n := count[e.Hash()]; {
		case n == 0:
			lost++
		case n > 1:
			doubled++
		}
	}
	h.t.Fatalf("%d of %d were delivered, %d lost, %d doubled, or not in order", len(h.delivered), len(want), lost, doubled)
}

// fault returns the fault of a store node, "" for none.
func (h *host) fault(s *memnet.Store) string {
	for _, n := range h.part.Status().Nodes {
		if n.PeerID == s.ID() {
			return n.Fault
		}
	}
	return "not asked"
}

// reported returns the faults that were reported of a node, in their order.
func (h *host) reported(s *memnet.Store) (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e, ok := e.(event.StoreNodeChanged); ok && e.Node.PeerID == s.ID() {
			all = append(all, e.Node.Fault)
		}
	}
	return all
}

// states are the states that were reported.
func (h *host) states() (all []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range h.events {
		if e, ok := e.(event.CatchUpChanged); ok {
			all = append(all, string(e.CatchUp.State)+string(e.CatchUp.Cause))
		}
	}
	return all
}

var errDisk = errors.New("the disk is full")

// both runs a test without and with goroutines.
func both(t *testing.T, run func(t *testing.T, stepped bool)) {
	for _, stepped := range []bool{true, false} {
		t.Run(fmt.Sprintf("stepped %v", stepped), func(t *testing.T) { run(t, stepped) })
	}
}
