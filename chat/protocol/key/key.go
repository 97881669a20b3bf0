// Package key holds the secp256k1 keys every other protocol package speaks in:
// parsing, serialising, agreement (ECDH), signing and recovery. The arithmetic is
// libsecp256k1, through go-ethereum.
//
// Private keys and shared secrets never print: every fmt verb, JSON and text
// encoding of them gives "[redacted]".
package key

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/ethereum/go-ethereum/crypto/secp256k1"
	"golang.org/x/crypto/sha3"
)

// Sizes in bytes of what this package reads and writes.
const (
	PrivateSize      = 32 // big-endian scalar
	CompressedSize   = 33 // 02|03 || X
	UncompressedSize = 65 // 04 || X || Y
	SignatureSize    = 65 // r || s || v, v being 0 or 1
	DigestSize       = 32
)

// What parsing and recovering can fail with.
var (
	ErrPrivate   = errors.New("key: private key must be 32 bytes between 1 and the curve order")
	ErrPublic    = errors.New("key: public key must be a point of secp256k1 in 33 or 65 bytes")
	ErrSignature = errors.New("key: signature must be 65 bytes r||s||v that recover to a point")
)

// Public is a point of secp256k1, valid by construction: only ParsePublic, Recover and
// Private.Public make one. It is comparable and may be a map key. The zero value is not
// a key; see IsZero.
type Public struct{ raw [UncompressedSize]byte }

// ParsePublic reads a public key of 33 (compressed) or 65 (uncompressed) bytes
// and refuses what is not on the curve.
func ParsePublic(b []byte) (Public, error) {
	var p Public
	switch len(b) {
	case CompressedSize:
		if b[0] != 2 && b[0] != 3 {
			return Public{}, ErrPublic
		}
		x, y := secp256k1.DecompressPubkey(b)
		if x == nil {
			return Public{}, ErrPublic
		}
		p.raw[0] = 4
		x.FillBytes(p.raw[1:33])
		y.FillBytes(p.raw[33:])
	case UncompressedSize:
		if b[0] != 4 || !onCurve(b) {
			return Public{}, ErrPublic
		}
		copy(p.raw[:], b)
	default:
		return Public{}, ErrPublic
	}
	return p, nil
}

// IsZero reports whether p is the zero value, which is not a key.
func (p Public) IsZero() bool { return p.raw[0] == 0 }

// Uncompressed is 04 || X || Y.
func (p Public) Uncompressed() []byte { return append([]byte(nil), p.raw[:]...) }

// Compact is a public key in its compressed form as an array: comparable, and half the
// size of a Public, for maps that hold many people.
type Compact [CompressedSize]byte

// Compact returns the compressed form as an array.
func (p Public) Compact() Compact { return Compact(p.Compressed()) }

// ParseCompact reads a compressed public key; ok is false when b is not one.
func ParseCompact(b []byte) (c Compact, ok bool) {
	if len(b) != CompressedSize {
		return c, false
	}
	if _, err := ParsePublic(b); err != nil {
		return c, false
	}
	return Compact(b), true
}

// Compressed is 02|03 || X, the form 53/WAKU2-X3DH puts on the wire.
func (p Public) Compressed() []byte {
	c := make([]byte, CompressedSize)
	c[0] = 2 + p.raw[64]&1
	copy(c[1:], p.raw[1:33])
	return c
}

// X is the 32-byte big-endian X coordinate.
func (p Public) X() []byte { return append([]byte(nil), p.raw[1:33]...) }

// Hex is 0x followed by the uncompressed key: Status's chat id for a person.
func (p Public) Hex() string { return "0x" + hex.EncodeToString(p.raw[:]) }

// String is Hex: a public key may be printed.
func (p Public) String() string { return p.Hex() }

// Private is a secp256k1 private key. The zero value is not a key.
type Private struct {
	scalar [PrivateSize]byte
	public Public
}

// ParsePrivate reads a 32-byte big-endian scalar.
func ParsePrivate(b []byte) (Private, error) {
	if len(b) != PrivateSize {
		return Private{}, ErrPrivate
	}
	var k Private
	copy(k.scalar[:], b)
	pub, ok := k.scalarBaseMult()
	if !ok {
		return Private{}, ErrPrivate
	}
	k.public = pub
	return k, nil
}

// Generate draws a private key from rand. A scalar out of range is drawn again;
// for an honest source that happens once in 2^127 draws.
func Generate(rand io.Reader) (Private, error) {
	for range maxDraws {
		var b [PrivateSize]byte
		if _, err := io.ReadFull(rand, b[:]); err != nil {
			return Private{}, fmt.Errorf("key: reading randomness: %w", err)
		}
		if k, err := ParsePrivate(b[:]); err == nil {
			return k, nil
		}
	}
	return Private{}, errors.New("key: randomness source gives no valid scalar")
}

// maxDraws bounds Generate on a source that is not random (all zero, say).
const maxDraws = 16

// IsZero reports whether k is the zero value, which is not a key.
func (k Private) IsZero() bool { return k.public.IsZero() }

// Public is the point that belongs to k.
func (k Private) Public() Public { return k.public }

// Bytes is the scalar, for storing it encrypted.
func (k Private) Bytes() []byte { return append([]byte(nil), k.scalar[:]...) }

// Secret is 32 bytes that must not be seen: a shared X coordinate or a key
// derived from one. It redacts itself.
type Secret [32]byte

// ECDH is the 32-byte big-endian X coordinate of k times p, unhashed
// (53/WAKU2-X3DH leaves the hashing to its own steps).
func (k Private) ECDH(p Public) (Secret, error) {
	var s Secret
	if k.IsZero() || p.IsZero() {
		return s, ErrPublic
	}
	x, ok := scalarMult(p, k.scalar)
	if !ok {
		return s, ErrPublic
	}
	return x, nil
}

// Sign signs a 32-byte digest: r || s || v with v 0 or 1, deterministic nonce.
func (k Private) Sign(digest []byte) ([]byte, error) {
	if k.IsZero() {
		return nil, ErrPrivate
	}
	return secp256k1.Sign(digest, k.scalar[:])
}

// Recover is the key that made signature over digest.
func Recover(digest, signature []byte) (Public, error) {
	if len(digest) != DigestSize || len(signature) != SignatureSize {
		return Public{}, ErrSignature
	}
	raw, err := secp256k1.RecoverPubkey(digest, signature)
	if err != nil {
		return Public{}, ErrSignature
	}
	return ParsePublic(raw)
}

// Keccak256 is the Keccak-256 (not SHA3-256) of the parts, one after another.
func Keccak256(parts ...[]byte) []byte {
	h := sha3.NewLegacyKeccak256()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}
