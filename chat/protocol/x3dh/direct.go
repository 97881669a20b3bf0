package x3dh

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"

	"libstatus1to1/chat/protocol/key"
)

const (
	nonceSize = 12
	tagSize   = 16

	// DirectOverhead is the number of bytes by which SealDH's payload is longer than
	// its plaintext.
	DirectOverhead = nonceSize + tagSize
)

// What OpenDH can fail with.
var (
	// ErrPayload: the payload is shorter than a nonce and a tag.
	ErrPayload = errors.New("x3dh: the payload is too short")
	// ErrAuth: the payload does not authenticate: forged, damaged, or not for us.
	ErrAuth = errors.New("x3dh: the message does not authenticate")
)

// SealDH encrypts for an identity whose bundle is not known. Every device of that
// identity can read the message, and so can anybody who learns its identity key later.
// It draws an ephemeral key (one key.Generate) and then the nonce (12 bytes) from rand.
// payload is ciphertext, tag and nonce, by AES-256-GCM under ECDH(ephemeral, to).
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet", DHHeader.
func SealDH(rand io.Reader, to key.Public, plaintext []byte) (ephemeral key.Public, payload []byte, err error) {
	ek, err := key.Generate(rand)
	if err != nil {
		return key.Public{}, nil, fmt.Errorf("x3dh: drawing an ephemeral key: %w", err)
	}
	var nonce [nonceSize]byte
	if _, err := io.ReadFull(rand, nonce[:]); err != nil {
		return key.Public{}, nil, fmt.Errorf("x3dh: drawing a nonce: %w", err)
	}
	gcm, err := directCipher(ek, to)
	if err != nil {
		return key.Public{}, nil, err
	}
	payload = make([]byte, 0, len(plaintext)+DirectOverhead)
	payload = gcm.Seal(payload, nonce[:], plaintext, nil)
	return ek.Public(), append(payload, nonce[:]...), nil
}

// OpenDH opens what SealDH made. The plaintext of an empty message is empty, not nil.
// Errors: ErrPayload, ErrKey, ErrAuth.
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet", DHHeader.
func OpenDH(identity key.Private, ephemeral key.Public, payload []byte) ([]byte, error) {
	if len(payload) < DirectOverhead {
		return nil, ErrPayload
	}
	gcm, err := directCipher(identity, ephemeral)
	if err != nil {
		return nil, err
	}
	split := len(payload) - nonceSize
	plaintext, err := gcm.Open(make([]byte, 0, split-tagSize), payload[split:], payload[:split], nil)
	if err != nil {
		return nil, ErrAuth
	}
	return plaintext, nil
}

// directCipher is AES-256-GCM under the agreement of the two keys, unhashed.
func directCipher(own key.Private, peer key.Public) (cipher.AEAD, error) {
	secret, err := own.ECDH(peer)
	if err != nil {
		return nil, ErrKey
	}
	defer clear(secret[:])
	block, err := aes.NewCipher(secret[:])
	if err != nil {
		return nil, fmt.Errorf("x3dh: %w", err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("x3dh: %w", err)
	}
	return gcm, nil
}
