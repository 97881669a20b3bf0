package chat

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
)

// The keys of content topics. Deriving one takes some 10 ms, so it is done beside the loop. A
// route is stored and listened to before it has its key; so a crash loses no more than work.
// Until the key is there
//
//   - what comes on the topic is held, within bounds, and what is more than that is neither
//     marked nor acknowledged; store nodes are asked for it when the key is there,
//   - what is to be sent takes the partitioned topic, where everybody always listens. Spec: 54,
//     "Negotiated topic to be used for the session".

const (
	// maxDerivers bounds the goroutines that derive keys. One core is left to others where
	// there are several.
	maxDerivers = 4
	// keysSavedAtOnce is the number of keys that wait to be stored together: half a second of
	// work, which a crash may cost.
	keysSavedAtOnce = 48
)

// Bounds of the envelopes that wait for keys. Anybody can publish on any topic, and a key is
// there some 10 ms after the first envelope.
const (
	// maxHeldEach and maxHeldBytesEach bound those on one content topic: one person's.
	maxHeldEach      = 64
	maxHeldBytesEach = 2 << 20
	// maxHeld and maxHeldBytes bound those on all, as what waits for the loop is bounded.
	maxHeld      = incomingQueue
	maxHeldBytes = incomingBytes
)

// symmetricKey is a variable so that simulations of many clients need not derive the
// same keys again and again.
var symmetricKey = topic.SymmetricKey

// missingKeys are the keys of routes that are to be derived. routes.mu guards it.
type missingKeys struct {
	// urgent are routes on whose topic envelopes wait; waiting are all. Either may name some
	// that need no key any more.
	urgent, waiting []routeName
	deriving        map[routeName]bool
	derivers        int // goroutines
	// ended is closed when a derivation ends; nil while nobody waits for that.
	ended chan struct{}
	// unsaved are stored routes whose key is in memory only; after a failure of the store
	// they are not stored for a while.
	unsaved []routeName
	pause   ledger.Pause
	held    heldEnvelopes
}

// heldEnvelopes are envelopes on topics whose keys are missing, and ready those whose keys are
// there: the loop handles them next.
type heldEnvelopes struct {
	of            map[topicID][]Envelope
	number, bytes int
	ready         []Envelope
}

// hold keeps an envelope if that is within the bounds.
func (h *heldEnvelopes) hold(id topicID, e Envelope) bool {
	size := len(e.Payload)
	for _, other := range h.of[id] {
		size += len(other.Payload)
	}
	if len(h.of[id]) >= maxHeldEach || size > maxHeldBytesEach || h.number >= maxHeld || h.bytes+len(e.Payload) > maxHeldBytes {
		return false
	}
	if h.of == nil {
		h.of = map[topicID][]Envelope{}
	}
	h.of[id] = append(h.of[id], e)
	h.number, h.bytes = h.number+1, h.bytes+len(e.Payload)
	return true
}

// release has the envelopes of a topic handled again; there may be another route on it whose
// key is missing, and then they are held again.
func (h *heldEnvelopes) release(id topicID) { h.ready = append(h.ready, h.of[id]...); delete(h.of, id) }

// forget drops the envelopes of a topic that is no longer listened to.
func (h *heldEnvelopes) forget(id topicID) {
	h.taken(h.of[id])
	delete(h.of, id)
}

// take returns up to max envelopes that can be handled.
func (h *heldEnvelopes) take(max int) []Envelope {
	n := min(max, len(h.ready))
	all := h.ready[:n:n]
	h.ready = h.ready[n:]
	h.taken(all)
	return all
}

// taken counts envelopes that are held no more.
func (h *heldEnvelopes) taken(all []Envelope) {
	for _, e := range all {
		h.number, h.bytes = h.number-1, h.bytes-len(e.Payload)
	}
}

// errNoKey is the error of an envelope that nothing opens yet: a key of its topic is missing.
var errNoKey = errors.New("chat: a key of the topic is not derived yet")

// holdEarly keeps envelopes that came before the keys of their topics. They are not known to
// catch-up: it asks for them again if they are lost.
func (c *Client) holdEarly(all []Envelope) {
	for _, e := range all {
		if !c.routes.hold(e) {
			c.counters.drop("no_key")
		}
	}
	if len(all) > 0 {
		c.kick()
	}
}

