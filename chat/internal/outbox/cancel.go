package outbox

import (
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// What the user does about a message that is not delivered. Whether its state allows for
// that, and what state it is in then, is up to the caller; all of it takes a Turn.

// Sending reports whether a message is still being sent to its recipient by this device.
func (o *Outbox) Sending(id [32]byte) bool {
	o.rows.mu.Lock()
	defer o.rows.mu.Unlock()
	return o.rows.byMessage[id] != nil
}

// Cancel removes a message from the outbox, and with it an attempt that is not out and
// carries nothing else. It is kept, to be tried again if the user asks for it, and an
// acknowledgement of its recipient is still understood. wentOut reports that it was handed
// to the network before, so that it may arrive all the same.
func (o *Outbox) Cancel(tx *ledger.Tx, id [32]byte) (wentOut bool, err error) {
	for _, r := range o.rows.ofMessage(id) {
		if r.inHistory {
			if wentOut, err = o.recall(tx, r); err != nil {
				return false, err
			}
			if err := o.keepFailed(tx, r, true); err != nil {
				return false, err
			}
			if err := o.OwnDevices.Remember(tx, r.mvds, r.id); err != nil {
				return false, err
			}
		}
		if err := o.drop(tx, r); err != nil {
			return false, err
		}
	}
	return wentOut, nil
}

// Erase ends the sending of a message to everybody for good, and forgets it if it had failed:
// what it says was deleted, or has been replaced. An attempt that it shares with other
// messages and that is under way still goes out. One that is not being sent is fine.
func (o *Outbox) Erase(tx *ledger.Tx, id [32]byte) error {
	for _, r := range o.rows.ofMessage(id) {
		if _, err := o.recall(tx, r); err != nil {
			return err
		}
		if err := o.drop(tx, r); err != nil {
			return err
		}
	}
	_, to, found, err := kept(tx, id)
	if err != nil || !found {
		return err
	}
	return o.forgetFailed(tx, to, id)
}

// recall withdraws the attempt a row is in, if that was certainly not handed to the network
// and carries nothing but the row. It reports whether the network had the row.
func (o *Outbox) recall(tx *ledger.Tx, r row) (wentOut bool, err error) {
	i := slices.IndexFunc(o.unpublished, func(at *attempt) bool { return r.at == stage{inAttempt, at.id} })
	if i < 0 {
		return r.sends > 0, nil
	}
	at := o.unpublished[i]
	if at.tried || len(at.rows) != 1 || len(at.acks) > 0 || r.due.quick > 0 {
		return true, nil
	}
	tx.After(func() {
		o.unpublished = slices.DeleteFunc(o.unpublished, func(other *attempt) bool { return other == at })
	})
	if err := o.dropEnvelopes(tx, &at.envelopes, at.envelopes.count); err != nil {
		return false, err
	}
	return r.sends > 1, tx.Delete(tableAttempts, ledger.NumberKey(at.id))
}

// CancelFailed has a message that has failed not tried again when its recipient is back.
// It reports whether it would have been.
func (o *Outbox) CancelFailed(tx *ledger.Tx, id [32]byte) (bool, error) {
	rec, to, found, err := kept(tx, id)
	if err != nil || !found || rec.GetCancelled() {
		return false, err
	}
	rec.Cancelled = true
	return true, o.putFailed(tx, to, rec)
}

// Kept reports whether a message that has failed is kept to be tried again, and for whom.
func (o *Outbox) Kept(tx port.Tx, id [32]byte) (to key.Public, found bool, err error) {
	_, to, found, err = kept(tx, id)
	return to, found, err
}

// Retry sends a message that is kept again, with the same ids, so that nobody has it
// twice. By ourselves we try it as often as if it had just failed.
func (o *Outbox) Retry(tx *ledger.Tx, id [32]byte) error {
	rec, to, found, err := kept(tx, id)
	if err != nil || !found {
		return err
	}
	m, _, err := o.Messages.Message(tx, id)
	if err != nil {
		return err
	}
	rec.Revived = 0
	return o.revive(tx, to, rec, m)
}

// ofMessage are the rows of a message: to its recipient, and to own devices.
func (s *rows) ofMessage(id [32]byte) (all []row) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.byMVDS {
		if r.id == id {
			all = append(all, *r)
		}
	}
	slices.SortFunc(all, func(a, b row) int { return byClock(&a, &b) })
	return all
}

// RecipientsOf are the identities that a message is still being sent to.
func (o *Outbox) RecipientsOf(id [32]byte) (people []key.Public) {
	for _, r := range o.rows.ofMessage(id) {
		people = append(people, r.peer)
	}
	return people
}
