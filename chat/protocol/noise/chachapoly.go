package noise

import (
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"

	"libstatus1to1/chat/protocol/key"
)

// nonceSize is the length of the nonce before a protocol-30 ciphertext.
const nonceSize = chacha20poly1305.NonceSize

// SealChaChaPoly is a protocol-30 payload: nonce | ciphertext | authentication under one
// symmetric key, padded, with the nametag as associated data. It draws 12 bytes of rand
// for the nonce, which must never repeat under one key. Error: ErrTooLong, or rand's.
// Spec: 35/WAKU2-NOISE, "Protocol Payload Format".
func SealChaChaPoly(secret key.Secret, tag Nametag, plaintext []byte, rand io.Reader) ([]byte, error) {
	if len(plaintext) > MaxPlaintext {
		return nil, ErrTooLong
	}
	nonce := make([]byte, nonceSize)
	if _, err := io.ReadFull(rand, nonce); err != nil {
		return nil, fmt.Errorf("noise: reading randomness: %w", err)
	}
	aead, err := chacha20poly1305.New(secret[:])
	if err != nil {
		return nil, err
	}
	transport := aead.Seal(nonce, nonce, pad(plaintext), tag[:])
	return Payload{Nametag: tag, Protocol: ProtocolChaChaPoly, Transport: transport}.Bytes()
}

// OpenChaChaPoly opens a protocol-30 payload with this nametag. Errors: ErrPayload,
// ErrNametag, ErrProtocol, ErrAuth, ErrPadding.
func OpenChaChaPoly(secret key.Secret, tag Nametag, payload []byte) ([]byte, error) {
	p, err := parsePayload(payload)
	switch {
	case err != nil:
		return nil, err
	case p.Protocol != ProtocolChaChaPoly:
		return nil, ErrProtocol
	case p.Nametag != tag:
		return nil, ErrNametag
	case len(p.Transport) < nonceSize:
		return nil, ErrPayload
	}
	aead, err := chacha20poly1305.New(secret[:])
	if err != nil {
		return nil, err
	}
	padded, err := aead.Open(nil, p.Transport[:nonceSize], p.Transport[nonceSize:], tag[:])
	if err != nil {
		return nil, ErrAuth
	}
	return unpad(padded)
}
