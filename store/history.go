package store

import (
	"encoding/binary"

	bolt "go.etcd.io/bbolt"

	"libstatus1to1/chat/port"
)

// A history is a bucket of positions under 8-byte order labels. Labels rise as
// positions do and mean nothing else. A new newest position takes the last label
// plus labelGap; a late one the middle between its neighbours' labels; where
// there is no middle left, the neighbourhood is relabelled (relabel.go).

// firstLabel leaves as much room before the first position as after it.
const firstLabel = 1 << 63

// placed is a position with its label.
type placed struct {
	label    uint64
	position port.Position
}

// historyCursor walks the positions of a history.
type historyCursor struct{ *cursor }

// at converts the entry at the cursor to a placed; ok is false past the end.
func (c historyCursor) at(plain []byte, err error) (p placed, ok bool, _ error) {
	if err != nil || c.key == nil {
		return p, false, err
	}
	p, err = unpackPlaced(c.what, c.key, plain)
	return p, err == nil, err
}

func unpackPlaced(what string, diskKey, plain []byte) (p placed, err error) {
	position, ok := unpackPosition(plain)
	if !ok || len(diskKey) != 8 {
		return p, misplaced(what)
	}
	return placed{binary.BigEndian.Uint64(diskKey), position}, nil
}

func (c historyCursor) first() (placed, bool, error) { return c.at(c.move((*bolt.Cursor).First)) }
func (c historyCursor) last() (placed, bool, error)  { return c.at(c.cursor.last()) }
func (c historyCursor) next() (placed, bool, error)  { return c.at(c.move((*bolt.Cursor).Next)) }
func (c historyCursor) prev() (placed, bool, error)  { return c.at(c.cursor.prev()) }
func (c historyCursor) from(label uint64) (placed, bool, error) {
	return c.at(c.seek(number(label)))
}

// history gives a cursor; nil when the history is empty.
func (t *fileTx) history(id bucketID) (*historyCursor, error) {
	if err := t.applyPending(id); err != nil {
		return nil, err
	}
	c, err := t.cursor("a history", id)
	if err != nil || c == nil {
		return nil, err
	}
	return &historyCursor{c}, nil
}

// notBefore finds the oldest placed that is not before p; ok is false when all
// are. It reads a logarithmic number of records.
func (c historyCursor) notBefore(p port.Position) (found placed, ok bool, err error) {
	e, more, err := c.last()
	for range nearEntries {
		if err != nil || !more || compare(e.position, p) < 0 {
			return found, ok, err
		}
		found, ok = e, true
		e, more, err = c.prev()
	}
	if err != nil || !more || compare(e.position, p) < 0 {
		return found, ok, err
	}
	found = e
	low, _, err := c.first()
	if err != nil || compare(low.position, p) >= 0 {
		return low, true, err
	}
	return c.bisect(low.label, found, p)
}

// bisect finds the oldest entry not before p, given that the entry labelled low is
// before p and the one labelled high is not. Each round halves the range of labels.
func (c historyCursor) bisect(low uint64, high placed, p port.Position) (placed, bool, error) {
	for high.label-low > 1 {
		e, ok, err := c.from(low + (high.label-low)/2)
		if err == nil && ok && e.label == high.label { // nothing in the upper half
			e, ok, err = c.prev()
			if ok && compare(e.position, p) < 0 {
				return high, true, nil
			}
		}
		switch {
		case err != nil:
			return high, false, err
		case !ok || e.label <= low || e.label >= high.label:
			return high, false, corrupt("%s: the order is broken", c.what)
		case compare(e.position, p) < 0:
			low = e.label
		default:
			high = e
		}
	}
	return high, true, nil
}

func (t *fileTx) Insert(chatID []byte, p port.Position) (bool, error) {
	if err := t.writing(); err != nil {
		return false, err
	}
	if err := checkSize(chatID, nil); err != nil {
		return false, err
	}
	id, e, err := t.entry(kindHistory, string(chatID))
	if err != nil {
		return false, err
	}
	there, err := t.insert(id, p)
	if err != nil || there {
		return false, err
	}
	e.last++
	e.gone = false
	t.batch.set(id, e)
	return true, nil
}

func (t *fileTx) Remove(chatID []byte, p port.Position) error {
	if err := t.writing(); err != nil {
		return err
	}
	id, e, err := t.entry(kindHistory, string(chatID))
	if err != nil || e.gone {
		return err
	}
	c, err := t.history(id)
	if err != nil {
		return err
	}
	if c == nil {
		return missing(e.what())
	}
	found, ok, err := c.notBefore(p)
	if err != nil || !ok || found.position != p {
		return err
	}
	if e.last <= 1 { // of an empty history nothing stays
		return t.DropHistory(chatID)
	}
	if err := t.batch.do(step{act: actDelete, rises: true, id: id, key: number(found.label)}); err != nil {
		return err
	}
	delete(t.batch.spots, id)
	e.last--
	t.batch.set(id, e)
	return nil
}

