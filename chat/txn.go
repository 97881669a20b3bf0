package chat

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
)

// txn is a transaction of the ledger with what package chat keeps for the length of it.
type txn struct {
	*ledger.Tx
	c *Client
}

// update runs fn in one transaction of the ledger.
func (c *Client) update(fn func(*txn) error) error {
	return c.ledger.Update(func(tx *ledger.Tx) error { return fn(c.txn(tx)) })
}

// txnKey is where a transaction keeps its txn: there is one, however often it is asked for.
type txnKey struct{}

// txn is a transaction of the ledger as package chat sees it.
func (c *Client) txn(tx *ledger.Tx) *txn {
	t, first := ledger.Local[txn](tx, txnKey{})
	if first {
		t.Tx, t.c = tx, c
	}
	return t
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
