package payload

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"libstatus1to1/chat/protocol/key"
)

// fuzzRandom is the same in every worker process, and so are the seeds.
func fuzzRandom() io.Reader { return rand.NewChaCha8([32]byte{4}) }

func fuzzKeys(f *testing.F) (own, signer key.Private, sym key.Secret) {
	own, err1 := key.ParsePrivate(bytes.Repeat([]byte{1}, key.PrivateSize))
	signer, err2 := key.ParsePrivate(bytes.Repeat([]byte{2}, key.PrivateSize))
	if err1 != nil || err2 != nil {
		f.Fatal(err1, err2)
	}
	return own, signer, key.Secret{3}
}

func FuzzOpenAsymmetric(f *testing.F) {
	own, signer, _ := fuzzKeys(f)
	sealed, err := SealAsymmetric(fuzzRandom(), own.Public(), signer, []byte("seed"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:eciesOverhead])
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := OpenAsymmetric(own, b); err == nil && !bytes.Equal(b, sealed) {
			t.Fatalf("opened a forgery: %d bytes", len(o.Data))
		}
	})
}

func FuzzOpenSymmetric(f *testing.F) {
	_, signer, sym := fuzzKeys(f)
	sealed, err := SealSymmetric(fuzzRandom(), sym, signer, []byte("seed"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:gcmNonceSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := OpenSymmetric(sym, b); err == nil && !bytes.Equal(b, sealed) {
			t.Fatalf("opened a forgery: %d bytes", len(o.Data))
		}
	})
}

// FuzzFrame starts behind the encryption, where a sender who has the key writes.
func FuzzFrame(f *testing.F) {
	_, signer, _ := fuzzKeys(f)
	for _, n := range []int{0, 1, 300} {
		frame, err := signedFrame(fuzzRandom(), signer, make([]byte, n))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Add([]byte{3, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, frame []byte) {
		o, err := parseFrame(frame)
		if err != nil {
			if o.Data != nil || !o.Signer.IsZero() {
				t.Fatal("an error came with a result")
			}
			return
		}
		lengthSize := int(frame[0] & lengthSizeMask)
		if got := flagsSize + lengthSize + len(o.Data) + len(o.Padding) + len(o.Signature); got != len(frame) {
			t.Fatalf("parts of %d bytes in a frame of %d", got, len(frame))
		}
		if signed := frame[0]&signedFlag != 0; signed == o.Signer.IsZero() {
			t.Fatal("signer and flag contradict each other")
		}
	})
}
