package catchup

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

// hash names an envelope at a store node.
type hash = [32]byte

// lister is a store node that lists the hashes of a batch, page by page.
type lister struct {
	node  string
	after *hash
	nexts map[hash]bool // where its pages went on
	idle  int           // hashes in a row with nothing new
	done  bool          // it has given its last page

	mu      sync.Mutex
	fault   string // why it is asked no more
	kind    port.StoreFault
	ungiven int // envelopes that it has listed and not given
	fetched uint64
	lacks   uint64
}

// fail notes the first fault.
func (l *lister) fail(kind port.StoreFault, format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fault == "" {
		l.kind, l.fault = kind, fmt.Sprintf(format, args...)
	}
}

// sound reports whether there was no fault so far.
func (l *lister) sound() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault == ""
}

// gave counts envelopes that the node gave.
func (l *lister) gave(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.fetched += uint64(n)
}

// lists reports whether there are more pages to ask for.
func (l *lister) lists() bool { return !l.done && l.sound() }

// page asks for the next page. On an error, which is noted, there is none.
func (f *fetch) page(ctx context.Context, l *lister) (hashes []hash) {
	q := f.query
	q.After, q.Limit = l.after, port.MaxQueryLimit
	page, err := f.r.query(ctx, l.node, q, queryTimeout)
	if err != nil {
		f.blame(l, ctx, err)
		return nil
	}
	for _, e := range page.Entries {
		hashes = append(hashes, e.Hash)
	}
	switch {
	case page.Next == nil:
		l.done = true
	case len(hashes) == 0:
		l.fail(port.StoreWrong, "lists an empty page and says that others follow")
	case l.nexts[*page.Next]:
		l.fail(port.StoreWrong, "lists the same again and again")
	case len(l.nexts) == maxPages:
		l.fail(port.StoreWrong, "does not come to an end")
	default:
		l.nexts[*page.Next] = true
		l.after = page.Next
	}
	return hashes
}

// errSlower is the cause of not waiting longer for a node when another one has answered.
var errSlower = errors.New("took more than 3 s longer than another store node")

// blame notes the error of a query, if it was not we who gave up.
func (f *fetch) blame(l *lister, ctx context.Context, err error) {
	var known *port.StoreError
	switch {
	case errors.Is(context.Cause(ctx), errSlower):
		l.fail(port.StoreSlow, "%s", errSlower)
	case ctx.Err() != nil:
	case errors.Is(err, context.DeadlineExceeded):
		l.fail(port.StoreSlow, "did not answer in time")
	case errors.As(err, &known):
		l.fail(known.Fault, "%s: %v", known.Fault, known.Cause)
	default:
		l.fail(port.StoreRefused, "%v", err)
	}
}

// pages asks all nodes for their next page at the same time.
func (f *fetch) pages(ctx context.Context) [][]hash {
	all := make([][]hash, len(f.listers))
	if f.r.c.Stepped {
		for i, l := range f.listers {
			if l.lists() {
				all[i] = f.page(ctx, l)
			}
		}
		return all
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var first sync.Once
	patience := time.AfterFunc(2*queryTimeout, func() { cancel(errSlower) })
	defer patience.Stop()
	var waiting sync.WaitGroup
	for i, l := range f.listers {
		if !l.lists() {
			continue
		}
		waiting.Go(func() {
			f.r.c.guarded(func() {
				all[i] = f.page(ctx, l)
				if l.sound() {
					first.Do(func() { patience.Reset(slowerBy) })
				}
			})
		})
	}
	waiting.Wait()
	return all
}

// wanted is a hash that is not here yet, and the nodes that list it, a bit for each.
type wanted struct {
	hash hash
	by   uint8
}

// missing returns what is not here yet of the pages, in their order.
func (f *fetch) missing(pages [][]hash) (all []wanted) {
	f.mu.Lock()
	defer f.mu.Unlock()
	index := map[hash]int{}
	for i, hashes := range pages {
		idle := true
		for _, h := range hashes {
			f.compare(h, i)
			if at, found := index[h]; found {
				all[at].by |= 1 << i
				idle = false
				continue
			}
			if _, known := f.r.c.known.Get(h); known || f.claimed[h] {
				continue
			}
			f.claimed[h] = true
			index[h] = len(all)
			all = append(all, wanted{h, 1 << i})
			idle = false
		}
		f.countIdle(f.listers[i], len(hashes), idle)
	}
	return all
}

// countIdle finds a node that lists without end what is known: at most knownHashes are.
func (f *fetch) countIdle(l *lister, hashes int, idle bool) {
	if !idle {
		l.idle = 0
		return
	}
	if hashes > 0 {
		l.idle += max(hashes, idlePage)
	}
	if l.idle > maxIdle {
		l.fail(port.StoreWrong, "lists the same again and again")
	}
}

// compare notes that a node has listed a hash, to find what one lacks and the other has.
// f.mu is held.
func (f *fetch) compare(h hash, by int) {
	if len(f.listers) < nodesAtOnce {
		return
	}
	switch other, found := f.lone[h]; {
	case found && other != by:
		delete(f.lone, h)
	case !found && len(f.lone) < maxLone:
		f.lone[h] = by
	}
}
