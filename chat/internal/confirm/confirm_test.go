package confirm

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// archive is store nodes by their ids: the hashes that each has, nil if it does not answer.
type archive struct {
	nodes   []string
	has     map[string]map[[32]byte]bool
	asked   map[string]int // hashes, by node
	queries int
	page    int // entries of a page, at most; 0 is all
}

func (a *archive) StoreNodes() []string   { return a.nodes }
func (a *archive) PubsubTopics() []string { return nil }

func (a *archive) QueryStore(_ context.Context, node string, q port.StoreQuery) (page port.StorePage, err error) {
	a.queries++
	if len(q.Hashes) > port.MaxQueryHashes || q.WithEnvelopes {
		return page, errors.New("not a query by hash")
	}
	a.asked[node] += len(q.Hashes)
	has := a.has[node]
	if has == nil {
		return page, errors.New("it does not answer")
	}
	for _, h := range q.Hashes {
		if has[h] || has[everything] {
			page.Entries = append(page.Entries, port.StoreEntry{Hash: h})
		}
	}
	if q.After != nil {
		i := slices.IndexFunc(page.Entries, func(e port.StoreEntry) bool { return e.Hash == *q.After })
		page.Entries = page.Entries[i+1:]
	}
	if a.page > 0 && len(page.Entries) > a.page {
		page.Entries = page.Entries[:a.page]
		page.Next = &page.Entries[a.page-1].Hash
	}
	return page, nil
}

// everything stands for all hashes, in what a node claims to have.
var everything = hash(1 << 31)

type silent struct{}

func (silent) Log(string, string, ...any) {}

const wait = 27 * time.Second

var begin = time.Unix(1_800_000_000, 0)

func hash(n int) (h [32]byte) {
	binary.BigEndian.PutUint32(h[:], uint32(n))
	return h
}

// asks is an asker whose questions are answered at once.
func asks(nodes ...string) (*Asker, *archive) {
	f := &archive{nodes: nodes, has: map[string]map[[32]byte]bool{}, asked: map[string]int{}}
	return New(Options{
		Archive: f, Wait: wait, Beside: func(f func(context.Context)) { f(context.Background()) }, Answered: func() {}, Rand: rand.Reader, Log: silent{},
	}), f
}

func all(ids []uint64) map[uint64]bool {
	still := map[uint64]bool{}
	for _, id := range ids {
		still[id] = true
	}
	return still
}

// run lets a minute pass, and returns what comes out, with the times.
func run(a *Asker) (results []Result, took []time.Duration) {
	for passed := time.Duration(0); passed < time.Minute; passed += 100 * time.Millisecond {
		a.Ask(begin.Add(passed), all)
		for _, r := range a.Results() {
			results, took = append(results, r), append(took, passed)
		}
	}
	return results, took
}

// What nodes have, together or each, and what none has.
func TestAnswers(t *testing.T) {
	one, both := [][32]byte{hash(1)}, [][32]byte{hash(1), hash(2)}
	for _, c := range []struct {
		what   string
		nodes  []string
		has    map[string][]int
		hashes [][32]byte
		want   []string
		safely bool
		none   bool // nothing is found out
	}{
		{"both have it", []string{"a", "b", "c"}, map[string][]int{"a": {1}, "b": {1}, "c": {}}, one, []string{"a", "b"}, true, false},
		{"the only one has it", []string{"a"}, map[string][]int{"a": {1}}, one, []string{"a"}, true, false},
		{"one of two has it", []string{"a", "b"}, map[string][]int{"a": {}, "b": {1}}, one, []string{"b"}, false, false},
		{"one has it and the other is silent", []string{"a", "b"}, map[string][]int{"b": {1}}, one, []string{"b"}, false, false},
		{"none has it", []string{"a", "b"}, map[string][]int{"a": {}, "b": {2}}, one, nil, false, false},
		{"one has nothing and the other is silent", []string{"a", "b"}, map[string][]int{"a": {}}, one, nil, false, false},
		{"one has it and the other claims to have anything", []string{"a", "b"}, map[string][]int{"a": {1 << 31}, "b": {1}}, one, []string{"b"}, false, false},
		{"both claim to have anything", []string{"a", "b"}, map[string][]int{"a": {1 << 31}, "b": {1 << 31}}, one, nil, false, true},
		{"both are silent", []string{"a", "b"}, nil, one, nil, false, true},
		{"there are none", nil, nil, one, nil, false, true},
		{"each has one of two", []string{"a", "b"}, map[string][]int{"a": {1}, "b": {2}}, both, []string{"a", "b"}, false, false},
		{"one of two is missing", []string{"a", "b"}, map[string][]int{"a": {1}, "b": {1}}, both, nil, false, false},
	} {
		a, f := asks(c.nodes...)
		for node, list := range c.has {
			f.has[node] = map[[32]byte]bool{}
			for _, n := range list {
				f.has[node][hash(n)] = true
			}
		}
		a.Watch(7, c.hashes, begin)
		results, took := run(a)
		if c.none != (len(results) == 0) || len(results) > 1 {
			t.Errorf("%s: %+v", c.what, results)
		} else if !c.none && (results[0].ID != 7 || !slices.Equal(results[0].Nodes, c.want) || results[0].Safely != c.safely) {
			t.Errorf("%s: %+v, want %q, %v", c.what, results[0], c.want, c.safely)
		}
		if least := wait / firstLook; len(took) > 0 && (took[0] < least || took[0] >= wait) {
			t.Errorf("%s: after %s", c.what, took[0])
		}
		if f.queries > maxNodes*maxTries || len(a.watched) != 0 || a.hashes != 0 {
			t.Errorf("%s: %d queries, %d are still watched", c.what, f.queries, len(a.watched))
		}
	}
}

