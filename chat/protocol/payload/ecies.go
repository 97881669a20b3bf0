package payload

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"io"

	"libstatus1to1/chat/protocol/key"
)

// ECIES as deployed: ephemeral key (65) || IV (16) || AES-128-CTR || tag (32).
//
// It is put together here from Go's primitives and not taken from go-ethereum's
// crypto/ecies, which at the pinned v1.16.3 multiplies our identity key with
// ephemeral points it never checks to be on the curve (an invalid-curve attack
// on the key), panics on a ciphertext shorter than its IV whose tag is right
// (anybody can make one), and under Go 1.26 ignores the randomness it is given.
// The tests hold the two against each other in both directions.
const (
	eciesKeySize  = 16 // AES-128
	eciesTagSize  = sha256.Size
	eciesOverhead = key.UncompressedSize + aes.BlockSize + eciesTagSize
)

// encryptECIES encrypts plain to a public key.
// Spec: 26/WAKU2-PAYLOAD, "ECIES".
func encryptECIES(rand io.Reader, to key.Public, plain []byte) ([]byte, error) {
	ephemeral, err := key.Generate(rand)
	if err != nil {
		return nil, err
	}
	shared, err := ephemeral.ECDH(to)
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(plain)+eciesOverhead)
	body := out[copy(out, ephemeral.Public().Uncompressed()) : len(out)-eciesTagSize]
	iv, ciphertext := body[:aes.BlockSize], body[aes.BlockSize:]
	if err := readRandom(rand, iv); err != nil {
		return nil, err
	}
	encryptionKey, macKey := eciesKeys(shared)
	if err := xorCTR(encryptionKey, iv, ciphertext, plain); err != nil {
		return nil, err
	}
	copy(out[len(out)-eciesTagSize:], eciesTag(macKey, body))
	return out, nil
}

// decryptECIES reverses encryptECIES with the private key. Every failure is ErrDecrypt.
func decryptECIES(own key.Private, sealed []byte) ([]byte, error) {
	if len(sealed) < eciesOverhead {
		return nil, ErrDecrypt
	}
	ephemeral, err := key.ParsePublic(sealed[:key.UncompressedSize])
	if err != nil {
		return nil, ErrDecrypt
	}
	shared, err := own.ECDH(ephemeral)
	if err != nil {
		return nil, ErrDecrypt
	}
	encryptionKey, macKey := eciesKeys(shared)
	body := sealed[key.UncompressedSize : len(sealed)-eciesTagSize]
	if !hmac.Equal(eciesTag(macKey, body), sealed[len(sealed)-eciesTagSize:]) {
		return nil, ErrDecrypt
	}
	plain := make([]byte, len(sealed)-eciesOverhead)
	if err := xorCTR(encryptionKey, body[:aes.BlockSize], plain, body[aes.BlockSize:]); err != nil {
		return nil, ErrDecrypt
	}
	return plain, nil
}

// eciesKeys derives both keys from the shared X: one round of the NIST SP
// 800-56 concatenation KDF gives 32 bytes, half for AES; the other half is
// hashed once more for the MAC.
func eciesKeys(shared key.Secret) (encryption, mac []byte) {
	counter := [4]byte{3: 1}
	k := sha256.Sum256(append(counter[:], shared[:]...))
	m := sha256.Sum256(k[eciesKeySize:])
	return k[:eciesKeySize], m[:]
}

func eciesTag(macKey, body []byte) []byte {
	mac := hmac.New(sha256.New, macKey)
	mac.Write(body)
	return mac.Sum(nil)
}

func xorCTR(k, iv, dst, src []byte) error {
	block, err := aes.NewCipher(k)
	if err != nil {
		return err
	}
	cipher.NewCTR(block, iv).XORKeyStream(dst, src)
	return nil
}
