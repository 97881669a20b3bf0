package payload

import (
	"crypto/rand"
	"testing"

	"github.com/ethereum/go-ethereum/crypto/ecies"

	"libstatus1to1/chat/protocol/key"
)

const benchSize = 1024

// BenchmarkAsymmetric compares with the bare ECIES of go-ethereum (no signature,
// no padding) and with the two signature operations a payload cannot do without.
func BenchmarkAsymmetric(b *testing.B) {
	own, signer := newKey(b), newKey(b)
	data := randomBytes(b, benchSize)
	sealed, err := SealAsymmetric(rand.Reader, own.Public(), signer, data)
	if err != nil {
		b.Fatal(err)
	}
	theirs := importECIES(b, own)
	bare, err := ecies.Encrypt(rand.Reader, &theirs.PublicKey, data, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	digest := key.Keccak256(data)
	signature, err := signer.Sign(digest)
	if err != nil {
		b.Fatal(err)
	}
	run(b, "seal", func() error { _, err := SealAsymmetric(rand.Reader, own.Public(), signer, data); return err })
	run(b, "open", func() error { _, err := OpenAsymmetric(own, sealed); return err })
	run(b, "go-ethereum/encrypt", func() error { _, err := ecies.Encrypt(rand.Reader, &theirs.PublicKey, data, nil, nil); return err })
	run(b, "go-ethereum/decrypt", func() error { _, err := theirs.Decrypt(bare, nil, nil); return err })
	run(b, "sign", func() error { _, err := signer.Sign(digest); return err })
	run(b, "recover", func() error { _, err := key.Recover(digest, signature); return err })
}

func BenchmarkSymmetric(b *testing.B) {
	signer, sym := newKey(b), newSym(b)
	data := randomBytes(b, benchSize)
	sealed, err := SealSymmetric(rand.Reader, sym, signer, data)
	if err != nil {
		b.Fatal(err)
	}
	run(b, "seal", func() error { _, err := SealSymmetric(rand.Reader, sym, signer, data); return err })
	run(b, "open", func() error { _, err := OpenSymmetric(sym, sealed); return err })
}

func run(b *testing.B, name string, f func() error) {
	b.Run(name, func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			if err := f(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
