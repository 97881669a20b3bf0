package chat

import (
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"

	"google.golang.org/protobuf/proto"
)

// txn is a transaction of the ledger with what package chat keeps for the length of it.
type txn struct {
	*ledger.Tx
	c *Client
	// chats are those that got messages: each is written once, at the end.
	chats map[string]*wire.ChatRecord
	// carriers are records of attempts that lost rows: see attemptrecord.go.
	carriers map[uint64]*wire.AttemptRecord
	acks     map[key.Public][][32]byte
}

// update runs fn in one transaction of the ledger.
func (c *Client) update(fn func(*txn) error) error {
	return c.ledger.Update(func(lt *ledger.Tx) error {
		t := &txn{Tx: lt, c: c}
		for _, last := range []func() error{t.putChats, t.putCarriers, t.putAcks} {
			t.AtEnd(last)
		}
		return fn(t)
	})
}

func (t *txn) then(f func())                              { t.After(f) }
func (t *txn) otherwise(f func())                         { t.Otherwise(f) }
func (t *txn) emit(e event.Event) error                   { return t.Emit(e) }
func (t *txn) emitEncoded(kind string, data []byte) error { return t.EmitEncoded(kind, data) }

func get(tx Tx, table Table, name []byte, m proto.Message) (bool, error) {
	return ledger.Get(tx, table, name, m)
}

func put(tx Tx, table Table, name []byte, m proto.Message) error {
	return ledger.Put(tx, table, name, m)
}

func decodeRecord(table Table, b []byte, m proto.Message) error { return ledger.Decode(table, b, m) }

// record is get in a transaction of its own.
func (c *Client) record(table Table, name []byte, m proto.Message) (bool, error) {
	return c.ledger.Get(table, name, m)
}
