package pairing

import (
	"encoding/base64"
	"strings"

	"libstatus1to1/chat/protocol/noise"
)

const (
	// qrFields are application name, version, shard, ephemeral key and commitment.
	qrFields = 5
	// nonceQRFields are those and the commitment to the displayer's nonce, which is ours.
	nonceQRFields = qrFields + 1
	// MaxQR bounds a QR text, in bytes: three names of 64 bytes and three of 32, in base64.
	MaxQR = 3*88 + 3*44 + nonceQRFields - 1
)

// QR is the content of a QR code.
// Spec: 43/WAKU2-DEVICE-PAIRING, "Protocol Flow".
type QR struct {
	Scope      noise.Scope
	Ephemeral  noise.PublicKey
	Commitment [32]byte // SHA256(static key || random bytes)
	// Nonce is the commitment to the displayer's nonce, see commitNonce. With it the authcode
	// depends on nonces of both sides; zero for 43's own authcode.
	Nonce [32]byte
}

// hasNonce reports whether the authcode depends on nonces.
func (q QR) hasNonce() bool { return q.Nonce != [32]byte{} }

// String is the text of the QR code: the fields in padded base64url, joined by ':'. Its
// bytes are the prologue of the handshake, so both sides have the same form of authcode
// or no handshake.
func (q QR) String() string {
	fields := [][]byte{
		[]byte(q.Scope.Application), []byte(q.Scope.Version), []byte(q.Scope.Shard), q.Ephemeral[:], q.Commitment[:],
	}
	if q.hasNonce() {
		fields = append(fields, q.Nonce[:])
	}
	texts := make([]string, len(fields))
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
	if len(texts) != qrFields && len(texts) != nonceQRFields {
		return QR{}, ErrQR
	}
	var fields [nonceQRFields][]byte
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
	if len(texts) == nonceQRFields && copy(q.Nonce[:], fields[5]) != len(fields[5]) {
		return QR{}, ErrQR
	}
	if q.String() != text { // the decoder passes over line breaks
		return QR{}, ErrQR
	}
	return q, nil
}
