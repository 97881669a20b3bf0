package outbox

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/parallel"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/wire"
)

// When an attempt is published, its messages become sent, and each is due again after a
// while. In memory that is so at once. The store follows in the next transaction that comes
// along, or a short time later in one of its own: the ciphertext is erased, and the rest of
// the record of the attempt stores those times, until its last row is gone. A crash before
// that publishes the same bytes again.
//
// That a message was sent is stored once for all messages of an attempt, in that record; in
// memory the row has it. The message's own record says "queued" until its next change: when
// it is delivered, has failed, or goes out in a second attempt. Records are stored under
// keyed hashes, so writing each again would be half the cost of sending.

// stateSent is the state of such a message, as event.MessageState names it.
const stateSent = "sent"

// publishAll hands stored attempts to the network, oldest first, and reports whether it
// takes more. Of an attempt that has many envelopes only some go in one call, so that it
// holds up no other. Of those under way the network is asked again once it knows more.
func (o *Outbox) publishAll() bool {
	if o.confirmed.Swap(false) {
		o.unpublished, o.underWay, o.busy = append(o.underWay, o.unpublished...), nil, false
	}
	if o.busy {
		return false
	}
	var rest []*attempt
	for i, at := range o.unpublished {
		before := at.envelopes.out
		err := o.publish(at)
		o.reportProgress(at, before)
		if at.damaged {
			o.unrecordable(at, err)
			continue
		}
		if errors.Is(err, port.ErrUnderWay) {
			o.underWay = append(o.underWay, at)
			continue
		}
		if o.busy = errors.Is(err, port.ErrBusy); err != nil {
			o.Log.Log("info", "publishing failed", "error", err.Error())
			o.unpublished = append(rest, o.unpublished[i:]...)
			return false
		}
		if !at.done() {
			rest = append(rest, at)
			continue
		}
		if !at.needless {
			o.sent.Add(uint64(len(at.rows) - at.resends))
			o.resent.Add(uint64(at.resends))
		}
		o.wentOut(at)
	}
	o.unpublished = rest
	return true
}

// publish publishes the next envelopes of an attempt. Its error is that the network, or the
// store, is not there.
func (o *Outbox) publish(at *attempt) error {
	if o.isNeedless(at) {
		at.needless = true
		return nil
	}
	for n := 0; n < publishAtOnce && !at.done(); n++ {
		b, err := o.nextEnvelope(at)
		if err != nil {
			return err
		}
		evidence, err := o.Network.Publish(at.contentTopic, b, o.rows.latestClock(at))
		switch {
		case errors.Is(err, port.ErrTooLarge):
			at.failure = port.CodeTooLarge
		case err != nil:
			at.tried = at.tried || !errors.Is(err, port.ErrNoPeers) && !errors.Is(err, port.ErrBusy)
			return err
		}
		o.Ledger.Probe(ledger.ProbeBeforeMark)
		at.evidence, at.tried = evidence, true
		at.envelopes.published(evidence)
	}
	return nil
}

// done reports whether nothing of an attempt is to be published any more.
func (at *attempt) done() bool {
	return at.failure != "" || at.needless || at.envelopes.out >= at.envelopes.count
}

// publishedRow is a row that has been published, and when it is due again.
type publishedRow struct {
	row   row
	sends int       // how often it was sent by its schedule, or counts as sent
	extra int       // how often it was sent beside it
	now   time.Time // when it was published
	next  time.Time // when it is due again
	sent  *Sent     // that its message is sent now; nil if it was before
	// If next is not one of its regular times: the number of such sendings left, and the
	// next regular time.
	quick   int
	regular time.Time
}

// wentOut has the rows of an attempt that is out follow it, in memory. Those of one that can
// never be published stay in it until the store knows.
func (o *Outbox) wentOut(at *attempt) {
	now := o.Now()
	if by := now.Add(at.recordWait()); len(o.unrecorded) == 0 || by.Before(o.recordBy) {
		o.recordBy = by
	}
	o.unrecorded = append(o.unrecorded, at)
	if at.failure != "" {
		return
	}
	at.sent = &Sent{Evidence: at.evidence, At: now}
	var first []row // whose messages become sent by it
	for _, r := range o.rows.in(at) {
		p := o.dueAgain(r, now)
		if r.firstSent() {
			p.sent, first = at.sent, append(first, r)
		}
		if !o.rows.published(p, at.id) {
			o.Log.Log("error", "a row is published by an attempt it is not in", "attempt", at.id)
		}
	}
	// Encoded here, because only one transaction runs at a time.
	at.events = make([]sentEvent, len(first))
	parallel.Do(len(first), func(i int) { at.events[i] = at.sent.encoded(first[i]) })
}

// sentEvent is the event that the message of a row is sent; data is nil if it cannot be
// encoded.
type sentEvent struct {
	row  uint64
	data []byte
}

