package session

import (
	"bytes"
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

func partsOf(bundles, preKeys, ciphertexts int) []byte {
	one := func(number protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
	}
	b := bytes.Repeat(one(fieldBundles, bytes.Repeat(one(fieldPreKeys, nil), preKeys)), bundles)
	return append(b, bytes.Repeat(one(fieldEncrypted, nil), ciphertexts)...)
}

func TestCountParts(t *testing.T) {
	for _, c := range []struct {
		bundles, preKeys, ciphertexts int
		want                          error
	}{
		{0, 0, maxParts, nil}, {0, 0, maxParts + 1, errParts}, {maxParts, 0, 0, nil}, {maxParts, 0, 1, errParts},
		{1, maxParts - 1, 0, nil}, {1, maxParts, 0, errParts}, {32, 31, 0, nil}, {33, 31, 0, errParts},
	} {
		if _, err := ParseMessage(partsOf(c.bundles, c.preKeys, c.ciphertexts)); !errors.Is(err, c.want) {
			t.Errorf("%d bundles of %d pre-keys and %d ciphertexts: %v, want %v", c.bundles, c.preKeys, c.ciphertexts, err, c.want)
		}
	}
}

// FuzzParseMessage: whatever it takes is what protobuf takes, within bounds.
func FuzzParseMessage(f *testing.F) {
	f.Add(partsOf(1, 2, 1))
	f.Add(partsOf(0, 0, maxParts+1))
	f.Add([]byte{0x1a, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ParseMessage(b)
		var plain wire.ProtocolMessage
		if err != nil {
			if !errors.Is(err, errParts) && proto.Unmarshal(b, &plain) == nil {
				t.Fatalf("refused what protobuf takes: %v", err)
			}
			return
		}
		if err := proto.Unmarshal(b, &plain); err != nil || !proto.Equal(m, &plain) {
			t.Fatalf("taken, but protobuf says %v", err)
		}
		parts := len(m.GetBundles()) + len(m.GetEncryptedMessage())
		for _, bundle := range m.GetBundles() {
			parts += len(bundle.GetSignedPreKeys())
		}
		if parts > maxParts {
			t.Fatalf("%d parts", parts)
		}
	})
}
