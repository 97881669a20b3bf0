// Package catchup fetches from store nodes what was published while nobody listened: at the
// start, after every gap, and slowly in the background.
//
// A round asks for all content topics, the most important ones first, in batches of topics
// that are fetched up to the same time. Of a batch two store nodes list the hashes; those
// that are not known are fetched by hash and given to the engine, oldest first; then the
// cursors of its topics move. A store node that is slow, lies or does not end is left out
// and not asked for a while; what one lacks the other may have.
//
//	catchup.go   the part: when a round begins
//	plan.go      the batches of a round, and what is left of it
//	round.go     one batch after the other
//	fetch.go     one batch on one pubsub topic: list, fetch, give to the engine
//	list.go      the hashes that a store node lists
//	late.go      store nodes whose answers together take too long
//	cursors.go   the time up to which each topic was fetched, in memory and in the store
//	nodes.go     the store nodes and their faults
//	limits.go    all limits, with their reasons
//	status.go    what is reported
//
// Whether an envelope is new is decided by the engine, by its own marks. This package only
// remembers hashes, to fetch less, and forgets them when the process ends.
//
// Spec: 13/WAKU2-STORE.
package catchup

import (
	"context"
	"runtime/debug"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/ratelimit"
	"libstatus1to1/chat/port"
)

// Class says how important topics are, the most important first, and how far back new ones
// begin.
type Class int

// The classes: topics of 54/WAKU2-X3DH-SESSIONS and 53/WAKU2-X3DH.
const (
	Partitioned Class = iota // first messages
	Negotiated               // messages between two people
	ContactCode              // bundles
)

// Topic is a content topic that we listen to.
type Topic struct {
	Name  string
	Class Class
	// Active orders the topics of a class: those of people with whom something was said more
	// recently have a larger one.
	Active uint64
	// Closed: what comes there cannot be opened yet. It is not fetched, and keeps its cursor.
	Closed bool
}

// Options are the arguments of New. All fields but Archive are required.
type Options struct {
	Ledger *ledger.Ledger
	// Archive is nil for a network without store nodes: then nothing is ever done.
	Archive port.Archive
	// Topics returns the topics to fetch. It is called without a Turn.
	Topics func() ([]Topic, error)
	// Deliver gives envelopes to the engine, deliverAtOnce at most, and returns when they are
	// stored; an error says that they are not. It is called without a Turn.
	Deliver func([]port.Envelope) error
	Now     func() time.Time
	// Emit reports an event. It replaces an unread one about the same subject.
	Emit func(subject string, e event.Event)
	Log  port.Logger
	// Wake has the loop call Work soon.
	Wake func()
	// Panicked handles a panic in a goroutine of this package.
	Panicked func(value any, stack []byte)
	// Stepped: there are no goroutines for rounds; RunPending does what Work has begun.
	Stepped bool
}

// CatchUp is the engine's part that fetches from store nodes. Its methods may be called from
// any goroutine.
type CatchUp struct {
	Options
	known *lru.Cache[[32]byte, struct{}] // hashes of envelopes that are here
	nodes nodes
	runs  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	loaded   bool
	cursors  cursors
	schedule schedule
	status   status
	pending  func() // of a stepped client
}

// schedule says when a round begins. CatchUp.mu guards it.
type schedule struct {
	running bool
	stop    context.CancelFunc // ends the run
	// wanted asks for a round as soon as possible, since wantedSince. missed is the time since
	// which something may be missing, in ms, until a round has covered it; 0 is none.
	wanted      bool
	wantedSince time.Time
	missed      int64
	urgent      ratelimit.Bucket
	// begun is the time at which the first of the new topics began, which are fetched before
	// the next round of all topics; zero for none.
	begun time.Time
	// rest is a round that is not complete, to be gone on with at retryAt.
	rest       *round
	retryAt    time.Time
	storing    ledger.Pause    // after messages could not be stored
	background time.Time       // the next look in the background
	soon       []time.Duration // waits before looks that follow soon, of followUps
	confirm    time.Time       // the next round that has one node's answers confirmed by another
}

// New makes a part that does nothing before Load.
func New(o Options) *CatchUp {
	known, _ := lru.New[[32]byte, struct{}](knownHashes) // fails only for a size below 1
	return &CatchUp{Options: o, known: known, nodes: newNodes(o), status: status{event.CatchUp{State: stateWaiting}, time.Time{}}}
}

// Load reads the cursors, and asks for a round.
func (c *CatchUp) Load(tx port.Tx) error {
	if c.Archive == nil {
		return nil
	}
	read, err := readCursors(tx)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cursors, c.loaded = read, true
	c.want(0)
	return nil
}

// Missed asks for a round as soon as possible, because envelopes may have been missed since
// a moment; the zero time is the start.
func (c *CatchUp) Missed(since time.Time) {
	c.mu.Lock()
	ms := int64(0)
	if !since.IsZero() {
		ms = since.UnixMilli()
	}
	c.want(ms)
	c.nodes.forgive()
	c.mu.Unlock()
	c.Wake()
}

// want is Missed since a time in ms, or 0; c.mu is held.
func (c *CatchUp) want(since int64) {
	s := &c.schedule
	if !s.wanted {
		s.wanted, s.wantedSince = true, c.Now()
	}
	if since > 0 && (s.missed == 0 || since < s.missed) {
		s.missed = since
	}
}

// CanOpen notes that what comes on topics that were closed can be opened now.
func (c *CatchUp) CanOpen() {
	c.mu.Lock()
	if c.loaded && c.schedule.begun.IsZero() {
		c.schedule.begun = c.Now()
	}
	c.mu.Unlock()
	c.Wake()
}

