package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"libstatus1to1/chat/port"
)

// quick is an Argon2id cost for tests.
var quick = Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}

func testOptions(path string) Options {
	return Options{Path: path, Passphrase: "correct horse battery staple", KDF: quick}
}

// subject is a store under test; again closes and opens a file store.
type subject struct {
	port.Store
	t    *testing.T
	path string // "" in memory
}

func newFile(t *testing.T) *subject {
	t.Helper()
	s := &subject{t: t, path: filepath.Join(t.TempDir(), "store.db")}
	s.Store = mustOpen(t, s.path)
	t.Cleanup(func() { _ = s.Store.Close() })
	return s
}

func mustOpen(t testing.TB, path string) port.Store {
	t.Helper()
	s, err := Open(testOptions(path))
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return s
}

func (s *subject) again() {
	s.t.Helper()
	s.sound()
	if s.path == "" {
		return
	}
	if err := s.Store.Close(); err != nil {
		s.t.Fatalf("Close: %v", err)
	}
	s.Store = mustOpen(s.t, s.path)
}

// sound runs Check, which must find nothing.
func (s *subject) sound() int {
	s.t.Helper()
	n, err := s.Check(context.Background(), func(p string) { s.t.Errorf("Check: %s", p) })
	if err != nil {
		s.t.Errorf("Check: %v", err)
	}
	return n
}

func (s *subject) update(fn func(port.Tx)) {
	s.t.Helper()
	if err := s.Update(func(tx port.Tx) error { fn(tx); return nil }); err != nil {
		s.t.Errorf("Update: %v", err)
	}
}

func (s *subject) view(fn func(port.Tx)) {
	s.t.Helper()
	if err := s.View(func(tx port.Tx) error { fn(tx); return nil }); err != nil {
		s.t.Errorf("View: %v", err)
	}
}

// must fails the test on an error. In a closure it does not end the goroutine.
func (s *subject) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Error(err)
	}
}

func wantCode(t testing.TB, err error, want port.Code) {
	t.Helper()
	if err == nil || port.CodeOf(err) != want {
		t.Errorf("got error %v, want code %s", err, want)
	}
}

// dump is the whole content, as text to compare.
func dump(s interface {
	View(func(port.Tx) error) error
}, tables []port.Table, queues []port.Queue, chats []string) (string, error) {
	var out []string
	err := s.View(func(tx port.Tx) error {
		for _, t := range tables {
			if err := tx.Each(t, func(k, v []byte) error {
				out = append(out, fmt.Sprintf("%s %x=%x", t, k, v))
				return nil
			}); err != nil {
				return err
			}
		}
		for _, q := range queues {
			first, last, err := tx.Bounds(q)
			if err != nil {
				return err
			}
			out = append(out, fmt.Sprintf("%s %d..%d", q, first, last))
			if err := tx.Range(q, 0, func(seq uint64, v []byte) (bool, error) {
				out = append(out, fmt.Sprintf("%s %d=%x", q, seq, v))
				return true, nil
			}); err != nil {
				return err
			}
		}
		for _, c := range chats {
			n, err := tx.Count([]byte(c))
			if err != nil {
				return err
			}
			page, err := tx.Page([]byte(c), nil, 1<<20)
			if err != nil {
				return err
			}
			if len(page) != int(n) {
				return fmt.Errorf("Count is %d, Page has %d", n, len(page))
			}
			for i, p := range page {
				out = append(out, fmt.Sprintf("%s %06d=%d/%x", c, i, p.Clock, p.ID))
			}
		}
		return nil
	})
	slices.Sort(out)
	var b bytes.Buffer
	for _, l := range out {
		b.WriteString(l + "\n")
	}
	return b.String(), err
}

func pos(clock uint64, id byte) port.Position {
	return port.Position{Clock: clock, ID: [32]byte{id}}
}

func (s *subject) dump() string {
	s.t.Helper()
	out, err := dump(s, []port.Table{"t", "new", "#n"}, []port.Queue{"q", "new"}, []string{"c", "new", "dropped"})
	s.must(err)
	return out
}

func wantField(t testing.TB, err error, want string) {
	t.Helper()
	var e *port.Error
	if !errors.As(err, &e) || e.Field != want {
		t.Errorf("got error %v, want field %s", err, want)
	}
}
