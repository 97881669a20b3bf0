package store

import (
	"testing"

	"libstatus1to1/chat/port"
)

func at(label uint64) *placed { return &placed{label: label} }

func TestBetween(t *testing.T) {
	const top = 1<<64 - 1
	for _, c := range []struct {
		low, high *placed
		want      uint64
		ok        bool
	}{
		{nil, nil, firstLabel, true},
		{at(firstLabel), nil, firstLabel + labelGap, true},
		{nil, at(firstLabel), firstLabel - labelGap, true},
		{at(top - labelGap), nil, top, true},
		{at(top - labelGap + 1), nil, 0, false},
		{at(top), nil, 0, false},
		{nil, at(labelGap), labelGap / 2, true},
		{nil, at(2), 1, true},
		{nil, at(1), 0, false},
		{nil, at(0), 0, false},
		{at(10), at(20), 15, true},
		{at(10), at(12), 11, true},
		{at(10), at(11), 0, false},
		{at(0), at(top), top / 2, true},
	} {
		got, ok := between(c.low, c.high)
		if ok != c.ok || (ok && got != c.want) {
			t.Errorf("between(%v, %v) = %d, %v; want %d, %v", c.low, c.high, got, ok, c.want, c.ok)
		}
	}
}

func TestSpread(t *testing.T) {
	const top = 1<<64 - 1
	entries := make([]placed, 99)
	for name, c := range map[string]struct {
		w  window
		ok bool
	}{
		"whole history":       {window{entries, nil, nil}, true},
		"room":                {window{entries, at(1 << 20), at(1 << 30)}, true},
		"just enough":         {window{entries, at(0), at(100 * minRelabelGap)}, true},
		"too close":           {window{entries, at(0), at(100*minRelabelGap - 1)}, false},
		"open front":          {window{entries, nil, at(1 << 60)}, true},
		"open front, no room": {window{entries, nil, at(1000)}, false},
		"open end":            {window{entries, at(1 << 60), nil}, true},
		"open end, no room":   {window{entries, at(top - 1000), nil}, false},
		"no room for a next":  {window{entries, at(top - labelGap), nil}, false},
	} {
		start, gap, ok := c.w.spread()
		if ok != c.ok {
			t.Errorf("%s: spread gives %d, %d, %v", name, start, gap, ok)
		}
		last := start + 98*gap
		if ok && (gap == 0 || last < start || (c.w.low != nil && start <= c.w.low.label) || (c.w.high != nil && last >= c.w.high.label)) {
			t.Errorf("%s: labels %d to %d leave the window", name, start, last)
		}
		if _, next := between(at(last), nil); ok && c.w.high == nil && !next {
			t.Errorf("%s: after label %d there is no room", name, last)
		}
	}
}

// TestRelabelWork bounds how many records insertions at one spot rewrite: the
// labels must not be made anew from end to end each time.
func TestRelabelWork(t *testing.T) {
	s := newFile(t)
	name := []byte("c")
	const old, late = 3000, 2000
	s.update(func(tx port.Tx) {
		for i := range uint64(old) {
			_, err := tx.Insert(name, pos(i<<32, 0))
			s.must(err)
		}
	})
	steps := 0
	s.update(func(tx port.Tx) {
		b := tx.(*fileTx).batch
		for i := range uint64(late) {
			before := len(b.steps)
			_, err := tx.Insert(name, pos(old/2<<32+i+1, 0))
			s.must(err)
			steps += len(b.steps) - before
		}
	})
	s.again()
	perInsert := float64(steps) / late
	t.Logf("%.1f records written an insertion", perInsert)
	if perInsert > 60 {
		t.Errorf("%.1f records written an insertion: too much relabelling", perInsert)
	}
}

// TestLabelsAtTheEnd starts a history at the very end and front of the labels.
func TestLabelsAtTheEnd(t *testing.T) {
	for _, label := range []uint64{0, 1, 1<<64 - 1} {
		s := newFile(t)
		name := []byte("c")
		s.update(func(tx port.Tx) {
			f := tx.(*fileTx)
			id, e, err := f.entry(kindHistory, string(name))
			s.must(err)
			s.must(f.place(id, placed{label, pos(100, 0)}, false))
			e.last, e.gone = 1, false
			f.batch.set(id, e)
		})
		s.update(func(tx port.Tx) {
			for i := range uint64(200) {
				if added, err := tx.Insert(name, pos(i, 1)); !added || err != nil {
					t.Errorf("Insert = %v, %v", added, err)
				}
			}
		})
		s.again()
	}
}
