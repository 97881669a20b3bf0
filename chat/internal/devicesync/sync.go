package devicesync

import (
	"encoding/hex"
	"slices"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Pairing names a pairing, as package linking does.
type Pairing [16]byte

// Parcel names a parcel, as package linking does.
type Parcel [25]byte

// ID names a sync on this device.
type ID struct {
	Pairing Pairing
	Offers  bool    // this device offers, and sends the archive
	Sync    [8]byte // chosen by the device that offers
}

// IDSize is the length of an encoded ID.
const IDSize = 16 + 1 + 8

// Bytes is the id as the store and the API have it.
func (id ID) Bytes() []byte {
	b := append(make([]byte, 0, IDSize), id.Pairing[:]...)
	if id.Offers {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, id.Sync[:]...)
}

// String is the id as the API writes it.
func (id ID) String() string { return "0x" + hex.EncodeToString(id.Bytes()) }

// ParseID reads what Bytes wrote.
func ParseID(b []byte) (id ID, ok bool) {
	if len(b) != IDSize || b[len(id.Pairing)] > 1 {
		return id, false
	}
	copy(id.Pairing[:], b)
	id.Offers = b[len(id.Pairing)] == 1
	copy(id.Sync[:], b[len(id.Pairing)+1:])
	return id, true
}

// State is the state of a sync, with the text that the store and the API have for it.
type State string

// The states of a sync.
const (
	Offered State = "offered" // the user of the other device is to accept
	Running State = "running" // the archive goes over, unless it is paused
	Done    State = "done"    // all of it is merged
	Failed  State = "failed"  // it ended before that
)

// states lists what may follow each state.
var states = map[State][]State{
	"":      {Offered}, // begins
	Offered: {Running, Failed},
	Running: {Done, Failed},
	Done:    {},
	Failed:  {},
}

// inMessage are the states as the other device is told.
var inMessage = map[State]wire.DeviceSync_State{
	Offered: wire.DeviceSync_OFFERED, Running: wire.DeviceSync_RUNNING, Done: wire.DeviceSync_DONE, Failed: wire.DeviceSync_FAILED,
}

func (s State) over() bool { return s == Done || s == Failed }

// entry is one sync. It is a value: what changes it works on a copy.
type entry struct {
	id                      ID
	state                   State
	cause                   port.Code // of a failure
	remote                  bool      // the other side gave up
	pausedHere, pausedThere bool
	createdAt               time.Time
	movedAt                 time.Time // when it last made progress
	endedAt                 time.Time

	total, moved uint64 // things in the archive, and those merged by the receiving device
	number       uint64 // the part that was sent last; of a receiver as merged
	merged       uint64 // the part that the receiving device has merged last
	cursor       []byte // of a sender: where the next part begins
	last         bool   // part number is the last one
	late         bool   // of a sender: the next part begins with what came meanwhile
	sent         uint64 // of a sender: things in the archive up to part number

	version, told, heard uint64    // of what is to be told, was told, and was heard
	parcel               Parcel    // under way to the other device; zero for none
	introduced           bool      // the other device knows our certificate and bundle, or is being told
	metAt                time.Time // when we learned those of the other; zero before
	beganWithout         bool      // this device had no identity when the sync was offered to it
}

// become moves a sync to its next state and reports whether that may be.
func (e *entry) become(next State) bool {
	if !slices.Contains(states[e.state], next) {
		return false
	}
	e.state = next
	return true
}

// complete ends a sync of which all is merged.
func (e *entry) complete(now time.Time) {
	e.become(Done)
	e.endedAt, e.pausedHere, e.pausedThere = now, false, false
}

// changed notes that the other device is to be told of something.
func (e *entry) changed() { e.version++ }

// met reports whether the other device is known to be one of ours.
func (e *entry) met() bool { return !e.metAt.IsZero() }

func (e *entry) paused() bool { return e.pausedHere || e.pausedThere }

func (e *entry) record() *wire.DeviceSyncRecord {
	rec := &wire.DeviceSyncRecord{
		PairingId: e.id.Pairing[:], Offers: e.id.Offers, SyncId: e.id.Sync[:], State: string(e.state), Cause: string(e.cause), Remote: e.remote,
		PausedHere: e.pausedHere, PausedThere: e.pausedThere, CreatedAt: ledger.Milli(e.createdAt), MovedAt: ledger.Milli(e.movedAt), EndedAt: ledger.Milli(e.endedAt),
		Total: e.total, Moved: e.moved, Number: e.number, Merged: e.merged, Cursor: e.cursor, Last: e.last, Sent: e.sent,
		Version: e.version, Told: e.told, Heard: e.heard, Introduced: e.introduced, MetAt: ledger.Milli(e.metAt), Late: e.late, Alone: e.beganWithout,
	}
	if e.parcel != (Parcel{}) {
		rec.Parcel = e.parcel[:]
	}
	return rec
}

// fromRecord reads what record made; name is its key. Error: CodeStoreCorrupt.
func fromRecord(name []byte, rec *wire.DeviceSyncRecord) (entry, error) {
	id, ok := ParseID(name)
	e := entry{
		id: id, state: State(rec.GetState()), cause: port.Code(rec.GetCause()), remote: rec.GetRemote(),
		pausedHere: rec.GetPausedHere(), pausedThere: rec.GetPausedThere(),
		createdAt: ledger.TimeOf(rec.GetCreatedAt()), movedAt: ledger.TimeOf(rec.GetMovedAt()), endedAt: ledger.TimeOf(rec.GetEndedAt()),
		total: rec.GetTotal(), moved: rec.GetMoved(), number: rec.GetNumber(), merged: rec.GetMerged(),
		cursor: rec.GetCursor(), last: rec.GetLast(), sent: rec.GetSent(),
		version: rec.GetVersion(), told: rec.GetTold(), heard: rec.GetHeard(), introduced: rec.GetIntroduced(), metAt: ledger.TimeOf(rec.GetMetAt()), late: rec.GetLate(), beganWithout: rec.GetAlone(),
	}
	_, known := states[e.state]
	same := string(rec.GetPairingId()) == string(id.Pairing[:]) && string(rec.GetSyncId()) == string(id.Sync[:]) && rec.GetOffers() == id.Offers
	if !ok || !same || !known || e.state == "" || e.createdAt.IsZero() || e.state.over() != (!e.endedAt.IsZero()) ||
		(e.state == Failed) != (e.cause != "") || e.merged > e.number || e.told > e.version ||
		len(rec.GetParcel()) != 0 && copy(e.parcel[:], rec.GetParcel()) != len(rec.GetParcel()) {
		return e, port.Errorf(port.CodeStoreCorrupt, "", "a sync does not read back")
	}
	return e, nil
}

// describe is a sync as the API shows it.
func (e *entry) describe() event.Sync {
	v := event.Sync{
		ID: e.id.String(), PairingID: "0x" + hex.EncodeToString(e.id.Pairing[:]), Offers: e.id.Offers, State: enum.SyncState(e.state),
		PausedHere: e.pausedHere, PausedThere: e.pausedThere, Moved: int64(e.moved), Total: int64(max(e.total, e.moved)),
		CreatedAt: ledger.Milli(e.createdAt), EndedAt: ledger.Milli(e.endedAt),
	}
	if e.state == Failed {
		v.Cause, v.By = e.cause, "local"
		if e.remote {
			v.By = "remote"
		}
	}
	return v
}
