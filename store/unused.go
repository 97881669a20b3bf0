package store

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"
	"os"
)

// The header is written to another page with every commit, and bbolt wipes no page
// that it frees. So after a change of passphrase the file is full of headers whose
// wrapped key the old passphrase opens: the present data key. They are overwritten,
// with all else that is in no use:
//
//  1. The commit with the new header.
//  2. One more commit. bbolt can fall back to the commit before the last, when the
//     last one's meta page is torn; from here on that one has the new header too.
//  3. When all Views that began before are over, and while no commit is made, all
//     pages that are free in both states are overwritten.
//  4. A commit with a mark that this was done under this header.
//
// A crash before 2 leaves a file that opens with the new passphrase, or the old one
// if 1 is torn; a crash before 4 one without the mark, and then the next open does 2
// to 4 again, as it does with stores of versions of this library that had no mark.

// erasedKey is the key, in the header bucket, of the mark: the checksum of the header,
// sealed.
var erasedKey = []byte("erased")

// mark is a step that writes the mark; an empty sum takes it away.
func (b *batch) mark(sum []byte) error {
	box, err := b.crypt.seal(headerBucket, erasedKey, sum)
	if err != nil {
		return err
	}
	return b.do(step{act: actPut, id: headerBucket, key: erasedKey, value: box})
}

// marked reports whether the mark belongs to the present header.
func (r *reader) marked() (bool, error) {
	h, err := r.header()
	if err != nil {
		return false, err
	}
	b, err := r.bucket("header", headerBucket)
	if err != nil || b == nil {
		return false, err
	}
	var sum []byte
	err = guard("header", func() { sum, _ = r.crypt.open(headerBucket, erasedKey, b.Get(erasedKey)) })
	return sum != nil && bytes.Equal(sum, checksum(h)), err
}

// eraseUnused does the steps 2 to 4. s.rewrap is held.
func (s *fileStore) eraseUnused() error {
	s.file.finished() // the walk holds the state that was opened, as a View does
	if err := s.submit(func(b *batch) error { return b.mark(nil) }); err != nil {
		return err
	}
	s.file.readers.drain() // the long ones, before they would hold up the writer
	return s.submit(func(b *batch) error {
		h, err := b.header()
		if err != nil {
			return err
		}
		// A View that enters from now on reads the state of the last commit.
		s.file.readers.drain()
		if err := s.file.eraseUnused(); err != nil {
			return err
		}
		return b.mark(checksum(h))
	})
}

// eraseUnused overwrites all pages that neither of the two latest states uses. No
// commit, and no View of an earlier state, may be under way.
func (b *boltFile) eraseUnused() error {
	info, err := b.file.Stat()
	if err != nil {
		return ioError("reading the store", err)
	}
	unused, err := unusedPages(b.file, uint64(info.Size())/pageSize)
	if err != nil {
		return corrupt("the list of free pages is damaged").Because(err)
	}
	wrote := false
	for from, to := unused.next(0); from < to; from, to = unused.next(to) {
		one, err := zero(b.file, int64(from)*pageSize, int64(to)*pageSize)
		if err != nil {
			return ioError("erasing free pages", err)
		}
		wrote = wrote || one
	}
	if wrote && !b.db.NoSync {
		if err := b.file.Sync(); err != nil {
			return ioError("erasing free pages", err)
		}
	}
	return nil
}

// zero overwrites what is between two offsets, where there is anything.
func zero(f *os.File, from, to int64) (wrote bool, err error) {
	block, zeros := make([]byte, min(eraseBlock, to-from)), make([]byte, min(eraseBlock, to-from))
	for ; from < to; from += eraseBlock {
		n := min(eraseBlock, to-from)
		if _, err := f.ReadAt(block[:n], from); err != nil {
			return wrote, err
		}
		if bytes.Equal(block[:n], zeros[:n]) {
			continue // never used, and perhaps not even on disk
		}
		wrote = true
		if _, err := f.WriteAt(zeros[:n], from); err != nil {
			return wrote, err
		}
	}
	return wrote, nil
}

// pageSet is a set of page numbers.
type pageSet []uint64

func newPageSet(pages uint64) pageSet { return make(pageSet, pages/64+1) }

func (p pageSet) add(id uint64)      { p[id/64] |= 1 << (id % 64) }
func (p pageSet) has(id uint64) bool { return p[id/64]&(1<<(id%64)) != 0 }

// next returns the first run [from, to) of members at or after id; from equals to if
// there is none.
func (p pageSet) next(id uint64) (from, to uint64) {
	end := uint64(len(p)) * 64
	for from = id; from < end && !p.has(from); from++ {
		if from%64 == 0 && p[from/64] == 0 {
			from += 63
		}
	}
	for to = from; to < end && p.has(to); to++ {
		if to%64 == 0 && bits.OnesCount64(p[to/64]) == 64 {
			to += 63
		}
	}
	return from, to
}

// unusedPages are the pages of a file of so many pages that the states of both meta
// pages have on their lists of free pages, or have not yet come to.
func unusedPages(f io.ReaderAt, pages uint64) (pageSet, error) {
	var both pageSet
	for i := range int64(2) {
		m, ok := readMeta(f, i)
		if !ok || m.pages > pages {
			return nil, badPage(uint64(i), "no intact meta page")
		}
		free, err := freePages(f, m, pages)
		if err != nil {
			return nil, err
		}
		for i := range both {
			free[i] &= both[i]
		}
		both = free
	}
	return both, nil
}

// freePages are the pages that one state does not use.
func freePages(f io.ReaderAt, m boltMeta, pages uint64) (pageSet, error) {
	s := &scan{f: f, pages: m.pages, seen: newPageSet(m.pages)}
	list, err := s.page(m.freelist, nil)
	if err != nil {
		return nil, err
	}
	free := newPageSet(pages)
	err = eachFree(m.freelist, list, func(id uint64) error {
		if err := s.take(id); err != nil {
			return err
		}
		free.add(id)
		return nil
	})
	for id := m.pages; id < pages; id++ {
		free.add(id)
	}
	return free, err
}

// checkList looks at the head of the list of free pages of state txid, the last one. A
// commit frees as many pages as that says there are of the list, without a question:
// with a number that is not so bbolt takes all memory there is.
func (b *boltFile) checkList(txid uint64) error {
	m, ok := readMeta(b.file, int64(txid%2))
	var head [pageHeaderSize]byte
	if ok {
		_, err := b.file.ReadAt(head[:], int64(m.freelist)*pageSize)
		ok = err == nil
	}
	e := binary.NativeEndian
	if !ok || m.txid != txid || e.Uint64(head[:]) != m.freelist || e.Uint16(head[8:]) != freelistPage ||
		uint64(e.Uint32(head[12:])) >= m.pages-m.freelist {
		return corrupt("file: the list of free pages is damaged")
	}
	return nil
}
