package outbox

import (
	"slices"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/segment"
	"libstatus1to1/chat/wire"
)

// An attempt that is too large for one envelope has several, its segments. They are stored
// one by one, because a record may not have tens of megabytes, and are read again one by
// one when they are published. What is out is erased, so that after an interruption only
// the rest is published. See package segment.

const (
	// MaxMessage bounds an application message, in bytes.
	MaxMessage = 10 << 20
	// maxSealed bounds it for all devices together, since each gets a ciphertext of its own:
	// what can be put together again, less what headers and bundles take.
	maxSealed = segment.MaxMessage - 64<<10
)

// publishAtOnce bounds the envelopes of one attempt that are published before others have
// their turn.
const publishAtOnce = 4

// tooLarge reports whether a row does not fit into one attempt.
func (r Recipient) tooLarge(m row) bool { return m.size > r.perDevice(maxSealed) }

// oneAtATime leaves out the rows that are large, as they take more than room for each
// device, unless one can have an attempt now. It goes alone, so that acknowledgements and
// texts do not wait for it to be out, and only when no other is on its way, to anybody: each
// takes several times its size in memory while it is sealed, and in the store until it is
// out.
func (o *Outbox) oneAtATime(rows []row, room int, acks bool) []row {
	large := func(r row) bool { return r.size+datasync.MessageOverhead > room }
	if !slices.ContainsFunc(rows, large) {
		return rows
	}
	if large(rows[0]) && !acks && !o.largeSealed && !slices.ContainsFunc(slices.Concat(o.unpublished, o.underWay), (*attempt).isLarge) {
		o.largeSealed = true
		return rows[:1]
	}
	return slices.DeleteFunc(slices.Clone(rows), large)
}

// isLarge reports whether an attempt has several envelopes.
func (at *attempt) isLarge() bool { return at.envelopes.several() }

// envelopes are those of one attempt, published from the front.
type envelopes struct {
	// sealed are the envelopes. They leave memory once they are stored, if there are
	// several.
	sealed [][]byte
	count  int
	first  uint64 // the number of the first in tableEnvelopes; 0 if there is only one
	out    int    // the number of them that are out
	erased int    // the number of them that the store knows to be out
	// hashes are the message hashes of those that are out. There may be fewer than out, if
	// they went to where messages have no hash.
	hashes [][32]byte
}

// several reports whether there is more than one.
func (e *envelopes) several() bool { return e.count > 1 }

// last returns the highest number in tableEnvelopes; 0 if there is none.
func (e *envelopes) last() uint64 {
	if e.first == 0 {
		return 0
	}
	return e.first + uint64(e.count) - 1
}

// published notes that the next envelope is out.
func (e *envelopes) published(by port.Evidence) {
	e.out++
	if by.Hash != [32]byte{} {
		e.hashes = append(e.hashes, by.Hash)
	}
}

// addTo writes what is stored of envelopes that are not all out into the record of their
// attempt.
func (e *envelopes) addTo(rec *wire.AttemptRecord) {
	if !e.several() {
		rec.Payload = e.sealed[0]
		return
	}
	rec.FirstEnvelope, rec.Envelopes, rec.EnvelopesOut = e.first, uint32(e.count), uint32(e.out)
	for _, h := range e.hashes {
		rec.Hashes = append(rec.Hashes, h[:])
	}
}

// envelopesOf reads what addTo wrote. Of an attempt that is out there are none.
func envelopesOf(rec *wire.AttemptRecord) (e envelopes, err error) {
	if isOut(rec) {
		return e, nil
	}
	if b := rec.GetPayload(); len(b) > 0 {
		return envelopes{sealed: [][]byte{b}, count: 1}, nil
	}
	e = envelopes{
		count: int(rec.GetEnvelopes()), first: rec.GetFirstEnvelope(), out: int(rec.GetEnvelopesOut()), erased: int(rec.GetEnvelopesOut()),
	}
	if e.hashes, err = ledger.IDs(rec.GetHashes()); err == nil && (e.first == 0 || e.out > e.count) {
		err = port.Errorf(port.CodeStoreCorrupt, "", "the envelopes of an attempt do not read back")
	}
	return e, err
}

// storeEnvelopes stores the envelopes of a new attempt that has several.
func (o *Outbox) storeEnvelopes(tx *ledger.Tx, e *envelopes) error {
	if !e.several() {
		return nil
	}
	// Numbers only grow, also past a transaction that fails.
	e.first = o.lastEnvelope + 1
	o.lastEnvelope = e.last()
	for i, b := range e.sealed {
		if err := tx.Put(tableEnvelopes, ledger.NumberKey(e.first+uint64(i)), b); err != nil {
			return err
		}
	}
	tx.After(func() { e.sealed = nil })
	return nil
}

// nextEnvelope returns the envelope of an attempt that is published next.
func (o *Outbox) nextEnvelope(at *attempt) (b []byte, err error) {
	e := &at.envelopes
	if len(e.sealed) > 0 {
		return e.sealed[e.out], nil
	}
	err = o.Ledger.View(func(tx port.Tx) (err error) {
		b, err = tx.Get(tableEnvelopes, ledger.NumberKey(e.first+uint64(e.out)))
		if err == nil && b == nil {
			err = port.Errorf(port.CodeStoreCorrupt, "", "an envelope of an attempt is missing")
		}
		return err
	})
	at.damaged = err != nil && !ledger.Passing(err)
	return b, err
}

// isNeedless reports whether nobody waits for what an attempt carries: its messages were
// acknowledged meanwhile, as parity allows before all envelopes are out, or were cancelled or
// erased.
func (o *Outbox) isNeedless(at *attempt) bool {
	return at.hasRows && len(at.acks) == 0 && len(o.rows.in(at)) == 0
}

// reportProgress tells programs how much of a large message is out, and was before.
func (o *Outbox) reportProgress(at *attempt, before int) {
	if !at.envelopes.several() || at.envelopes.out == before {
		return
	}
	for _, r := range o.rows.in(at) {
		if !r.inHistory {
			continue
		}
		o.Ledger.Events.PushProgress(before, event.MessageProgress{
			ChatID: r.peer.Hex(), Outgoing: true, MessageID: event.Hex(r.id[:]), Done: at.envelopes.out, Total: at.envelopes.count,
		}, o.Now().UnixMilli())
	}
}

// dropEnvelopes erases the envelopes of an attempt up to the given one, if it has several.
func (o *Outbox) dropEnvelopes(tx *ledger.Tx, e *envelopes, upTo int) error {
	if !e.several() {
		return nil
	}
	for i := e.erased; i < upTo; i++ {
		if err := tx.Delete(tableEnvelopes, ledger.NumberKey(e.first+uint64(i))); err != nil {
			return err
		}
	}
	tx.After(func() { e.erased = upTo })
	return nil
}

// recordProgress stores how many envelopes of attempts are out that are not out as a whole.
func (o *Outbox) recordProgress() error {
	for _, at := range slices.Concat(o.unpublished, o.underWay) {
		e := &at.envelopes
		if e.out == e.erased {
			continue
		}
		err := o.Ledger.Update(func(tx *ledger.Tx) error {
			if err := o.dropEnvelopes(tx, e, e.out); err != nil {
				return err
			}
			return ledger.Put(tx, tableAttempts, ledger.NumberKey(at.id), at.record())
		})
		if err != nil {
			o.Log.Log("error", "recording what was published failed", "code", string(port.CodeOf(err)))
			return err
		}
	}
	return nil
}
