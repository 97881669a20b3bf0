package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// txn is one write transaction of the engine: the store's, the events emitted in
// it, and what is to be done in memory once it is durable.
type txn struct {
	Tx
	c       *Client
	lastSeq uint64
	after   []func()
	undo    []func()
	// received tells that it is about what others sent: strangers have a share only of
	// the events of such transactions (eventqueue.go).
	received bool
	// chats are those that got messages: each is written once, at the end.
	chats map[string]*wire.ChatRecord
	// carriers are records of attempts that lost rows: see attemptrecord.go.
	carriers map[uint64]*wire.AttemptRecord
	marks    []*newMarks // that were made
	acks     map[key.Public][][32]byte
}

// update runs fn in one transaction. Only when it is committed are readers of
// events woken and the after functions run.
func (c *Client) update(fn func(*txn) error) error {
	t := &txn{c: c}
	if err := c.store.Update(func(tx Tx) error {
		t.Tx = tx
		if err := fn(t); err != nil {
			return err
		}
		for _, last := range []func() error{t.putChats, t.putCarriers, t.putAcks, t.putMarks} {
			if err := last(); err != nil {
				return err
			}
		}
		c.probe(ProbeBeforeCommit)
		return nil
	}); err != nil {
		for _, f := range t.undo {
			f()
		}
		return err
	}
	for _, f := range t.after {
		f()
	}
	if t.lastSeq > 0 {
		c.events.committed(t.lastSeq)
	}
	return nil
}

// then runs f after the commit.
func (t *txn) then(f func()) { t.after = append(t.after, f) }

// otherwise runs f if there is no commit.
func (t *txn) otherwise(f func()) { t.undo = append(t.undo, f) }

// storedEvent is an event as queueEvents holds it.
type storedEvent struct {
	Type string          `json:"type"`
	At   int64           `json:"at"`
	Data json.RawMessage `json:"data"`
}

// encodeEvent is the JSON of a storedEvent, without reading data once more.
func encodeEvent(kind string, at int64, data []byte) []byte {
	b := make([]byte, 0, len(data)+len(kind)+64)
	b = append(strconv.AppendQuote(append(b, `{"type":`...), kind), `,"at":`...)
	b = append(strconv.AppendInt(b, at, 10), `,"data":`...)
	return append(append(b, data...), '}')
}

// decodeEvent reads what encodeEvent made, without looking at the data. ok is false
// when it is anything else.
func decodeEvent(b []byte) (e storedEvent, ok bool) {
	rest, ok := bytes.CutPrefix(b, []byte(`{"type":"`))
	kind, rest, ok2 := bytes.Cut(rest, []byte(`","at":`))
	at, data, ok3 := bytes.Cut(rest, []byte(`,"data":{`))
	if !ok || !ok2 || !ok3 || bytes.ContainsAny(kind, `"\\`) || !bytes.HasSuffix(data, []byte("}}")) {
		return e, false
	}
	e.Type, e.Data = string(kind), rest[len(rest)-len(data)-1:len(rest)-1]
	var err error
	e.At, err = strconv.ParseInt(string(at), 10, 64)
	return e, err == nil
}

// get reads the record under key into m and reports whether there is one.
func get(tx Tx, table Table, key []byte, m proto.Message) (bool, error) {
	b, err := tx.Get(table, key)
	if err != nil || b == nil {
		return false, err
	}
	return true, decodeRecord(table, b, m)
}

func decodeRecord(table Table, b []byte, m proto.Message) error {
	if err := proto.Unmarshal(b, m); err != nil {
		return Errorf(CodeStoreCorrupt, "", "a record of table %s does not decode", table).Because(err)
	}
	return nil
}

// put writes m under key.
func put(tx Tx, table Table, key []byte, m proto.Message) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return fmt.Errorf("encoding a record of table %s: %w", table, err)
	}
	return tx.Put(table, key, b)
}

// record is get in a transaction of its own.
func (c *Client) record(table Table, key []byte, m proto.Message) (found bool, err error) {
	err = c.store.View(func(tx Tx) error {
		found, err = get(tx, table, key, m)
		return err
	})
	return found, err
}
