package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// testNumbered uses a numbered table as the outbox is used: rows come at the end and
// leave from anywhere.
func testNumbered(t *testing.T, s *subject) {
	const rows = 500
	s.update(func(tx port.Tx) {
		for i := range uint64(rows) {
			s.must(tx.Put("#n", number(i), fmt.Append(nil, "row ", i)))
		}
		s.must(tx.Put("#n", []byte("no number"), []byte("odd")))
	})
	s.again()
	s.update(func(tx port.Tx) {
		for i := range uint64(rows) {
			if i%3 != 0 {
				s.must(tx.Delete("#n", number(i)))
			}
		}
		s.must(tx.Put("#n", number(0), []byte("again")))
	})
	s.again()
	want := map[string]string{"no number": "odd", string(number(0)): "again"}
	for i := uint64(3); i < rows; i += 3 {
		want[string(number(i))] = fmt.Sprint("row ", i)
	}
	got := map[string]string{}
	s.view(func(tx port.Tx) {
		s.must(tx.Each("#n", func(k, v []byte) error { got[string(k)] = string(v); return nil }))
		for k, v := range want {
			if b, err := tx.Get("#n", []byte(k)); err != nil || string(b) != v {
				t.Errorf("Get(%x) = %q, %v", k, b, err)
			}
		}
	})
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Each gave %d records, want %d", len(got), len(want))
	}
}

// TestNumberedTableShowsNumbersOnly: its keys are on disk as they are, in their
// order, and an engine's other tables have keyed hashes still.
func TestNumberedTableShowsNumbersOnly(t *testing.T) {
	s := newFile(t)
	s.update(func(tx port.Tx) {
		for _, n := range []uint64{7, 1, 300, 2} {
			s.must(tx.Put("#n", number(n), []byte("v")))
			s.must(tx.Put("t", number(n), []byte("v")))
		}
	})
	f := s.Store.(*fileStore)
	keys := func(table string) (all [][]byte) {
		s.must(f.view(func(r *reader) error {
			return r.bolt.Bucket([]byte(f.crypt.bucket(kindTable, table))).ForEach(func(k, _ []byte) error {
				all = append(all, bytes.Clone(k))
				return nil
			})
		}))
		return all
	}
	if got, want := keys("#n"), [][]byte{number(1), number(2), number(7), number(300)}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("keys on disk: %x", got)
	}
	for _, k := range keys("t") {
		if len(k) != hashedSize {
			t.Errorf("a key of an ordinary table is on disk as %x", k)
		}
	}
}

// TestMigrationNumbersTables brings a store of version 2 up: what was in the tables
// of outbox and attempts is in the numbered ones.
func TestMigrationNumbersTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	old, err := openWith(testOptions(path), migrations[:1])
	if err != nil {
		t.Fatal(err)
	}
	s := &subject{Store: old, t: t, path: path}
	const rows = 300
	s.update(func(tx port.Tx) {
		for i := range uint64(rows) {
			s.must(tx.Put("outbox", fmt.Appendf(nil, "%032d", i), fmt.Append(nil, "row ", i)))
		}
		for i := range uint64(3) {
			_, err := tx.Append("attempts", nil)
			s.must(err)
			s.must(tx.Put("attempts", number(i+1), fmt.Append(nil, "attempt ", i+1)))
		}
		s.must(tx.Trim("attempts", 3))
		s.must(tx.Put("other", []byte("k"), []byte("v")))
	})
	s.must(s.Close())
	s.Store = mustOpen(t, path)
	t.Cleanup(func() { _ = s.Store.Close() })
	s.again()
	var numbers []uint64
	var values, attempts []string
	s.view(func(tx port.Tx) {
		s.must(tx.Each("#outbox", func(k, v []byte) error {
			numbers, values = append(numbers, binary.BigEndian.Uint64(k)), append(values, string(v))
			return nil
		}))
		s.must(tx.Each("#attempts", func(k, v []byte) error {
			attempts = append(attempts, fmt.Sprintf("%d=%s", binary.BigEndian.Uint64(k), v))
			return nil
		}))
		for _, gone := range []port.Table{"outbox", "attempts"} {
			s.must(tx.Each(gone, func(k, _ []byte) error { t.Errorf("%s still holds %x", gone, k); return nil }))
		}
		if first, last, err := tx.Bounds("attempts"); first != 1 || last != 0 || err != nil {
			t.Errorf("the queue of attempts: %d..%d, %v", first, last, err)
		}
		if v, err := tx.Get("other", []byte("k")); string(v) != "v" || err != nil {
			t.Errorf("another table holds %q, %v", v, err)
		}
	})
	slices.Sort(values)
	if len(slices.Compact(values)) != rows || !slices.IsSorted(numbers) || len(numbers) != rows || numbers[0] != 1 {
		t.Errorf("%d rows, numbered %v", len(values), numbers)
	}
	if fmt.Sprint(attempts) != "[1=attempt 1 2=attempt 2 3=attempt 3]" {
		t.Errorf("attempts: %v", attempts)
	}
}

