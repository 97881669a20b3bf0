package devicesync

import (
	"io"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// Offer offers a device the archive of this one, which has total things. Errors: those of
// Host.Device; CodeForeignDevice for a device with an identity that is not ours;
// CodeNoIdentity; CodeSyncState while there is a sync to it already.
func (d *DeviceSync) Offer(t *ledger.Turn, to Pairing, total uint64) (event.Sync, error) {
	device, err := d.host.Device(t, to)
	switch {
	case err != nil:
		return event.Sync{}, err
	case device.NoIdentity:
		return event.Sync{}, port.Errorf(port.CodeNoIdentity, "", "this device has no identity that another one could get")
	case !device.Own && !device.Provisional:
		return event.Sync{}, port.Errorf(port.CodeForeignDevice, "pairing_id", "the device has another identity")
	}
	e := entry{id: ID{Pairing: to, Offers: true}, createdAt: t.Now, movedAt: t.Now, total: total, version: 1}
	if old, found := d.inDirection(e.id); found && !old.state.over() {
		return event.Sync{}, port.Errorf(port.CodeSyncState, "pairing_id", "a sync with this device is under way already").With("state", string(old.state))
	}
	if _, err := io.ReadFull(d.host.Rand, e.id.Sync[:]); err != nil {
		return event.Sync{}, err
	}
	e.become(Offered)
	if err := d.store(e, nil); err != nil {
		return event.Sync{}, err
	}
	d.host.Wake()
	return e.describe(), nil
}

// Accept begins to take what another device has offered. Errors: CodeNotFound,
// CodeSyncState for one that this device offers, or that is not offered any more.
func (d *DeviceSync) Accept(t *ledger.Turn, id ID) (event.Sync, error) {
	return d.change(id, func(e *entry) error {
		if e.id.Offers || !e.become(Running) {
			return wrongState(e)
		}
		e.movedAt = t.Now
		return nil
	})
}

// Pause holds back what is not on its way yet, or goes on after it. Either device may do so,
// and the other one is told. Errors: CodeNotFound, CodeSyncState for one that is over.
func (d *DeviceSync) Pause(t *ledger.Turn, id ID, paused bool) (event.Sync, error) {
	return d.change(id, func(e *entry) error {
		if e.state.over() {
			return wrongState(e)
		}
		e.pausedHere, e.movedAt = paused, t.Now
		return nil
	})
}

// Cancel gives a sync up, and tells the other device. What was merged stays. Errors:
// CodeNotFound, CodeSyncState for one that is over.
func (d *DeviceSync) Cancel(t *ledger.Turn, id ID) (event.Sync, error) {
	e, err := d.find(id)
	if err != nil {
		return event.Sync{}, err
	}
	if e.state.over() {
		return event.Sync{}, wrongState(&e)
	}
	if err := d.fail(t, e, port.CodeSyncCancelled, false); err != nil {
		return event.Sync{}, err
	}
	d.host.Wake()
	e = d.entries[id]
	return e.describe(), nil
}

// List gives the syncs, oldest first.
func (d *DeviceSync) List(*ledger.Turn) []event.Sync {
	list := []event.Sync{}
	for _, e := range d.all() {
		list = append(list, e.describe())
	}
	return list
}

// change applies a decision of the user, and tells the other device.
func (d *DeviceSync) change(id ID, decide func(*entry) error) (event.Sync, error) {
	e, err := d.find(id)
	if err != nil {
		return event.Sync{}, err
	}
	before := e.describe()
	if err := decide(&e); err != nil {
		return event.Sync{}, err
	}
	if e.describe() == before {
		return before, nil
	}
	e.changed()
	if err := d.store(e, func(tx *ledger.Tx) error { return tx.Emit(event.SyncChanged{Sync: e.describe()}) }); err != nil {
		return event.Sync{}, err
	}
	d.host.Wake()
	return e.describe(), nil
}

func (d *DeviceSync) find(id ID) (entry, error) {
	if e, found := d.entries[id]; found {
		return e, nil
	}
	return entry{}, port.Errorf(port.CodeNotFound, "sync_id", "there is no such sync")
}

func wrongState(e *entry) error {
	return port.Errorf(port.CodeSyncState, "sync_id", "the state of the sync does not allow this").With("state", string(e.state))
}
