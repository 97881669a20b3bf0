package pairing

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"

	"libstatus1to1/chat/protocol/noise"
)

const (
	// qrFields are application name, version, shard, ephemeral key and commitment.
	qrFields = 5
	// MaxQR bounds a QR text, in bytes: three names of 64 bytes and two of 32, in base64.
	MaxQR = 3*88 + 2*44 + qrFields - 1
	// maxInvitation bounds an invitation: every byte of the QR may be escaped.
	maxInvitation = 3*MaxQR + 100
)

// QR is what a QR code says.
// Spec: 43/WAKU2-DEVICE-PAIRING, "Protocol Flow".
type QR struct {
	Scope      noise.Scope
	Ephemeral  noise.PublicKey
	Commitment [32]byte // SHA256(static key || random bytes)
}

// String is the text of the QR code: the fields in padded base64url, joined by ':'. Its
// bytes are the prologue of the handshake.
func (q QR) String() string {
	fields := [qrFields][]byte{
		[]byte(q.Scope.Application), []byte(q.Scope.Version), []byte(q.Scope.Shard), q.Ephemeral[:], q.Commitment[:],
	}
	texts := make([]string, qrFields)
	for i, f := range fields {
		texts[i] = base64.URLEncoding.EncodeToString(f)
	}
	return strings.Join(texts, ":")
}

// ParseQR reads the text of a QR code, which must be as String writes it. Error: ErrQR.
func ParseQR(text string) (QR, error) {
	if len(text) > MaxQR {
		return QR{}, ErrQR
	}
	texts := strings.Split(text, ":")
	if len(texts) != qrFields {
		return QR{}, ErrQR
	}
	var fields [qrFields][]byte
	for i, s := range texts {
		b, err := base64.URLEncoding.Strict().DecodeString(s)
		if err != nil {
			return QR{}, ErrQR
		}
		fields[i] = b
	}
	q := QR{Scope: noise.Scope{Application: string(fields[0]), Version: string(fields[1]), Shard: string(fields[2])}}
	var err error
	if q.Ephemeral, err = noise.ParsePublicKey(fields[3]); err != nil || len(fields[4]) != len(q.Commitment) || q.Scope.Check() != nil {
		return QR{}, ErrQR
	}
	copy(q.Commitment[:], fields[4])
	if q.String() != text { // the decoder passes over line breaks
		return QR{}, ErrQR
	}
	return q, nil
}

// Invitation is a QR code and what travels beside it.
type Invitation struct {
	QR      QR
	Nametag noise.Nametag // of message 1
	Pattern string        // noise.WakuPairing or noise.WakuPairing2
}

// Names of the parts of an invitation. The pattern is ours and written for WakuPairing2
// only, so that deployed scanners read the others.
const (
	partNametag = "messageNameTag"
	partQR      = "qrCode"
	partPattern = "pattern"
)

// String is what a scanner gets: messageNameTag=<hex>&qrCode=<escaped QR>.
func (i Invitation) String() string {
	text := partNametag + "=" + i.Nametag.String() + "&" + partQR + "=" + url.QueryEscape(i.QR.String())
	if i.Pattern != noise.WakuPairing {
		text += "&" + partPattern + "=" + i.Pattern
	}
	return text
}

// ParseInvitation reads what String wrote, in any order of the parts. Error: ErrQR.
func ParseInvitation(text string) (Invitation, error) {
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
		switch name {
		case partNametag:
			b, err := hex.DecodeString(values[0])
			if err != nil || len(b) != noise.NametagSize {
				return Invitation{}, ErrQR
			}
			i.Nametag = noise.Nametag(b)
		case partQR:
			if i.QR, err = ParseQR(values[0]); err != nil {
				return Invitation{}, ErrQR
			}
		case partPattern:
			i.Pattern = values[0]
		default:
			return Invitation{}, ErrQR
		}
	}
	known := i.Pattern == noise.WakuPairing || i.Pattern == noise.WakuPairing2
	if !known || !parts.Has(partNametag) || !parts.Has(partQR) {
		return Invitation{}, ErrQR
	}
	return i, nil
}
