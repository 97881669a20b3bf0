package store

import (
	"crypto/subtle"
	"errors"
	"io"
	"io/fs"
	"os"

	"libstatus1to1/chat/port"
)

// Authenticate reports whether the passphrase or the key is the one that opens this
// store: CodeWrongPassphrase if it is not. It costs what opening costs.
func (s *fileStore) Authenticate(passphrase string, masterKey []byte) error {
	if err := s.gate.enter(); err != nil {
		return err
	}
	defer s.gate.leave()
	if err := s.hung(); err != nil {
		return err
	}
	h, err := s.file.readHeader(s.version)
	if err != nil {
		return err
	}
	data, _, err := h.unlock(Options{Passphrase: passphrase, Key: masterKey})
	if err != nil || subtle.ConstantTimeCompare(data[:], s.data[:]) != 1 {
		return wrongPassphrase("", masterKey)
	}
	return nil
}

// Destroy closes the store for good and makes its content unreadable. It overwrites the
// whole file, including pages that hold or once held the wrapped data key, removes the
// file and any copies that a migration has left, and forgets the key. What the medium
// keeps of overwritten blocks is encrypted under a key that no longer exists, unless
// somebody has a copy of the file.
func (s *fileStore) Destroy() error {
	s.life.Lock()
	defer s.life.Unlock()
	if s.gate.now() == gateClosed {
		return gateClosed.err()
	}
	s.gate.shut(gateClosed)
	close(s.quit)
	err := s.release()
	if e := erase(s.path); e != nil {
		err = e
	}
	if e := eraseLeftovers(s.path); e != nil && err == nil {
		err = e
	}
	clear(s.data[:])
	return err
}

// eraseBlock is the number of bytes overwritten at a time.
const eraseBlock = 1 << 20

// erase overwrites a file, makes that durable, and removes it.
func erase(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|noFollow, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return pathError("the store cannot be erased", err)
	}
	// Somebody may have opened it meanwhile, as the store that it is.
	if err := lockFile(f); err != nil {
		_ = f.Close()
		return openError(err)
	}
	err = overwrite(f)
	if e := f.Close(); err == nil {
		err = e
	}
	if e := os.Remove(path); err == nil {
		err = e
	}
	if err != nil {
		return ioError("erasing the store", err)
	}
	return syncDir(path)
}

func overwrite(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	zeros := make([]byte, eraseBlock)
	for left := info.Size(); left > 0; left -= eraseBlock {
		if _, err := f.Write(zeros[:min(left, eraseBlock)]); err != nil {
			return err
		}
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f.Sync()
}

// Authenticate lets everybody in: a memory store has no passphrase.
func (s *memoryStore) Authenticate(string, []byte) error { return s.gate.now().err() }

// Destroy is Close: nothing is left.
func (s *memoryStore) Destroy() error {
	if s.gate.now() == gateClosed {
		return gateClosed.err()
	}
	return s.Close()
}

// Both are chat.Stores.
var (
	_ port.Store = (*fileStore)(nil)
	_ port.Store = (*memoryStore)(nil)
)
