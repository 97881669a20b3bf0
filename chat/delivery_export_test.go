package chat

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// HoldTransaction runs during in a transaction that then looks which events are unread.
func (c *Client) HoldTransaction(during func()) error {
	return c.update(func(*txn) error {
		during()
		c.ledger.Events.FirstUnread()
		return nil
	})
}

// GiveUpAcknowledged has a message acknowledged by an installation that no bundle names,
// then given up after its last attempt, and then tried again for the return of its
// recipient.
func (c *Client) GiveUpAcknowledged(id [32]byte) error {
	defer c.beginTurn().End()
	peer, err := c.peer(c.outbox.RecipientsOf(id)[0])
	if err != nil {
		return err
	}
	by := acknowledgerOf(peer, "made up")
	var mvds [32]byte
	for _, step := range []func(*txn) error{
		func(t *txn) error {
			return t.Each("#outbox", func(_, value []byte) error {
				var rec wire.OutboxRecord
				err := proto.Unmarshal(value, &rec)
				if err == nil && string(rec.GetMessageId()) == string(id[:]) {
					mvds = [32]byte(rec.GetMvdsId())
				}
				return err
			})
		},
		func(t *txn) error { return c.outbox.Acknowledged(t.Tx, by, [][32]byte{mvds}) },
		func(t *txn) error { return c.outbox.GiveUp(t.Tx, id) },
		func(t *txn) error { return c.outbox.Revive(t.Tx, id) },
	} {
		if err := c.update(step); err != nil {
			return err
		}
	}
	return nil
}
