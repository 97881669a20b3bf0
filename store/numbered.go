package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// numberTables is migration 2 to 3: outbox and attempts become numbered tables. The
// attempts' keys were numbers already, their queue only gave those out; rows of the
// outbox get numbers now, whichever, and say themselves what they are.
func numberTables(tx *bolt.Tx, c *crypt) error {
	rows := uint64(0)
	err := moveTable(tx, c, "outbox", "#outbox", func([]byte) []byte { rows++; return binary.BigEndian.AppendUint64(nil, rows) })
	if err != nil {
		return err
	}
	if err := moveTable(tx, c, "attempts", "#attempts", func(key []byte) []byte { return key }); err != nil {
		return err
	}
	if err := dropBucket(tx, c.bucket(kindQueue, "attempts")); err != nil {
		return err
	}
	return retrace(tx, c, decodeEntry)
}

// moveTable moves the records of one table into another, under the keys that rename
// gives. The caller computes the traces again afterwards.
func moveTable(tx *bolt.Tx, c *crypt, old, new port.Table, rename func(key []byte) []byte) error {
	r := newReader(c, tx)
	from, e, err := r.entry(kindTable, string(old))
	if err != nil || e.gone {
		return err
	}
	to := c.bucket(kindTable, string(new))
	bucket, err := tx.CreateBucketIfNotExists([]byte(to))
	if err != nil {
		return err
	}
	bucket.FillPercent = appendFill
	err = r.eachRecord(from, old, func(key, value []byte) error {
		key = rename(key)
		diskKey := c.recordKey(to, new, key)
		box, err := c.seal(to, diskKey, packRecord(key, value))
		if err != nil {
			return err
		}
		return bucket.Put(diskKey, box)
	})
	if err != nil {
		return err
	}
	e.name = string(new)
	box, err := c.seal(indexBucket, []byte(to), e.encode())
	if err != nil {
		return err
	}
	if err := tx.Bucket([]byte(indexBucket)).Put([]byte(to), box); err != nil {
		return err
	}
	return dropBucket(tx, from)
}

// dropBucket removes a bucket and its index entry, if they are there.
func dropBucket(tx *bolt.Tx, id bucketID) error {
	if index := tx.Bucket([]byte(indexBucket)); index != nil {
		if err := index.Delete([]byte(id)); err != nil {
			return err
		}
	}
	if tx.Bucket([]byte(id)) == nil {
		return nil
	}
	return tx.DeleteBucket([]byte(id))
}
