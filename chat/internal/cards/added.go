package cards

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"time"

	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Causes of CodeBadCard that package card cannot know.
const (
	causeOwn      = "own"      // of our own identity
	causeReplayed = "replayed" // added here before
	causeOutdated = "outdated" // older than one of the same device that was added here
)

// Read reads a card in any form for own, our identity. Error: CodeBadCard.
func Read(text string, own key.Public, now time.Time) (card.Card, error) {
	c, err := card.Read(text)
	if err == nil && c.Identity == own {
		return card.Card{}, refusal(causeOwn, "this is a contact card of the identity itself")
	}
	if err == nil {
		err = c.Check(now)
	}
	if bad := (*card.Error)(nil); errors.As(err, &bad) {
		return card.Card{}, refusal(string(bad.Cause), bad.Meaning())
	}
	return c, err
}

// refusal is CodeBadCard with its cause in words and as a detail.
func refusal(cause, meaning string) error {
	return port.Errorf(port.CodeBadCard, "card", "%s", meaning).With("cause", cause)
}

// Add notes a card in the transaction that takes what it says. A card is added once: later
// it could say again what its owner, or the user, has taken back since. Errors: CodeBadCard
// for a card that was added before or is older than one that was; CodeTooMany.
func Add(tx *ledger.Tx, c card.Card, now time.Time) error {
	name := deviceName(c.Identity.Compressed(), c.Device.InstallationID)
	id := c.Secret.ID()
	var last wire.AddedCardRecord
	found, err := ledger.Get(tx, tableAdded, name, &last)
	switch {
	case err != nil:
		return err
	case found && bytes.Equal(last.GetSecretId(), id[:]):
		return refusal(causeReplayed, "this contact card was added before: ask for a new one")
	case found && c.Issued.Unix() < last.GetIssued():
		return refusal(causeOutdated, "a newer contact card of this person was added before")
	case !found:
		n, _, err := count(tx, tableAdded, &last)
		if err != nil {
			return err
		}
		if n >= MaxAdded {
			return port.Errorf(port.CodeTooMany, "card", "too many contact cards were added lately").With("max", MaxAdded)
		}
	}
	return ledger.Put(tx, tableAdded, name, &wire.AddedCardRecord{
		Identity: c.Identity.Compressed(), InstallationId: c.Device.InstallationID,
		Issued: c.Issued.Unix(), SecretId: id[:], Until: later(c.Issued, now).Add(keepAdded).UnixMilli(),
	})
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// deviceName names the record of a device's card. Installation ids have any length.
func deviceName(identity []byte, installationID string) []byte {
	digest := sha256.Sum256(append(bytes.Clone(identity), installationID...))
	return digest[:]
}
