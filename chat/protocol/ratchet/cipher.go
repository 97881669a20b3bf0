package ratchet

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"libstatus1to1/chat/protocol/key"
)

// Sizes in bytes of the parts of a payload, IV || ciphertext || HMAC.
const (
	IVSize   = aes.BlockSize
	HMACSize = sha256.Size
	// Overhead is the number of bytes by which a payload is longer than its plaintext.
	Overhead = IVSize + HMACSize
)

const (
	messageInfo = "pcwSByyx2CRdryCffXJwy7xgVZWtW5Sh" // HKDF info of the message keys
	messageSize = 80                                 // AES-256 key, HMAC key, IV
)

// Header goes with a message in the clear and is authenticated by it. The ratchet key
// is 33 bytes, compressed, on the wire.
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet", DRHeader (without its id, which names the session).
type Header struct {
	Key key.Public // the sender's ratchet key
	N   uint32     // number of this message in its sending chain, from 0
	PN  uint32     // length of the sending chain before
}

// Message is an encrypted message with its Double Ratchet header.
type Message struct {
	Header  Header
	Payload []byte // IV || AES-256-CTR ciphertext || HMAC-SHA256
}

// IV chooses a message's initialisation vector. Receivers read it from the payload.
// The zero IV is refused, so that the choice is always made in the open.
type IV struct {
	pick func(derived []byte) error // replaces derived, or leaves it
}

// RandomIV draws 16 bytes from rand. It is the IV for production: should a store be put
// back from an older copy, the same message key would encrypt two plaintexts, and with
// the derived IV their exclusive-or would be seen.
func RandomIV(rand io.Reader) IV {
	return IV{pick: func(iv []byte) error {
		if _, err := io.ReadFull(rand, iv); err != nil {
			return fmt.Errorf("ratchet: reading randomness: %w", err)
		}
		return nil
	}}
}

// DerivedIV is the IV derived with the message keys, as the deployed clients send it:
// it reproduces their bytes. Use it in tests only; see RandomIV.
func DerivedIV() IV { return IV{pick: func([]byte) error { return nil }} }

// messageKeys holds the keys derived from one message key.
type messageKeys struct{ material []byte }

func expand(mk key.Secret) (messageKeys, error) {
	var salt [sha256.Size]byte
	m, err := hkdf.Key(sha256.New, mk[:], salt[:], messageInfo, messageSize)
	if err != nil {
		return messageKeys{}, fmt.Errorf("ratchet: deriving message keys: %w", err)
	}
	return messageKeys{m}, nil
}

func (k messageKeys) encryption() []byte { return k.material[:32] }
func (k messageKeys) auth() []byte       { return k.material[32:64] }
func (k messageKeys) iv() []byte         { return k.material[64:] }

// crypt is AES-256-CTR, the same both ways.
func (k messageKeys) crypt(dst, src, iv []byte) error {
	block, err := aes.NewCipher(k.encryption())
	if err != nil {
		return fmt.Errorf("ratchet: %w", err)
	}
	cipher.NewCTR(block, iv).XORKeyStream(dst, src)
	return nil
}

// mac is the HMAC over header, IV and ciphertext, appended to dst.
func (k messageKeys) mac(dst []byte, h Header, body []byte) []byte {
	ad := make([]byte, 0, 8+key.CompressedSize)
	ad = binary.LittleEndian.AppendUint32(ad, h.N)
	ad = binary.LittleEndian.AppendUint32(ad, h.PN)
	ad = append(ad, h.Key.Compressed()...)
	m := hmac.New(sha256.New, k.auth())
	m.Write(ad)
	m.Write(body)
	return m.Sum(dst)
}

// seal encrypts plaintext under the message key mk.
func seal(mk key.Secret, h Header, plaintext []byte, iv IV) ([]byte, error) {
	keys, err := expand(mk)
	if err != nil {
		return nil, err
	}
	defer clear(keys.material)
	if err := iv.pick(keys.iv()); err != nil {
		return nil, err
	}
	out := make([]byte, IVSize+len(plaintext), Overhead+len(plaintext))
	copy(out, keys.iv())
	if err := keys.crypt(out[IVSize:], plaintext, out[:IVSize]); err != nil {
		return nil, err
	}
	return keys.mac(out, h, out), nil
}

// open authenticates m in constant time, then decrypts it. The plaintext of an empty
// message is empty, not nil.
func open(mk key.Secret, m Message) ([]byte, error) {
	keys, err := expand(mk)
	if err != nil {
		return nil, err
	}
	defer clear(keys.material)
	split := len(m.Payload) - HMACSize
	body, sum := m.Payload[:split], m.Payload[split:]
	if !hmac.Equal(sum, keys.mac(nil, m.Header, body)) {
		return nil, ErrAuth
	}
	plaintext := make([]byte, len(body)-IVSize)
	if err := keys.crypt(plaintext, body[IVSize:], body[:IVSize]); err != nil {
		return nil, err
	}
	return plaintext, nil
}
