//go:build unix

package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

func wantPrivate(t *testing.T, path string) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != privateMode {
		t.Errorf("%s: %v, %v", filepath.Base(path), info, err)
	}
}

// Every file of a store is for its owner only, whoever had made it before.
func TestFilesArePrivate(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := t.TempDir()
	fresh, empty, old := filepath.Join(dir, "fresh"), filepath.Join(dir, "empty"), filepath.Join(dir, "old")
	if err := os.WriteFile(empty, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fresh, empty} {
		s := mustOpen(t, path)
		wantPrivate(t, path)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fixtureAt(t, old)
	seen := false
	look := func(*bolt.Tx, *crypt) error {
		wantPrivate(t, old+".v1.bak")
		seen = true
		return errors.New("no")
	}
	if _, err := openWith(fixtureOptions(old), []migration{look}); err == nil || !seen {
		t.Errorf("the migration was not begun: %v", err)
	}
}

// A link that somebody has put where a copy is to be made is not written through.
func TestCopiesFollowNoLinks(t *testing.T) {
	dir := t.TempDir()
	path, victim := filepath.Join(dir, "a.db"), filepath.Join(dir, "victim")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".v1.bak", ".v1.bak.tmp", ".v2.bak.tmp"} {
		for _, target := range []string{victim, filepath.Join(dir, "not there")} {
			fixtureAt(t, path)
			if err := os.Symlink(target, path+name); err != nil {
				t.Fatal(err)
			}
			s, err := Open(fixtureOptions(path))
			if err == nil {
				err = s.Close()
			} else {
				wantCode(t, err, port.CodeStoreIO)
			}
			if strings.HasSuffix(name, unfinished) == (err == nil) {
				t.Errorf("%s: %v", name, err)
			}
			if raw, err := os.ReadFile(victim); err != nil || string(raw) != "mine" {
				t.Fatalf("%s: the link was followed: %d bytes, %v", name, len(raw), err)
			}
			if _, err := os.Stat(filepath.Join(dir, "not there")); err == nil {
				t.Fatalf("%s: a file was made through the link", name)
			}
			_ = os.Remove(path + name)
			for _, left := range leftovers(path) {
				_ = os.Remove(left)
			}
		}
	}
}

// A store is not made through a link to nowhere.
func TestLinkToNowhere(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "a.db")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Fatal(err)
	}
	_, err := Open(testOptions(link))
	wantCode(t, err, port.CodeStoreIO)
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("there are %v", got)
	}
}

// What keeps a store from being opened or written is named.
func TestErrorsNameTheirCause(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no store"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"circle", "circle.db"} {
		if err := os.Symlink(filepath.Join(dir, "circle"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, want := range map[string]struct{ errno, words string }{
		filepath.Join(dir, "no", "such", "a.db"):               {"ENOENT", "no such file or folder"},
		filepath.Join(dir, strings.Repeat("n", 300)):           {"ENAMETOOLONG", "name is too long"},
		filepath.Join(dir, strings.Repeat("n", 300), "a.db"):   {"ENAMETOOLONG", "name is too long"},
		filepath.Join(file, "a.db"):                            {"ENOTDIR", "not a folder"},
		filepath.Join(dir, "circle.db"):                        {"ELOOP", "circle"},
		filepath.Join(dir, "file", "deeper", "than", "a file"): {"ENOTDIR", "not a folder"},
	} {
		_, err := Open(testOptions(path))
		wantCause(t, err, want.errno, want.words)
	}
}

func wantCause(t *testing.T, err error, errno, words string) {
	t.Helper()
	wantCode(t, err, port.CodeStoreIO)
	wantField(t, err, "store.path")
	if errnoOf(err) != errno || err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%v, errno %q, want %s, %s", err, errnoOf(err), errno, words)
	}
}

func TestRightsAreNamed(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may do everything")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "a.db")
	if err := mustOpen(t, file).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o400); err != nil {
		t.Fatal(err)
	}
	_, err := Open(testOptions(file))
	wantCause(t, err, "EACCES", "rights")
	if err := errors.Join(os.Chmod(file, 0o600), os.Chmod(dir, 0o500)); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(dir, 0o700) }()
	_, err = Open(testOptions(filepath.Join(dir, "b.db")))
	wantCause(t, err, "EACCES", "rights")
	if err := mustOpen(t, file).Close(); err != nil { // what is there needs no rights on its folder
		t.Error(err)
	}
}
