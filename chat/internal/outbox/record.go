package outbox

import (
	"slices"
	"strings"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What is stored of an attempt: before it is published the ciphertext and which rows are
// in it; afterwards, in its place, when those rows are due again and by which evidence
// they are sent. The record goes with the last of its rows.

// attemptRow is a row of the outbox in an attempt.
type attemptRow struct {
	mvds   [32]byte
	number uint64
	sends  int // how often it was sent by its schedule, with this attempt
}

// record is the record of an attempt that is not out.
func (at *attempt) record() *wire.AttemptRecord {
	rec := &wire.AttemptRecord{
		Id: at.id, Peer: at.peer.Compressed(), ContentTopic: strings.Clone(at.contentTopic), Payload: at.bytes,
	}
	for _, a := range at.rows {
		rec.Rows = append(rec.Rows, &wire.AttemptRowRecord{Row: a.number, Sends: uint32(a.sends)})
	}
	return rec
}

// attemptFromRecord gives the attempt without its rows, and the record they are in.
func attemptFromRecord(b []byte) (*attempt, *wire.AttemptRecord, error) {
	var rec wire.AttemptRecord
	if err := ledger.Decode(tableAttempts, b, &rec); err != nil {
		return nil, nil, err
	}
	at := &attempt{id: rec.GetId(), contentTopic: rec.GetContentTopic(), bytes: rec.GetPayload()}
	if isOut(&rec) {
		return at, &rec, nil
	}
	var err error
	if at.peer, err = key.ParsePublic(rec.GetPeer()); err != nil {
		return nil, nil, port.Errorf(port.CodeStoreCorrupt, "", "an attempt does not read back")
	}
	return at, &rec, nil
}

// isOut reports whether a record is of an attempt that is out.
func isOut(rec *wire.AttemptRecord) bool { return len(rec.GetPayload()) == 0 }

// changedRecords are records of attempts that one transaction changes, by id: each is
// read once, and written once at the end.
type changedRecords map[uint64]*wire.AttemptRecord

// recordsKey is where a transaction keeps them.
type recordsKey struct{}

func (o *Outbox) changed(tx *ledger.Tx) changedRecords {
	records, first := ledger.Local[changedRecords](tx, recordsKey{})
	if first {
		*records = changedRecords{}
		tx.AtEnd(func() error { return records.write(tx) })
	}
	return *records
}

func (c changedRecords) write(tx port.Tx) error {
	for id, rec := range c {
		var err error
		if len(rec.GetRows()) == 0 {
			err = tx.Delete(tableAttempts, ledger.NumberKey(id))
		} else {
			err = ledger.Put(tx, tableAttempts, ledger.NumberKey(id), rec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveRecord takes a row that is gone, or is to be in another attempt, out of the record
// of the attempt it is out by. The record of one that is not out is not touched: what is
// published must be what is stored.
func (o *Outbox) leaveRecord(tx *ledger.Tx, r row) error {
	if r.at.state != out {
		return nil
	}
	changed := o.changed(tx)
	rec := changed[r.at.attempt]
	if rec == nil {
		rec = &wire.AttemptRecord{}
		if _, err := ledger.Get(tx, tableAttempts, ledger.NumberKey(r.at.attempt), rec); err != nil {
			return err
		}
		changed[r.at.attempt] = rec
	}
	rec.Rows = slices.DeleteFunc(rec.Rows, func(a *wire.AttemptRowRecord) bool { return a.GetRow() == r.number })
	return nil
}

// Sent is why the messages of an attempt count as sent.
type Sent struct {
	Evidence port.Evidence
	At       time.Time
}

// addTo writes it into the record of its attempt. nil is fine.
func (s *Sent) addTo(rec *wire.AttemptRecord) {
	if s != nil {
		rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = s.Evidence.Kind, uint32(s.Evidence.Peers), s.At.UnixMilli()
	}
}

// sentOf reads what addTo wrote; nil if there is nothing.
func sentOf(rec *wire.AttemptRecord) *Sent {
	if rec.GetEvidenceAt() == 0 {
		return nil
	}
	return &Sent{
		Evidence: port.Evidence{Kind: rec.GetEvidenceKind(), Peers: int(rec.GetEvidencePeers())},
		At:       time.UnixMilli(rec.GetEvidenceAt()),
	}
}
