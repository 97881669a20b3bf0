package store

import (
	"errors"
	"os"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// schemaVersion is the version this library writes. It is stored in the header.
const schemaVersion = 3

// migration brings a file from one version to the next, in one bbolt transaction
// that also writes the new version.
type migration func(tx *bolt.Tx, c *crypt) error

// migrations holds at [i] the step from version i+1 to i+2.
var migrations = []migration{addTraces, numberTables}

func newestVersion(steps []migration) uint32 { return 1 + uint32(len(steps)) }

// migrate brings the open file from h.version to the newest. Before each step
// from version N it copies the file to <path>.vN.bak. When all steps are done and
// the file is opened and scanned again, tidyLater removes the copies. After a
// failure the file is as it was before the failing step, and the copies stay.
func (s *fileStore) migrate(h header, master key.Secret, steps []migration) error {
	if h.version == newestVersion(steps) {
		return nil
	}
	if err := s.file.finishNow(s.crypt); err != nil {
		return err
	}
	for v := h.version; v < newestVersion(steps); v++ {
		if err := s.file.copyTo(backupName(s.path, v)); err != nil {
			return err
		}
		h.version = v + 1
		next, err := h.wrap(master, s.data, s.rand) // the version is under the wrap's seal
		if err != nil {
			return ioError("reading randomness", err)
		}
		if err := s.file.update("migration", func(tx *bolt.Tx) error {
			if err := steps[v-1](tx, s.crypt); err != nil {
				return err
			}
			return putHeader(tx, next)
		}); err != nil {
			return err
		}
	}
	return s.reopen()
}

// reopen closes the file and opens it again with its scan and the check of its index.
func (s *fileStore) reopen() error {
	if err := s.file.close(); err != nil {
		return err
	}
	f, err := openFile(s.path, false, s.noSync, s.atOnce)
	if err != nil {
		return err
	}
	s.file = f
	if err := f.finishNow(s.crypt); err != nil {
		return err
	}
	return f.verify(s.crypt)
}

// copyTo writes a consistent copy of the file, whole or not at all.
func (b *boltFile) copyTo(name string) error {
	tmp := name + unfinished
	for _, old := range []string{tmp, name} { // of a migration that did not come to its end
		if !isLeftover(old) {
			continue
		}
		if err := eraseLeftover(old); err != nil {
			return err
		}
	}
	f, err := createPrivate(tmp, os.O_WRONLY)
	if err != nil {
		return pathError("a copy of the store cannot be made", err)
	}
	err = b.view(func(r *reader) error {
		_, err := r.bolt.WriteTo(f)
		return err
	}, nil)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(tmp, name)
	}
	if err != nil {
		_ = os.Remove(tmp)
		return pathError("a copy of the store cannot be made", err)
	}
	return syncDir(name)
}

// update runs fn in a write transaction of its own, before the writer starts.
func (b *boltFile) update(doing string, fn func(*bolt.Tx) error) error {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	tx, _, err := b.begin(true)
	if err != nil {
		return err
	}
	if panicked := guard("file", func() {
		if err = fn(tx); err == nil {
			err = tx.Commit()
		} else {
			_ = tx.Rollback()
		}
	}); panicked != nil {
		b.stuck.Store(true)
		return panicked
	}
	return asError(doing, err)
}

func putHeader(tx *bolt.Tx, h header) error {
	bucket, err := tx.CreateBucketIfNotExists([]byte(headerBucket))
	if err != nil {
		return err
	}
	return bucket.Put([]byte(headerBucket), h.encode())
}

// writeFirst makes a store of an empty file.
func (b *boltFile) writeFirst(h header, c *crypt) error {
	return b.update("writing the header", func(tx *bolt.Tx) error {
		if err := putHeader(tx, h); err != nil {
			return err
		}
		box, err := c.seal(headerBucket, erasedKey, checksum(h.encode()))
		if err != nil {
			return err
		}
		return tx.Bucket([]byte(headerBucket)).Put(erasedKey, box)
	})
}

// header returns the header record in clear; nil if there is none.
func (r *reader) header() (raw []byte, err error) {
	err = guard("header", func() {
		if bucket := r.bolt.Bucket([]byte(headerBucket)); bucket != nil {
			raw = copied(bucket.Get([]byte(headerBucket)))
		}
	})
	return raw, err
}

// readHeader reads the header, which may be of any version up to newest.
func (b *boltFile) readHeader(newest uint32) (h header, err error) {
	var raw []byte
	err = b.view(func(r *reader) (err error) {
		raw, err = r.header()
		return err
	}, nil)
	if err != nil {
		return h, err
	}
	h, err = decodeHeader(raw, newest)
	switch {
	case errors.Is(err, errHeaderNewer):
		return h, port.Errorf(port.CodeStoreNewer, "", "the store is of version %d, this library knows up to %d", h.version, newest).Because(err)
	case err != nil:
		return h, corrupt("header: it is damaged").Because(err)
	}
	return h, nil
}
