package devicesync

import (
	"context"
	"errors"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// errParcel is the error for a parcel that is not a message of a sync.
var errParcel = errors.New("devicesync: not a message of a sync")

// parse reads a parcel, strictly: nobody but a device of the same version or a later one
// makes them.
func parse(b []byte) (*wire.DeviceSync, error) {
	m := &wire.DeviceSync{}
	if len(b) > maxMessage || proto.Unmarshal(b, m) != nil {
		return nil, errParcel
	}
	_, known := wire.DeviceSync_State_name[int32(m.GetState())]
	if !known || m.GetState() == wire.DeviceSync_NONE || len(m.GetSyncId()) != len(ID{}.Sync) || len(m.GetBatches()) > maxBatches ||
		m.GetTotal() > maxCount || m.GetItems() > maxCount || len(m.GetCertificate()) > maxCertificate || len(m.GetBundle()) > maxBundle ||
		(m.GetNumber() == 0) != (len(m.GetBatches()) == 0) || m.GetNumber() != 0 && !m.GetOffers() {
		return nil, errParcel
	}
	return m, nil
}

// receive handles the first parcel that can be handled now.
func (d *DeviceSync) receive(t *ledger.Turn) (worked bool, err error) {
	for _, r := range d.host.Arrived(t) {
		b, err := d.host.Read(t, r.Parcel)
		if err != nil && ledger.Passing(err) {
			return false, err
		}
		m, bad := parse(b)
		if err != nil || bad != nil {
			d.host.Log.Log("warn", "a parcel is no message of a sync")
			return true, d.drop(t, r.Parcel, "sync")
		}
		if worked, err := d.handle(t, r, m); worked || err != nil {
			return worked, err
		}
	}
	return false, nil
}

// drop forgets a parcel without effect.
func (d *DeviceSync) drop(t *ledger.Turn, p Parcel, reason string) error {
	d.host.Drop(reason)
	return d.host.DropParcel(t, p, nil)
}

// handle does what a parcel asks for. It is not done before its turn, and one with a part of
// the archive only once that is merged.
func (d *DeviceSync) handle(t *ledger.Turn, r Received, m *wire.DeviceSync) (worked bool, err error) {
	id := ID{Pairing: r.From, Offers: !m.GetOffers(), Sync: [8]byte(m.GetSyncId())}
	e, found := d.entries[id]
	switch {
	case !found && m.GetState() == wire.DeviceSync_OFFERED && m.GetOffers() && m.GetNumber() == 0:
		return true, d.offered(t, r.Parcel, id, m)
	case !found, e.state.over(), m.GetNumber() == 0 && m.GetVersion() <= e.heard:
		return true, d.drop(t, r.Parcel, "sync")
	}
	e.hears(m)
	if m.GetState() == wire.DeviceSync_FAILED {
		if err := d.fail(t, e, causeOf(m.GetCause()), true); err != nil {
			return false, err
		}
		return true, d.host.DropParcel(t, r.Parcel, nil)
	}
	if m.GetOffers() {
		return d.fromSender(t, r, e, m)
	}
	return true, d.fromReceiver(t, r, e, m)
}

// hears takes what both sides say in each message, unless a later one has come. A part of
// the archive has to wait until it is merged, and others may pass it.
func (e *entry) hears(m *wire.DeviceSync) {
	if m.GetVersion() > e.heard {
		e.heard, e.pausedThere = m.GetVersion(), m.GetPaused()
	}
}

// causeOf is the cause of a failure that another device names: one of those that there are.
func causeOf(text string) port.Code {
	switch c := port.Code(text); c {
	case port.CodeSyncCancelled, port.CodeSyncStalled, port.CodeSyncDamaged, port.CodeForeignDevice, port.CodePairingEnded, port.CodeTransferCancelled:
		return c
	}
	return port.CodeSyncDamaged
}

// offered begins a sync that another device offers. It waits for the user.
func (d *DeviceSync) offered(t *ledger.Turn, p Parcel, id ID, m *wire.DeviceSync) error {
	device, err := d.host.Device(t, id.Pairing)
	if err != nil || device.Provisional || !device.NoIdentity && !device.Own {
		return d.drop(t, p, "sync")
	}
	e := entry{
		id: id, createdAt: t.Now, movedAt: t.Now, total: m.GetTotal(), heard: m.GetVersion(), pausedThere: m.GetPaused(), beganWithout: device.NoIdentity,
	}
	e.become(Offered)
	if old, found := d.inDirection(id); found { // its sender knows of it no more, if it is not over
		if err := d.fail(t, old, port.CodeSyncCancelled, true); err != nil {
			return err
		}
		if err := d.remove(t, d.entries[old.id]); err != nil {
			return err
		}
	}
	return d.host.DropParcel(t, p, func(tx *ledger.Tx) error {
		if err := tx.Emit(event.SyncOffered{Sync: e.describe()}); err != nil {
			return err
		}
		return d.put(tx, e)
	})
}

// fromSender handles what the device says that offers.
func (d *DeviceSync) fromSender(t *ledger.Turn, r Received, e entry, m *wire.DeviceSync) (worked bool, err error) {
	switch number := m.GetNumber(); {
	case number == 0:
		return true, d.heard(t, r.Parcel, e)
	case e.state != Running, e.last:
		return true, d.damaged(t, r.Parcel, e)
	case number <= e.merged:
		return true, d.drop(t, r.Parcel, "sync")
	case number > e.merged+1, d.working:
		return false, nil // one before it is to come, or is being merged
	}
	d.merge(r, e.id, m)
	return true, nil
}

// damaged ends a sync whose other side has said what cannot be.
func (d *DeviceSync) damaged(t *ledger.Turn, p Parcel, e entry) error {
	if err := d.fail(t, e, port.CodeSyncDamaged, false); err != nil {
		return err
	}
	return d.drop(t, p, "sync")
}

// heard stores what both sides say: whether their user has paused.
func (d *DeviceSync) heard(t *ledger.Turn, p Parcel, e entry) error {
	was := d.entries[e.id]
	before := was.describe()
	return d.host.DropParcel(t, p, func(tx *ledger.Tx) error {
		if after := e.describe(); after != before {
			if err := tx.Emit(event.SyncChanged{Sync: after}); err != nil {
				return err
			}
		}
		return d.put(tx, e)
	})
}

// fromReceiver handles what the device says that takes the archive.
func (d *DeviceSync) fromReceiver(t *ledger.Turn, r Received, e entry, m *wire.DeviceSync) error {
	before := d.entries[e.id]
	state := m.GetState()
	accepted := state != wire.DeviceSync_OFFERED
	possible := m.GetMerged() >= e.merged && m.GetMerged() <= e.number && m.GetItems() <= e.sent &&
		(accepted || m.GetMerged() == 0 && e.state == Offered) && (state != wire.DeviceSync_DONE || e.last && m.GetMerged() == e.number)
	if !possible {
		return d.damaged(t, r.Parcel, e)
	}
	if m.GetCertificate() != nil && !e.met() {
		err := d.host.Meet(t, e.id.Pairing, m.GetCertificate(), m.GetBundle())
		switch {
		case err != nil && ledger.Passing(err):
			return err
		case err != nil:
			return d.damaged(t, r.Parcel, e)
		}
		e.metAt = t.Now
	}
	if accepted && e.become(Running) || m.GetMerged() > e.merged {
		e.movedAt = t.Now
	}
	e.merged, e.moved = m.GetMerged(), max(e.moved, m.GetItems())
	if state == wire.DeviceSync_DONE {
		if !e.met() { // it has everything, and is not ours
			return d.damaged(t, r.Parcel, e)
		}
		e.complete(t.Now)
	}
	return d.conclude(t, r.Parcel, before, e)
}

// conclude stores what a parcel has changed of a sync, and forgets the parcel.
func (d *DeviceSync) conclude(t *ledger.Turn, p Parcel, before, after entry) error {
	return d.host.DropParcel(t, p, func(tx *ledger.Tx) error {
		if err := tell(tx, before, after); err != nil {
			return err
		}
		return d.put(tx, after)
	})
}

// tell emits what a program is to know of a change.
func tell(tx *ledger.Tx, before, after entry) error {
	now, was := after.describe(), before.describe()
	if after.beganWithout && after.met() && !before.met() {
		if err := tx.Emit(event.IdentityReceived{SyncID: now.ID, PairingID: now.PairingID}); err != nil {
			return err
		}
	}
	step := func(e entry) uint64 { return e.moved * progressSteps / max(e.total, e.moved, 1) }
	switch {
	case now.State == enum.SyncDone:
		return tx.Emit(event.SyncDone{Sync: now})
	case now.State != was.State || now.PausedHere != was.PausedHere || now.PausedThere != was.PausedThere:
		return tx.Emit(event.SyncChanged{Sync: now})
	case step(after) != step(before):
		return tx.Emit(event.SyncProgress{SyncID: now.ID, PairingID: now.PairingID, Offers: now.Offers, Moved: now.Moved, Total: now.Total})
	}
	return nil
}

// merge merges a part of the archive beside the loop.
func (d *DeviceSync) merge(r Received, id ID, m *wire.DeviceSync) {
	d.begin(func(ctx context.Context) func(*ledger.Turn) error {
		err := d.host.Merge(ctx, id.Pairing, m.GetBatches())
		return func(t *ledger.Turn) error { return d.mergedPart(t, r, id, m, err) }
	})
}

// mergedPart stores that a part is merged, and has the other device told.
func (d *DeviceSync) mergedPart(t *ledger.Turn, r Received, id ID, m *wire.DeviceSync, err error) error {
	e, found := d.entries[id]
	switch {
	case !found || e.state.over() || m.GetNumber() != e.merged+1:
		return d.drop(t, r.Parcel, "sync") // cancelled meanwhile
	case err != nil && (ledger.Passing(err) || errors.Is(err, context.Canceled)):
		d.pause.Failed(t.Now)
		return nil // it is merged again
	case port.CodeOf(err) == port.CodeIdentityExists || port.CodeOf(err) == port.CodeForeignDevice:
		if err := d.fail(t, e, port.CodeForeignDevice, false); err != nil {
			return err
		}
		return d.drop(t, r.Parcel, "sync")
	case err != nil:
		d.host.Log.Log("warn", "a part of an archive cannot be merged", "error", err.Error())
		return d.damaged(t, r.Parcel, e)
	}
	before := e
	if certificate, _, err := d.host.Introduction(t); err != nil {
		return err
	} else if certificate != nil && !e.met() {
		if err := d.host.Meet(t, id.Pairing, m.GetCertificate(), m.GetBundle()); err != nil {
			if ledger.Passing(err) {
				return err
			}
			return d.damaged(t, r.Parcel, e)
		}
		e.metAt = t.Now
	}
	e.hears(m)
	e.movedAt = t.Now
	e.merged, e.number, e.moved, e.last = m.GetNumber(), m.GetNumber(), max(e.moved, m.GetItems()), m.GetLast()
	e.changed()
	if e.last {
		if !e.met() { // nothing in it was an identity
			return d.damaged(t, r.Parcel, e)
		}
		e.complete(t.Now)
	}
	return d.conclude(t, r.Parcel, before, e)
}
