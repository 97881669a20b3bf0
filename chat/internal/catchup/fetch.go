package catchup

import (
	"context"
	"slices"
	"sync"
	"time"

	"libstatus1to1/chat/port"
)

// fetch gets what is missing of one batch on one pubsub topic. Its stages run side by side:
// the next pages are listed and the next envelopes fetched while the engine stores.
type fetch struct {
	r       *round
	query   port.StoreQuery // for hashes
	listers []*lister
	// whole is the number of nodes that have listed and given everything, fetched that of
	// the envelopes given to the engine.
	whole   int
	fetched uint64

	mu      sync.Mutex
	claimed map[hash]bool // asked for and not stored yet, or not given by anybody
	lone    map[hash]int  // listed by one node so far: which
	size    int           // of the next chunk
	chunks  int
}

// newFetch chooses the nodes to ask.
func newFetch(r *round, b batch, pubsub string) (*fetch, error) {
	c := r.c
	f := &fetch{
		r: r, claimed: map[hash]bool{}, lone: map[hash]int{}, size: firstChunk,
		query: port.StoreQuery{PubsubTopic: pubsub, ContentTopics: b.topics, From: nanoseconds(b.from), To: r.to()},
	}
	for _, id := range c.nodes.choose(c.Archive.StoreNodes(), c.Now(), r.number) {
		f.listers = append(f.listers, &lister{node: id, nexts: map[hash]bool{}})
	}
	if len(f.listers) == 0 {
		return nil, errNoNodes
	}
	return f, nil
}

// chunk is some envelopes to be fetched by one query.
type chunk struct {
	wanted    []wanted
	first     int           // the node that is asked first
	loaded    chan struct{} // closed when envelopes are there
	envelopes []port.Envelope
	given     []hash // theirs
}

// run fetches all. The error is errNoAnswer if no node has answered completely.
func (f *fetch) run(ctx context.Context) error {
	var err error
	if f.r.c.Stepped {
		err = f.inOrder(ctx)
	} else {
		err = f.sideBySide(ctx)
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	if f.noteAnswers(); f.whole == 0 {
		return errNoAnswer
	}
	return nil
}

// inOrder does one thing after the other.
func (f *fetch) inOrder(ctx context.Context) (err error) {
	f.list(ctx, func(c *chunk) bool {
		f.load(ctx, c)
		err = f.deliver(c)
		return err == nil
	})
	return err
}

// sideBySide lists, loads and delivers at the same time. It returns when all of it has
// ended.
func (f *fetch) sideBySide(ctx context.Context) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	ready := make(chan *chunk, chunksAhead)
	running.Go(func() {
		defer close(ready)
		f.r.c.guarded(func() {
			f.list(ctx, func(c *chunk) bool {
				running.Go(func() { f.r.c.guarded(func() { f.load(ctx, c) }) })
				select {
				case ready <- c:
					return true
				case <-ctx.Done():
					return false
				}
			})
		})
	})
	for c := range ready {
		<-c.loaded
		if err = f.deliver(c); err != nil {
			return err
		}
	}
	return nil
}

// list asks for page after page, and passes what is missing to use, in chunks.
// Spec: 13/WAKU2-STORE, "Content filtered queries".
func (f *fetch) list(ctx context.Context, use func(*chunk) bool) {
	for slices.ContainsFunc(f.listers, (*lister).lists) && ctx.Err() == nil {
		missing := f.missing(f.pages(ctx))
		for len(missing) > 0 {
			f.mu.Lock()
			n := min(f.size, len(missing))
			c := &chunk{wanted: missing[:n], first: f.chunks, loaded: make(chan struct{})}
			f.chunks++
			f.mu.Unlock()
			missing = missing[n:]
			if !use(c) {
				return
			}
		}
	}
}

