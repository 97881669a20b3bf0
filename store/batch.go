package store

import (
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// batch is one commit under construction: what its closures wrote, in memory, and a
// writable bbolt transaction that shows what was stored before. Writes reach bbolt
// sealed and sorted: at the end, or when a closure walks over a bucket that it has
// changed (pending.go). A failing closure is undone by dropping its steps, and by
// restarting the bbolt transaction if that has received any of them.
type batch struct {
	reader
	file  *boltFile
	room  *room
	steps []step
	bytes int // of the steps' values
	*batchMaps
	old trace // of what is written over
	// fatal ends the batch: bbolt failed in the middle of a change.
	fatal error
	hung  bool // bbolt must not be used any more
}

type before struct {
	entry   entry
	known   bool // was in index
	changed bool
}

// step is one change of the file.
type step struct {
	act act
	// fresh promises that the file holds nothing under key.
	fresh bool
	// rises tells that the keys of the bucket rise with time.
	rises bool
	id    bucketID
	key   []byte
	// value is the plaintext; of the header bucket, what stands on disk.
	value []byte
}

type act byte

const (
	actPut act = iota
	actDelete
	actDrop // the whole bucket
)

func newBatch(c *crypt, f *boltFile, r *room) (*batch, error) {
	tx, hung, err := f.begin(true)
	b := newBatchIn(tx, c, r)
	b.file, b.hung = f, hung
	return b, err
}

// batchMaps are the maps of a batch, most of them by bucket.
type batchMaps struct {
	bolts map[bucketID]*bolt.Bucket // of the reader
	// pending are the steps that bbolt does not have yet, by bucket.
	pending map[bucketID]*pending
	// applied records what bbolt was given, by bucket.
	applied map[bucketID]applied
	index   map[bucketID]entry
	// changed holds the entries to write at the end.
	changed map[bucketID]bool
	// before holds the index entries that the running closure has changed, as they were
	// when it started.
	before map[bucketID]before
	// spots are what is known of histories.
	spots map[bucketID]*spot
	// cursors find the present value of a record before it is overwritten.
	cursors map[bucketID]*bolt.Cursor
}

func newBatchMaps() *batchMaps {
	return &batchMaps{
		bolts: map[bucketID]*bolt.Bucket{}, pending: map[bucketID]*pending{}, applied: map[bucketID]applied{},
		index: map[bucketID]entry{}, changed: map[bucketID]bool{}, before: map[bucketID]before{}, spots: map[bucketID]*spot{},
		cursors: map[bucketID]*bolt.Cursor{},
	}
}

// mapsKept is the number of buckets of a batch whose maps are kept for the next one: more than
// there are tables and queues.
const mapsKept = 128

// emptied is m for another batch; nil if it is too large to be kept.
func (m *batchMaps) emptied() *batchMaps {
	if max(len(m.bolts), len(m.pending), len(m.index), len(m.spots)) > mapsKept {
		return nil
	}
	clear(m.bolts)
	clear(m.pending)
	clear(m.applied)
	clear(m.index)
	clear(m.changed)
	clear(m.before)
	clear(m.spots)
	clear(m.cursors)
	return m
}

// newBatchIn makes a batch in a bbolt transaction that somebody else commits: flush
// ends it.
func newBatchIn(tx *bolt.Tx, c *crypt, r *room) *batch {
	m := r.maps
	if r.maps = nil; m == nil {
		m = newBatchMaps()
	}
	return &batch{batchMaps: m, reader: reader{crypt: c, bolt: tx, buckets: m.bolts}, room: r, steps: r.steps[:0]}
}

// do takes a step.
func (b *batch) do(s step) error {
	if b.fatal != nil {
		return b.fatal
	}
	b.steps = append(b.steps, s)
	b.bytes += len(s.value)
	b.note(len(b.steps) - 1)
	return nil
}

// lookup is the index entry as closures changed it. What follows from the records
// themselves, their traces and their number in a table, comes with applied.
func (b *batch) lookup(kind byte, name string) (bucketID, entry, error) {
	id := b.crypt.bucket(kind, name)
	if e, ok := b.index[id]; ok {
		return id, e, nil
	}
	id, e, err := b.reader.entry(kind, name)
	if err == nil {
		b.index[id] = e
	}
	return id, e, err
}

// set changes an index entry. It reaches the file with the commit.
func (b *batch) set(id bucketID, e entry) {
	if _, ok := b.before[id]; !ok {
		old, known := b.index[id]
		b.before[id] = before{old, known, b.changed[id]}
	}
	b.index[id], b.changed[id] = e, true
}

// keep ends a closure that succeeded.
func (b *batch) keep() { clear(b.before) }

// takeBack ends a closure that failed, leaving the first n steps.
func (b *batch) takeBack(n int) {
	for id, old := range b.before {
		b.index[id], b.changed[id] = old.entry, old.changed
		if !old.known {
			delete(b.index, id)
		}
		if !old.changed {
			delete(b.changed, id)
		}
	}
	clear(b.before)
	if b.fatal != nil || len(b.steps) == n {
		return
	}
	if len(b.applied) > 0 {
		b.abort()
		tx, hung, err := b.file.begin(true)
		clear(b.buckets)
		b.bolt, b.hung, b.fatal = tx, hung, err
	}
	clear(b.applied)
	clear(b.cursors)
	clear(b.pending)
	clear(b.spots)
	clear(b.steps[n:])
	b.steps, b.bytes = b.steps[:n], 0
	for i := range b.steps {
		b.bytes += len(b.steps[i].value)
		b.note(i)
	}
}

// abort ends the bbolt transaction without a trace.
func (b *batch) abort() {
	if b.bolt == nil {
		return
	}
	tx := b.bolt
	b.bolt = nil
	if b.file.rollback(tx) != nil {
		b.hung = true
	}
}

// flush writes what is pending, the index entries of the changed buckets, and the
// traces of the index. It reports whether there was anything to write.
func (b *batch) flush() (wrote bool, err error) {
	if err := b.apply(b.pending); err != nil {
		return false, err
	}
	for id, a := range b.applied {
		if e, ok := b.index[id]; ok {
			b.index[id], b.changed[id] = e.grown(a), true
		}
	}
	if len(b.changed) == 0 {
		return len(b.applied) > 0, nil
	}
	root, err := b.root()
	if err != nil {
		return false, err
	}
	change, err := b.writeEntries()
	if err != nil {
		return false, err
	}
	root.add(change)
	box, err := b.crypt.seal(headerBucket, rootKey, root[:])
	if err != nil {
		return false, err
	}
	return true, b.change(write{act: actPut, id: headerBucket, key: rootKey, box: box})
}

// writeEntries writes or deletes the changed index entries and returns the change of the traces.
func (b *batch) writeEntries() (change trace, err error) {
	writes := b.room.writes[:0]
	for _, id := range slices.Sorted(maps.Keys(b.changed)) {
		w := write{act: actDelete, id: indexBucket, key: []byte(id)}
		if e := b.index[id]; !e.gone {
			w.act, w.plain = actPut, e.encode()
		}
		writes = append(writes, w)
	}
	b.room.writes = writes
	defer clear(writes)
	if err := b.crypt.sealWrites(writes, &b.room.memory); err != nil {
		return change, err
	}
	old, err := b.bucket("index", indexBucket)
	if err != nil {
		return change, err
	}
	for _, w := range writes {
		if old != nil {
			if err := guard("index", func() { change.add(b.crypt.trace(old.Get(w.key))) }); err != nil {
				return change, err
			}
		}
		change.add(w.trace) // zero of what is deleted
		if err := b.change(w); err != nil {
			return change, err
		}
	}
	return change, nil
}

// commit makes the batch durable. After an error nothing of it is in the store,
// or hung is set.
func (b *batch) commit() error {
	wrote := false
	if b.fatal == nil && len(b.steps) > 0 {
		wrote, b.fatal = b.flush()
	}
	if b.fatal == nil && wrote {
		b.fatal = b.file.checkList(uint64(b.bolt.ID()) - 1)
	}
	if b.fatal != nil || !wrote {
		b.abort()
		return b.fatal
	}
	tx := b.bolt
	b.bolt = nil
	id := tx.ID()
	var err error
	if panicked := guard("file", func() { err = tx.Commit() }); panicked != nil {
		b.file.stuck.Store(true) // bbolt still holds the lock of writers
		b.hung = true
		return panicked
	}
	if err == nil {
		return nil
	}
	b.hung = b.visible(id)
	return ioError("writing the store to disk", err)
}

// visible reports whether transaction id can be read although its commit failed,
// as after an fsync that failed on the very last page.
func (b *batch) visible(id int) bool {
	tx, hung, err := b.file.begin(false)
	if err != nil {
		return hung
	}
	defer func() { _ = b.file.rollback(tx) }()
	return tx.ID() >= id
}
