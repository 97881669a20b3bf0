package chat

import (
	"encoding/binary"
	"slices"
	"strings"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What is stored of an attempt: before it is published the ciphertext and which rows
// of the outbox are in it; afterwards, in its place, when those rows are due again. So
// a row itself is written once. The record goes with the last of its rows.

func attemptKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }

// attemptRow is a row of the outbox in an attempt.
type attemptRow struct {
	mvds   [32]byte
	number uint64
	sends  int // how often it was sent, with this attempt
}

func (at *attempt) record() *wire.AttemptRecord {
	r := &wire.AttemptRecord{
		Id: at.id, Peer: at.peer.Compressed(), ContentTopic: strings.Clone(at.contentTopic), Payload: at.payload,
	}
	for _, row := range at.rows {
		r.Rows = append(r.Rows, &wire.AttemptRowRecord{Row: row.number, Sends: uint32(row.sends)})
	}
	return r
}

// attemptFromRecord gives the attempt without its rows, and the record they are in.
func attemptFromRecord(b []byte) (*attempt, *wire.AttemptRecord, error) {
	var r wire.AttemptRecord
	if err := decodeRecord(tableAttempts, b, &r); err != nil {
		return nil, nil, err
	}
	at := &attempt{id: r.GetId(), contentTopic: r.GetContentTopic(), payload: r.GetPayload()}
	if len(at.payload) == 0 {
		return at, &r, nil
	}
	var err error
	if at.peer, err = key.ParsePublic(r.GetPeer()); err != nil {
		return nil, nil, Errorf(CodeStoreCorrupt, "", "an attempt does not read back")
	}
	return at, &r, nil
}

// carrier is the record of an attempt that is out, to be changed: it is written with
// the transaction.
func (t *txn) carrier(id uint64) (*wire.AttemptRecord, error) {
	if rec := t.carriers[id]; rec != nil {
		return rec, nil
	}
	rec := &wire.AttemptRecord{}
	if _, err := get(t, tableAttempts, attemptKey(id), rec); err != nil {
		return nil, err
	}
	if t.carriers == nil {
		t.carriers = map[uint64]*wire.AttemptRecord{}
	}
	t.carriers[id] = rec
	return rec, nil
}

// leaveCarrier takes a row that is gone, or in another attempt, out of its record.
func (t *txn) leaveCarrier(r outboxRow) error {
	if r.carrier == 0 {
		return nil
	}
	rec, err := t.carrier(r.carrier)
	if err != nil {
		return err
	}
	rec.Rows = slices.DeleteFunc(rec.Rows, func(row *wire.AttemptRowRecord) bool { return row.GetRow() == r.number })
	return nil
}

func (t *txn) putCarriers() error {
	for id, rec := range t.carriers {
		var err error
		if len(rec.GetRows()) == 0 {
			err = t.Delete(tableAttempts, attemptKey(id))
		} else {
			err = put(t, tableAttempts, attemptKey(id), rec)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
