package outbox

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The sending pipeline, second half. The first half is in chat/send.go; sealing is in
// chat/seal.go.
//
//	due rows and acknowledgements, by person -> seal -> one transaction: sessions,
//	ciphertext, acknowledgements that go with it -> publish -> record as published (rides
//	the next transaction)
//
// An attempt is stored before it is published and its ciphertext is erased when that is
// known to have happened, so a crash publishes the same bytes again: no message key ever
// encrypts two plaintexts. An MVDS resend is a new attempt with a new ciphertext.

// attempt is one ciphertext that carries messages, acknowledgements, both, or neither: an
// answer, or our profile. It goes in one envelope, or in several if it is large.
type attempt struct {
	id           uint64
	peer         key.Public
	rows         []attemptRow
	hasRows      bool // it was made for rows, though they may be gone
	acks         [][32]byte
	contentTopic string
	envelopes    envelopes
	resends      int                    // rows that were sent before
	save         func(*ledger.Tx) error // what is stored with it beside; nil once it is

	tried    bool // it may be out, though it is not known to be
	needless bool // nobody waits for the rest of its envelopes
	damaged  bool // the store has lost one of its envelopes
	evidence port.Evidence
	failure  port.Code   // why it can never be published
	sent     *Sent       // set once it is out
	events   []sentEvent // that its messages are sent then
}

// attemptRow is a row of the outbox in an attempt.
type attemptRow struct {
	mvds   [32]byte
	number uint64
	sends  int // how often it was sent by its schedule, with this attempt
}

// record is the record of an attempt that is not out.
func (at *attempt) record() *wire.AttemptRecord {
	rec := &wire.AttemptRecord{
		Id: at.id, Peer: at.peer.Compressed(), ContentTopic: strings.Clone(at.contentTopic),
	}
	at.envelopes.addTo(rec)
	for _, a := range at.rows {
		rec.Rows = append(rec.Rows, &wire.AttemptRowRecord{Row: a.number, Sends: uint32(a.sends)})
	}
	return rec
}

const (
	// maxBatchMessages bounds the messages of one attempt, beside their bytes: see
	// MaxMessage.
	maxBatchMessages = 100
	// maxAttempts bounds the attempts of one transaction.
	maxAttempts = 64
	// Messages that go together take up to one batchShare-th of an envelope, for all devices
	// together, and acknowledgements with them one ackShare-th: with headers and bundles
	// that is less than the three quarters above which an attempt goes in several envelopes.
	batchShare, ackShare = 2, 6
)

// perDevice divides the room in an envelope, since each device gets a ciphertext of its
// own.
func (r Recipient) perDevice(room int) int { return room / max(1, len(r.Devices)) }

// Work does what is due: it tries what has failed again for those who are back, and as
// long as the network is there it seals, stores and publishes. What went out is recorded
// in any case, and what store nodes have. An error is of the store.
func (o *Outbox) Work(t *ledger.Turn) error {
	// First, so that messages tried again go out in this turn.
	err := o.reviveForReturns()
	if t.Online {
		if failed := o.send(); failed != nil {
			return errors.Join(err, failed)
		}
	}
	err = errors.Join(err, o.recordDue(o.Now()), o.recordProgress(), o.noteStored())
	if err == nil && t.Online {
		o.asker.Ask(o.Now(), o.rows.attemptsOut)
	}
	return err
}

// send publishes and seals in turn, until nothing is due or the network takes no more.
func (o *Outbox) send() error {
	for !o.Stopping() {
		// Publish before sealing more: attempts go out in the order of their ciphertexts, and a
		// network that takes nothing gets no backlog of attempts.
		if !o.publishAll() {
			break
		}
		attempts := o.seal()
		if len(attempts) == 0 {
			break
		}
		if err := o.commit(attempts); err != nil {
			o.Log.Log("error", "storing attempts failed", "code", string(port.CodeOf(err)))
			return err
		}
	}
	return nil
}

// seal makes an attempt for each person to whom something is due.
func (o *Outbox) seal() (attempts []*attempt) {
	now := o.Now()
	o.largeSealed = false
	answered := map[key.Public]bool{}
	for _, sealed := range o.Sealer.Answers(now, maxAttempts) {
		answered[sealed.To] = true
		attempts = append(attempts, attemptOf(sealed))
	}
	due := o.rows.due(now)
	people := map[key.Public]bool{}
	for peer := range due {
		people[peer] = true
	}
	for peer, p := range o.acks {
		if !p.due.After(now) {
			people[peer] = true
		}
	}
	var batches []*batch
	for _, peer := range sorted(people) {
		if answered[peer] {
			continue // their sessions are one step further only after this transaction
		}
		if len(attempts)+len(batches) >= maxAttempts {
			break
		}
		if b := o.batchFor(peer, due[peer], now); b != nil {
			batches = append(batches, b)
		}
	}
	return append(attempts, o.sealBatches(batches, now)...)
}

