package ledger

import (
	"bytes"
	"encoding/json"
	"sync"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Messages that have come in this run and whose events were not handed out yet, so that
// handing one out reads nothing. A record is in here as it is stored: whoever writes it
// or deletes it takes it out, in the closure of the transaction, and closures run one after
// the other. So what is edited, deleted or expired meanwhile is read from the store, or is
// not there.

const (
	// maxArrivals and maxArrivalBytes bound the records. They are for a program that keeps up;
	// what has no room is read from the store.
	maxArrivals     = 1024
	maxArrivalBytes = 4 << 20
)

// arrivals are the records described above. Its methods may be called from any goroutine.
type arrivals struct {
	// table is that of the records: see Options.Messages.
	table port.Table

	mu    sync.Mutex
	byID  map[string]*arrival
	bySeq map[uint64]*arrival
	bytes int
}

type arrival struct {
	seq  uint64 // of its event
	data []byte // what is stored of its event: numbers are given out again after a failure
	rec  *wire.MessageRecord
	size int
}

// EmitReceived emits that a message has come, whose Arrival is encoded as data. rec is the
// message as it is stored, and does not change any more.
func (t *Tx) EmitReceived(data []byte, rec *wire.MessageRecord) error {
	seq, err := t.emitEncoded(event.MessageReceived{}.Type(), data)
	if err != nil || seq == 0 {
		return err
	}
	a := &arrival{seq: seq, data: data, rec: rec, size: len(data) + proto.Size(rec)}
	if t.ledger.arrivals.add(a) {
		t.Otherwise(func() { t.ledger.arrivals.drop(a) })
	}
	return nil
}

// add keeps a record, if there is room.
func (x *arrivals) add(a *arrival) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget(x.bySeq[a.seq]) // of a transaction that failed
	x.forget(x.byID[string(a.rec.GetId())])
	if len(x.byID) >= maxArrivals || x.bytes+a.size > maxArrivalBytes {
		return false
	}
	if x.byID == nil {
		x.byID, x.bySeq = map[string]*arrival{}, map[uint64]*arrival{}
	}
	x.byID[string(a.rec.GetId())], x.bySeq[a.seq] = a, a
	x.bytes += a.size
	return true
}

// forget takes a record out, if it is there; x.mu is held.
func (x *arrivals) forget(a *arrival) {
	if a == nil || x.bySeq[a.seq] != a {
		return
	}
	delete(x.byID, string(a.rec.GetId()))
	delete(x.bySeq, a.seq)
	x.bytes -= a.size
}

func (x *arrivals) drop(a *arrival) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget(a)
}

// changed takes the record of a name out: it is written, or deleted.
func (x *arrivals) changed(table port.Table, name []byte) {
	if table != x.table {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget(x.byID[string(name)])
}

// take takes out the record of an event that is handed out, nil if it is not here.
func (x *arrivals) take(seq uint64, data json.RawMessage) *wire.MessageRecord {
	x.mu.Lock()
	defer x.mu.Unlock()
	a := x.bySeq[seq]
	if a == nil {
		return nil
	}
	x.forget(a)
	if !bytes.Equal(a.data, data) {
		return nil
	}
	return a.rec
}

// dropTo takes out the records of events up to a number, which are not handed out any more.
func (x *arrivals) dropTo(seq uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, a := range x.bySeq {
		if a.seq <= seq {
			x.forget(a)
		}
	}
}

// clear takes all records out.
func (x *arrivals) clear() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byID, x.bySeq, x.bytes = nil, nil, 0
}

// followingTx tells the arrivals what a transaction writes.
type followingTx struct {
	port.Tx
	arrivals *arrivals
}

// Put implements port.Tx.
func (t followingTx) Put(table port.Table, name, value []byte) error {
	t.arrivals.changed(table, name)
	return t.Tx.Put(table, name, value)
}

// Delete implements port.Tx.
func (t followingTx) Delete(table port.Table, name []byte) error {
	t.arrivals.changed(table, name)
	return t.Tx.Delete(table, name)
}
