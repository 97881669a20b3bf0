package catchup

import (
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// tableCatchUp holds the time up to which topics were fetched: one record for all that have
// none of their own, so that rounds that find nothing write one record at most.
const tableCatchUp port.Table = "catch_up" // allTopics or a content topic -> CatchUpRecord

// allTopics is the name of the record for all topics without one.
var allTopics = []byte("*")

// cursors mirror the table, and are ahead of it by what was found to have nothing new.
type cursors struct {
	all int64 // ms; 0: no round was complete yet
	// of are the topics with a cursor of their own.
	of map[string]cursor
	// pubsub are the pubsub topics that were asked for.
	pubsub []string
	// unconfirmed is the time since when one store node alone has answered; 0: none.
	unconfirmed int64
	written     int64 // all, as it is in the store
}

// cursor is the time up to which a topic was fetched, in ms.
type cursor struct {
	at     int64
	stored bool // there is a record, with this time or an earlier one
}

func readCursors(tx port.Tx) (cursors, error) {
	c := cursors{of: map[string]cursor{}}
	err := tx.Each(tableCatchUp, func(name, value []byte) error {
		var rec wire.CatchUpRecord
		if err := ledger.Decode(tableCatchUp, value, &rec); err != nil {
			return err
		}
		if string(name) == string(allTopics) {
			c.all, c.written = rec.GetFetchedTo(), rec.GetFetchedTo()
			c.pubsub, c.unconfirmed = rec.GetPubsubTopics(), rec.GetUnconfirmedSince()
			return nil
		}
		c.of[string(name)] = cursor{rec.GetFetchedTo(), true}
		return nil
	})
	return c, err
}

// Check looks whether the records read back.
func (c *CatchUp) Check(w *ledger.Walk) error {
	return w.Each(tableCatchUp, func(name, value []byte) error {
		var rec wire.CatchUpRecord
		if err := ledger.Decode(tableCatchUp, value, &rec); err != nil {
			return err
		}
		all := string(name) == string(allTopics)
		if len(name) == 0 || rec.GetFetchedTo() <= 0 || rec.GetUnconfirmedSince() < 0 ||
			!all && (len(rec.GetPubsubTopics()) > 0 || rec.GetUnconfirmedSince() != 0) {
			w.Report(tableCatchUp, "a cursor does not read back")
		}
		return nil
	})
}

// backOf returns how far back topics of a class are asked for.
func backOf(class Class) time.Duration {
	if class == ContactCode {
		return codesBack
	}
	return keptByStores
}

// from returns the time from which a topic is to be asked for, in ms. A cursor in the future
// is of a clock that was wrong, and says nothing.
func (c *cursors) from(t Topic, now time.Time) int64 {
	oldest := now.Add(-backOf(t.Class)).UnixMilli()
	at := c.all
	if own, ok := c.of[t.Name]; ok {
		at = own.at
	}
	if at > now.UnixMilli() {
		return oldest
	}
	return max(at-overlap.Milliseconds(), oldest)
}

// shift moves all cursors by ms, as somebody has set the clock.
func (c *cursors) shift(by int64) {
	move := func(at *int64) {
		if *at > 0 {
			*at = max(*at+by, 1)
		}
	}
	move(&c.all)
	for name, own := range c.of {
		move(&own.at)
		c.of[name] = own
	}
	c.written = 0 // the store has another time
}

// Began notes, in the transaction that stores it, that a topic is listened to from now on.
func (c *CatchUp) Began(tx *ledger.Tx, name string, class Class) error {
	if c.Archive == nil {
		return nil
	}
	back := codesBack
	if class == Negotiated {
		back = negotiatedBack
	}
	return c.listen(tx, name, c.Now().Add(-back), true)
}

// BeganAfresh is Began for a topic on which nothing from before is wanted: store nodes are
// asked for what is missed from now on, and not for the topic now.
func (c *CatchUp) BeganAfresh(tx *ledger.Tx, name string) error {
	if c.Archive == nil {
		return nil
	}
	return c.listen(tx, name, c.Now(), false)
}

// listen stores the cursor of a new topic. look: it is fetched from there soon.
func (c *CatchUp) listen(tx *ledger.Tx, name string, from time.Time, look bool) error {
	at := from.Truncate(begunAlike).UnixMilli()
	tx.After(func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.loaded {
			c.cursors.of[name] = cursor{at, true}
			if look && c.schedule.begun.IsZero() {
				c.schedule.begun = c.Now()
			}
		}
	})
	return ledger.Put(tx, tableCatchUp, []byte(name), &wire.CatchUpRecord{FetchedTo: at})
}

