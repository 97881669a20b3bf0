package search

import (
	"bytes"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/text/words"
	"libstatus1to1/chat/wire"
)

// Check reports what contradicts itself. What must hold:
//   - each document that is not removed is a message at that place, with a text, and is in one
//     segment only; the documents of a segment are in their order, and as many are removed as
//     its record says;
//   - the terms of a segment rise through its blocks, and its root has the first of each;
//   - a message has as many terms as its text gives.
func (x *Index) Check(w *ledger.Walk) error {
	state, ok, err := readState(w.Tx)
	if err != nil || !ok {
		return w.Corrupt(table, err)
	}
	c := check{Walk: w, x: x, state: state, seen: map[[32]byte]bool{}}
	list, err := readSegments(w.Tx)
	if err != nil {
		return w.Corrupt(table, err)
	}
	for _, rec := range list {
		if err := w.Corrupt(table, c.segment(rec)); err != nil {
			return err
		}
	}
	err = w.Range(unindexed, 0, func(_ uint64, value []byte) (bool, error) {
		if _, err := readPlaces(value); err != nil {
			w.ReportQueue(unindexed, "an entry is not some places")
		}
		return true, w.Pause()
	})
	return err
}

// check is the walk over the index.
type check struct {
	*ledger.Walk
	x     *Index
	state *wire.SearchStateRecord
	seen  map[[32]byte]bool
}

// segment looks at a segment.
func (c *check) segment(rec *wire.SearchSegmentRecord) error {
	if rec.GetNumber() == 0 || rec.GetNumber() > c.state.GetLastSegment() {
		c.Report(table, "a segment has a number that was not given")
	}
	s, err := openSegment(c.Tx, rec)
	if err != nil {
		return err
	}
	terms, err := c.terms(s)
	if err != nil {
		return err
	}
	erased, before := uint32(0), port.Position{}
	for rank := range int(rec.GetDocuments()) {
		d, err := s.document(rank)
		if err != nil {
			return err
		}
		if d.erased {
			erased++
		}
		if rank > 0 && (d.at.Clock > before.Clock || !d.erased && before.ID != [32]byte{} && !d.at.Before(before)) || !d.erased && !covers(rec, d.at) {
			c.Report(table, "the documents of a segment are not in their order")
		}
		before = d.at
		if err := c.document(d, terms[rank]); err != nil {
			return err
		}
	}
	if erased != rec.GetErased() {
		c.Report(table, "a segment counts %d removed documents, there are %d", rec.GetErased(), erased)
	}
	return nil
}

// terms walks the terms of a segment and counts those of each document, by its rank.
func (c *check) terms(s *segment) ([]int, error) {
	counts := make([]int, s.rec.GetDocuments())
	var last []byte
	for block := range int(s.rec.GetTermBlocks()) {
		list, err := s.entriesOf(block)
		if err != nil {
			return nil, err
		}
		delete(s.terms, block)
		var first []byte
		if len(list) > 0 {
			first = list[0].term
		}
		if !bytes.Equal(first, s.root.GetTerms()[block]) || bytes.Compare(first, last) < 0 && len(list) > 0 {
			c.Report(table, "the terms of a segment are not in their order")
		}
		for _, e := range list {
			last = e.term
			if err := e.eachRank(s.rec.GetDocuments(), func(rank uint32) { counts[rank]++ }); err != nil {
				return nil, err
			}
		}
		if err := c.Pause(); err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// document looks at a document that has so many terms.
func (c *check) document(d document, terms int) error {
	if d.erased {
		if terms > 0 {
			c.Report(table, "a removed message has terms")
		}
		return c.Pause()
	}
	if c.seen[d.at.ID] {
		c.Report(table, "a message is in the index twice")
	}
	c.seen[d.at.ID] = true
	rec := &wire.MessageRecord{}
	b, err := c.Get(c.x.Messages, d.at.ID[:])
	if err != nil || proto.Unmarshal(b, rec) != nil { // the history reports it
		return err
	}
	if b == nil || textOf(rec) == "" || placeOf(rec) != d.at {
		c.Report(table, "the index has a message that is not there")
		return c.Pause()
	}
	if n := len(words.Terms(rec.GetText())) + 2; n != terms {
		c.Report(table, "a message is in the index with %d terms, it has %d", terms, n)
	}
	return c.Pause()
}
