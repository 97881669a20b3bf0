package store

import (
	"encoding/binary"
	"fmt"
	"math/rand"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// childCrash writes number n to a queue, a table and a history in one Update and
// prints n once that is durable, from several goroutines, until it is killed.
func childCrash(path string) {
	s, err := Open(testOptions(path))
	check(err)
	acknowledged := make(chan uint64)
	for range 4 {
		go func() {
			for {
				var seq uint64
				check(s.Update(func(tx port.Tx) (err error) {
					seq, err = writeCrash(tx)
					return err
				}))
				acknowledged <- seq
			}
		}()
	}
	for seq := range acknowledged {
		fmt.Println(seq)
	}
}

// writeCrash writes records of all sizes, some of them late in the history and
// some over old ones, so that a kill meets every kind of change.
func writeCrash(tx port.Tx) (uint64, error) {
	seq, err := tx.Append("q", []byte("entry"))
	if err != nil {
		return 0, err
	}
	if err := tx.Put("t", number(seq), make([]byte, 200+seq%2000)); err != nil {
		return 0, err
	}
	if _, err := tx.Insert([]byte("c"), port.Position{Clock: seq ^ 5}); err != nil {
		return 0, err
	}
	if err := writePassing(tx, seq); err != nil {
		return 0, err
	}
	return seq, tx.Put("scratch", number(seq%7), number(seq))
}

// passing is the number of positions that writePassing leaves in its history.
const passing = 5

// writePassing adds a position to a history and takes an older one out.
func writePassing(tx port.Tx, seq uint64) error {
	if _, err := tx.Insert([]byte("passing"), port.Position{Clock: seq}); err != nil || seq <= passing {
		return err
	}
	return tx.Remove([]byte("passing"), port.Position{Clock: seq - passing})
}

func TestCrash(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	path := filepath.Join(t.TempDir(), "store.db")
	last := uint64(0)
	for range 24 {
		c := startChild(t, "crash", path)
		lines := rng.Intn(60)
		for i := 0; i < lines || last == 0; i++ {
			n, err := strconv.ParseUint(c.line(t), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			last = max(last, n)
		}
		time.Sleep(time.Duration(rng.Intn(4000)) * time.Microsecond) // into the middle of a commit
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for c.out.Scan() { // what it acknowledged before it died
			if n, err := strconv.ParseUint(c.out.Text(), 10, 64); err == nil {
				last = max(last, n)
			}
		}
		_ = c.Wait()
		last = max(last, checkCrashed(t, path, last))
	}
	t.Logf("%d updates survived", last)
}

// checkCrashed opens what a killed child left and compares the three places.
func checkCrashed(t *testing.T, path string, acknowledged uint64) (last uint64) {
	t.Helper()
	s := &subject{Store: mustOpen(t, path), t: t, path: path}
	defer s.Close()
	s.sound()
	s.view(func(tx port.Tx) {
		_, last, _ = tx.Bounds("q")
		if last < acknowledged {
			t.Fatalf("%d was acknowledged, the queue ends at %d", acknowledged, last)
		}
		seen := map[uint64]bool{}
		s.must(tx.Each("t", func(k, v []byte) error {
			n := binary.BigEndian.Uint64(k)
			seen[n] = len(v) == int(200+n%2000)
			return nil
		}))
		page, err := tx.Page([]byte("c"), nil, int(last)+10)
		s.must(err)
		inHistory := map[uint64]bool{}
		for _, p := range page {
			inHistory[p.Clock^5] = true
		}
		if len(seen) != int(last) || len(inHistory) != int(last) {
			t.Fatalf("the queue has %d, the table %d, the history %d", last, len(seen), len(inHistory))
		}
		page, err = tx.Page([]byte("passing"), nil, 2*passing)
		s.must(err)
		for i, p := range page {
			if p.Clock != last-uint64(i) {
				t.Fatalf("the history that is removed from holds %d at %d, the last is %d", p.Clock, i, last)
			}
		}
		if n, err := tx.Count([]byte("passing")); err != nil || n != min(last, passing) || len(page) != int(n) {
			t.Fatalf("%d positions, of which %d were to be left: %v", len(page), n, err)
		}
		for n := uint64(1); n <= last; n++ {
			if !seen[n] || !inHistory[n] {
				t.Fatalf("%d is in the queue but not everywhere", n)
			}
		}
	})
	return last
}
