package chat

import (
	"cmp"
	"encoding/binary"
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// Marks of what was seen are kept as a ring a person: of each only so many, the oldest
// are forgotten for the newest, and all of them after keepSeen. What is forgotten and
// comes again is nothing new either: a message is known by its history, a state by its
// clock, and a ciphertext does not open twice.
const (
	// keepSeen is how long opened messages are remembered: longer than the pre-keys
	// that could open them again.
	keepSeen = x3dh.KeepSpent + x3dh.RotateAfter
	// maxMarks is how much is kept of one person, a unit for each id: a thousand
	// envelopes a day for keepSeen, some 5 MB.
	maxMarks = 32 << 10
	// maxStrangerMarks is that of a stranger, or of somebody blocked: what they may
	// leave with us, sent a few times.
	maxStrangerMarks = 4 * MaxStrangerMessages
	// maxStrangerRepeats is how many ids the mark of one envelope of theirs holds, to be
	// acknowledged again when a copy of it comes.
	maxStrangerRepeats = 32
	// maxMarksTogether bounds what is forgotten together.
	maxMarksTogether = 256
	// forgetAtOnce bounds how many marks are forgotten for their age in one transaction.
	forgetAtOnce = 5000
)

// seenKeySize is the size of the keys of tableSeen.
const seenKeySize = 1 + 32

func seenKey(kind byte, id [32]byte) []byte { return append([]byte{kind}, id[:]...) }

// markBook says, in memory, which records of tableMarks are whose. The loop only.
type markBook struct {
	rings map[person]*markRing // nil: not read yet
	last  uint64               // the number that was given out last
}

// markRing is what is kept of one person, oldest first.
type markRing struct {
	entries []markEntry
	weight  int
}

type markEntry struct {
	number uint64
	at     int64
	weight int
}

// newMarks are marks of one person that a transaction makes.
type newMarks struct {
	of     person
	names  []byte
	weight int
}

// remember marks something that of has sent as seen.
func (t *txn) remember(of key.Public, kind byte, id [32]byte, mvds [][32]byte) error {
	who := personOf(of)
	if s, _ := t.c.roster.of(who); !s.familiar() && t.marksOf(who) == maxStrangerMarks {
		mvds = mvds[:min(len(mvds), maxStrangerRepeats)]
	}
	rec := &wire.SeenRecord{}
	for _, m := range mvds {
		rec.MvdsIds = append(rec.MvdsIds, m[:])
	}
	name := seenKey(kind, id)
	t.list(who, name, 1+len(mvds))
	return put(t, tableSeen, name, rec)
}

// rememberSent marks under which MVDS id a message goes that is in no outbox: its
// acknowledgement may still come. One that failed, was tried again and fails once more is
// marked already; a second entry would be forgotten at another time than the first.
func (t *txn) rememberSent(mvds, id [32]byte) error {
	old, err := t.Get(tableSeen, seenKey(seenElsewhere, mvds))
	if err != nil || old != nil {
		return err
	}
	return t.remember(t.c.account_.Load().public, seenElsewhere, mvds, [][32]byte{id})
}

// marksOf is how much is kept of a person.
func (t *txn) marksOf(who person) int {
	s, known := t.c.roster.of(who)
	if own := t.c.account_.Load(); own != nil && who == personOf(own.public) || known && !s.stranger() && !s.blocked {
		return maxMarks
	}
	return maxStrangerMarks
}

// list notes the names of marks, to be stored at the end of the transaction.
func (t *txn) list(who person, names []byte, weight int) {
	for i := len(t.marks) - 1; i >= 0; i-- {
		if m := t.marks[i]; m.of == who && m.weight < maxMarksTogether {
			m.names, m.weight = append(m.names, names...), m.weight+weight
			return
		}
	}
	t.marks = append(t.marks, &newMarks{who, slices.Clone(names), weight})
}

// putMarks lists the marks of the transaction, to be forgotten together, and forgets the
// oldest of people who have more than is kept of them.
func (t *txn) putMarks() error {
	if len(t.marks) == 0 {
		return nil
	}
	if err := t.loadMarks(); err != nil {
		return err
	}
	book, now, added := &t.c.loop.marks, t.c.now().UnixMilli(), map[person]int{}
	var entries []markEntry
	for i, m := range t.marks {
		e := markEntry{book.last + 1 + uint64(i), now, m.weight}
		entries = append(entries, e)
		added[m.of] += m.weight
		rec := &wire.MarksRecord{At: now, Peer: m.of[:], Names: m.names, Weight: uint32(m.weight)}
		if err := put(t, tableMarks, ledger.NumberKey(e.number), rec); err != nil {
			return err
		}
	}
	for who, weight := range added {
		if err := t.forgetOldest(who, weight); err != nil {
			return err
		}
	}
	marks := t.marks
	t.then(func() {
		for i, m := range marks {
			book.ring(m.of).add(entries[i])
		}
		book.last += uint64(len(marks))
	})
	return nil
}

// forgetOldest forgets the oldest marks of a person until others of a weight have room.
func (t *txn) forgetOldest(who person, weight int) error {
	ring := t.c.loop.marks.rings[who]
	if ring == nil {
		return nil
	}
	n, left, most := 0, ring.weight+weight, t.marksOf(who)
	for ; n < len(ring.entries) && left > most; n++ {
		left -= ring.entries[n].weight
	}
	_, err := t.forget(ring, n)
	return err
}

// forget forgets the first n entries of a ring, and tells how many marks those were.
func (t *txn) forget(ring *markRing, n int) (marks int, err error) {
	for _, e := range ring.entries[:n] {
		var rec wire.MarksRecord
		if _, err := get(t, tableMarks, ledger.NumberKey(e.number), &rec); err != nil {
			return marks, err
		}
		for name := range slices.Chunk(rec.GetNames(), seenKeySize) {
			marks++
			if err := t.Delete(tableSeen, name); err != nil {
				return marks, err
			}
		}
		if err := t.Delete(tableMarks, ledger.NumberKey(e.number)); err != nil {
			return marks, err
		}
	}
	t.then(func() { ring.drop(n) })
	return marks, nil
}

func (b *markBook) ring(who person) *markRing {
	if b.rings[who] == nil {
		b.rings[who] = &markRing{}
	}
	return b.rings[who]
}

func (r *markRing) add(e markEntry) {
	r.entries, r.weight = append(r.entries, e), r.weight+e.weight
}

func (r *markRing) drop(n int) {
	for _, e := range r.entries[:n] {
		r.weight -= e.weight
	}
	r.entries = slices.Delete(r.entries, 0, n)
}

// loadMarks reads the book, once a run.
func (t *txn) loadMarks() error {
	if t.c.loop.marks.rings != nil {
		return nil
	}
	book := markBook{rings: map[person]*markRing{}}
	err := t.Each(tableMarks, func(name, value []byte) error {
		var rec wire.MarksRecord
		if err := decodeRecord(tableMarks, value, &rec); err != nil {
			return err
		}
		if len(name) != ledger.NumberSize || len(rec.GetPeer()) != len(person{}) {
			return Errorf(CodeStoreCorrupt, "", "marks do not read back")
		}
		number := binary.BigEndian.Uint64(name)
		book.last = max(book.last, number)
		book.ring(person(rec.GetPeer())).add(markEntry{number, rec.GetAt(), int(rec.GetWeight())})
		return nil
	})
	if err != nil {
		return err
	}
	for _, ring := range book.rings {
		slices.SortFunc(ring.entries, func(a, b markEntry) int { return cmp.Compare(a.number, b.number) })
	}
	t.c.loop.marks = book
	return nil
}

// forgetMarks forgets the oldest marks. Those of the future, by a clock that was ahead
// then, are dated now: they would hold up all that came after them.
func (c *Client) forgetMarks(now time.Time) error {
	limit, future := c.seenUntil(now).UnixMilli(), now.Add(careEvery).UnixMilli()
	err := c.update(func(t *txn) error {
		if err := t.loadMarks(); err != nil {
			return err
		}
		forgotten := 0
		for _, ring := range c.loop.marks.rings {
			n := 0
			for n < len(ring.entries) && ring.entries[n].at <= limit {
				n++
			}
			marks, err := t.forget(ring, min(n, forgetAtOnce/maxMarksTogether))
			if err != nil {
				return err
			}
			for i := range ring.entries {
				if ring.entries[i].at > future {
					if err := t.redate(&ring.entries[i], now); err != nil {
						return err
					}
				}
			}
			if forgotten += marks; forgotten >= forgetAtOnce {
				break
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.update(func(t *txn) error { return t.forgetOlder(limit, future) })
}

// redate dates an entry now.
func (t *txn) redate(e *markEntry, now time.Time) error {
	var rec wire.MarksRecord
	if _, err := get(t, tableMarks, ledger.NumberKey(e.number), &rec); err != nil {
		return err
	}
	e.at, rec.At = now.UnixMilli(), now.UnixMilli()
	return put(t, tableMarks, ledger.NumberKey(e.number), &rec)
}

// forgetOlder does the same for marks that were listed when they were nobody's.
func (t *txn) forgetOlder(limit, future int64) error {
	var last uint64
	var old [][]byte
	var ahead []byte
	err := t.Range(queueSeen, 0, func(seq uint64, value []byte) (bool, error) {
		if len(value) < 8 {
			return false, nil
		}
		switch at := int64(binary.BigEndian.Uint64(value)); {
		case at <= limit:
			for name := range slices.Chunk(value[8:], seenKeySize) {
				old = append(old, slices.Clone(name))
			}
		case at > future:
			ahead = append(ahead, value[8:]...)
		default:
			return false, nil
		}
		last = seq
		return len(old)+len(ahead)/seenKeySize < forgetAtOnce, nil
	})
	if err != nil || last == 0 {
		return err
	}
	if len(ahead) > 0 {
		t.list(personOf(t.c.account_.Load().public), ahead, len(ahead)/seenKeySize)
	}
	for _, name := range old {
		if err := t.Delete(tableSeen, name); err != nil {
			return err
		}
	}
	return t.Trim(queueSeen, last)
}
