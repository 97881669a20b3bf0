package chat

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/x3dh"
	"libstatus1to1/chat/wire"
)

// Marks of what has been seen, for deduplication: an envelope leaves one under its digest, a
// message in it one under its MVDS id, unless it is in a history.

// Each person has a ring of marks of bounded size: the oldest are forgotten to make room
// for the newest, and all of them after keepSeen. Something that comes again after its mark
// was forgotten is still recognized: a message by its history, a state by its clock, and a
// ciphertext because it does not open twice.
const (
	// keepSeen is the time for which opened messages are remembered: longer than the
	// pre-keys that could open them again.
	keepSeen = x3dh.KeepSpent + x3dh.RotateAfter
	// maxMarks limits the marks of one person, counted in ids: a thousand envelopes a day
	// for keepSeen, some 5 MB.
	maxMarks = 32 << 10
	// maxStrangerMarks limits the marks of a stranger, or of somebody blocked: as many
	// messages as they may leave with us, sent a few times.
	maxStrangerMarks = 4 * MaxStrangerMessages
	// maxStrangerRepeats limits the MVDS ids in the mark of one envelope of theirs, which
	// are acknowledged again when a copy of it comes.
	maxStrangerRepeats = 32
	// maxMarksTogether bounds what is forgotten together.
	maxMarksTogether = 256
	// forgetAtOnce bounds how many marks are forgotten for their age in one transaction.
	forgetAtOnce = 5000
)

// seenKeySize is the size of the keys of tableSeen.
const seenKeySize = 1 + 32

// seenKey names a mark: its kind, then the id of what was seen.
func seenKey(kind byte, id [32]byte) []byte { return append([]byte{kind}, id[:]...) }

// remember marks something that somebody has sent as seen, under a name of a kind.
func (t *txn) remember(of key.Public, kind byte, id [32]byte, mvds [][32]byte) error {
	who := of.Compact()
	if s, _ := t.c.people.contacts.of(who); !s.familiar() && t.marksOf(who) == maxStrangerMarks {
		mvds = mvds[:min(len(mvds), maxStrangerRepeats)]
	}
	rec := &wire.SeenRecord{}
	for _, m := range mvds {
		rec.MvdsIds = append(rec.MvdsIds, m[:])
	}
	if kind == seenExpired {
		if err := t.loadMarks(); err != nil {
			return err
		}
		t.c.marks.expired++
	}
	name := seenKey(kind, id)
	t.list(who, name, 1+len(mvds))
	return ledger.Put(t, tableSeen, name, rec)
}

// rememberSent notes the MVDS id of a message that is in no outbox, or no longer: its
// acknowledgement may still come. A message that fails for the second time is noted
// already, and a second entry would be forgotten at another time than the first.
func (t *txn) rememberSent(mvds, id [32]byte) error {
	old, err := t.Get(tableSeen, seenKey(seenElsewhere, mvds))
	if err != nil || old != nil {
		return err
	}
	return t.remember(t.c.self.Load().public, seenElsewhere, mvds, [][32]byte{id})
}

// digest names a ProtocolMessage: an exact copy has the same.
func digest(protocolMessage []byte, sender key.Public) [32]byte {
	return sha256.Sum256(append(sender.Compressed(), protocolMessage...))
}

// markBook is the memory of tableMarks: the records of each person. It belongs to the
// holder of the engine's lock, and is read once a run, by the first transaction that sets a
// mark.
type markBook struct {
	rings map[key.Compact]*markRing // nil: not read yet
	last  uint64                    // the number that was given out last
	// expired is the number of marks of seenExpired, or more: failed transactions are not taken
	// off. Most stores have none, and need not be asked about each message.
	expired int
}

// markRing lists the records of one person, oldest first.
type markRing struct {
	entries []markEntry
	weight  int
}

type markEntry struct {
	number uint64
	at     int64
	weight int
}

// marksOfTransaction is the key of the marks that a transaction has made: []*newMarks.
type marksOfTransaction struct{}

// newMarks are marks of one person that a transaction sets, to be forgotten together.
type newMarks struct {
	of     key.Compact
	names  []byte
	weight int
}

// marksOf returns the limit of the marks of a person, counted in ids.
func (t *txn) marksOf(who key.Compact) int {
	s, known := t.c.people.contacts.of(who)
	if own := t.c.self.Load(); own != nil && who == own.public.Compact() || known && !s.stranger() && !s.blocked {
		return maxMarks
	}
	return maxStrangerMarks
}

// list notes the names of new marks. putMarks stores them at the end of the transaction,
// those of one person in as few records as possible.
func (t *txn) list(who key.Compact, names []byte, weight int) {
	all, first := ledger.Local[[]*newMarks](t.Tx, marksOfTransaction{})
	if first {
		t.AtEnd(func() error { return t.putMarks(*all) })
	}
	for i := len(*all) - 1; i >= 0; i-- {
		if m := (*all)[i]; m.of == who && m.weight < maxMarksTogether {
			m.names, m.weight = append(m.names, names...), m.weight+weight
			return
		}
	}
	*all = append(*all, &newMarks{who, slices.Clone(names), weight})
}

// putMarks stores which marks the transaction has set, in records that are forgotten as a
// whole, and forgets the oldest marks of people who have too many.
func (t *txn) putMarks(marks []*newMarks) error {
	if err := t.loadMarks(); err != nil {
		return err
	}
	book, now, added := &t.c.marks, t.c.now().UnixMilli(), map[key.Compact]int{}
	var entries []markEntry
	for i, m := range marks {
		e := markEntry{book.last + 1 + uint64(i), now, m.weight}
		entries = append(entries, e)
		added[m.of] += m.weight
		rec := &wire.MarksRecord{At: now, Peer: m.of[:], Names: m.names, Weight: uint32(m.weight)}
		if err := ledger.Put(t, tableMarks, ledger.NumberKey(e.number), rec); err != nil {
			return err
		}
	}
	for who, weight := range added {
		if err := t.forgetOldest(who, weight); err != nil {
			return err
		}
	}
	// Only now: if the commit fails, the numbers are given out again.
	t.After(func() {
		for i, m := range marks {
			book.ring(m.of).add(entries[i])
		}
		book.last += uint64(len(marks))
	})
	return nil
}

