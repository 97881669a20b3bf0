package store

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

func sampleHeader(t testing.TB) (header, key.Secret, Options) {
	o := Options{Path: "x", Passphrase: "p", KDF: quick}
	h, data, _, err := newHeader(o, schemaVersion, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return h, data, o
}

// resum gives an altered header a right checksum, as an attacker would.
func resum(b []byte) []byte {
	sum := sha256.Sum256(b[:len(b)-sha256.Size])
	return append(bytes.Clone(b[:len(b)-sha256.Size]), sum[:]...)
}

func TestHeader(t *testing.T) {
	h, data, o := sampleHeader(t)
	b := h.encode()
	again, err := decodeHeader(b, schemaVersion)
	if err != nil || again != h || len(b) != headerSize {
		t.Fatalf("the header came back as %+v, %v", again, err)
	}
	if got, _, err := again.unlock(o); err != nil || got != data {
		t.Fatalf("unlock: %v", err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 0x10
		if _, err := decodeHeader(bad, schemaVersion); !errors.Is(err, errHeader) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
		// With a right checksum: refused, newer, or it does not unwrap.
		h, err := decodeHeader(resum(bad), schemaVersion)
		if err != nil || i >= headerSize-sha256.Size {
			continue
		}
		if _, _, err := h.unlock(o); err == nil {
			t.Fatalf("byte %d changed and it still unwraps", i)
		}
	}
	for n := range b {
		if _, err := decodeHeader(b[:n], schemaVersion); err == nil {
			t.Fatalf("%d bytes were taken for a header", n)
		}
	}
}

// A prepared file must not choose a cost that takes all memory or hours.
func TestHostileKDF(t *testing.T) {
	h, _, _ := sampleHeader(t)
	for _, p := range []Argon2Params{{1, 1 << 30, 1}, {1 << 30, 64, 1}, {1, 64, 255}, {0, 64, 1}, {1, 64, 0}, {1, 4, 1}} {
		h.argon = p
		if _, err := decodeHeader(h.encode(), schemaVersion); !errors.Is(err, errHeader) {
			t.Errorf("%+v was taken: %v", p, err)
		}
	}
}

func TestCrypt(t *testing.T) {
	_, data, _ := sampleHeader(t)
	c, err := newCrypt(data, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.bucket(kindTable, "a"), c.bucket(kindTable, "b")
	box, err := c.seal(a, []byte("key"), []byte("one two"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, ok := c.open(a, []byte("key"), box); !ok || string(plain) != "one two" {
		t.Fatalf("open = %q, %v", plain, ok)
	}
	box2, err := c.seal(a, []byte("key"), []byte("one two"))
	if err != nil || bytes.Equal(box, box2) {
		t.Error("two seals of the same are alike")
	}
	if _, ok := c.open(b, []byte("key"), box); ok {
		t.Error("opened in another bucket")
	}
	if _, ok := c.open(a, []byte("kez"), box); ok {
		t.Error("opened at another key")
	}
	for i := range box {
		bad := bytes.Clone(box)
		bad[i] ^= 1
		if _, ok := c.open(a, []byte("key"), bad); ok {
			t.Errorf("opened with byte %d changed", i)
		}
		if _, ok := c.open(a, []byte("key"), box[:i]); ok {
			t.Errorf("opened when cut to %d", i)
		}
	}
	if string(c.recordKey(a, "a", []byte("k"))) == string(c.recordKey(b, "b", []byte("k"))) ||
		c.bucket(kindTable, "x") == c.bucket(kindQueue, "x") || len(a) != hashedSize {
		t.Error("keyed hashes of different things are the same")
	}
	c.rand = strings.NewReader("too short")
	if _, err := c.seal(a, nil, nil); port.CodeOf(err) != port.CodeStoreIO {
		t.Errorf("seal without randomness: %v", err)
	}
}

func FuzzHeader(f *testing.F) {
	h, _, _ := sampleHeader(f)
	f.Add(h.encode())
	h.kdf, h.argon = kdfNone, Argon2Params{}
	f.Add(h.encode())
	h.version = 9
	f.Add(h.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, resum(append(bytes.Clone(b), make([]byte, sha256.Size)...))} {
			h, err := decodeHeader(b, schemaVersion)
			if err == nil && !bytes.Equal(h.encode(), b) {
				t.Errorf("decoded %x, encodes as %x", b, h.encode())
			}
		}
	})
}

func FuzzRecord(f *testing.F) {
	f.Add(packRecord([]byte("key"), []byte("value")))
	f.Add(packPosition(pos(7, 7)))
	f.Add(entry{kind: kindQueue, name: "q", first: 3, last: 9}.encode())
	f.Add(entry{kind: kindTable, name: "t", last: 9}.encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		if k, v, ok := unpackRecord(b); ok {
			if k2, v2, ok := unpackRecord(packRecord(k, v)); !ok || !bytes.Equal(k, k2) || !bytes.Equal(v, v2) {
				t.Errorf("record %x does not come back", b)
			}
		}
		if p, ok := unpackPosition(b); ok && !bytes.Equal(packPosition(p), b) {
			t.Errorf("position %x does not come back", b)
		}
		if e, ok := decodeEntry(b); ok && !bytes.Equal(e.encode(), b) {
			t.Errorf("index entry %x does not come back", b)
		}
	})
}

// FuzzFile changes a real store file at will: opening and reading it must never
// crash, and all it may answer is damage or a wrong passphrase.
func FuzzFile(f *testing.F) {
	good, err := os.ReadFile(filepath.Join("testdata", "v1.db"))
	if err != nil {
		f.Fatal(err)
	}
	meta, err := newestMeta(bytes.NewReader(good))
	if err != nil {
		f.Fatal(err)
	}
	good = good[:meta.pages*pageSize]
	f.Add(uint16(0), []byte{})
	f.Add(uint16(meta.root*64), []byte{1, 2, 3, 4})
	f.Add(uint16(meta.freelist*64+1), []byte{0xff, 0xff, 0xff, 0xff, 0xff})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, at uint16, patch []byte) {
		bad := bytes.Clone(good)
		if i := int(at) * 64; i < len(bad) {
			for j := range bad[i:min(i+len(patch), len(bad))] {
				bad[i+j] ^= patch[j]
			}
		}
		path := filepath.Join(dir, "store.db")
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		o := fixtureOptions(path)
		o.NoSync = true
		st, err := Open(o)
		if err != nil {
			switch port.CodeOf(err) {
			case port.CodeStoreCorrupt, port.CodeWrongPassphrase:
			default:
				t.Errorf("Open: %v", err)
			}
			return
		}
		defer st.Close()
		if _, err := st.Check(t.Context(), nil); err != nil {
			t.Errorf("Check: %v", err)
		}
		if _, err := dump(st, []port.Table{"table"}, []port.Queue{"queue"}, []string{"chat"}); err != nil {
			wantCode(t, err, port.CodeStoreCorrupt)
		}
	})
}
