package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"
)

// This file reads bbolt's pages (format version 2, native byte order) without
// bbolt, which follows page numbers, counts and offsets as it finds them: a
// damaged one would make it recurse without end, fault, or write over live
// pages. What scanPages accepts, bbolt can use.

const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	pageHeaderSize = 16
	elementSize    = 16
	bucketSize     = 16 // root page, sequence
	metaSize       = 64

	branchPage   = 0x01
	leafPage     = 0x02
	freelistPage = 0x10

	bucketElement = 0x01 // flag of a leaf element that is a bucket
	longFreelist  = 0xFFFF
)

// errPages is wrapped by the error of every structural fault of the file.
var errPages = errors.New("the pages are damaged")

func badPage(id uint64, what string) error {
	return fmt.Errorf("%w: page %d: %s", errPages, id, what)
}

// boltMeta is the content of a meta page: one committed state.
type boltMeta struct {
	root, freelist, pages, txid uint64
}

// readMeta reads meta page 0 or 1. ok is false when it is not intact.
func readMeta(f io.ReaderAt, page int64) (m boltMeta, ok bool) {
	var b [pageHeaderSize + metaSize]byte
	if _, err := f.ReadAt(b[:], page*pageSize); err != nil {
		return m, false
	}
	meta := b[pageHeaderSize:]
	h := fnv.New64a()
	h.Write(meta[:metaSize-8])
	e := binary.NativeEndian
	if e.Uint32(meta) != boltMagic || e.Uint32(meta[4:]) != boltVersion || e.Uint32(meta[8:]) != pageSize ||
		e.Uint64(meta[metaSize-8:]) != h.Sum64() {
		return m, false
	}
	return boltMeta{root: e.Uint64(meta[16:]), freelist: e.Uint64(meta[32:]),
		pages: e.Uint64(meta[40:]), txid: e.Uint64(meta[48:])}, true
}

// newestMeta is the state bbolt will use.
func newestMeta(f io.ReaderAt) (boltMeta, error) {
	a, okA := readMeta(f, 0)
	b, okB := readMeta(f, 1)
	switch {
	case !okA && !okB:
		return a, fmt.Errorf("%w: no intact meta page", errPages)
	case !okA || (okB && b.txid > a.txid):
		return b, nil
	}
	return a, nil
}

// scan is one walk over all pages of a state. The trees below the root are walked
// by several goroutines (walk.go), so what is shared here is atomic or read only.
type scan struct {
	f      io.ReaderAt
	mapped []byte           // the file in memory; nil where that is not possible
	pages  uint64           // page numbers are below this
	seen   []uint64         // bit set of pages met
	count  map[string]int64 // elements a bucket
	parts  []part           // of the buckets, not walked yet
	pace   *pace            // nil: as fast as can be
}

// errStopped ends a walk that was asked to stop.
var errStopped = errors.New("the walk was stopped")

// scanPages walks all pages of the state m of a file of size bytes, and returns
// the number of records in each root bucket.
func scanPages(f io.ReaderAt, size int64, m boltMeta) (map[string]int, error) {
	return scanPaced(f, size, m, nil)
}

// newScan begins a scan, or refuses what does not fit the file.
func newScan(f io.ReaderAt, size int64, m boltMeta) (*scan, error) {
	if m.pages < 4 || m.pages > uint64(size)/pageSize {
		return nil, fmt.Errorf("%w: the file is shorter than it says", errPages)
	}
	s := &scan{f: f, pages: m.pages, seen: make([]uint64, m.pages/64+1), count: map[string]int64{}}
	s.seen[0] = 0b11 // the meta pages
	return s, nil
}

// pace lets others control a walk in the background.
type pace struct {
	stop  atomic.Bool   // it is to end, with errStopped
	hurry chan struct{} // closed when somebody waits for it
	once  sync.Once
}

func newPace() *pace { return &pace{hurry: make(chan struct{})} }

func (p *pace) faster() { p.once.Do(func() { close(p.hurry) }) }

// scanPaced is scanPages in the background.
func scanPaced(f io.ReaderAt, size int64, m boltMeta, p *pace) (map[string]int, error) {
	s, err := newScan(f, size, m)
	if err != nil {
		return nil, err
	}
	mapped, unmap := mapFile(f, size)
	defer unmap()
	s.mapped, s.pace = mapped, p
	w := &walker{scan: s}
	if err := w.tree(m.root, nil, nil, 0, w.rootElement); err != nil {
		return nil, err
	}
	if err := s.walkParts(); err != nil {
		return nil, err
	}
	if err := s.free(m.freelist); err != nil {
		return nil, err
	}
	met := 0
	for _, w := range s.seen {
		met += bits.OnesCount64(w)
	}
	if uint64(met) != m.pages {
		return nil, fmt.Errorf("%w: pages neither used nor free", errPages)
	}
	count := make(map[string]int, len(s.count))
	for name, n := range s.count {
		count[name] = int(n)
	}
	return count, nil
}