// after tells that p comes after l and that there is room for it.
func (l placed) after(p port.Position) bool {
	return compare(l.position, p) < 0 && l.label < 1<<64-labelGap
}

// place writes one position. fresh promises that its label is not in the file.
func (t *fileTx) place(id bucketID, p placed, fresh bool) error {
	return t.batch.do(step{act: actPut, fresh: fresh, rises: true, id: id, key: number(p.label), value: appendPosition(t.batch.room.memory.room(positionSize), p.position)})
}

// insert places p, relabelling if it must. there tells that p is in the history already.
func (t *fileTx) insert(id bucketID, p port.Position) (there bool, err error) {
	for {
		s, err := t.spot(id)
		if err != nil {
			return false, err
		}
		if s == nil {
			first := placed{firstLabel, p}
			t.batch.spots[id] = &spot{newest: first, near: []placed{first}, oldest: true}
			return false, t.place(id, first, true)
		}
		if s.newest.after(p) {
			newest := placed{s.newest.label + labelGap, p}
			s.addNewest(newest)
			return false, t.place(id, newest, true)
		}
		if err := s.reach(t, id, p); err != nil {
			return false, err
		}
		at, low, high := s.find(p)
		if high != nil && high.position == p {
			return true, nil
		}
		if label, ok := s.between(low, high); ok {
			s.add(at, placed{label, p})
			s.latest = label
			return false, t.place(id, placed{label, p}, false)
		}
		if err := t.relabel(id, high); err != nil {
			return false, err
		}
	}
}

// neighbours returns the newest position before p and the oldest that is not; nil where
// there is none.
func (c historyCursor) neighbours(p port.Position) (low, high *placed, err error) {
	newest, more, err := c.last()
	if err == nil && more && compare(newest.position, p) < 0 { // nearly always
		return &newest, nil, nil
	}
	next, ok, err := c.notBefore(p)
	if err != nil {
		return nil, nil, err
	}
	var prev placed
	if ok {
		high = &next
		if _, _, err = c.from(next.label); err == nil {
			prev, more, err = c.prev()
		}
	} else {
		prev, more, err = c.last()
	}
	if more {
		low = &prev
	}
	return low, high, err
}

// between returns a label above low and below high, where nil means that there is no
// neighbour on that side. ok is false if no label is free.
func between(low, high *placed) (label uint64, ok bool) {
	switch {
	case low == nil && high == nil:
		return firstLabel, true
	case low == nil:
		return high.label - min(labelGap, high.label/2), high.label >= 2
	case high == nil:
		return low.label + labelGap, low.label < 1<<64-labelGap
	}
	middle := low.label + (high.label-low.label)/2
	return middle, middle != low.label
}

func (t *fileTx) Page(chatID []byte, before *port.Position, limit int) ([]port.Position, error) {
	if err := t.readable(); err != nil || limit <= 0 {
		return nil, err
	}
	c, err := t.history(t.crypt.bucket(kindHistory, string(chatID)))
	if err != nil || c == nil {
		return nil, err
	}
	e, ok, err := c.newestBefore(before)
	var page []port.Position
	for ; ok && err == nil && len(page) < limit; e, ok, err = c.prev() {
		page = append(page, e.position)
	}
	if err != nil {
		return nil, err
	}
	return page, nil
}

// newestBefore moves to the newest position before p, or to the newest of all.
func (c historyCursor) newestBefore(p *port.Position) (placed, bool, error) {
	if p == nil {
		return c.last()
	}
	e, ok, err := c.notBefore(*p)
	if err != nil {
		return e, false, err
	}
	if !ok {
		return c.last()
	}
	if _, _, err := c.from(e.label); err != nil {
		return e, false, err
	}
	return c.prev()
}

func (t *fileTx) Count(chatID []byte) (uint64, error) {
	if err := t.readable(); err != nil {
		return 0, err
	}
	_, e, err := t.entry(kindHistory, string(chatID))
	return e.records(), err
}

func (t *fileTx) DropHistory(chatID []byte) error {
	if err := t.writing(); err != nil {
		return err
	}
	id, e, err := t.entry(kindHistory, string(chatID))
	if err != nil || e.gone {
		return err
	}
	if err := t.batch.do(step{act: actDrop, id: id}); err != nil {
		return err
	}
	delete(t.batch.spots, id)
	t.batch.set(id, emptyEntry(kindHistory, string(chatID)))
	return nil
}
