package payload

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// sizes are where the length field grows and the padding wraps.
var sizes = []int{0, 1, 100, 188, 189, 190, 191, 255, 256, 257, 445, 65535, 65536, 1 << 20}

func newKey(t testing.TB) key.Private {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newSym(t testing.TB) key.Secret {
	t.Helper()
	var s key.Secret
	if _, err := rand.Read(s[:]); err != nil {
		t.Fatal(err)
	}
	return s
}

func randomBytes(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := rand.Read(b); err != nil {
		t.Fatal(err)
	}
	return b
}

func checkOpened(t *testing.T, o Opened, err error, data []byte, signer key.Public) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(o.Data, data) || o.Signer != signer {
		t.Fatalf("%d bytes came back as %d, or another signer", len(data), len(o.Data))
	}
	frame := flagsSize + lengthSizeOf(len(data)) + len(data) + len(o.Padding) + len(o.Signature)
	if len(o.Padding) < 1 || len(o.Padding) > PadTo || frame%PadTo != 0 {
		t.Fatalf("%d bytes padded by %d", len(data), len(o.Padding))
	}
}

func TestRoundTrip(t *testing.T) {
	own, signer, sym := newKey(t), newKey(t), newSym(t)
	for _, n := range sizes {
		data := randomBytes(t, n)
		sealed, err := SealAsymmetric(rand.Reader, own.Public(), signer, data)
		if err != nil {
			t.Fatal(err)
		}
		o, err := OpenAsymmetric(own, sealed)
		checkOpened(t, o, err, data, signer.Public())
		sealed, err = SealSymmetric(rand.Reader, sym, signer, data)
		if err != nil {
			t.Fatal(err)
		}
		o, err = OpenSymmetric(sym, sealed)
		checkOpened(t, o, err, data, signer.Public())
	}
}

