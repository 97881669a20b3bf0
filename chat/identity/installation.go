package identity

import (
	"errors"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// MaxInstallationIDLen bounds an installation id, in bytes. A UUID has 36; the specs set
// no bound, and an id is repeated in every message.
const MaxInstallationIDLen = 64

// reservedInstallationID stands, in a message, for any device.
const reservedInstallationID = "none"

// ErrInstallationID: the text is not an installation id.
var ErrInstallationID = errors.New("identity: an installation id is 1 to 64 printable ASCII characters, and not \"none\"")

// NewInstallationID draws the id of a new device from rand (16 bytes): a version 4 UUID
// in lower-case text.
//
// Spec: 54/WAKU2-X3DH-SESSIONS, "Pairing".
func NewInstallationID(rand io.Reader) (string, error) {
	id, err := uuid.NewRandomFromReader(rand)
	if err != nil {
		return "", fmt.Errorf("identity: reading randomness: %w", err)
	}
	return id.String(), nil
}

// ParseInstallationID accepts 1 to MaxInstallationIDLen printable ASCII characters other
// than space, UUID or not, except "none", which messages use for any device. Error:
// ErrInstallationID.
func ParseInstallationID(text string) (string, error) {
	if text == "" || len(text) > MaxInstallationIDLen || text == reservedInstallationID {
		return "", ErrInstallationID
	}
	for i := range len(text) {
		if text[i] <= ' ' || text[i] > '~' {
			return "", ErrInstallationID
		}
	}
	return text, nil
}
