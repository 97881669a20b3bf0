package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"libstatus1to1/chat/port"
)

func TestAuthenticate(t *testing.T) {
	dir := t.TempDir()
	o := Options{Path: filepath.Join(dir, "a.db"), Passphrase: "right", KDF: Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	k := bytes.Repeat([]byte{7}, 32)
	keyed, err := Open(Options{Path: filepath.Join(dir, "b.db"), Key: k, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = keyed.Close() }()
	for name, c := range map[string]struct {
		s          port.Store
		passphrase string
		key        []byte
		ok         bool
	}{
		"right": {s, "right", nil, true}, "wrong": {s, "wrong", nil, false}, "none": {s, "", nil, false}, "a key": {s, "", k, false},
		"right key": {keyed, "", k, true}, "wrong key": {keyed, "", bytes.Repeat([]byte{8}, 32), false}, "a passphrase": {keyed, "right", nil, false},
		"memory": {Memory(), "anything", nil, true},
	} {
		if err := c.s.Authenticate(c.passphrase, c.key); (err == nil) != c.ok || err != nil && port.CodeOf(err) != port.CodeWrongPassphrase {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.ChangePassphrase("right", "newer"); err != nil {
		t.Fatal(err)
	}
	if s.Authenticate("right", nil) == nil || s.Authenticate("newer", nil) != nil {
		t.Error("after the change the old passphrase counts")
	}
}

// After Destroy neither the file nor a second name of it holds anything.
func TestDestroy(t *testing.T) {
	dir := t.TempDir()
	o := Options{Path: filepath.Join(dir, "a.db"), Passphrase: "right", KDF: Argon2Params{Time: 1, MemoryKiB: 64, Threads: 1}, NoSync: true}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(tx port.Tx) error { return tx.Put("t", []byte("k"), []byte("a secret")) }); err != nil {
		t.Fatal(err)
	}
	twin := filepath.Join(dir, "twin") // sees what the disk would keep
	if err := os.Link(o.Path, twin); err != nil {
		t.Fatal(err)
	}
	if err := s.Destroy(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(o.Path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file is still there: %v", err)
	}
	left, err := os.ReadFile(twin)
	if err != nil || len(left) == 0 || len(bytes.Trim(left, "\x00")) > 0 {
		t.Errorf("%d bytes are left that are not 0, %v", len(bytes.Trim(left, "\x00")), err)
	}
	if err := s.View(func(port.Tx) error { return nil }); port.CodeOf(err) != port.CodeClosed {
		t.Errorf("reading: %v", err)
	}
	if err := s.Destroy(); port.CodeOf(err) != port.CodeClosed {
		t.Errorf("again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	m := Memory()
	if err := m.Destroy(); err != nil || m.View(func(port.Tx) error { return nil }) == nil {
		t.Errorf("memory: %v", err)
	}
}
