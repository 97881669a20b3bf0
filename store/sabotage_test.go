package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// bbolt trusts its file. What another program does to it while it is open makes bbolt
// panic, or fault, at any place, also where it holds its locks.

// hangs is the time after which a call counts as hanging.
const hangs = time.Minute

// sabotages are what is done to the file of an open store.
var sabotages = map[string]func(r *rand.Rand, f *os.File, m boltMeta) error{
	"cut to nothing":    func(_ *rand.Rand, f *os.File, _ boltMeta) error { return f.Truncate(0) },
	"cut to one page":   func(_ *rand.Rand, f *os.File, _ boltMeta) error { return f.Truncate(pageSize) },
	"cut to two pages":  func(_ *rand.Rand, f *os.File, _ boltMeta) error { return f.Truncate(2 * pageSize) },
	"cut in the middle": func(_ *rand.Rand, f *os.File, m boltMeta) error { return f.Truncate(int64(m.pages) / 2 * pageSize) },
	"meta pages": func(r *rand.Rand, f *os.File, _ boltMeta) error {
		return garbage(r, f, 0, 1)
	},
	"list of free pages": func(r *rand.Rand, f *os.File, m boltMeta) error { return garbage(r, f, m.freelist) },
	"root":               func(r *rand.Rand, f *os.File, m boltMeta) error { return garbage(r, f, m.root) },
	"all but the meta pages": func(r *rand.Rand, f *os.File, m boltMeta) error {
		var all []uint64
		for id := uint64(2); id < m.pages; id++ {
			all = append(all, id)
		}
		return garbage(r, f, all...)
	},
	"everything free": func(_ *rand.Rand, f *os.File, m boltMeta) error {
		list := make([]byte, pageSize)
		e := binary.NativeEndian
		e.PutUint64(list, m.freelist)
		e.PutUint16(list[8:], freelistPage)
		n := min(m.pages-2, pageSize/8-4)
		e.PutUint16(list[10:], uint16(n))
		for i := range n {
			e.PutUint64(list[pageHeaderSize+8*i:], i+2)
		}
		_, err := f.WriteAt(list, int64(m.freelist)*pageSize)
		return err
	},
}

// garbage overwrites pages.
func garbage(r *rand.Rand, f *os.File, pages ...uint64) error {
	for _, id := range pages {
		b := make([]byte, pageSize)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		if _, err := f.WriteAt(b, int64(id)*pageSize); err != nil {
			return err
		}
	}
	return nil
}

// TestSabotage: whatever becomes of the file, every call returns, with an error that
// says what it is, and in the end the file's lock is free.
func TestSabotage(t *testing.T) {
	r := seeded(t)
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for name := range sabotages {
		for _, destroy := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, destroy %v", name, destroy), func(t *testing.T) {
				for range rounds {
					sabotaged(t, r, name, destroy)
				}
			})
		}
	}
}

func sabotaged(t *testing.T, r *rand.Rand, name string, destroy bool) {
	t.Helper()
	o := Options{Path: filepath.Join(fastDir(t), "a.db"), Passphrase: "p", KDF: quick, NoSync: true}
	s := used(t, r, o)
	f, err := os.OpenFile(o.Path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := newestMeta(f)
	if err == nil {
		err = sabotages[name](r, f, m)
	}
	if err != nil {
		t.Fatal(err)
	}
	calls := allCalls(s)
	var all sync.WaitGroup
	for _, i := range append(r.Perm(len(calls)), r.Perm(len(calls))...) {
		all.Go(func() { allowed(t, calls[i].name, calls[i].do()) })
	}
	returns(t, all.Wait)
	returns(t, func() {
		if destroy {
			allowed(t, "Destroy", s.Destroy())
			return
		}
		allowed(t, "Suspend", s.Suspend())
		allowed(t, "Resume", s.Resume())
		allowed(t, "View", s.View(func(port.Tx) error { return nil }))
		allowed(t, "Close", s.Close())
	})
	if destroy {
		return
	}
	again, err := Open(o)
	if err == nil {
		_ = again.Close()
	} else if code := port.CodeOf(err); code != port.CodeStoreCorrupt && code != port.CodeWrongPassphrase {
		t.Errorf("opened again: %v", err)
	}
}

type call struct {
	name string
	do   func() error
}

// allCalls are the ways a store is used.
func allCalls(s port.Store) []call {
	return []call{
		{"View", func() error { _, err := content(s); return err }},
		{"Update", func() error {
			return s.Update(func(tx port.Tx) error { return mutate(tx, rand.New(rand.NewPCG(1, 2)), 7) })
		}},
		{"large Update", func() error {
			return s.Update(func(tx port.Tx) error { return tx.Put("t", []byte("l"), make([]byte, 9*pageSize)) })
		}},
		{"Check", func() error { _, err := s.Check(context.Background(), nil); return err }},
		{"Authenticate", func() error { return s.Authenticate("p", nil) }},
		{"ChangePassphrase", func() error { return s.ChangePassphrase("p", "q") }},
		{"Info", func() error { _ = s.Info(); return nil }},
	}
}

// allowed are no error, and those that a caller can make something of.
func allowed(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil && !slices.Contains([]port.Code{port.CodeStoreCorrupt, port.CodeStoreIO, port.CodeStoreSuspended, port.CodeWrongPassphrase}, port.CodeOf(err)) {
		t.Errorf("%s: %v", what, err)
	}
}

// returns fails the test when do hangs.
func returns(t *testing.T, do func()) {
	t.Helper()
	done := make(chan bool)
	go func() {
		defer close(done)
		do()
	}()
	select {
	case <-done:
	case <-time.After(hangs):
		t.Fatal("it hangs")
	}
}
