package store

import (
	"errors"
	"math/rand"
	"slices"
	"testing"

	"libstatus1to1/chat/port"
)

// TestLateRuns inserts runs of positions everywhere in a history, rising, falling and mixed, some of
// them twice, with removals and closures that fail between them, and holds the history against a
// sorted slice.
func TestLateRuns(t *testing.T) {
	s := newFile(t)
	r := rand.New(rand.NewSource(1))
	name := []byte("c")
	model := []port.Position{}
	failed := errors.New("failed")
	insert := func(tx port.Tx, model []port.Position, p port.Position) []port.Position {
		at, there := slices.BinarySearchFunc(model, p, compare)
		added, err := tx.Insert(name, p)
		if s.must(err); added == there {
			t.Fatalf("Insert(%v) = %v, but it is there: %v", p, added, there)
		}
		if there {
			return model
		}
		return slices.Insert(model, at, p)
	}
	for range 400 {
		next := slices.Clone(model)
		fails := r.Intn(5) == 0
		err := s.Update(func(tx port.Tx) error {
			for range 1 + r.Intn(4) {
				start, step := uint64(r.Intn(1<<16)), uint64(r.Intn(3))
				for i := range uint64(1 + r.Intn(80)) {
					clock := start + i*step
					if step == 2 {
						clock = start - i
					}
					next = insert(tx, next, pos(clock, byte(r.Intn(3))))
				}
				if r.Intn(3) == 0 && len(next) > 0 {
					at := r.Intn(len(next))
					s.must(tx.Remove(name, next[at]))
					next = slices.Delete(next, at, at+1)
				}
			}
			if fails {
				return failed
			}
			return nil
		})
		if fails != errors.Is(err, failed) || !fails && err != nil {
			t.Fatal(err)
		}
		if !fails {
			model = next
		}
	}
	s.again()
	s.view(func(tx port.Tx) {
		page, err := tx.Page(name, nil, len(model)+1)
		s.must(err)
		slices.Reverse(page)
		if !slices.Equal(page, model) {
			t.Errorf("the history has %d positions, and not the %d that were inserted, in order", len(page), len(model))
		}
	})
}

// TestLateRunIsNotSearched bounds what a run of late positions makes bbolt do: it has one place.
func TestLateRunIsNotSearched(t *testing.T) {
	s := newFile(t)
	name := []byte("c")
	s.update(func(tx port.Tx) {
		for i := range uint64(1000) {
			_, err := tx.Insert(name, pos(i<<32, 0))
			s.must(err)
		}
	})
	for _, from := range []uint64{500, 999} {
		s.update(func(tx port.Tx) {
			b := tx.(*fileTx).batch
			for i := range uint64(100) {
				_, err := tx.Insert(name, pos(from<<32-i-1, 0))
				s.must(err)
				_, err = tx.Insert(name, pos((10*from+i)<<32, 0))
				s.must(err)
			}
			waiting := 0
			for _, p := range b.pending {
				waiting += len(p.steps)
			}
			if waiting < 190 {
				t.Errorf("only %d of 200 positions wait for the end of the commit", waiting)
			}
		})
	}
	s.again()
}
