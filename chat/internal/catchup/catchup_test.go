package catchup

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

const topicA, topicB = "/waku/1/0x0000000a/rfc26", "/waku/1/0x0000000b/rfc26"

// Whatever one store node does wrong, what the other one has arrives once and in order, and
// the first one is named.
func TestOfflineFaultyNode(t *testing.T) {
	faults := map[memnet.StoreFault]string{
		memnet.StoreFails: "503 overloaded", memnet.StoreSlow: "did not answer in time", memnet.StoreMakesUp: "did not give",
		memnet.StoreWithholds: "did not give", memnet.StoreSwaps: "another hash", memnet.StoreForeign: "not asked for",
		memnet.StoreEndless: "again and again", memnet.StoreEndlessly: "does not give", memnet.StoreEmpty: "",
	}
	for fault, named := range faults {
		for _, first := range []bool{true, false} {
			t.Run(fmt.Sprint(fault, first), func(t *testing.T) {
				both(t, func(t *testing.T, stepped bool) {
					options := []memnet.StoreOptions{{Fault: fault}, {}}
					if !first {
						slices.Reverse(options)
					}
					h, stores := newHost(t, stepped, options...)
					faulty, honest := stores[0], stores[1]
					if !first {
						faulty, honest = honest, faulty
					}
					h.topics = []Topic{{Name: topicA, Class: Negotiated}}
					all := publish(stores, topicA, h.now.Add(-time.Hour), 350, 100)
					publish([]*memnet.Store{faulty}, topicB, h.now.Add(-time.Hour), 1, 100)
					h.pass(10 * time.Second)
					h.has(all)
					if got := h.fault(faulty); !strings.Contains(got, named) {
						t.Errorf("the fault is %q, want %q", got, named)
					}
					if got := h.fault(honest); got != "" {
						t.Errorf("the honest one is said to be faulty: %q", got)
					}
					if reported := h.reported(faulty); len(reported) > 2 || len(reported) == 0 && named != "" {
						t.Errorf("reported were %q", reported)
					}
					if states := h.states(); states[0] != "running" || slices.Contains(states, "failedstore_nodes") || states[len(states)-1] != "done" {
						t.Errorf("states %q", states)
					}
				})
			})
		}
	}
}

// A node that answers late holds nobody up for long. (In a bubble time stands still.)
func TestOfflineSlowNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stores := newHost(t, false, memnet.StoreOptions{}, memnet.StoreOptions{})
		h.part.Archive = slowNode{h.node, stores[0].ID()}
		h.topics = []Topic{{Name: topicA, Class: Negotiated}}
		all := publish(stores, topicA, h.now.Add(-time.Hour), 350, 100)
		begin := time.Now()
		h.round()
		if took := time.Since(begin); took != slowerBy {
			t.Errorf("it took %s", took)
		}
		h.has(all)
		if got := h.fault(stores[0]); !strings.Contains(got, "longer than another") {
			t.Errorf("the fault is %q", got)
		}
	})
}

// slowNode never gets an answer of one node.
type slowNode struct {
	*memnet.Node
	slow string
}

func (s slowNode) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	if node == s.slow {
		<-ctx.Done()
		return port.StorePage{}, ctx.Err()
	}
	return s.Node.QueryStore(ctx, node, q)
}

// A node that always answers just in time, and gives one message at a time, holds nobody up
// for long: not while it lists, nor while it gives.
func TestOfflineTricklingNode(t *testing.T) {
	for _, listing := range []bool{true, false} {
		t.Run(fmt.Sprint("listing ", listing), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, stores := newHost(t, false, memnet.StoreOptions{}, memnet.StoreOptions{})
				h.part.Archive = tricklingNode{h.node, stores[0].ID(), listing}
				h.topics = []Topic{{Name: topicA, Class: Partitioned}, {Name: topicB, Class: Negotiated}}
				publish(stores[:1], topicA, h.now.Add(-24*time.Hour), 2000, 100)
				all := publish(stores, topicB, h.now.Add(-time.Hour), 350, 100)
				begin := time.Now()
				h.round()
				if took := time.Since(begin); took > 5*time.Minute {
					t.Errorf("it took %s", took)
				}
				if n := len(h.delivered); n < len(all) {
					t.Fatalf("%d are delivered", n)
				}
				h.delivered = h.delivered[len(h.delivered)-len(all):]
				h.has(all)
				if got := h.fault(stores[0]); !strings.Contains(got, "too little at a time") {
					t.Errorf("the fault is %q", got)
				}
			})
		})
	}
}