// begunLately reports whether a topic has a cursor of its own because it is a new one, and
// was not fetched yet.
func (c *cursors) begunLately(t Topic, now time.Time) bool {
	own, ok := c.of[t.Name]
	return ok && own.at <= now.Add(-codesBack/2).UnixMilli()
}

// advance moves the cursors of a batch after all that was fetched of it is stored. If that
// was nothing they are stored later, with many others; in the background not before the
// round is complete.
func (c *CatchUp) advance(r *round, names []string, fetched uint64) error {
	if fetched > 0 {
		if err := c.storeCursors(names, r.target); err != nil {
			return err
		}
	}
	c.mu.Lock()
	for _, name := range names {
		c.cursors.of[name] = cursor{r.target, c.cursors.of[name].stored || fetched > 0}
	}
	var waiting []string
	if fetched == 0 && !r.background {
		if r.unstored = append(r.unstored, names...); len(r.unstored) >= checkpoint {
			waiting, r.unstored = r.unstored, nil
		}
	}
	c.mu.Unlock()
	if waiting == nil {
		return nil
	}
	return c.storeCursors(waiting, r.target)
}

// storeCursors writes cursors of topics.
func (c *CatchUp) storeCursors(names []string, at int64) error {
	for part := range slices.Chunk(names, atOnce) {
		err := c.Ledger.Update(func(tx *ledger.Tx) error {
			for _, name := range part {
				if err := ledger.Put(tx, tableCatchUp, []byte(name), &wire.CatchUpRecord{FetchedTo: at}); err != nil {
					return err
				}
			}
			tx.After(func() {
				c.mu.Lock()
				defer c.mu.Unlock()
				for _, name := range part {
					c.cursors.of[name] = cursor{at, true}
				}
			})
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// complete moves the cursor of all topics when a round has fetched all of them, and drops
// the cursors that are not needed by that.
func (c *CatchUp) complete(r *round) error {
	c.mu.Lock()
	k := &c.cursors
	rec := &wire.CatchUpRecord{FetchedTo: r.target, PubsubTopics: r.pubsub, UnconfirmedSince: r.unconfirmedAfter(k.unconfirmed)}
	obsolete, stored := r.obsolete(k.of)
	behind := map[string]int64{}
	for _, name := range r.closed {
		if own, ok := k.of[name]; ok && !own.stored {
			behind[name] = own.at
		}
	}
	same := rec.UnconfirmedSince == k.unconfirmed && slices.Equal(rec.PubsubTopics, k.pubsub) && r.fetched.Load() == 0 && len(stored) == 0 &&
		r.target >= k.written && r.target-k.written < writeEvery.Milliseconds()
	c.mu.Unlock()
	if !same {
		if err := c.storeAll(rec, stored, behind); err != nil {
			return err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	k.all, k.pubsub, k.unconfirmed = r.target, rec.PubsubTopics, rec.UnconfirmedSince
	if !same {
		k.written = r.target
	}
	for name, at := range obsolete {
		if k.of[name].at == at { // it has not begun anew meanwhile
			delete(k.of, name)
		}
	}
	return nil
}

// storeAll writes the record of all topics, and then deletes records that say no more than
// that. Whatever of that is missing after a crash makes a query longer. The cursors of topics
// that are behind go with it: a crash must not bring them to that of all.
func (c *CatchUp) storeAll(rec *wire.CatchUpRecord, obsolete []string, behind map[string]int64) error {
	first := true
	for first || len(obsolete) > 0 {
		n := min(len(obsolete), atOnce)
		err := c.Ledger.Update(func(tx *ledger.Tx) error {
			for _, name := range obsolete[:n] {
				if err := tx.Delete(tableCatchUp, []byte(name)); err != nil {
					return err
				}
			}
			if !first {
				return nil
			}
			for name, at := range behind {
				if err := ledger.Put(tx, tableCatchUp, []byte(name), &wire.CatchUpRecord{FetchedTo: at}); err != nil {
					return err
				}
			}
			tx.After(func() { c.areStored(behind) })
			return ledger.Put(tx, tableCatchUp, allTopics, rec)
		})
		if err != nil {
			return err
		}
		first, obsolete = false, obsolete[n:]
	}
	return nil
}

// areStored notes that cursors have a record.
func (c *CatchUp) areStored(all map[string]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, at := range all {
		if own := c.cursors.of[name]; own.at == at {
			c.cursors.of[name] = cursor{at, true}
		}
	}
}
