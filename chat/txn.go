package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
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

// emit stores e with the rest of the transaction. Past the limit the oldest
// events give way to one that says so.
func (t *txn) emit(e event.Event) error {
	data, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encoding event %s: %w", e.Type(), err)
	}
	return t.emitEncoded(e.Type(), data)
}

// emitEncoded is emit for an event of that type that is encoded already.
func (t *txn) emitEncoded(kind string, data []byte) error {
	first, last, err := t.Bounds(queueEvents)
	if err != nil {
		return err
	}
	limit := uint64(t.c.settings.MaxEvents)
	if last+1-first >= limit {
		dropTo := first + limit/overflowShare
		from, err := t.lostFrom(first, dropTo)
		if err != nil {
			return err
		}
		if err := t.Trim(queueEvents, dropTo); err != nil {
			return err
		}
		overflow, err := json.Marshal(event.Overflow{FromSeq: from, ToSeq: dropTo})
		if err != nil {
			return err
		}
		if err := t.append(event.Overflow{}.Type(), overflow); err != nil {
			return err
		}
	}
	return t.append(kind, data)
}

// lostFrom is the first event that is lost when those from first to dropTo go: if an
// overflow event is among them, that is the first it names.
func (t *txn) lostFrom(first, dropTo uint64) (from uint64, err error) {
	from = first
	err = t.Range(queueEvents, first, func(seq uint64, value []byte) (bool, error) {
		if seq > dropTo || !bytes.HasPrefix(value, overflowBegins) {
			return seq < dropTo, nil
		}
		var over struct{ Data event.Overflow }
		if err := json.Unmarshal(value, &over); err != nil {
			return false, Errorf(CodeStoreCorrupt, "", "event %d does not decode", seq).Because(err)
		}
		from = min(from, over.Data.FromSeq)
		return false, nil // later ones name later events
	})
	return from, err
}

// overflowBegins is how encodeEvent begins an overflow event.
var overflowBegins = fmt.Appendf(nil, `{"type":%q`, event.Overflow{}.Type())

// overflowShare: one tenth of the waiting events is dropped at a time, so that
// overflow events do not crowd out the others.
const overflowShare = 10

func (t *txn) append(kind string, data []byte) (err error) {
	t.lastSeq, err = t.Append(queueEvents, encodeEvent(kind, t.c.now().UnixMilli(), data))
	return err
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