func TestSealUsesOnlyItsRandomness(t *testing.T) {
	own, signer, sym := newKey(t), newKey(t), newSym(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	stream := func() io.Reader {
		var s [32]byte
		s[0], s[1], s[2], s[3] = byte(seed), byte(seed>>8), byte(seed>>16), byte(seed>>24)
		return mathrand.NewChaCha8(s)
	}
	data := []byte("the same")
	a1, err1 := SealAsymmetric(stream(), own.Public(), signer, data)
	a2, err2 := SealAsymmetric(stream(), own.Public(), signer, data)
	if err1 != nil || err2 != nil || !bytes.Equal(a1, a2) {
		t.Fatal("same randomness, other payload (asymmetric)")
	}
	s1, err1 := SealSymmetric(stream(), sym, signer, data)
	s2, err2 := SealSymmetric(stream(), sym, signer, data)
	if err1 != nil || err2 != nil || !bytes.Equal(s1, s2) {
		t.Fatal("same randomness, other payload (symmetric)")
	}
	a3, err := SealAsymmetric(rand.Reader, own.Public(), signer, data)
	if err != nil || bytes.Equal(a1, a3) {
		t.Fatal("other randomness, same payload")
	}
	for n := range 300 {
		if _, err := SealAsymmetric(io.LimitReader(stream(), int64(n)), own.Public(), signer, data); n < paddingSize(len(data))+48 && err == nil {
			t.Fatalf("sealed with %d bytes of randomness", n)
		}
	}
}

func TestSealRefuses(t *testing.T) {
	own, sym := newKey(t), newSym(t)
	tooLarge := make([]byte, MaxDataSize+1)
	for name, c := range map[string]struct {
		seal func() ([]byte, error)
		want error
	}{
		"no recipient":         {func() ([]byte, error) { return SealAsymmetric(rand.Reader, key.Public{}, own, nil) }, ErrKey},
		"no signer":            {func() ([]byte, error) { return SealAsymmetric(rand.Reader, own.Public(), key.Private{}, nil) }, ErrKey},
		"no topic key":         {func() ([]byte, error) { return SealSymmetric(rand.Reader, key.Secret{}, own, nil) }, ErrKey},
		"no signer, symmetric": {func() ([]byte, error) { return SealSymmetric(rand.Reader, sym, key.Private{}, nil) }, ErrKey},
		"too large":            {func() ([]byte, error) { return SealSymmetric(rand.Reader, sym, own, tooLarge) }, ErrTooLarge},
		"too large, to a key":  {func() ([]byte, error) { return SealAsymmetric(rand.Reader, own.Public(), own, tooLarge) }, ErrTooLarge},
	} {
		if b, err := c.seal(); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := SealSymmetric(rand.Reader, sym, own, tooLarge[:MaxDataSize]); err != nil {
		t.Errorf("the largest data was refused: %v", err)
	}
}

// Every changed byte and every cut must be noticed.
func TestOpenNoticesChanges(t *testing.T) {
	own, signer, sym := newKey(t), newKey(t), newSym(t)
	asymmetric, err := SealAsymmetric(rand.Reader, own.Public(), signer, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	symmetric, err := SealSymmetric(rand.Reader, sym, signer, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		sealed []byte
		open   func([]byte) (Opened, error)
	}{
		"asymmetric": {asymmetric, func(b []byte) (Opened, error) { return OpenAsymmetric(own, b) }},
		"symmetric":  {symmetric, func(b []byte) (Opened, error) { return OpenSymmetric(sym, b) }},
	} {
		for i := range c.sealed {
			changed := bytes.Clone(c.sealed)
			changed[i] ^= 1
			if _, err := c.open(changed); !errors.Is(err, ErrDecrypt) {
				t.Fatalf("%s: byte %d changed: %v", name, i, err)
			}
			if _, err := c.open(c.sealed[:i]); !errors.Is(err, ErrDecrypt) {
				t.Fatalf("%s: cut to %d: %v", name, i, err)
			}
		}
		if _, err := c.open(make([]byte, MaxSealedSize+1)); !errors.Is(err, ErrTooLarge) {
			t.Fatalf("%s: too long: %v", name, err)
		}
		if _, err := c.open(c.sealed); err != nil {
			t.Fatalf("%s: the unchanged one: %v", name, err)
		}
	}
	if _, err := OpenAsymmetric(newKey(t), asymmetric); !errors.Is(err, ErrDecrypt) {
		t.Errorf("another private key: %v", err)
	}
	if _, err := OpenSymmetric(newSym(t), symmetric); !errors.Is(err, ErrDecrypt) {
		t.Errorf("another topic key: %v", err)
	}
	if _, err := OpenAsymmetric(key.Private{}, asymmetric); !errors.Is(err, ErrKey) {
		t.Errorf("no private key: %v", err)
	}
	if _, err := OpenSymmetric(key.Secret{}, symmetric); !errors.Is(err, ErrKey) {
		t.Errorf("no topic key: %v", err)
	}
}

// Frames anybody who knows the key can make.
func TestFrames(t *testing.T) {
	sym := newSym(t)
	signature := bytes.Repeat([]byte{0xff}, key.SignatureSize)
	for name, c := range map[string]struct {
		frame []byte
		want  error
		data  string
	}{
		"empty":                   {nil, ErrFrame, ""},
		"flags only":              {[]byte{0}, nil, ""},
		"length missing":          {[]byte{1}, ErrFrame, ""},
		"length cut":              {[]byte{3, 1, 0}, ErrFrame, ""},
		"data cut":                {[]byte{1, 3, 'a', 'b'}, ErrFrame, ""},
		"length of 16 MiB":        {[]byte{3, 0xff, 0xff, 0xff, 'a'}, ErrFrame, ""},
		"unsigned":                {[]byte{1, 2, 'a', 'b', 'p'}, nil, "ab"},
		"long form of a length":   {[]byte{3, 2, 0, 0, 'a', 'b'}, nil, "ab"},
		"unknown flags":           {[]byte{0xf9, 2, 'a', 'b'}, nil, "ab"},
		"signed, too short":       {append([]byte{4}, signature[1:]...), ErrFrame, ""},
		"signature in the length": {append([]byte{5}, signature...), ErrFrame, ""},
		"data into the signature": {append([]byte{5, 4, 'a', 'b', 'c'}, signature...), ErrFrame, ""},
		"signature of nobody":     {append([]byte{5, 3, 'a', 'b', 'c'}, signature...), ErrSignature, ""},
		"zero signature":          {append([]byte{5, 3, 'a', 'b', 'c'}, make([]byte, key.SignatureSize)...), ErrSignature, ""},
	} {
		sealed, err := encryptGCM(rand.Reader, sym, c.frame)
		if err != nil {
			t.Fatal(err)
		}
		o, err := OpenSymmetric(sym, sealed)
		if !errors.Is(err, c.want) || string(o.Data) != c.data || !o.Signer.IsZero() {
			t.Errorf("%s: %q, %v; want %q, %v", name, o.Data, err, c.data, c.want)
		}
	}
}