// hold keeps an envelope that came before the key of its topic, and has that derived next. It
// reports whether there is room.
func (r *routes) hold(e Envelope) bool {
	id, err := topic.ParseContentTopic(e.ContentTopic)
	if err != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	first, missing := len(r.missing.held.of[id]) == 0, false
	for l := r.byTopic[id]; l != nil; l = l.next {
		if l.opens() {
			continue
		}
		if missing = true; first {
			r.missing.urgent = append(r.missing.urgent, l.name())
		}
	}
	held := r.missing.held.hold(id, e)
	if held && !missing { // it was derived just now
		r.missing.held.release(id)
	}
	return held
}

// released returns held envelopes whose keys are there, and whether more are left.
func (r *routes) released(max int) (all []Envelope, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	all = r.missing.held.take(max)
	return all, len(r.missing.held.ready) > 0
}

// find returns the route of a name, stored or awaited. r.mu is held.
func (r *routes) find(n routeName) *listed {
	if l := r.known[n]; l != nil {
		return l
	}
	if n.kind == topicContactCode {
		return r.awaited[n.peer]
	}
	return nil
}

// setKey gives a route its key. r.mu is held.
func (r *routes) setKey(l *listed, sym key.Secret) {
	l.sym = sym
	r.missing.held.release(l.id)
}

// beginDeriver counts a goroutine that derives keys and returns true if there is something for
// it to do and fewer than limit do so.
func (r *routes) beginDeriver(limit int, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &r.missing
	work := len(m.urgent)+len(m.waiting) > 0 || len(m.unsaved) > 0 && !m.pause.Lasts(now)
	if !work || m.derivers >= limit {
		return false
	}
	m.derivers++
	return true
}

// endDeriver counts down.
func (r *routes) endDeriver() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing.derivers--
}

// nextMissing returns a route whose key is to be derived now, and notes that it is. If there is
// none the deriver is counted as ended: who adds one later sees that another is needed.
func (r *routes) nextMissing() (route, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &r.missing
	for _, queue := range []*[]routeName{&m.urgent, &m.waiting} {
		for len(*queue) > 0 {
			n := (*queue)[0]
			*queue = (*queue)[1:]
			if found, ok := r.claim(r.find(n)); ok {
				return found, true
			}
		}
		*queue = nil
	}
	m.derivers--
	return route{}, false
}

// claim notes that the key of a route is being derived, unless it is already or need not be.
// r.mu is held.
func (r *routes) claim(l *listed) (route, bool) {
	if l == nil || l.opens() || r.missing.deriving[l.name()] {
		return route{}, false
	}
	if r.missing.deriving == nil {
		r.missing.deriving = map[routeName]bool{}
	}
	r.missing.deriving[l.name()] = true
	return l.route, true
}

// missingOn claims a route of a content topic without its key. wait is closed when a
// derivation ends, if all that is missing there is being derived.
func (r *routes) missingOn(contentTopic string) (claimed route, ok bool, wait chan struct{}) {
	id, err := topic.ParseContentTopic(contentTopic)
	if err != nil {
		return route{}, false, nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for l := r.byTopic[id]; l != nil; l = l.next {
		if claimed, ok = r.claim(l); ok {
			return claimed, true, nil
		}
		if r.missing.deriving[l.name()] {
			if r.missing.ended == nil {
				r.missing.ended = make(chan struct{})
			}
			wait = r.missing.ended
		}
	}
	return route{}, false, wait
}

// derived ends a derivation; sym is nil if it has failed. It reports whether envelopes can be
// handled now.
func (r *routes) derived(n routeName, sym *key.Secret) (ready bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &r.missing
	delete(m.deriving, n)
	if m.ended != nil {
		close(m.ended)
		m.ended = nil
	}
	l := r.find(n)
	if l == nil || l.opens() || sym == nil {
		return false
	}
	r.setKey(l, *sym)
	if r.known[n] != nil {
		m.unsaved = append(m.unsaved, n)
	}
	return len(m.held.ready) > 0
}

// takeUnsaved returns keys to be stored, if they are some at least.
func (r *routes) takeUnsaved(least int, now time.Time) (all []route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := &r.missing
	if len(m.unsaved) < least || m.pause.Lasts(now) {
		return nil
	}
	for _, n := range m.unsaved {
		if l := r.known[n]; l != nil {
			all = append(all, l.route)
		}
	}
	m.unsaved = nil
	return all
}

// saveFailed has keys stored later.
func (r *routes) saveFailed(all []route, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range all {
		r.missing.unsaved = append(r.missing.unsaved, n.name())
	}
	r.missing.pause.Failed(now)
}

// saved ends the pause after failures.
func (r *routes) saved() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing.pause.End()
}

