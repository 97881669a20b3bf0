package card

import (
	"bytes"
	"encoding/binary"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/x3dh"
)

// Parse reads the bytes of a card and verifies its signature and its certificate. What
// needs a clock is left to Check. Errors: CauseTruncated, CauseVersion, CauseAltered,
// CauseInvalid.
//
// Spec: 55/STATUS-1TO1-CHAT, the negotiation by QR code.
func Parse(b []byte) (Card, error) {
	if err := measure(b); err != nil {
		return Card{}, err
	}
	body, signature := b[:len(b)-key.SignatureSize], b[len(b)-key.SignatureSize:]
	signer, err := key.Recover(digest(body), signature)
	if err != nil || bytes.Compare(signature[32:64], halfOrder) > 0 {
		return Card{}, fault(CauseAltered)
	}
	c := Card{Identity: signer}
	if err := c.read(body); err != nil {
		return Card{}, err
	}
	if !c.lives() {
		return Card{}, fault(CauseInvalid)
	}
	return c, nil
}

// halfOrder is half the order of secp256k1. Of the two signatures that recover the same key,
// signers give the one whose s is not above it. Whoever has one can compute the other: it
// would be a second card that its owner never made.
var halfOrder = []byte{
	0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
	0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4, 0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0,
}

// measure looks at the version and the length.
func measure(b []byte) error {
	switch {
	case len(b) == 0:
		return fault(CauseTruncated)
	case b[0] != Version:
		return fault(CauseVersion)
	case len(b) < headSize:
		return fault(CauseTruncated)
	}
	whole := int(binary.BigEndian.Uint16(b[1:]))
	switch {
	case whole > MaxSize || whole < headSize+key.SignatureSize || len(b) > whole:
		return fault(CauseAltered)
	case len(b) < whole:
		return fault(CauseTruncated)
	}
	return nil
}

// read reads the body. The certificate must be one that the signer has signed: only that
// shows that the body is as it was signed. What the body says is judged after it.
func (c *Card) read(body []byte) error {
	r := noise.NewReader(body[headSize:])
	flags := r.Byte()
	c.Noise = flags&flagNoise != 0
	c.Issued, c.Expires = readSeconds(&r), readSeconds(&r)
	device, ok := readPreKey(&r)
	c.Device = device
	certified := c.readCertificate(&r)
	copy(c.Secret[:], r.Take(secretSize))
	name := r.Take(int(r.Byte()))
	c.DisplayName = string(name)
	if !ok || !certified || r.Failed() {
		return fault(CauseAltered)
	}
	switch {
	case flags&^byte(knownFlags) != 0:
		return fault(CauseVersion)
	case len(name) > MaxDisplayName || !utf8.Valid(name):
		return fault(CauseInvalid)
	}
	return c.readExtensions(r.Rest())
}

// readCertificate reads the certificate, whose identity and installation are those of the
// card, and reports whether that identity has signed it.
func (c *Card) readCertificate(r *noise.Reader) bool {
	cert := noise.Certificate{Identity: c.Identity, InstallationID: c.Device.InstallationID}
	copy(cert.Static[:], r.Take(noise.KeySize))
	cert.Issued, cert.Expires = readSeconds(r), readSeconds(r)
	cert, err := cert.WithSignature(r.Take(key.SignatureSize))
	c.Certificate = cert
	return err == nil && cert.Verify(cert.Issued) == nil
}

// readExtensions reads what follows the name.
func (c *Card) readExtensions(b []byte) error {
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return fault(CauseInvalid)
		}
		kind, value := b[0], b[2:2+int(b[1])]
		b = b[2+len(value):]
		if kind != extensionDevice {
			continue
		}
		r := noise.NewReader(value)
		other, ok := readPreKey(&r)
		if _, twice := c.Bundle().Find(other.InstallationID); !ok || !r.Done() || twice {
			return fault(CauseInvalid)
		}
		c.Others = append(c.Others, other)
	}
	return nil
}

func readSeconds(r *noise.Reader) time.Time { return time.Unix(int64(r.Uint32()), 0).UTC() }

// readPreKey reads the pre-key of a device.
func readPreKey(r *noise.Reader) (spk x3dh.SignedPreKey, ok bool) {
	id := ""
	if n := int(r.Byte()); n > 0 {
		id = string(r.Take(n))
	} else if u, err := uuid.FromBytes(r.Take(len(uuid.UUID{}))); err == nil {
		id = u.String()
	}
	k, err := key.ParsePublic(r.Take(key.CompressedSize))
	spk = x3dh.SignedPreKey{Key: k, Version: r.Uint32(), ProtocolVersion: uint32(r.Byte())}
	if r.Failed() || err != nil {
		return spk, false
	}
	spk.InstallationID, err = identity.ParseInstallationID(id)
	return spk, err == nil
}
