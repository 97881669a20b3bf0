package search

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/text/words"
	"libstatus1to1/chat/wire"
)

// Terms that no text has: where a message was said, and by whom. The number of a name
// follows.
const (
	termChat = "\x01"
	termFrom = "\x02"
)

// nameTerm is the term of messages in a conversation, or by an author, with that number.
func nameTerm(kind string, number uint32) string {
	return string(binary.BigEndian.AppendUint32([]byte(kind), number))
}

// made is a segment that was made and is to be stored.
type made struct {
	documents []document
	packer
	names map[string]uint32 // that have no number in the store yet
}

// rec is the record of a segment, without its number.
func (m *made) rec() *wire.SearchSegmentRecord {
	newest, oldest := m.documents[0].at, m.documents[len(m.documents)-1].at
	return &wire.SearchSegmentRecord{
		Documents: uint32(len(m.documents)), TermBlocks: uint32(len(m.blocks)),
		NewestClock: newest.Clock, NewestId: newest.ID[:], OldestClock: oldest.Clock, OldestId: oldest.ID[:],
	}
}

// indexer makes a segment of messages. They may come in any order, and twice.
type indexer struct {
	tx     port.Tx
	x      *Index
	state  *wire.SearchStateRecord
	list   []*wire.SearchSegmentRecord
	found  map[port.Position]said
	weight int
	names  map[string]uint32 // all that were asked for
	fresh  map[string]uint32 // those of them that have no number in the store yet
	opened map[uint32]*segment
}

func (x *Index) newIndexer(tx port.Tx, state *wire.SearchStateRecord, list []*wire.SearchSegmentRecord) *indexer {
	return &indexer{
		tx: tx, x: x, state: state, list: list, found: map[port.Position]said{},
		names: map[string]uint32{}, fresh: map[string]uint32{}, opened: map[uint32]*segment{},
	}
}

// read takes the message of a place, unless it is not there any more, says nothing, or is in
// the index already.
func (i *indexer) read(at port.Position) error {
	if _, again := i.found[at]; again {
		return nil
	}
	rec := &wire.MessageRecord{}
	found, err := ledger.Get(i.tx, i.x.Messages, at.ID[:], rec)
	if err != nil || !found || textOf(rec) == "" || placeOf(rec) != at {
		return err
	}
	return i.take(at, saidIn(rec))
}

// take takes a message, unless it is in the index already.
func (i *indexer) take(at port.Position, what said) error {
	indexed, err := i.indexed(at)
	if err != nil || indexed {
		return err
	}
	i.found[at] = what
	// The terms of a text take its length, and in the worst case two bytes for each of them.
	i.weight += 3 * min(len(what.text), words.MaxText)
	return nil
}

// indexed reports whether a message is in a segment. It nearly never is: messages come in
// their order.
func (i *indexer) indexed(at port.Position) (bool, error) {
	for _, rec := range i.list {
		if !covers(rec, at) {
			continue
		}
		s := i.opened[rec.GetNumber()]
		if s == nil {
			var err error
			if s, err = openSegment(i.tx, rec); err != nil {
				return false, err
			}
			i.opened[rec.GetNumber()] = s
		}
		if _, found, err := s.find(at); err != nil || found {
			return found, err
		}
	}
	return false, nil
}

// number returns the number of the name of a conversation or an author, a new one if it has
// none.
func (i *indexer) number(name []byte) (uint32, error) {
	if n, ok := i.names[string(name)]; ok {
		return n, nil
	}
	n, known, err := numberOf(i.tx, name)
	if err != nil {
		return 0, err
	}
	if !known {
		n = i.state.GetLastName() + uint32(len(i.fresh)) + 1
		i.fresh[string(name)] = n
	}
	i.names[string(name)] = n
	return n, nil
}

// numberOf reads the number of a name.
func numberOf(tx port.Tx, name []byte) (n uint32, known bool, err error) {
	b, err := tx.Get(table, keyName(name))
	if err != nil || b == nil {
		return 0, false, err
	}
	if len(b) != 4 {
		return 0, false, corrupt("the number of a name has %d bytes", len(b))
	}
	return binary.BigEndian.Uint32(b), true, nil
}

