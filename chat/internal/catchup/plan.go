package catchup

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"libstatus1to1/chat/port"
)

// round is one look at all topics. It may take several runs.
type round struct {
	c *CatchUp
	// background: it stops after backgroundQueries, and goes on at the next look.
	background bool
	missed     int64 // ms; 0: nothing but what the cursors say
	// begunOnly: only of topics that are new, so the cursor of all does not move.
	begunOnly bool

	planned bool
	target  int64 // ms; where the cursors move
	from    int64 // ms; the earliest time that is asked for
	pubsub  []string
	topics  map[string]bool
	gone    map[string]int64 // cursors of topics that are listened to no more
	closed  []string         // topics that are not fetched in it
	// confirms: it asks again for what one node alone has answered before; single is the time
	// since when one alone has answered in it, ms, or 0.
	confirms bool
	single   int64
	number   int // of the round, by which store nodes take turns
	total    int // topics

	queries atomic.Int64 // of this run
	fetched atomic.Uint64

	mu       sync.Mutex // of what is below
	batches  []batch    // that are left
	done     int        // topics
	unstored []string   // topics whose cursors have moved in memory only
}

// batch is some topics that are fetched up to the same time.
type batch struct {
	class  Class
	from   int64 // ms
	topics []string
}

// plan finds the batches of the round.
func (r *round) plan() error {
	c := r.c
	topics, err := c.Topics()
	if err != nil {
		return err
	}
	now := c.Now()
	nodes := c.nodes.usable(c.Archive.StoreNodes(), now)
	c.mu.Lock()
	defer c.mu.Unlock()
	if r.begunOnly {
		topics = slices.DeleteFunc(topics, func(t Topic) bool { return !c.cursors.begunLately(t, now) })
	}
	r.target = now.Add(-clockSkew).UnixMilli()
	r.pubsub = slices.Sorted(slices.Values(c.Archive.PubsubTopics()))
	r.number = c.nodes.nextTurn()
	known := c.cursors
	if slices.ContainsFunc(r.pubsub, func(p string) bool { return !slices.Contains(known.pubsub, p) }) && known.all > 0 {
		known = cursors{} // nothing is known of what was published there
	}
	if r.confirms = !r.begunOnly && c.cursors.unconfirmed > 0 && len(nodes) >= nodesAtOnce && !c.schedule.confirm.After(now); r.confirms {
		r.background, c.schedule.confirm = false, now.Add(confirmEvery)
		r.missed = earlier(r.missed, c.cursors.unconfirmed)
	}
	r.notePlanned(topics, c.cursors.of)
	topics = slices.DeleteFunc(topics, func(t Topic) bool {
		if _, ok := c.cursors.of[t.Name]; t.Closed && !ok {
			c.cursors.of[t.Name] = cursor{c.cursors.from(t, now), false} // that of all moves on
		}
		if t.Closed {
			r.closed = append(r.closed, t.Name)
		}
		return t.Closed
	})
	r.batches = r.batchesOf(topics, func(t Topic) int64 {
		from := known.from(t, now)
		if r.missed > 0 {
			oldest := now.Add(-backOf(t.Class)).UnixMilli()
			from = max(min(from, r.missed-overlap.Milliseconds()), oldest)
		}
		return from
	})
	for _, b := range r.batches {
		r.from = earlier(r.from, b.from)
	}
	return nil
}

// notePlanned notes the topics of the round, and which cursors are of none of them.
func (r *round) notePlanned(topics []Topic, cursors map[string]cursor) {
	r.planned, r.topics, r.gone = true, make(map[string]bool, len(topics)), map[string]int64{}
	for name, own := range cursors {
		r.gone[name] = own.at
	}
	for _, t := range topics {
		delete(r.gone, t.Name)
		if !t.Closed {
			r.topics[t.Name] = true
			r.total++
		}
	}
}

// earlier returns the earlier of two times in ms, of which 0 is none.
func earlier(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// batchesOf groups topics of one class that are asked for from the same time, in the order of
// their importance.
func (r *round) batchesOf(topics []Topic, from func(Topic) int64) (all []batch) {
	slices.SortStableFunc(topics, func(a, b Topic) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(b.Active, a.Active), cmp.Compare(a.Name, b.Name))
	})
	type alike struct {
		class Class
		from  int64
	}
	open := map[alike]int{} // index of the batch that has room
	for _, t := range topics {
		key := alike{t.Class, from(t)}
		at, ok := open[key]
		if !ok || len(all[at].topics) == port.MaxQueryTopics {
			at = len(all)
			open[key] = at
			all = append(all, batch{class: t.Class, from: key.from})
		}
		all[at].topics = append(all[at].topics, t.Name)
	}
	return all
}

// unconfirmedAfter returns the time since when one node alone has answered, after the round
// is complete.
func (r *round) unconfirmedAfter(before int64) int64 {
	if r.confirms {
		return r.single
	}
	return earlier(before, r.single)
}

// obsolete returns the cursors that say no more than that of all topics will, and those of
// topics that are gone. stored are those that have a record.
func (r *round) obsolete(of map[string]cursor) (all map[string]int64, stored []string) {
	all = map[string]int64{}
	for name, own := range of {
		gone, isGone := r.gone[name]
		if r.topics[name] && own.at == r.target || isGone && gone == own.at {
			all[name] = own.at
			if own.stored {
				stored = append(stored, name)
			}
		}
	}
	return all, stored
}

// topicsDone returns the number of topics that are fetched.
func (r *round) topicsDone() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.done
}

// to returns the end of the time that is asked for, in ns.
func (r *round) to() int64 { return r.c.Now().Add(clockSkew).UnixNano() }

// nanoseconds converts a time in ms.
func nanoseconds(ms int64) int64 { return ms * int64(time.Millisecond) }
