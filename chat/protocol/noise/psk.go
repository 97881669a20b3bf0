package noise

import (
	"crypto/hkdf"
	"crypto/sha256"

	"libstatus1to1/chat/protocol/key"
)

const (
	// pskLabel keeps the psk apart from what else is derived from an X3DH secret, and
	// pskIDLabel its name from what else is derived from the psk.
	pskLabel   = "status1to1-noise-psk/1"
	pskIDLabel = "status1to1-noise-psk-id/1"
)

// PSK derives the pre-shared key of an XXpsk0 handshake between two installations that have
// an X3DH session: HKDF-SHA256 of that session's secret, without salt. The info is the label
// and both installation ids, each behind its length in one byte, the lower id first, so
// that either side may begin. Error: ErrConfig for an id that is empty or too long.
// Spec: 35/WAKU2-NOISE, "Waku payload" (XXpsk0); where the psk comes from is ours.
func PSK(x3dh key.Secret, one, other string) (key.Secret, error) {
	if one > other {
		one, other = other, one
	}
	info := pskLabel
	for _, id := range []string{one, other} {
		if id == "" || len(id) > MaxInstallationID {
			return key.Secret{}, ErrConfig
		}
		info += string([]byte{byte(len(id))}) + id
	}
	psk, err := hkdf.Key(sha256.New, x3dh[:], nil, info, len(key.Secret{}))
	if err != nil {
		return key.Secret{}, err
	}
	return key.Secret(psk), nil
}

// PSKID names a psk beside the message of a handshake that uses it. It tells nothing of the
// psk.
type PSKID [16]byte

// NamePSK derives the name of a psk: HKDF-SHA256, without salt.
func NamePSK(psk key.Secret) PSKID {
	id, err := hkdf.Key(sha256.New, psk[:], nil, pskIDLabel, len(PSKID{}))
	if err != nil {
		return PSKID{} // not so for 32 bytes of SHA-256
	}
	return PSKID(id)
}
