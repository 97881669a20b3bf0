package chat

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"libstatus1to1/chat/internal/ledger"
)

// loop is the state of the engine's loop that no part owns. Fields other than channels and
// atomics belong to the holder of lock: see ledger.Turn.
type loop struct {
	lock ledger.Lock
	wake chan struct{} // holds one value when there is work
	// inbox receives the transport's envelopes, without the lock.
	inbox inbox
	parts []part // in the order of their work
	// paused is true while the store is suspended.
	paused atomic.Bool
	// stepped is true in simulations, which have no goroutines.
	stepped bool
	// acceptsWork is true once an identity is there and its state loaded. Before that only
	// working parts have work.
	acceptsWork bool

	clocks clockReading  // when they were last compared
	look   time.Duration // how often they are
	// unstored is a batch whose transaction failed: it is handled again.
	unstored []Envelope
	// After a failure of the store nothing is done for a while; after one of the network
	// nothing is published.
	storePause, networkPause ledger.Pause
	nextCare                 time.Time // when pre-keys and old marks are looked after
}

// kick makes the loop look for work.
func (c *Client) kick() {
	select {
	case c.loop.wake <- struct{}{}:
	default: // it is going to look anyway
	}
}

// Pauses of the loop.
const (
	// careEvery is the interval at which pre-keys are rotated and old records forgotten, if
	// due.
	careEvery = time.Hour
	// idle is the wait when nothing is due: any wake-up comes earlier.
	idle = 24 * time.Hour
)

// part is the loop's view of a part of the engine: a package below this one, or a file of
// it, that owns its tables and the memory that mirrors them.
type part interface {
	// Load reads what the part keeps in memory, when an identity is there.
	Load(tx Tx) error
	// Work does what is due: it stores, then publishes. Failures that pass are its own to
	// wait out; an error is one of the store.
	Work(t *ledger.Turn) error
	// Due returns when Work has something to do; the zero time is never.
	Due(t *ledger.Turn) time.Time
	// Care is called hourly, for what is to be forgotten or renewed.
	Care(t *ledger.Turn)
	// Check reports what contradicts itself in the part's tables.
	Check(w *ledger.Walk) error
}

// beginTurn waits for the lock; the turn must be ended.
func (c *Client) beginTurn() *ledger.Turn { return c.loop.lock.Begin(c.timeAndOnline) }

// tryTurn is beginTurn while nobody has the lock, and returns nil otherwise.
func (c *Client) tryTurn() *ledger.Turn { return c.loop.lock.TryBegin(c.timeAndOnline) }

// timeAndOnline returns the time, and whether there is somebody to publish to. The caller
// holds the engine's lock.
func (c *Client) timeAndOnline() (time.Time, bool) {
	now := c.now()
	return now, c.online.is() && !c.loop.networkPause.Lasts(now)
}

// exclusive runs f with the engine's lock, so that the loop stands still meanwhile.
func (c *Client) exclusive(f func(*ledger.Turn) error) error {
	t := c.beginTurn()
	defer t.End()
	return f(t)
}

// run is the loop: the only goroutine that encrypts, decrypts and publishes.
func (c *Client) run() {
	defer close(c.life.loopDone)
	defer func() {
		if v := recover(); v != nil {
			c.Fail("engine loop", v, debug.Stack())
		}
	}()
	for {
		pause, incoming := c.next()
		timer, stop := c.clock.Wait(min(pause, c.loop.look))
		var batch []Envelope
		select {
		case <-c.life.ctx.Done():
			stop()
			c.finish()
			return
		case e := <-incoming:
			batch = c.loop.inbox.drain(e)
			c.counters.wakeups.Add(1)
		case <-c.loop.wake:
			c.counters.wakeups.Add(1)
		case <-timer:
			c.counters.wakeups.Add(1)
			if pause > c.loop.look {
				continue // it was only to look at the clocks, which next does
			}
		}
		stop()
		c.turn(batch)
	}
}

// turn is one round of work, unless the store is suspended. What arrived before that is
// dropped: it is fetched from store nodes, or its sender sends it again.
func (c *Client) turn(batch []Envelope) {
	t := c.beginTurn()
	defer t.End()
	if !c.loop.paused.Load() {
		c.round(t, batch)
	}
}

func (c *Client) round(t *ledger.Turn, batch []Envelope) {
	c.followClock(t)
	if c.online.came.Swap(false) {
		c.loop.networkPause.End()
		t.Online = c.online.is() // the pause that kept it false is over
		c.outbox.WasAway(t)
		c.catchUp.Missed(time.Time{})
	}
	if c.online.peerCame.Swap(false) {
		c.outbox.WasAway(t)
	}
	released, more := c.routes.released(maxBatch)
	if more {
		c.kick()
	}
	batch = slices.Concat(c.loop.unstored, released, batch)
	c.loop.unstored = nil
	if c.loop.storePause.Lasts(c.now()) {
		c.loop.unstored = batch
		return
	}
	if c.linking.Listens(t) {
		batch = c.acceptLinking(t, batch)
	}
	if len(batch) > 0 {
		if unstored, err := c.receive(batch, live); err != nil {
			c.loop.unstored = append(c.loop.unstored, unstored...)
		}
	}
	if c.loop.storePause.Lasts(c.now()) {
		return
	}
	if c.loop.acceptsWork {
		c.look(t)
		c.renewPreKey()
		c.sendUpdates()
		c.comeBack(t)
		c.publishContactCode(t)
		c.publishPresence(t)
		c.awaitCodes()
		c.deriveKeys(t.Now)
	}
	for _, p := range c.working() {
		if err := p.Work(t); err != nil {
			c.storeFailed(err)
			return
		}
	}
}

