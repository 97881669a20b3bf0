package search

import (
	"cmp"
	"errors"
	"math"
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// Work does one step of what there is to do: an index of another version goes, the queue
// becomes a segment, segments are merged, and messages from before there was an index come
// into it.
func (x *Index) Work(*ledger.Turn) error {
	if x.broken.Load() || !x.look.Load() && x.queued.Load() < int64(x.bounds.documents) {
		return nil
	}
	x.look.Store(false) // what comes from here on is looked at the next time
	did, err := x.step()
	if did {
		x.look.Store(true)
	}
	if port.CodeOf(err) == port.CodeStoreCorrupt { // no reason for the engine to stand still
		if !x.spoil() {
			x.broken.Store(true)
		}
		return nil
	}
	if err != nil {
		x.look.Store(true)
		x.newest = nil // it may be ahead of what is stored
	}
	return err
}

// spoil has an index that does not read back rebuilt, and reports whether it will be. This
// happens once in a run: if it does not help, searches return the error.
func (x *Index) spoil() bool {
	if x.spoiled.Swap(true) {
		return x.anew.Load()
	}
	x.Log.Log("error", "the index for search does not read back, and is made anew")
	x.anew.Store(true)
	x.look.Store(true)
	x.Wake()
	return true
}

func (x *Index) step() (did bool, err error) {
	if x.anew.Load() {
		err := x.Ledger.Update(func(tx *ledger.Tx) error {
			return ledger.Put(tx, table, keyState, &wire.SearchStateRecord{})
		})
		if err == nil {
			x.anew.Store(false)
		}
		return true, err
	}
	var state *wire.SearchStateRecord
	var ok bool
	var list []*wire.SearchSegmentRecord
	err = x.Ledger.View(func(tx port.Tx) error {
		if state, ok, err = readState(tx); err != nil || !ok {
			return err
		}
		list, err = readSegments(tx)
		return err
	})
	if err != nil {
		return false, err
	}
	if !ok {
		return true, x.begin()
	}
	if x.queued.Load() >= int64(x.bounds.documents) {
		return true, x.flush()
	}
	if some := x.toMerge(list); len(some) > 0 {
		return true, x.merge(some)
	}
	if state.GetMaking() {
		return true, x.makeSome()
	}
	return false, nil
}

// begin deletes some of the records of another version, and begins a new index when none are
// left.
func (x *Index) begin() error {
	return x.Ledger.Update(func(tx *ledger.Tx) error {
		var names [][]byte
		enough := errors.New("search: enough")
		err := tx.Each(table, func(name, _ []byte) error {
			if names = append(names, name); len(names) > wipedAtOnce {
				return enough
			}
			return nil
		})
		if err != nil && err != enough {
			return err
		}
		for _, name := range names {
			if err := tx.Delete(table, name); err != nil {
				return err
			}
		}
		if err == enough {
			return nil
		}
		return ledger.Put(tx, table, keyState, &wire.SearchStateRecord{
			Version: version, Making: true, ReachedClock: math.MaxUint64, ReachedId: make([]byte, 32),
		})
	})
}

// class is the size of a segment: 0 is small, 2 is one that is not merged any more.
func (x *Index) class(s *wire.SearchSegmentRecord) int {
	documents, blocks := int(s.GetDocuments()-s.GetErased()), int(s.GetTermBlocks())
	size, times := 0, 1
	for ; size < largest && (documents > x.bounds.documents*times || blocks > smallBlocks*times); times *= fanout {
		size++
	}
	return size
}

const largest = 2

// toMerge returns segments that are to become one: eight of a size, neighbours in time, or
// one of which many documents were removed. None if there is nothing to do.
func (x *Index) toMerge(list []*wire.SearchSegmentRecord) []*wire.SearchSegmentRecord {
	of := map[int][]*wire.SearchSegmentRecord{}
	for _, s := range list {
		if s.GetErased()*erasedShare >= s.GetDocuments() {
			return []*wire.SearchSegmentRecord{s}
		}
		of[x.class(s)] = append(of[x.class(s)], s)
	}
	for size := range largest {
		if some := of[size]; len(some) >= fanout {
			slices.SortFunc(some, func(a, b *wire.SearchSegmentRecord) int { return newestFirst(newestOf(a), newestOf(b)) })
			return some[len(some)-fanout:]
		}
	}
	return nil
}

// errStale is about something that was made of messages which have changed since.
var errStale = errors.New("search: a message has changed meanwhile")

// twice runs make on a snapshot, where it holds up nobody, and store in a transaction. If a
// message was changed or removed in between, both run in one transaction.
func twice[T any](x *Index, make func(port.Tx, *wire.SearchStateRecord) (T, error), store func(*ledger.Tx, *wire.SearchStateRecord, T) error) error {
	var value T
	var before *wire.SearchStateRecord
	err := x.Ledger.View(func(tx port.Tx) (err error) {
		if before, _, err = readState(tx); err == nil {
			value, err = make(tx, before)
		}
		return err
	})
	if err != nil {
		return err
	}
	try := func(again bool) error {
		return x.Ledger.Update(func(tx *ledger.Tx) error {
			state, ok, err := readState(tx)
			if err != nil || !ok { // it is to be begun anew
				return err
			}
			if state.GetChanges() != before.GetChanges() {
				if !again {
					return errStale
				}
				if value, err = make(tx, state); err != nil {
					return err
				}
			}
			if err := store(tx, state, value); err != nil {
				return err
			}
			return ledger.Put(tx, table, keyState, state)
		})
	}
	if err = try(false); errors.Is(err, errStale) {
		err = try(true)
	}
	return err
}

// flushed is a segment made of the front of the queue.
type flushed struct {
	*made
	upTo   uint64 // the last entry that it has
	places int
}

// flush makes a segment of the front of the queue.
func (x *Index) flush() error {
	var done flushed
	err := twice(x, func(tx port.Tx, state *wire.SearchStateRecord) (f flushed, err error) {
		list, err := readSegments(tx)
		if err != nil {
			return f, err
		}
		in := x.newIndexer(tx, state, list)
		err = tx.Range(unindexed, 0, func(seq uint64, value []byte) (bool, error) {
			places, err := readPlaces(value)
			if err != nil || f.places > 0 && f.places+len(places) > x.bounds.documents {
				return false, err
			}
			for _, at := range places {
				if what, ok := x.held.find(at, seq); ok {
					err = in.take(at, what)
				} else {
					err = in.read(at)
				}
				if err != nil {
					return false, err
				}
			}
			f.upTo, f.places = seq, f.places+len(places)
			return in.weight < maxWeight, nil
		})
		if err == nil {
			f.made, err = in.make()
		}
		return f, err
	}, func(tx *ledger.Tx, state *wire.SearchStateRecord, f flushed) error {
		done = f
		if err := tx.Trim(unindexed, f.upTo); err != nil {
			return err
		}
		return replace(tx, state, nil, f.made)
	})
	if err == nil {
		x.held.dropUpTo(done.upTo)
		x.queued.Add(int64(-done.places))
		if done.places == 0 {
			x.queued.Store(0) // it was counted wrong: there is nothing
		}
	}
	return err
}

// merge makes one segment of some.
func (x *Index) merge(some []*wire.SearchSegmentRecord) error {
	return twice(x, func(tx port.Tx, _ *wire.SearchStateRecord) (*made, error) {
		list, err := readSegments(tx) // how many are erased may have changed
		if err != nil {
			return nil, err
		}
		list = slices.DeleteFunc(list, func(s *wire.SearchSegmentRecord) bool { return !isIn(some, s) })
		return merge(tx, list)
	}, func(tx *ledger.Tx, state *wire.SearchStateRecord, m *made) error {
		return replace(tx, state, some, m)
	})
}

// isIn reports whether a segment is one of some.
func isIn(some []*wire.SearchSegmentRecord, s *wire.SearchSegmentRecord) bool {
	return slices.ContainsFunc(some, func(o *wire.SearchSegmentRecord) bool { return o.GetNumber() == s.GetNumber() })
}

// replace drops segments, and stores the one that was made; nil is none.
func replace(tx *ledger.Tx, state *wire.SearchStateRecord, some []*wire.SearchSegmentRecord, m *made) error {
	list, err := readSegments(tx)
	if err != nil {
		return err
	}
	for _, s := range some {
		if err := drop(tx, s); err != nil {
			return err
		}
	}
	list = slices.DeleteFunc(list, func(s *wire.SearchSegmentRecord) bool { return isIn(some, s) })
	if m != nil {
		rec, err := m.store(tx, state)
		if err != nil {
			return err
		}
		list = append(list, rec)
	}
	slices.SortFunc(list, func(a, b *wire.SearchSegmentRecord) int {
		return cmp.Or(newestFirst(newestOf(a), newestOf(b)), cmp.Compare(a.GetNumber(), b.GetNumber()))
	})
	return putPadded(tx, keySegments, &wire.SearchSegmentsRecord{Segments: list})
}

// slice holds what makeSome adds: the segment, and how far back it reaches.
type slice struct {
	*made
	reached port.Position
	end     bool
}

// makeSome adds the next messages that are older than the index to it, newest first.
func (x *Index) makeSome() error {
	var places []port.Position
	var end bool
	err := x.Ledger.View(func(tx port.Tx) error {
		if x.newest == nil {
			state, _, err := readState(tx)
			if err != nil {
				return err
			}
			x.newest = newNewest(x.Chats, port.Position{Clock: state.GetReachedClock(), ID: id32(state.GetReachedId())})
		}
		ready, err := x.newest.load(tx)
		if err != nil || !ready {
			return err
		}
		places, err = x.newest.take(tx, x.bounds.documents)
		end = err == nil && len(places) == 0
		return err
	})
	if err != nil || len(places) == 0 && !end {
		return err
	}
	return twice(x, func(tx port.Tx, state *wire.SearchStateRecord) (s slice, err error) {
		if end {
			return slice{end: true}, nil
		}
		list, err := readSegments(tx)
		if err != nil {
			return s, err
		}
		in := x.newIndexer(tx, state, list)
		n := 0
		for n < len(places) && in.weight < maxWeight {
			if err := in.read(places[n]); err != nil {
				return s, err
			}
			s.reached = places[n]
			n++
		}
		x.newest.putBack(places[n:])
		places = places[:n]
		s.made, err = in.make()
		return s, err
	}, func(tx *ledger.Tx, state *wire.SearchStateRecord, s slice) error {
		if s.end {
			x.newest = nil
			state.Making, state.ReachedClock, state.ReachedId = false, 0, nil
			return nil
		}
		state.ReachedClock, state.ReachedId = s.reached.Clock, s.reached.ID[:]
		return replace(tx, state, nil, s.made)
	})
}
