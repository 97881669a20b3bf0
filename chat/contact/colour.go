package contact

import (
	"math/big"

	"libstatus1to1/chat/protocol/key"
)

const (
	// colours is the number of colours with which Status draws the ring around a
	// picture; a segment is up to segmentLengths units long.
	colours        = 32
	segmentLengths = 5
	// colourIDs is the number of palette colours a key can have: one less than the
	// palette has.
	colourIDs = 11
)

// Segment is one piece of the ring the Status app draws round a picture.
type Segment struct {
	Length int // units, 1 to 5
	Colour int // index into the app's palette, 0 to 31
}

// ColourHash is the coloured ring of a key. It helps to tell people apart and proves
// little: it stands for 80 bits, and neighbours of one colour are changed.
//
// Bits 172 to 251 of the compressed key, counted from its first, are one number; its
// digits to the base 160 are segments: length digit/32+1, colour digit mod 32, and
// one further when it would repeat the segment before.
func ColourHash(k key.Public) []Segment {
	const base = colours * segmentLengths
	part := new(big.Int).SetBytes(k.Compressed()[21:32])
	part.And(part, new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 84), big.NewInt(1)))
	part.Rsh(part, 4)
	var ring []Segment
	for _, digit := range digits(part, base) {
		s := Segment{digit/colours + 1, digit % colours}
		if n := len(ring); n > 0 && ring[n-1].Colour == s.Colour {
			s.Colour = (s.Colour + 1) % colours
		}
		ring = append(ring, s)
	}
	return ring
}

// digits writes n to a base, the highest digit first; 0 has one digit.
func digits(n *big.Int, base int64) []int {
	b, rest := big.NewInt(base), new(big.Int)
	n = new(big.Int).Set(n)
	var list []int
	for {
		n.DivMod(n, b, rest)
		list = append([]int{int(rest.Int64())}, list...)
		if n.Sign() == 0 {
			return list
		}
	}
}

// ColourID is the colour of a key's owner in the Status app, 0 to 10: the
// uncompressed key as a number, modulo 11.
func ColourID(k key.Public) int {
	return int(new(big.Int).Mod(new(big.Int).SetBytes(k.Uncompressed()), big.NewInt(colourIDs)).Int64())
}
