package catchup

import (
	"context"
	"errors"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

// Reasons why a round is not complete.
var (
	errNoNodes  = errors.New("there is no store node to ask")
	errNoAnswer = errors.New("no store node has answered completely")
	errShare    = errors.New("the share of queries of this look is used up")
)

// errStore is an error of our own store.
type errStore struct{ error }

// run does what is left of the round, as far as it gets.
func (r *round) run(ctx context.Context) error {
	if !r.planned {
		if err := r.plan(); err != nil {
			return errStore{err}
		}
	}
	r.c.began(r)
	unanswered := false
	var failed []batch
	for len(r.batches) > 0 {
		// Of one class after the other: a message on a negotiated topic may need the session
		// that a first message begins.
		n := 1
		for n < len(r.batches) && r.batches[n].class == r.batches[0].class {
			n++
		}
		left, err := r.inParallel(ctx, r.batches[:n])
		r.batches = r.batches[n:]
		if err != nil {
			r.batches = append(append(failed, left...), r.batches...)
			return err
		}
		unanswered = unanswered || len(left) > 0
		failed = append(failed, left...)
	}
	if unanswered {
		r.batches = failed
		return errNoAnswer
	}
	if r.begunOnly {
		return nil
	}
	if err := r.c.complete(r); err != nil {
		return errStore{err}
	}
	return nil
}

// inParallel fetches batches, some at a time. left are those that are not done: those of
// which no store node has answered completely, and after an error all that follow.
func (r *round) inParallel(ctx context.Context, all []batch) (left []batch, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	next := 0
	take := func() (b batch, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if err != nil || next == len(all) {
			return b, false
		}
		next++
		return all[next-1], true
	}
	work := func() {
		for b, ok := take(); ok; b, ok = take() {
			failure := r.batch(ctx, b)
			if failure == nil {
				continue
			}
			mu.Lock()
			left = append(left, b)
			if !errors.Is(failure, errNoAnswer) && err == nil {
				err = failure
				cancel()
			}
			mu.Unlock()
		}
	}
	if r.c.Stepped {
		work()
	} else {
		var workers sync.WaitGroup
		for range min(batchesAtOnce, len(all)) {
			workers.Go(func() { r.c.guarded(work) })
		}
		workers.Wait()
	}
	if err != nil {
		left = append(left, all[next:]...)
	}
	return left, err
}

// batch fetches one batch on all pubsub topics, and moves its cursors.
func (r *round) batch(ctx context.Context, b batch) error {
	if r.background && r.queries.Load() >= backgroundQueries {
		return errShare
	}
	fetched := uint64(0)
	for _, pubsub := range r.pubsub {
		f, err := newFetch(r, b, pubsub)
		if err != nil {
			return err
		}
		if err := f.run(ctx); err != nil {
			return err
		}
		if f.whole < nodesAtOnce {
			r.mu.Lock()
			r.single = earlier(r.single, b.from)
			r.mu.Unlock()
		}
		fetched += f.fetched
	}
	if err := r.c.advance(r, b.topics, fetched); err != nil {
		return errStore{err}
	}
	r.mu.Lock()
	r.done += len(b.topics)
	r.mu.Unlock()
	r.c.progress(r)
	return nil
}

// finished notes the end of a run.
func (c *CatchUp) finished(r *round, err error) {
	now := c.Now()
	c.mu.Lock()
	s := &c.schedule
	s.running, s.stop = false, nil
	var store errStore
	switch {
	case err == nil:
		s.storing.End()
		if s.missed == r.missed || r.missed > 0 && s.missed >= r.missed {
			s.missed = 0
		}
	case errors.As(err, &store):
		s.storing.Failed(now)
		s.rest, s.retryAt = r, s.storing.Until
	case errors.Is(err, errShare):
		s.rest, s.retryAt = r, s.background
	case errors.Is(err, context.Canceled): // the client is suspended or closed
		s.rest, s.retryAt = r, now
	default:
		s.rest, s.retryAt = r, later(now.Add(putOff), c.nodes.usableAt(c.Archive.StoreNodes(), 1))
	}
	if !r.planned {
		s.rest, s.wanted, s.wantedSince = nil, true, s.retryAt
	}
	c.mu.Unlock()
	c.ended(r, err)
	c.Wake()
}

// query asks a store node, within a time.
func (r *round) query(ctx context.Context, node string, q port.StoreQuery, within time.Duration) (port.StorePage, error) {
	r.queries.Add(1)
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return r.c.Archive.QueryStore(ctx, node, q)
}
