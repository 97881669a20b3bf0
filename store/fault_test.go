package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

func seeded(t testing.TB) *rand.Rand {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// TestFaultWrites lets single writes and fsyncs of a commit fail. The Update says
// store_io. The store then shows what was before, or refuses everything; on disk
// is what was before or, when only the very last fsync failed, what was to be.
func TestFaultWrites(t *testing.T) {
	r := seeded(t)
	dir := fastDir(t)
	path := began(t, dir, r)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	broken, other, err := os.Pipe() // its fsync fails
	if err != nil {
		t.Fatal(err)
	}
	defer broken.Close()
	defer other.Close()
	runs := 1600
	if testing.Short() {
		runs = 300
	}
	counts := map[string]int{}
	for i := range runs {
		kind := faultKinds[i%len(faultKinds)]
		if err := os.WriteFile(path, good, 0o600); err != nil {
			t.Fatal(err)
		}
		how := faultyCommit(t, path, good, r, kind, broken)
		counts[kind+", "+how]++
		if t.Failed() {
			t.Fatalf("run %d: %s, %s", i, kind, how)
		}
	}
	t.Logf("%d runs: %v", runs, counts)
}

// faultyCommit makes one commit fail and says what became of it.
func faultyCommit(t *testing.T, path string, good []byte, r *rand.Rand, kind string, broken *os.File) string {
	s, err := Open(plain(path, true))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	before, err := content(s)
	if err != nil {
		t.Fatal(err)
	}
	d := diskOf(t, s)
	hit := false
	d.failAt(r.IntN(12), kind, r.IntN(1<<16), broken, &hit)
	seed := r.Uint64()
	change := func(tx port.Tx) error { return mutate(tx, rand.New(rand.NewPCG(seed, 0)), 99) }
	err = s.Update(change)
	d.heal()
	if !hit {
		if err != nil {
			t.Errorf("nothing failed, and yet: %v", err)
		}
		return "not reached"
	}
	wantCode(t, err, port.CodeStoreIO)
	if want := faultErrno[kind]; errnoOf(err) != want {
		t.Errorf("%s: details.errno is %q, want %q", kind, errnoOf(err), want)
	}
	shown, err := content(s)
	refuses := err != nil
	if refuses {
		wantCode(t, err, port.CodeStoreIO)
	} else if shown != before {
		t.Error("after a failed commit the store shows something else")
	}
	want := before
	if again := s.Update(change); again == nil {
		if refuses {
			t.Error("it refuses to read, but writes")
		}
		if want, err = content(s); err != nil {
			t.Error(err)
		}
	} else if !refuses {
		t.Errorf("it reads, but does not write: %v", again)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	got, err := outcome(t, path)
	if err != nil {
		t.Errorf("opened again: %v", err)
	}
	switch {
	case got == want && refuses:
		return "refused until opened, then as before"
	case got == want:
		return "went on"
	case refuses && got == afterwards(t, good, path+".after", change):
		return "refused until opened, then as after"
	}
	t.Error("opened again it holds neither what was before nor what was to be")
	return "wrong"
}

// afterwards applies change to a copy of the file, and returns its content as a text.
func afterwards(t *testing.T, good []byte, path string, change func(port.Tx) error) string {
	t.Helper()
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(plain(path, false))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Update(change); err != nil {
		t.Fatal(err)
	}
	text, err := content(s)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// A crashed is what a crash left behind.
type crashed struct {
	name string
	// data is applied before meta; each sector, or word of the meta page, goes to
	// disk with this chance.
	data, meta float64
	unit       int // of the data
	// ordered: the disk keeps the order that fsync asks for.
	ordered bool
}

// TestFaultCrashImages makes the files that a crash in the middle of a commit can
// leave, sector by sector: the data pages in any order and part, then the meta
// page torn. Each opens as it was before or after, never as a mix. On a disk that
// does not keep the order asked for by fsync it may also be refused.
func TestFaultCrashImages(t *testing.T) {
	r := seeded(t)
	dir := fastDir(t)
	path := began(t, dir, r)
	rounds, each := 12, 60
	if testing.Short() {
		rounds, each = 4, 25
	}
	counts := map[string]int{}
	for n := range rounds {
		base, writes, before, after := oneCommit(t, path, r, 100+n)
		for _, c := range []crashed{
			{"data in part", 0.5, 0, sector, true}, {"data not at all", 0, 0, sector, true},
			{"data almost", 0.95, 0, sector, true}, {"meta torn", 1, 0.5, sector, true}, {"all", 1, 1, sector, true},
			{"disk without order", 0.7, 1, sector, false}, {"pages lost", 0.8, 1, pageSize, false},
		} {
			for range each {
				image := c.image(r, base, writes)
				name := filepath.Join(dir, "image.db")
				if err := os.WriteFile(name, image, 0o600); err != nil {
					t.Fatal(err)
				}
				got, err := outcome(t, name)
				how := "a mix"
				switch {
				case err != nil:
					how = "refused"
				case got == before:
					how = "before"
				case got == after:
					how = "after"
				}
				counts[c.name+": "+how]++
				if how == "a mix" || how == "refused" && c.ordered {
					t.Fatalf("commit %d, %s: %s (%v)\nbefore\n%.600s\nafter\n%.600s\ngot\n%.600s", n, c.name, how, err, before, after, got)
				}
			}
		}
	}
	t.Log(fmt.Sprint(counts))
	for _, must := range []string{"data in part: before", "meta torn: before", "meta torn: after", "all: after", "disk without order: refused"} {
		if counts[must] == 0 {
			t.Errorf("no image gave %q", must)
		}
	}
}

// oneCommit makes one more commit and gives the file before it, its writes, and
// the content before and after.
func oneCommit(t *testing.T, path string, r *rand.Rand, n int) (base []byte, writes []written, before, after string) {
	t.Helper()
	base, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(plain(path, false))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if before, err = content(s); err != nil {
		t.Fatal(err)
	}
	d := diskOf(t, s)
	d.record(&writes)
	if err := s.Update(func(tx port.Tx) error { return mutate(tx, r, n) }); err != nil {
		t.Fatal(err)
	}
	d.heal()
	if after, err = content(s); err != nil {
		t.Fatal(err)
	}
	if len(writes) < 3 || writes[len(writes)-1].at > pageSize {
		t.Fatalf("the commit has %d writes, and the last is not a meta page", len(writes))
	}
	return base, writes, before, after
}

// sector is the unit that a disk writes whole or not at all; a meta page is torn in words.
const (
	sector = 512
	word   = 8
)

func (c crashed) image(r *rand.Rand, base []byte, writes []written) []byte {
	image := bytes.Clone(base)
	put := func(w written, unit int, chance float64) {
		for from := 0; from < len(w.data); from += unit {
			to := min(from+unit, len(w.data))
			if need := int(w.at) + to; need > len(image) { // the file grows first
				image = append(image, make([]byte, need-len(image))...)
			}
			if r.Float64() < chance {
				copy(image[int(w.at)+from:], w.data[from:to])
			}
		}
	}
	last := len(writes) - 1
	for _, w := range writes[:last] {
		put(w, c.unit, c.data)
	}
	put(writes[last], word, c.meta)
	return image
}

// TestFaultEveryByte changes each byte of a small file in turn: the store opens
// with what was in it, or is refused by name.
func TestFaultEveryByte(t *testing.T) {
	r := seeded(t)
	dir := fastDir(t)
	path := filepath.Join(dir, "store.db")
	s, err := Open(plain(path, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(tx port.Tx) error { return everything(tx, 3) }); err != nil {
		t.Fatal(err)
	}
	want, err := small(s)
	if err != nil || s.Close() != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := newestMeta(bytes.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	step := 1
	if testing.Short() {
		step = 13
	}
	metaAt := int(meta.txid%2)*pageSize + pageHeaderSize
	counts := map[string]int{}
	for at := 0; at < int(meta.pages)*pageSize; at += step {
		if at >= metaAt && at < metaAt+metaSize {
			continue // bbolt falls back to the commit before: doc.go
		}
		bad := bytes.Clone(good)
		bad[at] ^= byte(1 + r.IntN(255))
		how := everyByte(t, path, bad, want)
		counts[how]++
		if t.Failed() {
			t.Fatalf("byte %d of page %d, %#x instead of %#x", at%pageSize, at/pageSize, bad[at], good[at])
		}
	}
	t.Logf("%d pages: %v", meta.pages, counts)
	if counts["harmless"] == 0 || counts["refused"] == 0 {
		t.Error("the damage did not reach every place")
	}
}

func small(s port.Store) (string, error) {
	return dump(s, []port.Table{"t", "new"}, []port.Queue{"q", "new"}, []string{"c", "new"})
}

func everyByte(t *testing.T, path string, bad []byte, want string) string {
	if err := os.WriteFile(path, bad, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(plain(path, false))
	if err != nil {
		if code := port.CodeOf(err); code != port.CodeStoreCorrupt && code != port.CodeWrongPassphrase && code != port.CodeStoreNewer {
			t.Errorf("Open: %v", err)
		}
		return "refused"
	}
	defer s.Close()
	problems := 0
	if _, err := s.Check(t.Context(), func(string) { problems++ }); err != nil {
		t.Errorf("Check: %v", err)
	}
	got, err := small(s)
	switch {
	case err != nil:
		wantCode(t, err, port.CodeStoreCorrupt)
		if problems == 0 {
			t.Error("Check found nothing")
		}
		return "refused"
	case got != want:
		t.Errorf("other content:\n%s", got)
	}
	return "harmless"
}

// TestFaultRecordPutBack puts single records back as they were in an older copy of
// the file, which authenticate at their place. Each is refused by name: when a
// small store is opened, and when a larger one is walked.
func TestFaultRecordPutBack(t *testing.T) {
	for _, large := range []bool{false, true} {
		dir := fastDir(t)
		path := filepath.Join(dir, "store.db")
		s, err := Open(plain(path, false))
		if err != nil {
			t.Fatal(err)
		}
		fill := func(value string) {
			if err := s.Update(func(tx port.Tx) error {
				for i := range 40 {
					if err := tx.Put("t", []byte{byte(i)}, []byte(value)); err != nil {
						return err
					}
				}
				return everything(tx, 1)
			}); err != nil {
				t.Fatal(err)
			}
		}
		fill("old")
		if large {
			if err := s.Update(func(tx port.Tx) error {
				for i := range freshAtOnce + 1 {
					if err := tx.Put("many", number(uint64(i)), nil); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		c := s.(*fileStore).crypt
		id := c.bucket(kindTable, "t")
		diskKey := c.recordKey(id, "t", []byte{7})
		take := func(bucket bucketID, k []byte) (box []byte) {
			if err := s.(*fileStore).view(func(r *reader) error {
				box = bytes.Clone(r.bolt.Bucket([]byte(bucket)).Get(k))
				return nil
			}); err != nil || box == nil {
				t.Fatal("no such record", err)
			}
			return box
		}
		oldRecord, oldEntry := take(id, diskKey), take(indexBucket, []byte(id))
		fill("new")
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for name, putBack := range map[string]struct {
			do   func(tx *bolt.Tx) error
			want string
		}{
			"record": {func(tx *bolt.Tx) error { return tx.Bucket([]byte(id)).Put(diskKey, oldRecord) }, "table t: a record is not its newest version"},
			"index":  {func(tx *bolt.Tx) error { return tx.Bucket([]byte(indexBucket)).Put([]byte(id), oldEntry) }, "index: a record is not its newest version"},
			"root":   {func(tx *bolt.Tx) error { return tx.Bucket([]byte(headerBucket)).Delete(rootKey) }, "index: a record is not its newest version"},
		} {
			t.Run(fmt.Sprintf("%s, large %v", name, large), func(t *testing.T) {
				good, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = os.WriteFile(path, good, 0o600) }()
				raw(t, path, putBack.do)
				s, err := Open(plain(path, false))
				if err != nil {
					wantCode(t, err, port.CodeStoreCorrupt)
					if !strings.Contains(err.Error(), putBack.want) {
						t.Errorf("Open: %v, want %s", err, putBack.want)
					}
					return
				}
				defer s.Close()
				if !large {
					t.Error("a small store opened")
				}
				var problems []string
				if _, err := s.Check(t.Context(), func(p string) { problems = append(problems, p) }); err != nil || !slices.Contains(problems, putBack.want) {
					t.Errorf("Check: %v, %v", problems, err)
				}
				wantCode(t, s.View(func(tx port.Tx) error {
					return tx.Each("t", func(_, _ []byte) error { return nil })
				}), port.CodeStoreCorrupt)
			})
		}
	}
}

// TestFaultEmptyRoot: a file whose list of buckets reads as empty is not a new one.
func TestFaultEmptyRoot(t *testing.T) {
	path := filepath.Join(fastDir(t), "store.db")
	s, err := Open(plain(path, false))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Update(func(tx port.Tx) error { return everything(tx, 3) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	meta, err := newestMeta(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	const countAt = 10 // in the head of a page: the number of its entries
	copy(file[int(meta.root)*pageSize+countAt:], []byte{0, 0})
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(plain(path, false))
	wantCode(t, err, port.CodeStoreCorrupt)
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, file) {
		t.Errorf("the file was changed: %v", err)
	}
}