// make makes the segment; nil if there is no message for it.
func (i *indexer) make() (*made, error) {
	if len(i.found) == 0 {
		return nil, nil
	}
	m := &made{names: i.fresh}
	lists := termLists{numbers: map[string]uint32{}}
	places := slices.SortedFunc(maps.Keys(i.found), func(a, b port.Position) int { return newestFirst(a, b) })
	for rank, at := range places {
		what := i.found[at]
		m.documents = append(m.documents, document{at: at})
		words.EachTerm(what.text, func(term string) (fresh bool) { return lists.add(term, uint32(rank)) })
		for kind, name := range map[string][]byte{termChat: what.chat, termFrom: what.from} {
			n, err := i.number(name)
			if err != nil {
				return nil, err
			}
			lists.add(nameTerm(kind, n), uint32(rank))
		}
	}
	lists.each(m.add)
	m.flush()
	return m, nil
}

// termLists are the ranks of each term, which are added as they rise.
type termLists struct {
	numbers map[string]uint32 // of the terms in the order in which they came
	terms   []string
	lengths []uint32 // of their lists
	last    []uint32 // their last ranks
	pairs   []termRank
}

type termRank struct{ term, rank uint32 }

// add adds a rank to a term, and reports whether it was not there yet.
func (l *termLists) add(term string, rank uint32) bool {
	n, known := l.numbers[term]
	switch {
	case !known:
		n = uint32(len(l.terms))
		l.numbers[term] = n
		l.terms, l.lengths, l.last = append(l.terms, term), append(l.lengths, 0), append(l.last, 0)
	case l.last[n] == rank:
		return false
	}
	l.lengths[n]++
	l.last[n] = rank
	l.pairs = append(l.pairs, termRank{n, rank})
	return true
}

// each visits the terms in their order.
func (l *termLists) each(visit func(term []byte, ranks []uint32)) {
	all, ends, end := make([]uint32, len(l.pairs)), make([]uint32, len(l.terms)), uint32(0)
	for n, length := range l.lengths {
		ends[n] = end
		end += length
	}
	for _, p := range l.pairs {
		all[ends[p.term]] = p.rank
		ends[p.term]++
	}
	var key []byte
	for _, term := range slices.Sorted(slices.Values(l.terms)) {
		n := l.numbers[term]
		key = append(key[:0], term...)
		visit(key, all[ends[n]-l.lengths[n]:ends[n]])
	}
}

// newestFirst orders places as segments have them.
func newestFirst(a, b port.Position) int {
	switch {
	case b.Before(a):
		return -1
	case a.Before(b):
		return 1
	}
	return 0
}

// merge makes one segment of several, without the documents that were removed; nil if none is
// left.
func merge(tx port.Tx, list []*wire.SearchSegmentRecord) (*made, error) {
	var inputs []*input
	m := &made{}
	for _, rec := range list {
		in, err := newInput(tx, rec)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, in)
		m.documents = append(m.documents, in.documents...)
	}
	m.documents = slices.DeleteFunc(m.documents, func(d document) bool { return d.erased })
	if len(m.documents) == 0 {
		return nil, nil
	}
	slices.SortFunc(m.documents, func(a, b document) int { return newestFirst(a.at, b.at) })
	rankOf := make(map[port.Position]uint32, len(m.documents))
	for rank, d := range m.documents {
		rankOf[d.at] = uint32(rank)
	}
	for _, in := range inputs {
		in.newRanks(rankOf)
	}
	for {
		term, all, err := smallest(inputs)
		if err != nil {
			return nil, err
		}
		if term == nil {
			break
		}
		slices.Sort(all)
		m.add(term, all)
	}
	m.flush()
	return m, nil
}

// input is a segment that is merged: its terms are read one after the other.
type input struct {
	*segment
	documents []document
	ranks     []uint32 // the new rank of each document
	block     int      // the next one to be read
	entries   []entry  // of the present block, what is left
}