// batchFor gathers what goes to a person now; nil if there is nothing, or it must wait.
func (o *Outbox) batchFor(peer key.Public, rows []row, now time.Time) *batch {
	to, err := o.Sealer.Recipient(peer)
	if err != nil {
		o.postpone(peer, rows, "reading a peer failed", err)
		return nil
	}
	// Before anything is sealed: a row that is finished must not cost a step of a ratchet.
	rows = o.dropComplete(peer, to, o.giveUpSpent(rows, to))
	rows = o.awaitPeer(peer, rows, to, now)
	acks := o.acks[peer].next()
	if to.Mute {
		o.holdAcks(peer, now.Add(waitAgain))
		acks = nil
	}
	room := to.perDevice(o.Network.MaxPayload() / batchShare)
	rows = o.oneAtATime(rows, room, len(acks) > 0)
	if len(rows) == 0 && len(acks) == 0 {
		return nil
	}
	// Last, because it counts a probe when it lets something pass.
	if until, held := o.heldUntil(peer, to, now); held {
		o.rows.hold(peer, until)
		o.holdAcks(peer, until)
		return nil
	}
	return &batch{to: peer, rows: firstRows(rows, room), acks: to.atMost(acks, o.Network.MaxPayload())}
}

// atMost returns those of acknowledgements that fit into an attempt with messages.
func (r Recipient) atMost(acks [][32]byte, envelope int) [][32]byte {
	most := max(1, r.perDevice(envelope/ackShare)/datasync.AckSize)
	return acks[:min(len(acks), most)]
}

// giveUpSpent gives up the rows that had all their attempts, or do not fit for all devices
// together, and returns the others.
func (o *Outbox) giveUpSpent(rows []row, to Recipient) []row {
	cause := func(r row) port.Code {
		switch {
		case to.tooLarge(r):
			return port.CodeTooLarge
		case r.sends >= datasync.MaxSends && r.due.quick == 0:
			return port.CodeUndeliverable
		}
		return ""
	}
	if !slices.ContainsFunc(rows, func(r row) bool { return cause(r) != "" }) {
		return rows
	}
	var rest []row
	for _, r := range rows {
		code := cause(r)
		if code == "" {
			rest = append(rest, r)
			continue
		}
		err := o.Ledger.Update(func(tx *ledger.Tx) error { return o.giveUp(tx, r, code) })
		if err != nil {
			o.Log.Log("error", "giving a message up failed", "code", string(port.CodeOf(err)))
			o.rows.change(r.mvds, func(r *row) { r.due.next = o.Now().Add(o.ResendBase) })
		}
	}
	return rest
}

// batch is the content of one attempt: messages and acknowledgements for one person.
type batch struct {
	to   key.Public
	rows []row
	acks [][32]byte
}

// firstRows returns the longest run of rows from the front that fits into one attempt, with
// room bytes for each device. All of them go to the same devices.
func firstRows(rows []row, room int) []row {
	size := 0
	for i, r := range rows {
		size += r.size + datasync.MessageOverhead
		if i > 0 && (size > room || i == maxBatchMessages || !slices.Equal(r.acked, rows[0].acked)) {
			return rows[:i]
		}
	}
	return rows
}

// sealBatches has the sealer encrypt the batches. One that cannot be sealed is postponed.
func (o *Outbox) sealBatches(batches []*batch, now time.Time) (attempts []*attempt) {
	if len(batches) == 0 {
		return nil
	}
	payloads := make([]Payload, len(batches))
	for i, b := range batches {
		payloads[i] = Payload{To: b.to, Introduces: o.introduces(b, now), Plaintext: func() ([]byte, error) { return o.plaintext(b) }}
		if len(b.rows) > 0 {
			payloads[i].Except = b.rows[0].acked
		}
	}
	for i, result := range o.Sealer.Seal(now, payloads) {
		b := batches[i]
		if result.Err != nil {
			o.postpone(b.to, b.rows, "sealing failed", result.Err)
			continue
		}
		var at *attempt
		for _, sealed := range result.Attempts {
			at = attemptOf(sealed)
			attempts = append(attempts, at)
		}
		b.goWith(at)
	}
	return attempts
}

func attemptOf(s Sealed) *attempt {
	return &attempt{peer: s.To, contentTopic: s.ContentTopic, envelopes: envelopes{sealed: s.Envelopes, count: len(s.Envelopes)}, save: s.Save}
}

// introduces reports whether a batch is a reason to introduce ourselves: it has a message
// that goes out for the first time, or one for somebody who is there.
func (o *Outbox) introduces(b *batch, now time.Time) bool {
	return slices.ContainsFunc(b.rows, func(r row) bool { return r.sends == 0 || o.isPresent(b.to, now) })
}

// goWith notes the content of the batch in the attempt that carries it.
func (b *batch) goWith(at *attempt) {
	at.acks, at.hasRows = b.acks, len(b.rows) > 0
	for _, r := range b.rows {
		at.rows = append(at.rows, attemptRow{r.mvds, r.number, r.sendsThen()})
		at.resends += min(r.sends, 1)
	}
}