// working returns the parts that have work now: before there is an identity only those
// that a device needs to be paired.
func (c *Client) working() []part {
	switch {
	case c.loop.acceptsWork:
		return c.loop.parts
	case c.self.provisional.Load() != nil:
		return []part{c.linking, c.deviceSync}
	}
	return nil
}

// settled reports whether the loop would begin its next round with sending what is due: it has
// nothing to follow or to do before.
func (c *Client) settled(t *ledger.Turn) bool {
	return c.loop.acceptsWork && !c.loop.paused.Load() && !c.loop.storePause.Lasts(t.Now) && len(c.loop.unstored) == 0 &&
		len(c.sessions.answers.due) == 0 && !c.clockJumped()
}

// storeFailed holds the loop back for a while from now on: a disk may take long to fail, so
// the time at which the turn began is no measure.
func (c *Client) storeFailed(err error) {
	c.log.Log("error", "storing failed", "code", string(CodeOf(err)))
	c.loop.storePause.Failed(c.now())
}

// next returns the time the loop may sleep, and the queue it may read: none while the store
// is away or has just failed, so that what arrives stays in it.
func (c *Client) next() (time.Duration, <-chan Envelope) {
	t := c.beginTurn()
	defer t.End()
	pause := c.untilDue(t)
	if c.loop.paused.Load() || c.loop.storePause.Lasts(c.now()) {
		return pause, nil
	}
	return pause, c.loop.inbox.waiting
}

// untilDue returns the time until the loop has to look for work again. It goes by the time
// of the turn, as the parts do: by a later one a pause could be over here of which they
// wait for the end.
func (c *Client) untilDue(t *ledger.Turn) time.Duration {
	parts := c.working()
	if c.loop.paused.Load() || len(parts) == 0 {
		return idle
	}
	now := t.Now
	if c.clockJumped() {
		return 0
	}
	if c.loop.storePause.Lasts(now) {
		return c.loop.storePause.Until.Sub(now)
	}
	if len(c.loop.unstored) > 0 {
		return 0
	}
	due := now.Add(idle)
	earlier := func(at time.Time) {
		if at.Before(due) {
			due = at
		}
	}
	for _, p := range parts {
		if at := p.Due(t); !at.IsZero() {
			earlier(at)
		}
	}
	if c.loop.acceptsWork {
		earlier(c.loop.nextCare)
		if at := c.routes.saveDue(); !at.IsZero() {
			earlier(at)
		}
	}
	switch {
	case c.online.is() && c.loop.networkPause.Lasts(now):
		earlier(c.loop.networkPause.Until)
	case c.online.is() && c.loop.acceptsWork:
		earlier(c.sessions.code.next)
		if c.presencePublished() {
			earlier(c.people.presences.next)
		}
		if c.sessions.awaited.more {
			earlier(c.sessions.awaited.next)
		}
		if len(c.sessions.answers.due) > 0 {
			earlier(now)
		}
	}
	return max(0, due.Sub(now))
}

// look does what is due by the clock: rotating pre-keys, forgetting old marks.
func (c *Client) look(t *ledger.Turn) {
	if !t.Now.Before(c.loop.nextCare) {
		c.loop.nextCare = t.Now.Add(careEvery)
		c.care(t.Now)
		for _, p := range c.loop.parts {
			p.Care(t)
		}
	}
}

// finish records what was published before the client closes.
func (c *Client) finish() {
	t := c.beginTurn()
	defer t.End()
	if !c.loop.paused.Load() {
		_ = c.outbox.Close(t) // it has logged the error, and publishes again after the next start
	}
}

// Bounds of what comes in, before anything is known of who sent it.
const (
	// incomingQueue limits the envelopes that wait for the loop, and incomingBytes their
	// size together; past either the transport blocks, and drops by its own rule. An
	// envelope may have a megabyte.
	incomingQueue = 1024
	incomingBytes = 8 << 20
)

// byteGate blocks a caller that brings more than max bytes before earlier ones are handled.
// Something larger than max passes when nothing else waits.
type byteGate struct {
	max int

	mu    sync.Mutex
	used  int
	freed chan struct{}
}

// enter waits for room for n bytes, until ctx ends.
func (g *byteGate) enter(ctx context.Context, n int) error {
	for {
		g.mu.Lock()
		if g.used == 0 || g.used+n <= g.max {
			g.used += n
			g.mu.Unlock()
			return nil
		}
		if g.freed == nil {
			g.freed = make(chan struct{})
		}
		freed := g.freed
		g.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// leave gives n bytes back.
func (g *byteGate) leave(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.used -= n
	if g.freed != nil {
		close(g.freed)
		g.freed = nil
	}
}

// inbox holds the envelopes that wait for the loop.
type inbox struct {
	waiting chan Envelope
	room    byteGate
}

func newInbox() inbox {
	return inbox{waiting: make(chan Envelope, incomingQueue), room: byteGate{max: incomingBytes}}
}

// maxBatch bounds the envelopes handled in one transaction: with more, what came first
// waits longer, and the commit is paid for already.
const maxBatch = 64

// drain returns first, which was read from waiting, and more waiting envelopes, up to a
// batch.
func (b *inbox) drain(first Envelope) []Envelope {
	batch := []Envelope{first}
	b.room.leave(len(first.Payload))
	for len(batch) < maxBatch {
		select {
		case e := <-b.waiting:
			b.room.leave(len(e.Payload))
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// received puts an envelope of the transport into the inbox; it blocks while that is full.
func (c *Client) received(e Envelope) {
	c.counters.received.Add(1)
	c.counters.doctor.Heard(e)
	if c.loop.inbox.room.enter(c.life.ctx, len(e.Payload)) != nil {
		return
	}
	select {
	case c.loop.inbox.waiting <- e:
	case <-c.life.ctx.Done():
	}
}