// Thousands of envelopes are asked for in few queries at a time; what is acknowledged is
// not asked for, and what is too much is given up.
func TestManyEnvelopes(t *testing.T) {
	a, f := asks("a", "b")
	f.has["a"], f.has["b"], f.page = map[[32]byte]bool{}, map[[32]byte]bool{}, 30
	const n = 3 * maxWatched
	for i := range n {
		f.has["a"][hash(i)], f.has["b"][hash(i)] = true, true
		a.Watch(uint64(i), [][32]byte{hash(i)}, begin)
		if a.hashes > maxWatched || len(a.watched) > maxWatched || len(a.order) > 2*maxWatched {
			t.Fatalf("%d hashes are watched, in a list of %d", a.hashes, len(a.order))
		}
	}
	waits := func(ids []uint64) map[uint64]bool {
		still := all(ids)
		for _, id := range ids {
			if id%2 == 0 {
				delete(still, id)
			}
		}
		return still
	}
	found := map[uint64]bool{}
	for passed := time.Duration(0); len(found) < maxWatched/2 && passed < 5*time.Minute; passed += time.Second {
		before := f.queries
		a.Ask(begin.Add(passed), waits)
		if f.queries-before > maxNodes*maxPages*maxRoundHashes/port.MaxQueryHashes {
			t.Fatalf("%d queries in one round", f.queries-before)
		}
		for _, r := range a.Results() {
			if found[r.ID] || !r.Safely {
				t.Errorf("%+v", r)
			}
			found[r.ID] = true
		}
	}
	if len(found) != maxWatched/2 || f.asked["a"] > (maxWatched/2+maxWatched/100)*maxPages {
		t.Errorf("%d found, %d asked for", len(found), f.asked["a"])
	}
	if len(a.watched) != 0 || a.hashes != 0 || !a.firstNext().IsZero() {
		t.Errorf("%d are still watched", len(a.watched))
	}
}

// Rounds do not overlap, and there is a pause between two.
func TestOneRoundAtATime(t *testing.T) {
	a, f := asks("a")
	f.has["a"] = map[[32]byte]bool{}
	var running []func(context.Context)
	a.Beside = func(f func(context.Context)) { running = append(running, f) }
	now := begin
	for i := range 1000 {
		a.Watch(uint64(i+1), [][32]byte{hash(i)}, now)
		now = now.Add(100 * time.Millisecond)
		a.Ask(now, all)
		if len(running) > 1 {
			t.Fatal("two rounds at a time")
		}
		if len(running) == 1 && !a.Due().IsZero() {
			t.Fatal("another round is due while one runs")
		}
		if i%20 == 0 && len(running) == 1 {
			running[0](context.Background())
			running = nil
			a.Results()
		}
	}
	if f.queries > 1000/20+1 {
		t.Errorf("%d queries", f.queries)
	}
}
