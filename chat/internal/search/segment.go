package search

import (
	"bytes"
	"math/bits"
	"slices"
	"sort"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// segment reads a segment in a transaction. Blocks are kept once they are read.
type segment struct {
	tx   port.Tx
	rec  *wire.SearchSegmentRecord
	root wire.SearchRootRecord
	// firsts are the first terms of the blocks; an empty block has that of the next one.
	firsts [][]byte
	// read counts the blocks that were read.
	read      int
	documents map[int][]document
	terms     map[int][]entry
}

// openSegment reads the root of a segment.
func openSegment(tx port.Tx, rec *wire.SearchSegmentRecord) (*segment, error) {
	s := &segment{tx: tx, rec: rec, read: 1, documents: map[int][]document{}, terms: map[int][]entry{}}
	if err := getPadded(tx, keyRoot(rec.GetNumber()), &s.root); err != nil {
		return nil, err
	}
	if len(s.root.GetTerms()) != int(rec.GetTermBlocks()) || len(s.root.GetClocks()) != documentBlocks(rec) || rec.GetDocuments() == 0 {
		return nil, corrupt("a segment has not the blocks it should have")
	}
	s.firsts = slices.Clone(s.root.GetTerms())
	next := afterAll
	for i := len(s.firsts) - 1; i >= 0; i-- {
		if len(s.firsts[i]) == 0 {
			s.firsts[i] = next
		}
		next = s.firsts[i]
	}
	return s, nil
}

// afterAll is after all terms, which are UTF-8 or begin with a smaller byte.
var afterAll = []byte{0xff}

// documentBlocks returns the number of blocks that the documents of a segment take.
func documentBlocks(rec *wire.SearchSegmentRecord) int {
	return (int(rec.GetDocuments()) + documentsInBlock - 1) / documentsInBlock
}

// block reads a block.
func (s *segment) block(key []byte) ([]byte, error) {
	b, err := s.tx.Get(table, key)
	if err != nil {
		return nil, err
	}
	if len(b) != blockSize {
		return nil, corrupt("a block has %d bytes", len(b))
	}
	s.read++
	return b, nil
}

// documentsOf reads a block of documents.
func (s *segment) documentsOf(block int) ([]document, error) {
	if d, ok := s.documents[block]; ok {
		return d, nil
	}
	b, err := s.block(keyDocuments(s.rec.GetNumber(), block))
	if err != nil {
		return nil, err
	}
	n := min(documentsInBlock, int(s.rec.GetDocuments())-block*documentsInBlock)
	list := make([]document, n)
	for i := range list {
		list[i] = documentOf(b[i*documentSize:])
	}
	s.documents[block] = list
	return list, nil
}

// document returns the document of a rank.
func (s *segment) document(rank int) (document, error) {
	list, err := s.documentsOf(rank / documentsInBlock)
	if err != nil {
		return document{}, err
	}
	return list[rank%documentsInBlock], nil
}

// entriesOf reads a block of terms.
func (s *segment) entriesOf(block int) ([]entry, error) {
	if e, ok := s.terms[block]; ok {
		return e, nil
	}
	b, err := s.block(keyTerms(s.rec.GetNumber(), block))
	if err != nil {
		return nil, err
	}
	list, err := readEntries(b)
	if err == nil {
		s.terms[block] = list
	}
	return list, err
}

// notAfter is the first rank whose clock is at most so much.
func (s *segment) notAfter(clock uint64) (rank int, err error) {
	clocks := s.root.GetClocks()
	block := sort.Search(len(clocks), func(i int) bool { return clocks[i] <= clock })
	if block == 0 {
		return 0, nil
	}
	list, err := s.documentsOf(block - 1)
	if err != nil {
		return 0, err
	}
	i := sort.Search(len(list), func(i int) bool { return list[i].at.Clock <= clock })
	return (block-1)*documentsInBlock + i, nil
}

// before is the first rank whose place is before another one.
func (s *segment) before(at port.Position) (rank int, err error) {
	rank, err = s.notAfter(at.Clock)
	for ; err == nil && rank < int(s.rec.GetDocuments()); rank++ {
		d, err := s.document(rank)
		if err != nil {
			return 0, err
		}
		if !d.erased && d.at.Before(at) || d.at.Clock < at.Clock {
			break
		}
	}
	return rank, err
}

// find returns the rank of a message.
func (s *segment) find(at port.Position) (rank int, found bool, err error) {
	rank, err = s.notAfter(at.Clock)
	for ; err == nil && rank < int(s.rec.GetDocuments()); rank++ {
		d, err := s.document(rank)
		if err != nil || d.at == at || d.at.Clock < at.Clock {
			return rank, d.at == at, err
		}
	}
	return rank, false, err
}

// blocksOf returns the blocks in which a term may be, or with prefix those that begin so.
func (s *segment) blocksOf(term []byte, prefix bool) (from, to int) {
	// A block may end with the beginning of a term that the next one begins with.
	from = max(0, sort.Search(len(s.firsts), func(i int) bool { return bytes.Compare(s.firsts[i], term) >= 0 })-1)
	to = from + sort.Search(len(s.firsts)-from, func(i int) bool {
		first := s.firsts[from+i]
		return bytes.Compare(first, term) > 0 && !(prefix && bytes.HasPrefix(first, term))
	})
	return from, to
}

// fromTerm is the first of some entries that is not before a term.
func fromTerm(list []entry, term []byte) int {
	return sort.Search(len(list), func(i int) bool { return bytes.Compare(list[i].term, term) >= 0 })
}

// ranks is a set of ranks.
type ranks []uint64

func (r ranks) add(rank uint32) { r[rank/64] |= 1 << (rank % 64) }
func (r ranks) empty() bool     { return !slices.ContainsFunc(r, func(w uint64) bool { return w != 0 }) }
func (r ranks) keep(other ranks) {
	for i := range r {
		r[i] &= other[i]
	}
}

// next is the first member that is at least from; -1 if there is none.
func (r ranks) next(from int) int {
	for i := from / 64; i < len(r); i++ {
		w := r[i]
		if i == from/64 {
			w &= ^uint64(0) << (from % 64)
		}
		if w != 0 {
			return i*64 + bits.TrailingZeros64(w)
		}
	}
	return -1
}

func (s *segment) noRanks() ranks { return make(ranks, (s.rec.GetDocuments()+63)/64) }

// ranksOf are the messages with a term, or with prefix with one that begins so.
func (s *segment) ranksOf(term []byte, prefix bool) (ranks, error) {
	set := s.noRanks()
	from, to := s.blocksOf(term, prefix)
	for block := from; block < to; block++ {
		list, err := s.entriesOf(block)
		if err != nil {
			return nil, err
		}
		for _, e := range list[fromTerm(list, term):] {
			if !bytes.Equal(e.term, term) && !(prefix && bytes.HasPrefix(e.term, term)) {
				break
			}
			if err := e.eachRank(s.rec.GetDocuments(), set.add); err != nil {
				return nil, err
			}
		}
	}
	return set, nil
}
