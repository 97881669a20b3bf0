package payload

import (
	"crypto/aes"
	"crypto/cipher"
	"io"

	"libstatus1to1/chat/protocol/key"
)

// AES-256-GCM as deployed: ciphertext || tag (16) || nonce (12).
const gcmNonceSize = 12

// encryptGCM encrypts plain with a topic's key.
// Spec: 26/WAKU2-PAYLOAD, "Symmetric".
func encryptGCM(rand io.Reader, sym key.Secret, plain []byte) ([]byte, error) {
	gcm, err := newGCM(sym)
	if err != nil {
		return nil, err
	}
	var nonce [gcmNonceSize]byte
	if err := readRandom(rand, nonce[:]); err != nil {
		return nil, err
	}
	out := make([]byte, 0, len(plain)+gcm.Overhead()+gcmNonceSize)
	return append(gcm.Seal(out, nonce[:], plain, nil), nonce[:]...), nil
}

// decryptGCM reverses encryptGCM. Every failure is ErrDecrypt.
func decryptGCM(sym key.Secret, sealed []byte) ([]byte, error) {
	if len(sealed) < gcmNonceSize {
		return nil, ErrDecrypt
	}
	gcm, err := newGCM(sym)
	if err != nil {
		return nil, ErrDecrypt
	}
	end := len(sealed) - gcmNonceSize
	plain, err := gcm.Open(nil, sealed[end:], sealed[:end], nil)
	if err != nil {
		return nil, ErrDecrypt
	}
	return plain, nil
}

func newGCM(sym key.Secret) (cipher.AEAD, error) {
	block, err := aes.NewCipher(sym[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
