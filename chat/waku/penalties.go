package waku

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// maxPenalties bounds the service nodes whose failures are remembered; more than are ever
// connected to.
const maxPenalties = 64

// penalties tells which service nodes have failed, and until when they are not used. It has
// no lock.
type penalties struct {
	timing timing
	all    map[peer.ID]*penalty
}

// penalty is that of one service node.
type penalty struct {
	until    time.Time
	failures int // in a row
}

func newPenalties(t timing) penalties { return penalties{timing: t, all: map[peer.ID]*penalty{}} }

// add notes a failure.
func (p *penalties) add(id peer.ID, now time.Time) {
	entry := p.all[id]
	if entry == nil {
		p.room()
		entry = &penalty{}
		p.all[id] = entry
	}
	if now.Sub(entry.until) > 2*p.timing.longestPenalty {
		entry.failures = 0 // it has worked for long
	}
	wait := p.timing.penalty << min(entry.failures, 16)
	entry.failures++
	entry.until = now.Add(min(wait, p.timing.longestPenalty))
}

// room forgets the one that may be used first, if there are too many.
func (p *penalties) room() {
	if len(p.all) < maxPenalties {
		return
	}
	var first peer.ID
	for id, entry := range p.all {
		if first == "" || entry.until.Before(p.all[first].until) {
			first = id
		}
	}
	delete(p.all, first)
}

// has reports whether a node is not to be used now.
func (p *penalties) has(id peer.ID, now time.Time) bool {
	entry := p.all[id]
	return entry != nil && now.Before(entry.until)
}

// good forgets the failures of a node.
func (p *penalties) good(id peer.ID) { delete(p.all, id) }

// failures returns how often a node has failed in a row.
func (p *penalties) failures(id peer.ID) int {
	if entry := p.all[id]; entry != nil {
		return entry.failures
	}
	return 0
}

// next returns the time at which the first of these may be used again; zero if all may.
func (p *penalties) next(ids []peer.ID) (at time.Time) {
	now := time.Now()
	for _, id := range ids {
		if entry := p.all[id]; entry != nil && now.Before(entry.until) && (at.IsZero() || entry.until.Before(at)) {
			at = entry.until
		}
	}
	return at
}
