package port

import (
	"encoding/hex"
	"testing"
)

// The test vectors of 14/WAKU2-MESSAGE without a meta field.
func TestEnvelopeHash(t *testing.T) {
	payload, _ := hex.DecodeString("010203045445535405060708")
	e := Envelope{
		PubsubTopic: "/waku/2/default-waku/proto", ContentTopic: "/waku/2/default-content/proto",
		Payload: payload, Timestamp: 0x175789bfa23f8400,
	}
	hash := e.Hash()
	if got := hex.EncodeToString(hash[:]); got != "a2554498b31f5bcdfcbf7fa58ad1c2d45f0254f3f8110a85588ec3cf10720fd8" {
		t.Errorf("the hash is %s", got)
	}
}
