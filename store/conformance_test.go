package store

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"libstatus1to1/chat/port"
)

// conformance lists the tests that every port.Store of this package must pass.
var conformance = []struct {
	name string
	run  func(*testing.T, *subject)
}{
	{"table", testTable},
	{"each", testEach},
	{"numbered table", testNumbered},
	{"many writes", testManyWrites},
	{"queue", testQueue},
	{"range", testRange},
	{"history", testHistory},
	{"remove", testRemove},
	{"remove all", testRemoveAll},
	{"one spot", testOneSpot},
	{"front", testFront},
	{"pages", testPages},
	{"failing update", testFailing},
	{"panicking update", testPanicking},
	{"copies", testCopies},
	{"read only", testReadOnly},
	{"dead", testDead},
	{"snapshot", testSnapshot},
	{"life", testLife},
	{"too large", testTooLarge},
	{"cancelled check", testCheckCancelled},
}

func TestConformance(t *testing.T) {
	for _, c := range conformance {
		t.Run("file/"+c.name, func(t *testing.T) { c.run(t, newFile(t)) })
		t.Run("memory/"+c.name, func(t *testing.T) { c.run(t, &subject{Store: Memory(), t: t}) })
	}
}

func testTable(t *testing.T, s *subject) {
	get := func(tx port.Tx, table port.Table, key string, want []byte) {
		t.Helper()
		v, err := tx.Get(table, []byte(key))
		if err != nil || !bytes.Equal(v, want) || (v == nil) != (want == nil) {
			t.Errorf("Get(%s, %q) = %x, %v; want %x", table, key, v, err, want)
		}
	}
	s.update(func(tx port.Tx) {
		get(tx, "a", "k", nil)
		s.must(tx.Delete("a", []byte("k")))
		s.must(tx.Put("a", []byte("k"), []byte("v")))
		s.must(tx.Put("a", []byte{}, []byte{}))
		s.must(tx.Put("b", []byte("k"), []byte("other")))
		get(tx, "a", "k", []byte("v"))
	})
	s.again()
	s.update(func(tx port.Tx) {
		get(tx, "a", "k", []byte("v"))
		get(tx, "a", "", []byte{})
		get(tx, "b", "k", []byte("other"))
		get(tx, "c", "k", nil)
		s.must(tx.Put("a", []byte("k"), nil))
		s.must(tx.Delete("b", []byte("k")))
		s.must(tx.Delete("b", []byte("k")))
	})
	s.again()
	s.view(func(tx port.Tx) {
		get(tx, "a", "k", []byte{})
		get(tx, "b", "k", nil)
	})
}

func testEach(t *testing.T, s *subject) {
	want := map[string]string{}
	s.update(func(tx port.Tx) {
		for i := range 300 {
			k, v := fmt.Sprintf("key %d", i), fmt.Sprintf("value %d", i*i)
			want[k] = v
			s.must(tx.Put("t", []byte(k), []byte(v)))
		}
	})
	s.again()
	got := map[string]string{}
	stop := errors.New("stop")
	s.view(func(tx port.Tx) {
		s.must(tx.Each("t", func(k, v []byte) error { got[string(k)] = string(v); return nil }))
		s.must(tx.Each("missing", func(k, v []byte) error { return stop }))
		n := 0
		if err := tx.Each("t", func(k, v []byte) error { n++; return stop }); err != stop || n != 1 {
			t.Errorf("Each did not stop: %v after %d", err, n)
		}
	})
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Each gave %d records, want %d", len(got), len(want))
	}
	s.update(func(tx port.Tx) {
		s.must(tx.Each("t", func(k, v []byte) error {
			if err := tx.Put("t", k, v); !errors.Is(err, ErrWalked) {
				t.Errorf("Put inside Each: %v", err)
			}
			if err := tx.Delete("t", k); !errors.Is(err, ErrWalked) {
				t.Errorf("Delete inside Each: %v", err)
			}
			return tx.Put("u", k, v)
		}))
		s.must(tx.Delete("t", []byte("key 1")))
		n := 0
		s.must(tx.Each("u", func(k, v []byte) error { n++; return nil }))
		if n != 300 {
			t.Errorf("the copy made inside Each has %d records", n)
		}
	})
}
