package store

import (
	"bytes"

	bolt "go.etcd.io/bbolt"
)

// reader decrypts records of one bbolt transaction. Everything it hands out is
// a copy. what, in its methods, names the place in error messages.
type reader struct {
	crypt   *crypt
	bolt    *bolt.Tx
	buckets map[bucketID]*bolt.Bucket
}

func newReader(c *crypt, tx *bolt.Tx) reader {
	return reader{crypt: c, bolt: tx, buckets: map[bucketID]*bolt.Bucket{}}
}

// bucket is nil when there is none.
func (r *reader) bucket(what string, id bucketID) (b *bolt.Bucket, err error) {
	if b = r.buckets[id]; b != nil {
		return b, nil
	}
	if err = guard(what, func() { b = r.bolt.Bucket([]byte(id)) }); b != nil && err == nil {
		r.buckets[id] = b
	}
	return b, err
}

// get decrypts one record; nil if there is none.
func (r *reader) get(what string, id bucketID, diskKey []byte) ([]byte, error) {
	b, err := r.bucket(what, id)
	if err != nil || b == nil {
		return nil, err
	}
	var plain []byte
	var there, ok bool
	err = guard(what, func() {
		if box := b.Get(diskKey); box != nil {
			there = true
			plain, ok = r.crypt.open(id, diskKey, box)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case !there:
		return nil, r.absent(what, id, diskKey)
	case !ok:
		return nil, corrupt("%s: a record does not authenticate", what)
	}
	return plain, nil
}

// absent makes sure that diskKey is missing and not just damaged. A key that was
// altered without changing its order in the bucket lies where diskKey would be, and its
// record does not authenticate there.
func (r *reader) absent(what string, id bucketID, diskKey []byte) error {
	c, err := r.cursor(what, id)
	if err != nil || c == nil {
		return err
	}
	c.blind = true
	if _, err := c.seek(diskKey); err != nil {
		return err
	}
	if c.key == nil {
		_, err = c.last()
	} else {
		_, err = c.prev()
	}
	return err
}

// cursor walks a bucket.
type cursor struct {
	reader *reader
	what   string
	id     bucketID
	bolt   *bolt.Cursor
	key    []byte // disk key of the present record, nil past the end
	blind  bool   // records are authenticated, and not handed out
}

// cursor returns nil if there is no such bucket.
func (r *reader) cursor(what string, id bucketID) (*cursor, error) {
	b, err := r.bucket(what, id)
	if err != nil || b == nil {
		return nil, err
	}
	return &cursor{reader: r, what: what, id: id, bolt: b.Cursor()}, nil
}

// move steps with one of bbolt's argument-free methods and decrypts what it
// comes to. It sets c.key.
func (c *cursor) move(step func(*bolt.Cursor) (key, value []byte)) ([]byte, error) {
	var plain []byte
	ok := true
	c.key = nil
	err := guard(c.what, func() {
		k, box := step(c.bolt)
		if k != nil {
			c.key = copied(k)
			if c.blind {
				ok = c.reader.crypt.authentic(c.id, c.key, box)
			} else {
				plain, ok = c.reader.crypt.open(c.id, c.key, box)
			}
		}
	})
	if err == nil && !ok {
		err = corrupt("%s: a record does not authenticate", c.what)
	}
	return plain, err
}

// last moves to the last record. bbolt's own Last never returns from a bucket of
// several pages that were all emptied in the same transaction.
func (c *cursor) last() ([]byte, error) {
	return c.move(func(b *bolt.Cursor) (key, value []byte) {
		if first, _ := b.Bucket().Cursor().First(); first == nil {
			return nil, nil
		}
		return b.Last()
	})
}

// seek moves to the first record whose disk key is at least diskKey.
func (c *cursor) seek(diskKey []byte) ([]byte, error) {
	return c.move(func(b *bolt.Cursor) ([]byte, []byte) { return b.Seek(diskKey) })
}

// prev moves one record back. bbolt's Prev takes a page emptied in the same
// transaction for the beginning, so it is asked again until it is there.
func (c *cursor) prev() ([]byte, error) {
	here := c.key
	return c.move(func(b *bolt.Cursor) (key, value []byte) {
		if key, value = b.Prev(); key != nil {
			return key, value
		}
		if first, _ := b.Bucket().Cursor().First(); bytes.Compare(first, here) >= 0 {
			return nil, nil
		}
		for range maxEmptyPages {
			if key, value = b.Prev(); key != nil {
				return key, value
			}
		}
		panic("no record before this one, though there is an earlier one")
	})
}
