package pairing

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"

	"libstatus1to1/chat/protocol/noise"
)

// Invitation is a QR code and what travels beside it.
type Invitation struct {
	QR      QR
	Nametag noise.Nametag // of message 1
	Pattern string        // noise.WakuPairing or noise.WakuPairing2
}

// Names of the parts of an invitation. Pattern and check are ours. The pattern is written
// for WakuPairing2 only, so that deployed scanners can read all other invitations. The
// check is in every invitation whose QR code has a nonce: without it a scanner would learn
// only by a timeout that the invitation was altered.
const (
	partNametag = "messageNameTag"
	partCheck   = "check"
	partQR      = "qrCode"
	partPattern = "pattern"
)

const (
	// maxInvitation bounds an invitation: every byte of the QR may be escaped.
	maxInvitation = 3*MaxQR + 150
	// checkSize is the length of the check in bytes. It finds accidents: an attacker who
	// changes an invitation can compute a new check, but then the authcodes differ.
	checkSize = 4
)

// String is the text that is shown: messageNameTag=<hex>&qrCode=<escaped QR>, with the check
// behind the nametag if the QR code has a nonce.
func (i Invitation) String() string {
	tag, qr := partNametag+"="+i.Nametag.String(), partQR+"="+url.QueryEscape(i.QR.String())
	if i.Pattern != noise.WakuPairing {
		qr += "&" + partPattern + "=" + i.Pattern
	}
	if !i.QR.hasNonce() {
		return tag + "&" + qr
	}
	sum := sha256.Sum256([]byte(tag + "&" + qr))
	return tag + "&" + partCheck + "=" + hex.EncodeToString(sum[:checkSize]) + "&" + qr
}

// ParseInvitation reads the text that String made. The parts may be in any order if the QR
// code has no nonce; otherwise the text must be exactly that of String. Errors: ErrQR;
// ErrAltered for a text that was an invitation once.
func ParseInvitation(text string) (Invitation, error) {
	i, err := parseInvitation(text)
	if err != nil && (strings.Contains(text, partNametag) || strings.Contains(text, partQR)) {
		return Invitation{}, ErrAltered
	}
	return i, err
}

func parseInvitation(text string) (Invitation, error) {
	if len(text) > maxInvitation {
		return Invitation{}, ErrQR
	}
	parts, err := url.ParseQuery(text)
	if err != nil {
		return Invitation{}, ErrQR
	}
	i := Invitation{Pattern: noise.WakuPairing}
	for name, values := range parts {
		if len(values) != 1 {
			return Invitation{}, ErrQR
		}
		if err := i.parsePart(name, values[0]); err != nil {
			return Invitation{}, err
		}
	}
	known := i.Pattern == noise.WakuPairing || i.Pattern == noise.WakuPairing2
	if !known || !parts.Has(partNametag) || !parts.Has(partQR) {
		return Invitation{}, ErrQR
	}
	if (i.QR.hasNonce() || parts.Has(partCheck)) && i.String() != text {
		return Invitation{}, ErrQR
	}
	return i, nil
}

// parsePart reads one part. The check is compared later, with the whole text.
func (i *Invitation) parsePart(name, value string) (err error) {
	switch name {
	case partNametag:
		b, err := hex.DecodeString(value)
		if err != nil || len(b) != noise.NametagSize {
			return ErrQR
		}
		i.Nametag = noise.Nametag(b)
	case partCheck:
	case partQR:
		i.QR, err = ParseQR(value)
	case partPattern:
		i.Pattern = value
	default:
		return ErrQR
	}
	return err
}
