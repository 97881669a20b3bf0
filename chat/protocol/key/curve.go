package key

import (
	"math/big"

	"github.com/ethereum/go-ethereum/crypto/secp256k1"
)

// The three places where this package meets big integers.

func onCurve(uncompressed []byte) bool {
	x := new(big.Int).SetBytes(uncompressed[1:33])
	y := new(big.Int).SetBytes(uncompressed[33:])
	p := secp256k1.S256().P
	return x.Cmp(p) < 0 && y.Cmp(p) < 0 && secp256k1.S256().IsOnCurve(x, y)
}

func scalarMult(p Public, scalar [PrivateSize]byte) (Secret, bool) {
	x, _ := secp256k1.S256().ScalarMult(
		new(big.Int).SetBytes(p.raw[1:33]), new(big.Int).SetBytes(p.raw[33:]), scalar[:])
	var s Secret
	if x == nil {
		return s, false
	}
	x.FillBytes(s[:])
	return s, true
}

func (k Private) scalarBaseMult() (Public, bool) {
	x, y := secp256k1.S256().ScalarBaseMult(k.scalar[:])
	var p Public
	if x == nil {
		return p, false
	}
	p.raw[0] = 4
	x.FillBytes(p.raw[1:33])
	y.FillBytes(p.raw[33:])
	return p, true
}
