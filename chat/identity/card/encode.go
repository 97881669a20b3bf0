package card

import (
	"encoding/binary"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
)

// The bytes of a card; numbers are big-endian:
//
//	version 1 | length of the whole u16 | flags u8 | issued u32 | expires u32 |
//	pre-key of the device |
//	static key[32] | certificate issued u32 | certificate expires u32 | its signature[65] |
//	secret[16] | length u8, display name |
//	extensions: type u8, length u8, value | ...
//	signature[65]
//
// Times are seconds since 1970. A pre-key is
//
//	installation id | key[33] | version u32 | protocol version u8
//
// and an installation id a 0 and the 16 bytes of a UUID, or its length and its text.
//
// The identity is not among them: it is recovered from the signature. That the certificate
// verifies for that identity shows that it is the right one, since any bytes have a signer.
// A reader skips extensions of types that it does not know, and refuses flags that it does
// not know.

const (
	// signatureDomain keeps the signatures of cards apart from all others of the identity.
	signatureDomain = "status1to1-card/1"

	flagNoise  = 1 << 0
	knownFlags = flagNoise

	// extensionDevice is the pre-key of another device.
	extensionDevice = 1

	// headSize is the length of what is before the flags.
	headSize = 1 + 2
	// maxTime is the latest time that fits, in the year 2106.
	maxTime = 1<<32 - 1
)

// ErrContent: a card cannot be issued, because one of its values is missing or does not fit.
var ErrContent = errors.New("card: a value of the card is missing or does not fit")

// Sign is the bytes of a card, signed by its identity; at most MaxSize. Where the room does
// not suffice, the pre-keys of other devices are left out, the last first, and then the
// display name. Error: ErrContent.
func (c Card) Sign(self key.Private) ([]byte, error) {
	if self.IsZero() || self.Public() != c.Identity || !c.plausible() {
		return nil, ErrContent
	}
	body := c.body(c.DisplayName)
	if len(body)+key.SignatureSize > MaxSize {
		body = c.body("")
	}
	for _, other := range c.Others {
		value, ok := appendPreKey(nil, other)
		if ok && len(body)+2+len(value)+key.SignatureSize <= MaxSize {
			body = append(append(body, extensionDevice, byte(len(value))), value...)
		}
	}
	binary.BigEndian.PutUint16(body[1:], uint16(len(body)+key.SignatureSize))
	signature, err := self.Sign(digest(body))
	if err != nil {
		return nil, ErrContent
	}
	return append(body, signature...), nil
}

// plausible checks what Sign cannot write and Parse would refuse.
func (c Card) plausible() bool {
	_, ok := appendPreKey(nil, c.Device)
	cert := c.Certificate
	return ok && cert.Identity == c.Identity && cert.InstallationID == c.Device.InstallationID && !cert.Provisional &&
		seconds(cert.Issued) && seconds(cert.Expires) && seconds(c.Issued) && seconds(c.Expires) && c.lives() &&
		len(c.DisplayName) <= MaxDisplayName && utf8.ValidString(c.DisplayName)
}

// lives reports whether the card is valid for a time that one may be.
func (c Card) lives() bool {
	life := c.Expires.Sub(c.Issued)
	return life > 0 && life <= MaxLife
}

// seconds reports whether a time can be written as seconds since 1970 in 4 bytes.
func seconds(t time.Time) bool { return t.Unix() >= 0 && t.Unix() <= maxTime }

// body returns the encoded card up to its extensions.
func (c Card) body(name string) []byte {
	flags := byte(0)
	if c.Noise {
		flags |= flagNoise
	}
	b := []byte{Version, 0, 0, flags} // the length is written last
	b = appendSeconds(appendSeconds(b, c.Issued), c.Expires)
	b, _ = appendPreKey(b, c.Device)
	b = append(b, c.Certificate.Static[:]...)
	b = appendSeconds(appendSeconds(b, c.Certificate.Issued), c.Certificate.Expires)
	b = append(b, c.Certificate.Signature()...)
	b = append(b, c.Secret[:]...)
	b = append(b, byte(len(name)))
	return append(b, name...)
}

func appendSeconds(to []byte, t time.Time) []byte {
	return binary.BigEndian.AppendUint32(to, uint32(t.Unix()))
}

// appendPreKey writes the pre-key of a device; ok is false for one that cannot be written.
func appendPreKey(to []byte, spk x3dh.SignedPreKey) (b []byte, ok bool) {
	id, err := identity.ParseInstallationID(spk.InstallationID)
	if err != nil || spk.Key.IsZero() || spk.ProtocolVersion > 255 {
		return to, false
	}
	if u, err := uuid.Parse(id); err == nil && u.String() == id {
		b = append(append(to, 0), u[:]...)
	} else {
		b = append(append(to, byte(len(id))), id...)
	}
	b = append(b, spk.Key.Compressed()...)
	b = binary.BigEndian.AppendUint32(b, spk.Version)
	return append(b, byte(spk.ProtocolVersion)), true
}

// digest returns the hash that is signed: keccak256 of the domain and the body, each after
// its length.
func digest(body []byte) []byte {
	var b []byte
	for _, field := range [][]byte{[]byte(signatureDomain), body} {
		b = append(binary.BigEndian.AppendUint32(b, uint32(len(field))), field...)
	}
	return key.Keccak256(b)
}
