package noise

import (
	"encoding/hex"
	"fmt"
	"io"

	flynn "github.com/flynn/noise"
	"golang.org/x/crypto/curve25519"
)

// KeySize is the length in bytes of an X25519 key, private or public.
const KeySize = 32

// suite are the primitives of every pattern.
// Spec: 35/WAKU2-NOISE, "Cryptographic primitives".
var suite = flynn.NewCipherSuite(flynn.DH25519, flynn.CipherChaChaPoly, flynn.HashSHA256)

// PublicKey is an X25519 public key. It is comparable; the zero value is no key.
// A key of low order can be held, but every agreement with it fails.
type PublicKey [KeySize]byte

// ParsePublicKey reads 32 bytes. Error: ErrKey, also for the all-zero key.
func ParsePublicKey(b []byte) (PublicKey, error) {
	var p PublicKey
	if len(b) != KeySize {
		return p, ErrKey
	}
	copy(p[:], b)
	if p.IsZero() {
		return PublicKey{}, ErrKey
	}
	return p, nil
}

// IsZero reports whether p is no key.
func (p PublicKey) IsZero() bool { return p == PublicKey{} }

// String is the key in hex: a public key may be printed.
func (p PublicKey) String() string { return hex.EncodeToString(p[:]) }

// PrivateKey is an X25519 private key. It redacts itself; the zero value is no key.
type PrivateKey struct {
	scalar [KeySize]byte
	public PublicKey
}

// ParsePrivateKey reads 32 bytes, clamped or not. Error: ErrKey, also for all zeros.
func ParsePrivateKey(b []byte) (PrivateKey, error) {
	var k PrivateKey
	if len(b) != KeySize {
		return k, ErrKey
	}
	copy(k.scalar[:], b)
	if k.scalar == [KeySize]byte{} {
		return PrivateKey{}, ErrKey
	}
	public, err := curve25519.X25519(k.scalar[:], curve25519.Basepoint)
	if err != nil {
		return PrivateKey{}, ErrKey
	}
	copy(k.public[:], public)
	return k, nil
}

// GenerateKey draws a private key: exactly 32 bytes of rand.
func GenerateKey(rand io.Reader) (PrivateKey, error) {
	var b [KeySize]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return PrivateKey{}, fmt.Errorf("noise: reading randomness: %w", err)
	}
	return ParsePrivateKey(b[:])
}

// IsZero reports whether k is no key.
func (k PrivateKey) IsZero() bool { return k.public.IsZero() }

// Public is the public key that belongs to k.
func (k PrivateKey) Public() PublicKey { return k.public }

// Bytes are the 32 bytes of the key, for storing it encrypted.
func (k PrivateKey) Bytes() []byte { return append([]byte(nil), k.scalar[:]...) }

// agree is the shared secret of k and p. Error: ErrKey for a key of low order.
func (k PrivateKey) agree(p PublicKey) ([]byte, error) {
	secret, err := suite.DH(k.scalar[:], p[:])
	if err != nil {
		return nil, ErrKey
	}
	return secret, nil
}
