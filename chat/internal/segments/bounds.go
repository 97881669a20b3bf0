package segments

import "slices"

// load counts what is kept.
type load struct{ sets, bytes int }

func (l *load) add(e entry) { l.sets, l.bytes = l.sets+1, l.bytes+e.bytes }

// within reports whether a load is not above a bound.
func (l load) within(sets, bytes int) bool { return l.sets <= sets && l.bytes <= bytes }

// kept is a set that can make room for another.
type kept struct {
	id ID
	entry
	stranger bool
}

// makeRoom forgets sets until there is room for the one named id as it would be: the oldest
// of its sender, then the oldest of strangers, then the oldest of all. It reports whether
// there is room, and forgets nothing if there would never be.
func (in *Intake) makeRoom(id ID, next entry) bool {
	stranger := in.s.Stranger(id.Sender)
	sets, bytes := maxSets, maxBytes
	if stranger {
		sets, bytes = maxStrangerSets, maxStrangerBytes
	}
	if next.bytes > bytes {
		return false
	}
	others := in.others(id)
	in.forgetOldest(&others, next, sets, bytes, func(k kept) bool { return k.id.Sender == id.Sender })
	if stranger {
		in.forgetOldest(&others, next, maxStrangersSets, maxStrangersBytes, func(k kept) bool { return k.stranger })
	}
	in.forgetOldest(&others, next, maxAllSets, maxAllBytes, func(kept) bool { return true })
	return true
}

// others lists all sets but one: those of strangers first, each time the oldest first.
func (in *Intake) others(but ID) (all []kept) {
	add := func(id ID) {
		if e, found := in.entry(id); found && id != but {
			all = append(all, kept{id, e, in.s.Stranger(id.Sender)})
		}
	}
	for id := range in.s.sets {
		add(id)
	}
	for id := range in.changes {
		if _, stored := in.s.sets[id]; !stored {
			add(id)
		}
	}
	slices.SortFunc(all, func(a, b kept) int {
		if a.stranger != b.stranger {
			if a.stranger {
				return -1
			}
			return 1
		}
		return a.at.Compare(b.at)
	})
	return all
}

// forgetOldest forgets sets of a group until it is within its bounds with next.
func (in *Intake) forgetOldest(others *[]kept, next entry, sets, bytes int, of func(kept) bool) {
	var l load
	l.add(next)
	for _, k := range *others {
		if of(k) {
			l.add(k.entry)
		}
	}
	*others = slices.DeleteFunc(*others, func(k kept) bool {
		if !of(k) || l.within(sets, bytes) {
			return false
		}
		l.sets, l.bytes = l.sets-1, l.bytes-k.bytes
		in.drop(k.id)
		return true
	})
}
