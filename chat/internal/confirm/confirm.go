// Package confirm asks store nodes whether they have envelopes that were published, by
// their hashes: whoever fetches from the store later finds those.
//
// An envelope that is acknowledged soon is never asked for. The others are asked for
// together, a few times, from two store nodes where there are two, and never in the
// engine's loop. A store node can be wrong, or lie, in both directions: so its answer is
// evidence that names it, and never ends the delivery of a message. Each query has a random
// hash among the others, which no envelope has: a node that claims to have it is not believed.
//
// Spec: 13/WAKU2-STORE, "Message hash lookup queries"; 14/WAKU2-MESSAGE, "Deterministic
// message hashing".
package confirm

import (
	"cmp"
	"context"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

const (
	// firstLook and nextLook are the times from publishing to the first question, and from
	// one to the next, as shares of the wait before the first resend: with the default of 27
	// seconds 3.4 and 6.8 s. Before that the acknowledgement of somebody who is there comes.
	firstLook, nextLook = 8, 4
	// maxLooks answers without an envelope mean that it got lost on its way to the store:
	// with the default 17 s after it was published, before it would be sent again.
	maxLooks = 3
	// maxTries bounds the questions about an envelope, answered or not.
	maxTries = 6
	// roundPause is the least time between two rounds of questions, as a share of the same
	// wait (1.7 s), and maxRoundHashes bounds the hashes of a round: at most 26 KB both ways
	// to each node.
	roundPause     = 16
	maxRoundHashes = 4 * port.MaxQueryHashes
	// maxNodes bounds the store nodes that are asked: more would not be surer, and each costs
	// as many bytes.
	maxNodes = 2
	// queryTimeout bounds a query: a store node of the fleet takes far less.
	queryTimeout = 10 * time.Second
	// maxWatched bounds the hashes that wait to be asked for, 32 bytes each. Past it the
	// oldest are given up: their messages stay as they are.
	maxWatched = 4096
)

// Options are the arguments of New; all fields are required, except Archive.
type Options struct {
	Archive port.Archive // nil: there are no store nodes, and nothing is asked
	// Wait is the wait before the first resend of a message.
	Wait time.Duration
	// Beside runs f on another goroutine than the engine's loop; ctx ends with the engine.
	Beside func(f func(ctx context.Context))
	// Answered is called on that goroutine once Results has something.
	Answered func()
	Rand     io.Reader // must be safe for concurrent use
	Log      port.Logger
}

// Asker asks about envelopes. Its methods are for the holder of the Turn.
type Asker struct {
	Options
	watched map[uint64]*watch
	order   []uint64  // the ids in watched, oldest first, and some that are not any more
	hashes  int       // of all that is watched
	first   time.Time // no question is due before; the zero time if nothing is watched
	next    time.Time // no round begins before

	mu     sync.Mutex
	asking bool // a round is under way
	round  *round
}

// watch holds the envelopes of one attempt, which are asked for together.
type watch struct {
	id           uint64
	hashes       [][32]byte
	looks, tries int       // questions that were answered, and all questions
	next         time.Time // of its next question
}

// Result tells which store nodes have the envelopes of one attempt.
type Result struct {
	ID uint64
	// Nodes lists the peer ids of the store nodes that have all of them together. If it is
	// empty they got lost, as far as the nodes that answered can tell.
	Nodes []string
	// Safely is true if each node that was asked has all of them.
	Safely bool
	At     time.Time
}

// New makes an asker that has nothing to ask.
func New(o Options) *Asker { return &Asker{Options: o, watched: map[uint64]*watch{}} }

// Watch begins to ask about the envelopes of attempt id, which were published at a time.
func (a *Asker) Watch(id uint64, hashes [][32]byte, at time.Time) {
	if a.Archive == nil || len(hashes) == 0 || len(hashes) > maxRoundHashes {
		return
	}
	a.Forget(id)
	w := &watch{id: id, hashes: slices.Clone(hashes), next: at.Add(a.Wait / firstLook)}
	a.watched[id] = w
	if a.first.IsZero() || w.next.Before(a.first) {
		a.first = w.next
	}
	if len(a.order) >= 2*maxWatched {
		a.order = slices.DeleteFunc(a.order, func(id uint64) bool { return a.watched[id] == nil })
	}
	a.order = append(a.order, id)
	for a.hashes += len(hashes); a.hashes > maxWatched; a.order = a.order[1:] {
		a.Forget(a.order[0])
	}
}

// Forget ends the questions about an id.
func (a *Asker) Forget(id uint64) {
	if w := a.watched[id]; w != nil {
		a.hashes -= len(w.hashes)
		delete(a.watched, id)
	}
}

// Due returns the time of the next question; the zero time if there is none.
func (a *Asker) Due() time.Time {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.asking:
		return time.Time{}
	case !a.first.IsZero() && a.first.Before(a.next):
		return a.next
	}
	return a.first
}

