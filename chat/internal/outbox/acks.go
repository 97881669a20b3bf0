package outbox

import (
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

const (
	// maxAcksAtOnce limits the acknowledgements of one attempt, 32 bytes each.
	maxAcksAtOnce = min(1000, datasync.MaxIDs)
	// maxPendingAcks bounds what one flooding peer can make us keep: past it the oldest
	// are forgotten, and asked for again by the next resend.
	maxPendingAcks = 10000
	// unwelcomeAcks limits those for strangers and blocked people, for each message that is
	// kept of a stranger: fewer are enough for them.
	unwelcomeAcks = 2
	// repeatsAtOnce limits the exact copies of a person's messages that are acknowledged
	// again at once, and after that one per ResendBase. Everybody can publish such a copy,
	// and each answer is a step of our sending chain: unbounded, a stranger could use it up
	// (maxUnanswered).
	repeatsAtOnce = 20
	// acksAtOnce limits the envelopes that carry only acknowledgements to a person at once,
	// and after that one in a share of ResendBase (acksEvery), with the default one in 3.4 s:
	// well before the sender would send again. A person whose messages never end, or who
	// sends all of them again and again, costs us no envelope each time. Those that are full
	// are not held back.
	acksAtOnce = 20
	acksEvery  = 8
)

// pendingAcks are the acknowledgements that wait for one person. They wait AckDelay for
// others to go with, and go out with the next message if one is sent before. Spec: 2/MVDS,
// "Payloads".
type pendingAcks struct {
	ids [][32]byte
	due time.Time
}

// next returns the acknowledgements for the next attempt, at most maxAcksAtOnce. p may be
// nil.
func (p *pendingAcks) next() [][32]byte {
	if p == nil {
		return nil
	}
	return slices.Clone(p.ids[:min(len(p.ids), maxAcksAtOnce)])
}

// ackLimit returns the number of acknowledgements that may wait for a person.
func (o *Outbox) ackLimit(peer key.Public) int {
	if !o.isSelf(peer) && !o.People.Familiar(peer) {
		return unwelcomeAcks * o.StrangerMessages
	}
	return maxPendingAcks
}

// AcknowledgeAgain reports whether a copy of an old message of somebody is to be
// acknowledged once more, and counts it.
func (o *Outbox) AcknowledgeAgain(sender key.Public, now time.Time) bool {
	return o.repeats.Allow(sender, now)
}

// newAcks are the acknowledgements of one transaction, by recipient: those to one person
// are stored together, at its end.
type newAcks map[key.Public][][32]byte

// acksKey is the key of newAcks in ledger.Local.
type acksKey struct{}

// Acknowledge adds acknowledgements for messages of a person, by MVDS id. They are stored
// in the transaction that stores the messages.
func (o *Outbox) Acknowledge(tx *ledger.Tx, peer key.Public, ids [][32]byte) {
	all, first := ledger.Local[newAcks](tx, acksKey{})
	if first {
		*all = newAcks{}
		tx.AtEnd(func() error { return o.storeAcks(tx, *all) })
	}
	(*all)[peer] = append((*all)[peer], ids...)
}

func (o *Outbox) storeAcks(tx *ledger.Tx, all newAcks) error {
	for peer, ids := range all {
		if err := o.addAcks(tx, peer, ids); err != nil {
			return err
		}
	}
	return nil
}

func (o *Outbox) addAcks(tx *ledger.Tx, peer key.Public, ids [][32]byte) error {
	rec, all, err := readAcks(tx, peer)
	if err != nil {
		return err
	}
	known := idSet(all)
	for _, id := range ids {
		if !known[id] {
			known[id] = true
			all = append(all, id)
			rec.MvdsIds = append(rec.MvdsIds, id[:])
		}
	}
	surplus := max(0, len(all)-o.ackLimit(peer))
	all, rec.MvdsIds = all[surplus:], rec.GetMvdsIds()[surplus:]
	tx.After(func() { o.acksStored(peer, all) })
	return ledger.Put(tx, tableAcks, peer.Compressed(), rec)
}

// readAcks reads the acknowledgements that wait for somebody.
func readAcks(tx port.Tx, peer key.Public) (*wire.AcksRecord, [][32]byte, error) {
	var rec wire.AcksRecord
	if _, err := ledger.Get(tx, tableAcks, peer.Compressed(), &rec); err != nil {
		return nil, nil, err
	}
	all, err := ledger.IDs(rec.GetMvdsIds())
	return &rec, all, err
}

// acksStored updates the memory after the commit: all are now waiting for peer.
func (o *Outbox) acksStored(peer key.Public, all [][32]byte) {
	p := o.acks[peer]
	now := o.Now()
	if p == nil {
		p = &pendingAcks{due: latest(now.Add(o.AckDelay), o.acked.Next(peer, now))}
		o.acks[peer] = p
	}
	if p.ids = all; len(all) >= maxAcksAtOnce && p.due.After(now.Add(o.AckDelay)) {
		p.due = now.Add(o.AckDelay)
	}
}

// dropAcks removes the acknowledgements of an attempt from those that wait.
func (o *Outbox) dropAcks(tx *ledger.Tx, at *attempt) error {
	if len(at.acks) == 0 {
		return nil
	}
	rec, all, err := readAcks(tx, at.peer)
	if err != nil {
		return err
	}
	if len(at.rows) == 0 {
		tx.After(func() { o.acked.Allow(at.peer, o.Now()) })
	}
	carried := idSet(at.acks)
	rest := slices.DeleteFunc(all, func(id [32]byte) bool { return carried[id] })
	if len(rest) == 0 {
		tx.After(func() { delete(o.acks, at.peer) })
		return tx.Delete(tableAcks, at.peer.Compressed())
	}
	rec.MvdsIds = nil
	for _, id := range rest {
		rec.MvdsIds = append(rec.MvdsIds, id[:])
	}
	tx.After(func() { o.acksStored(at.peer, rest) })
	return ledger.Put(tx, tableAcks, at.peer.Compressed(), rec)
}

// Acknowledger is the device that sent acknowledgements, and what is known of its
// identity. Known installations have a place in the records of what they acknowledge.
type Acknowledger struct {
	Device
	Active []string // installations that get our messages
	Known  []string // all installations that bundles of the identity name
}

// Acknowledged notes that a device has our messages, by MVDS id: delivered at the first
// device, and sent no more when every device that gets them has it.
func (o *Outbox) Acknowledged(tx *ledger.Tx, by Acknowledger, ids [][32]byte) error {
	// A message is sent before it is delivered, in the store and in events.
	if err := o.Record(tx); err != nil {
		return err
	}
	done := make(map[[32]byte]bool, len(ids))
	var sent time.Time // of what was sent last
	for _, id := range ids {
		if done[id] {
			continue
		}
		done[id] = true
		r, ok := o.rows.forMVDS(id)
		var err error
		switch {
		case !ok:
			err = o.OwnDevices.Acknowledged(tx, by.Device, id)
		case r.peer == by.Peer:
			sent = latest(sent, r.onlySent())
			err = o.acknowledgedRow(tx, r, by)
		}
		if err != nil {
			return err
		}
	}
	if !sent.IsZero() {
		tx.After(func() { o.measured(by.Peer, o.Now().Sub(sent)) })
	}
	return nil
}

// onlySent returns when a row was published, if that was once: of one that was sent again
// nobody knows which sending was acknowledged. Else it returns the zero time.
// Spec: RFC 6298, "Taking RTT Samples".
func (r *row) onlySent() (at time.Time) {
	if r.sent != nil && r.sends == 1 && r.at.state == out && r.due.extra == 0 {
		at = r.sent.At
	}
	return at
}

// acknowledgedRow counts a device once, and only one that bundles of its identity name:
// of those there are session.MaxKnownInstallations at most, while anybody may make up
// ids. That the message was delivered any of them can say: the identity signed it.
func (o *Outbox) acknowledgedRow(tx *ledger.Tx, r row, by Acknowledger) error {
	if !slices.Contains(by.Known, by.Installation) && len(by.Active) > 0 {
		return o.DeviceHas(tx, r.id, by.Device)
	}
	before, gone, err := o.haveIt(tx, r)
	// A longer list is of an earlier version, which counted devices that nobody knew.
	if err != nil || gone || len(before) <= session.MaxKnownInstallations && slices.Contains(before, by.Installation) {
		return err
	}
	has := by.counted(before)
	if !slices.Contains(has, by.Installation) {
		has = append(has, by.Installation)
	}
	if slices.ContainsFunc(by.Active, func(id string) bool { return !slices.Contains(has, id) }) {
		err = o.noteHas(tx, r, has)
	} else {
		err = o.drop(tx, r)
	}
	if err != nil {
		return err
	}
	return o.DeviceHas(tx, r.id, by.Device)
}

// haveIt returns the devices that have what a row sends, and whether the row is gone, as the
// transaction has left it.
func (o *Outbox) haveIt(tx *ledger.Tx, r row) (devices []string, gone bool, err error) {
	if changed, known := o.changedRows(tx)[r.number]; known {
		return changed.acked, changed.gone, nil
	}
	if len(r.acked) < session.MaxKnownInstallations {
		return r.acked, false, nil
	}
	// Memory may have a part of it only: rowFromRecord.
	var rec wire.OutboxRecord
	found, err := ledger.Get(tx, tableRows, ledger.NumberKey(r.number), &rec)
	return rec.GetAcknowledgedBy(), !found, err
}

// noteHas stores which devices have what a row sends.
func (o *Outbox) noteHas(tx *ledger.Tx, r row, has []string) error {
	var rec wire.OutboxRecord
	if found, err := ledger.Get(tx, tableRows, ledger.NumberKey(r.number), &rec); err != nil || !found {
		return err
	}
	rec.AcknowledgedBy = has
	o.changedRows(tx)[r.number] = changedRow{acked: has}
	tx.After(func() { o.rows.change(r.mvds, func(r *row) { r.acked, r.delivered = has, true }) })
	return ledger.Put(tx, tableRows, ledger.NumberKey(r.number), &rec)
}

// changedRow is a row as a transaction has left it: memory follows after the commit.
type changedRow struct {
	acked []string
	gone  bool
}

// changedRowsKey is the key of the changed rows, by number, in ledger.Local.
type changedRowsKey struct{}

func (o *Outbox) changedRows(tx *ledger.Tx) map[uint64]changedRow {
	rows, first := ledger.Local[map[uint64]changedRow](tx, changedRowsKey{})
	if first {
		*rows = map[uint64]changedRow{}
	}
	return *rows
}

// counted returns those of a list that are still known.
func (by Acknowledger) counted(list []string) (counted []string) {
	for _, id := range by.Known {
		if slices.Contains(list, id) {
			counted = append(counted, id)
		}
	}
	return counted
}

// DeviceHas notes that a device has a message. If the message had failed it is delivered by
// that, and not kept for another try any more.
func (o *Outbox) DeviceHas(tx *ledger.Tx, id [32]byte, by Device) error {
	afterFailure, err := o.Messages.Acknowledged(tx, id, by.Installation, o.isSelf(by.Peer))
	if err != nil || !afterFailure {
		return err
	}
	return o.forgetFailed(tx, by.Peer, id)
}

// dropComplete removes from the outbox the rows that every device has by now, since those
// that lacked them are disabled or gone, and the rows for own devices when there is none
// any more. It returns the other rows.
func (o *Outbox) dropComplete(peer key.Public, to Recipient, rows []row) []row {
	complete := func(r row) bool {
		missing := slices.ContainsFunc(to.Devices, func(id string) bool { return !slices.Contains(r.acked, id) })
		return !missing && (len(to.Devices) != 0 || o.isSelf(peer))
	}
	if !slices.ContainsFunc(rows, complete) {
		return rows
	}
	var rest, done []row
	for _, r := range rows {
		if complete(r) {
			done = append(done, r)
		} else {
			rest = append(rest, r)
		}
	}
	err := o.Ledger.Update(func(tx *ledger.Tx) error {
		for _, r := range done {
			if err := o.keepSent(tx, r); err != nil {
				return err
			}
			if err := o.drop(tx, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.postpone(peer, done, "taking out what every device has failed", err)
	}
	return rest
}

func idSet(ids [][32]byte) map[[32]byte]bool {
	set := make(map[[32]byte]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// A receiver refuses a message more than 1000 steps ahead of the last one it has of a
// sending chain. A chain that is not answered is therefore held: up to maxUnanswered
// messages go out as they are due, up to maxProbed one at a time, less and less often, so
// that somebody who comes back hears from us; then nothing, until an answer or a new
// bundle of theirs.
const (
	// maxUnanswered leaves room for the probes.
	maxUnanswered = 800
	// maxProbed is below the receivers' limit of 1000 steps.
	maxProbed = 990
	// probeEvery is the longest wait between two probes: those there is room for last
	// about a week.
	probeEvery = time.Hour
	// maxDoublings bounds the shift of the wait.
	maxDoublings = 10
)

// hold counts the probes to a person to whom sending is held.
type hold struct {
	probes int
	next   time.Time // when the next probe may go
}

// heldUntil reports whether sending to a person is held now, and until when. It counts a
// probe when it lets something pass although the chain is too long.
func (o *Outbox) heldUntil(peer key.Public, to Recipient, now time.Time) (until time.Time, held bool) {
	if to.Unanswered < maxUnanswered {
		delete(o.holds, peer)
		return now, false
	}
	h := o.holds[peer]
	if h == nil {
		h = &hold{next: now.Add(o.ResendBase)}
		o.holds[peer] = h
	}
	if to.Unanswered >= maxProbed {
		return now.Add(probeEvery), true
	}
	if now.Before(h.next) {
		return h.next, true
	}
	h.probes++
	h.next = now.Add(min(o.ResendBase<<min(h.probes, maxDoublings), probeEvery))
	return now, false
}

// holdAcks postpones the acknowledgements for peer.
func (o *Outbox) holdAcks(peer key.Public, until time.Time) {
	if p := o.acks[peer]; p != nil {
		p.due = until
	}
}

// hold postpones the messages for peer: all that would be due before, because a look at what
// is due lists only some of a long backlog, and the rest would have the loop look again.
func (s *rows) hold(peer key.Public, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.idleOf(peer) {
		if r.due.next.Before(until) {
			r.due.next, r.due.quick = until, 0
			s.place(r)
		}
	}
}