func (s *Sent) encoded(r row) sentEvent {
	data, _ := json.Marshal(s.event(r))
	return sentEvent{r.number, data}
}

// event reports that the message of a row is sent.
func (s *Sent) event(r row) event.MessageState {
	return event.MessageState{
		MessageID: "0x" + hex.EncodeToString(r.id[:]), ChatID: r.peer.Hex(), ClientRef: r.clientRef, State: stateSent,
		Evidence: &event.Evidence{Kind: s.Evidence.Kind, Peers: s.Evidence.Peers, At: s.At.UnixMilli()},
	}
}

// recordedKey is the key in ledger.Local of whether a transaction has recorded what is out.
type recordedKey struct{}

// Record stores, once in a transaction of a Turn, that attempts are out.
func (o *Outbox) Record(tx *ledger.Tx) error {
	if _, first := ledger.Local[struct{}](tx, recordedKey{}); !first {
		return nil
	}
	return o.recordAll(tx, o.unrecorded)
}

// recordAll erases the ciphertext of attempts that are out and stores when their messages are
// due again.
func (o *Outbox) recordAll(tx *ledger.Tx, attempts []*attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	for _, at := range attempts {
		if err := o.recordOut(tx, at); err != nil {
			return err
		}
	}
	tx.After(func() { o.recorded(attempts) })
	return nil
}

func (o *Outbox) recordOut(tx *ledger.Tx, at *attempt) error {
	if err := o.dropEnvelopes(tx, &at.envelopes, at.envelopes.count); err != nil {
		return err
	}
	rec := &wire.AttemptRecord{Id: at.id}
	o.changed(tx)[at.id] = rec
	at.sent.addTo(rec)
	o.watch(tx, at, rec)
	there := map[uint64]bool{}
	for _, r := range o.rows.in(at) {
		switch {
		case at.failure != "":
			if err := o.giveUp(tx, r, at.failure); err != nil {
				return err
			}
		case r.at == stage{out, at.id}:
			there[r.number] = true
			rec.Rows = append(rec.Rows, &wire.AttemptRowRecord{
				Row: r.number, Sends: uint32(r.sends), NextSendAt: r.due.regular.UnixMilli(), Extra: uint32(r.due.extra),
				StoredSafely: r.safely,
			})
		}
	}
	for _, e := range at.events {
		if e.data == nil || !there[e.row] {
			continue
		}
		if err := tx.EmitEncoded(event.MessageState{}.Type(), e.data); err != nil {
			return err
		}
	}
	return nil
}

// recorded forgets attempts of which the store knows that they are out, or never will.
func (o *Outbox) recorded(attempts []*attempt) {
	o.unrecorded = slices.DeleteFunc(slices.Clone(o.unrecorded), func(at *attempt) bool { return slices.Contains(attempts, at) })
}

// RecordApart stores what was published, if anything is to be, without the transaction that it
// came along with and that has failed. It reports whether that can be tried again without it;
// its error is one that passes.
func (o *Outbox) RecordApart() (again bool, err error) {
	if len(o.unrecorded) == 0 {
		return false, nil
	}
	err = o.recordPublished()
	return err == nil, err
}

// How long what is out may wait for a transaction that comes along. After a crash meanwhile it
// is published once more.
const (
	// recordMessageWait is too short for a person to tell queued from sent.
	recordMessageWait = 50 * time.Millisecond
	// recordOtherWait is for what nobody is told of: most people have written something by
	// then, which saves a commit and a wake-up for each message that was acknowledged alone.
	recordOtherWait = time.Minute
)

// recordWait returns how long the record of an attempt may wait.
func (at *attempt) recordWait() time.Duration {
	if at.hasRows {
		return recordMessageWait
	}
	return recordOtherWait
}

// recordDue records what is out when it has waited for long enough; what could not be
// published does not wait.
func (o *Outbox) recordDue(now time.Time) error {
	failed := slices.ContainsFunc(o.unrecorded, func(at *attempt) bool { return at.failure != "" })
	if !failed && now.Before(o.recordBy) {
		return nil
	}
	return o.recordPublished()
}

// recordPublished stores that attempts are out, if no other transaction did.
func (o *Outbox) recordPublished() error {
	if len(o.unrecorded) == 0 {
		return nil
	}
	record := func(some []*attempt) error {
		return o.Ledger.Update(func(tx *ledger.Tx) error { return o.recordAll(tx, some) })
	}
	_, err := ledger.Isolated(o.unrecorded, record, func(at *attempt, err error) {
		o.recorded([]*attempt{at})
		o.unrecordable(at, err)
	})
	if err != nil {
		o.Log.Log("error", "recording what was published failed", "code", string(port.CodeOf(err)))
	}
	return err
}