// Shift follows a clock that was set back by a negative duration.
func (a *Asker) Shift(by time.Duration) {
	a.next = a.next.Add(by)
	if !a.first.IsZero() {
		a.first = a.first.Add(by)
	}
	for _, w := range a.watched {
		w.next = w.next.Add(by)
	}
}

// Ask begins a round of questions, if one is due. Of all that is watched, what wanted does
// not name is forgotten.
func (a *Asker) Ask(now time.Time, wanted func(ids []uint64) map[uint64]bool) {
	if due := a.Due(); due.IsZero() || due.After(now) {
		return
	}
	ids := slices.Collect(maps.Keys(a.watched))
	still := wanted(ids)
	for _, id := range ids {
		if !still[id] {
			a.Forget(id)
		}
	}
	a.next = now.Add(a.Wait / roundPause)
	nodes := a.Archive.StoreNodes()
	r := &round{nodes: nodes[:min(len(nodes), maxNodes)], at: now, asked: a.questions(now)}
	a.first = a.firstNext()
	if len(r.nodes) == 0 {
		a.forgetTried(r.asked)
		return
	}
	if len(r.asked) == 0 {
		return
	}
	a.mu.Lock()
	a.asking = true
	a.mu.Unlock()
	a.Beside(func(ctx context.Context) { a.run(ctx, r) })
}

// questions takes what is to be asked for now, as much as goes into one round.
func (a *Asker) questions(now time.Time) (asked []question) {
	size := 0
	for _, w := range a.due(now) {
		if size += len(w.hashes); size > maxRoundHashes {
			break
		}
		asked = append(asked, question{w.id, w.hashes})
		w.tries++
		w.next = now.Add(a.Wait / nextLook)
	}
	return asked
}

// forgetTried forgets what was asked for often enough.
func (a *Asker) forgetTried(asked []question) {
	for _, q := range asked {
		if w := a.watched[q.id]; w != nil && w.tries >= maxTries {
			a.Forget(q.id)
		}
	}
}

// firstNext returns the time of the first question; the zero time if nothing is watched.
func (a *Asker) firstNext() (first time.Time) {
	for _, w := range a.watched {
		if first.IsZero() || w.next.Before(first) {
			first = w.next
		}
	}
	return first
}

// due lists what is to be asked for now, what has waited longest first.
func (a *Asker) due(now time.Time) (due []*watch) {
	for _, w := range a.watched {
		if !w.next.After(now) {
			due = append(due, w)
		}
	}
	slices.SortFunc(due, func(x, y *watch) int { return cmp.Or(x.next.Compare(y.next), cmp.Compare(x.id, y.id)) })
	return due
}

// Results returns what was found out since the last call.
func (a *Asker) Results() (results []Result) {
	a.mu.Lock()
	r := a.round
	a.round = nil
	a.mu.Unlock()
	if r == nil {
		return nil
	}
	for _, q := range r.asked {
		w := a.watched[q.id]
		if w == nil {
			continue // it was acknowledged meanwhile
		}
		nodes, all, answered := r.answer(q)
		if answered {
			w.looks++
		}
		if len(nodes) > 0 || w.looks >= maxLooks {
			results = append(results, Result{ID: w.id, Nodes: nodes, Safely: all, At: r.at})
			a.Forget(w.id)
		}
	}
	a.forgetTried(r.asked)
	return results
}
