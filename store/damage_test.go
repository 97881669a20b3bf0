package store

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
	"libstatus1to1/internal/testsize"
)

// fill puts enough into the store for several pages of every kind.
func fill(s *subject) {
	for round := range byte(6) {
		s.update(func(tx port.Tx) {
			for i := range byte(40) {
				s.must(tx.Put("t", []byte{round, i}, bytes.Repeat([]byte{i}, 100)))
				s.must(tx.Put("small", []byte{i}, []byte{round}))
				_, err := tx.Append("q", bytes.Repeat([]byte{i}, 50))
				s.must(err)
				_, err = tx.Insert([]byte("chat with bob"), pos(uint64(i)*uint64(round+3)%97, round))
				s.must(err)
			}
			s.must(tx.Put("t", []byte("large"), bytes.Repeat([]byte("x"), 3*pageSize)))
			s.must(tx.Delete("t", []byte{round, 7}))
			s.must(tx.Trim("q", uint64(round)*10))
		})
	}
}

func (s *subject) filled() (string, error) {
	return dump(s, []port.Table{"t", "small"}, []port.Queue{"q"}, []string{"chat with bob"})
}

// TestFlippedBytes damages single bytes of a small file. Every damage must be
// harmless, or an error: never a crash, never other content. The newest meta page
// is left out: bbolt answers its damage with the commit before (doc.go).
func TestFlippedBytes(t *testing.T) {
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewSource(seed))
	s := newFile(t)
	fill(s)
	want, err := s.filled()
	s.must(err)
	s.must(s.Close())
	good, err := os.ReadFile(s.path)
	s.must(err)
	meta, err := newestMeta(bytes.NewReader(good))
	s.must(err)
	used := int(meta.pages) * pageSize
	metaAt := int(meta.txid%2)*pageSize + pageHeaderSize

	rounds := testsize.Many(1500, 500)
	if testing.Short() {
		rounds = 200
	}
	harmless, found := 0, map[string]int{}
	for range rounds {
		bad := bytes.Clone(good)
		at := rng.Intn(used)
		if rng.Intn(3) == 0 { // page headers and entries, where damage is worst
			at = rng.Intn(int(meta.pages))*pageSize + rng.Intn(80)
		}
		if at >= metaAt && at < metaAt+metaSize {
			continue
		}
		bad[at] ^= byte(1 + rng.Intn(255))
		how := flipped(t, s, bad, want)
		if t.Failed() {
			t.Fatalf("byte %d of page %d, was %#x, is %#x: %s", at%pageSize, at/pageSize, good[at], bad[at], how)
		}
		if how == "" {
			harmless++
		} else {
			found[how]++
		}
	}
	t.Logf("%d harmless, %v", harmless, found)
	if found["open"] == 0 || found["read"] == 0 || harmless == 0 {
		t.Error("the damage did not reach every place")
	}
}

// flipped opens a damaged file and says where the damage was noticed.
func flipped(t *testing.T, s *subject, bad []byte, want string) string {
	s.must(os.WriteFile(s.path, bad, 0o600))
	o := testOptions(s.path)
	o.NoSync = true
	st, err := Open(o)
	if err != nil {
		if code := port.CodeOf(err); code != port.CodeStoreCorrupt && code != port.CodeWrongPassphrase {
			t.Errorf("Open: %v", err)
		}
		return "open"
	}
	damaged := &subject{Store: st, t: t, path: s.path}
	defer damaged.Close()
	problems := 0
	if _, err := st.Check(t.Context(), func(string) { problems++ }); err != nil {
		t.Errorf("Check: %v", err)
	}
	got, err := damaged.filled()
	if err != nil {
		wantCode(t, err, port.CodeStoreCorrupt)
	} else if got != want {
		t.Errorf("read\n%s\nwant\n%s", got, want)
	}
	if (err != nil) != (problems > 0) {
		t.Errorf("Check found %d problems, reading says %v", problems, err)
	}
	// Single reads must not say that something is missing that is only damaged.
	for round := range byte(6) {
		for i := range byte(40) {
			v, err := getOne(st, []byte{round, i})
			switch {
			case err != nil:
				wantCode(t, err, port.CodeStoreCorrupt)
			case (v == nil) != (i == 7) || (v != nil && !bytes.Equal(v, bytes.Repeat([]byte{i}, 100))):
				t.Errorf("Get(%d, %d) = %x", round, i, v)
			}
		}
	}
	// Writing to it must not crash either.
	if err := st.Update(func(tx port.Tx) error { return everything(tx, 9) }); err != nil {
		wantCode(t, err, port.CodeStoreCorrupt)
	}
	if err != nil || problems > 0 {
		return "read"
	}
	return ""
}

