package store

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"libstatus1to1/chat/port"
)

// places is a model of histories: sorted, oldest first.
type places map[string][]port.Position

func (m places) insert(name string, p port.Position) {
	if i, there := slices.BinarySearchFunc(m[name], p, compare); !there {
		m[name] = slices.Insert(m[name], i, p)
	}
}

func (m places) remove(name string, p port.Position) {
	if i, there := slices.BinarySearchFunc(m[name], p, compare); there {
		m[name] = slices.Delete(m[name], i, i+1)
	}
}

func (m places) copied() places {
	c := places{}
	for name, all := range m {
		c[name] = slices.Clone(all)
	}
	return c
}

// want compares the histories of a transaction with the model.
func (m places) want(t *testing.T, tx port.Tx) {
	t.Helper()
	for _, name := range []string{"a", "b", "none"} {
		want := slices.Clone(m[name])
		slices.Reverse(want)
		got, err := tx.Page([]byte(name), nil, 1e6)
		n, err2 := tx.Count([]byte(name))
		if err != nil || err2 != nil || !slices.Equal(got, want) || n != uint64(len(want)) {
			t.Errorf("history %s has %d (Count %d), want %d: %v %v", name, len(got), n, len(want), err, err2)
		}
	}
}

// change makes random insertions and removals, in the store and in the model: late ones,
// at the end and at the front, of what is not there, and of all.
func (m places) change(tx port.Tx, r *rand.Rand) error {
	for range r.IntN(20) {
		name, p := string(rune('a'+r.IntN(2))), pos(uint64(r.IntN(300)), byte(r.IntN(3)))
		all := m[name]
		if r.IntN(2) == 0 {
			if len(all) > 0 && r.IntN(2) == 0 {
				p = pos(all[len(all)-1].Clock+1, 0)
			}
			if _, err := tx.Insert([]byte(name), p); err != nil {
				return err
			}
			m.insert(name, p)
			continue
		}
		if len(all) > 0 {
			switch r.IntN(4) {
			case 0:
				p = all[len(all)-1]
			case 1:
				p = all[0]
			case 2:
				p = all[r.IntN(len(all))]
			}
		}
		if err := tx.Remove([]byte(name), p); err != nil {
			return err
		}
		m.remove(name, p)
	}
	if r.IntN(20) > 0 {
		return nil
	}
	delete(m, "b")
	return tx.DropHistory([]byte("b"))
}

// testRemove holds random changes, of which a third fails at the end, against a model.
func testRemove(t *testing.T, s *subject) {
	r := seeded(t)
	model := places{}
	failure := errors.New("no")
	for range 150 {
		after, fails := model.copied(), r.IntN(3) == 0
		err := s.Update(func(tx port.Tx) error {
			if err := after.change(tx, r); err != nil {
				return err
			}
			if r.IntN(2) == 0 {
				after.want(t, tx)
			}
			if fails {
				return failure
			}
			return nil
		})
		switch {
		case err == nil:
			model = after
		case err != failure:
			t.Fatal(err)
		}
		if r.IntN(10) == 0 {
			s.again()
		}
		s.view(func(tx port.Tx) { model.want(t, tx) })
	}
	s.again()
}

