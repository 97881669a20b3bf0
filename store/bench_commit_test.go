package store

import (
	"testing"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
	"libstatus1to1/internal/cputime"
)

// fourRecords are what a message that is sent writes: its record under a keyed hash, which
// stays; its event and its row, which are soon gone; and a record that is written over.
var fourRecords = []int{1300, 350, 600, 900}

// aCommit writes four records and deletes those of the commit before that are gone by then.
func aCommit(tx port.Tx, n uint64, value []byte) error {
	if err := tx.Put("messages", number(n), value[:fourRecords[0]]); err != nil {
		return err
	}
	if _, err := tx.Append("events", value[:fourRecords[1]]); err != nil {
		return err
	}
	if err := tx.Put("#rows", number(n), value[:fourRecords[2]]); err != nil {
		return err
	}
	if err := tx.Put("sessions", []byte("bob"), value[:fourRecords[3]]); err != nil {
		return err
	}
	if n < 2 {
		return nil
	}
	if err := tx.Trim("events", n-1); err != nil {
		return err
	}
	return tx.Delete("#rows", number(n-1))
}

// bareCommit does only the part of aCommit that cannot be avoided: sealing four records, and one transaction of bbolt with the
// same bytes.
func bareCommit(db *bolt.DB, c *crypt, ids []bucketID, n uint64, value []byte) error {
	tx, err := db.Begin(true)
	if err != nil {
		return err
	}
	keys := [][]byte{c.recordKey(ids[0], "messages", number(n)), number(n), number(n), c.recordKey(ids[3], "sessions", []byte("bob"))}
	for i, id := range ids {
		box, err := c.seal(id, keys[i], value[:fourRecords[i]])
		if err != nil {
			return err
		}
		b := tx.Bucket([]byte(id))
		if i == 1 || i == 2 {
			b.FillPercent = appendFill
		}
		if err := b.Put(keys[i], box); err != nil {
			return err
		}
		if i == 1 || i == 2 {
			if err := b.Delete(number(n - 1)); err != nil {
				return err
			}
		}
	}
	return tx.Commit()
}

// BenchmarkFourRecords is one commit of four records, and the same by bbolt alone, without an index, traces and
// names.
func BenchmarkFourRecords(b *testing.B) {
	value := make([]byte, 2000)
	timed := func(b *testing.B, s *fileStore, fn func(n uint64) error) {
		b.ReportAllocs()
		before, stats := cputime.Used(), s.file.db.Stats()
		n := uint64(0)
		for b.Loop() {
			n++
			if err := fn(n); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cputime.Used()-before)/float64(n), "cpu-ns/op")
		d := s.file.db.Stats()
		d = d.Sub(&stats)
		b.ReportMetric(float64(d.TxStats.GetWrite())/float64(n), "writes/op")
	}
	b.Run("store", func(b *testing.B) {
		s := benchStore(b, true).(*fileStore)
		timed(b, s, func(n uint64) error { return s.Update(func(tx port.Tx) error { return aCommit(tx, n, value) }) })
	})
	b.Run("bare", func(b *testing.B) {
		s := benchStore(b, true).(*fileStore)
		db, c := s.file.db, s.crypt
		ids := []bucketID{c.bucket(kindTable, "messages"), c.bucket(kindQueue, "events"), c.bucket(kindTable, "#rows"), c.bucket(kindTable, "sessions")}
		if err := db.Update(func(tx *bolt.Tx) error {
			for _, id := range ids {
				if _, err := tx.CreateBucket([]byte(id)); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			b.Fatal(err)
		}
		timed(b, s, func(n uint64) error { return bareCommit(db, c, ids, n, value) })
	})
}

// BenchmarkView measures a View with one Get, beside one of bbolt.
func BenchmarkView(b *testing.B) {
	s := benchStore(b, true).(*fileStore)
	mustUpdate(b, s, func(tx port.Tx) error { return tx.Put("t", []byte("k"), make([]byte, 600)) })
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := s.View(func(tx port.Tx) error { _, err := tx.Get("t", []byte("k")); return err }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.ReportAllocs()
		id := s.crypt.bucket(kindTable, "t")
		for b.Loop() {
			tx, err := s.file.db.Begin(false)
			if err != nil {
				b.Fatal(err)
			}
			k := s.crypt.recordKey(id, "t", []byte("k"))
			if _, ok := s.crypt.open(id, k, tx.Bucket([]byte(id)).Get(k)); !ok {
				b.Fatal("open")
			}
			_ = tx.Rollback()
		}
	})
}