// tricklingNode gives one message at a time, after 14 seconds.
type tricklingNode struct {
	*memnet.Node
	slow    string
	listing bool // only while it lists; otherwise only while it gives
}

func (s tricklingNode) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	if node == s.slow && s.listing == (len(q.Hashes) == 0) {
		time.Sleep(14 * time.Second)
		if q.Limit = 1; len(q.Hashes) > 0 {
			return s.give(ctx, node, q)
		}
	}
	return s.Node.QueryStore(ctx, node, q)
}

// give gives one of the envelopes, the next one with each page.
func (s tricklingNode) give(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	at := 0
	if q.After != nil {
		at = slices.Index(q.Hashes, *q.After) + 1
	}
	asked := q
	asked.Hashes, asked.After = q.Hashes[at:at+1], nil
	page, err := s.Node.QueryStore(ctx, node, asked)
	if page.Next = nil; at+1 < len(q.Hashes) {
		page.Next = &q.Hashes[at]
	}
	return page, err
}

// Two store nodes have each lost a third, and each has what the other lacks.
func TestOfflineUnion(t *testing.T) {
	both(t, func(t *testing.T, stepped bool) {
		h, stores := newHost(t, stepped, memnet.StoreOptions{Loss: 0.3}, memnet.StoreOptions{Loss: 0.3})
		h.topics = []Topic{{Name: topicA, Class: Negotiated}, {Name: topicB, Class: Partitioned}}
		publish(stores, topicA, h.now.Add(-time.Hour), 1000, 10)
		publish(stores, topicB, h.now.Add(-time.Hour), 1000, 10)
		want := map[[32]byte]bool{}
		for _, s := range stores {
			for _, topic := range []string{topicA, topicB} {
				for _, hash := range hashesOf(t, h, s, topic) {
					want[hash] = true
				}
			}
		}
		h.pass(10 * time.Second)
		got := map[[32]byte]bool{}
		for _, e := range h.delivered {
			if got[e.Hash()] {
				t.Fatal("something was delivered twice")
			}
			got[e.Hash()] = true
		}
		if len(got) != len(want) || len(want) < 1600 {
			t.Errorf("%d were delivered of the %d that there are", len(got), len(want))
		}
		for _, n := range h.part.Status().Nodes {
			if n.Lacks < 200 || n.Fault != "" {
				t.Errorf("of a node it is said %+v", n)
			}
		}
	})
}

