package port

import (
	"crypto/sha256"
	"encoding/binary"
)

// Hash returns the message hash by which store nodes know an envelope that was published
// without a meta field. An Envelope does not keep that field, so for one that had it the
// result is not the hash it was published with. Spec: 14/WAKU2-MESSAGE, "Deterministic message hashing".
func (e Envelope) Hash() [32]byte {
	h := sha256.New()
	h.Write([]byte(e.PubsubTopic))
	h.Write(e.Payload)
	h.Write([]byte(e.ContentTopic))
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(e.Timestamp)))
	return [32]byte(h.Sum(nil))
}
