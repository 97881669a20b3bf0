package store

// relabel makes room below the entry high (nil: at the end) by spreading the
// labels around it evenly. It begins with relabelWindow entries on each side and
// doubles until they get minRelabelGap each, so that the work is small as long
// as there is room nearby; at worst it is the whole history.
func (t *fileTx) relabel(id bucketID, high *placed) error {
	for size := relabelWindow; ; size *= 2 {
		w, err := t.window(id, high, size)
		if err != nil {
			return err
		}
		if start, gap, ok := w.spread(); ok {
			return t.move(id, w.entries, start, gap)
		}
	}
}

// window is a run of neighbours and the labels on either side of it.
type window struct {
	entries   []placed
	low, high *placed // nil at the end of the history
}

// window reads size entries below high and size from it on.
func (t *fileTx) window(id bucketID, high *placed, size int) (w window, err error) {
	c, err := t.history(id)
	if err != nil || c == nil {
		return w, err
	}
	step := func() (placed, bool, error) { return c.last() }
	if high != nil {
		if _, _, err := c.from(high.label); err != nil {
			return w, err
		}
		step = c.prev
	}
	var below []placed
	for {
		e, ok, err := step()
		if err != nil {
			return w, err
		}
		if !ok {
			break
		}
		if len(below) == size {
			w.low = &e
			break
		}
		below, step = append(below, e), c.prev
	}
	for i := len(below) - 1; i >= 0; i-- {
		w.entries = append(w.entries, below[i])
	}
	if high == nil {
		return w, nil
	}
	e, ok, err := c.from(high.label)
	for n := 0; ok && err == nil; e, ok, err = c.next() {
		if n++; n > size {
			w.high = &e
			break
		}
		w.entries = append(w.entries, e)
	}
	return w, err
}

// spread computes evenly spaced labels start, start+gap, ... for the window. ok
// is false when they would be too close and there are more entries to take in.
func (w window) spread() (start, gap uint64, ok bool) {
	slots := uint64(len(w.entries)) + 1
	low, high := uint64(0), uint64(1<<64-1)
	switch {
	case w.low == nil && w.high == nil:
		gap = min(labelGap, high/slots)
		return firstLabel - gap*(slots/2), gap, true
	case w.low == nil:
		high = w.high.label
		if room := slots * labelGap; high > room {
			low = high - room
		}
	case w.high == nil:
		low = w.low.label
		if room := slots * labelGap; high-low > room {
			high = low + room
		}
	default:
		low, high = w.low.label, w.high.label
	}
	gap = (high - low) / slots
	return low + gap, gap, gap >= minRelabelGap
}

// move gives the entries their new labels.
func (t *fileTx) move(id bucketID, entries []placed, start, gap uint64) error {
	delete(t.batch.tails, id)
	for _, e := range entries {
		if err := t.batch.do(step{act: actDelete, id: id, key: number(e.label)}); err != nil {
			return err
		}
	}
	for i, e := range entries {
		if err := t.place(id, placed{start + uint64(i)*gap, e.position}, false); err != nil {
			return err
		}
	}
	return nil
}