// hashesOf asks a store node for all it has on a topic.
func hashesOf(t *testing.T, h *host, s *memnet.Store, topic string) (all [][32]byte) {
	t.Helper()
	q := port.StoreQuery{PubsubTopic: memnet.PubsubTopic, ContentTopics: []string{topic}, To: h.now.UnixNano(), Limit: port.MaxQueryLimit}
	for {
		page, err := h.node.QueryStore(context.Background(), s.ID(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			all = append(all, e.Hash)
		}
		if q.After = page.Next; q.After == nil {
			return all
		}
	}
}

// While no store node answers whole no cursor moves, and it is tried again, less and less
// often.
func TestOfflineNobodyAnswers(t *testing.T) {
	both(t, func(t *testing.T, stepped bool) {
		h, stores := newHost(t, stepped, memnet.StoreOptions{Fault: memnet.StoreFails}, memnet.StoreOptions{Fault: memnet.StoreSwaps})
		h.topics = []Topic{{Name: topicA, Class: Negotiated}}
		all := publish(stores, topicA, h.now.Add(-time.Hour), 50, 10)
		h.pass(time.Hour)
		if len(h.delivered) > 0 || h.part.cursors.all != 0 || len(h.part.cursors.of) > 0 {
			t.Fatalf("%d were delivered, the cursors are %+v", len(h.delivered), h.part.cursors)
		}
		if queries := h.net.Stats().Queries; queries > 60 {
			t.Errorf("%d queries in an hour", queries)
		}
		if states := h.states(); !slices.Equal(states, []string{"running", "failedstore_nodes"}) {
			t.Errorf("states %q", states)
		}
		stores[0].Set(memnet.StoreOptions{Now: h.Now})
		h.pass(maxPutOff)
		h.has(all)
		if reported := h.reported(stores[0]); len(reported) != 2 || reported[1] != "" {
			t.Errorf("reported were %q", reported)
		}
	})
}

// Two liars are listed before an honest node: they are put off, and it is asked.
func TestOfflineTwoLiars(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{Fault: memnet.StoreSwaps}, memnet.StoreOptions{Fault: memnet.StoreMakesUp}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	all := publish(stores[2:], topicA, h.now.Add(-time.Hour), 500, 10)
	publish(stores[:1], topicA, h.now.Add(-2*time.Hour), 1, 10)
	h.pass(10 * time.Second)
	h.has(all)
}

// One node alone has answered, and it lacked something: another one confirms, and brings it.
func TestOfflineConfirmed(t *testing.T) {
	both(t, func(t *testing.T, stepped bool) {
		h, stores := newHost(t, stepped, memnet.StoreOptions{}, memnet.StoreOptions{Fault: memnet.StoreFails})
		h.topics = []Topic{{Name: topicA, Class: Negotiated}}
		early := publish(stores, topicA, h.now.Add(-10*24*time.Hour), 50, 10)
		late := publish(stores[1:], topicA, h.now.Add(-9*24*time.Hour), 50, 10)
		h.pass(time.Minute)
		h.has(early)
		if h.part.cursors.all == 0 || h.part.cursors.unconfirmed == 0 {
			t.Fatalf("the cursors are %+v", h.part.cursors)
		}
		h.open(stepped) // it is remembered
		h.pass(time.Minute)
		h.delivered = nil // the rest was fetched again after the start
		stores[1].Set(memnet.StoreOptions{Now: h.Now})
		h.pass(confirmEvery + maxPutOff)
		h.has(late)
		if h.part.cursors.unconfirmed != 0 {
			t.Error("it is still unconfirmed")
		}
	})
}

// What cannot be stored is asked for again, and the cursors wait for it.
func TestOfflineStoreFails(t *testing.T) {
	both(t, func(t *testing.T, stepped bool) {
		h, stores := newHost(t, stepped, memnet.StoreOptions{}, memnet.StoreOptions{})
		h.topics = []Topic{{Name: topicA, Class: Negotiated}}
		all := publish(stores, topicA, h.now.Add(-time.Hour), 300, 10)
		n := 0
		h.refuse = func() error {
			if n++; n > 2 {
				return errDisk
			}
			return nil
		}
		h.pass(time.Minute)
		if h.part.cursors.all != 0 || len(h.part.cursors.of) > 0 {
			t.Fatalf("the cursors are %+v", h.part.cursors)
		}
		if states := h.states(); !slices.Contains(states, "failedstore") {
			t.Errorf("states %q", states)
		}
		h.refuse = nil
		h.pass(time.Minute)
		// The chunk that failed half way is asked for as a whole.
		h.delivered = slices.CompactFunc(h.delivered, func(a, b port.Envelope) bool { return a.Hash() == b.Hash() })
		seen := map[[32]byte]bool{}
		for _, e := range h.delivered {
			seen[e.Hash()] = true
		}
		if len(seen) != len(all) {
			t.Errorf("%d of %d arrived", len(seen), len(all))
		}
	})
}

// While messages cannot be stored, neither a new topic nor a node that is to confirm makes
// rounds in a row.
func TestOfflineStoreFailsLong(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{Fault: memnet.StoreFails})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	h.pass(time.Minute)
	stores[1].Set(memnet.StoreOptions{Now: h.Now})
	publish(stores, topicA, h.now.Add(-time.Minute), 10, 10)
	h.refuse = func() error { return errDisk }
	h.topics = append(h.topics, Topic{Name: topicB, Class: ContactCode})
	if err := h.ledger.Update(func(tx *ledger.Tx) error { return h.part.Began(tx, topicB, ContactCode) }); err != nil {
		t.Fatal(err)
	}
	publish(stores, topicB, h.now.Add(-time.Minute), 10, 10)
	before := h.net.Stats().Queries
	h.part.Missed(h.now)
	h.pass(time.Hour)
	if n, most := h.net.Stats().Queries-before, uint64(1000); n > most { // a try a minute
		t.Errorf("%d queries in an hour, at most %d", n, most)
	}
	h.refuse = nil
	h.pass(time.Hour)
	if len(h.delivered) != 20 || h.part.cursors.unconfirmed != 0 {
		t.Errorf("%d were delivered, the cursors are %+v", len(h.delivered), h.part.cursors)
	}
}