const noRank = 1<<32 - 1 // of a document that was removed

func newInput(tx port.Tx, rec *wire.SearchSegmentRecord) (*input, error) {
	s, err := openSegment(tx, rec)
	if err != nil {
		return nil, err
	}
	in := &input{segment: s}
	for block := range documentBlocks(rec) {
		list, err := s.documentsOf(block)
		if err != nil {
			return nil, err
		}
		in.documents = append(in.documents, list...)
	}
	return in, in.advance()
}

// newRanks looks up the rank that each document gets.
func (in *input) newRanks(rankOf map[port.Position]uint32) {
	in.ranks = make([]uint32, len(in.documents))
	for i, d := range in.documents {
		in.ranks[i] = noRank
		if rank, ok := rankOf[d.at]; ok && !d.erased {
			in.ranks[i] = rank
		}
	}
}

// advance reads the next block if there is nothing left of the present one.
func (in *input) advance() (err error) {
	for len(in.entries) == 0 && in.block < int(in.rec.GetTermBlocks()) && err == nil {
		in.entries, err = in.entriesOf(in.block)
		delete(in.terms, in.block)
		in.block++
	}
	return err
}

// smallest takes the smallest term of all inputs, with its new ranks; nil at their end.
func smallest(inputs []*input) (term []byte, ranks []uint32, err error) {
	for _, in := range inputs {
		if len(in.entries) > 0 && (term == nil || bytes.Compare(in.entries[0].term, term) < 0) {
			term = in.entries[0].term
		}
	}
	for _, in := range inputs {
		for len(in.entries) > 0 && bytes.Equal(in.entries[0].term, term) {
			err := in.entries[0].eachRank(in.rec.GetDocuments(), func(rank uint32) {
				if n := in.ranks[rank]; n != noRank {
					ranks = append(ranks, n)
				}
			})
			if err != nil {
				return nil, nil, err
			}
			in.entries = in.entries[1:]
			if err := in.advance(); err != nil {
				return nil, nil, err
			}
		}
	}
	return term, ranks, nil
}

// store writes a segment under the next number and returns its record.
func (m *made) store(tx port.Tx, state *wire.SearchStateRecord) (*wire.SearchSegmentRecord, error) {
	for name, n := range m.names {
		if err := tx.Put(table, keyName([]byte(name)), binary.BigEndian.AppendUint32(nil, n)); err != nil {
			return nil, err
		}
	}
	state.LastName += uint32(len(m.names))
	state.LastSegment++
	rec := m.rec()
	rec.Number = state.GetLastSegment()
	root := &wire.SearchRootRecord{Terms: m.firsts}
	for block := range documentBlocks(rec) {
		var b []byte
		for _, d := range m.documents[block*documentsInBlock : min(len(m.documents), (block+1)*documentsInBlock)] {
			b = appendPlace(b, d.at)
		}
		root.Clocks = append(root.Clocks, m.documents[block*documentsInBlock].at.Clock)
		if err := tx.Put(table, keyDocuments(rec.GetNumber(), block), pad(b, blockSize)); err != nil {
			return nil, err
		}
	}
	for block, b := range m.blocks {
		if err := tx.Put(table, keyTerms(rec.GetNumber(), block), b); err != nil {
			return nil, err
		}
	}
	return rec, putPadded(tx, keyRoot(rec.GetNumber()), root)
}

// drop deletes the records of a segment.
func drop(tx port.Tx, rec *wire.SearchSegmentRecord) error {
	if err := tx.Delete(table, keyRoot(rec.GetNumber())); err != nil {
		return err
	}
	for block := range documentBlocks(rec) {
		if err := tx.Delete(table, keyDocuments(rec.GetNumber(), block)); err != nil {
			return err
		}
	}
	for block := range int(rec.GetTermBlocks()) {
		if err := tx.Delete(table, keyTerms(rec.GetNumber(), block)); err != nil {
			return err
		}
	}
	return nil
}
