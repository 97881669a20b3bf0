package card

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"io"
)

const (
	// secretSize is enough: 128 bits are the strength of the curves beside it. Twice as
	// much would make the QR code larger.
	secretSize = 16
	// pskInfo and idInfo keep what is derived from a secret apart.
	pskInfo = "status1to1-card-psk/1"
	idInfo  = "status1to1-card-id/1"
)

// Secret is the pre-shared secret of one card. Both its key and its id are derived from it,
// so a card needs to carry neither. It redacts itself.
type Secret [secretSize]byte

// SecretID names a secret: the one who scanned the card says by it which card it was. It
// tells nothing of the secret.
type SecretID [16]byte

// NewSecret draws a secret from rand (16 bytes).
func NewSecret(rand io.Reader) (s Secret, err error) {
	if _, err := io.ReadFull(rand, s[:]); err != nil {
		return Secret{}, fmt.Errorf("card: drawing a secret: %w", err)
	}
	return s, nil
}

// PSK is the pre-shared key for XXpsk0.
//
// Spec: 35/WAKU2-NOISE; The Noise Protocol Framework, section 9, "Pre-shared symmetric keys".
func (s Secret) PSK() [32]byte { return [32]byte(s.derive(pskInfo, 32)) }

// ID is the name of the secret.
func (s Secret) ID() SecretID { return SecretID(s.derive(idInfo, len(SecretID{}))) }

func (s Secret) derive(info string, n int) []byte {
	b, err := hkdf.Key(sha256.New, s[:], nil, info, n)
	if err != nil {
		panic(err) // only for more than 255 hashes
	}
	return b
}

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
