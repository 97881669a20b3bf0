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
const schemaVersion = 4

// migration brings a file from one version to the next, in a bbolt transaction that also
// writes the new version. One that moves more than fits into memory returns errMore: what
// it wrote is committed then, and it is called again.
type migration func(tx *bolt.Tx, c *crypt) error

// errMore asks for one more transaction.
var errMore = errors.New("the migration goes on")

// migrations holds at [i] the step from version i+1 to i+2.
var migrations = []migration{addTraces, numberTables, conversationIDs}

func newestVersion(steps []migration) uint32 { return 1 + uint32(len(steps)) }

// migrate brings the open file from h.version to the newest. Before each step from
// version N it copies the file to <path>.vN.bak. When all steps are done and the file is
// opened and scanned again, tidyLater removes the copies. After a failure the file is as
// it was before the failing transaction, and the copies stay. A step of several
// transactions writes the new version with the first, so that no earlier library opens
// the file between two of them; the next open goes on where the last one ended.
func (s *fileStore) migrate(h header, master key.Secret, steps []migration) error {
	begun, err := s.file.begunMigration(s.crypt)
	if err != nil || h.version == newestVersion(steps) && !begun {
		return err
	}
	if err := s.file.finishNow(s.crypt); err != nil {
		return err
	}
	v := h.version
	if begun {
		v-- // the step to h.version; its copy was made before it began
	}
	for ; v < newestVersion(steps); v++ {
		if !begun {
			if err := s.file.copyTo(backupName(s.path, v)); err != nil {
				return err
			}
		}
		begun = false
		h.version = v + 1
		next, err := h.wrap(master, s.data, s.rand) // the version is under the wrap's seal
		if err != nil {
			return ioError("reading randomness", err)
		}
		for more := true; more; {
			if more, err = s.migratePart(next, steps[v-1]); err != nil {
				return err
			}
		}
	}
	return s.reopen()
}

// migratePart runs one transaction of a step to the version of next.
func (s *fileStore) migratePart(next header, step migration) (more bool, err error) {
	err = s.file.update("migration", func(tx *bolt.Tx) error {
		err := step(tx, s.crypt)
		if more = errors.Is(err, errMore); !more {
			if err != nil {
				return err
			}
			if err := tx.Bucket([]byte(headerBucket)).Delete(progressKey); err != nil {
				return err
			}
		}
		return putHeader(tx, next)
	})
	return more, err
}

// progressKey is the key, in the header bucket, of how far a step of several
// transactions has come, sealed, while it is under way.
var progressKey = []byte("migration")

// progress reads what setProgress wrote last; nil if the step has not begun.
func (r *reader) progress() ([]byte, error) {
	b, err := r.bucket("header", headerBucket)
	if err != nil || b == nil {
		return nil, err
	}
	var plain []byte
	ok := true
	err = guard("header", func() {
		if box := b.Get(progressKey); box != nil {
			plain, ok = r.crypt.open(headerBucket, progressKey, box)
		}
	})
	if err == nil && !ok {
		err = corrupt("header: a record does not authenticate")
	}
	return plain, err
}

// setProgress writes how far a step has come: at least one byte.
func (b *batch) setProgress(done []byte) error {
	box, err := b.crypt.seal(headerBucket, progressKey, done)
	if err != nil {
		return err
	}
	return b.change(write{act: actPut, id: headerBucket, key: progressKey, box: box})
}

// begunMigration reports whether a former open has begun a step and not ended it.
func (b *boltFile) begunMigration(c *crypt) (begun bool, err error) {
	err = b.view(func(r *reader) error {
		done, err := r.progress()
		begun = done != nil
		return err
	}, c)
	return begun, err
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
