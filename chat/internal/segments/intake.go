package segments

import (
	"errors"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/segment"
)

// What Accept can fail with, beside the errors of package segment and of the store.
var (
	// ErrDuplicate: the segment is there already.
	ErrDuplicate = errors.New("segments: the segment has come before")
	// ErrFull: there is no room for it, or it is for a message that is larger than what is
	// kept of its sender.
	ErrFull = errors.New("segments: no room")
	// ErrLater: enough messages were put together in this batch. The same segment is
	// accepted by the next one.
	ErrLater = errors.New("segments: enough for one batch")
)

// maxWholeAtOnce bounds the messages that are put together in one batch, in bytes, since each
// is copied several times until it is stored. The first one always passes.
const maxWholeAtOnce = segment.MaxMessage / 4

// Intake takes the segments of one batch of envelopes. Nothing changes before its Store is
// committed: an intake that is not stored leaves no trace.
type Intake struct {
	s       *Segments
	changes map[ID]*change
	whole   int // bytes of the messages that were put together
}

// change is a set that is another one after the batch.
type change struct {
	entry
	fresh map[segment.Place][]byte // segments that are not stored yet
	gone  bool                     // what was stored is dropped, and nothing is kept
	anew  bool                     // what was stored is dropped, and other segments are kept
}

// Begin begins the intake of a batch.
func (s *Segments) Begin() *Intake { return &Intake{s: s, changes: map[ID]*change{}} }

// entry returns a set as this batch has left it so far.
func (in *Intake) entry(id ID) (e entry, found bool) {
	if c := in.changes[id]; c != nil {
		return c.entry, !c.gone
	}
	e, found = in.s.sets[id]
	return e, found
}

// drop forgets a set.
func (in *Intake) drop(id ID) { in.changes[id] = &change{gone: true} }

// Accept takes a segment. It returns the whole message if that is the one that was missing,
// and otherwise the set as it is now. A message whose hash is wrong is forgotten: only its
// sender can have sent another segment than the right one.
func (in *Intake) Accept(sender key.Compact, seg segment.Segment, now time.Time) (whole []byte, set segment.Set, err error) {
	id := ID{sender, seg.Hash}
	e, _ := in.entry(id)
	if e.set.Has(seg.Place) {
		return nil, e.set, ErrDuplicate
	}
	if set, err = e.set.With(seg); err != nil {
		return nil, e.set, err
	}
	if set.Complete() {
		if size := set.Count * set.Size; in.whole > 0 && in.whole+size > maxWholeAtOnce {
			return nil, e.set, ErrLater
		}
		whole, err = in.assemble(id, set, seg)
		if ledger.Passing(err) {
			return nil, e.set, err
		}
		in.whole += len(whole)
		in.drop(id)
		return whole, set, err
	}
	next := entry{set: set, bytes: e.bytes + len(seg.Payload) + overhead, at: now}
	if !in.makeRoom(id, next) {
		return nil, e.set, ErrFull
	}
	c := in.changes[id]
	if c == nil || c.gone {
		c = &change{fresh: map[segment.Place][]byte{}, anew: c != nil}
		in.changes[id] = c
	}
	c.entry = next
	c.fresh[seg.Place] = seg.Payload
	return nil, set, nil
}

// assemble puts a message together, of which the last segment to come is not kept.
func (in *Intake) assemble(id ID, set segment.Set, last segment.Segment) (whole []byte, err error) {
	err = in.s.Ledger.View(func(tx port.Tx) error {
		whole, err = set.Assemble(id.Hash, func(p segment.Place) ([]byte, error) {
			if p == last.Place {
				return last.Payload, nil
			}
			if c := in.changes[id]; c != nil && c.fresh[p] != nil {
				return c.fresh[p], nil
			}
			return tx.Get(tableSegments, id.segmentName(p))
		})
		return err
	})
	return whole, err
}

// Store stores what has changed. It is called once, in the transaction of the batch.
func (in *Intake) Store(tx *ledger.Tx) error {
	for id, c := range in.changes {
		if err := in.store(tx, id, c); err != nil {
			return err
		}
	}
	return nil
}

func (in *Intake) store(tx *ledger.Tx, id ID, c *change) error {
	if before, was := in.s.sets[id]; was && (c.gone || c.anew) {
		for _, p := range before.places() {
			if err := tx.Delete(tableSegments, id.segmentName(p)); err != nil {
				return err
			}
		}
	}
	if c.gone {
		tx.After(func() { delete(in.s.sets, id) })
		return tx.Delete(tableSets, id.name())
	}
	for p, payload := range c.fresh {
		if err := tx.Put(tableSegments, id.segmentName(p), payload); err != nil {
			return err
		}
	}
	tx.After(func() { in.s.sets[id] = c.entry })
	return ledger.Put(tx, tableSets, id.name(), c.record())
}
