package outbox

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// Load reads what is stored, after Become: the rows, the attempts that were not published
// and what the others say about their rows, what was given up, and the acknowledgements
// that wait.
func (o *Outbox) Load(tx port.Tx) error {
	if err := o.loadRows(tx); err != nil {
		return err
	}
	if err := o.loadFailed(tx); err != nil {
		return err
	}
	if err := o.loadAcks(tx); err != nil {
		return err
	}
	o.AwaitedChanged()
	return nil
}

func (o *Outbox) loadRows(tx port.Tx) error {
	loaded := loadedRows{byNumber: map[uint64]*row{}, byMVDS: map[[32]byte]*row{}}
	if err := tx.Each(tableRows, loaded.add); err != nil {
		return err
	}
	if err := o.completeOlder(tx, loaded); err != nil {
		return err
	}
	err := tx.Each(tableAttempts, func(_, value []byte) error {
		at, rec, err := o.loadAttempt(loaded, value)
		if err != nil {
			return err
		}
		o.lastAttempt = max(o.lastAttempt, at.id)
		o.lastEnvelope = max(o.lastEnvelope, at.envelopes.last())
		if at.envelopes.count > 0 {
			at.tried = true // before the last stop, perhaps
			o.unpublished = append(o.unpublished, at)
		}
		return o.watchAgain(rec)
	})
	if err != nil {
		return err
	}
	slices.SortFunc(o.unpublished, func(a, b *attempt) int { return cmp.Compare(a.id, b.id) })
	now := o.Now()
	for number, r := range loaded.byNumber {
		// Stored by a clock that was ahead, it would wait until then.
		if latest := now.Add(datasync.Backoff(r.sends, 2*o.ResendBase, noJitter{})); r.due.next.After(latest) {
			r.due.next = latest
		}
		o.rows.last.Store(max(o.rows.last.Load(), number))
		o.rows.add(r)
	}
	return nil
}

// noJitter is randomness that adds nothing to a wait.
type noJitter struct{}

// Read implements io.Reader.
func (noJitter) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

// loadedRows are the rows as they are read.
type loadedRows struct {
	byNumber map[uint64]*row
	byMVDS   map[[32]byte]*row
}

func (l loadedRows) add(name, value []byte) error {
	var rec wire.OutboxRecord
	if err := ledger.Decode(tableRows, value, &rec); err != nil {
		return err
	}
	if len(name) != ledger.NumberSize {
		return port.Errorf(port.CodeStoreCorrupt, "", "an outbox row does not read back")
	}
	r, err := rowFromRecord(&rec, binary.BigEndian.Uint64(name))
	if err != nil {
		return err
	}
	l.byNumber[r.number], l.byMVDS[r.mvds] = r, r
	return nil
}

// completeOlder completes rows of an earlier version, which do not say whether their
// message is in a history.
func (o *Outbox) completeOlder(tx port.Tx, l loadedRows) error {
	for _, r := range l.byNumber {
		if r.inHistory || o.isSelf(r.peer) {
			continue
		}
		m, found, err := o.Messages.Message(tx, r.id)
		if err != nil {
			return err
		}
		r.inHistory, r.clientRef = found, m.ClientRef
	}
	return nil
}

// loadAttempt reads an attempt, and brings its rows to the stage that it says they are in.
// Rows that are gone were acknowledged meanwhile.
func (o *Outbox) loadAttempt(l loadedRows, value []byte) (*attempt, *wire.AttemptRecord, error) {
	at, rec, err := attemptFromRecord(value)
	if err != nil {
		return nil, nil, err
	}
	at.hasRows = len(rec.GetRows()) > 0
	for _, a := range rec.GetRows() {
		r := l.byNumber[a.GetRow()]
		if r == nil {
			continue
		}
		r.sends, r.at = int(a.GetSends()), stage{inAttempt, at.id}
		if isOut(rec) {
			r.at.state, r.due.next, r.due.extra = out, time.UnixMilli(a.GetNextSendAt()), int(a.GetExtra())
			if r.firstSent() {
				r.sent = sentOf(rec)
			}
			r.due.wait = datasync.Backoff(r.sends, o.ResendBase, noJitter{})
			r.safely, r.inStore = a.GetStoredSafely(), a.GetStoredSafely()
			r.setStored(storedOf(rec))
		}
		at.rows = append(at.rows, attemptRow{r.mvds, r.number, r.sends})
	}
	ids, err := ledger.IDs(rec.GetMvdsIds())
	for _, id := range ids { // of a store of version 2
		if r := l.byMVDS[id]; r != nil {
			r.at = stage{inAttempt, at.id}
			at.rows = append(at.rows, attemptRow{r.mvds, r.number, r.sends})
		}
	}
	return at, rec, err
}

// loadFailed reads what is kept of messages that were given up.
func (o *Outbox) loadFailed(tx port.Tx) error {
	return tx.Each(tableFailed, func(_, value []byte) error {
		var rec wire.OutboxRecord
		if err := ledger.Decode(tableFailed, value, &rec); err != nil {
			return err
		}
		r, err := rowFromRecord(&rec, 0)
		if err == nil {
			o.failed.add(r.peer, failedOf(&rec))
		}
		return err
	})
}

// loadAcks reads what was not acknowledged before the last stop.
func (o *Outbox) loadAcks(tx port.Tx) error {
	return tx.Each(tableAcks, func(name, value []byte) error {
		var rec wire.AcksRecord
		if err := ledger.Decode(tableAcks, value, &rec); err != nil {
			return err
		}
		peer, err := key.ParsePublic(name)
		if err != nil {
			return port.Errorf(port.CodeStoreCorrupt, "", "acknowledgements do not read back")
		}
		ids, err := ledger.IDs(rec.GetMvdsIds())
		if err != nil {
			return err
		}
		o.acksStored(peer, ids)
		return nil
	})
}

// attemptFromRecord gives the attempt without its rows, and the record they are in.
func attemptFromRecord(b []byte) (*attempt, *wire.AttemptRecord, error) {
	var rec wire.AttemptRecord
	if err := ledger.Decode(tableAttempts, b, &rec); err != nil {
		return nil, nil, err
	}
	at := &attempt{id: rec.GetId(), contentTopic: rec.GetContentTopic()}
	var err error
	if at.envelopes, err = envelopesOf(&rec); err != nil || isOut(&rec) {
		return at, &rec, err
	}
	if at.peer, err = key.ParsePublic(rec.GetPeer()); err != nil {
		return nil, nil, port.Errorf(port.CodeStoreCorrupt, "", "an attempt does not read back")
	}
	return at, &rec, nil
}

// isOut reports whether a record is of an attempt that is out.
func isOut(rec *wire.AttemptRecord) bool {
	return len(rec.GetPayload()) == 0 && rec.GetEnvelopes() == 0
}
