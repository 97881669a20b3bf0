package outbox

import (
	"encoding/hex"
	"slices"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/confirm"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
)

// Whether store nodes have what was published (package confirm). A message is stored when
// they have all envelopes of an attempt that carried it. As with sent, that is stored once
// for all messages of the attempt, in its record.
//
// What each asked node has will be found by a recipient who comes back: to somebody who is
// silent most of the sendings of the schedule are left out. What no node has is sent again
// soon, in place of the next sending of the schedule. Neither changes when it is given up.

const (
	// skipAfter and skipTo: a stored message to somebody who is silent is sent once more by
	// its schedule, since they may be there and fetch nothing, and next by its 13th sending,
	// 31 hours later: six sendings in all, or five of those that follow such a message. The
	// last is after 10 days; stores of the Status fleet keep what they have for 30.
	skipAfter = 2
	skipTo    = 12
	// maxHastened bounds how often a message is sent again soon because no node has it: what
	// store nodes do not have they need not tell the truth about.
	maxHastened = 3
	// watchedFor is the time after publishing in which a restart asks again: what a store
	// has not got by then, it does not get, or has dropped.
	watchedFor = time.Hour
)

// stateStored is the state of a message that store nodes have, as event.MessageState names
// it.
const stateStored = "stored"

// evidenceStore is the kind of its evidence.
const evidenceStore = "store"

// Stored is the evidence that store nodes have a message.
type Stored struct {
	Nodes []string // their peer ids
	At    time.Time
}

// addTo writes it into the record of its attempt.
func (s *Stored) addTo(rec *wire.AttemptRecord) {
	rec.Hashes, rec.StoredAt, rec.StoredNodes = nil, s.At.UnixMilli(), s.Nodes
}

// storedOf reads what addTo wrote; nil if there is nothing.
func storedOf(rec *wire.AttemptRecord) *Stored {
	if rec.GetStoredAt() == 0 {
		return nil
	}
	return &Stored{Nodes: rec.GetStoredNodes(), At: time.UnixMilli(rec.GetStoredAt())}
}

// event reports that the message of a row is stored.
func (s *Stored) event(r row) event.MessageState {
	return event.MessageState{
		MessageID: "0x" + hex.EncodeToString(r.id[:]), ChatID: r.peer.Hex(), ClientRef: r.clientRef, State: stateStored,
		Evidence: &event.Evidence{Kind: evidenceStore, Peers: len(s.Nodes), Nodes: s.Nodes, At: s.At.UnixMilli()},
	}
}

// setStored notes that store nodes have the message of a row. s may be nil.
func (r *row) setStored(s *Stored) {
	if s == nil {
		return
	}
	r.inStore = true
	if r.inHistory && !r.delivered {
		r.stored = s
	}
}

// watch has store nodes asked for the envelopes of an attempt, once its record rec is
// stored, if there is a row that they are not known to have.
func (o *Outbox) watch(tx *ledger.Tx, at *attempt, rec *wire.AttemptRecord) {
	waits := func(r row) bool { return !r.inStore && !r.delivered }
	hashes := at.envelopes.hashes
	if o.Archive == nil || at.sent == nil || at.needless || len(hashes) < at.envelopes.count || !slices.ContainsFunc(o.rows.in(at), waits) {
		return
	}
	for _, h := range hashes {
		rec.Hashes = append(rec.Hashes, h[:])
	}
	tx.After(func() { o.asker.Watch(at.id, hashes, at.sent.At) })
}

// watchAgain goes on with an attempt that was published before a restart.
func (o *Outbox) watchAgain(rec *wire.AttemptRecord) error {
	if !isOut(rec) {
		return nil
	}
	hashes, err := ledger.IDs(rec.GetHashes())
	if now := o.Now(); err == nil && now.Sub(time.UnixMilli(rec.GetEvidenceAt())) < watchedFor {
		o.asker.Watch(rec.GetId(), hashes, now)
	}
	return err
}

// attemptsOut returns those of the attempts in ids that some row is out by.
func (s *rows) attemptsOut(ids []uint64) map[uint64]bool {
	found := map[uint64]bool{}
	for id := range s.outBy(ids) {
		found[id] = true
	}
	return found
}

