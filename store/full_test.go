//go:build unix

package store

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"libstatus1to1/chat/port"
)

func init() { children["full"] = childFull }

// childFull lets the disk run full, by a limit on the size of files, and checks
// that a failed commit fails all its closures and leaves the store usable.
func childFull(path string) {
	signal.Ignore(syscall.SIGXFSZ)
	s, err := Open(testOptions(path))
	check(err)
	put := func(key string, size int) error {
		return s.Update(func(tx port.Tx) error { return tx.Put("t", []byte(key), make([]byte, size)) })
	}
	check(put("before", 100))
	limitFiles(uint64(s.Info().SizeBytes))
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for i := range 8 {
		wg.Go(func() { errs <- put(fmt.Sprint("big ", i), 1<<20) })
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		if port.CodeOf(err) != port.CodeStoreIO || errnoOf(err) != "EFBIG" {
			check(fmt.Errorf("a commit on a full disk: %v, errno %q", err, errnoOf(err)))
		}
	}
	check(put("small", 10)) // there is room for this one
	limitFiles(1 << 40)
	check(put("after", 1<<20))
	check(s.Close())
	fmt.Println("done")
}

func limitFiles(size uint64) {
	var l syscall.Rlimit
	check(syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l))
	l.Cur = min(size, l.Max)
	check(syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l))
}

func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	c := startChild(t, "full", path)
	if line := c.line(t); line != "done" {
		t.Fatal(line)
	}
	if err := c.Wait(); err != nil {
		t.Fatal(err, c.err.String())
	}
	s := &subject{Store: mustOpen(t, path), t: t, path: path}
	defer s.Close()
	s.sound()
	s.view(func(tx port.Tx) {
		n := 0
		s.must(tx.Each("t", func(k, v []byte) error { n++; return nil }))
		if n != 3 {
			t.Errorf("the table has %d records, want before, small and after", n)
		}
	})
}

// A path where no store can be is an I/O error with a field, and never a hang.
func TestNoDirectory(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, "missing", "store.db"), filepath.Join(file, "store.db"), dir, pipe} {
		_, err := Open(testOptions(path))
		wantCode(t, err, port.CodeStoreIO)
		wantField(t, err, "store.path")
	}
	if _, err := os.Stat(filepath.Join(dir, "missing")); err == nil {
		t.Error("Open made a directory")
	}
	s := newFile(t)
	if info, err := os.Stat(s.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v, %v", info.Mode(), err)
	}
}
