package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// fileTx is one transaction of a fileStore.
type fileTx struct {
	*reader
	batch   *batch // nil in a View
	done    bool
	walking map[port.Table]int // tables an Each is in
}

func (t *fileTx) end() { t.done = true }

func (t *fileTx) readable() error {
	if t.done {
		return ErrTxDone
	}
	return nil
}

func (t *fileTx) writing() error {
	if t.done {
		return ErrTxDone
	}
	if t.batch == nil {
		return ErrReadOnly
	}
	return nil
}

// entry is the index entry as this transaction sees it.
func (t *fileTx) entry(kind byte, name string) (bucketID, entry, error) {
	if t.batch != nil {
		return t.batch.lookup(kind, name)
	}
	return t.reader.entry(kind, name)
}

func (t *fileTx) Get(table port.Table, key []byte) ([]byte, error) {
	if err := t.readable(); err != nil {
		return nil, err
	}
	id := t.crypt.bucket(kindTable, string(table))
	diskKey := t.crypt.recordKey(id, table, key)
	if t.batch != nil {
		if plain, known := t.batch.written(id, diskKey); known {
			_, value, _ := unpackRecord(plain)
			return bytes.Clone(value), nil
		}
	}
	what := "table " + string(table)
	plain, err := t.get(what, id, diskKey)
	if err != nil || plain == nil {
		return nil, err
	}
	clear, value, ok := unpackRecord(plain)
	if !ok || !bytes.Equal(clear, key) {
		return nil, misplaced(what)
	}
	return value, nil
}

func (t *fileTx) Put(table port.Table, key, value []byte) error {
	if err := t.writingTable(table); err != nil {
		return err
	}
	if err := checkSize(key, value); err != nil {
		return err
	}
	id, _, err := t.entry(kindTable, string(table))
	if err != nil {
		return err
	}
	plain := appendRecord(t.batch.room.memory.room(recordSize(key, value)), key, value)
	return t.batch.do(step{act: actPut, id: id, rises: table.Numbered(), key: t.crypt.recordKey(id, table, key), value: plain})
}

func (t *fileTx) Delete(table port.Table, key []byte) error {
	if err := t.writingTable(table); err != nil {
		return err
	}
	id, _, err := t.entry(kindTable, string(table))
	if err != nil {
		return err
	}
	return t.batch.do(step{act: actDelete, id: id, key: t.crypt.recordKey(id, table, key)})
}

// writingTable refuses a write to a table that is being walked: bbolt's cursor
// would lose its place.
func (t *fileTx) writingTable(table port.Table) error {
	if err := t.writing(); err != nil {
		return err
	}
	if t.walking[table] > 0 {
		return ErrWalked
	}
	return nil
}

func (t *fileTx) Each(table port.Table, fn func(key, value []byte) error) error {
	if err := t.readable(); err != nil {
		return err
	}
	if t.walking == nil {
		t.walking = map[port.Table]int{}
	}
	t.walking[table]++
	defer func() { t.walking[table]-- }()
	id, e, err := t.entry(kindTable, string(table))
	if err != nil {
		return err
	}
	if err := t.applyPending(id); err != nil {
		return err
	}
	if t.batch != nil {
		e = e.grown(t.batch.applied[id])
	}
	n := uint64(0)
	err = t.eachRecord(id, table, func(key, value []byte) error {
		n++
		return fn(key, value)
	})
	if err == nil && n != e.records() {
		return missing(e.what())
	}
	if err == nil {
		err = t.fresh(id, e)
	}
	return err
}

// applyPending makes the writes of this commit to a bucket visible to bbolt's cursors.
func (t *fileTx) applyPending(id bucketID) error {
	if t.batch == nil {
		return nil
	}
	return t.batch.applyPending(id)
}

// eachRecord decrypts every record of a table and checks that each is at its place.
func (r *reader) eachRecord(id bucketID, table port.Table, fn func(key, value []byte) error) error {
	what := "table " + string(table)
	c, err := r.cursor(what, id)
	if err != nil || c == nil {
		return err
	}
	for plain, err := c.move((*bolt.Cursor).First); c.key != nil || err != nil; plain, err = c.move((*bolt.Cursor).Next) {
		if err != nil {
			return err
		}
		clear, value, ok := unpackRecord(plain)
		if !ok || !bytes.Equal(r.crypt.recordKey(id, table, clear), c.key) {
			return misplaced(what)
		}
		if err := fn(clear, value); err != nil {
			return err
		}
	}
	return nil
}
