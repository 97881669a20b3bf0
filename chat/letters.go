package chat

import (
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// letter is an application message about contacts on its way out. It takes the
// outbox and MVDS like a text; only a contact request is also in the history.
type letter struct {
	to     key.Public
	row    *wire.OutboxRecord
	record *wire.MessageRecord // nil if it is not in the history
}

// write signs a letter and computes its ids. It stores nothing.
func (c *Client) write(a *account, to key.Public, typ wire.ApplicationMetadataMessage_Type, m proto.Message, clock uint64, now time.Time) (*letter, error) {
	encoded, err := message.Encode(m)
	if err != nil {
		return nil, err
	}
	application, err := message.Wrap(a.self.Identity, typ, encoded)
	if err != nil {
		return nil, err
	}
	if len(application) > c.batchBytes() {
		return nil, Errorf(CodeTooLarge, "text", "the message does not fit into one envelope").With("max_bytes", c.batchBytes())
	}
	id := message.ID(a.public, application)
	sync := datasync.Message{GroupID: datasync.GroupID(a.public, to), Timestamp: now.Unix(), Body: application}
	mvdsID := sync.ID()
	return &letter{to: to, row: &wire.OutboxRecord{
		MessageId: id[:], Peer: to.Compressed(), MvdsId: mvdsID[:], Application: application,
		MvdsTimestamp: sync.Timestamp, NextSendAt: now.UnixMilli(), Clock: clock,
	}}, nil
}

// post makes a letter durable; nil is fine.
func (t *txn) post(l *letter) error {
	if l == nil {
		return nil
	}
	l.row.InHistory, l.row.ClientRef = l.record != nil, l.record.GetClientRef()
	if err := t.addRow(l.to, l.row); err != nil {
		return err
	}
	t.then(t.c.kick)
	if l.record == nil {
		return nil
	}
	if err := t.c.history.Add(t.Tx, l.record); err != nil {
		return err
	}
	if err := t.toOwnDevices(l.row); err != nil {
		return err
	}
	return t.emit(stateEvent(l.record))
}
