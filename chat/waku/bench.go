package waku

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// maxBenched bounds the service nodes whose failures are remembered; more than are ever
// connected to.
const maxBenched = 64

// bench remembers which service nodes have failed, and until when they are not used. It has
// no lock.
type bench struct {
	timing timing
	all    map[peer.ID]*benched
}

type benched struct {
	until    time.Time
	failures int // in a row
}

func newBench(t timing) bench { return bench{timing: t, all: map[peer.ID]*benched{}} }

// add notes a failure.
func (b *bench) add(id peer.ID, now time.Time) {
	entry := b.all[id]
	if entry == nil {
		b.room()
		entry = &benched{}
		b.all[id] = entry
	}
	if now.Sub(entry.until) > 2*b.timing.benchLongest {
		entry.failures = 0 // it has worked for long
	}
	wait := b.timing.bench << min(entry.failures, 16)
	entry.failures++
	entry.until = now.Add(min(wait, b.timing.benchLongest))
}

// room forgets the one that may be used first, if there are too many.
func (b *bench) room() {
	if len(b.all) < maxBenched {
		return
	}
	var first peer.ID
	for id, entry := range b.all {
		if first == "" || entry.until.Before(b.all[first].until) {
			first = id
		}
	}
	delete(b.all, first)
}

// has reports whether a node is not to be used now.
func (b *bench) has(id peer.ID, now time.Time) bool {
	entry := b.all[id]
	return entry != nil && now.Before(entry.until)
}

// good forgets the failures of a node.
func (b *bench) good(id peer.ID) { delete(b.all, id) }

// failures returns how often a node has failed in a row.
func (b *bench) failures(id peer.ID) int {
	if entry := b.all[id]; entry != nil {
		return entry.failures
	}
	return 0
}

// next returns the time at which the first of these may be used again; zero if all may.
func (b *bench) next(ids []peer.ID) (at time.Time) {
	now := time.Now()
	for _, id := range ids {
		if entry := b.all[id]; entry != nil && now.Before(entry.until) && (at.IsZero() || entry.until.Before(at)) {
			at = entry.until
		}
	}
	return at
}