// unrecordable leaves the ciphertext in the store of an attempt that is published, or cannot
// be read. Its messages are due again, as if the envelope was lost on its way.
func (o *Outbox) unrecordable(at *attempt, err error) {
	o.Log.Log("error", "the record of an attempt cannot be read or written", "code", string(port.CodeOf(err)))
	o.Drop("attempt_" + ledger.Unstorable(err))
	now := o.Now()
	for _, r := range o.rows.in(at) {
		if r.at.state == inAttempt {
			o.rows.published(o.dueAgain(r, now), at.id)
		}
	}
}

// dueAgain computes when a row that has just been published is due again.
func (o *Outbox) dueAgain(r row, now time.Time) publishedRow {
	p := publishedRow{row: r, sends: r.sends, extra: r.due.extra, now: now}
	base := o.wait(r.peer, now)
	if r.due.quick == 0 {
		p.sends, p.next = o.skip(r, now)
		if p.sends == r.sends {
			// What went out early, on its own or along with others, is due again as if it had not.
			p.next = latest(latest(now, r.due.next), r.due.early).Add(datasync.Backoff(r.sends, base, o.Rand))
		}
		p.regular = p.next
		return p
	}
	p.extra++
	p.next = now.Add(datasync.Backoff(r.due.sent+1, base, o.Rand))
	if r.due.quick > 1 && p.next.Before(r.due.regular) {
		p.quick, p.regular = r.due.quick-1, r.due.regular
		return p
	}
	if p.next = r.due.regular; p.next.Before(now.Add(o.ResendBase)) {
		p.next = now.Add(o.ResendBase)
	}
	p.regular = p.next
	return p
}

// SentState returns the evidence that a message was sent and is stored, which its own
// record may lack; nil if it was not, or the record has it. waits reports whether it waits for
// a handshake with its recipient, and known whether the message is in the outbox.
func (o *Outbox) SentState(id [32]byte) (sent *Sent, stored *Stored, waits, known bool) {
	o.rows.mu.Lock()
	defer o.rows.mu.Unlock()
	r := o.rows.byMessage[id]
	if r == nil {
		return nil, nil, false, false
	}
	return r.sent, r.stored, r.awaits, true
}

// keepSent stores in the record of a message that it was sent, and that it is stored,
// because its row leaves the attempt whose record says so.
func (o *Outbox) keepSent(tx *ledger.Tx, r row) error {
	if r.delivered || r.sent == nil && r.stored == nil {
		return nil
	}
	return o.Messages.Sent(tx, r.id, r.sent, r.stored)
}

// changedRecords are records of attempts that one transaction changes, by id: each is
// read once, and written once at the end.
type changedRecords map[uint64]*wire.AttemptRecord

// recordsKey is the key of changedRecords in ledger.Local.
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

// recordOf returns the record of an attempt that is out, to be changed.
func (o *Outbox) recordOf(tx *ledger.Tx, id uint64) (*wire.AttemptRecord, error) {
	if err := o.Record(tx); err != nil {
		return nil, err
	}
	changed := o.changed(tx)
	if rec := changed[id]; rec != nil {
		return rec, nil
	}
	rec := &wire.AttemptRecord{}
	if _, err := ledger.Get(tx, tableAttempts, ledger.NumberKey(id), rec); err != nil {
		return nil, err
	}
	changed[id] = rec
	return rec, nil
}

// leaveRecord removes a row that is gone, or goes out by another attempt, from the record
// of its last attempt. The record of an attempt that is not out yet is left alone, because
// the attempt must be published as it is stored.
func (o *Outbox) leaveRecord(tx *ledger.Tx, r row) error {
	if r.at.state != out {
		return nil
	}
	rec, err := o.recordOf(tx, r.at.attempt)
	if err != nil {
		return err
	}
	rec.Rows = slices.DeleteFunc(rec.Rows, func(a *wire.AttemptRowRecord) bool { return a.GetRow() == r.number })
	return nil
}

// Sent is the evidence that the messages of an attempt were sent.
type Sent struct {
	Evidence port.Evidence
	At       time.Time
}

// addTo writes it into the record of its attempt. s may be nil.
func (s *Sent) addTo(rec *wire.AttemptRecord) {
	if s != nil {
		rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = string(s.Evidence.Kind), uint32(s.Evidence.Peers), s.At.UnixMilli()
	}
}

// sentOf reads what addTo wrote; nil if there is nothing.
func sentOf(rec *wire.AttemptRecord) *Sent {
	if rec.GetEvidenceAt() == 0 {
		return nil
	}
	return &Sent{
		Evidence: port.Evidence{Kind: enum.EvidenceKind(rec.GetEvidenceKind()), Peers: int(rec.GetEvidencePeers())},
		At:       time.UnixMilli(rec.GetEvidenceAt()),
	}
}
