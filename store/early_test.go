package store

import (
	"bytes"
	"encoding/binary"
	"math/rand"
	"os"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// walkEarly looks at every leaf of a file as writes of all its keys would: keys are those of the
// file without damage.
func walkEarly(file []byte, roots map[uint64][][]byte, deletes bool) error {
	m, err := newestMeta(bytes.NewReader(file))
	if err != nil {
		return err
	}
	e, err := scanBranches(bytes.NewReader(file), int64(len(file)), m)
	if err != nil {
		return err
	}
	for root, keys := range roots {
		for _, key := range keys {
			if err := e.below(bytes.NewReader(file), root, key, nil, nil, 0, deletes); err != nil {
				return err
			}
		}
	}
	return nil
}

// keysOf gives the keys of each bucket of a file that has a page of its own, by that page, and
// the leaves among the pages.
func keysOf(t *testing.T, file []byte) (roots map[uint64][][]byte, leaves []uint64) {
	t.Helper()
	m, err := newestMeta(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	roots = map[uint64][][]byte{}
	visit := func(w *walker, root uint64) {
		err := w.tree(root, nil, nil, 1, func(id uint64, _ int, e element) error {
			roots[root] = append(roots[root], bytes.Clone(e.key))
			if len(leaves) == 0 || leaves[len(leaves)-1] != id {
				leaves = append(leaves, id)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := newScan(bytes.NewReader(file), int64(len(file)), m)
	if err != nil {
		t.Fatal(err)
	}
	err = (&walker{scan: s}).tree(m.root, nil, nil, 0, func(_ uint64, _ int, e element) error {
		if root := binary.NativeEndian.Uint64(e.value); root != 0 {
			visit(&walker{scan: s}, root)
		}
		return nil
	})
	if err != nil || len(leaves) < 10 {
		t.Fatal(len(leaves), err)
	}
	return roots, leaves
}

// TestEarlyFindsWhatTheWalkFinds damages leaves at random: what the walk over all pages
// refuses, writes refuse that come before it, and nothing else. A page that belongs to
// nobody is no danger to them.
func TestEarlyFindsWhatTheWalkFinds(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	s := newFile(t)
	fill(s)
	s.update(func(tx port.Tx) {
		for i := range byte(40) { // leaves of several pages, the first one as well
			s.must(tx.Put("large", []byte{i}, bytes.Repeat([]byte{i}, 2*pageSize)))
		}
	})
	s.must(s.Close())
	good, err := os.ReadFile(s.path)
	s.must(err)
	roots, leaves := keysOf(t, good)
	for _, deletes := range []bool{false, true} {
		s.must(walkEarly(good, roots, deletes))
	}
	refused, harmless := 0, 0
	for range 2000 {
		b := bytes.Clone(good)
		page := leaves[rng.Intn(len(leaves))]
		at := rng.Intn(pageSize)
		if rng.Intn(2) == 0 {
			at = rng.Intn(pageHeaderSize + 4*elementSize)
		}
		b[int(page)*pageSize+at] ^= byte(1 + rng.Intn(255))
		_, walked := scanned(b)
		early := walkEarly(b, roots, rng.Intn(2) == 0)
		switch {
		case walked == nil && early == nil:
			harmless++
		case walked != nil && early != nil:
			refused++
		case walked == nil:
			t.Errorf("page %d byte %d: refused although the walk finds nothing: %v", page, at, early)
		case walked.Error() != errPages.Error()+": pages neither used nor free":
			t.Errorf("page %d byte %d: may be written although %v", page, at, walked)
		}
	}
	t.Logf("refused %d, harmless %d", refused, harmless)
	if refused == 0 || harmless == 0 {
		t.Error("one of the two never happened: the test tests nothing")
	}
}

// held opens the file of a subject as a large one whose walk waits for release.
func (s *subject) held() (release func()) {
	s.t.Helper()
	hold := make(chan struct{})
	o := largeOptions(s.path)
	o.walkAfter = hold
	large, err := Open(o)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Store = large
	return func() { close(hold) }
}

// TestWriteBeforeTheWalk writes and deletes before the walk has begun. The state that was
// opened must stay in the file as it is until the walk is over.
func TestWriteBeforeTheWalk(t *testing.T) {
	s := newFile(t)
	fill(s)
	s.must(s.Close())
	before, err := os.ReadFile(s.path)
	s.must(err)
	m, err := newestMeta(bytes.NewReader(before))
	s.must(err)
	free, err := freePages(bytes.NewReader(before), m, m.pages)
	s.must(err)
	release := s.held()
	for round := range byte(6) {
		s.update(func(tx port.Tx) {
			for i := range byte(40) {
				s.must(tx.Put("t", []byte{round, i, 1}, bytes.Repeat([]byte{i}, 200)))
				s.must(tx.Delete("t", []byte{round, i}))
				_, err := tx.Insert([]byte("chat with bob"), pos(1000+uint64(i), round))
				s.must(err)
			}
			s.must(tx.Put("another", []byte{round}, nil))
		})
	}
	after, err := os.ReadFile(s.path)
	s.must(err)
	for id := uint64(2); id < m.pages; id++ {
		if !free.has(id) && !bytes.Equal(before[id*pageSize:][:pageSize], after[id*pageSize:][:pageSize]) {
			t.Errorf("page %d was used again", id)
		}
	}
	release()
	s.Store.(*fileStore).file.finished()
	s.sound()
	s.again()
}

// TestDropWaitsForTheWalk drops a history, all of whose pages become free.
func TestDropWaitsForTheWalk(t *testing.T) {
	s := newFile(t)
	fill(s)
	s.must(s.Close())
	release := s.held()
	f := s.Store.(*fileStore).file
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.update(func(tx port.Tx) { s.must(tx.DropHistory([]byte("chat with bob"))) })
	}()
	f.waitedFor(t, done)
	release()
	<-done
	s.again()
}

// waitedFor returns when somebody waits for the walk; done is closed when they do not any more.
func (b *boltFile) waitedFor(t *testing.T, done <-chan struct{}) {
	t.Helper()
	select {
	case <-b.rest.pace.hurry:
	case <-done:
		t.Error("it did not wait")
	}
}

// TestGrowthWaitsForTheWalk: what becomes free before the walk is over is not used again, so
// the file must not grow for ever.
func TestGrowthWaitsForTheWalk(t *testing.T) {
	s := newFile(t)
	fill(s)
	s.must(s.Close())
	release := s.held()
	f := s.Store.(*fileStore).file
	used := int64(f.rest.meta.pages) * pageSize
	s.must(f.awaitWalk(used + earlyBytes))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.must(f.awaitWalk(used + earlyBytes + 1))
	}()
	f.waitedFor(t, done)
	release()
	<-done
}

// TestDamagedLeafBeforeTheWalk writes to a damaged leaf, and elsewhere.
func TestDamagedLeafBeforeTheWalk(t *testing.T) {
	s := newFile(t)
	fill(s)
	s.must(s.Close())
	good, err := os.ReadFile(s.path)
	s.must(err)
	elsewhere := func() error {
		return s.Update(func(tx port.Tx) error { return tx.Put("unused", []byte("k"), nil) })
	}
	everywhere := func() error {
		return s.Update(func(tx port.Tx) error {
			for round := range byte(6) {
				for i := range byte(40) {
					if err := tx.Put("t", []byte{round, i}, nil); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	_, leaves := s.leavesOf("t", good)
	bad := bytes.Clone(good)
	bad[leaves[1].id*pageSize+10] ^= 0xff // the number of its entries
	s.must(os.WriteFile(s.path, bad, 0o600))
	release := s.held()
	s.must(elsewhere())
	changed, err := os.ReadFile(s.path)
	s.must(err)
	f, done := s.Store.(*fileStore).file, make(chan struct{})
	go func() {
		defer close(done)
		wantCode(t, everywhere(), port.CodeStoreCorrupt)
	}()
	f.waitedFor(t, done) // the walk finds the damage, too
	release()
	<-done
	wantCode(t, elsewhere(), port.CodeStoreCorrupt)
	s.must(s.Close())
	after, err := os.ReadFile(s.path)
	s.must(err)
	if !bytes.Equal(changed, after) {
		t.Error("the refused write changed the file")
	}
}

// TestDeleteLooksAtNeighbours: bbolt joins a leaf that is nearly empty with one beside it.
func TestDeleteLooksAtNeighbours(t *testing.T) {
	s := newFile(t)
	fill(s)
	s.must(s.Close())
	file, err := os.ReadFile(s.path)
	s.must(err)
	m, err := newestMeta(bytes.NewReader(file))
	s.must(err)
	root, leaves := s.leavesOf("t", file)
	for i := 1; i+1 < len(leaves); i++ {
		bad := bytes.Clone(file)
		bad[leaves[i].id*pageSize+10] ^= 0xff
		for _, beside := range []int{i - 1, i + 1} {
			for _, deletes := range []bool{false, true} {
				e, err := scanBranches(bytes.NewReader(file), int64(len(file)), m)
				s.must(err)
				err = e.below(bytes.NewReader(bad), root, leaves[beside].first, nil, nil, 0, deletes)
				if deletes != (err != nil) {
					t.Errorf("leaf %d of %d is bad, write to leaf %d, deletes %v: %v", i, len(leaves), beside, deletes, err)
				}
			}
		}
	}
}

// leafOfTable is a leaf and its first key.
type leafOfTable struct {
	id    int
	first []byte
}

// leavesOf gives the first page and the leaves of a table that has some.
func (s *subject) leavesOf(table string, file []byte) (root uint64, leaves []leafOfTable) {
	s.t.Helper()
	name := []byte(s.Store.(*fileStore).crypt.bucket(kindTable, table))
	m, err := newestMeta(bytes.NewReader(file))
	s.must(err)
	scan, err := newScan(bytes.NewReader(file), int64(len(file)), m)
	s.must(err)
	s.must((&walker{scan: scan}).tree(m.root, nil, nil, 0, func(_ uint64, _ int, e element) error {
		if !bytes.Equal(e.key, name) {
			return nil
		}
		root = binary.NativeEndian.Uint64(e.value)
		return (&walker{scan: scan}).tree(root, nil, nil, 1, func(id uint64, _ int, e element) error {
			if len(leaves) == 0 || leaves[len(leaves)-1].id != int(id) {
				leaves = append(leaves, leafOfTable{int(id), bytes.Clone(e.key)})
			}
			return nil
		})
	}))
	if len(leaves) < 3 {
		s.t.Fatal("the table has too few pages")
	}
	return root, leaves
}

// TestDeleteLooksBeyondItsBranch: where deletes leave few leaves under a branch page, bbolt joins it with
// the one before, and then the first leaf of the one with the last of the other.
func TestDeleteLooksBeyondItsBranch(t *testing.T) {
	s := newFile(t)
	n := uint64(2000)
	s.update(func(tx port.Tx) {
		for i := range n {
			s.must(tx.Put("#t", number(i), bytes.Repeat([]byte{1}, 900)))
		}
	})
	s.must(s.Close())
	file, err := os.ReadFile(s.path)
	s.must(err)
	root, leaves := s.leavesOf("#t", file)
	page := file[root*pageSize:][:pageSize]
	list, _, err := elements(root, page, nil, nil, nil)
	s.must(err)
	if isLeaf(page) || len(list) < 3 {
		t.Fatal("not deep enough", len(list))
	}
	first := binary.BigEndian.Uint64(list[1].key) // first key of the second branch
	var bad int
	for i, l := range leaves {
		if bytes.Equal(l.first, list[1].key) {
			bad = leaves[i-1].id
		}
	}
	b := bytes.Clone(file)
	p := b[bad*pageSize:][:pageSize]
	c := int(binary.NativeEndian.Uint16(p[10:]))
	at := pageHeaderSize + (c-1)*elementSize
	p[at+int(binary.NativeEndian.Uint32(p[at+4:]))] = 0xff // the first byte of its last key: out of order
	s.must(os.WriteFile(s.path, b, 0o600))
	release := s.held()
	end := binary.BigEndian.Uint64(list[2].key)
	done := make(chan error, 1)
	go func() {
		done <- s.Update(func(tx port.Tx) error {
			for i := first + 1; i < end; i++ {
				if err := tx.Delete("#t", number(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	select {
	case <-s.Store.(*fileStore).file.rest.pace.hurry:
		release()
		wantCode(t, <-done, port.CodeStoreCorrupt)
	case err := <-done:
		after, _ := os.ReadFile(s.path)
		m, _ := newestMeta(bytes.NewReader(after))
		free, _ := freePages(bytes.NewReader(after), m, uint64(len(after))/pageSize)
		t.Errorf("the commit did not look: %v; the damaged leaf was copied and freed: %v", err, free.has(uint64(bad)))
		release()
	}
}
