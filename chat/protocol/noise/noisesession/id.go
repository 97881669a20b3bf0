package noisesession

import (
	"bytes"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// noiseMaxPlaintext is the transport's own limit.
const noiseMaxPlaintext = noise.MaxPlaintext

// ID is a session-id. It is not to be published: it is also the secret of the nametags
// responder to initiator. It prints as the ct-id, which is public. The zero value is none.
type ID [32]byte

// NewID is HKDF(h)[:32] of a finished handshake.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Preliminaries".
func NewID(h [32]byte) ID {
	id, err := hkdf.Key(sha256.New, nil, h[:], "", len(ID{}))
	if err != nil {
		return ID{} // not so for 32 bytes of SHA-256
	}
	return ID(id)
}

// IsZero reports whether id is none.
func (id ID) IsZero() bool { return id == ID{} }

// Hash is SHA256(session-id), what a termination carries.
func (id ID) Hash() [32]byte { return sha256.Sum256(id[:]) }

// CTID is hex(SHA256(SHA256(session-id))), which names the content topic.
func (id ID) CTID() string {
	once := id.Hash()
	twice := sha256.Sum256(once[:])
	return hex.EncodeToString(twice[:])
}

// Format prints the ct-id for every verb.
func (id ID) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("ct-id " + id.CTID())) }

// MarshalText gives the ct-id, so that JSON, XML and log encoders do too.
func (id ID) MarshalText() ([]byte, error) { return []byte("ct-id " + id.CTID()), nil }

// Prologue is the prologue of a handshake that is bound to an earlier session: base and
// the old session-id behind it. Without an earlier session it is base.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Session states".
func Prologue(base []byte, previous ID) []byte {
	if previous.IsZero() {
		return slices.Clone(base)
	}
	return slices.Concat(base, previous[:])
}

// Initiation names the device that began a handshake.
type Initiation struct {
	Identity key.Public
	Static   noise.PublicKey
}

// Precedes reports whether the handshake of i goes on if both devices have begun one with
// each other: its identity key is the lower one, compared as 04 || X || Y. Between devices
// of one identity the static keys decide.
func (i Initiation) Precedes(other Initiation) bool {
	if c := bytes.Compare(i.Identity.Uncompressed(), other.Identity.Uncompressed()); c != 0 {
		return c < 0
	}
	return bytes.Compare(i.Static[:], other.Static[:]) < 0
}
