package chat

import (
	"cmp"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Which key exchange protects the messages to a person: X3DH (53) or Noise (35), as 55 leaves
// open. It is chosen by the user, by a contact card, or by the other side, whose finished
// handshake shows that Noise works with them; the last never takes Noise away, and nothing is
// ever sent by X3DH to somebody who is written to by Noise unless the user allows it. Whatever
// comes in is read, by either.
// Spec: 55/STATUS-1TO1-CHAT, "Key exchange".

// KeyExchange names what protects the messages to a person.
type KeyExchange = enum.KeyExchange

// The key exchanges.
const (
	KeyExchangeX3DH  = enum.KeyExchangeX3DH  // 53/WAKU2-X3DH; the default
	KeyExchangeNoise = enum.KeyExchangeNoise // 35/WAKU2-NOISE and 37/WAKU2-NOISE-SESSIONS
)

// WhileWaiting says what becomes of messages to a device with which a Noise handshake is
// pending.
type WhileWaiting = enum.WhileWaiting

// What may become of them.
const (
	WhileWaitingWait = enum.WhileWaitingWait // they wait for the peer; the default
	WhileWaitingX3DH = enum.WhileWaitingX3DH // they go by X3DH
)

// The causes of a change, as event.KeyExchangeChanged has them.
const (
	exchangeChosen = enum.KeyExchangeByChoice
	exchangeByCard = enum.KeyExchangeByCard
	exchangeByThem = enum.KeyExchangeByHandshake
)

// exchange is the key exchange with a person, as the contact list has it.
type exchange struct {
	noise         bool // messages go by Noise
	x3dhMeanwhile bool // by X3DH while a handshake is pending
}

// exchangeOf reads the key exchange in the record of a person.
func exchangeOf(rec *wire.ContactRecord) exchange {
	return exchange{
		noise:         KeyExchange(rec.GetKeyExchange()) == KeyExchangeNoise,
		x3dhMeanwhile: WhileWaiting(rec.GetWhileWaiting()) == WhileWaitingX3DH,
	}
}

// SetKeyExchange chooses what protects the messages to a person from now on, and what becomes
// of them while a Noise handshake is pending ("": as before). What was received stays
// readable, and so does what comes late. Errors: CodeNoIdentity, CodeSelf, CodeNotFound,
// CodeBlocked, CodeBadParams.
func (c *Client) SetKeyExchange(k key.Public, by KeyExchange, waiting WhileWaiting) (event.Contact, error) {
	a, err := c.account()
	if err != nil {
		return event.Contact{}, err
	}
	switch {
	case k == a.public:
		return event.Contact{}, Errorf(CodeSelf, "key", "this is the identity itself")
	case by != KeyExchangeX3DH && by != KeyExchangeNoise:
		return event.Contact{}, Errorf(CodeBadParams, "key_exchange", "must be %q or %q", KeyExchangeX3DH, KeyExchangeNoise).
			With("values", []KeyExchange{KeyExchangeX3DH, KeyExchangeNoise})
	case waiting != "" && waiting != WhileWaitingWait && waiting != WhileWaitingX3DH:
		return event.Contact{}, Errorf(CodeBadParams, "while_waiting", "must be %q or %q", WhileWaitingWait, WhileWaitingX3DH).
			With("values", []WhileWaiting{WhileWaitingWait, WhileWaitingX3DH})
	}
	var contact event.Contact
	err = c.exclusive(func(*ledger.Turn) error {
		return c.update(func(t *txn) error {
			var rec wire.ContactRecord
			found, err := ledger.Get(t, tableContacts, k.Compressed(), &rec)
			switch {
			case err != nil:
				return err
			case !found:
				return Errorf(CodeNotFound, "key", "nobody with this key is known")
			case rec.GetBlockedAt() != 0:
				return notBlocked(&rec, "key")
			}
			rec.KeyExchangeChosen, rec.WhileWaiting = true, cmp.Or(string(waiting), rec.GetWhileWaiting())
			if err := t.setKeyExchange(k, &rec, by, exchangeChosen); err != nil {
				return err
			}
			contact = contactOf(&rec)
			return nil
		})
	})
	c.kick()
	return contact, err
}

// exchangeWith is the key exchange with somebody. Our own devices get their copies by Noise
// where there is a session, and by X3DH where there is none yet, as soon as anybody is
// written to by Noise: what was sent so must not depend on X3DH alone on its way to them.
func (c *Client) exchangeWith(k key.Public) exchange {
	if c.isSelf(k.Compact()) {
		return exchange{noise: c.people.contacts.anyByNoise(), x3dhMeanwhile: true}
	}
	s, _ := c.people.contacts.get(k)
	return s.exchange
}

// name names the key exchange.
func (e exchange) name() KeyExchange {
	if e.noise {
		return KeyExchangeNoise
	}
	return KeyExchangeX3DH
}

// setKeyExchange stores a record with a key exchange, and reports what that changes.
func (t *txn) setKeyExchange(k key.Public, rec *wire.ContactRecord, by KeyExchange, cause enum.KeyExchangeChange) error {
	before := exchangeOf(rec).name()
	rec.KeyExchange = string(by)
	if err := t.putContact(k, rec); err != nil {
		return err
	}
	t.After(func() { t.c.exchangeChanged(k) })
	if before == by {
		return t.Emit(event.ContactChanged{Contact: contactOf(rec)})
	}
	if err := t.Emit(event.KeyExchangeChanged{PublicKey: k.Hex(), KeyExchange: by, Cause: cause}); err != nil {
		return err
	}
	return t.Emit(event.ContactChanged{Contact: contactOf(rec)})
}

// exchangeChanged sends what waits by the key exchange that is chosen now. The caller holds the
// engine's lock.
func (c *Client) exchangeChanged(k key.Public) {
	if s, _ := c.people.contacts.get(k); s.exchange.noise {
		c.noise.Want(k)
	}
	c.outbox.Reachable(k)
}

// upgrade has messages to somebody go by Noise, because they have proven in a handshake that
// they can: unless the user has chosen, and not for somebody who is not in the list of people.
// What is acknowledged to somebody blocked goes by Noise as well, since they must not be able
// to tell; the user hears nothing of it.
func (t *txn) upgrade(k key.Public) error {
	s, known := t.c.people.contacts.get(k)
	if !known || s.exchange.noise {
		return nil
	}
	rec, err := contactRecord(t, k)
	if err != nil || rec.GetKeyExchangeChosen() || exchangeOf(rec).noise {
		return err
	}
	if rec.GetBlockedAt() != 0 {
		rec.KeyExchange = string(KeyExchangeNoise)
		t.After(func() { t.c.exchangeChanged(k) })
		return t.putContact(k, rec)
	}
	return t.setKeyExchange(k, rec, KeyExchangeNoise, exchangeByThem)
}
