package ledger

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/port"
)

// Tx is one write transaction: the store's, the events emitted in it, and what is to be
// done around its commit. It is dead when its closure returns.
type Tx struct {
	port.Tx
	ledger *Ledger

	firstSeq, lastSeq uint64 // of its events; 0 before there is one
	byOthers          bool
	locals            map[any]any
	last              []func() error
	after, otherwise  []func()
}

// After runs f once the transaction is durable, before anybody reads its events. Memory
// that mirrors the store changes there.
func (t *Tx) After(f func()) { t.after = append(t.after, f) }

// Otherwise runs f if the transaction does not become durable.
func (t *Tx) Otherwise(f func()) { t.otherwise = append(t.otherwise, f) }

// AtEnd runs write at the end of the transaction, for a record that several steps of it
// change and that is to be written once.
func (t *Tx) AtEnd(write func() error) { t.last = append(t.last, write) }

// ByOthers notes that the transaction is about what others sent: only of the events of
// such transactions do strangers have a share.
func (t *Tx) ByOthers() { t.byOthers = true }

// Local returns the value that a part keeps for the length of a transaction under key,
// which should be of a type of its own. first is true for the call that made it, as the
// zero value: that is the time to register its AtEnd.
func Local[T any](t *Tx, key any) (value *T, first bool) {
	if v, ok := t.locals[key]; ok {
		return v.(*T), false
	}
	if t.locals == nil {
		t.locals = map[any]any{}
	}
	value = new(T)
	t.locals[key] = value
	return value, true
}

// Get reads the record under name into m and reports whether there is one.
func Get(tx port.Tx, table port.Table, name []byte, m proto.Message) (found bool, err error) {
	b, err := tx.Get(table, name)
	if err != nil || b == nil {
		return false, err
	}
	return true, Decode(table, b, m)
}

// Decode reads a record of a table into m. What does not decode is CodeStoreCorrupt.
func Decode(table port.Table, b []byte, m proto.Message) error {
	if err := proto.Unmarshal(b, m); err != nil {
		return port.Errorf(port.CodeStoreCorrupt, "", "a record of table %s does not decode", table).Because(err)
	}
	return nil
}

// Put writes m under name.
func Put(tx port.Tx, table port.Table, name []byte, m proto.Message) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding a record of table %s: %w", table, err)
	}
	return tx.Put(table, name, b)
}
