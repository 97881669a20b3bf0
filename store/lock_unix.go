//go:build unix && !solaris && !aix

package store

import (
	"errors"
	"os"
	"syscall"
)

var errLocked = errors.New("the file is locked")

// lockFile takes the lock that bbolt itself takes a moment later on the same
// descriptor, so that the pages can be read before bbolt trusts them.
func lockFile(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// unlockFile gives the lock up. Closing f would not: bbolt's map of the file keeps
// it open.
func unlockFile(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