// load gets the envelopes of a chunk: from each node in turn what is still missing.
func (f *fetch) load(ctx context.Context, c *chunk) {
	defer close(c.loaded)
	found := make(map[hash]port.Envelope, len(c.wanted))
	for i := range f.listers {
		at := (c.first + i) % len(f.listers)
		l := f.listers[at]
		var ask []hash
		for _, w := range c.wanted {
			if _, ok := found[w.hash]; !ok {
				ask = append(ask, w.hash)
			}
		}
		if len(ask) == 0 {
			break
		}
		before := len(found)
		if l.sound() {
			f.ask(ctx, l, ask, found)
		}
		l.gave(len(found) - before)
		f.countUngiven(l, uint8(1)<<at, c.wanted, found)
	}
	bytes := 0
	for _, w := range c.wanted {
		if e, ok := found[w.hash]; ok {
			c.envelopes, c.given = append(c.envelopes, e), append(c.given, w.hash)
			bytes += len(e.Payload)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range c.wanted {
		if _, ok := found[w.hash]; !ok {
			delete(f.lone, w.hash) // so it is nothing that the other one lacks
		}
	}
	if n := len(c.envelopes); n > 0 {
		f.size = min(max(chunkBytes*n/max(bytes, 1), 1), port.MaxQueryHashes)
	}
}

// countUngiven counts what a node has listed and not given.
func (f *fetch) countUngiven(l *lister, bit uint8, all []wanted, found map[hash]port.Envelope) {
	ungiven := 0
	for _, w := range all {
		if _, ok := found[w.hash]; !ok && w.by&bit != 0 {
			ungiven++
		}
	}
	l.mu.Lock()
	l.ungiven += ungiven
	many := l.ungiven >= maxUngiven
	l.mu.Unlock()
	if many {
		l.fail(port.StoreWrong, "lists messages and does not give them")
	}
}

// ask gets envelopes by their hashes from one node.
// Spec: 13/WAKU2-STORE, "Message hash lookup queries".
func (f *fetch) ask(ctx context.Context, l *lister, hashes []hash, found map[hash]port.Envelope) {
	q := port.StoreQuery{Hashes: hashes, WithEnvelopes: true, Limit: len(hashes)}
	may := slowerBy    // to answer, and besides for what is in the answer
	for range hashes { // a node may give them in several pages, with one at least in each
		begin, bytes := time.Now(), 0
		page, err := f.r.query(ctx, l.node, q, queryTimeout)
		if err != nil {
			f.blame(l, ctx, err)
			return
		}
		for _, entry := range page.Entries {
			e := entry.Envelope
			if e == nil || !slices.Contains(hashes, entry.Hash) || !f.fits(*e) {
				l.fail(port.StoreWrong, "gave an envelope that was not asked for")
				return
			}
			if _, ok := found[entry.Hash]; !ok {
				found[entry.Hash] = *e
			}
			bytes += len(e.Payload)
		}
		f.took(l, time.Since(begin), may+chunkTime(len(page.Entries), bytes))
		if page.Next == nil || len(page.Entries) == 0 || !l.sound() {
			return
		}
		may = 0
		q.After = page.Next
	}
}

// fits reports whether an envelope is of the topics and the time that were asked for. The
// hash alone did not say so. Times are not looked at closely: store nodes may differ in how
// they count the ends.
func (f *fetch) fits(e port.Envelope) bool {
	return e.PubsubTopic == f.query.PubsubTopic && slices.Contains(f.query.ContentTopics, e.ContentTopic) &&
		e.Timestamp >= f.query.From-int64(overlap) && e.Timestamp <= f.query.To+int64(overlap)
}

// deliver gives a chunk to the engine. When it returns without an error, that is stored.
func (f *fetch) deliver(c *chunk) error {
	for part := range slices.Chunk(c.envelopes, deliverAtOnce) {
		if err := f.r.c.Deliver(part); err != nil {
			return errStore{err}
		}
		f.fetched += uint64(len(part))
		f.r.fetched.Add(uint64(len(part)))
		f.r.c.progress(f.r)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, h := range c.given {
		f.r.c.known.Add(h, struct{}{})
		delete(f.claimed, h)
	}
	return nil
}

// noteAnswers notes how each node has answered.
func (f *fetch) noteAnswers() {
	for _, by := range f.lone {
		if other := f.listers[1-by]; other.done && f.listers[by].sound() {
			other.lacks++
		}
	}
	for _, l := range f.listers {
		if l.ungiven > 0 {
			l.fail(port.StoreWrong, "listed %d messages and did not give them", l.ungiven)
		}
		if !l.sound() {
			f.r.c.nodes.failed(l.node, l.kind, l.fault)
			continue
		}
		f.whole++
		f.r.c.nodes.answered(l.node, l.fetched, l.lacks)
	}
}
