// Package cards keeps what contact cards leave behind on either side: the secrets of those
// that we have issued, and which card of a device was added here last, so that none is
// added twice and none that is older. What a card says is read by chat/identity/card.
//
//	cards.go    the part: its tables, bounds, care and checks
//	issued.go   secrets of cards that we have issued
//	added.go    cards of others that were added here
package cards

import (
	"time"

	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// The tables of the part.
const (
	tableSecrets port.Table = "card_secrets" // card.SecretID -> CardSecretRecord
	tableAdded   port.Table = "added_cards"  // deviceName -> AddedCardRecord
)

// The bounds of what is kept, each with its reason.
const (
	// keepSecret is the time for which the secret of a card is kept. As for the pre-key in
	// it, a first message that was made at the end of the card's life may come later.
	keepSecret = x3dh.KeepSpent
	// MaxSecrets bounds the secrets that are kept: a card every ten minutes for all that
	// time. Past it the oldest is forgotten. First messages by X3DH from that card are still
	// read.
	MaxSecrets = 4096
	// keepAdded is the time after which a card that was added here is forgotten: all that
	// are older have expired by then, also by a clock that is behind.
	keepAdded = card.MaxLife + card.MaxClockSkew
	// MaxAdded bounds the cards that are kept of others. Each is of somebody whom the user
	// has added in the last weeks.
	MaxAdded = 16384
)

// Cards is the part. It keeps nothing in memory: cards are issued and added by hand.
type Cards struct {
	Ledger *ledger.Ledger
	Log    port.Logger
}

// Load has nothing to read.
func (c *Cards) Load(port.Tx) error { return nil }

// Work has nothing to do.
func (c *Cards) Work(*ledger.Turn) error { return nil }

// Due returns the zero time.
func (c *Cards) Due(*ledger.Turn) time.Time { return time.Time{} }

// Care forgets what is of no use any more.
func (c *Cards) Care(t *ledger.Turn) {
	err := c.forget(t.Now)
	if err != nil {
		c.Log.Log("warn", "forgetting contact cards failed", "code", string(port.CodeOf(err)))
	}
}

// forget deletes the records whose time is over. It writes nothing if there are none.
func (c *Cards) forget(now time.Time) error {
	var secrets, added [][]byte
	err := c.Ledger.View(func(tx port.Tx) (err error) {
		if secrets, err = over(tx, tableSecrets, &wire.CardSecretRecord{}, now); err == nil {
			added, err = over(tx, tableAdded, &wire.AddedCardRecord{}, now)
		}
		return err
	})
	if err != nil || len(secrets)+len(added) == 0 {
		return err
	}
	return c.Ledger.Update(func(tx *ledger.Tx) error {
		if err := deleteAll(tx, tableSecrets, secrets); err != nil {
			return err
		}
		return deleteAll(tx, tableAdded, added)
	})
}

// Check reports records that are not what their names say.
func (c *Cards) Check(w *ledger.Walk) error {
	err := w.Each(tableSecrets, func(name, value []byte) error {
		var rec wire.CardSecretRecord
		if err := ledger.Decode(tableSecrets, value, &rec); err != nil {
			return err
		}
		secret, ok := secretOf(&rec)
		if id := secret.ID(); !ok || string(name) != string(id[:]) || rec.GetUntil() <= 0 {
			w.Report(tableSecrets, "the secret of a card is not what its name says")
		}
		return nil
	})
	if err != nil {
		return err
	}
	return w.Each(tableAdded, func(name, value []byte) error {
		var rec wire.AddedCardRecord
		if err := ledger.Decode(tableAdded, value, &rec); err != nil {
			return err
		}
		if _, ok := key.ParseCompact(rec.GetIdentity()); !ok || string(name) != string(deviceName(rec.GetIdentity(), rec.GetInstallationId())) ||
			len(rec.GetSecretId()) != len(card.SecretID{}) || rec.GetIssued() <= 0 || rec.GetUntil() <= 0 {
			w.Report(tableAdded, "a card that was added is not what its name says")
		}
		return nil
	})
}

// deleteAll deletes records.
func deleteAll(tx *ledger.Tx, table port.Table, names [][]byte) error {
	for _, name := range names {
		if err := tx.Delete(table, name); err != nil {
			return err
		}
	}
	return nil
}