// Seen notes envelopes that are here: received live, or published by us.
func (c *CatchUp) Seen(all ...port.Envelope) {
	if c.Archive == nil {
		return
	}
	for _, e := range all {
		c.known.Add(e.Hash(), struct{}{})
	}
}

// Due returns when the next round begins; the zero time while one runs, or can not.
func (c *CatchUp) Due(t *ledger.Turn) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.due(t.Now)
}

// due is Due with c.mu held.
func (c *CatchUp) due(now time.Time) time.Time {
	s := &c.schedule
	if c.Archive == nil || !c.loaded || c.closed || s.running {
		return time.Time{}
	}
	listed := c.Archive.StoreNodes()
	if len(listed) == 0 {
		if c.Stepped {
			return time.Time{} // the network reports every change to it
		}
		return now.Add(lookForNodes)
	}
	if s.wanted {
		at := s.wantedSince
		if len(listed) == 1 {
			at = at.Add(secondNode)
		}
		s.urgent.Refill(now, urgent.Every)
		return later(at, s.urgent.Next(urgent))
	}
	at := s.background
	if s.rest != nil {
		at = sooner(at, s.retryAt)
	}
	if begun := c.begunDue(now); !begun.IsZero() {
		at = sooner(at, begun)
	}
	if confirm := c.confirmDue(listed); !confirm.IsZero() {
		at = sooner(at, confirm)
	}
	return at
}

// begunDue returns when new topics are to be fetched, and confirmDue when what one node alone
// has answered is to be confirmed; the zero time is never. c.mu is held.
func (c *CatchUp) begunDue(now time.Time) time.Time {
	s := &c.schedule
	if s.begun.IsZero() {
		return s.begun
	}
	s.urgent.Refill(now, urgent.Every)
	return later(s.begun.Add(begunWait), s.urgent.Next(urgent))
}

func (c *CatchUp) confirmDue(listed []string) time.Time {
	if c.cursors.unconfirmed == 0 || len(listed) < nodesAtOnce {
		return time.Time{}
	}
	// A moment that is past, and not the zero time, if it is due since ever.
	return later(later(c.schedule.confirm, c.nodes.usableAt(listed, nodesAtOnce)), time.Unix(0, 0))
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Work begins a round that is due, in a goroutine of its own: nobody waits for the network
// within a Turn.
func (c *CatchUp) Work(t *ledger.Turn) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	at, s := c.due(t.Now), &c.schedule
	if at.IsZero() || at.After(t.Now) {
		return nil
	}
	isDue := func(at time.Time) bool { return !at.IsZero() && !at.After(t.Now) }
	r := s.rest
	switch {
	case s.wanted:
		s.wanted, s.begun, s.soon = false, time.Time{}, followUps
		s.urgent.Allow(t.Now, urgent)
		r = &round{c: c, missed: s.missed}
	case isDue(c.begunDue(t.Now)):
		s.begun = time.Time{}
		s.urgent.Allow(t.Now, urgent)
		c.start(&round{c: c, begunOnly: true})
		return nil
	case r == nil || isDue(c.confirmDue(c.Archive.StoreNodes())):
		r = &round{c: c, background: true, missed: s.missed}
	default: // goes on, with another share of queries
		r.queries.Store(0)
	}
	s.rest, s.background = nil, t.Now.Add(backgroundEvery)
	if len(s.soon) > 0 {
		s.background, s.soon = t.Now.Add(s.soon[0]), s.soon[1:]
	}
	c.start(r)
	return nil
}

// start runs a round; c.mu is held.
func (c *CatchUp) start(r *round) {
	ctx, cancel := context.WithCancel(context.Background())
	c.schedule.running, c.schedule.stop = true, cancel
	c.runs.Add(1)
	run := func() {
		defer c.runs.Done()
		defer cancel()
		c.finished(r, r.run(ctx))
	}
	if c.Stepped {
		c.pending = run
		return
	}
	go c.guarded(run)
}

// guarded runs f and reports its panic.
func (c *CatchUp) guarded(f func()) {
	defer func() {
		if v := recover(); v != nil {
			c.Panicked(v, debug.Stack())
		}
	}()
	f()
}

// RunPending does the round that Work has begun, for a stepped client. It reports whether
// there was one.
func (c *CatchUp) RunPending() bool {
	c.mu.Lock()
	run := c.pending
	c.pending = nil
	c.mu.Unlock()
	if run == nil {
		return false
	}
	run()
	return true
}

// Suspend ends the round that runs, because the store is released. It does not wait.
func (c *CatchUp) Suspend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.schedule.running {
		c.schedule.stop()
	}
}

// Close ends the round that runs and waits for it. The caller has no Turn.
func (c *CatchUp) Close() {
	c.mu.Lock()
	c.closed = true
	if c.schedule.running {
		c.schedule.stop()
	}
	c.mu.Unlock()
	if !c.Stepped {
		c.runs.Wait()
	}
}

// Care has nothing to do: cursors of topics that are gone go with the next complete round.
func (c *CatchUp) Care(*ledger.Turn) {}

// ShiftClock follows a clock that was set back, by a negative duration. Cursors were made
// by the time that was wrong.
func (c *CatchUp) ShiftClock(_ *ledger.Turn, by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &c.schedule
	for _, at := range []*time.Time{&s.wantedSince, &s.begun, &s.retryAt, &s.background, &s.confirm} {
		if !at.IsZero() {
			*at = at.Add(by)
		}
	}
	s.urgent.SetBack(by)
	s.storing.Shift(by)
	c.cursors.shift(by.Milliseconds())
	c.nodes.shift(by)
}
