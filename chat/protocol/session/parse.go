package session

import (
	"errors"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// maxParts bounds the bundles, pre-keys, ciphertexts and handshake messages in one ProtocolMessage, all
// together. The deployed clients send a handful. An empty one takes two bytes on the wire
// and a hundred in memory.
const maxParts = 1024

// errParts reports a ProtocolMessage of more parts than anybody sends.
var errParts = errors.New("too many parts in a ProtocolMessage")

// ParseMessage decodes a ProtocolMessage. It counts the parts before it makes them.
// Spec: 53/WAKU2-X3DH, "ProtocolMessage".
func ParseMessage(b []byte) (*wire.ProtocolMessage, error) {
	if err := countParts(b); err != nil {
		return nil, err
	}
	m := &wire.ProtocolMessage{}
	return m, proto.Unmarshal(b, m)
}

// Field numbers of ProtocolMessage and Bundle that hold lists: encryption.proto.
const (
	fieldBundles   protowire.Number = 3
	fieldEncrypted protowire.Number = 101
	fieldNoise     protowire.Number = 1035
	fieldPreKeys   protowire.Number = 2 // of a Bundle
)

func countParts(b []byte) error {
	parts := 0
	return eachField(b, func(number protowire.Number, value []byte) error {
		if number != fieldBundles && number != fieldEncrypted && number != fieldNoise {
			return nil
		}
		if parts++; parts > maxParts {
			return errParts
		}
		if number != fieldBundles {
			return nil
		}
		return eachField(value, func(number protowire.Number, _ []byte) error {
			if number != fieldPreKeys {
				return nil
			}
			if parts++; parts > maxParts {
				return errParts
			}
			return nil
		})
	})
}

// eachField calls visit for the length-delimited fields of an encoded message.
func eachField(b []byte, visit func(protowire.Number, []byte) error) error {
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		if typ != protowire.BytesType {
			if n = protowire.ConsumeFieldValue(number, typ, b); n < 0 {
				return protowire.ParseError(n)
			}
			b = b[n:]
			continue
		}
		value, n := protowire.ConsumeBytes(b)
		if n < 0 {
			return protowire.ParseError(n)
		}
		if err := visit(number, value); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