// A cursor moves behind the time of the query, is asked for again with an overlap, and one
// that a wrong clock made says nothing.
func TestOfflineCursor(t *testing.T) {
	h, _ := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}, {Name: topicB, Class: ContactCode}}
	begin := h.now
	h.pass(time.Second)
	if want := begin.Add(-clockSkew).UnixMilli(); h.part.cursors.all != want || len(h.part.cursors.of) != 0 {
		t.Fatalf("the cursors are %+v, want %d", h.part.cursors, want)
	}
	from := func(topic Topic) time.Duration {
		return h.now.Sub(time.UnixMilli(h.part.cursors.from(topic, h.now)))
	}
	if got := from(h.topics[0]); got != clockSkew+overlap+time.Second {
		t.Errorf("the next round begins %s back", got)
	}
	h.advance(40 * 24 * time.Hour)
	if a, b := from(h.topics[0]), from(h.topics[1]); a != keptByStores || b != codesBack {
		t.Errorf("after 40 days it begins %s and %s back", a, b)
	}
	h.advance(-50 * 24 * time.Hour) // the clock was ahead when the cursor was made
	if got := from(h.topics[0]); got != keptByStores {
		t.Errorf("with a cursor in the future it begins %s back", got)
	}
	h.advance(11 * 24 * time.Hour)
	h.turn(func(turn *ledger.Turn) { h.part.ShiftClock(turn, -time.Hour) })
	if got, want := h.part.cursors.all, begin.Add(-clockSkew-time.Hour).UnixMilli(); got != want {
		t.Errorf("set back, the cursor is %d, want %d", got, want)
	}
}

// A topic that is new is asked for from before it began, soon and without all others.
func TestOfflineNewTopic(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	h.pass(5 * time.Hour)
	want := publish(stores, topicB, h.now.Add(-20*time.Hour), 5, 10)
	h.topics = append(h.topics, Topic{Name: topicB, Class: ContactCode})
	before := h.net.Stats().Queries
	if err := h.ledger.Update(func(tx *ledger.Tx) error { return h.part.Began(tx, topicB, ContactCode) }); err != nil {
		t.Fatal(err)
	}
	h.pass(begunWait)
	h.has(want)
	if queries := h.net.Stats().Queries - before; queries != 3 { // two lists, one of envelopes
		t.Errorf("%d queries", queries)
	}
	h.open(true)
	h.pass(time.Hour)
	if len(h.part.cursors.of) != 0 {
		t.Errorf("the cursors are %+v", h.part.cursors)
	}
}

