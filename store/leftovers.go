package store

import (
	"errors"
	"fmt"
	"os"

	"libstatus1to1/chat/port"
)

// A migration copies the file before each step. The copies are for somebody whose
// migration fails. They open with the passphrase of that time and hold what was
// deleted since, so they go once the store has opened well.

const (
	// unfinished ends the name of a copy that is being made.
	unfinished = ".tmp"
	// maxVersions is up to which version copies are looked for: also those that a
	// later library left before it failed. Versions come a few a year at most.
	maxVersions = 64
)

func backupName(path string, version uint32) string { return fmt.Sprintf("%s.v%d.bak", path, version) }

// isLeftover reports whether a regular file of that name exists. A link or a directory
// was not made by this library and is left alone.
func isLeftover(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// leftovers are the copies of the file that migrations have left.
func leftovers(path string) (names []string) {
	for v := range uint32(maxVersions) {
		for _, name := range []string{backupName(path, v+1), backupName(path, v+1) + unfinished} {
			if isLeftover(name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// eraseLeftovers erases them all. Where it cannot erase one it goes on, and fails in
// the end.
func eraseLeftovers(path string) error {
	var first error
	for _, name := range leftovers(path) {
		if err := eraseLeftover(name); err != nil && first == nil {
			first = err
		}
	}
	return first
}

// eraseLeftover erases one copy. One that is open is in use as a store of its own, and
// stays.
func eraseLeftover(name string) error {
	err := erase(name)
	if e := (*port.Error)(nil); errors.As(err, &e) && e.Code == port.CodeStoreLocked {
		return port.Errorf(port.CodeStoreLocked, "store.path", "a copy of the store, made before a migration, is open and cannot be erased")
	}
	return err
}