// outBy returns the rows that are out by the attempts in ids.
func (s *rows) outBy(ids []uint64) map[uint64][]row {
	wanted := map[uint64]bool{}
	for _, id := range ids {
		wanted[id] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[uint64][]row{}
	for _, r := range s.byMVDS {
		if r.at.state == out && wanted[r.at.attempt] {
			found[r.at.attempt] = append(found[r.at.attempt], *r)
		}
	}
	for _, all := range found {
		slices.SortFunc(all, func(a, b row) int { return byClock(&a, &b) })
	}
	return found
}

// noteStored stores what store nodes have, and hastens what they have not. An error is of
// the store; what could not be noted stays as it was.
func (o *Outbox) noteStored() error {
	results := o.asker.Results()
	if len(results) == 0 {
		return nil
	}
	ids := make([]uint64, len(results))
	for i, r := range results {
		ids[i] = r.ID
	}
	rows := o.rows.outBy(ids)
	now := o.Now()
	var stored []confirm.Result
	for _, r := range results {
		if len(r.Nodes) > 0 {
			stored = append(stored, r)
			continue
		}
		for _, of := range rows[r.ID] {
			o.rows.change(of.mvds, func(r *row) { r.hastenLost(now) })
		}
	}
	note := func(some []confirm.Result) error {
		return o.Ledger.Update(func(tx *ledger.Tx) error {
			for _, r := range some {
				if err := o.storeStored(tx, r, rows[r.ID], now); err != nil {
					return err
				}
			}
			return nil
		})
	}
	_, err := ledger.Isolated(stored, note, func(_ confirm.Result, err error) { o.Drop("stored_" + ledger.Unstorable(err)) })
	if err != nil {
		o.Log.Log("error", "recording what is stored failed", "code", string(port.CodeOf(err)))
	}
	return err
}

// storeStored stores that store nodes have an attempt, and with that the messages of rows.
func (o *Outbox) storeStored(tx *ledger.Tx, r confirm.Result, rows []row, now time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	rec, err := o.recordOf(tx, r.ID)
	if err != nil {
		return err
	}
	by := &Stored{Nodes: r.Nodes, At: r.At}
	by.addTo(rec)
	for _, of := range rows {
		if err := o.emitStored(tx, by, of); err != nil {
			return err
		}
		of.safely = of.safely || r.Safely
		sends, next := o.skip(of, now)
		for _, a := range rec.GetRows() {
			if a.GetRow() != of.number {
				continue
			}
			if a.StoredSafely = of.safely; sends != of.sends {
				a.Sends, a.NextSendAt = uint32(sends), next.UnixMilli()
			}
		}
		tx.After(func() { o.rows.setStored(of, by, sends, next, next.Sub(now)) })
	}
	return nil
}

// emitStored reports that the message of a row is stored, if that is news.
func (o *Outbox) emitStored(tx *ledger.Tx, by *Stored, r row) error {
	if !r.inHistory || r.inStore || r.delivered {
		return nil
	}
	m, found, err := o.Messages.Message(tx, r.id)
	if err != nil || !found || m.Stored || m.Delivered || m.Failed {
		return err
	}
	return tx.Emit(by.event(r))
}

// skip returns how often a row counts as sent, and when it is due after that: what silent
// people will find in the store skips most of its schedule. It does not while somebody's
// return hurries it.
func (o *Outbox) skip(r row, now time.Time) (sends int, next time.Time) {
	if !r.safely || r.sends >= skipTo || r.due.quick > 0 || o.isPresent(r.peer, now) || r.sends < skipAfter && !o.isSilent(r.peer) {
		return r.sends, r.due.next
	}
	o.silent(r.peer)
	return skipTo, now.Add(datasync.Backoff(skipTo+1, o.ResendBase, o.Rand))
}

// setStored notes that a row is stored, and when it is due for that.
func (s *rows) setStored(of row, by *Stored, sends int, next time.Time, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.find(attemptRow{mvds: of.mvds, number: of.number})
	if r == nil || r.at != of.at {
		return
	}
	r.setStored(by)
	r.safely = of.safely
	if sends != r.sends && r.due.quick == 0 {
		r.sends, r.due.next, r.due.regular, r.due.wait, r.due.early = sends, next, next, wait, time.Time{}
		s.place(r)
	}
}

// hastenLost brings the next sending of a row forward that got lost on its way. The one
// after that is due as if it had not been.
func (r *row) hastenLost(now time.Time) {
	if !r.idle() || r.due.quick > 0 || r.due.hastened >= r.soon(maxHastened) || !r.due.next.After(now) {
		return
	}
	r.due.hastened++
	r.due.early, r.due.next = r.due.next, now
}
