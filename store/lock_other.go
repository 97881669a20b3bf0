//go:build !unix || solaris || aix

package store

import (
	"errors"
	"os"
)

var errLocked = errors.New("the file is locked")

// lockFile does nothing on systems without flock. There bbolt takes its own lock only
// after the pages were read, so a writer at that very moment can make a sound file look
// damaged; opening it again helps.
func lockFile(*os.File) error { return nil }

// unlockFile does nothing there either.
func unlockFile(*os.File) {}
