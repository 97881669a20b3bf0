package store

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

var writeFixture = flag.Bool("write-fixture", false, "write testdata/v<schemaVersion>.db anew")

func fixtureOptions(path string) Options {
	return Options{Path: path, Passphrase: "fixture passphrase", KDF: quick}
}

// fillFixture writes what the fixture of every version holds.
func fillFixture(s *subject) {
	s.update(func(tx port.Tx) {
		for i := range uint64(30) {
			_, err := tx.Insert([]byte("chat"), pos(i*7%31, byte(i)))
			s.must(err)
			_, err = tx.Append("queue", number(i))
			s.must(err)
			s.must(tx.Put("table", number(i), []byte("value")))
		}
		s.must(tx.Trim("queue", 10))
	})
}

func (s *subject) fixture() string {
	s.t.Helper()
	out, err := dump(s, []port.Table{"table"}, []port.Queue{"queue"}, []string{"chat"})
	s.must(err)
	return out
}

// TestFixtures opens a store of every version there has been.
func TestFixtures(t *testing.T) {
	want := &subject{Store: Memory(), t: t}
	fillFixture(want)
	newest := filepath.Join("testdata", fmt.Sprintf("v%d.db", schemaVersion))
	if *writeFixture {
		_ = os.Remove(newest)
		st, err := Open(fixtureOptions(newest))
		if err != nil {
			t.Fatal(err)
		}
		s := &subject{Store: st, t: t, path: newest}
		fillFixture(s)
		s.must(s.Close())
		shrink(t, newest)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "v*.db"))
	if err != nil || len(files) != schemaVersion {
		t.Fatalf("there are %d fixtures for %d versions, %v", len(files), schemaVersion, err)
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "store.db")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		st, err := Open(fixtureOptions(path))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		s := &subject{Store: st, t: t, path: path}
		s.sound()
		if got := s.fixture(); got != want.fixture() {
			t.Errorf("%s holds\n%s\nwant\n%s", file, got, want.fixture())
		}
		s.must(s.Close())
	}
}

// shrink takes the room to grow off a file that goes into the repository.
func shrink(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	m, err := newestMeta(f)
	if err := errors.Join(err, f.Truncate(int64(m.pages)*pageSize), f.Chmod(0o644), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// renameTable moves table "old" to table "new": what a migration would do.
func renameTable(tx *bolt.Tx, c *crypt) error {
	r := newReader(c, tx)
	from, e, err := r.entry(kindTable, "old")
	if err != nil {
		return err
	}
	to := c.bucket(kindTable, "new")
	b, err := tx.CreateBucket([]byte(to))
	if err != nil {
		return err
	}
	if err := r.eachRecord(from, "old", func(key, value []byte) error {
		diskKey := c.recordKey(to, "new", key)
		box, err := c.seal(to, diskKey, packRecord(key, value))
		return errors.Join(err, b.Put(diskKey, box))
	}); err != nil {
		return err
	}
	e.name = "new"
	box, err := c.seal(indexBucket, []byte(to), e.encode())
	index := tx.Bucket([]byte(indexBucket))
	err = errors.Join(err, index.Put([]byte(to), box), index.Delete([]byte(from)), tx.DeleteBucket([]byte(from)))
	return errors.Join(err, retrace(tx, c, decodeEntry))
}

func backups(t *testing.T, path string) []string {
	t.Helper()
	found, err := filepath.Glob(path + ".v*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestMigrations(t *testing.T) {
	if newestVersion(migrations) != schemaVersion {
		t.Fatal("schemaVersion and the list of migrations disagree")
	}
	s := newFile(t)
	o := testOptions(s.path)
	s.update(func(tx port.Tx) { s.must(tx.Put("old", []byte("k"), []byte("v"))) })
	s.must(s.Close())
	holds := func(table port.Table) {
		t.Helper()
		s.view(func(tx port.Tx) {
			if v, err := tx.Get(table, []byte("k")); err != nil || string(v) != "v" {
				t.Errorf("Get from %s = %q, %v", table, v, err)
			}
		})
	}
	failure := errors.New("no")
	failing := func(*bolt.Tx, *crypt) error { return failure }
	half := func(tx *bolt.Tx, c *crypt) error { return errors.Join(renameTable(tx, c), failure) }
	nothing := func(*bolt.Tx, *crypt) error { return nil }
	with := func(more ...migration) []migration { return append(slices.Clone(migrations), more...) }
	lossy := func(tx *bolt.Tx, c *crypt) error { return tx.DeleteBucket([]byte(c.bucket(kindTable, "old"))) }

	// A failing step leaves the file as it was, and a copy.
	_, err := openWith(o, with(half))
	if !errors.Is(err, failure) || len(backups(t, s.path)) != 1 {
		t.Fatalf("a failing migration: %v, copies %v", err, backups(t, s.path))
	}
	before := filepath.Join(t.TempDir(), "before.db")
	s.must(os.Rename(backups(t, s.path)[0], before))
	s.Store = mustOpen(t, s.path)
	holds("old")
	s.again()
	s.must(s.Close())

	// The steps before a failing one stay; the next attempt goes on from there.
	_, err = openWith(o, with(nothing, failing))
	if !errors.Is(err, failure) || len(backups(t, s.path)) != 2 {
		t.Errorf("the second migration failing: %v, copies %v", err, backups(t, s.path))
	}
	_, err = Open(o)
	wantCode(t, err, port.CodeStoreNewer)
	if s.Store, err = openWith(o, with(failing, renameTable, nothing)); err != nil {
		t.Fatal(err)
	}
	s.sound()
	holds("new")
	if v := s.Info().SchemaVersion; v != schemaVersion+3 {
		t.Errorf("version %d", v)
	}
	s.must(s.Close())
	if left := backups(t, s.path); len(left) != 0 {
		t.Errorf("copies left: %v", left)
	}
	_, err = Open(o)
	wantCode(t, err, port.CodeStoreNewer)
	o.Passphrase = "wrong" // newer is told before the passphrase is tried
	_, err = Open(o)
	wantCode(t, err, port.CodeStoreNewer)

	// The copy is a store of the version before.
	s.path = before
	s.Store = mustOpen(t, s.path)
	holds("old")
	s.again()
	s.must(s.Close())

	// A migration that loses records is noticed, and the copy is kept.
	if _, err := openWith(testOptions(s.path), with(lossy)); port.CodeOf(err) != port.CodeStoreCorrupt {
		t.Errorf("a lossy migration: %v", err)
	}
	if len(backups(t, s.path)) != 1 {
		t.Error("the copy before the lossy migration is gone")
	}
}
