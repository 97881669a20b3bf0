package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// The root buckets that are not named by a keyed hash.
const (
	headerBucket bucketID = "header"
	indexBucket  bucketID = "index"
)

// entry is the sealed index record of one table, queue or history: its name in clear
// and the number of its records. It reveals lost records, and Count and Bounds need no
// walk.
type entry struct {
	kind byte
	name string
	// first and last are a queue's bounds. Of others, first is 0 and last the
	// number of records.
	first, last uint64
	// traces is the sum of the traces of all its records (freshness.go).
	traces trace
	// gone marks an entry that is not, or no longer, in the index.
	gone bool
}

// emptyEntry returns the entry of a new table, queue or history.
func emptyEntry(kind byte, name string) entry {
	e := entry{kind: kind, name: name, gone: true}
	if kind == kindQueue {
		e.first = 1
	}
	return e
}

// records returns the number of records the bucket must have.
func (e entry) records() uint64 {
	if e.kind == kindQueue {
		return e.last + 1 - e.first
	}
	return e.last
}

// what names the entry in error messages: tables and queues by name, which the
// source code tells anyway; never a history, which names a chat.
func (e entry) what() string {
	switch e.kind {
	case kindTable:
		return "table " + e.name
	case kindQueue:
		return "queue " + e.name
	}
	return "a history"
}

const entryHead = 1 + 8 + 8 + len(trace{})

func (e entry) encode() []byte {
	b := append(make([]byte, 0, entryHead+len(e.name)), e.kind)
	b = binary.BigEndian.AppendUint64(b, e.first)
	b = binary.BigEndian.AppendUint64(b, e.last)
	b = append(b, e.traces[:]...)
	return append(b, e.name...)
}

func decodeEntry(plain []byte) (e entry, ok bool) {
	if len(plain) < entryHead {
		return e, false
	}
	e.kind = plain[0]
	e.first, e.last = binary.BigEndian.Uint64(plain[1:]), binary.BigEndian.Uint64(plain[9:])
	copy(e.traces[:], plain[17:])
	e.name = string(plain[entryHead:])
	switch e.kind {
	case kindTable, kindHistory:
		return e, e.first == 0
	case kindQueue:
		return e, e.first >= 1 && e.first <= e.last+1
	}
	return e, false
}

// entry reads the index entry of a table, queue or history.
func (r *reader) entry(kind byte, name string) (bucketID, entry, error) {
	id := r.crypt.bucket(kind, name)
	e := emptyEntry(kind, name)
	plain, err := r.get("index", indexBucket, []byte(id))
	if err != nil || plain == nil {
		return id, e, err
	}
	found, ok := decodeEntry(plain)
	if !ok || found.kind != kind || found.name != name {
		return id, e, misplaced("index")
	}
	return id, found, nil
}

// checkIndex compares the index with the records counted in each bucket.
func checkIndex(r *reader, count map[string]int) error {
	known := map[string]bool{string(headerBucket): true, string(indexBucket): true}
	err := r.eachEntry(func(id bucketID, e entry) error {
		known[string(id)] = true
		if uint64(count[string(id)]) != e.records() {
			return missing(e.what())
		}
		return nil
	})
	if err != nil {
		return err
	}
	records := 0
	for name, n := range count {
		if records += n; !known[name] {
			return corrupt("index: a record is missing")
		}
	}
	return checkFresh(r, records)
}

// freshAtOnce is the largest number of records that are compared with their traces when
// the store is opened. In a larger store they are compared when they are walked, by
// Each or Check.
const freshAtOnce = 16384

// checkFresh compares the index, and the buckets of a small store, with their traces.
func checkFresh(r *reader, records int) error {
	if err := r.freshRoot(); err != nil || records > freshAtOnce {
		return err
	}
	return r.eachEntry(r.fresh)
}

// eachEntry calls fn for every entry of the index.
func (r *reader) eachEntry(fn func(bucketID, entry) error) error {
	c, err := r.cursor("index", indexBucket)
	if err != nil || c == nil {
		return err
	}
	for plain, err := c.move((*bolt.Cursor).First); c.key != nil || err != nil; plain, err = c.move((*bolt.Cursor).Next) {
		if err != nil {
			return err
		}
		e, ok := decodeEntry(plain)
		if !ok || string(r.crypt.bucket(e.kind, e.name)) != string(c.key) {
			return misplaced("index")
		}
		if err := fn(bucketID(c.key), e); err != nil {
			return err
		}
	}
	return nil
}
