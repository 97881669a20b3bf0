package store

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// fixtureAt puts the store of version 1 at path.
func fixtureAt(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "v1.db"))
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// plant leaves copies as interrupted migrations do, each with a second name that sees
// what becomes of its bytes.
func plant(t *testing.T, path string) (twins []string) {
	t.Helper()
	for _, name := range []string{path + ".v1.bak", path + ".v2.bak", path + ".v2.bak.tmp", path + ".v3.bak.tmp"} {
		fixtureAt(t, name)
		twins = append(twins, name+".twin")
		if err := os.Link(name, name+".twin"); err != nil {
			t.Fatal(err)
		}
	}
	return twins
}

// erased makes sure that nothing is left but zeros of what twins are the names of.
func erased(t *testing.T, twins []string) {
	t.Helper()
	for _, name := range twins {
		left, err := os.ReadFile(name)
		if err != nil || len(left) == 0 || len(bytes.Trim(left, "\x00")) > 0 {
			t.Errorf("%s: %d bytes that are not 0, %v", filepath.Base(name), len(bytes.Trim(left, "\x00")), err)
		}
		if err := os.Remove(name); err != nil {
			t.Error(err)
		}
	}
}

func names(t *testing.T, dir string) (found []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		found = append(found, e.Name())
	}
	return found
}

// Destroy leaves no copy of the store; what others put beside it stays.
func TestDestroyErasesCopies(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.db")
	s, err := Open(testOptions(path))
	if err != nil {
		t.Fatal(err)
	}
	twins := plant(t, path)
	others := []string{"a.db.bak", "a.db.v.bak", "a.db.v1.bak.txt", "b.db", "b.db.v1.bak"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("somebody else's"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// A link of a copy's name is not followed, and not of our making.
	if err := os.Symlink(filepath.Join(dir, "b.db"), path+".v5.bak"); err != nil {
		t.Fatal(err)
	}
	others = append(others, "a.db.v5.bak")
	if err := s.Destroy(); err != nil {
		t.Fatal(err)
	}
	erased(t, twins)
	slices.Sort(others)
	if got := names(t, dir); !slices.Equal(got, others) {
		t.Errorf("left are %v, want %v", got, others)
	}
	if raw, err := os.ReadFile(filepath.Join(dir, "b.db")); err != nil || string(raw) != "somebody else's" {
		t.Errorf("a link was followed: %q, %v", raw, err)
	}
}

// A store that is opened through a link is destroyed where it lies.
func TestDestroyThroughALink(t *testing.T) {
	dir, behind := t.TempDir(), t.TempDir()
	link := filepath.Join(dir, "link.db")
	real := filepath.Join(behind, "real.db")
	fixtureAt(t, real)
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	s, err := Open(fixtureOptions(link))
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Info().Path; got != link {
		t.Errorf("the store says it is at %s", got)
	}
	if err := os.Link(real, real+".twin"); err != nil {
		t.Fatal(err)
	}
	if err := s.Destroy(); err != nil {
		t.Fatal(err)
	}
	erased(t, []string{real + ".twin"})
	if got := names(t, behind); len(got) != 0 {
		t.Errorf("left behind the link: %v", got)
	}
}

// Copies go when the store has opened well, and not before.
func TestCopiesGoAfterAGoodOpen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	fixtureAt(t, path)
	twins := plant(t, path)
	o := fixtureOptions(path)
	o.Passphrase = "wrong"
	_, err := Open(o)
	wantCode(t, err, port.CodeWrongPassphrase)
	if left := leftovers(path); len(left) != 4 {
		t.Errorf("after a wrong passphrase there are %v", left)
	}
	o = fixtureOptions(path)
	failure := errors.New("no")
	if _, err := openWith(o, []migration{func(*bolt.Tx, *crypt) error { return failure }}); !errors.Is(err, failure) {
		t.Fatal(err)
	}
	if left := leftovers(path); !slices.Contains(left, path+".v1.bak") {
		t.Errorf("after a failed migration there are %v", left)
	}
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil { // waits for the background
		t.Fatal(err)
	}
	erased(t, twins)
	if left := leftovers(path); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

// A copy that somebody has opened, to see what is in it, is not erased under them.
func TestOpenCopyStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s, err := Open(testOptions(path))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	fixtureAt(t, path+".v1.bak")
	copied, err := Open(fixtureOptions(path + ".v1.bak"))
	if err != nil {
		t.Fatal(err)
	}
	defer copied.Close()
	if s, err = Open(testOptions(path)); err != nil {
		t.Fatal(err)
	}
	if err := s.Suspend(); err != nil {
		t.Fatal(err)
	}
	(&subject{Store: copied, t: t}).sound()
	wantCode(t, s.Destroy(), port.CodeStoreLocked)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the store itself is still there: %v", err)
	}
	(&subject{Store: copied, t: t}).sound()
}
