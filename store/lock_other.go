//go:build !unix || solaris || aix

package store

import (
	"errors"
	"os"
)

var errLocked = errors.New("the file is locked")

// lockFile does nothing where there is no flock: bbolt takes its own lock after
// the pages were read. A writer at that very moment can make a sound file look
// damaged; opening it again helps.
func lockFile(*os.File) error { return nil }

// unlockFile does nothing there either.
func unlockFile(*os.File) {}
