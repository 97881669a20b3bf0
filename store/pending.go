package store

import (
	"bytes"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// What closures write waits in memory until the commit: then the records are sealed
// on all cores and given to bbolt bucket by bucket in the order of their keys, each
// once, however often it was written.

// appendFill is the fill level at which bbolt splits a page of a bucket that grows at
// its end. With bbolt's default of one half such pages would stay half empty, and so
// would those that it merges where records leave.
const appendFill = 0.95

// pending is the part of one bucket that bbolt does not have yet.
type pending struct {
	dropped bool           // first the whole bucket goes
	steps   map[string]int // the last step of each disk key
}

// applied records what bbolt was given of one bucket in this transaction, in addition
// to what an index entry tells.
type applied struct {
	traces  trace // change of the traces
	records int64 // change of the number of records, of a table
	made    bool  // the bucket is there, if only empty
}

// grown is the entry after what was applied.
func (e entry) grown(a applied) entry {
	if e.kind == kindTable {
		e.last += uint64(a.records)
		e.gone = e.gone && !a.made
	}
	if !e.gone {
		e.traces.add(a.traces)
	}
	return e
}

// write is a step on its way into bbolt.
type write struct {
	act   act
	fresh bool
	rises bool // keys of the bucket rise with time
	id    bucketID
	key   []byte
	plain []byte
	box   []byte // sealed
	trace trace  // of box
}

// note makes step i the last one of its key.
func (b *batch) note(i int) {
	s := &b.steps[i]
	p := b.pending[s.id]
	if p == nil {
		p = &pending{steps: map[string]int{}}
		b.pending[s.id] = p
	}
	if s.act == actDrop {
		p.dropped = true
		clear(p.steps)
		return
	}
	if old, ok := p.steps[string(s.key)]; ok {
		// Between the two nothing reached the file. What s itself promises may be of a
		// time when bbolt had the old step, before a failing closure undid that.
		s.fresh = b.steps[old].fresh
	}
	p.steps[string(s.key)] = i
}

// written returns what a closure of this commit wrote under a disk key; nil for a
// record that it has deleted. known reports whether that is the final answer, so that
// bbolt need not be asked.
func (b *batch) written(id bucketID, diskKey []byte) (plain []byte, known bool) {
	p := b.pending[id]
	if p == nil {
		return nil, false
	}
	if i, ok := p.steps[string(diskKey)]; ok {
		return b.steps[i].value, true
	}
	return nil, p.dropped
}

// applyPending gives bbolt the pending writes of a bucket, so that a cursor finds them.
func (b *batch) applyPending(id bucketID) error {
	p := b.pending[id]
	if b.fatal != nil || p == nil {
		return b.fatal
	}
	b.fatal = b.apply(map[bucketID]*pending{id: p})
	return b.fatal
}

// apply seals and writes.
func (b *batch) apply(all map[bucketID]*pending) error {
	writes := b.room.writes[:0]
	for _, id := range slices.Sorted(maps.Keys(all)) {
		p := all[id]
		if p.dropped {
			writes = append(writes, write{act: actDrop, id: id})
		}
		for _, key := range slices.Sorted(maps.Keys(p.steps)) {
			s := &b.steps[p.steps[key]]
			writes = append(writes, write{act: s.act, fresh: s.fresh, rises: s.rises, id: id, key: s.key, plain: s.value})
		}
	}
	b.room.writes = writes
	defer clear(writes)
	if err := b.crypt.sealWrites(writes, &b.room.memory); err != nil {
		return err
	}
	for _, w := range writes {
		if err := b.change(w); err != nil {
			return err
		}
	}
	for id := range all {
		delete(b.pending, id)
	}
	return nil
}

// room is memory that one batch after another uses, so that not every batch allocates
// its own.
type room struct {
	steps  []step
	writes []write
	memory arena
	maps   *batchMaps // empty; nil if a batch has them
}

// roomKept is the number of steps whose memory is kept after a batch: enough for some
// hundred messages.
const roomKept = 4096

// leave takes the memory of a batch for reuse.
func (r *room) leave(b *batch) {
	clear(b.steps)
	r.steps, r.maps = b.steps, b.emptied()
	r.memory.leave()
	if cap(r.steps) > roomKept || cap(r.writes) > roomKept {
		r.steps, r.writes = nil, nil
	}
}

// change does one write in bbolt.
func (b *batch) change(w write) error {
	var err error
	panicked := guard("file", func() {
		if w.act == actDrop {
			if err = b.file.walked(); err != nil { // all its pages become free
				return
			}
			delete(b.buckets, w.id)
			delete(b.cursors, w.id)
			b.applied[w.id] = applied{} // the entry begins anew, too
			if b.bolt.Bucket([]byte(w.id)) != nil {
				err = b.bolt.DeleteBucket([]byte(w.id))
			}
			return
		}
		bucket := b.buckets[w.id]
		if bucket == nil {
			if bucket = b.bolt.Bucket([]byte(w.id)); bucket == nil && w.act == actDelete {
				return
			}
			if bucket == nil {
				bucket, err = b.bolt.CreateBucket([]byte(w.id))
			}
			if err != nil {
				return
			}
			b.buckets[w.id] = bucket
		}
		err = b.changeIn(bucket, w)
	})
	if panicked != nil {
		return panicked
	}
	return asError("writing to the store", err)
}

// changeIn does one write in a bucket and notes what comes of it.
func (b *batch) changeIn(bucket *bolt.Bucket, w write) error {
	if err := b.file.beforeWrite(bucket, w); err != nil {
		return err
	}
	if w.id == headerBucket || w.id == indexBucket {
		if w.act == actDelete {
			return bucket.Delete(w.key)
		}
		if w.id == headerBucket {
			b.applied[w.id] = applied{made: true}
		}
		return bucket.Put(w.key, w.box)
	}
	var old []byte
	if !w.fresh {
		old = b.present(bucket, w)
	}
	if w.rises {
		bucket.FillPercent = appendFill
	}
	a := b.applied[w.id]
	if old != nil {
		b.crypt.traceTo(&b.old, old)
		a.traces.add(b.old)
		a.records--
	}
	if w.act == actDelete {
		if old == nil {
			return nil
		}
		b.applied[w.id] = a
		return bucket.Delete(w.key)
	}
	a.traces.add(w.trace)
	a.records++
	a.made = true
	b.applied[w.id] = a
	return bucket.Put(w.key, w.box)
}

// present returns the value in the file under the key of w, or nil.
func (b *batch) present(bucket *bolt.Bucket, w write) []byte {
	c := b.cursors[w.id]
	if c == nil {
		c = bucket.Cursor()
		b.cursors[w.id] = c
	}
	if key, box := c.Seek(w.key); bytes.Equal(key, w.key) {
		return box
	}
	return nil
}
