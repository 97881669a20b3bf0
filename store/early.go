package store

import (
	"bytes"
	"encoding/binary"
	"io"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// early looks at what the first writes change while the walk over a large file still runs.
// Those of the pages that were read at opening are known, and no page of that time is used
// for something else before the walk is over; what bbolt has written since is sound. So only
// a leaf of that time has to be looked at, once: its entries, and whether the pages that it
// claims for itself are those of others.
type early struct {
	scan *scan           // seen has the pages in use of that time, but not the overflow pages of leaves that are not good
	free pageSet         // pages that were free
	good map[uint64]bool // leaves of that time that were looked at
}

// earlyBytes bounds the growth of the file before a write waits for the walk after all:
// no page that becomes free can be used again while the walk runs.
const earlyBytes = 32 << 20

// maxOverflow bounds the pages of one leaf: its records are at most maxRecord long, and only
// two share a page that is larger than others.
const maxOverflow = 4 * maxRecord / pageSize

// awaitWalk waits for the walk if the file has grown too much, and returns what it found.
// used returns the number of bytes of the file in use.
func (b *boltFile) awaitWalk(used int64) error {
	r := b.rest
	if r == nil || r.early == nil {
		return nil
	}
	select {
	case <-r.done:
	default:
		if used-int64(r.meta.pages)*pageSize <= earlyBytes {
			return nil
		}
	}
	return b.walked()
}

// walked waits for the end of the walk and returns what it found.
func (b *boltFile) walked() error {
	if b == nil || b.rest == nil || b.rest.early == nil {
		return nil
	}
	b.finished()
	b.rest.early = nil
	return b.rest.err
}

// beforeWrite makes sure that bbolt may change a bucket under a key.
func (b *boltFile) beforeWrite(bucket *bolt.Bucket, w write) error {
	if b == nil || b.rest == nil || b.rest.early == nil || bucket.Root() == 0 {
		return nil
	}
	err := b.rest.early.below(b.file, uint64(bucket.Root()), w.key, nil, nil, 0, w.act == actDelete)
	if err == nil {
		return nil
	}
	// The walk finds the damage as well, and keeps everybody out from then on.
	if found := b.walked(); found != nil {
		return found
	}
	return openError(err)
}

// below looks at the leaf under page id that holds key or would hold it. With beside also at
// its neighbours, of which bbolt makes one page with it when it is nearly empty: those under
// another branch page, too, as bbolt may have joined the branch pages by then.
func (e *early) below(f io.ReaderAt, id uint64, key, low, high []byte, depth int, beside bool) error {
	if depth > maxTreeDepth {
		return badPage(id, "too deep")
	}
	if e.good[id] {
		return nil
	}
	p, err := e.page(f, id)
	if err != nil {
		return err
	}
	if isLeaf(p) {
		if _, err = leafRecords(id, p, low, high); err == nil && e.old(id) {
			e.good[id] = true
		}
		return err
	}
	list, _, err := elements(id, p, low, high, nil)
	if err != nil {
		return err
	}
	at := childOf(list, key)
	if err = e.below(f, list[at].child, key, list[at].key, upper(list, at, high), depth+1, beside); err != nil || !beside {
		return err
	}
	for i := max(0, at-1); i <= min(at+1, len(list)-1); i++ {
		if err := e.below(f, list[i].child, key, list[i].key, upper(list, i, high), depth+1, false); err != nil {
			return err
		}
	}
	return nil
}

// old reports whether a page was in use when the file was opened, and so has not been
// written since.
func (e *early) old(id uint64) bool { return id < e.scan.pages && !e.free.has(id) }

// page reads a page with its overflow pages.
func (e *early) page(f io.ReaderAt, id uint64) ([]byte, error) {
	var head [pageHeaderSize]byte
	if _, err := f.ReadAt(head[:], int64(id)*pageSize); err != nil {
		return nil, badPage(id, "cannot be read")
	}
	overflow := uint64(binary.NativeEndian.Uint32(head[12:]))
	if binary.NativeEndian.Uint64(head[:]) != id || overflow > maxOverflow || e.old(id) && overflow >= e.scan.pages-id {
		return nil, badPage(id, "bad header")
	}
	if flags := binary.NativeEndian.Uint16(head[8:]); e.old(id) && flags == leafPage {
		for i := uint64(1); i <= overflow; i++ {
			if pageSet(e.scan.seen).has(id + i) {
				return nil, badPage(id+i, "used twice")
			}
		}
	}
	p := make([]byte, (overflow+1)*pageSize)
	if _, err := f.ReadAt(p, int64(id)*pageSize); err != nil {
		return nil, badPage(id, "cannot be read")
	}
	return p, nil
}

// childOf is the number of the entry of a branch page under which a key is.
func childOf(list []element, key []byte) int {
	at, there := slices.BinarySearchFunc(list, key, func(e element, key []byte) int { return bytes.Compare(e.key, key) })
	if !there {
		at--
	}
	return max(0, at)
}