// plaintext is the MVDS payload of a batch. Spec: 2/MVDS, "Payloads".
func (o *Outbox) plaintext(b *batch) ([]byte, error) {
	messages, err := o.messages(b.rows)
	if err != nil {
		return nil, err
	}
	return datasync.Encode(datasync.Payload{Acks: b.acks, Messages: messages})
}

// messages returns the MVDS messages of rows: from memory, or else from the store.
func (o *Outbox) messages(rows []row) ([]datasync.Message, error) {
	messages := make([]datasync.Message, len(rows))
	var missing []int
	for i, r := range rows {
		if r.body != nil {
			messages[i] = *r.body
		} else {
			missing = append(missing, i)
		}
	}
	if len(missing) == 0 {
		return messages, nil
	}
	self := *o.self.Load()
	err := o.Ledger.View(func(tx port.Tx) error {
		for _, i := range missing {
			var rec wire.OutboxRecord
			found, err := ledger.Get(tx, tableRows, ledger.NumberKey(rows[i].number), &rec)
			if err != nil {
				return err
			}
			if !found {
				return port.Errorf(port.CodeStoreCorrupt, "", "a message of the outbox is missing")
			}
			messages[i] = groupMessage(self, rows[i].peer, &rec)
		}
		return nil
	})
	return messages, err
}

// commit stores attempts, and records in the same transaction which earlier ones were
// published. If that cannot be stored, both parts are stored separately, in smaller
// transactions where needed, so that only the damaged piece is left out.
func (o *Outbox) commit(attempts []*attempt) error {
	store := func(some []*attempt) error {
		return o.Ledger.Update(func(tx *ledger.Tx) error { return o.storeAttempts(tx, some) })
	}
	err := store(attempts)
	if err != nil && !ledger.Passing(err) {
		// Separately, so that a damaged record of a published attempt does not count against
		// the new ones.
		if err := o.recordPublished(); err != nil {
			return err
		}
		_, err = ledger.Isolated(attempts, store, o.unstorable)
	}
	return err
}

// storeAttempts stores attempts, and what was published before, which could wait: so it
// shares the write to the disk that the attempts need anyway.
func (o *Outbox) storeAttempts(tx *ledger.Tx, attempts []*attempt) error {
	if err := o.Record(tx); err != nil {
		return err
	}
	for _, at := range attempts {
		if err := o.storeAttempt(tx, at); err != nil {
			return err
		}
	}
	tx.After(func() {
		for _, at := range attempts {
			at.save = nil // it holds the sessions as they were
		}
		o.unpublished = append(o.unpublished, attempts...)
		o.Stored()
		o.Ledger.Probe(ledger.ProbeBeforePublish)
	})
	return nil
}

func (o *Outbox) storeAttempt(tx *ledger.Tx, at *attempt) error {
	// Ids only grow, also past a transaction that fails: publishing follows their order.
	o.lastAttempt++
	at.id = o.lastAttempt
	// The sessions go with the ciphertext that they made. If only one of both were stored, a
	// crash would encrypt another plaintext with the same message key, or skip one.
	if err := at.save(tx); err != nil {
		return err
	}
	if err := o.dropAcks(tx, at); err != nil {
		return err
	}
	// From here on the record of this attempt speaks for its rows. An earlier record that
	// does must give them up in the same transaction, or both would make them due after a
	// restart; and the evidence in it moves to the record of the message.
	for _, r := range o.rows.recordedIn(at) {
		if err := o.keepSent(tx, r); err != nil {
			return err
		}
		if err := o.leaveRecord(tx, r); err != nil {
			return err
		}
	}
	if at.resends > 0 {
		o.AwaitedChanged() // also if it is not stored: it only has a look taken
	}
	// Memory follows the commit, so that a failed transaction leaves the rows due.
	tx.After(func() {
		if !o.rows.stored(at) {
			o.Log.Log("error", "an attempt has a row that cannot be in it", "attempt", at.id)
		}
	})
	if err := o.storeEnvelopes(tx, &at.envelopes); err != nil {
		return err
	}
	return ledger.Put(tx, tableAttempts, ledger.NumberKey(at.id), at.record())
}

// unstorable postpones the content of an attempt that cannot be stored.
func (o *Outbox) unstorable(at *attempt, err error) {
	o.Drop("attempt_" + ledger.Unstorable(err))
	o.postpone(at.peer, o.rows.in(at), "an attempt cannot be stored", err)
}

// postpone delays rows and acknowledgements that cannot go out now, so that the loop does
// not spin.
func (o *Outbox) postpone(peer key.Public, rows []row, why string, err error) {
	if err != nil {
		o.Log.Log("error", why, "error", err.Error())
	}
	until := o.Now().Add(o.ResendBase)
	for _, r := range rows {
		o.rows.change(r.mvds, func(r *row) { r.due.next = until })
	}
	if p := o.acks[peer]; p != nil {
		p.due = until
	}
}

// sorted gives the keys of a set in an order that is always the same.
func sorted(set map[key.Public]bool) []key.Public {
	return slices.SortedFunc(maps.Keys(set), func(a, b key.Public) int {
		return slices.Compare(a.Compressed(), b.Compressed())
	})
}
