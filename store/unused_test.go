package store

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"libstatus1to1/chat/port"
)

// A thief has the file as it is and knows a passphrase that was changed. These tests
// look for headers in the raw file, used or not, and try them.

// headersIn are all headers in a raw file, wherever they lie.
func headersIn(raw []byte) (found []header) {
	for at := 0; ; at++ {
		i := bytes.Index(raw[at:], []byte(headerMagic))
		if i < 0 {
			return found
		}
		at += i
		if at+headerSize <= len(raw) {
			if h, err := decodeHeader(raw[at:at+headerSize], schemaVersion); err == nil {
				found = append(found, h)
			}
		}
	}
}

// former holds an earlier passphrase and header, which a file must not show any more.
type former struct {
	passphrase string
	header     header
}

// formerOf is the present header of a store, which is about to be a former one.
func formerOf(t *testing.T, s port.Store, passphrase string) former {
	t.Helper()
	h, err := s.(*fileStore).file.readHeader(schemaVersion)
	if err != nil {
		t.Fatal(err)
	}
	return former{passphrase, h}
}

// openedBy counts what a raw file has of former headers: whole ones that their
// passphrase opens, and halves of their wrapped keys.
func openedBy(raw []byte, olds []former) (n int) {
	found := headersIn(raw)
	for _, old := range olds {
		for _, h := range found {
			if _, _, err := h.unlock(Options{Passphrase: old.passphrase}); err == nil {
				n++
			}
		}
		half := wrappedSize / 2
		for _, part := range [][]byte{old.header.wrapped[:half], old.header.wrapped[half:]} {
			n += bytes.Count(raw, part)
		}
	}
	return n
}

// gone makes sure that the file shows nothing of former passphrases, and is a store.
func gone(t *testing.T, path string, olds []former) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := openedBy(raw, olds); n > 0 {
		t.Errorf("%d places in the file open with a former passphrase", n)
	}
	if len(headersIn(raw)) == 0 {
		t.Error("the file has no header at all")
	}
}