// saveDue returns when keys are to be stored that could not be; the zero time is never.
func (r *routes) saveDue() time.Time {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if len(r.missing.unsaved) == 0 || r.missing.derivers > 0 {
		return time.Time{}
	}
	return r.missing.pause.Until
}

// deriveKeys has missing keys derived beside the loop.
func (c *Client) deriveKeys(now time.Time) {
	for c.routes.beginDeriver(min(maxDerivers, max(1, runtime.GOMAXPROCS(0)-1)), now) {
		c.beside("deriving the keys of topics", c.deriver)
		if c.loop.stepped {
			return // it has done all
		}
	}
}

// deriver derives and stores keys until none is missing.
func (c *Client) deriver(ctx context.Context) {
	a, saved := c.self.Load(), false
	for {
		if ctx.Err() != nil || c.loop.paused.Load() {
			c.routes.endDeriver()
			break
		}
		r, ok := c.routes.nextMissing()
		if !ok {
			break
		}
		c.derive(a, r)
		saved = c.saveKeys(keysSavedAtOnce) || saved
	}
	if c.saveKeys(1) || saved {
		c.catchUp.CanOpen()
	}
}

// derive makes the key of a claimed route, and has what waits for it handled. It reports whether
// the route has a key.
func (c *Client) derive(a *account, r route) bool {
	name, err := r.topicName(a)
	if err != nil {
		c.log.Log("error", "a topic has no key", "kind", string(r.kind), "error", err.Error())
		c.routes.derived(r.name(), nil)
		return false
	}
	sym := symmetricKey(name)
	if c.routes.derived(r.name(), &sym) {
		c.kick()
	}
	return true
}

// topicName returns the name from which the key of a route is derived.
func (r route) topicName(a *account) (string, error) {
	peer, err := key.ParsePublic(r.peer[:])
	if err != nil || r.kind == topicContactCode {
		return topic.ContactCode(peer).Name, err
	}
	shared, err := a.self.Identity.ECDH(peer)
	return topic.Negotiated(shared).Name, err
}

// deriveOn derives what keys are missing on a content topic, or waits for who does.
func (c *Client) deriveOn(contentTopic string) {
	a := c.self.Load()
	for a != nil {
		r, ok, wait := c.routes.missingOn(contentTopic)
		switch {
		case ok && c.derive(a, r):
			continue
		case ok:
			return // it has none, and would be claimed again
		case wait == nil:
			return
		}
		select {
		case <-wait:
		case <-c.life.ctx.Done():
			return
		}
	}
}

// saveKeys stores the keys that were derived, if they are least at least. One that cannot be
// stored does not keep others from it: it is derived again after the next start. It reports
// whether there were any.
func (c *Client) saveKeys(least int) bool {
	all := c.routes.takeUnsaved(least, c.now())
	if len(all) == 0 {
		return false
	}
	err := c.storeKeys(all)
	if err != nil && !ledger.Passing(err) && len(all) > 1 {
		for one := range slices.Chunk(all, 1) {
			if one := c.storeKeys(one); one != nil && ledger.Passing(one) {
				err = one
			}
		}
	}
	switch {
	case err == nil:
		c.routes.saved()
	case ledger.Passing(err):
		c.routes.saveFailed(all, c.now())
	default:
		c.log.Log("error", "the key of a topic cannot be stored", "code", string(CodeOf(err)))
	}
	return true
}

// storeKeys adds keys to the records of their routes. One may be gone meanwhile.
func (c *Client) storeKeys(all []route) error {
	return c.update(func(t *txn) error {
		for _, r := range all {
			var rec wire.TopicRecord
			found, err := ledger.Get(t, tableTopics, r.name().recordKey(), &rec)
			if err != nil {
				return err
			}
			if !found || len(rec.GetKey()) > 0 {
				continue
			}
			if err := ledger.Put(t, tableTopics, r.name().recordKey(), r.record()); err != nil {
				return err
			}
		}
		return nil
	})
}
