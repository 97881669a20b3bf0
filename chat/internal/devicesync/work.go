package devicesync

import (
	"bytes"
	"cmp"
	"context"
	"io"
	"slices"
	"sync"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// tableSyncs has a record for each sync: ID -> DeviceSyncRecord.
const tableSyncs port.Table = "device_syncs"

// Device is a paired device.
type Device struct {
	Own         bool // of our own identity
	Provisional bool // it has no identity yet
	// NoIdentity: this device has no identity itself.
	NoIdentity bool
}

// Sent is where a parcel to the other device is.
type Sent int

// The places of a parcel.
const (
	UnderWay Sent = iota
	Arrived       // the other device has stored it
	Lost          // it was given up, on either side, or is not known any more
)

// Part is a piece of an archive.
type Part struct {
	Batches [][]byte
	Next    []byte // where the next one begins; nil after the last one
	Items   uint64 // things in the archive up to the end of this part
	Late    bool   // what came since the first part was read is next
}

// Host connects the part with the engine around it. Functions with a Turn belong to linking,
// and to the engine's sessions; the others are called beside the loop.
type Host struct {
	Ledger *ledger.Ledger
	Rand   io.Reader
	Log    port.Logger
	// Drop counts something without effect under a reason.
	Drop func(reason string)
	// Wake makes the loop look for work.
	Wake func()
	// Beside runs something on a goroutine of its own, until ctx ends.
	Beside func(func(ctx context.Context))

	// Device describes a paired device; an error if it is not paired.
	Device func(*ledger.Turn, Pairing) (Device, error)
	// Send sends a parcel; Sent says where it is; DropParcel forgets one in either direction,
	// and gives it up if it is under way. What also stores is in the same transaction.
	Send       func(t *ledger.Turn, to Pairing, data []byte, also func(*ledger.Tx, Parcel) error) error
	Sent       func(*ledger.Turn, Parcel) Sent
	DropParcel func(t *ledger.Turn, p Parcel, also func(*ledger.Tx) error) error
	// Arrived lists the parcels of all devices, oldest first, and Read reads one.
	Arrived func(*ledger.Turn) []Received
	Read    func(*ledger.Turn, Parcel) ([]byte, error)
	// Introduction is the certificate of this device and its bundle of pre-keys; nil before it
	// has an identity.
	Introduction func(*ledger.Turn) (certificate, bundle []byte, err error)
	// Meet takes those of a paired device, and makes it a device of ours. An error that does
	// not pass says that it is none.
	Meet func(t *ledger.Turn, from Pairing, certificate, bundle []byte) error

	// Part reads a part of the archive of this device, from a cursor on. Merge merges one of
	// another device: doing so again changes nothing. A device that has got its identity by it
	// works from then on.
	Part  func(cursor []byte, batches, size int) (Part, error)
	Merge func(ctx context.Context, from Pairing, batches [][]byte) error

	// Settle is the time from when the new device is known to be ours until the last parts are
	// read, which hold what has come meanwhile: until then all who are online have learned
	// from contact codes that there is another device to write to.
	Settle time.Duration
	// Stepped: there are no goroutines; RunPending does what Work has begun.
	Stepped bool
}

// Received is a parcel that has arrived.
type Received struct {
	Parcel Parcel
	From   Pairing
}

// DeviceSync is the engine's part for syncs between devices. The holder of the engine's lock
// owns all fields, but for those that mu guards.
type DeviceSync struct {
	host    Host
	entries map[ID]entry
	pause   ledger.Pause // after something that could not be done now
	working bool         // a job is under way, or its end is not stored

	mu       sync.Mutex
	finished func(*ledger.Turn) error // of a job: stores what came of it
	pending  func()                   // of a stepped client
}

// New makes the part without syncs; Load reads those of the store.
func New(host Host) *DeviceSync { return &DeviceSync{host: host, entries: map[ID]entry{}} }

// Load reads the syncs.
func (d *DeviceSync) Load(tx port.Tx) error {
	loaded := map[ID]entry{}
	err := tx.Each(tableSyncs, func(name, value []byte) error {
		e, err := decode(name, value)
		loaded[e.id] = e
		return err
	})
	if err == nil {
		d.entries = loaded
	}
	return err
}

func decode(name, value []byte) (entry, error) {
	var rec wire.DeviceSyncRecord
	if err := ledger.Decode(tableSyncs, value, &rec); err != nil {
		return entry{}, err
	}
	return fromRecord(name, &rec)
}

// Check reports what contradicts itself in the records: each must read back.
func (d *DeviceSync) Check(w *ledger.Walk) error {
	return w.Each(tableSyncs, func(name, value []byte) error {
		_, err := decode(name, value)
		return err
	})
}

// ShiftClock moves what is due by the time of day, after somebody has set the clock.
func (d *DeviceSync) ShiftClock(_ *ledger.Turn, by time.Duration) { d.pause.Shift(by) }

// Work does what is due. Its error is that the store cannot be written now. After any other
// the part pauses, and the rest of the engine goes on.
func (d *DeviceSync) Work(t *ledger.Turn) error {
	for !d.pause.Lasts(t.Now) {
		worked, err := d.step(t)
		switch {
		case err != nil && ledger.Passing(err):
			return err
		case err != nil:
			d.host.Log.Log("warn", "a sync does not go on", "code", string(port.CodeOf(err)))
			d.pause.Failed(t.Now)
		case !worked, d.pause.Lasts(t.Now):
			return nil
		default:
			d.pause.End()
		}
	}
	return nil
}

// Due returns when Work has something to do by the clock. All else wakes the loop, or comes
// with an envelope.
func (d *DeviceSync) Due(t *ledger.Turn) time.Time {
	if d.pause.Lasts(t.Now) {
		return d.pause.Until
	}
	var due time.Time
	for _, e := range d.entries {
		at := e.metAt.Add(d.host.Settle)
		if d.maySend(e, at) && !d.maySend(e, t.Now) && (due.IsZero() || at.Before(due)) {
			due = at
		}
	}
	return due
}

// step does one thing that is due, and reports whether there was one.
func (d *DeviceSync) step(t *ledger.Turn) (worked bool, err error) {
	for _, one := range []func(*ledger.Turn) (bool, error){d.finish, d.settle, d.receive, d.send} {
		if worked, err = one(t); worked || err != nil {
			return worked, err
		}
	}
	return false, nil
}

// Care removes what is long over and gives up what does not move.
func (d *DeviceSync) Care(t *ledger.Turn) {
	for _, e := range d.all() {
		var err error
		switch {
		case e.state.over() && t.Now.Sub(e.endedAt) >= keepPast:
			err = d.remove(t, e)
		case !e.state.over() && !e.paused() && t.Now.Sub(e.movedAt) >= stalledAfter:
			err = d.fail(t, e, port.CodeSyncStalled, false)
		}
		if err != nil {
			d.host.Log.Log("warn", "removing an old sync failed", "code", string(port.CodeOf(err)))
		}
	}
}

// all are the syncs, oldest first.
func (d *DeviceSync) all() []entry {
	list := make([]entry, 0, len(d.entries))
	for _, e := range d.entries {
		list = append(list, e)
	}
	slices.SortFunc(list, func(a, b entry) int {
		return cmp.Or(a.createdAt.Compare(b.createdAt), bytes.Compare(a.id.Bytes(), b.id.Bytes()))
	})
	return list
}

// inDirection is the sync of the same pairing in the same direction, of which there is one.
func (d *DeviceSync) inDirection(id ID) (entry, bool) {
	for _, e := range d.entries {
		if e.id.Pairing == id.Pairing && e.id.Offers == id.Offers {
			return e, true
		}
	}
	return entry{}, false
}

// store stores a sync in a transaction of its own, together with what also writes.
func (d *DeviceSync) store(e entry, also func(*ledger.Tx) error) error {
	return d.host.Ledger.Update(func(tx *ledger.Tx) error {
		if also != nil {
			if err := also(tx); err != nil {
				return err
			}
		}
		return d.put(tx, e)
	})
}

// put stores a sync. It takes the place of an earlier one in its direction.
func (d *DeviceSync) put(tx *ledger.Tx, e entry) error {
	if old, found := d.inDirection(e.id); found && old.id != e.id {
		if err := d.delete(tx, old.id); err != nil {
			return err
		}
	}
	tx.After(func() { d.entries[e.id] = e })
	return ledger.Put(tx, tableSyncs, e.id.Bytes(), e.record())
}

func (d *DeviceSync) delete(tx *ledger.Tx, id ID) error {
	tx.After(func() { delete(d.entries, id) })
	return tx.Delete(tableSyncs, id.Bytes())
}

// remove takes a sync off the list, with the parcel that is under way.
func (d *DeviceSync) remove(t *ledger.Turn, e entry) error {
	return d.withoutParcel(t, e, func(tx *ledger.Tx, e entry) error { return d.delete(tx, e.id) })
}

// withoutParcel drops the parcel under way, if there is one, together with what write stores.
func (d *DeviceSync) withoutParcel(t *ledger.Turn, e entry, write func(*ledger.Tx, entry) error) error {
	parcel := e.parcel
	e.parcel = Parcel{}
	also := func(tx *ledger.Tx) error { return write(tx, e) }
	if parcel == (Parcel{}) {
		return d.host.Ledger.Update(also)
	}
	err := d.host.DropParcel(t, parcel, also)
	if port.CodeOf(err) == port.CodeNotFound {
		return d.host.Ledger.Update(also)
	}
	return err
}

// fail ends a sync before its time, with what is under way of it.
func (d *DeviceSync) fail(t *ledger.Turn, e entry, cause port.Code, remote bool) error {
	if !e.become(Failed) {
		return nil
	}
	e.cause, e.remote, e.endedAt = cause, remote, t.Now
	e.pausedHere, e.pausedThere = false, false
	if e.changed(); remote {
		e.told = e.version // it has told us
	}
	return d.withoutParcel(t, e, func(tx *ledger.Tx, e entry) error {
		if err := tx.Emit(event.SyncFailed{Sync: e.describe()}); err != nil {
			return err
		}
		return d.put(tx, e)
	})
}