// testRemoveAll empties a history from each side, at once and by and by. It can then be
// filled again.
func testRemoveAll(t *testing.T, s *subject) {
	const n = 2000
	for _, at := range []int{1, 300, n} {
		for _, from := range []string{"front", "end", "middle"} {
			var all []port.Position
			s.update(func(tx port.Tx) {
				for i := range uint64(n) {
					all = append(all, pos(i, 1))
					_, err := tx.Insert([]byte("c"), pos(i, 1))
					s.must(err)
				}
			})
			switch from {
			case "end":
				slices.Reverse(all)
			case "middle":
				slices.SortFunc(all, func(a, b port.Position) int {
					return int(max(a.Clock, n-a.Clock)) - int(max(b.Clock, n-b.Clock))
				})
			}
			first := all[0]
			if at == 1 { // one transaction each, of the first ones
				for _, p := range all[:20] {
					s.update(func(tx port.Tx) { s.must(tx.Remove([]byte("c"), p)) })
				}
				s.again()
				all = all[20:]
			}
			for part := range slices.Chunk(all, max(at, 300)) {
				s.update(func(tx port.Tx) {
					for _, p := range part {
						s.must(tx.Remove([]byte("c"), p))
					}
				})
			}
			s.again()
			s.view(func(tx port.Tx) {
				if n, err := tx.Count([]byte("c")); n != 0 || err != nil {
					t.Errorf("%d are left, %v", n, err)
				}
			})
			s.update(func(tx port.Tx) {
				added, err := tx.Insert([]byte("c"), first)
				if !added || err != nil {
					t.Errorf("Insert = %v, %v", added, err)
				}
				s.must(tx.Remove([]byte("c"), first))
				s.must(tx.Remove([]byte("c"), first))
			})
			s.again()
		}
	}
}

// TestLabelGivenAgain: a label that a removal freed goes to the next position of the same
// commit, and a closure that fails after it has everything before it done anew.
func TestLabelGivenAgain(t *testing.T) {
	s := newFile(t)
	name := []byte("c")
	s.update(func(tx port.Tx) {
		for i := range uint64(5) {
			_, err := tx.Insert(name, pos(i, 0))
			s.must(err)
		}
	})
	failure := errors.New("no")
	insert := func(clock uint64) func(tx port.Tx) error {
		return func(tx port.Tx) error {
			_, err := tx.Insert(name, pos(clock, 0))
			return err
		}
	}
	fail := func(tx port.Tx) error {
		_, err := tx.Page(name, nil, 1) // bbolt has everything
		return errors.Join(err, insert(9)(tx), failure)
	}
	errs := s.together(
		func(tx port.Tx) error { return tx.Remove(name, pos(4, 0)) },
		insert(6), fail, insert(7), fail,
		func(tx port.Tx) error { return tx.Remove(name, pos(6, 0)) },
		insert(8), fail,
	)
	for i, err := range errs {
		if fails := i == 2 || i == 4 || i == 7; errors.Is(err, failure) != fails || !fails && err != nil {
			t.Errorf("closure %d: %v", i, err)
		}
	}
	s.again()
	s.view(func(tx port.Tx) {
		page, err := tx.Page(name, nil, 10)
		if want := fmt.Sprint(pos(8, 0), pos(7, 0), pos(3, 0), pos(2, 0), pos(1, 0), pos(0, 0)); err != nil || fmt.Sprint(page[0], page[1], page[2], page[3], page[4], page[5]) != want || len(page) != 6 {
			t.Errorf("the history is %v, %v; want %s", page, err, want)
		}
	})
}

// TestRemoveLeavesFullPages: where many positions leave, bbolt merges what stays, and does
// not split it in halves again.
func TestRemoveLeavesFullPages(t *testing.T) {
	const n = 20000
	s := newFile(t)
	s.update(func(tx port.Tx) {
		for i := range uint64(n) {
			_, err := tx.Insert([]byte("c"), pos(i, 0))
			s.must(err)
		}
	})
	for from := uint64(0); from < n; from += 1000 {
		s.update(func(tx port.Tx) {
			for i := from; i < from+1000; i++ {
				if i%10 > 0 {
					s.must(tx.Remove([]byte("c"), pos(i, 0)))
				}
			}
		})
	}
	f := s.Store.(*fileStore)
	s.must(f.view(func(r *reader) error {
		stats := r.bolt.Bucket([]byte(f.crypt.bucket(kindHistory, "c"))).Stats()
		fill := float64(stats.LeafInuse) / float64(stats.LeafAlloc)
		t.Logf("%d positions on %d pages, %.2f full", stats.KeyN, stats.LeafPageN, fill)
		if stats.KeyN != n/10 || fill < 0.6 {
			t.Errorf("%d positions on %d pages, %.2f full", stats.KeyN, stats.LeafPageN, fill)
		}
		return nil
	}))
	s.again()
}