func getOne(s port.Store, key []byte) (v []byte, err error) {
	err = s.View(func(tx port.Tx) error {
		v, err = tx.Get("t", key)
		return err
	})
	return v, err
}

// raw opens the bbolt file beneath a closed store and changes it.
func raw(t *testing.T, path string, change func(*bolt.Tx) error) {
	t.Helper()
	beneath(t, path, nil, func(db *bolt.DB) error { return db.Update(change) })
}

// rawView opens the bbolt file beneath a closed store and leaves it as it is.
func rawView(t *testing.T, path string, look func(*bolt.Tx) error) {
	t.Helper()
	beneath(t, path, &bolt.Options{ReadOnly: true, PreLoadFreelist: true}, func(db *bolt.DB) error { return db.View(look) })
}

func beneath(t *testing.T, path string, o *bolt.Options, f func(*bolt.DB) error) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := f(db); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestMovedRecords swaps, moves, removes and adds records as one who can write
// to the file but has no key could.
func TestMovedRecords(t *testing.T) {
	ids := func(s *subject) (table, small, queue, history []byte) {
		c := s.Store.(*fileStore).crypt
		return []byte(c.bucket(kindTable, "t")), []byte(c.bucket(kindTable, "small")),
			[]byte(c.bucket(kindQueue, "q")), []byte(c.bucket(kindHistory, "chat with bob"))
	}
	swap := func(b *bolt.Bucket, other *bolt.Bucket) error {
		k1, v1 := b.Cursor().First()
		k2, v2 := other.Cursor().Last()
		v1, v2 = bytes.Clone(v1), bytes.Clone(v2)
		if err := b.Put(bytes.Clone(k1), v2); err != nil {
			return err
		}
		return other.Put(bytes.Clone(k2), v1)
	}
	for name, change := range map[string]func(tx *bolt.Tx, table, small, queue, history []byte) error{
		"swap in table":   func(tx *bolt.Tx, a, _, _, _ []byte) error { return swap(tx.Bucket(a), tx.Bucket(a)) },
		"swap in queue":   func(tx *bolt.Tx, _, _, q, _ []byte) error { return swap(tx.Bucket(q), tx.Bucket(q)) },
		"swap in history": func(tx *bolt.Tx, _, _, _, h []byte) error { return swap(tx.Bucket(h), tx.Bucket(h)) },
		"between tables":  func(tx *bolt.Tx, a, b, _, _ []byte) error { return swap(tx.Bucket(a), tx.Bucket(b)) },
		"index swapped": func(tx *bolt.Tx, _, _, _, _ []byte) error {
			return swap(tx.Bucket([]byte(indexBucket)), tx.Bucket([]byte(indexBucket)))
		},
		"record removed":   func(tx *bolt.Tx, a, _, _, _ []byte) error { return removeLast(tx.Bucket(a)) },
		"entry removed":    func(tx *bolt.Tx, _, _, q, _ []byte) error { return removeLast(tx.Bucket(q)) },
		"position removed": func(tx *bolt.Tx, _, _, _, h []byte) error { return removeLast(tx.Bucket(h)) },
		"bucket removed":   func(tx *bolt.Tx, a, _, _, _ []byte) error { return tx.DeleteBucket(a) },
		"index removed":    func(tx *bolt.Tx, _, _, _, _ []byte) error { return removeLast(tx.Bucket([]byte(indexBucket))) },
		"header removed":   func(tx *bolt.Tx, _, _, _, _ []byte) error { return tx.DeleteBucket([]byte(headerBucket)) },
		"record added": func(tx *bolt.Tx, a, _, _, _ []byte) error {
			return tx.Bucket(a).Put([]byte("0123456789abcdef"), make([]byte, 60))
		},
		"bucket added": func(tx *bolt.Tx, _, _, _, _ []byte) error {
			_, err := tx.CreateBucket([]byte("0123456789abcdef"))
			return err
		},
		"bucket in bucket": func(tx *bolt.Tx, a, _, _, _ []byte) error {
			_, err := tx.Bucket(a).CreateBucket([]byte("0123456789abcdef"))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newFile(t)
			fill(s)
			a, b, q, h := ids(s)
			s.must(s.Close())
			raw(t, s.path, func(tx *bolt.Tx) error { return change(tx, a, b, q, h) })
			st, err := Open(testOptions(s.path))
			if err != nil {
				wantCode(t, err, port.CodeStoreCorrupt)
				return
			}
			defer st.Close()
			problems := 0
			if _, err := st.Check(t.Context(), func(p string) {
				problems++
				if strings.Contains(p, "bob") {
					t.Errorf("a problem names a chat: %s", p)
				}
			}); err != nil || problems == 0 {
				t.Errorf("Check found nothing, %v", err)
			}
			_, err = (&subject{Store: st, t: t}).filled()
			wantCode(t, err, port.CodeStoreCorrupt)
		})
	}
}