// testManyWrites writes the same records again and again in one transaction, walks
// over them in between, and holds everything against a map.
func testManyWrites(t *testing.T, s *subject) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	tables := []port.Table{"t", "#n"}
	model := map[port.Table]map[string]string{"t": {}, "#n": {}}
	compareTable := func(tx port.Tx, table port.Table) {
		got := map[string]string{}
		s.must(tx.Each(table, func(k, v []byte) error { got[string(k)] = string(v); return nil }))
		if fmt.Sprint(got) != fmt.Sprint(model[table]) {
			t.Errorf("%s holds %x, want %x", table, got, model[table])
		}
	}
	for range 30 {
		kept := map[port.Table]map[string]string{}
		for _, table := range tables {
			kept[table] = map[string]string{}
			for k, v := range model[table] {
				kept[table][k] = v
			}
		}
		fails := r.IntN(3) == 0
		failure := fmt.Errorf("no")
		err := s.Update(func(tx port.Tx) error {
			for range r.IntN(40) {
				table, k := tables[r.IntN(2)], number(r.Uint64N(12))
				switch r.IntN(8) {
				case 0:
					compareTable(tx, table)
				case 1, 2:
					s.must(tx.Delete(table, k))
					delete(model[table], string(k))
				case 3:
					v, err := tx.Get(table, k)
					want, there := model[table][string(k)]
					if err != nil || string(v) != want || (v != nil) != there {
						t.Errorf("Get(%s, %x) = %q, %v; want %q, %v", table, k, v, err, want, there)
					}
				default:
					v := fmt.Sprint(r.Uint64())
					s.must(tx.Put(table, k, []byte(v)))
					model[table][string(k)] = v
				}
			}
			if fails {
				return failure
			}
			return nil
		})
		if fails {
			model = kept
			if err != failure {
				t.Errorf("Update = %v", err)
			}
		} else {
			s.must(err)
		}
		s.again()
		s.view(func(tx port.Tx) {
			for _, table := range tables {
				compareTable(tx, table)
			}
		})
	}
}

// TestRecordWrittenTwiceIsSealedOnce: what a commit writes several times costs the
// file one record, and a closure that fails beside it leaves no part of it.
func TestRecordWrittenTwiceIsSealedOnce(t *testing.T) {
	s := newFile(t)
	f := s.Store.(*fileStore)
	b, err := f.newBatch()
	s.must(err)
	run := func(fn func(tx port.Tx) error) {
		r := &request{fn: func(b *batch) error { return fn(&fileTx{reader: &b.reader, batch: b}) }}
		b.run(r)
	}
	run(func(tx port.Tx) error { return tx.Put("t", []byte("k"), []byte("1")) })
	run(func(tx port.Tx) error {
		s.must(tx.Put("t", []byte("k"), []byte("2")))
		s.must(tx.Each("t", func(_, v []byte) error { // bbolt has it from here on
			if string(v) != "2" {
				t.Errorf("the walk sees %q", v)
			}
			return nil
		}))
		s.must(tx.Put("t", []byte("other"), nil))
		return fmt.Errorf("no")
	})
	run(func(tx port.Tx) error {
		if v, err := tx.Get("t", []byte("k")); string(v) != "1" || err != nil {
			t.Errorf("after the failing closure: %q, %v", v, err)
		}
		return tx.Put("t", []byte("k"), []byte("3"))
	})
	s.must(b.commit())
	s.again()
	s.view(func(tx port.Tx) {
		n := 0
		s.must(tx.Each("t", func(_, v []byte) error { n++; s.must(wantValue(v, "3")); return nil }))
		if n != 1 {
			t.Errorf("%d records", n)
		}
	})
	var seals int
	s.must(s.Store.(*fileStore).view(func(r *reader) error {
		return r.bolt.ForEach(func(_ []byte, b *bolt.Bucket) error { seals += b.Stats().KeyN; return nil })
	}))
	if seals != 5 { // header, mark, traces of the index, the index entry of t, the record
		t.Errorf("%d records on disk", seals)
	}
}

func wantValue(got []byte, want string) error {
	if string(got) != want {
		return fmt.Errorf("got %q, want %q", got, want)
	}
	return nil
}
