package store

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// walker is one goroutine's part of a scan.
type walker struct {
	*scan
	good map[uint64]bool // of scanBranches: the leaves that were looked at
	// level holds the page and the entries at each depth: those above stay in
	// use while those below come and go.
	level [maxTreeDepth + 1]struct {
		page []byte
		list []element
	}
}

// part is a tree of records below the first page of a bucket.
type part struct {
	bucket    string
	id        uint64
	low, high []byte
	depth     int
	records   int64
	err       error
}

// visitor is called for each entry of the leaves of a tree, with the page it is
// on and that page's depth.
type visitor func(id uint64, depth int, e element) error

// tree walks the pages below id.
func (w *walker) tree(id uint64, low, high []byte, depth int, visit visitor) error {
	if depth > maxTreeDepth {
		return badPage(id, "too deep")
	}
	// The page and list of this depth are kept while the walk is below it, and reused for
	// the next page of the same depth, so the walk holds one page per depth.
	level := &w.level[depth]
	p, err := w.page(id, level.page)
	if err != nil {
		return err
	}
	level.page = p
	list, leaf, err := elements(id, p, low, high, level.list)
	if err != nil {
		return err
	}
	level.list = list
	for i, e := range list {
		if leaf {
			err = visit(id, depth, e)
		} else {
			err = w.tree(e.child, e.key, upper(list, i, high), depth+1, visit)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// upper returns the key that all of entry i must be below, on a branch page whose own
// bound is high.
func upper(list []element, i int, high []byte) []byte {
	if i+1 < len(list) {
		return list[i+1].key
	}
	return high
}

// rootElement visits an entry of the root, which is always a bucket. It checks the
// bucket's first page now and records the trees below it as parts, so that large
// buckets can be divided among goroutines.
func (w *walker) rootElement(id uint64, depth int, e element) error {
	if e.flags != bucketElement || len(e.value) < bucketSize {
		return badPage(id, "an entry of the root is no bucket")
	}
	// Every bucket gets a count, so that an empty one differs from a missing one.
	name := string(e.key)
	w.count[name] = 0
	root := binary.NativeEndian.Uint64(e.value)
	// bbolt keeps a small bucket inside the entry itself, and says so by page 0.
	if root == 0 {
		n, err := inlineBucket(id, e)
		w.count[name] = int64(n)
		return err
	}
	level := &w.level[depth+1]
	p, err := w.page(root, level.page)
	if err != nil {
		return err
	}
	level.page = p
	if isLeaf(p) {
		n, err := leafRecords(root, p, nil, nil)
		w.count[name] = int64(n)
		return err
	}
	list, _, err := elements(root, p, nil, nil, level.list)
	if err != nil {
		return err
	}
	level.list = list
	for i, e := range list {
		// The keys are copied, because the page's buffer is reused for the next bucket.
		w.parts = append(w.parts, part{bucket: name, id: e.child, depth: depth + 2,
			low: bytes.Clone(e.key), high: bytes.Clone(upper(list, i, nil))})
	}
	return nil
}

// records walks a tree of records and counts them.
func (w *walker) records(id uint64, low, high []byte, depth int) (n int64, err error) {
	if depth > maxTreeDepth {
		return 0, badPage(id, "too deep")
	}
	level := &w.level[depth]
	p, err := w.page(id, level.page)
	if err != nil {
		return 0, err
	}
	level.page = p
	if isLeaf(p) {
		here, err := leafRecords(id, p, low, high)
		return int64(here), err
	}
	list, _, err := elements(id, p, low, high, level.list)
	if err != nil {
		return 0, err
	}
	level.list = list
	for i, e := range list {
		below, err := w.records(e.child, e.key, upper(list, i, high), depth+1)
		if err != nil {
			return 0, err
		}
		n += below
	}
	return n, nil
}

// walkParts walks the parts on all processors, because most of the time goes into
// waiting for memory and not into computing. In the background one processor is left to
// others until somebody waits for the end.
func (s *scan) walkParts() error {
	var next atomic.Int64
	work := func() {
		// SetPanicOnFault holds for one goroutine, so each worker sets it for itself.
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		w := &walker{scan: s}
		for i := int(next.Add(1)) - 1; i < len(s.parts); i = int(next.Add(1)) - 1 {
			p := &s.parts[i]
			// A page of a mapped file that cannot be read is a fault.
			if err := guard("file", func() { p.records, p.err = w.records(p.id, p.low, p.high, p.depth) }); err != nil {
				p.err = err
			}
		}
	}
	var all, last sync.WaitGroup
	workers, over := min(len(s.parts), runtime.GOMAXPROCS(0)), make(chan struct{})
	// The last worker starts only when somebody waits (hurry), or never, when the others
	// are through first (over).
	if s.pace != nil && workers > 1 {
		workers--
		last.Go(func() {
			select {
			case <-s.pace.hurry:
				work()
			case <-over:
			}
		})
	}
	for range workers {
		all.Go(work)
	}
	all.Wait()
	close(over)
	last.Wait()
	// The parts are summed here and not by the workers, so that count needs no lock and
	// the error reported is the first one in the file.
	for _, p := range s.parts {
		if p.err != nil {
			return p.err
		}
		s.count[p.bucket] += p.records
	}
	return nil
}

func isLeaf(p []byte) bool { return binary.NativeEndian.Uint16(p[8:]) == leafPage }

// leafRecords makes the checks of elements for a leaf page that has only records, and
// returns their number. It makes no list of them, which saves much of the time because
// nearly all pages are of this kind.
func leafRecords(id uint64, p, low, high []byte) (int, error) {
	e := binary.NativeEndian
	count := int(e.Uint16(p[10:]))
	if pageHeaderSize+count*elementSize > len(p) {
		return 0, badPage(id, "bad count")
	}
	before := low
	for i := range count {
		at := pageHeaderSize + i*elementSize
		head := p[at : at+elementSize : at+elementSize]
		pos, ksize, vsize := uint64(e.Uint32(head[4:])), uint64(e.Uint32(head[8:])), uint64(e.Uint32(head[12:]))
		start := uint64(at) + pos
		if ksize == 0 || pos < elementSize*uint64(count-i) || start+ksize+vsize > uint64(len(p)) {
			return 0, badPage(id, "an entry is out of bounds")
		}
		if e.Uint32(head) != 0 {
			return 0, badPage(id, "an entry of a bucket is no record")
		}
		key := p[start : start+ksize]
		if order := bytes.Compare(before, key); order > 0 || order == 0 && i > 0 {
			return 0, badPage(id, "keys out of order")
		}
		before = key
	}
	if count > 0 && high != nil && bytes.Compare(before, high) >= 0 {
		return 0, badPage(id, "keys out of order")
	}
	return count, nil
}
