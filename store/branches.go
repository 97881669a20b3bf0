package store

import (
	"encoding/binary"
	"io"
	"runtime/debug"
	"sync"

	"libstatus1to1/chat/port"
)

// A large file is opened in two steps. Before bbolt sees it scanBranches reads what
// leads to the records: meta page, list of free pages, branch pages. That is one
// page in a hundred, and with it bbolt finds its way and ends. A goroutine then
// walks the whole file as scanPages does at once for a small one. It walks the state
// that was opened, which bbolt keeps for it as for a View. Until that is done a leaf is
// looked at before it is written (early.go): a damaged leaf page can make a read fail,
// which is noticed as damage of a record is, but only a write could spread it.

// scanBranches checks all pages of a state but the leaves of large buckets.
func scanBranches(f io.ReaderAt, size int64, m boltMeta) (*early, error) {
	s, err := newScan(f, size, m)
	if err != nil {
		return nil, err
	}
	w := &walker{scan: s, good: map[uint64]bool{}}
	if err := w.tree(m.root, nil, nil, 0, w.rootBranches); err != nil {
		return nil, err
	}
	e := &early{scan: s, free: newPageSet(m.pages), good: w.good}
	list, err := s.page(m.freelist, nil)
	if err != nil {
		return nil, err
	}
	return e, eachFree(m.freelist, list, func(id uint64) error {
		if err := s.take(id); err != nil {
			return err
		}
		e.free.add(id)
		return nil
	})
}

// rootBranches visits an entry of the root.
func (w *walker) rootBranches(id uint64, depth int, e element) error {
	if e.flags != bucketElement || len(e.value) < bucketSize {
		return badPage(id, "an entry of the root is no bucket")
	}
	root := binary.NativeEndian.Uint64(e.value)
	if root == 0 {
		_, err := inlineBucket(id, e)
		return err
	}
	_, err := w.branches(root, nil, nil, depth+1)
	return err
}

// branches walks the branch pages below id and reports whether id is a leaf. All
// leaves of a bucket are at one depth, so only the first child of each page is
// looked at to know what the others are.
func (w *walker) branches(id uint64, low, high []byte, depth int) (leaf bool, err error) {
	if depth > maxTreeDepth {
		return false, badPage(id, "too deep")
	}
	level := &w.level[depth]
	p, err := w.page(id, level.page)
	if err != nil {
		return false, err
	}
	level.page = p
	if isLeaf(p) {
		_, err := leafRecords(id, p, low, high)
		w.good[id] = err == nil
		return true, err
	}
	list, _, err := elements(id, p, low, high, level.list)
	if err != nil {
		return false, err
	}
	level.list = list
	below := false
	for i, e := range list {
		if i > 0 && below {
			err = w.take(e.child)
		} else if leaf, err = w.branches(e.child, e.key, upper(list, i, high), depth+1); i == 0 {
			below = leaf
		} else if leaf && err == nil {
			err = badPage(e.child, "wrong kind")
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// rest is the second step of opening a file.
type rest struct {
	meta  boltMeta
	size  int64
	early *early // only the writer uses it; nil once it has seen the end
	pace  *pace
	done  chan struct{} // closed when it is over
	err   error         // then: what it found
}

// finishNow does all that is left, where waiting does no harm.
func (b *boltFile) finishNow(c *crypt) error {
	if b.rest == nil {
		return nil
	}
	b.rest.pace.faster()
	err := b.view(b.finish, c)
	b.rest = nil
	return err
}

// finish walks the whole file and compares it with the index. r is of the state that was
// opened.
func (b *boltFile) finish(r *reader) (err error) {
	panicked := guard("file", func() { b.count, err = scanPaced(b.file, b.rest.size, b.rest.meta, b.rest.pace) })
	if err == nil {
		err = panicked
	}
	if err != nil {
		return openError(err)
	}
	return checkIndex(r, b.count)
}

// finishLater does so in the background. It returns when the state that was opened is
// held, so that writes may begin. hold, if any, delays the walk.
func (s *fileStore) finishLater(f *boltFile, hold <-chan struct{}) {
	if f.rest == nil {
		return
	}
	held := make(chan struct{})
	go func() {
		defer close(f.rest.done)
		defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
		var once sync.Once
		begun := func() { once.Do(func() { close(held) }) }
		err := f.view(func(r *reader) error {
			begun()
			if hold != nil {
				<-hold
			}
			return f.finish(r)
		}, s.crypt)
		if err != nil && !f.rest.pace.stop.Load() {
			f.rest.err = damaged(err)
			s.broken.CompareAndSwap(nil, damaged(err))
		}
		begun()
	}()
	<-held
}

// damaged is the error of every transaction from then on.
func damaged(cause error) *port.Error {
	return port.Errorf(port.CodeOf(cause), "", "the store file is damaged").Because(cause)
}

// finished waits until nothing of the file is left to be looked at.
func (b *boltFile) finished() {
	if b.rest != nil {
		b.rest.pace.faster()
		<-b.rest.done
	}
}

// giveUp ends the walk, if it still runs, because the file is to be closed.
func (b *boltFile) giveUp() {
	if b.rest != nil {
		b.rest.pace.stop.Store(true)
		<-b.rest.done
	}
}
