package store

// appendFill is how full pages of queues and histories are left: they grow at
// the end, so half-empty pages (bbolt's default) would stay half empty.
const appendFill = 0.95

// batch is one commit in the making: a writable bbolt transaction, what its
// closures did to it, and the index entries they changed. A failing closure is
// taken back by starting the bbolt transaction anew and doing the steps of the
// closures before it again, without running those.
type batch struct {
	reader
	file  *boltFile
	steps []step
	bytes int // of the steps' values
	index map[bucketID]entry
	// changed holds the entries to write at the end.
	changed map[bucketID]bool
	// traces are what the steps change of the traces of each bucket.
	traces map[bucketID]trace
	// before is what the running closure found in index where it changed it.
	before map[bucketID]before
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
	act   act
	id    bucketID
	kind  byte
	key   []byte
	value []byte
}

type act byte

const (
	actPut act = iota
	actDelete
	actDrop // the whole bucket
)

func newBatch(c *crypt, f *boltFile) (*batch, error) {
	b := &batch{file: f, index: map[bucketID]entry{}, changed: map[bucketID]bool{}, before: map[bucketID]before{}, traces: map[bucketID]trace{}}
	tx, hung, err := f.begin(true)
	b.reader, b.hung = newReader(c, tx), hung
	return b, err
}

// do applies a step and remembers it.
func (b *batch) do(s step) error {
	if b.fatal != nil {
		return b.fatal
	}
	if err := b.apply(s); err != nil {
		b.fatal = err
		return err
	}
	b.steps = append(b.steps, s)
	b.bytes += len(s.value)
	return nil
}

func (b *batch) apply(s step) error {
	var err error
	panicked := guard("file", func() {
		if s.act == actDrop {
			delete(b.buckets, s.id)
			delete(b.traces, s.id) // the entry begins anew, too
			if b.bolt.Bucket([]byte(s.id)) != nil {
				err = b.bolt.DeleteBucket([]byte(s.id))
			}
			return
		}
		bucket := b.buckets[s.id]
		if bucket == nil {
			if bucket, err = b.bolt.CreateBucketIfNotExists([]byte(s.id)); err != nil {
				return
			}
			b.buckets[s.id] = bucket
		}
		if s.kind == kindQueue || s.kind == kindHistory {
			bucket.FillPercent = appendFill
		}
		b.noteTraces(bucket, s)
		if s.act == actDelete {
			err = bucket.Delete(s.key)
		} else {
			err = bucket.Put(s.key, s.value)
		}
	})
	if panicked != nil {
		return panicked
	}
	return asError("writing to the store", err)
}

// lookup is the present index entry.
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
	b.abort()
	tx, hung, err := b.file.begin(true)
	b.reader, b.hung, b.fatal = newReader(b.crypt, tx), hung, err
	clear(b.traces)
	again := b.steps[:n]
	b.steps, b.bytes = nil, 0
	for _, s := range again {
		if b.do(s) != nil {
			return
		}
	}
}

// abort ends the bbolt transaction without a trace.
func (b *batch) abort() {
	if b.bolt == nil {
		return
	}
	tx := b.bolt
	b.bolt = nil
	if guard("file", func() { _ = tx.Rollback() }) != nil {
		b.hung = true
	}
}

// flush writes the index entries of the changed buckets, and the traces of the index.
func (b *batch) flush() error {
	for id, sum := range b.traces {
		if e, ok := b.index[id]; ok && !e.gone {
			e.traces.add(sum)
			b.index[id], b.changed[id] = e, true
		}
	}
	clear(b.traces)
	if len(b.changed) == 0 {
		return nil
	}
	root, err := b.root()
	if err != nil {
		return err
	}
	for id := range b.changed {
		change, err := b.writeEntry(id, b.index[id])
		if err != nil {
			return err
		}
		root.add(change)
	}
	box, err := b.crypt.seal(headerBucket, rootKey, root[:])
	if err != nil {
		return err
	}
	return b.apply(step{act: actPut, id: headerBucket, key: rootKey, value: box})
}

// writeEntry writes or deletes one index entry and tells how the traces change.
func (b *batch) writeEntry(id bucketID, e entry) (change trace, err error) {
	s := step{act: actDelete, id: indexBucket, key: []byte(id)}
	if !e.gone {
		s.act = actPut
		if s.value, err = b.crypt.seal(indexBucket, s.key, e.encode()); err != nil {
			return change, err
		}
		change = b.crypt.trace(s.value)
	}
	old, err := b.bucket("index", indexBucket)
	if err != nil {
		return change, err
	}
	if old != nil {
		if err := guard("index", func() { change.add(b.crypt.trace(old.Get(s.key))) }); err != nil {
			return change, err
		}
	}
	return change, b.apply(s)
}

// commit makes the batch durable. After an error nothing of it is in the store,
// or hung is set.
func (b *batch) commit() error {
	if b.fatal == nil && len(b.steps) > 0 {
		b.fatal = b.flush()
	}
	if b.fatal != nil || len(b.steps) == 0 {
		b.abort()
		return b.fatal
	}
	tx := b.bolt
	b.bolt = nil
	id := tx.ID()
	var err error
	if panicked := guard("file", func() { err = tx.Commit() }); panicked != nil {
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
	defer func() { _ = tx.Rollback() }()
	return tx.ID() >= id
}
