package store

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"libstatus1to1/chat/port"
)

func childHold(path string) {
	s, err := Open(testOptions(path))
	check(err)
	fmt.Println("open")
	bufio.NewScanner(os.Stdin).Scan() // until the parent closes the pipe or goes
	check(s.Close())
}

func TestLockedInThisProcess(t *testing.T) {
	s := newFile(t)
	_, err := Open(testOptions(s.path))
	wantCode(t, err, port.CodeStoreLocked)
	// The passphrase plays no part: the lock comes first.
	o := testOptions(s.path)
	o.Passphrase = "another"
	_, err = Open(o)
	wantCode(t, err, port.CodeStoreLocked)
	s.update(func(tx port.Tx) { s.must(tx.Put("t", nil, nil)) })

	s.must(s.Suspend())
	other := mustOpen(t, s.path) // a suspended store lets go
	wantCode(t, s.Resume(), port.CodeStoreLocked)
	wantCode(t, s.View(func(port.Tx) error { return nil }), port.CodeStoreSuspended)
	s.must(other.Close())
	s.must(s.Resume())
	s.sound()
}

func TestLockedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	c := startChild(t, "hold", path)
	c.line(t)
	_, err := Open(testOptions(path))
	wantCode(t, err, port.CodeStoreLocked)
	_ = c.in.Close()
	if err := c.Wait(); err != nil {
		t.Fatalf("child: %v %s", err, c.err.String())
	}
	if err := mustOpen(t, path).Close(); err != nil {
		t.Fatal(err)
	}
}

// A failed Open must let the lock go, whatever it failed on.
func TestFailedOpenReleasesLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := mustOpen(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	o := testOptions(path)
	o.Passphrase = "another"
	for range 3 {
		_, err := Open(o)
		wantCode(t, err, port.CodeWrongPassphrase)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := append([]byte(nil), good...)
	clear(bad[:3*pageSize])
	for _, content := range [][]byte{bad, good} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := Open(testOptions(path))
		if &content[0] == &bad[0] {
			wantCode(t, err, port.CodeStoreCorrupt)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
