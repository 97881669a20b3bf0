package cards

import (
	"bytes"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/identity/card"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Issue stores the secret of a card, in the transaction after which the card is shown.
func Issue(tx *ledger.Tx, secret card.Secret, now time.Time) error {
	n, first, err := count(tx, tableSecrets, &wire.CardSecretRecord{})
	if err != nil {
		return err
	}
	if n >= MaxSecrets {
		if err := tx.Delete(tableSecrets, first); err != nil {
			return err
		}
	}
	id := secret.ID()
	return ledger.Put(tx, tableSecrets, id[:], &wire.CardSecretRecord{
		Secret: bytes.Clone(secret[:]), Until: now.Add(keepSecret).UnixMilli(),
	})
}

// Secret finds the pre-shared key of a card that we have issued, by the id that whoever
// has scanned it names. It is found for keepSecret, by any number of people: a card may be
// shown to many.
//
// Spec: 35/WAKU2-NOISE, XXpsk0.
func Secret(tx port.Tx, id card.SecretID, now time.Time) (psk [32]byte, found bool, err error) {
	var rec wire.CardSecretRecord
	found, err = ledger.Get(tx, tableSecrets, id[:], &rec)
	if err != nil || !found || expired(&rec, now) {
		return psk, false, err
	}
	secret, ok := secretOf(&rec)
	if !ok {
		return psk, false, port.Errorf(port.CodeStoreCorrupt, "", "the secret of a card does not read back")
	}
	return secret.PSK(), true, nil
}

// secretOf is the secret in a record.
func secretOf(rec *wire.CardSecretRecord) (s card.Secret, ok bool) {
	return s, copy(s[:], rec.GetSecret()) == len(s) && len(rec.GetSecret()) == len(s)
}

// timed is a record that is forgotten at some time.
type timed interface {
	proto.Message
	GetUntil() int64
}

// expired reports whether the time of a record is over. One of a time that no record of
// today can have was written by a clock that was ahead, and is of no use either.
func expired(rec timed, now time.Time) bool {
	left := time.UnixMilli(rec.GetUntil()).Sub(now)
	return left <= 0 || left > 2*keepSecret
}

// over lists the names of the records in a table whose time is over. rec is read into.
func over(tx port.Tx, table port.Table, rec timed, now time.Time) (names [][]byte, err error) {
	err = tx.Each(table, func(name, value []byte) error {
		err := ledger.Decode(table, value, rec)
		if err == nil && expired(rec, now) {
			names = append(names, bytes.Clone(name))
		}
		return err
	})
	return names, err
}

// count counts the records in a table, and finds the one that is forgotten first.
func count(tx port.Tx, table port.Table, rec timed) (n int, first []byte, err error) {
	var at int64
	err = tx.Each(table, func(name, value []byte) error {
		err := ledger.Decode(table, value, rec)
		if n++; err == nil && (first == nil || rec.GetUntil() < at) {
			first, at = bytes.Clone(name), rec.GetUntil()
		}
		return err
	})
	return n, first, err
}
