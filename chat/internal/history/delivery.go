package history

import (
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/session"
	"libstatus1to1/chat/wire"
)

// The states of outgoing messages, as the outbox reports them. That messages were sent is
// stored once for all of an attempt, in the outbox. Their own records learn it with their
// next change: records are stored under keyed hashes, so writing each again would be half
// the cost of sending. Therefore a record that is read is first brought up to date
// (overlay).

// Record reads a message in its current state; found is false if it is in no history.
func (h *History) Record(tx port.Tx, id [32]byte) (rec *wire.MessageRecord, found bool, err error) {
	rec = &wire.MessageRecord{}
	if found, err = ledger.Get(tx, TableMessages, id[:], rec); err != nil || !found || h.Cleared(rec) {
		return nil, false, err
	}
	h.overlay(rec)
	return rec, true, nil
}

// overlay sets a record to the state that the outbox has in memory. It reports whether the
// outbox knows the message.
func (h *History) overlay(rec *wire.MessageRecord) bool {
	if !rec.GetOutgoing() || len(rec.GetId()) != 32 {
		return false
	}
	p, known := h.Outbox.Sending([32]byte(rec.GetId()))
	p.set(rec)
	return known
}

// set brings a record to the state that a message has reached. It reports whether that
// changes it.
func (p Progress) set(rec *wire.MessageRecord) (changed bool) {
	rec.WaitsForPeer = p.Waits
	if p.Sent != nil {
		changed = SetSent(rec, *p.Sent)
	}
	if p.Stored != nil && become(rec, Stored) {
		rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = evidenceStore, uint32(len(p.Stored.Nodes)), p.Stored.At.UnixMilli()
		rec.EvidenceNodes, changed = p.Stored.Nodes, true
	}
	return changed
}

// overlayAll is overlay for records that were just read, outside of a transaction. A record
// that says "queued" while the message is no longer in the outbox has changed after it was
// read, so it is read again.
func (h *History) overlayAll(records ...*wire.MessageRecord) error {
	for _, rec := range records {
		state := StateOf(rec)
		if state != Queued && state != Sent || h.overlay(rec) || state == Sent {
			continue
		}
		if _, err := h.Ledger.Get(TableMessages, rec.GetId(), rec); err != nil {
			return err
		}
	}
	return nil
}

// SetSent brings a record that is queued to the state Sent; it reports whether it was.
func SetSent(rec *wire.MessageRecord, by Sending) bool {
	if !become(rec, Sent) {
		return false
	}
	rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceAt = string(by.Evidence.Kind), uint32(by.Evidence.Peers), by.At.UnixMilli()
	return true
}

// Sent stores that a message was sent, and stored. The events of that were emitted before.
func (h *History) Sent(tx *ledger.Tx, id [32]byte, p Progress) error {
	var rec wire.MessageRecord
	found, err := ledger.Get(tx, TableMessages, id[:], &rec)
	if err != nil || !found || !p.set(&rec) {
		return err
	}
	return ledger.Put(tx, TableMessages, id[:], &rec)
}

// Fail ends a message that is not delivered, and emits its new state.
func (h *History) Fail(tx *ledger.Tx, id [32]byte, code port.Code) error {
	rec, found, err := h.Record(tx, id)
	if err != nil || !found || !become(rec, Failed) {
		return err
	}
	rec.Failure = string(code)
	return putState(tx, rec)
}

// FailAgain gives a message that has failed another reason, and emits it.
func (h *History) FailAgain(tx *ledger.Tx, rec *wire.MessageRecord, code port.Code) error {
	rec.Failure = string(code)
	return putState(tx, rec)
}

// Requeue makes a message that has failed queued again, as it was when it was written.
func (h *History) Requeue(tx *ledger.Tx, id [32]byte) error {
	rec, found, err := h.Record(tx, id)
	if err != nil || !found || !become(rec, Queued) {
		return err
	}
	rec.Failure = ""
	clearEvidence(rec)
	return putState(tx, rec)
}

// evidenceStore is the kind of evidence that store nodes have a message.
const evidenceStore = "store"

// maxDevicesNoted bounds the devices noted with one message, by their number and ours:
// an acknowledgement names its device itself.
const maxDevicesNoted = 2 * session.MaxKnownInstallations

// Acknowledged notes that a device has a message: one of its recipient, or with own one of
// ours. With the first device of the recipient the message is delivered. afterFailure
// reports that it had failed before.
func (h *History) Acknowledged(tx *ledger.Tx, id [32]byte, installation string, own bool) (afterFailure bool, err error) {
	var rec wire.MessageRecord
	found, err := ledger.Get(tx, TableMessages, id[:], &rec)
	if err != nil || !found || h.Cleared(&rec) {
		return false, err
	}
	has := func(d *wire.DeviceAckRecord) bool { return d.GetInstallationId() == installation && d.GetOwn() == own }
	noted := slices.ContainsFunc(rec.GetDevices(), has) || len(rec.GetDevices()) >= maxDevicesNoted
	failed := StateOf(&rec) == Failed
	delivered := !own && become(&rec, Delivered)
	if noted && !delivered {
		return false, nil
	}
	now := h.Now().UnixMilli()
	if !noted {
		rec.Devices = append(rec.GetDevices(), &wire.DeviceAckRecord{InstallationId: installation, At: now, Own: own})
	}
	if !delivered {
		return false, ledger.Put(tx, TableMessages, id[:], &rec)
	}
	clearEvidence(&rec)
	rec.EvidenceKind, rec.EvidenceInstallation, rec.EvidenceAt = "device", installation, now
	return failed, putState(tx, &rec)
}

func clearEvidence(rec *wire.MessageRecord) {
	rec.EvidenceKind, rec.EvidencePeers, rec.EvidenceInstallation, rec.EvidenceAt, rec.EvidenceNodes = "", 0, "", 0, nil
}

// putState stores a message in its new state and emits it.
func putState(tx *ledger.Tx, rec *wire.MessageRecord) error {
	if err := ledger.Put(tx, TableMessages, rec.GetId(), rec); err != nil {
		return err
	}
	return tx.Emit(StateEvent(rec))
}
