// Package datasync implements acknowledged delivery: 2/MVDS in batch mode, as Status
// runs it between two identities. It encodes and decodes payloads, computes the ids of
// groups and messages, and decides when a message is sent again. Sending and storing
// are the engine's task.
package datasync

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"libstatus1to1/chat/protocol/key"
)

// idDomain keeps message ids apart from other hashes.
const idDomain = "MESSAGE_ID"

// Message is a message to be delivered. Its ID covers every field, so a message that is
// sent again must keep its Timestamp.
type Message struct {
	// GroupID is the group of the two identities; see the function GroupID.
	GroupID [32]byte
	// Timestamp is seconds since 1970, by the sender's clock.
	Timestamp int64
	// Body is the encoded ApplicationMetadataMessage.
	Body []byte
}

// ID returns the id that acknowledgements name: sha256("MESSAGE_ID" || group id ||
// timestamp as 8 bytes LE || body).
// Spec: 2/MVDS, "Payloads"; the byte order is the deployed one.
func (m Message) ID() [32]byte {
	h := sha256.New()
	h.Write([]byte(idDomain))
	h.Write(m.GroupID[:])
	var t [8]byte
	binary.LittleEndian.PutUint64(t[:], uint64(m.Timestamp))
	h.Write(t[:])
	h.Write(m.Body)
	return [32]byte(h.Sum(nil))
}

// GroupID returns the synchronisation group of two identities: keccak256 of both
// compressed keys, the one with the smaller X first. The order of the arguments does
// not matter. An identity and its other devices use the group of its key with itself.
// Spec: 2/MVDS, "Payloads" (group identifiers); the deployed formula.
func GroupID(a, b key.Public) [32]byte {
	first, second := a.Compressed(), b.Compressed()
	// X leads; the parity byte only parts a key from its negation.
	byX := bytes.Compare(first[1:], second[1:])
	if byX > 0 || byX == 0 && first[0] > second[0] {
		first, second = second, first
	}
	return [32]byte(key.Keccak256(first, second))
}
