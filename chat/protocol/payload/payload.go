// Package payload seals and opens the payload of a WakuMessage: version 1 of
// 26/WAKU2-PAYLOAD, signed, padded and encrypted to a public key (ECIES) or with a
// symmetric key (AES-256-GCM).
//
// The encrypted part is
//
//	flags (1) || length (1 to 3, LE) || data || padding || signature (65)
//
// length is the length of data; padding fills the space between data and signature. The
// signature is over keccak256 of everything before it.
package payload

import (
	"errors"
	"fmt"
	"io"

	"libstatus1to1/chat/protocol/key"
)

// Limits and sizes, in bytes.
const (
	// MaxDataSize is the largest size that the 3-byte length field can express. The
	// network's own limit (150 KiB, 1 MiB on the Status fleet) is lower and is enforced
	// by the engine.
	MaxDataSize = 1<<24 - 1
	// MaxSealedSize is the longest input Open* look at: MaxDataSize with its
	// frame (69), padding (256) and encryption (113), rounded up.
	MaxSealedSize = MaxDataSize + 512
	// PadTo is the block size: the length of the encrypted part, signature included, is
	// a multiple of it, so that sizes on the wire reveal little about the sizes of
	// texts. At least one byte of padding is always there, as in the deployed clients.
	PadTo = 256
)

// What sealing and opening can fail with.
var (
	// ErrTooLarge: data above MaxDataSize, or a sealed payload above MaxSealedSize.
	ErrTooLarge = errors.New("payload: larger than the format allows")
	// ErrKey: the zero value was given where a key is needed.
	ErrKey = errors.New("payload: key missing")
	// ErrDecrypt: sealed for another key, changed on the way, or no payload at
	// all; from outside the three look the same.
	ErrDecrypt = errors.New("payload: does not open with this key")
	// ErrFrame: decrypted, but the lengths inside contradict each other.
	ErrFrame = errors.New("payload: malformed frame")
	// ErrSignature: the payload was decrypted, but no key can be recovered from its
	// signature.
	ErrSignature = errors.New("payload: signature recovers to no key")
)

// Opened is an opened payload. The slices are its own: they share no memory
// with the input.
type Opened struct {
	// Data is the sealed content, a ProtocolMessage or a segment of one.
	Data []byte
	// Signer made Signature. The zero value if the payload is not signed, which
	// the format allows and Status never does.
	Signer key.Public
	// Signature is 65 bytes r || s || v, or nil.
	Signature []byte
	// Padding is the padding that was found.
	Padding []byte
}

// SealAsymmetric signs data, pads it and encrypts it to a public key. From rand
// it reads the padding, the ephemeral key (32 bytes a draw) and the IV (16
// bytes), in this order.
// Spec: 26/WAKU2-PAYLOAD, "Asymmetric".
func SealAsymmetric(rand io.Reader, to key.Public, signer key.Private, data []byte) ([]byte, error) {
	if to.IsZero() {
		return nil, ErrKey
	}
	frame, err := signedFrame(rand, signer, data)
	if err != nil {
		return nil, err
	}
	return encryptECIES(rand, to, frame)
}

// SealSymmetric signs data, pads it and encrypts it with a topic's key. From
// rand it reads the padding and the nonce (12 bytes), in this order.
// Spec: 26/WAKU2-PAYLOAD, "Symmetric".
func SealSymmetric(rand io.Reader, sym key.Secret, signer key.Private, data []byte) ([]byte, error) {
	if sym == (key.Secret{}) {
		return nil, ErrKey
	}
	frame, err := signedFrame(rand, signer, data)
	if err != nil {
		return nil, err
	}
	return encryptGCM(rand, sym, frame)
}

// OpenAsymmetric opens what was sealed to own's public key.
// Errors: ErrKey, ErrTooLarge, ErrDecrypt, ErrFrame, ErrSignature.
// Spec: 26/WAKU2-PAYLOAD, "Decoding a message".
func OpenAsymmetric(own key.Private, b []byte) (Opened, error) {
	if own.IsZero() {
		return Opened{}, ErrKey
	}
	if len(b) > MaxSealedSize {
		return Opened{}, ErrTooLarge
	}
	frame, err := decryptECIES(own, b)
	if err != nil {
		return Opened{}, err
	}
	return parseFrame(frame)
}

// OpenSymmetric opens what was sealed with a topic's key.
// Errors: ErrKey, ErrTooLarge, ErrDecrypt, ErrFrame, ErrSignature.
// Spec: 26/WAKU2-PAYLOAD, "Decoding a message".
func OpenSymmetric(sym key.Secret, b []byte) (Opened, error) {
	if sym == (key.Secret{}) {
		return Opened{}, ErrKey
	}
	if len(b) > MaxSealedSize {
		return Opened{}, ErrTooLarge
	}
	frame, err := decryptGCM(sym, b)
	if err != nil {
		return Opened{}, err
	}
	return parseFrame(frame)
}

func readRandom(rand io.Reader, b []byte) error {
	if _, err := io.ReadFull(rand, b); err != nil {
		return fmt.Errorf("payload: reading randomness: %w", err)
	}
	return nil
}
