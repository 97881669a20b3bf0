package noise

import "libstatus1to1/chat/protocol/key"

// ChainingKey is ck, which the vectors record.
func ChainingKey(h Handshake) []byte { return h.machine.sym.ck[:] }

// TransportNametag is a nametag by its index.
func TransportNametag(secret key.Secret, index uint64) Nametag {
	return transportNametag(&secret, index)
}

// Pad and Unpad are the padding.
var (
	Pad   = pad
	Unpad = unpad
)

// SealRaw seals an already padded plaintext under any nonce and nametag index.
func SealRaw(t Transport, nonce, index uint64, padded []byte) []byte {
	tag := transportNametag(&t.out.keys.Nametags, index)
	sealed := suite.Cipher(t.out.keys.Cipher).Encrypt(nil, nonce, tag[:], padded)
	b := appendHead(nil, tag, ProtocolTransport, nil, len(sealed))
	return append(b, sealed...)
}
