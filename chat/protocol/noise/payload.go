package noise

import (
	"encoding/binary"
	"slices"
)

// Sizes in bytes of the parts of a payload.
const (
	tagSize         = 16                      // ChaChaPoly's authentication
	headSize        = NametagSize + 1 + 1 + 8 // all but keys and transport message
	plainKeySize    = 1 + KeySize             // flag 0 and a key
	sealedKeySize   = 1 + KeySize + tagSize   // flag 1 and an encrypted key
	maxHandshakeLen = 255                     // its length is one byte
	lengthsAt       = NametagSize + 1         // where the length of the keys is
	flagPlain       = 0                       // a key in clear
	flagSealed      = 1                       // a key encrypted
	keysAt          = lengthsAt + 1           // where the keys begin
)

// WireKey is a public key as a handshake message carries it.
// Spec: 35/WAKU2-NOISE, "Public Keys Serialization".
type WireKey struct {
	Sealed bool   // encrypted; then Bytes has 48 bytes, otherwise 32
	Bytes  []byte // the key, or ciphertext and authentication
}

// Payload is a version-2 payload taken apart.
//
//	nametag[16] | protocol-id | keys-length | keys | transport-length u64 LE | transport
//
// Spec: 35/WAKU2-NOISE, "Specification".
type Payload struct {
	Nametag   Nametag
	Protocol  ProtocolID
	Keys      []WireKey
	Transport []byte
}

// ParsePayload reads a payload: every length exact, no bytes left, a known protocol id,
// flags 0 or 1. The result holds copies. Errors: ErrPayload, ErrProtocol, ErrKeys.
func ParsePayload(b []byte) (Payload, error) {
	p, err := parsePayload(b)
	if err != nil {
		return Payload{}, err
	}
	p.Transport = slices.Clone(p.Transport)
	for i := range p.Keys {
		p.Keys[i].Bytes = slices.Clone(p.Keys[i].Bytes)
	}
	return p, nil
}

// parsePayload is ParsePayload with slices of b.
func parsePayload(b []byte) (Payload, error) {
	if len(b) < headSize || len(b) > MaxPayload {
		return Payload{}, ErrPayload
	}
	p := Payload{Nametag: Nametag(b[:NametagSize]), Protocol: ProtocolID(b[NametagSize])}
	if !p.Protocol.known() {
		return Payload{}, ErrProtocol
	}
	n := int(b[lengthsAt])
	if len(b) < headSize+n {
		return Payload{}, ErrPayload
	}
	if n > 0 && !p.Protocol.handshake() {
		return Payload{}, ErrKeys
	}
	keys, err := parseKeys(b[keysAt : keysAt+n])
	if err != nil {
		return Payload{}, err
	}
	rest := b[keysAt+n:]
	if binary.LittleEndian.Uint64(rest) != uint64(len(rest)-8) {
		return Payload{}, ErrPayload
	}
	p.Keys, p.Transport = keys, rest[8:]
	return p, nil
}

// parseTransport is parsePayload for a transport message, which has no keys; with what
// is none it has the errors of parsePayload, and ErrProtocol for other protocols.
func parseTransport(b []byte) (Nametag, []byte, error) {
	if len(b) >= headSize && len(b) <= MaxPayload && ProtocolID(b[NametagSize]) == ProtocolTransport && b[lengthsAt] == 0 &&
		binary.LittleEndian.Uint64(b[keysAt:]) == uint64(len(b)-headSize) {
		return Nametag(b[:NametagSize]), b[headSize:], nil
	}
	if _, err := parsePayload(b); err != nil {
		return Nametag{}, nil, err
	}
	return Nametag{}, nil, ErrProtocol
}

func parseKeys(b []byte) ([]WireKey, error) {
	var keys []WireKey
	for len(b) > 0 {
		n := plainKeySize
		switch b[0] {
		case flagPlain:
		case flagSealed:
			n = sealedKeySize
		default:
			return nil, ErrKeys
		}
		if len(b) < n {
			return nil, ErrKeys
		}
		keys = append(keys, WireKey{Sealed: b[0] == flagSealed, Bytes: b[1:n]})
		b = b[n:]
	}
	return keys, nil
}

// Bytes puts the payload together. Errors: those of ParsePayload, which reads all that
// Bytes gives.
func (p Payload) Bytes() ([]byte, error) {
	if !p.Protocol.known() {
		return nil, ErrProtocol
	}
	var keys []byte
	for _, k := range p.Keys {
		switch {
		case !k.Sealed && len(k.Bytes) == KeySize:
			keys = append(keys, flagPlain)
		case k.Sealed && len(k.Bytes) == KeySize+tagSize:
			keys = append(keys, flagSealed)
		default:
			return nil, ErrKeys
		}
		keys = append(keys, k.Bytes...)
	}
	if len(keys) > maxHandshakeLen || len(keys) > 0 && !p.Protocol.handshake() {
		return nil, ErrKeys
	}
	if headSize+len(keys)+len(p.Transport) > MaxPayload {
		return nil, ErrPayload
	}
	b := make([]byte, 0, headSize+len(keys)+len(p.Transport))
	b = appendHead(b, p.Nametag, p.Protocol, keys, len(p.Transport))
	return append(b, p.Transport...), nil
}

// appendHead writes all but the transport message.
func appendHead(b []byte, tag Nametag, id ProtocolID, keys []byte, transport int) []byte {
	b = append(b, tag[:]...)
	b = append(b, byte(id), byte(len(keys)))
	b = append(b, keys...)
	return binary.LittleEndian.AppendUint64(b, uint64(transport))
}

// known reports whether the id is one of ours.
func (id ProtocolID) known() bool {
	return id == ProtocolTransport || id == ProtocolChaChaPoly || id.handshake()
}

// handshake reports whether the id is a pattern's: only those carry keys. 35 lets
// transport messages carry one too; nobody sends any, and we read none.
func (id ProtocolID) handshake() bool { return id >= ProtocolK1K1 && id <= ProtocolWakuPairing2 }
