package noise

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"libstatus1to1/chat/protocol/key"
)

// NametagSize is the length of a nametag in bytes.
const NametagSize = 16

// Nametag is by which a receiver knows its messages on a topic it shares.
// Spec: 35/WAKU2-NOISE, "Content Topics and Message Nametags of Noise Handshake Messages".
type Nametag [NametagSize]byte

// String is the nametag in hex.
func (t Nametag) String() string { return hex.EncodeToString(t[:]) }

// transportNametag is the nametag of this index in one direction:
// SHA256(secret || u64 LE index)[:16].
// Spec: 43/WAKU2-DEVICE-PAIRING, "Messages Nametag Derivation".
func transportNametag(secret *key.Secret, index uint64) Nametag {
	var in [len(secret) + 8]byte
	copy(in[:], secret[:])
	binary.LittleEndian.PutUint64(in[len(secret):], index)
	sum := sha256.Sum256(in[:])
	return Nametag(sum[:NametagSize])
}

// TagOrder is in which order one side uses its nametags.
type TagOrder byte

const (
	// SpecOrder is message n with nametag n: 43, nwaku and js-noise.
	SpecOrder TagOrder = iota
	// GoNoiseOrder is what go-noise v0.0.4 does, whose buffer of 50 turns the wrong
	// way: message 0 has nametag 0, message n > 0 has nametag n + 48.
	GoNoiseOrder
)

// goNoiseShift is how far ahead go-noise's nametags are.
const goNoiseShift = 48

// index is which nametag message n has.
func (o TagOrder) index(n uint64) uint64 {
	if o == GoNoiseOrder && n > 0 {
		return n + goNoiseShift
	}
	return n
}
