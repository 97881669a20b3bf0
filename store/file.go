package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// boltFile is an open, locked and scanned bbolt file.
type boltFile struct {
	db       *bolt.DB
	file     *os.File    // bbolt's own descriptor, to let the lock go if bbolt cannot
	readers  readers     // Views in progress
	starting sync.Mutex  // one transaction begins at a time
	stuck    atomic.Bool // bbolt panicked where it holds locks: it must not be called any more

	made  bool           // it was empty when it was opened
	count map[string]int // records in each root bucket then; nil while rest is to be walked
	rest  *rest          // what is left to be looked at; nil: nothing
}

// openFile opens path, takes its lock without waiting and scans its pages, of a
// file larger than atOnce bytes only the branches. With create a missing or empty
// file is made.
func openFile(path string, create, noSync bool, atOnce int64) (*boltFile, error) {
	if err := checkPath(path, create); err != nil {
		return nil, err
	}
	b := &boltFile{}
	options := &bolt.Options{
		Timeout:         time.Nanosecond, // one attempt
		FreelistType:    bolt.FreelistMapType,
		InitialMmapSize: initialMap,
		PageSize:        pageSize,
		NoSync:          noSync,
	}
	options.OpenFile = func(name string, flag int, _ os.FileMode) (*os.File, error) {
		f, err := b.openLocked(name, flag, create, atOnce)
		if b.rest != nil {
			options.InitialMmapSize = mapSize(b.rest.size)
		}
		return f, err
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var err error
	if panicked := guard("file", func() { b.db, err = bolt.Open(path, privateMode, options) }); panicked != nil {
		b.abandon()
		return nil, panicked
	}
	if err != nil {
		b.abandon()
		return nil, openError(err)
	}
	b.db.AllocSize = growBytes
	b.db.NoGrowSync = noSync
	return b, nil
}

// madeTxid is the number of the transaction of a file that bbolt has made and nobody has written.
const madeTxid = 1

// openLocked stands in for os.OpenFile in bolt.Open.
func (b *boltFile) openLocked(name string, flag int, create bool, atOnce int64) (*os.File, error) {
	f, there, err := openOrCreate(name, flag&^os.O_CREATE, create)
	if err != nil {
		return nil, err
	}
	b.file = f
	if err := lockFile(f); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() == 0 && create {
		b.made = true
		if there { // made by somebody, for others to read perhaps
			err = f.Chmod(privateMode)
		}
		return f, err
	}
	meta, err := newestMeta(f)
	if err != nil {
		return nil, err
	}
	if info.Size() > atOnce {
		b.rest = &rest{meta: meta, size: info.Size(), pace: newPace(), done: make(chan struct{})}
		b.rest.early, err = scanBranches(f, info.Size(), meta)
		return f, err
	}
	b.count, err = scanPages(f, info.Size(), meta)
	if err == nil && len(b.count) == 0 && meta.txid > madeTxid {
		err = badPage(meta.root, "empty, though something was written") // not a new file, to be written over
	}
	return f, err
}

// checkPath refuses anything but a file in an existing directory, before anything is
// opened: opening a named pipe would wait for ever.
func checkPath(path string, create bool) error {
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return pathError("the directory of the store cannot be used", err)
	}
	if !dir.IsDir() {
		return pathError("the directory of the store cannot be used", syscall.ENOTDIR)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && create:
		return nil
	case err != nil:
		return pathError("the store cannot be opened", err)
	case !info.Mode().IsRegular():
		return pathError("the store is not a regular file", nil)
	}
	return nil
}

func openError(err error) error {
	var onPath *fs.PathError
	switch {
	case errors.Is(err, errLocked), errors.Is(err, berrors.ErrTimeout):
		return locked()
	case errors.Is(err, errPages):
		return corrupt("the store file is damaged or not a store").Because(err)
	case errors.As(err, &onPath):
		return pathError("the store cannot be opened", err)
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrVersionMismatch), errors.Is(err, berrors.ErrChecksum):
		return corrupt("the store file is damaged or not a store").Because(err)
	}
	return ioError("opening the store", err)
}

// isNew reports whether the file holds nothing yet.
func (b *boltFile) isNew() bool { return b.made || b.rest == nil && len(b.count) == 0 }

// close ends bbolt and releases the lock. No transaction may be running.
func (b *boltFile) close() error {
	if b.stuck.Load() {
		b.abandon()
		return nil
	}
	var err error
	if panicked := guard("file", func() { err = b.db.Close() }); panicked != nil {
		b.abandon()
		return panicked
	}
	if err != nil {
		return ioError("closing the store", err)
	}
	return nil
}

// abandon releases the lock of a file that bbolt failed on. bbolt's mutexes may
// be held for ever then, so its own Close could hang; its map stays until the
// process ends.
func (b *boltFile) abandon() {
	if b.file != nil {
		unlockFile(b.file)
		_ = b.file.Close() // closed already if bbolt got that far
	}
}

// begin starts a bbolt transaction. hung reports that bbolt panicked in it and must not
// be used any more.
//
// Transactions begin one at a time: one that panics while it begins keeps bbolt's
// locks, and another caller would wait for them for ever.
func (b *boltFile) begin(writable bool) (tx *bolt.Tx, hung bool, err error) {
	b.starting.Lock()
	defer b.starting.Unlock()
	if b.stuck.Load() {
		return nil, true, corrupt("the store failed before; open it again")
	}
	if panicked := guard("file", func() { tx, err = b.db.Begin(writable) }); panicked != nil {
		b.stuck.Store(true)
		return nil, true, panicked
	}
	if err != nil {
		return nil, false, ioError("starting a transaction", err)
	}
	return tx, false, nil
}

// rollback ends a transaction. Its error is that bbolt panicked and must not be used
// any more.
func (b *boltFile) rollback(tx *bolt.Tx) error {
	if b.stuck.Load() {
		return nil // it may hold the locks that this needs
	}
	panicked := guard("file", func() { _ = tx.Rollback() })
	if panicked != nil {
		b.stuck.Store(true)
	}
	return panicked
}

// lastTx is the number of the last transaction, or 0 if bbolt cannot tell.
func (b *boltFile) lastTx() (id int) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	tx, _, err := b.begin(false)
	if err != nil {
		return 0
	}
	defer func() { _ = b.rollback(tx) }()
	return tx.ID()
}

// syncDir makes the directory entry of a new file durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return pathError("the directory of the store cannot be read", err)
	}
	defer d.Close()
	// Some file systems have no fsync for directories and say so.
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return pathError("the directory of the store cannot be synced", err)
	}
	return nil
}
