package store

import (
	"errors"
	"io/fs"
	"os"
)

// privateMode lets only the owner read and write: all files of a store have it.
const privateMode = 0o600

// createPrivate creates a file. It fails if anything has that name, even a link.
func createPrivate(name string, flag int) (*os.File, error) {
	return os.OpenFile(name, flag|os.O_CREATE|os.O_EXCL, privateMode)
}

// openOrCreate opens a file, or with create makes it when it is missing. there tells
// that somebody else had made it.
func openOrCreate(name string, flag int, create bool) (f *os.File, there bool, err error) {
	f, err = os.OpenFile(name, flag, 0)
	if !create || !errors.Is(err, fs.ErrNotExist) {
		return f, true, err
	}
	made, createErr := createPrivate(name, flag)
	if errors.Is(createErr, fs.ErrExist) { // a link that leads nowhere, or made just now
		f, err = os.OpenFile(name, flag, 0)
		return f, true, err
	}
	return made, false, createErr
}
