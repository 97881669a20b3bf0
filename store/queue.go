package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// A queue is a bucket of ordinals without gaps. The index knows the first and the last,
// so a missing entry is noticed.

func (t *fileTx) Append(q port.Queue, value []byte) (uint64, error) {
	if err := t.writing(); err != nil {
		return 0, err
	}
	if err := checkSize(nil, value); err != nil {
		return 0, err
	}
	id, e, err := t.entry(kindQueue, string(q))
	if err != nil {
		return 0, err
	}
	e.last++
	e.gone = false
	s := step{act: actPut, fresh: true, rises: true, id: id, key: number(e.last), value: t.batch.room.memory.copied(value)}
	if err := t.batch.do(s); err != nil {
		return 0, err
	}
	t.batch.set(id, e)
	return e.last, nil
}

func (t *fileTx) Trim(q port.Queue, upTo uint64) error {
	if err := t.writing(); err != nil {
		return err
	}
	id, e, err := t.entry(kindQueue, string(q))
	if err != nil || upTo < e.first {
		return err
	}
	upTo = min(upTo, e.last)
	for e.first <= upTo {
		if err := t.batch.do(step{act: actDelete, id: id, key: number(e.first)}); err != nil {
			return err
		}
		e.first++
	}
	t.batch.set(id, e)
	return nil
}

func (t *fileTx) Bounds(q port.Queue) (first, last uint64, err error) {
	if err := t.readable(); err != nil {
		return 0, 0, err
	}
	_, e, err := t.entry(kindQueue, string(q))
	return e.first, e.last, err
}

func (t *fileTx) Range(q port.Queue, from uint64, fn func(uint64, []byte) (bool, error)) error {
	if err := t.readable(); err != nil {
		return err
	}
	id, e, err := t.entry(kindQueue, string(q))
	if err != nil {
		return err
	}
	// The end is fixed now: entries that fn appends are not visited, or a callback that
	// appends one for each would never end.
	last := e.last
	if err := t.applyPending(id); err != nil {
		return err
	}
	c, err := t.cursor(e.what(), id)
	if err != nil || (c == nil && e.records() == 0) {
		return err
	}
	if c == nil {
		return missing(e.what())
	}
	seq := max(from, e.first)
	if seq > last {
		return nil
	}
	value, err := c.seek(number(seq))
	for {
		if err != nil {
			return err
		}
		// Ordinals have no gaps, so the next key must be exactly the next ordinal. A
		// damaged key or a lost record shows here.
		if len(c.key) != 8 || binary.BigEndian.Uint64(c.key) != seq {
			return missing(e.what())
		}
		steps := t.stepCount()
		if more, err := fn(seq, value); err != nil || !more {
			return err
		}
		if seq == last {
			return nil
		}
		seq++
		// The usual case: fn wrote nothing and the cursor is still valid.
		if t.stepCount() == steps {
			value, err = c.move((*bolt.Cursor).Next)
			continue
		}
		// fn wrote something. rangeAgain may also move seq, if fn trimmed the queue.
		if seq, c, value, err = t.rangeAgain(q, seq); c == nil || seq > last {
			return err
		}
	}
}

// stepCount returns a number that changes with every write of this transaction.
func (t *fileTx) stepCount() int {
	if t.batch == nil {
		return 0
	}
	return len(t.batch.steps)
}

// rangeAgain finds the place of Range again after its callback has written something,
// perhaps to the queue itself. bbolt's cursors do not survive that.
func (t *fileTx) rangeAgain(q port.Queue, seq uint64) (uint64, *cursor, []byte, error) {
	id, e, err := t.entry(kindQueue, string(q))
	if err != nil {
		return seq, nil, nil, err
	}
	seq = max(seq, e.first)
	if seq > e.last {
		return seq, nil, nil, nil
	}
	if err := t.applyPending(id); err != nil {
		return seq, nil, nil, err
	}
	c, err := t.cursor(e.what(), id)
	if err == nil && c == nil {
		err = missing(e.what())
	}
	if err != nil {
		return seq, nil, nil, err
	}
	value, err := c.seek(number(seq))
	return seq, c, value, err
}