// take marks a page as met.
func (s *scan) take(id uint64) error {
	if id < 2 || id >= s.pages {
		return badPage(id, "number out of range")
	}
	if s.pace != nil && s.pace.stop.Load() {
		return errStopped
	}
	bit := uint64(1) << (id % 64)
	if atomic.OrUint64(&s.seen[id/64], bit)&bit != 0 {
		return badPage(id, "used twice")
	}
	return nil
}

// page gives a page with its overflow pages and marks them. It lies in buf, or in
// the mapped file.
func (s *scan) page(id uint64, buf []byte) ([]byte, error) {
	if err := s.take(id); err != nil {
		return nil, err
	}
	p, err := s.read(id, 1, buf)
	if err != nil {
		return nil, err
	}
	overflow := uint64(binary.NativeEndian.Uint32(p[12:]))
	if binary.NativeEndian.Uint64(p) != id || overflow >= s.pages-id {
		return nil, badPage(id, "bad header")
	}
	for i := uint64(1); i <= overflow; i++ {
		if err := s.take(id + i); err != nil {
			return nil, err
		}
	}
	if overflow > 0 {
		return s.read(id, overflow+1, p)
	}
	return p, nil
}

// read gives n pages.
func (s *scan) read(id, n uint64, buf []byte) ([]byte, error) {
	if s.mapped != nil {
		return s.mapped[id*pageSize : (id+n)*pageSize : (id+n)*pageSize], nil
	}
	p := slices.Grow(buf[:0], int(n*pageSize))[:n*pageSize]
	if _, err := s.f.ReadAt(p, int64(id)*pageSize); err != nil {
		return nil, badPage(id, "cannot be read")
	}
	return p, nil
}

// element is one entry of a branch or leaf page.
type element struct {
	flags      uint32
	child      uint64 // of a branch
	key, value []byte // value of a leaf
}

// elements reads the entries of a page into buf and checks that their keys rise
// within [low, high); nil means no bound.
func elements(id uint64, p, low, high []byte, buf []element) (out []element, leaf bool, err error) {
	e := binary.NativeEndian
	flags, count := e.Uint16(p[8:]), int(e.Uint16(p[10:]))
	leaf = flags == leafPage
	if !leaf && flags != branchPage {
		return nil, false, badPage(id, "wrong kind")
	}
	if pageHeaderSize+count*elementSize > len(p) || (!leaf && count == 0) {
		return nil, false, badPage(id, "bad count")
	}
	out = slices.Grow(buf[:0], count)[:count]
	clear(out)
	for i := range out {
		at := pageHeaderSize + i*elementSize
		var pos, ksize, vsize uint64
		if leaf {
			out[i].flags = e.Uint32(p[at:])
			pos, ksize, vsize = uint64(e.Uint32(p[at+4:])), uint64(e.Uint32(p[at+8:])), uint64(e.Uint32(p[at+12:]))
		} else {
			pos, ksize, out[i].child = uint64(e.Uint32(p[at:])), uint64(e.Uint32(p[at+4:])), e.Uint64(p[at+8:])
		}
		start := uint64(at) + pos
		if ksize == 0 || pos < elementSize*uint64(count-i) || start+ksize+vsize > uint64(len(p)) {
			return nil, false, badPage(id, "an entry is out of bounds")
		}
		out[i].key, out[i].value = p[start:start+ksize], p[start+ksize:start+ksize+vsize]
		if i > 0 && bytes.Compare(out[i-1].key, out[i].key) >= 0 {
			return nil, false, badPage(id, "keys out of order")
		}
	}
	if count > 0 && ((low != nil && bytes.Compare(out[0].key, low) < 0) ||
		(high != nil && bytes.Compare(out[count-1].key, high) >= 0)) {
		return nil, false, badPage(id, "keys out of order")
	}
	return out, leaf, nil
}

// inlineBucket looks at a small bucket, which lies in the root, and counts it.
func inlineBucket(id uint64, e element) (int, error) {
	inline := e.value[bucketSize:]
	if len(inline) < pageHeaderSize {
		return 0, badPage(id, "an inline bucket is too short")
	}
	if !isLeaf(inline) {
		return 0, badPage(id, "an inline bucket is no leaf")
	}
	return leafRecords(id, inline, nil, nil)
}

// free reads the list of free pages.
func (s *scan) free(id uint64) error {
	p, err := s.page(id, nil)
	if err != nil {
		return err
	}
	return eachFree(id, p, s.take)
}

// eachFree calls fn for each page in the list of free pages that page id holds.
func eachFree(id uint64, p []byte, fn func(page uint64) error) error {
	e := binary.NativeEndian
	if e.Uint16(p[8:]) != freelistPage {
		return badPage(id, "not the list of free pages")
	}
	count, ids := uint64(e.Uint16(p[10:])), p[pageHeaderSize:]
	if count == longFreelist {
		count, ids = e.Uint64(ids), ids[8:]
	}
	if count > uint64(len(ids)/8) {
		return badPage(id, "bad count")
	}
	last := uint64(0)
	for i := range count {
		n := e.Uint64(ids[8*i:])
		if n <= last {
			return badPage(id, "free pages out of order")
		}
		last = n
		if err := fn(n); err != nil {
			return err
		}
	}
	return nil
}