// A new pubsub topic, of a shard that was added, is asked for from the beginning.
func TestOfflineNewShard(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	h.pass(time.Minute)
	const other = "/waku/2/rs/16/0"
	late := port.Envelope{PubsubTopic: other, ContentTopic: topicA, Payload: []byte{1}, Timestamp: h.now.Add(-10 * 24 * time.Hour).UnixNano()}
	for _, s := range stores {
		s.Add(late)
	}
	h.part.Archive = twoShards{h.node}
	h.part.Missed(time.Time{})
	h.pass(time.Minute)
	h.has([]port.Envelope{late})
}

type twoShards struct{ *memnet.Node }

func (twoShards) PubsubTopics() []string { return []string{memnet.PubsubTopic, "/waku/2/rs/16/0"} }

// Envelopes that are known, since they came live, are not fetched again.
func TestOfflineKnown(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	all := publish(stores, topicA, h.now.Add(-time.Hour), 200, 10)
	h.part.Seen(all[:150]...)
	h.pass(time.Minute)
	h.has(all[150:])
}

// Ten thousand topics: the most important first, few writes, and in the background few
// queries at a time.
func TestOfflineManyTopics(t *testing.T) {
	h, stores := newHost(t, false, memnet.StoreOptions{}, memnet.StoreOptions{})
	name := func(i int) string { return fmt.Sprintf("/waku/1/0x%08x/rfc26", i) }
	const people = 5000
	for i := range people {
		h.topics = append(h.topics, Topic{Name: name(2 * i), Class: ContactCode, Active: 0}, Topic{Name: name(2*i + 1), Class: Negotiated, Active: uint64(i)})
	}
	h.topics = append(h.topics, Topic{Name: topicA, Class: Partitioned, Active: 0})
	want := slices.Concat(publish(stores, topicA, h.now.Add(-time.Hour), 1, 10), // the partitioned topic
		publish(stores, name(2*people-1), h.now.Add(-time.Hour), 1, 10), // of the most recent one
		publish(stores, name(1), h.now.Add(-time.Hour), 1, 10), publish(stores, name(0), h.now.Add(-time.Hour), 1, 10))
	before := h.store.updates.Load()
	h.round()
	h.has(want)
	if writes := h.store.updates.Load() - before; writes > 2*people/checkpoint+2*people/atOnce+10 {
		t.Errorf("%d transactions", writes)
	}
	records := 0
	_ = h.ledger.View(func(tx port.Tx) error {
		return tx.Each(tableCatchUp, func([]byte, []byte) error { records++; return nil })
	})
	if records != 1 {
		t.Errorf("%d records for one cursor", records)
	}
	h.pass(time.Minute) // the looks that follow soon
	before, queries := h.store.updates.Load(), h.net.Stats().Queries
	h.pass(backgroundEvery - 2*time.Minute)
	if h.store.updates.Load() != before || h.net.Stats().Queries != queries {
		t.Error("there is work before the next look")
	}
	h.pass(6 * time.Hour)
	if writes := h.store.updates.Load() - before; writes > 2 {
		t.Errorf("looks that found nothing made %d transactions", writes)
	}
	// A batch that has begun is finished: some more than the share may be asked.
	if n, most := h.net.Stats().Queries-queries, uint64(13*(backgroundQueries+2*nodesAtOnce)); n > most || n < 12*backgroundQueries {
		t.Errorf("%d queries in six hours, at most %d", n, most)
	}
}

// Gaps in numbers do not make as many rounds.
func TestOfflineManyGaps(t *testing.T) {
	h, _ := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	for range 3600 {
		h.part.Missed(h.now)
		h.pass(time.Second)
	}
	if n := h.net.Stats().Queries; n > 2*70+10 {
		t.Errorf("%d queries in an hour", n)
	}
}

