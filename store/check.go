package store

import (
	"context"
	"encoding/binary"
	"errors"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// checker walks a snapshot of the store and looks at everything that should hold:
//   - the pages: reachable once, in order, the rest free (pages.go; this is more
//     than bbolt's own check, which crashes on some damage and races with writers);
//   - each record authenticates at its place and its key hashes to its disk key;
//   - each bucket holds as many records as the index says, and each is in the index;
//   - queues have no gaps; histories rise in label and position alike.
type checker struct {
	ctx     context.Context
	store   *fileStore
	report  func(string)
	records int
}

// run reports problems and goes on; its error is only that it could not go on.
func (c *checker) run(r *reader) error {
	if err := c.pages(r); err != nil {
		return err
	}
	if err := c.damage(r.freshRoot()); err != nil {
		return err
	}
	known := map[bucketID]bool{headerBucket: true, indexBucket: true}
	_, err := c.walk(r, "index", indexBucket, func(key, plain []byte) error {
		id := bucketID(key)
		known[id] = true
		e, ok := decodeEntry(plain)
		if !ok || r.crypt.bucket(e.kind, e.name) != id {
			return misplaced("index")
		}
		return c.bucket(r, id, e)
	})
	if err != nil {
		return err
	}
	return guard("file", func() {
		_ = r.bolt.ForEach(func(name []byte, _ *bolt.Bucket) error {
			if !known[bucketID(name)] {
				c.tell("index: a record is missing")
			}
			return nil
		})
	})
}

// bucket looks at one table, queue or history.
func (c *checker) bucket(r *reader, id bucketID, e entry) error {
	n, err := c.walk(r, e.what(), id, c.inspector(r, id, e))
	if err == nil && n != e.records() {
		c.tell(missing(e.what()).Message)
	}
	return errors.Join(err, c.damage(r.fresh(id, e)))
}

// inspector gives the function that looks at one record of a bucket.
func (c *checker) inspector(r *reader, id bucketID, e entry) func(key, plain []byte) error {
	var last placed
	next := e.first
	switch e.kind {
	case kindTable:
		return func(key, plain []byte) error {
			clear, _, ok := unpackRecord(plain)
			if !ok || string(r.crypt.recordKey(id, port.Table(e.name), clear)) != string(key) {
				return misplaced(e.what())
			}
			return nil
		}
	case kindQueue:
		return func(key, _ []byte) error {
			if len(key) != 8 || binary.BigEndian.Uint64(key) < next || binary.BigEndian.Uint64(key) > e.last {
				return missing(e.what())
			}
			next = binary.BigEndian.Uint64(key) + 1
			return nil
		}
	}
	return func(key, plain []byte) error {
		p, err := unpackPlaced(e.what(), key, plain)
		if err == nil && last != (placed{}) && compare(last.position, p.position) >= 0 {
			err = corrupt("%s: the order is broken", e.what())
		}
		last = p
		return err
	}
}

// walk calls inspect for every record of a bucket that decrypts, reports what is
// damaged, and counts all. Its error is that it had to stop.
func (c *checker) walk(r *reader, what string, id bucketID, inspect func(key, plain []byte) error) (n uint64, err error) {
	cur, err := r.cursor(what, id)
	if err != nil || cur == nil {
		return 0, c.damage(err)
	}
	for step := (*bolt.Cursor).First; ; step = (*bolt.Cursor).Next {
		plain, err := cur.move(step)
		if cur.key == nil {
			return n, c.damage(err)
		}
		n++
		if err == nil {
			err = inspect(cur.key, plain)
		}
		if err := errors.Join(c.damage(err), c.pause()); err != nil {
			return n, err
		}
	}
}

// damage records err if it means damage and returns nil then; any other error is
// returned.
func (c *checker) damage(err error) error {
	var e *port.Error
	if errors.As(err, &e) && e.Code == port.CodeStoreCorrupt {
		c.tell(e.Message)
		return nil
	}
	return err
}

func (c *checker) tell(problem string) {
	if c.report != nil {
		c.report(problem)
	}
}

// pause counts a record and reports whether to stop: the caller gave up, or the store
// is to be suspended or closed.
func (c *checker) pause() error {
	c.records++
	if c.records%checkEvery != 1 {
		return nil
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	return c.store.gate.now().err()
}

// pages scans the pages of the snapshot's state.
func (c *checker) pages(r *reader) error {
	f := c.store.file.file
	txid := uint64(r.bolt.ID())
	meta, ok := readMeta(f, int64(txid%2))
	if !ok || meta.txid != txid {
		return nil // two commits came since; the records are walked all the same
	}
	info, err := f.Stat()
	if err != nil {
		return ioError("reading the store", err)
	}
	panicked := guard("file", func() {
		if _, err := scanPages(f, info.Size(), meta); err != nil {
			c.tell(err.Error())
		}
	})
	return c.damage(panicked)
}
