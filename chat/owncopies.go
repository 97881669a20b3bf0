package chat

import (
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/outbox"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
)

// Copies for our own other devices, and what they send to others. Our group with
// ourselves has the copies; the recipient's acknowledgements of what another device of
// ours sends come to us as well.

// ownDevices implements outbox.OwnDevices.
type ownDevices struct{ c *Client }

// Copy implements outbox.OwnDevices.
func (d ownDevices) Copy(tx *ledger.Tx, row *wire.OutboxRecord) error {
	return d.c.txn(tx).toOwnDevices(row)
}

// Remember implements outbox.OwnDevices.
func (d ownDevices) Remember(tx *ledger.Tx, mvds, id [32]byte) error {
	return d.c.txn(tx).rememberSent(mvds, id)
}

// Acknowledged implements outbox.OwnDevices.
func (d ownDevices) Acknowledged(tx *ledger.Tx, by outbox.Device, mvds [32]byte) error {
	return d.c.acknowledgedElsewhere(tx, by, mvds)
}

// sentElsewhere remembers under which MVDS id another own device sends a message to
// its recipient: their acknowledgement comes to us as well.
func (t *txn) sentElsewhere(m *inbound, rec *wire.MessageRecord, application []byte) error {
	at, known := m.timestamps[[32]byte(rec.GetId())]
	if !rec.GetOutgoing() || !known {
		return nil
	}
	chat, err := message.ConversationID(rec.GetChat()).Public()
	if err != nil {
		return err
	}
	sync := datasync.Message{GroupID: datasync.GroupID(m.sender, chat), Timestamp: at, Body: application}
	return t.rememberSent(sync.ID(), [32]byte(rec.GetId()))
}

// acknowledgedElsewhere notes an acknowledgement of what another own device sent, or of
// what we have given up. Anybody may acknowledge thousands of ids that nobody knows, so of
// those nothing is made in memory.
func (c *Client) acknowledgedElsewhere(tx *ledger.Tx, by outbox.Device, mvds [32]byte) error {
	b, err := tx.Get(tableSeen, seenKey(seenElsewhere, mvds))
	if err != nil || b == nil {
		return err
	}
	var seen wire.SeenRecord
	if err := ledger.Decode(tableSeen, b, &seen); err != nil {
		return err
	}
	ids, err := ledger.IDs(seen.GetMvdsIds())
	if err != nil || len(ids) != 1 {
		return err
	}
	var rec wire.MessageRecord
	if _, err := ledger.Get(tx, tableMessages, ids[0][:], &rec); err != nil || message.ConversationID(rec.GetChat()) != message.ConversationWith(by.Peer) {
		return err
	}
	return c.outbox.DeviceHas(tx, ids[0], by)
}
