package store

import (
	"errors"
	"fmt"
	"math/rand"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// commits returns the number of commits that the file has seen.
func (s *subject) commits() int {
	tx, _, err := s.Store.(*fileStore).file.begin(false)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = tx.Rollback() }()
	return tx.ID()
}

func TestGroupCommit(t *testing.T) {
	const callers, each = 64, 20
	s := newFile(t)
	before := s.commits()
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			for i := range each {
				s.update(func(tx port.Tx) {
					seq, err := tx.Append("q", nil)
					s.must(err)
					s.must(tx.Put("t", number(seq), []byte(fmt.Sprint(c, i))))
				})
			}
		})
	}
	wg.Wait()
	commits := s.commits() - before
	t.Logf("%d closures in %d commits", callers*each, commits)
	if commits > callers*each/2 {
		t.Errorf("%d closures took %d commits: not grouped", callers*each, commits)
	}
	s.again()
	s.view(func(tx port.Tx) {
		if _, last, err := tx.Bounds("q"); err != nil || last != callers*each {
			t.Errorf("the queue ends at %d, %v", last, err)
		}
	})
}

// together makes the writer wait in a closure until the given ones are queued
// behind it, so that all share one commit. Its own error comes last.
func (s *subject) together(fns ...func(port.Tx) error) []error {
	f := s.Store.(*fileStore)
	errs := make([]error, len(fns))
	var wg sync.WaitGroup
	own := s.Update(func(tx port.Tx) error {
		for i, fn := range fns {
			wg.Go(func() { errs[i] = s.Update(fn) })
			for len(f.requests) <= i {
				time.Sleep(time.Millisecond)
			}
		}
		return nil
	})
	wg.Wait()
	return append(errs, own)
}

func TestFailingNeighbours(t *testing.T) {
	s := newFile(t)
	prepareFailing(s)
	failure := errors.New("no")
	before := s.commits()
	put := func(n byte) func(port.Tx) error {
		return func(tx port.Tx) error { return everything(tx, n) }
	}
	errs := s.together(
		put(10),
		func(tx port.Tx) error { return errors.Join(everything(tx, 66), failure) },
		func(tx port.Tx) error {
			if v, err := tx.Get("t", []byte{10}); err != nil || string(v) != "new" {
				t.Errorf("the neighbour before is not seen: %q, %v", v, err)
			}
			if v, err := tx.Get("t", []byte{66}); err != nil || v != nil {
				t.Errorf("the failed neighbour is seen: %q, %v", v, err)
			}
			return everything(tx, 11)
		},
		func(tx port.Tx) error { _ = everything(tx, 67); panic("no") },
		func(tx port.Tx) error { return failure }, // wrote nothing
		put(12),
	)
	if n := s.commits() - before; n != 1 {
		t.Errorf("%d commits, want 1", n)
	}
	for i, want := range []func(error) bool{nil, func(err error) bool { return errors.Is(err, failure) }, nil,
		func(err error) bool { return port.CodeOf(err) == port.CodeInternal && !errors.Is(err, failure) },
		func(err error) bool { return err == failure }, nil, nil} {
		if (want == nil && errs[i] != nil) || (want != nil && !want(errs[i])) {
			t.Errorf("closure %d: %v", i, errs[i])
		}
	}
	s.again()
	same := &subject{Store: Memory(), t: t}
	prepareFailing(same)
	for _, n := range []byte{10, 11, 12} {
		same.must(same.Update(put(n)))
	}
	if got, want := s.dump(), same.dump(); got != want {
		t.Errorf("the store holds\n%s\nwant\n%s", got, want)
	}
}

// A closure that ends the writer's goroutine (t.FailNow does) is an error for
// those in its commit, and the store goes on.
func TestGoexit(t *testing.T) {
	s := newFile(t)
	errs := s.together(
		func(tx port.Tx) error { return tx.Put("t", []byte("lost"), nil) },
		func(tx port.Tx) error { runtime.Goexit(); return nil },
	)
	for _, err := range errs {
		wantCode(t, err, port.CodeInternal)
	}
	s.update(func(tx port.Tx) {
		if v, err := tx.Get("t", []byte("lost")); v != nil || err != nil {
			t.Errorf("Get = %v, %v", v, err)
		}
		s.must(tx.Put("t", []byte("kept"), nil))
	})
	s.again()
}

// TestMixed lets updates (some failing), views, suspensions and checks run
// against each other and compares the end with what the updates reported.
func TestMixed(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	s := newFile(t)
	failure := errors.New("no")
	var added atomic.Int64
	var writers, others sync.WaitGroup
	stop := make(chan struct{})
	for g := range 8 {
		rng := rand.New(rand.NewSource(seed + int64(g)))
		writers.Go(func() {
			for i := range 60 {
				fail, n, size := rng.Intn(4) == 0, uint64(g*1000+i), rng.Intn(3000)
				p := pos(uint64(rng.Intn(50)), byte(g))
				p.ID[1], p.ID[2] = byte(i), byte(i>>8)
				err := s.Update(func(tx port.Tx) error {
					_, err1 := tx.Append("q", number(n))
					_, err2 := tx.Insert([]byte("c"), p)
					if err := errors.Join(err1, err2, tx.Put("t", number(n), make([]byte, size))); err != nil {
						return err
					}
					if fail {
						return failure
					}
					return nil
				})
				switch {
				case err == nil:
					added.Add(1)
				case err != failure && port.CodeOf(err) != port.CodeStoreSuspended:
					t.Errorf("Update: %v", err)
				}
			}
		})
	}
	consistent := func(tx port.Tx) error {
		n, err := tx.Count([]byte("c"))
		_, last, err2 := tx.Bounds("q")
		records := uint64(0)
		err3 := tx.Each("t", func(k, v []byte) error { records++; return nil })
		if n != last || n != records {
			t.Errorf("history %d, queue %d, table %d", n, last, records)
		}
		return errors.Join(err, err2, err3)
	}
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.View(consistent); err != nil && port.CodeOf(err) != port.CodeStoreSuspended {
				t.Errorf("View: %v", err)
			}
			if _, err := s.Check(t.Context(), func(p string) { t.Errorf("Check: %s", p) }); err != nil && port.CodeOf(err) != port.CodeStoreSuspended {
				t.Errorf("Check: %v", err)
			}
		}
	})
	others.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			s.must(s.Suspend())
			s.must(s.Resume())
		}
	})
	writers.Wait()
	close(stop)
	others.Wait()
	s.again()
	s.view(func(tx port.Tx) {
		s.must(consistent(tx))
		if n, err := tx.Count([]byte("c")); err != nil || n != uint64(added.Load()) {
			t.Errorf("%d updates succeeded, %d are there (%v)", added.Load(), n, err)
		}
	})
}
