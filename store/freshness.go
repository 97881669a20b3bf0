package store

import (
	"bytes"
	"crypto/aes"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// An old copy of a record, put back in its place, would authenticate. So the index
// holds, for each bucket, the sum of the traces of its records, and the header bucket
// holds that of the index. If one record is put back, or a disk loses a page, the sums
// no longer match. If the whole file is put back, they do.

// trace is a keyed digest of one sealed record, or the XOR of several. Without the key
// nobody can compute a trace, so nobody can find records whose traces cancel out.
type trace [aes.BlockSize]byte

func (t *trace) add(other trace) {
	for i := range t {
		t[i] ^= other[i]
	}
}

// trace returns the trace of a sealed record, made from its tag, which depends on its
// content, its place and its nonce.
func (c *crypt) trace(box []byte) (t trace) {
	if box != nil {
		c.traceTo(&t, box)
	}
	return t
}

// traceTo writes the trace to t, so that a caller with many records allocates nothing.
func (c *crypt) traceTo(t *trace, box []byte) {
	n := copy(t[:], box[max(0, len(box)-len(t)):])
	clear(t[n:])
	c.tracer.Encrypt(t[:], t[:])
}

// rootKey is the key, in the header bucket, under which the sum of the traces of the
// index is sealed.
var rootKey = []byte("index")

// root reads the stored sum of the traces of the index; zero if there is no index yet.
func (r *reader) root() (t trace, err error) {
	b, err := r.bucket("header", headerBucket)
	if err != nil || b == nil {
		return t, err
	}
	ok := true
	err = guard("header", func() {
		if box := b.Get(rootKey); box != nil {
			var plain []byte
			plain, ok = r.crypt.open(headerBucket, rootKey, box)
			ok = ok && copy(t[:], plain) == len(t)
		}
	})
	if err == nil && !ok {
		err = corrupt("header: a record does not authenticate")
	}
	return t, err
}

// traces of all records of a bucket, without decrypting them.
func (r *reader) traces(what string, id bucketID) (sum trace, err error) {
	b, err := r.bucket(what, id)
	if err != nil || b == nil {
		return sum, err
	}
	err = guard(what, func() {
		c := b.Cursor()
		for k, box := c.First(); k != nil; k, box = c.Next() {
			sum.add(r.crypt.trace(box))
		}
	})
	return sum, err
}

// stale is about records that are not the newest of their place.
func stale(what string) *port.Error { return corrupt("%s: a record is not its newest version", what) }

// freshRoot compares the index with its traces.
func (r *reader) freshRoot() error {
	want, err := r.root()
	if err != nil {
		return err
	}
	got, err := r.traces("index", indexBucket)
	if err == nil && got != want {
		err = stale("index")
	}
	return err
}

// fresh compares a bucket with its traces.
func (r *reader) fresh(id bucketID, e entry) error {
	got, err := r.traces(e.what(), id)
	if err == nil && got != e.traces {
		err = stale(e.what())
	}
	return err
}

// addTraces is migration 1 to 2: index entries get the traces of their buckets.
func addTraces(tx *bolt.Tx, c *crypt) error { return retrace(tx, c, decodeEntryV1) }

// retrace computes all traces anew. A migration that writes records must call it,
// because the stored sums are those of the old records.
func retrace(tx *bolt.Tx, c *crypt, decode func([]byte) (entry, bool)) error {
	r := newReader(c, tx)
	index := tx.Bucket([]byte(indexBucket))
	if index == nil {
		return nil
	}
	type found struct {
		id bucketID
		e  entry
	}
	// First only read: the loop below writes to the index, and bbolt's cursors do not
	// survive writes to the bucket they walk.
	var all []found
	cur, err := r.cursor("index", indexBucket)
	if err != nil {
		return err
	}
	for plain, err := cur.move((*bolt.Cursor).First); cur.key != nil || err != nil; plain, err = cur.move((*bolt.Cursor).Next) {
		if err != nil {
			return err
		}
		e, ok := decode(plain)
		// An entry must belong to the name it is filed under. Otherwise the traces of
		// one bucket would be sealed as those of another.
		if !ok || string(c.bucket(e.kind, e.name)) != string(cur.key) {
			return misplaced("index")
		}
		all = append(all, found{bucketID(cur.key), e})
	}
	// The trace of an index entry is made from its sealed form. So the root can be
	// summed only here, after each entry has its new traces and is sealed again.
	var root trace
	for _, f := range all {
		if f.e.traces, err = r.traces(f.e.what(), f.id); err != nil {
			return err
		}
		box, err := c.seal(indexBucket, []byte(f.id), f.e.encode())
		if err != nil {
			return err
		}
		if err := index.Put([]byte(f.id), box); err != nil {
			return err
		}
		root.add(c.trace(box))
	}
	box, err := c.seal(headerBucket, rootKey, root[:])
	if err != nil {
		return err
	}
	return tx.Bucket([]byte(headerBucket)).Put(rootKey, bytes.Clone(box))
}

// decodeEntryV1 reads an index entry of version 1, which had no traces.
func decodeEntryV1(plain []byte) (entry, bool) {
	if len(plain) < 1+8+8 {
		return entry{}, false
	}
	var none trace
	head := append(append([]byte(nil), plain[:1+8+8]...), none[:]...)
	return decodeEntry(append(head, plain[1+8+8:]...))
}