func removeLast(b *bolt.Bucket) error {
	k, _ := b.Cursor().Last()
	return b.Delete(bytes.Clone(k))
}

// TestRawFile looks for what went in in what is on disk, also after rewriting,
// deleting, changing the passphrase and rolling back.
func TestRawFile(t *testing.T) {
	s := newFile(t)
	o := testOptions(s.path)
	secrets := []string{"the message text", "0x04contactkey", "table-contacts-name", "queue-outbox-name",
		"chat with bob", o.Passphrase, "another passphrase", "failed text", string(s.Store.(*fileStore).data[:])}
	s.update(func(tx port.Tx) {
		s.must(tx.Put("table-contacts-name", []byte("0x04contactkey"), []byte("the message text")))
		_, err := tx.Append("queue-outbox-name", []byte("the message text"))
		s.must(err)
		for i := range uint64(50) {
			p := port.Position{Clock: 0x1122334455667788 + i}
			copy(p.ID[:], "message id of thirty-two bytes..")
			_, err := tx.Insert([]byte("chat with bob"), p)
			s.must(err)
		}
	})
	secrets = append(secrets, "message id of thirty-two", "\x11\x22\x33\x44\x55\x66", "\x66\x55\x44\x33\x22\x11")
	_ = s.Update(func(tx port.Tx) error {
		s.must(tx.Put("t", []byte("failed text"), []byte("failed text")))
		return os.ErrInvalid
	})
	s.must(s.ChangePassphrase(o.Passphrase, "another passphrase"))
	s.update(func(tx port.Tx) { s.must(tx.Delete("table-contacts-name", []byte("0x04contactkey"))) })
	s.must(s.Close())
	content, err := os.ReadFile(s.path)
	s.must(err)
	for _, secret := range secrets {
		for _, form := range []string{secret, strings.ToUpper(secret), hex.EncodeToString([]byte(secret))} {
			if bytes.Contains(content, []byte(form)) {
				t.Errorf("the file shows %q", form)
			}
		}
	}
	if !bytes.Contains(content, []byte(headerMagic)) {
		t.Error("this is not the file")
	}
	entries, err := os.ReadDir(filepath.Dir(s.path))
	s.must(err)
	if len(entries) != 1 {
		t.Errorf("there are other files: %v", entries)
	}
}

// TestTwoStoresDiffer makes sure that the same content is not recognisable in
// two files: no record, bucket name or table key stands in both.
func TestTwoStoresDiffer(t *testing.T) {
	var seen [2]map[string]bool
	for i := range seen {
		s := newFile(t)
		fill(s)
		s.must(s.Close())
		seen[i] = map[string]bool{}
		raw(t, s.path, func(tx *bolt.Tx) error {
			return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
				seen[i][fmt.Sprintf("bucket %x", name)] = true
				return b.ForEach(func(k, v []byte) error {
					seen[i][fmt.Sprintf("value %x", v)] = true
					if len(k) == hashedSize {
						seen[i][fmt.Sprintf("key %x", k)] = true
					}
					return nil
				})
			})
		})
	}
	common := 0
	for what := range seen[0] {
		if seen[1][what] {
			common++
		}
	}
	if common != 2 { // the buckets "header" and "index"
		t.Errorf("%d things are the same in both files", common)
	}
}

// TestTruncatedWhileOpen cuts the file under an open store: reading gives an
// error, not a fault that ends the process.
func TestTruncatedWhileOpen(t *testing.T) {
	s := newFile(t)
	fill(s)
	s.must(os.Truncate(s.path, 2*pageSize))
	if _, err := s.filled(); port.CodeOf(err) != port.CodeStoreCorrupt {
		t.Errorf("reading a cut file: %v", err)
	}
	err := s.Update(func(tx port.Tx) error { return everything(tx, 1) })
	if err == nil {
		t.Error("writing to a cut file succeeded")
	}
	if err := s.Close(); err != nil && port.CodeOf(err) != port.CodeStoreCorrupt {
		t.Errorf("Close: %v", err)
	}
	if _, err := Open(testOptions(s.path)); port.CodeOf(err) != port.CodeStoreCorrupt {
		t.Errorf("Open: %v", err)
	}
}