// forgetOldest forgets the oldest marks of a person until there is room for new ones of the
// given weight.
func (t *txn) forgetOldest(who key.Compact, weight int) error {
	ring := t.c.marks.rings[who]
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

// forget deletes the marks of the first n entries of a ring, and returns how many those were.
func (t *txn) forget(ring *markRing, n int) (marks int, err error) {
	expired := 0
	for _, e := range ring.entries[:n] {
		var rec wire.MarksRecord
		if _, err := ledger.Get(t, tableMarks, ledger.NumberKey(e.number), &rec); err != nil {
			return marks, err
		}
		for name := range slices.Chunk(rec.GetNames(), seenKeySize) {
			marks++
			if err := t.Delete(tableSeen, name); err != nil {
				return marks, err
			}
		}
		expired += countKind(seenExpired, rec.GetNames())
		if err := t.Delete(tableMarks, ledger.NumberKey(e.number)); err != nil {
			return marks, err
		}
	}
	t.After(func() {
		ring.drop(n)
		t.c.marks.expired -= expired
	})
	return marks, nil
}

// countKind returns how many of the names of marks are of a kind.
func countKind(kind byte, names []byte) (n int) {
	for i := 0; i < len(names); i += seenKeySize {
		if names[i] == kind {
			n++
		}
	}
	return n
}

// ring returns the ring of a person; a new one if there is none.
func (b *markBook) ring(who key.Compact) *markRing {
	if b.rings[who] == nil {
		b.rings[who] = &markRing{}
	}
	return b.rings[who]
}

// add appends the newest entry.
func (r *markRing) add(e markEntry) {
	r.entries, r.weight = append(r.entries, e), r.weight+e.weight
}

// drop removes the n oldest entries.
func (r *markRing) drop(n int) {
	for _, e := range r.entries[:n] {
		r.weight -= e.weight
	}
	r.entries = slices.Delete(r.entries, 0, n)
}

// loadMarks reads the book, once a run.
func (t *txn) loadMarks() error {
	if t.c.marks.rings != nil {
		return nil
	}
	book := markBook{rings: map[key.Compact]*markRing{}}
	err := t.Each(tableMarks, func(name, value []byte) error {
		var rec wire.MarksRecord
		if err := ledger.Decode(tableMarks, value, &rec); err != nil {
			return err
		}
		if len(name) != ledger.NumberSize || len(rec.GetPeer()) != len(key.Compact{}) {
			return Errorf(CodeStoreCorrupt, "", "marks do not read back")
		}
		number := binary.BigEndian.Uint64(name)
		book.last = max(book.last, number)
		book.expired += countKind(seenExpired, rec.GetNames())
		book.ring(key.Compact(rec.GetPeer())).add(markEntry{number, rec.GetAt(), int(rec.GetWeight())})
		return nil
	})
	if err != nil {
		return err
	}
	err = t.Range(queueSeen, 0, func(_ uint64, value []byte) (bool, error) {
		if len(value) > 8 {
			book.expired += countKind(seenExpired, value[8:])
		}
		return true, nil
	})
	if err != nil {
		return err
	}
	for _, ring := range book.rings {
		slices.SortFunc(ring.entries, func(a, b markEntry) int { return cmp.Compare(a.number, b.number) })
	}
	t.c.marks = book
	return nil
}

// seenUntil returns the time up to which marks may be forgotten. That is keepSeen ago, or the
// birth of our oldest pre-key if that is earlier: a client that was away for weeks still has
// one from before, and a first message to it whose mark is gone would open again.
func (c *Client) seenUntil(now time.Time) time.Time {
	until := now.Add(-keepSeen)
	if a := c.self.Load(); a != nil {
		if k, ok := a.self.PreKeys.Oldest(); ok && k.Created.Before(until) {
			return k.Created
		}
	}
	return until
}

// forgetMarks forgets the marks that are old enough. Marks of the future, made when the
// clock was ahead, are dated now: the order of a ring is that of its numbers, so they would
// keep all that came after them from being forgotten.
func (c *Client) forgetMarks(now time.Time) error {
	limit, future := c.seenUntil(now).UnixMilli(), now.Add(careEvery).UnixMilli()
	err := c.update(func(t *txn) error {
		if err := t.loadMarks(); err != nil {
			return err
		}
		forgotten := 0
		for _, ring := range c.marks.rings {
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

// redate sets the time of an entry to now.
func (t *txn) redate(e *markEntry, now time.Time) error {
	var rec wire.MarksRecord
	if _, err := ledger.Get(t, tableMarks, ledger.NumberKey(e.number), &rec); err != nil {
		return err
	}
	e.at, rec.At = now.UnixMilli(), now.UnixMilli()
	return ledger.Put(t, tableMarks, ledger.NumberKey(e.number), &rec)
}

// forgetOlder does the same for the marks in queueSeen, which stores of earlier versions
// listed without their person. Those that must wait are moved to our own ring.
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
		t.list(t.c.self.Load().public.Compact(), ahead, len(ahead)/seenKeySize)
	}
	for _, name := range old {
		if err := t.Delete(tableSeen, name); err != nil {
			return err
		}
	}
	return t.Trim(queueSeen, last)
}
