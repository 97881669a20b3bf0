package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

func TestBadOptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	for field, o := range map[string]Options{
		"store.path":       {Passphrase: "p", KDF: quick},
		"store.passphrase": {Path: path, KDF: quick},
		"store.key":        {Path: path, Key: make([]byte, 31)},
		"store.kdf":        {Path: path, Passphrase: "p", KDF: Argon2Params{Time: 1, MemoryKiB: 1 << 30, Threads: 1}},
	} {
		_, err := Open(o)
		wantCode(t, err, port.CodeBadConfig)
		wantField(t, err, field)
	}
	_, err := Open(Options{Path: path, Passphrase: "p", Key: make([]byte, 32)})
	wantField(t, err, "store.key")
	if _, err := os.Stat(path); err == nil {
		t.Error("bad options made a file")
	}
	if !DefaultArgon2.valid() {
		t.Error("the default cost is out of bounds")
	}
}

func TestPassphraseAndKey(t *testing.T) {
	dir := t.TempDir()
	withKey := Options{Path: filepath.Join(dir, "key.db"), Key: bytes.Repeat([]byte{7}, 32)}
	withPhrase := testOptions(filepath.Join(dir, "phrase.db"))
	for _, o := range []Options{withKey, withPhrase} {
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Update(func(tx port.Tx) error { return tx.Put("t", []byte("k"), []byte("v")) }); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for name, o := range map[string]Options{
		"another key":        {Path: withKey.Path, Key: bytes.Repeat([]byte{8}, 32)},
		"phrase for key":     {Path: withKey.Path, Passphrase: "p", KDF: quick},
		"key for phrase":     {Path: withPhrase.Path, Key: withKey.Key},
		"another phrase":     {Path: withPhrase.Path, Passphrase: withPhrase.Passphrase + " ", KDF: quick},
		"phrase, other cost": {Path: withPhrase.Path, Passphrase: "x"},
	} {
		_, err := Open(o)
		if wantCode(t, err, port.CodeWrongPassphrase); t.Failed() {
			t.Fatal(name)
		}
		given := "store.passphrase"
		if o.Key != nil {
			given = "store.key"
		}
		if e := (*port.Error)(nil); !errors.As(err, &e) || e.Field != given {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := withPhrase
	o.KDF = Argon2Params{} // the file says its own cost
	for _, o := range []Options{withKey, o} {
		s, err := Open(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.View(func(tx port.Tx) error {
			v, err := tx.Get("t", []byte("k"))
			if string(v) != "v" {
				t.Errorf("Get = %q", v)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChangePassphrase(t *testing.T) {
	s := newFile(t)
	o := testOptions(s.path)
	s.update(func(tx port.Tx) { s.must(tx.Put("t", []byte("k"), []byte("v"))) })
	wantCode(t, s.ChangePassphrase("wrong", "new"), port.CodeWrongPassphrase)
	wantCode(t, s.ChangePassphrase(o.Passphrase, ""), port.CodeBadParams)
	s.must(s.ChangePassphrase(o.Passphrase, "new"))
	wantCode(t, s.ChangePassphrase(o.Passphrase, "new"), port.CodeWrongPassphrase)
	s.must(s.Suspend())
	wantCode(t, s.ChangePassphrase("new", "newer"), port.CodeStoreSuspended)
	s.must(s.Resume())
	s.must(s.Close())
	wantCode(t, s.ChangePassphrase("new", "newer"), port.CodeClosed)
	_, err := Open(o)
	wantCode(t, err, port.CodeWrongPassphrase)
	o.Passphrase = "new"
	if s.Store, err = Open(o); err != nil {
		t.Fatal(err)
	}
	s.view(func(tx port.Tx) {
		if v, err := tx.Get("t", []byte("k")); err != nil || string(v) != "v" {
			t.Errorf("Get = %q, %v", v, err)
		}
	})

	key := Options{Path: filepath.Join(t.TempDir(), "store.db"), Key: make([]byte, 32)}
	k, err := Open(key)
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	wantCode(t, k.ChangePassphrase("", "new"), port.CodeBadParams)
	if err := Memory().ChangePassphrase("a", "b"); err != nil {
		t.Error(err)
	}
}

func TestNotAStore(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	db, err := bolt.Open(foreign, 0o600, &bolt.Options{PageSize: pageSize})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Update(func(tx *bolt.Tx) error {
		b, err := tx.CreateBucket([]byte("somebody else's"))
		return errors.Join(err, b.Put([]byte("k"), []byte("v")))
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(foreign)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"text": []byte("hello"), "zeros": make([]byte, 1<<16), "random": bytes.Repeat([]byte{0xa5, 1, 0}, 30000),
		"foreign": whole, "cut": whole[:2*pageSize], "cut in a page": whole[:pageSize+100],
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(testOptions(path)); port.CodeOf(err) != port.CodeStoreCorrupt {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, content) {
			t.Errorf("%s: Open changed the file", name)
		}
	}
}

// An empty file, as another program may have made it to reserve the name, or as
// a crash at the very first moment leaves it, becomes a store.
func TestEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &subject{Store: mustOpen(t, path), t: t, path: path}
	s.again()
	s.must(s.Close())

	bare := filepath.Join(t.TempDir(), "bare.db") // bbolt ready, the header not yet written
	b, err := openFile(bare, true, false, scanAtOnce)
	if err != nil {
		t.Fatal(err)
	}
	s.must(b.close())
	s = &subject{Store: mustOpen(t, bare), t: t, path: bare}
	s.again()
	s.must(s.Close())
}

func TestReplacedWhileSuspended(t *testing.T) {
	s, other := newFile(t), newFile(t)
	s.update(func(tx port.Tx) { s.must(tx.Put("t", []byte("k"), []byte("v"))) })
	other.update(func(tx port.Tx) { other.must(tx.Put("t", []byte("k"), []byte("v"))) })
	other.must(other.Close())
	mine := s.path + ".mine"
	s.must(s.Suspend())
	s.must(os.Rename(s.path, mine))
	wantCode(t, s.Resume(), port.CodeStoreIO) // missing: it must not be made anew
	empty := newFile(t)
	empty.must(empty.Close())
	for _, content := range []string{other.path, empty.path, os.Args[0]} {
		raw, err := os.ReadFile(content)
		s.must(err)
		s.must(os.WriteFile(s.path, raw, 0o600))
		wantCode(t, s.Resume(), port.CodeStoreCorrupt)
		wantCode(t, s.View(func(port.Tx) error { return nil }), port.CodeStoreSuspended)
	}
	s.must(os.Rename(mine, s.path))
	s.must(s.Resume())
	s.view(func(tx port.Tx) {
		if v, err := tx.Get("t", []byte("k")); err != nil || string(v) != "v" {
			t.Errorf("Get = %q, %v", v, err)
		}
	})
}

// A file that is another time's, an older copy or one that somebody worked on, is not
// taken up again: what the engine remembers would not fit it.
func TestChangedWhileSuspended(t *testing.T) {
	s := newFile(t)
	put := func(s *subject, value string) {
		s.update(func(tx port.Tx) { s.must(tx.Put("t", []byte("k"), []byte(value))) })
	}
	put(s, "older")
	s.must(s.Suspend())
	older, err := os.ReadFile(s.path)
	s.must(err)
	s.must(s.Resume())
	put(s, "newer")
	s.must(s.Suspend())
	newer, err := os.ReadFile(s.path)
	s.must(err)
	s.must(os.WriteFile(s.path, older, 0o600))
	wantCode(t, s.Resume(), port.CodeStoreCorrupt)
	s.must(os.WriteFile(s.path, newer, 0o600))
	s.must(s.Resume())
	s.must(s.Suspend())
	other := &subject{Store: mustOpen(t, s.path), t: t, path: s.path}
	other.must(other.Close()) // that it was looked at is no change
	s.must(s.Resume())
	s.must(s.Suspend())
	other = &subject{Store: mustOpen(t, s.path), t: t, path: s.path}
	put(other, "by another")
	other.must(other.Close())
	wantCode(t, s.Resume(), port.CodeStoreCorrupt)
	s.must(s.Close())
	s = &subject{Store: mustOpen(t, s.path), t: t, path: s.path}
	s.view(func(tx port.Tx) {
		if v, err := tx.Get("t", []byte("k")); err != nil || string(v) != "by another" {
			t.Errorf("Get = %q, %v", v, err)
		}
	})
	s.must(s.Close())
}

func TestRedacted(t *testing.T) {
	o := testOptions(filepath.Join(t.TempDir(), "store.db"))
	o.Key = []byte("0123456789abcdef0123456789abcdef")
	printed := func(v any) (out string) {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			out += fmt.Sprintf(verb, v) + "\n"
		}
		js, err := json.Marshal(struct{ V any }{v})
		if err != nil {
			t.Fatal(err)
		}
		return out + string(js)
	}
	for _, secret := range []string{o.Passphrase, string(o.Key), fmt.Sprintf("%x", o.Key[:6]), fmt.Sprintf("%x", o.Passphrase[:6]), "48 49 50 51"} {
		if strings.Contains(printed(o)+printed(&o), secret) {
			t.Errorf("Options print %q", secret)
		}
	}
	s := newFile(t)
	data := s.Store.(*fileStore).data
	raw := fmt.Sprintf("%x", [32]byte(data))[:12]
	decimal := strings.Trim(fmt.Sprint(data[0], data[1], data[2], data[3]), "[]")
	for _, v := range []any{s.Store, struct{ S port.Store }{s.Store}, Memory()} {
		out := printed(v)
		if strings.Contains(out, raw) || strings.Contains(out, decimal) || !strings.Contains(out, "store(") {
			t.Errorf("a store prints as %s", out)
		}
	}
}
