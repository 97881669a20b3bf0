package devicesync

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// settle looks after the parcels that are under way.
func (d *DeviceSync) settle(t *ledger.Turn) (worked bool, err error) {
	for _, e := range d.all() {
		if _, err := d.host.Device(t, e.id.Pairing); err != nil && !e.state.over() {
			return true, d.fail(t, e, port.CodePairingEnded, false)
		}
		if e.parcel == (Parcel{}) {
			continue
		}
		switch d.host.Sent(t, e.parcel) {
		case Arrived:
			return true, d.withoutParcel(t, e, func(tx *ledger.Tx, e entry) error { return d.put(tx, e) })
		case Lost:
			// The other side takes no parcels of ours; only one that is not to be trusted does
			// so, and there is nothing that it could be told.
			if e.state.over() {
				return true, d.withoutParcel(t, e, func(tx *ledger.Tx, e entry) error { return d.put(tx, e) })
			}
			return true, d.fail(t, e, port.CodeTransferCancelled, true)
		case UnderWay:
		}
	}
	return false, nil
}

// send tells each device what it does not know yet, or sends it the next part.
func (d *DeviceSync) send(t *ledger.Turn) (worked bool, err error) {
	for _, e := range d.all() {
		if e.parcel != (Parcel{}) {
			continue
		}
		if e.told < e.version {
			if _, err := d.host.Device(t, e.id.Pairing); err != nil { // there is nobody to tell
				e.told = e.version
				return true, d.store(e, nil)
			}
			return true, d.post(t, e, nil)
		}
		if d.maySend(e, t.Now) && !d.working {
			d.read(e)
			return true, nil
		}
	}
	return false, nil
}

// maySend reports whether the next part of the archive is due.
func (d *DeviceSync) maySend(e entry, now time.Time) bool {
	// A clock that was put back since does not make it wait longer.
	settling := !now.Before(e.metAt) && now.Before(e.metAt.Add(d.host.Settle))
	if e.late && (!e.met() || settling) {
		return false
	}
	return e.id.Offers && e.state == Running && !e.paused() && !e.last && e.number-e.merged < maxAhead
}

// post sends what is to be told, with a part of the archive if there is one.
func (d *DeviceSync) post(t *ledger.Turn, e entry, part *Part) error {
	m := &wire.DeviceSync{
		SyncId: e.id.Sync[:], Offers: e.id.Offers, State: inMessage[e.state], Paused: e.pausedHere, Cause: string(e.cause),
		Total: e.total, Items: e.moved, Merged: e.merged,
	}
	if part != nil {
		e.changed()
		e.number++
		e.cursor, e.late, e.last = part.Next, part.Late, part.Next == nil
		e.sent, e.movedAt = part.Items, t.Now
		m.Number, m.Batches, m.Last, m.Items = e.number, part.Batches, e.last, part.Items
	}
	if part != nil || !e.id.Offers && !e.introduced {
		certificate, bundle, err := d.host.Introduction(t)
		if err != nil {
			return err
		}
		m.Certificate, m.Bundle, e.introduced = certificate, bundle, certificate != nil
	}
	m.Version = e.version
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	e.told = e.version
	return d.host.Send(t, e.id.Pairing, b, func(tx *ledger.Tx, p Parcel) error {
		e.parcel = p
		return d.put(tx, e)
	})
}

// read reads the next part of the archive beside the loop, and then sends it.
func (d *DeviceSync) read(e entry) {
	id, cursor, number := e.id, e.cursor, e.number
	d.begin(func(context.Context) func(*ledger.Turn) error {
		part, err := d.host.Part(cursor, maxBatches, partBytes)
		return func(t *ledger.Turn) error {
			e, found := d.entries[id]
			switch {
			case err != nil && ledger.Passing(err):
				d.pause.Failed(t.Now)
				return nil // it is read again
			case err != nil && found:
				d.host.Log.Log("error", "the archive of this device cannot be read", "code", string(port.CodeOf(err)))
				return d.fail(t, e, port.CodeSyncDamaged, false)
			case !found || !d.maySend(e, t.Now) || e.number != number || e.parcel != (Parcel{}) || e.told < e.version:
				return nil // something has happened meanwhile: it is read again
			}
			return d.post(t, e, &part)
		}
	})
}