// A hundred thousand envelopes go through a bounded memory.
func TestOfflineMemory(t *testing.T) {
	h, stores := newHost(t, false, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	const n = 100_000
	publish(stores, topicA, h.now.Add(-29*24*time.Hour), n, 60)
	var base, peak uint64
	count := 0
	h.part.Deliver = func(all []port.Envelope) error {
		if count/10_000 != (count+len(all))/10_000 {
			peak = max(peak, heap())
		}
		count += len(all)
		return nil
	}
	base = heap()
	h.round()
	if count != n {
		t.Fatalf("%d of %d were delivered", count, n)
	}
	t.Logf("the heap grew by %d KiB", (peak-base)>>10)
	if peak > base+8<<20 {
		t.Errorf("the heap grew by %d KiB", (peak-base)>>10)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Large envelopes are fetched a few at a time.
func TestOfflineLargeEnvelopes(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	all := publish(stores, topicA, h.now.Add(-time.Hour), 60, 1<<20)
	before := h.net.Stats().Queries
	h.pass(time.Minute)
	h.has(all)
	if n := h.net.Stats().Queries - before; n < 40/2 {
		t.Errorf("%d queries for 40 MiB", n)
	}
}

// Closing and suspending end a round.
func TestOfflineSuspend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stores := newHost(t, false, memnet.StoreOptions{})
		h.part.Archive = slowNode{h.node, stores[0].ID()}
		h.topics = []Topic{{Name: topicA, Class: Negotiated}}
		all := publish(stores, topicA, h.now.Add(-time.Hour), 50, 10)
		h.advance(secondNode)
		h.turn(func(turn *ledger.Turn) { _ = h.part.Work(turn) })
		synctest.Wait()
		begin := time.Now()
		h.part.Suspend()
		h.part.runs.Wait()
		if time.Since(begin) > 0 || h.fault(stores[0]) != "not asked" {
			t.Errorf("it ended after %s, and the node is said to be %q", time.Since(begin), h.fault(stores[0]))
		}
		h.part.Archive = h.node
		if err := h.ledger.View(h.part.Load); err != nil {
			t.Fatal(err)
		}
		h.pass(secondNode)
		h.has(all)
	})
}

// Records that cannot be are found by a check.
func TestOfflineCheck(t *testing.T) {
	h, _ := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}}
	h.pass(time.Minute)
	check := func() (problems []string) {
		err := h.ledger.View(func(tx port.Tx) error {
			return h.part.Check(ledger.NewWalk(context.Background(), tx, func(p string) { problems = append(problems, p) }))
		})
		if err != nil {
			t.Fatal(err)
		}
		return problems
	}
	if problems := check(); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	for _, rec := range []*wire.CatchUpRecord{{}, {FetchedTo: -1}, {FetchedTo: 1, UnconfirmedSince: 1}} {
		err := h.ledger.Update(func(tx *ledger.Tx) error { return ledger.Put(tx, tableCatchUp, []byte(topicA), rec) })
		if err != nil || len(check()) != 1 {
			t.Errorf("%v: %q, %v", rec, check(), err)
		}
	}
}

// The text of a fault may be a store node's own.
func TestTidyFault(t *testing.T) {
	if got := tidyFault("a\x00b\n\xffc\u202e" + strings.Repeat("é", 1000)); len([]rune(got)) != maxFault || !strings.HasPrefix(got, "abcé") {
		t.Errorf("%q", got)
	}
}

// Progress is reported, the last time with all counts.
func TestOfflineProgress(t *testing.T) {
	h, stores := newHost(t, true, memnet.StoreOptions{}, memnet.StoreOptions{})
	h.topics = []Topic{{Name: topicA, Class: Negotiated}, {Name: topicB, Class: Partitioned}}
	publish(stores, topicA, h.now.Add(-time.Hour), 1000, 10)
	h.part.Deliver = func([]port.Envelope) error { h.advance(300 * time.Millisecond); return nil }
	from := h.now.Add(-keptByStores).UnixMilli()
	h.round()
	last := h.events[len(h.events)-1].(event.CatchUpChanged).CatchUp
	if last.State != "done" || last.Fetched != 1000 || last.TopicsDone != 2 || last.TopicsTotal != 2 || last.From != from || last.To == 0 || len(last.Nodes) != 2 {
		t.Errorf("the last report is %+v", last)
	}
	// Some 20 deliveries of 0.3 s each.
	if n := len(h.events); n < 5 || n > 9 {
		t.Errorf("%d reports", n)
	}
}
