package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"syscall"
	"testing"
	"unsafe"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// A disk that fails: bbolt writes through a function and syncs through a file
// that are private to it. These tests put others in their place.

// disk stands between bbolt and its file.
type disk struct {
	db     *bolt.DB
	file   **os.File
	real   *os.File
	write  *func([]byte, int64) (int, error)
	onDisk func([]byte, int64) (int, error)
}

// private is the address of a private field of bbolt's.
func private[T any](t testing.TB, v reflect.Value, names ...string) *T {
	t.Helper()
	for _, name := range names {
		if v = v.FieldByName(name); !v.IsValid() {
			t.Fatalf("bbolt has no field %v any more: the tests of faults must be changed", names)
		}
	}
	return (*T)(unsafe.Pointer(v.UnsafeAddr()))
}

func diskOf(t testing.TB, s port.Store) *disk {
	t.Helper()
	db := s.(*fileStore).file.db
	v := reflect.ValueOf(db).Elem()
	d := &disk{
		db: db, file: private[*os.File](t, v, "file"),
		write: private[func([]byte, int64) (int, error)](t, v, "ops", "writeAt"),
	}
	d.real, d.onDisk = *d.file, *d.write
	return d
}

// heal takes everything back.
func (d *disk) heal() { *d.file, *d.write = d.real, d.onDisk }

// written is one write of a commit.
type written struct {
	at   int64
	data []byte
}

// record notes every write until heal.
func (d *disk) record(log *[]written) {
	*d.write = func(b []byte, at int64) (int, error) {
		*log = append(*log, written{at, bytes.Clone(b)})
		return d.onDisk(b, at)
	}
}

// The ways a disk fails.
var faultKinds = []string{"full disk", "short write", "write error", "failed fsync"}

// faultErrno holds the errno that the error of each fault names.
var faultErrno = map[string]string{"full disk": "ENOSPC", "short write": "", "write error": "EIO", "failed fsync": "EINVAL"}

// errnoOf is details.errno of an error, or "".
func errnoOf(err error) string {
	var e *port.Error
	if !errors.As(err, &e) {
		return ""
	}
	name, _ := e.Details["errno"].(string)
	return name
}

// failAt makes the nth write from now on fail (from 0), or the fsync after it, and
// tells through hit whether it came to that.
func (d *disk) failAt(nth int, kind string, cut int, broken *os.File, hit *bool) {
	n := -1
	*d.write = func(b []byte, at int64) (int, error) {
		if n++; n != nth {
			return d.onDisk(b, at)
		}
		*hit = true
		switch kind {
		case "full disk":
			return 0, &os.PathError{Op: "write", Err: syscall.ENOSPC}
		case "short write":
			cut := cut % len(b)
			if _, err := d.onDisk(b[:cut], at); err != nil {
				return 0, err
			}
			return cut, io.ErrShortWrite
		case "write error":
			if _, err := d.onDisk(b, at); err != nil {
				return 0, err
			}
			return len(b), &os.PathError{Op: "write", Err: syscall.EIO}
		}
		*d.file = broken // whose fsync fails
		return d.onDisk(b, at)
	}
}

// fastDir is a directory in memory where there is one: a test here syncs thousands
// of times.
func fastDir(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "store-faults")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// plain opens with a key: no passphrase to stretch.
func plain(path string, sync bool) Options {
	return Options{Path: path, Key: bytes.Repeat([]byte{7}, 32), NoSync: !sync}
}

// mutate is one transaction of a workload: every kind of change, of every size.
func mutate(tx port.Tx, r *rand.Rand, n int) error {
	if _, err := tx.Append("q", make([]byte, r.IntN(300))); err != nil {
		return err
	}
	for range 1 + r.IntN(6) {
		if err := tx.Put("t", []byte{byte(r.IntN(40))}, fmt.Appendf(nil, "%d %s", n, bytes.Repeat([]byte("x"), r.IntN(900)))); err != nil {
			return err
		}
	}
	if r.IntN(8) == 0 {
		if err := tx.Put("t", []byte("large"), bytes.Repeat([]byte{byte(n)}, 3*pageSize)); err != nil {
			return err
		}
	}
	if err := tx.Delete("t", []byte{byte(r.IntN(40))}); err != nil {
		return err
	}
	if r.IntN(3) == 0 {
		if err := tx.Trim("q", uint64(r.IntN(n+1))); err != nil {
			return err
		}
	}
	at := pos(uint64(r.IntN(500)), byte(n))
	if _, err := tx.Insert([]byte("c"), at); err != nil || r.IntN(3) > 0 {
		return err
	}
	page, err := tx.Page([]byte("c"), &at, 1)
	if err != nil || len(page) == 0 {
		return err
	}
	return tx.Remove([]byte("c"), page[0])
}

func content(s port.Store) (string, error) {
	return dump(s, []port.Table{"t"}, []port.Queue{"q"}, []string{"c"})
}

// began is a store with some history, its file and its content.
func began(t testing.TB, dir string, r *rand.Rand) (path string) {
	t.Helper()
	path = filepath.Join(dir, "store.db")
	s, err := Open(plain(path, false))
	if err != nil {
		t.Fatal(err)
	}
	for n := range 25 {
		if err := s.Update(func(tx port.Tx) error { return mutate(tx, r, n) }); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// outcome opens a file and gives its content, or the code it is refused with. All
// it may be refused with is store_corrupt; Check and reading agree.
func outcome(t testing.TB, path string) (text string, damaged error) {
	t.Helper()
	s, err := Open(plain(path, false))
	if err != nil {
		if port.CodeOf(err) != port.CodeStoreCorrupt {
			t.Errorf("Open: %v", err)
		}
		return "", err
	}
	defer s.Close()
	problems := 0
	if _, err := s.Check(t.Context(), func(string) { problems++ }); err != nil {
		t.Errorf("Check: %v", err)
	}
	text, err = content(s)
	if err != nil && port.CodeOf(err) != port.CodeStoreCorrupt {
		t.Errorf("reading: %v", err)
	}
	if err == nil && problems > 0 {
		err = corrupt("Check found %d problems", problems)
	}
	return text, err
}