// used is a store with some history of writing and deleting, so that it has free pages.
func used(t *testing.T, r *rand.Rand, o Options) port.Store {
	t.Helper()
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	many := r.IntN(3000)
	for from := 0; from < many; from += 100 {
		if err := s.Update(func(tx port.Tx) error {
			for i := from; i < from+100; i++ {
				if err := tx.Put("many", number(uint64(i)), make([]byte, r.IntN(600))); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Update(func(tx port.Tx) error {
		for i := range r.IntN(many + 1) {
			if err := tx.Delete("many", number(uint64(i))); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	goOn(t, s, r, r.IntN(40))
	return s
}

// goOn makes n commits.
func goOn(t *testing.T, s port.Store, r *rand.Rand, n int) {
	t.Helper()
	for i := range n {
		if err := s.Update(func(tx port.Tx) error { return mutate(tx, r, i) }); err != nil {
			t.Fatal(err)
		}
	}
}

func passphrase(n int) string { return fmt.Sprint("passphrase ", n) }

// After each change of passphrase, and after whatever is written then, the file
// holds nothing that a former passphrase opens; the store is as it was.
func TestFormerPassphraseOpensNothing(t *testing.T) {
	r := seeded(t)
	dir := fastDir(t)
	states := 40
	if testing.Short() {
		states = 12
	}
	for n := range states {
		o := Options{Path: filepath.Join(dir, fmt.Sprint(n)), Passphrase: passphrase(0), KDF: quick, NoSync: true}
		s := used(t, r, o)
		var olds []former
		for i := range 3 {
			olds = append(olds, formerOf(t, s, passphrase(i)))
			before, err := content(s)
			if err != nil {
				t.Fatal(err)
			}
			if raw, err := os.ReadFile(o.Path); err != nil || openedBy(raw, olds) == 0 {
				t.Fatalf("the test does not find the header before it is changed (%v)", err)
			}
			if err := s.ChangePassphrase(passphrase(i), passphrase(i+1)); err != nil {
				t.Fatal(err)
			}
			gone(t, o.Path, olds)
			if after, err := content(s); err != nil || after != before {
				t.Errorf("the change of passphrase changed the store (%v)", err)
			}
			(&subject{Store: s, t: t}).sound()
			goOn(t, s, r, r.IntN(12))
			gone(t, o.Path, olds)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		gone(t, o.Path, olds)
		if t.Failed() {
			t.Fatalf("state %d", n)
		}
		_ = os.Remove(o.Path)
	}
}

// A View that began before the change goes on with its snapshot: its pages are not
// overwritten under it, and the change returns when it is over.
func TestChangePassphraseWaitsForViews(t *testing.T) {
	r := seeded(t)
	o := Options{Path: filepath.Join(fastDir(t), "a.db"), Passphrase: passphrase(0), KDF: quick, NoSync: true}
	s := used(t, r, o)
	defer s.Close()
	goOn(t, s, r, 5)
	want, err := content(s)
	if err != nil {
		t.Fatal(err)
	}
	olds := []former{formerOf(t, s, passphrase(0))}
	inside, read, changed := make(chan bool), make(chan bool), make(chan error, 1)
	got := make(chan string, 1)
	go func() {
		_ = s.View(func(tx port.Tx) error {
			close(inside)
			<-read
			text, err := dump(snapshot{tx}, []port.Table{"t"}, []port.Queue{"q"}, []string{"c"})
			if err != nil {
				text = err.Error()
			}
			got <- text
			return nil
		})
	}()
	<-inside
	go func() { changed <- s.ChangePassphrase(passphrase(0), passphrase(1)) }()
	for s.Authenticate(passphrase(1), nil) != nil {
		time.Sleep(time.Millisecond)
	}
	goOn(t, s, r, 20) // others write meanwhile
	select {
	case err := <-changed:
		t.Errorf("the change is over (%v) while a View may read the old header", err)
		changed <- err
	default:
	}
	close(read)
	if text := <-got; text != want {
		t.Errorf("the View reads\n%.300s\nwant\n%.300s", text, want)
	}
	if err := <-changed; err != nil {
		t.Fatal(err)
	}
	gone(t, o.Path, olds)
}

// snapshot is a Store of one View, for dump.
type snapshot struct{ tx port.Tx }

func (s snapshot) View(fn func(port.Tx) error) error { return fn(s.tx) }

// A process that dies at any point of a change leaves a file that opens with the old
// or the new passphrase, and after the next open it shows no other.
func TestChangePassphraseCrash(t *testing.T) {
	r := seeded(t)
	path := filepath.Join(fastDir(t), "a.db")
	o := Options{Path: path, Passphrase: passphrase(0), KDF: quick, NoSync: true}
	if err := used(t, r, o).Close(); err != nil {
		t.Fatal(err)
	}
	var olds []former
	now, kills := 0, 20
	if testing.Short() {
		kills = 6
	}
	for range kills {
		c := startChild(t, "rewrap", path+"\n"+strconv.Itoa(now))
		for range 1 + r.IntN(4) {
			n, err := strconv.Atoi(c.line(t))
			if err != nil {
				t.Fatal(err)
			}
			now = n
		}
		time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond) // into the middle of a change
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for c.out.Scan() {
			if n, err := strconv.Atoi(c.out.Text()); err == nil {
				now = n
			}
		}
		_ = c.Wait()
		o.Passphrase = passphrase(now)
		s, err := Open(o)
		if port.CodeOf(err) == port.CodeWrongPassphrase {
			now++ // it died between the commit and saying so
			o.Passphrase = passphrase(now)
			s, err = Open(o)
		}
		if err != nil {
			t.Fatal(err)
		}
		(&subject{Store: s, t: t}).sound()
		present := formerOf(t, s, o.Passphrase)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		gone(t, path, olds)
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range headersIn(raw) {
			// A commit that did not come to its end leaves the header to come.
			if _, _, err := h.unlock(Options{Passphrase: passphrase(now + 1)}); h != present.header && err != nil {
				t.Fatal("the file has another header than the present one and the next")
			}
		}
		olds = append(olds, present)
	}
	t.Logf("%d changes", now)
}

// childRewrap changes the passphrase again and again and says which is done.
func childRewrap(arg string) {
	path, from, _ := bytes.Cut([]byte(arg), []byte("\n"))
	n, err := strconv.Atoi(string(from))
	check(err)
	s, err := Open(Options{Path: string(path), Passphrase: passphrase(n), KDF: quick})
	check(err)
	for ; ; n++ {
		check(s.ChangePassphrase(passphrase(n), passphrase(n+1)))
		fmt.Println(n + 1)
	}
}

// A disk that stops in the middle of the overwriting leaves any part of it done.
func TestHalfErasedPagesOpen(t *testing.T) {
	r := seeded(t)
	dir := fastDir(t)
	o := Options{Path: filepath.Join(dir, "a.db"), Passphrase: passphrase(0), KDF: quick, NoSync: true}
	s := used(t, r, o)
	want, err := content(s)
	if err != nil {
		t.Fatal(err)
	}
	olds := []former{formerOf(t, s, passphrase(0))}
	var images [][]byte // the file before each write of a commit
	d := diskOf(t, s)
	*d.write = func(b []byte, at int64) (int, error) {
		image, err := os.ReadFile(o.Path)
		if err != nil {
			return 0, err
		}
		images = append(images, image)
		return d.onDisk(b, at)
	}
	if err := s.ChangePassphrase(passphrase(0), passphrase(1)); err != nil {
		t.Fatal(err)
	}
	d.heal()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	o.Path = filepath.Join(dir, "image.db")
	erased := 0
	for i := 1; i < len(images); i++ {
		mix := bytes.Clone(images[i-1])
		for at := 0; at < len(mix); at += sector {
			if r.IntN(2) == 0 {
				copy(mix[at:at+sector], images[i][at:])
			}
		}
		if openedBy(images[i-1], olds) > openedBy(images[i], olds) {
			erased++
		}
		for _, image := range [][]byte{images[i], mix} {
			if err := os.WriteFile(o.Path, image, 0o600); err != nil {
				t.Fatal(err)
			}
			opensWith(t, o, want, olds)
		}
	}
	if erased == 0 {
		t.Error("no image lies on both sides of the overwriting")
	}
}

// opensWith opens an image with the old or the new passphrase. With the new one it
// shows nothing of the old one afterwards.
func opensWith(t *testing.T, o Options, want string, olds []former) {
	t.Helper()
	o.Passphrase = passphrase(1)
	s, err := Open(o)
	isNew := err == nil
	if port.CodeOf(err) == port.CodeWrongPassphrase {
		o.Passphrase = passphrase(0)
		s, err = Open(o)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got, err := content(s); err != nil || got != want {
		t.Errorf("another content (%v)", err)
	}
	(&subject{Store: s, t: t}).sound()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if isNew {
		gone(t, o.Path, olds)
	}
}

// What versions of this library that did not overwrite anything have left in a file
// is overwritten when it is opened.
func TestFormerHeadersOfOlderVersions(t *testing.T) {
	r := seeded(t)
	for _, atOnce := range []int64{scanAtOnce, 1} { // small, and as large ones are opened
		o := Options{Path: filepath.Join(fastDir(t), "a.db"), Passphrase: passphrase(0), KDF: quick, NoSync: true, scanAtOnce: atOnce}
		s := used(t, r, o)
		olds := []former{formerOf(t, s, passphrase(0))}
		fs := s.(*fileStore)
		h, master, err := olds[0].header.withPassphrase(passphrase(1), quick, fs.rand)
		if err != nil {
			t.Fatal(err)
		}
		if h, err = h.wrap(master, fs.data, fs.rand); err != nil {
			t.Fatal(err)
		}
		if err := fs.submit(func(b *batch) error {
			return errors.Join(b.do(step{act: actPut, id: headerBucket, key: []byte(headerBucket), value: h.encode()}),
				b.do(step{act: actDelete, id: headerBucket, key: erasedKey}))
		}); err != nil {
			t.Fatal(err)
		}
		goOn(t, s, r, 2)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		leaveTorn(t, o.Path, olds[0].header)
		if raw, err := os.ReadFile(o.Path); err != nil || openedBy(raw, olds) == 0 {
			t.Fatalf("the file shows nothing of the old passphrase (%v)", err)
		}
		o.Passphrase = passphrase(1)
		if s, err = Open(o); err != nil {
			t.Fatal(err)
		}
		if err := s.Suspend(); err != nil { // waits for what is done in the background
			t.Fatal(err)
		}
		gone(t, o.Path, olds)
		if err := s.Resume(); err != nil {
			t.Fatal(err)
		}
		(&subject{Store: s, t: t}).sound()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// leaveTorn writes a header where no state has come to yet, as a commit does that makes
// the file larger and does not reach its end.
func leaveTorn(t *testing.T, path string, h header) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := newestMeta(f)
	if err != nil {
		t.Fatal(err)
	}
	torn := make([]byte, 2*pageSize)
	copy(torn[pageSize-20:], h.encode())
	if _, err := f.WriteAt(torn, int64(m.pages+3)*pageSize); err != nil {
		t.Fatal(err)
	}
}

// A disk that fails after the passphrase is changed: the call says so, and that it is
// changed; the next open makes up for it.
func TestChangePassphraseOnFailingDisk(t *testing.T) {
	r := seeded(t)
	for after := 1; after <= 2; after++ { // commits that succeed
		o := Options{Path: filepath.Join(fastDir(t), "a.db"), Passphrase: passphrase(0), KDF: quick, NoSync: true}
		s := used(t, r, o)
		olds := []former{formerOf(t, s, passphrase(0))}
		d, commits := diskOf(t, s), 0
		*d.write = func(b []byte, at int64) (int, error) {
			if commits == after {
				return 0, &os.PathError{Op: "write", Path: o.Path, Err: syscall.ENOSPC}
			}
			if at <= pageSize { // a meta page ends a commit
				commits++
			}
			return d.onDisk(b, at)
		}
		err := s.ChangePassphrase(passphrase(0), passphrase(1))
		wantCode(t, err, port.CodeStoreIO)
		if e := (*port.Error)(nil); !errors.As(err, &e) || e.Details["changed"] != true || e.Details["errno"] != "ENOSPC" {
			t.Errorf("after %d commits: %+v", after, err)
		}
		d.heal()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		o.Passphrase = passphrase(1)
		if s, err = Open(o); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		gone(t, o.Path, olds)
	}
}

func TestPageSet(t *testing.T) {
	r := seeded(t)
	for range 300 {
		pages := 1 + r.Uint64N(400)
		set, is := newPageSet(pages), make([]bool, pages)
		for id, p := uint64(0), r.Float64(); id < pages; id++ {
			if run := r.Uint64N(90); r.Float64() < p {
				for ; run > 0 && id < pages; id, run = id+1, run-1 {
					set.add(id)
					is[id] = true
				}
			}
		}
		got := make([]bool, pages)
		for from, to := set.next(0); from < to; from, to = set.next(to) {
			if from > 0 && is[from-1] || to < pages && is[to] {
				t.Fatalf("[%d, %d) is not the whole run", from, to)
			}
			for id := from; id < to; id++ {
				got[id] = true
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(is) {
			t.Fatalf("the runs are\n%v\nof\n%v", got, is)
		}
	}
}
