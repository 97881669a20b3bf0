package store

// relabel makes room for a new entry just below the entry high (nil: at the end) by
// spacing the labels around it evenly. It starts with relabelWindow entries on each
// side and doubles the window until the entries get minRelabelGap each. The work is
// small as long as there is room nearby; at worst it covers the whole history.
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

// window reads size entries below high and size entries from high on.
func (t *fileTx) window(id bucketID, high *placed, size int) (w window, err error) {
	c, err := t.history(id)
	if err != nil || c == nil {
		return w, err
	}
	// Backwards first. Without high the walk starts at the last entry, else below high.
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
		// One more than wanted is read: its label is the bound the window must keep
		// clear of. If the history ends before, there is no bound on this side.
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
	// Then forwards, high itself included: it is moved too.
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

// spread computes evenly spaced labels start, start+gap, ... for the window. ok is
// false if they would be closer than minRelabelGap, which can only happen between two
// bounds or near the end of the range of labels.
func (w window) spread() (start, gap uint64, ok bool) {
	slots := uint64(len(w.entries)) + 1
	low, high := uint64(0), uint64(1<<64-1)
	switch {
	case w.low == nil && w.high == nil:
		// The whole history. It is centred on firstLabel, so that both ends can grow.
		gap = min(labelGap, high/slots)
		return firstLabel - gap*(slots/2), gap, true
	// With one open side the entries get the usual labelGap and no more: labels beyond
	// it stay free for entries to come.
	case w.low == nil:
		high = w.high.label
		if room := slots * labelGap; high > room {
			low = high - room
		}
	case w.high == nil:
		// The next newest position must find a label.
		low, high = w.low.label, 1<<64-1-labelGap
		if low >= high {
			return 0, 0, false
		}
		if room := slots * labelGap; high-low > room {
			high = low + room
		}
	default:
		low, high = w.low.label, w.high.label
	}
	gap = (high - low) / slots
	return low + gap, gap, gap >= minRelabelGap
}

// move gives the entries their new labels, in the same order.
func (t *fileTx) move(id bucketID, entries []placed, start, gap uint64) error {
	// What the batch knows of the history is about to get other labels.
	delete(t.batch.spots, id)
	// All old labels go before the first new one is written: a new label may be the old
	// label of another entry, whose record would be overwritten and then deleted.
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
