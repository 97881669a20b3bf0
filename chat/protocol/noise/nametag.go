package noise

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"libstatus1to1/chat/protocol/key"
)

// NametagSize is the length of a nametag in bytes.
const NametagSize = 16

// Nametag marks a message on a shared topic, so that its receiver recognizes it.
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

// TagOrder is the order in which one side uses its nametags. The numbers are stored.
type TagOrder byte

const (
	// SpecOrder gives message n the nametag n, as 43, nwaku and js-noise do.
	SpecOrder TagOrder = iota
	// GoNoiseOrder is that of go-noise v0.0.4, whose buffer of 50 rotates in the wrong
	// direction: message 0 has nametag 0, message n > 0 has nametag n + 48.
	GoNoiseOrder
)

// goNoiseShift is the distance between number and nametag in GoNoiseOrder.
const goNoiseShift = 48

// index is the number of the nametag of message n.
func (o TagOrder) index(n uint64) uint64 {
	if o == GoNoiseOrder && n > 0 {
		return n + goNoiseShift
	}
	return n
}
