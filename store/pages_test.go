package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"math/rand"
	"os"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

func scanned(file []byte) (map[string]int, error) {
	m, err := newestMeta(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	return scanPages(bytes.NewReader(file), int64(len(file)), m)
}

// TestScanAgreesWithBbolt grows and shrinks a store at random and compares our
// walk over its pages with bbolt's own check and counts.
func TestScanAgreesWithBbolt(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	s := newFile(t)
	for range 12 {
		for range 5 {
			failing := rng.Intn(3) == 0
			_ = s.Update(func(tx port.Tx) error {
				for range rng.Intn(200) {
					k := number(uint64(rng.Intn(400)))
					if rng.Intn(3) == 0 {
						s.must(tx.Delete("t", k))
					} else {
						s.must(tx.Put("t", k, make([]byte, rng.Intn(rng.Intn(9000)+1))))
					}
					_, err := tx.Append("q", k)
					s.must(err)
					_, err = tx.Insert(number(uint64(rng.Intn(20))), pos(uint64(rng.Intn(1000)), byte(rng.Intn(9))))
					s.must(err)
				}
				_, last, _ := tx.Bounds("q")
				s.must(tx.Trim("q", last-min(last, uint64(rng.Intn(300)))))
				s.must(tx.DropHistory(number(uint64(rng.Intn(20)))))
				if failing {
					return errors.New("no")
				}
				return nil
			})
		}
		s.again()
		s.must(s.Suspend())
		content, err := os.ReadFile(s.path)
		s.must(err)
		counts, err := scanned(content)
		s.must(err)
		rawView(t, s.path, func(tx *bolt.Tx) error {
			for err := range tx.Check() {
				t.Errorf("bbolt's check: %v", err)
			}
			return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				if got, want := counts[string(name)], b.Stats().KeyN; got != want {
					t.Errorf("bucket %x: we count %d, bbolt %d", name, got, want)
				}
				delete(counts, string(name))
				return nil
			})
		})
		if len(counts) != 0 {
			t.Errorf("%d buckets that bbolt does not have", len(counts))
		}
		s.must(s.Resume())
	}
}

// TestScanRefuses damages the structure on purpose, with right checksums where
// there are any.
func TestScanRefuses(t *testing.T) {
	s := newFile(t)
	fill(s)
	table := string(s.Store.(*fileStore).crypt.bucket(kindTable, "t"))
	s.must(s.Close())
	good, err := os.ReadFile(s.path)
	s.must(err)
	if _, err := scanned(good); err != nil {
		t.Fatal(err)
	}
	e := binary.NativeEndian
	meta, err := newestMeta(bytes.NewReader(good))
	s.must(err)
	setMeta := func(b []byte, at int, v uint64) {
		m := b[int(meta.txid%2)*pageSize+pageHeaderSize:][:metaSize]
		e.PutUint64(m[at:], v)
		h := fnv.New64a()
		h.Write(m[:metaSize-8])
		e.PutUint64(m[metaSize-8:], h.Sum64())
	}
	page := func(b []byte, id uint64) []byte { return b[id*pageSize:][:pageSize] }
	// tree is the first page of the table's bucket, a branch page.
	var tree uint64
	list, _, err := elements(meta.root, page(good, meta.root), nil, nil, nil)
	s.must(err)
	for _, el := range list {
		if string(el.key) == table {
			tree = e.Uint64(el.value)
		}
	}
	if tree == 0 || e.Uint16(page(good, tree)[8:]) != branchPage {
		t.Fatal("the table has no branch page: fill is too small")
	}
	child := func(b []byte, i int) []byte { return page(b, tree)[pageHeaderSize+i*elementSize+8:][:8] }
	leaf := e.Uint64(child(good, 0))

	for name, damage := range map[string]func(b []byte) []byte{
		"cut":                   func(b []byte) []byte { return b[:(meta.pages-1)*pageSize] },
		"no meta page":          func(b []byte) []byte { clear(b[:2*pageSize]); return b },
		"root out of range":     func(b []byte) []byte { setMeta(b, 16, meta.pages); return b },
		"root is a meta page":   func(b []byte) []byte { setMeta(b, 16, 0); return b },
		"no list of free pages": func(b []byte) []byte { setMeta(b, 32, 1<<64-1); return b },
		"list is the root":      func(b []byte) []byte { setMeta(b, 32, meta.root); return b },
		"too many pages":        func(b []byte) []byte { setMeta(b, 40, 1<<62); return b },
		"too few pages":         func(b []byte) []byte { setMeta(b, 40, 3); return b },
		"cycle":                 func(b []byte) []byte { e.PutUint64(child(b, 0), tree); return b },
		"page used twice":       func(b []byte) []byte { copy(child(b, 1), child(b, 0)); return b },
		"children swapped": func(b []byte) []byte {
			first := bytes.Clone(child(b, 0))
			copy(child(b, 0), child(b, 1))
			copy(child(b, 1), first)
			return b
		},
		"page number":    func(b []byte) []byte { page(b, leaf)[0] ^= 1; return b },
		"page kind":      func(b []byte) []byte { page(b, leaf)[8] = freelistPage; return b },
		"leaf as branch": func(b []byte) []byte { page(b, leaf)[8] = branchPage; return b },
		"count":          func(b []byte) []byte { e.PutUint16(page(b, leaf)[10:], 60000); return b },
		"empty branch":   func(b []byte) []byte { e.PutUint16(page(b, tree)[10:], 0); return b },
		"overflow":       func(b []byte) []byte { e.PutUint32(page(b, leaf)[12:], 1<<31); return b },
		"key position":   func(b []byte) []byte { e.PutUint32(page(b, leaf)[pageHeaderSize+4:], 1<<31); return b },
		"key size":       func(b []byte) []byte { e.PutUint32(page(b, leaf)[pageHeaderSize+8:], 0); return b },
		"value size":     func(b []byte) []byte { e.PutUint32(page(b, leaf)[pageHeaderSize+12:], 1<<32-1); return b },
		"entry kind":     func(b []byte) []byte { e.PutUint32(page(b, leaf)[pageHeaderSize:], bucketElement); return b },
		"root entry":     func(b []byte) []byte { e.PutUint32(page(b, meta.root)[pageHeaderSize:], 0); return b },
		"free page used": func(b []byte) []byte { e.PutUint64(page(b, meta.freelist)[pageHeaderSize:], leaf); return b },
		"free count":     func(b []byte) []byte { page(b, meta.freelist)[10]--; return b },
		"long free list": func(b []byte) []byte { e.PutUint16(page(b, meta.freelist)[10:], longFreelist); return b },
	} {
		if _, err := scanned(damage(bytes.Clone(good))); !errors.Is(err, errPages) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
