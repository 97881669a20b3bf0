package store

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand"
	"os"
	"path/filepath"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// largeOptions make every file count as a large one.
func largeOptions(path string) Options {
	o := testOptions(path)
	o.scanAtOnce = 1
	return o
}

// TestLargeFileWorks opens, changes, suspends and closes a store whose leaves are
// walked in the background.
func TestLargeFileWorks(t *testing.T) {
	s := newFile(t)
	fill(s)
	for round := range 8 {
		s.must(s.Close())
		large, err := Open(largeOptions(s.path))
		s.must(err)
		s.Store = large
		if round%2 == 1 { // at once, while the walk may run
			s.must(s.Suspend())
			s.must(s.Resume())
		}
		if round%4 == 3 {
			s.must(s.Close())
			large, err = Open(largeOptions(s.path))
			s.must(err)
			s.Store = large
		}
		s.update(func(tx port.Tx) { s.must(tx.Put("t", number(1<<40+uint64(round)), []byte("new"))) })
		s.view(func(tx port.Tx) {
			for i := range round + 1 {
				if v, err := tx.Get("t", number(1<<40+uint64(i))); err != nil || string(v) != "new" {
					t.Errorf("round %d: %q, %v", round, v, err)
				}
			}
		})
		s.sound()
	}
}

// TestLargeFileDamaged damages pages at random. Whatever the walk over all pages
// refuses must be refused by Open or by the first write, which must leave the file as it
// is, or by every call once the walk is over, and then the damage must still be found in the file. What
// it accepts must be writable.
func TestLargeFileDamaged(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	s := newFile(t)
	fill(s)
	s.must(s.Close())
	good, err := os.ReadFile(s.path)
	s.must(err)
	meta, err := newestMeta(bytes.NewReader(good))
	s.must(err)
	path := filepath.Join(t.TempDir(), "damaged.db")
	atOpen, atWrite, later, harmless := 0, 0, 0, 0
	for range 300 {
		b := bytes.Clone(good)
		page := 2 + rng.Intn(int(meta.pages)-2)
		// Half of the damage is to the heads of the page and of its entries.
		at := rng.Intn(pageSize)
		if rng.Intn(2) == 0 {
			at = rng.Intn(pageHeaderSize + 2*elementSize)
		}
		b[page*pageSize+at] ^= byte(1 + rng.Intn(255))
		s.must(os.WriteFile(path, b, 0o600))
		_, scanErr := scanned(b)
		large, err := Open(largeOptions(path))
		if err != nil {
			wantCode(t, err, port.CodeStoreCorrupt)
			atOpen++
			continue
		}
		write := func() error {
			return large.Update(func(tx port.Tx) error { return tx.Put("unused", []byte("k"), []byte("v")) })
		}
		err = write()
		large.(*fileStore).file.finished()
		known := large.View(func(port.Tx) error { return nil })
		if err == nil && known != nil {
			wantCode(t, write(), port.CodeStoreCorrupt)
		}
		s.must(large.Close())
		after, readErr := os.ReadFile(path)
		s.must(readErr)
		switch {
		case err != nil:
			wantCode(t, err, port.CodeStoreCorrupt)
			if !bytes.Equal(after, b) {
				t.Errorf("page %d byte %d: the refused write changed the file", page, at)
			}
			atWrite++
		case known != nil:
			wantCode(t, known, port.CodeStoreCorrupt)
			if again, err := Open(testOptions(path)); err == nil {
				t.Errorf("page %d byte %d: the write hid that %v", page, at, known)
				s.must(again.Close())
			}
			later++
		case scanErr != nil:
			t.Errorf("page %d byte %d: written to although %v", page, at, scanErr)
		default:
			harmless++
		}
	}
	t.Logf("refused by Open %d, by the first write %d, after it %d, harmless to the structure %d", atOpen, atWrite, later, harmless)
	if atOpen == 0 || atWrite+later == 0 || harmless == 0 {
		t.Error("one of the three never happened: the test tests nothing")
	}
}

// TestLargeFileLostRecord takes a record out of a leaf: only the comparison with the
// index, at the end of the walk, can notice.
func TestLargeFileLostRecord(t *testing.T) {
	s := newFile(t)
	fill(s)
	s.must(s.Close())
	b, err := os.ReadFile(s.path)
	s.must(err)
	meta, err := newestMeta(bytes.NewReader(b))
	s.must(err)
	e := binary.NativeEndian
	whole, err := scanned(b)
	s.must(err)
	done := false
	for id := uint64(2); id < meta.pages && !done; id++ {
		p := b[id*pageSize:][:pageSize]
		if id != meta.root && e.Uint64(p) == id && isLeaf(p) && e.Uint16(p[10:]) > 2 {
			cut := bytes.Clone(b)
			e.PutUint16(cut[id*pageSize+10:], e.Uint16(p[10:])-1)
			if n, err := scanned(cut); err == nil && !maps.Equal(n, whole) { // not a free page
				s.must(os.WriteFile(s.path, cut, 0o600))
				done = true
			}
		}
	}
	if !done {
		t.Fatal("no leaf found")
	}
	large, err := Open(largeOptions(s.path))
	if err == nil {
		large.(*fileStore).file.finished()
		err = large.Update(func(tx port.Tx) error { return tx.Put("unused", []byte("k"), nil) })
		defer large.Close()
	}
	wantCode(t, err, port.CodeStoreCorrupt)
}
