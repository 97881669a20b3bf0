// Package segments keeps the segments of large messages until enough of them have come to
// put the message together.
//
// A set is the segments of one message by one person. Its segments are stored as they come,
// so that a restart loses none, and are forgotten when the message is whole, when their hash
// turns out to be wrong, when none has come for a while, or when there are too many. The
// sender of a segment has signed it and may claim anything in it: package segment checks the
// claims, and this package bounds what a person can make us keep.
//
//	segments.go  the sets in memory and in the store
//	bounds.go    which sets give way when there are too many
//	intake.go    the segments of one batch of envelopes
package segments

import (
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/segment"
	"libstatus1to1/chat/wire"
)

// The tables of the part.
const (
	tableSets     port.Table = "segment_sets" // setName -> SegmentSetRecord
	tableSegments port.Table = "segments"     // segmentName -> the payload itself
)

// The bounds of what is kept, each with its reason.
const (
	// keep is the time for which a set is kept after its last segment: a sender repeats a
	// message as another set, so only segments that a store node still has can complete it.
	keep = 48 * time.Hour
	// maxSets and maxBytes bound what is kept of one person: two messages of the largest
	// size, or an album and its repetitions.
	maxSets  = 32
	maxBytes = 2 * segment.MaxMessage
	// maxStrangerSets and maxStrangerBytes bound it of a stranger, who has little to say in
	// more than an envelope, and maxStrangersSets and maxStrangersBytes of all strangers.
	maxStrangerSets   = 2
	maxStrangerBytes  = 4 << 20
	maxStrangersSets  = 64
	maxStrangersBytes = 16 << 20
	// maxAllSets and maxAllBytes bound it of everybody.
	maxAllSets  = 1024
	maxAllBytes = 256 << 20
	// overhead bounds the bytes that a segment takes in the store beside its payload.
	overhead = 256
)

// ID names a set: whoever sent its segments, and the hash of the message.
type ID struct {
	Sender key.Compact
	Hash   [32]byte
}

// name is the key of a set in tableSets.
func (id ID) name() []byte { return append(append([]byte{}, id.Sender[:]...), id.Hash[:]...) }

// segmentName is the key of a segment in tableSegments.
func (id ID) segmentName(p segment.Place) []byte {
	kind := byte('s')
	if p.Parity {
		kind = 'p'
	}
	return append(id.name(), kind, byte(p.Index>>24), byte(p.Index>>16), byte(p.Index>>8), byte(p.Index))
}

// parseName reads the key of a set, which may be that of a segment.
func parseName(name []byte) (id ID, ok bool) {
	if len(name) < len(id.Sender)+len(id.Hash) {
		return id, false
	}
	copy(id.Sender[:], name)
	copy(id.Hash[:], name[len(id.Sender):])
	return id, true
}

// entry is a set as it is kept.
type entry struct {
	set   segment.Set
	bytes int
	at    time.Time // when its last segment came
}

// places lists the segments that are there.
func (e entry) places() (all []segment.Place) {
	for i := range e.set.Count {
		if p := (segment.Place{Index: i}); e.set.Has(p) {
			all = append(all, p)
		}
	}
	for i := range e.set.Parity {
		if p := (segment.Place{Index: i, Parity: true}); e.set.Has(p) {
			all = append(all, p)
		}
	}
	return all
}

func (e entry) record() *wire.SegmentSetRecord {
	s := e.set
	return &wire.SegmentSetRecord{
		Count: uint32(s.Count), Parity: uint32(s.Parity), Size: uint32(s.Size), Last: uint32(s.Last), Length: uint32(s.Length),
		Have: s.Have, HaveParity: s.HaveParity, Bytes: uint64(e.bytes), At: e.at.UnixMilli(),
	}
}

func entryOf(rec *wire.SegmentSetRecord) entry {
	return entry{
		set: segment.Set{
			Count: int(rec.GetCount()), Parity: int(rec.GetParity()), Size: int(rec.GetSize()), Last: int(rec.GetLast()),
			Length: int(rec.GetLength()), Have: rec.GetHave(), HaveParity: rec.GetHaveParity(),
		},
		bytes: int(rec.GetBytes()), at: time.UnixMilli(rec.GetAt()),
	}
}

// Options are the arguments of New; all fields are required.
type Options struct {
	Ledger *ledger.Ledger
	// Stranger reports whether somebody is a stranger, of whom less is kept, or was one when
	// they were blocked.
	Stranger func(key.Compact) bool
	Log      port.Logger
}

// Segments are the sets that are kept. They belong to the holder of the Turn.
type Segments struct {
	Options
	sets map[ID]entry
}

// New returns the part with nothing kept, until Load.
func New(o Options) *Segments { return &Segments{Options: o, sets: map[ID]entry{}} }

// Load reads which segments are stored.
func (s *Segments) Load(tx port.Tx) error {
	return tx.Each(tableSets, func(name, value []byte) error {
		var rec wire.SegmentSetRecord
		if err := ledger.Decode(tableSets, value, &rec); err != nil {
			return err
		}
		id, ok := parseName(name)
		if !ok {
			return port.Errorf(port.CodeStoreCorrupt, "", "a set of segments does not read back")
		}
		s.sets[id] = entryOf(&rec)
		return nil
	})
}

// Work has nothing to do: segments are handled as they come.
func (s *Segments) Work(*ledger.Turn) error { return nil }

// Due returns the zero time.
func (s *Segments) Due(*ledger.Turn) time.Time { return time.Time{} }

// Care forgets the sets that nobody completes any more.
func (s *Segments) Care(t *ledger.Turn) {
	in := s.Begin()
	for id, e := range s.sets {
		// One of the future was kept by a clock that was ahead.
		if age := t.Now.Sub(e.at); age > keep || age < -keep {
			in.drop(id)
		}
	}
	if len(in.changes) == 0 {
		return
	}
	if err := s.Ledger.Update(in.Store); err != nil {
		s.Log.Log("warn", "forgetting segments failed", "code", string(port.CodeOf(err)))
	}
}

// Kept returns the numbers of sets and of bytes that are kept.
func (s *Segments) Kept() (sets, bytes int) {
	for _, e := range s.sets {
		bytes += e.bytes
	}
	return len(s.sets), bytes
}

// Check reports sets whose segments are not there, and segments of no set.
func (s *Segments) Check(w *ledger.Walk) error {
	missing := map[string]bool{}
	err := w.Each(tableSets, func(name, value []byte) error {
		var rec wire.SegmentSetRecord
		if err := ledger.Decode(tableSets, value, &rec); err != nil {
			return err
		}
		id, ok := parseName(name)
		if _, valid := key.ParseCompact(id.Sender[:]); !ok || !valid {
			w.Report(tableSets, "segments are of nobody")
			return nil
		}
		for _, p := range entryOf(&rec).places() {
			missing[string(id.segmentName(p))] = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = w.Each(tableSegments, func(name, _ []byte) error {
		if !missing[string(name)] {
			w.Report(tableSegments, "a segment is of no set")
		}
		delete(missing, string(name))
		return nil
	})
	if err == nil && len(missing) > 0 {
		w.Report(tableSegments, "%d segments are missing", len(missing))
	}
	return err
}
