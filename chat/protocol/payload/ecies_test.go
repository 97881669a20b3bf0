package payload

import (
	"bytes"
	"crypto/aes"
	"crypto/rand"
	"errors"
	"math/big"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/crypto/ecies"
	"github.com/ethereum/go-ethereum/crypto/secp256k1"

	"libstatus1to1/chat/protocol/key"
)

func importECIES(t testing.TB, k key.Private) *ecies.PrivateKey {
	t.Helper()
	k2, err := crypto.ToECDSA(k.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	return ecies.ImportECDSA(k2)
}

// Ours and go-ethereum's ECIES read each other.
func TestECIESAgainstGoEthereum(t *testing.T) {
	own := newKey(t)
	theirs := importECIES(t, own)
	for _, n := range append(sizes[1:], 15, 16, 17) {
		plain := randomBytes(t, n)
		sealed, err := encryptECIES(rand.Reader, own.Public(), plain)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := theirs.Decrypt(sealed, nil, nil); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("they do not read our %d bytes: %v", n, err)
		}
		sealed, err = ecies.Encrypt(rand.Reader, &theirs.PublicKey, plain, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decryptECIES(own, sealed); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("we do not read their %d bytes: %v", n, err)
		}
	}
}

// forgeECIES seals body, IV included, under a shared X the forger chose.
func forgeECIES(ephemeral []byte, shared key.Secret, body []byte) []byte {
	_, macKey := eciesKeys(shared)
	out := append(bytes.Clone(ephemeral), body...)
	return append(out, eciesTag(macKey, body)...)
}

// A ciphertext shorter than its IV with the right tag: anybody can make one.
func TestECIESShortBody(t *testing.T) {
	own, ephemeral := newKey(t), newKey(t)
	shared, err := ephemeral.ECDH(own.Public())
	if err != nil {
		t.Fatal(err)
	}
	for n := range aes.BlockSize {
		sealed := forgeECIES(ephemeral.Public().Uncompressed(), shared, make([]byte, n))
		if _, err := OpenAsymmetric(own, sealed); !errors.Is(err, ErrDecrypt) {
			t.Fatalf("body of %d bytes: %v", n, err)
		}
	}
	// With a whole IV the tag is right and the empty frame is what is wrong.
	sealed := forgeECIES(ephemeral.Public().Uncompressed(), shared, make([]byte, aes.BlockSize))
	if _, err := OpenAsymmetric(own, sealed); !errors.Is(err, ErrFrame) {
		t.Fatalf("empty frame: %v", err)
	}
}

// An ephemeral point off the curve must not meet our key: the answer to well
// chosen ones would tell the sender parts of it. The forgery is sound (the tag
// is the one our key gives), so only looking at the point refuses it.
func TestECIESPointOffTheCurve(t *testing.T) {
	own := newKey(t)
	off := newKey(t).Public().Uncompressed()
	off[len(off)-1] ^= 1
	x, _ := secp256k1.S256().ScalarMult(
		new(big.Int).SetBytes(off[1:33]), new(big.Int).SetBytes(off[33:]), own.Bytes())
	var shared key.Secret
	x.FillBytes(shared[:])
	frame, err := signedFrame(rand.Reader, newKey(t), []byte("forged"))
	if err != nil {
		t.Fatal(err)
	}
	encryptionKey, _ := eciesKeys(shared)
	body := make([]byte, aes.BlockSize+len(frame))
	if err := xorCTR(encryptionKey, body[:aes.BlockSize], body[aes.BlockSize:], frame); err != nil {
		t.Fatal(err)
	}
	sealed := forgeECIES(off, shared, body)
	got, err := importECIES(t, own).Decrypt(sealed, nil, nil)
	t.Logf("go-ethereum's ecies takes it: %t", err == nil && bytes.Equal(got, frame))
	if _, err := OpenAsymmetric(own, sealed); !errors.Is(err, ErrDecrypt) {
		t.Fatalf("opened with a point off the curve: %v", err)
	}
}
