package port

import (
	"crypto/sha256"
	"encoding/binary"
)

// Hash returns the message hash of an envelope without a meta field, by which store nodes
// know it. Of one that came with a meta field, which an Envelope does not keep, it is
// another. Spec: 14/WAKU2-MESSAGE, "Deterministic message hashing".
func (e Envelope) Hash() [32]byte {
	h := sha256.New()
	h.Write([]byte(e.PubsubTopic))
	h.Write(e.Payload)
	h.Write([]byte(e.ContentTopic))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Timestamp)))
	return [32]byte(h.Sum(nil))
}
