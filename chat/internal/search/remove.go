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

// removal is a message that is to be found no more by what it said.
type removal struct {
	at         port.Position
	text       string
	chat, from []byte
}

// removeAll takes messages out of the segments they are in. Each block is written once,
// however many of them it has.
func (x *Index) removeAll(tx *ledger.Tx, all []removal) error {
	state, ok, err := readState(tx)
	if err != nil || !ok {
		return err // what another version has made is not kept
	}
	// A segment that is being made may have read the messages as they were.
	state.Changes++
	err = removeFrom(tx, all)
	if port.CodeOf(err) == port.CodeStoreCorrupt {
		// The index can be rebuilt, and is no reason to keep the message.
		x.Log.Log("error", "the index for search is damaged, and made anew")
		state, err = &wire.SearchStateRecord{}, nil
	}
	if err != nil {
		return err
	}
	return ledger.Put(tx, table, keyState, state)
}

func removeFrom(tx port.Tx, all []removal) error {
	list, err := readSegments(tx)
	if err != nil {
		return err
	}
	changed := false
	for _, rec := range list {
		mine := slices.Clone(all)
		mine = slices.DeleteFunc(mine, func(r removal) bool { return !covers(rec, r.at) })
		if len(mine) == 0 {
			continue
		}
		s, err := openSegment(tx, rec)
		if err != nil {
			return err
		}
		e := eraser{segment: s, gone: map[string]ranks{}, changed: map[int]bool{}}
		for _, r := range mine {
			if err := e.erase(r); err != nil {
				return err
			}
		}
		if e.erased == 0 {
			continue
		}
		if err := e.write(); err != nil {
			return err
		}
		rec.Erased, changed = rec.GetErased()+uint32(e.erased), true
	}
	if !changed {
		return nil
	}
	return putPadded(tx, keySegments, &wire.SearchSegmentsRecord{Segments: list})
}

// eraser takes messages out of a segment.
type eraser struct {
	*segment
	erased  int
	changed map[int]bool     // blocks of documents
	gone    map[string]ranks // what is to be taken out of each term
}

// erase erases a message's document and notes its terms.
func (e *eraser) erase(r removal) error {
	rank, found, err := e.find(r.at)
	if err != nil || !found {
		return err
	}
	block := rank / documentsInBlock
	e.documents[block][rank%documentsInBlock] = document{at: port.Position{Clock: r.at.Clock}, erased: true}
	e.changed[block] = true
	e.erased++
	e.forgetEnd(r.at)
	terms := words.Terms(r.text)
	for kind, name := range map[string][]byte{termChat: r.chat, termFrom: r.from} {
		n, known, err := numberOf(e.tx, name)
		if err != nil {
			return err
		}
		if known {
			terms = append(terms, nameTerm(kind, n))
		}
	}
	for _, term := range terms {
		if e.gone[term] == nil {
			e.gone[term] = e.noRanks()
		}
		e.gone[term].add(uint32(rank))
	}
	return nil
}

// forgetEnd takes the id of a message out of the bounds of its segment.
func (e *eraser) forgetEnd(at port.Position) {
	if newestOf(e.rec) == at {
		e.rec.NewestId = bytes.Repeat([]byte{0xff}, len(at.ID))
	}
	if oldestOf(e.rec) == at {
		e.rec.OldestId = make([]byte, len(at.ID))
	}
}

// write writes the blocks that have changed, and the root if one begins with another term
// now.
func (e *eraser) write() error {
	for block := range e.changed {
		var b []byte
		for _, d := range e.documents[block] {
			b = appendPlace(b, d.at)
		}
		if err := e.tx.Put(table, keyDocuments(e.rec.GetNumber(), block), pad(b, blockSize)); err != nil {
			return err
		}
	}
	blocks := map[int]bool{}
	for _, term := range slices.Sorted(maps.Keys(e.gone)) {
		if err := e.takeOut([]byte(term), e.gone[term], blocks); err != nil {
			return err
		}
	}
	moved := false
	for _, block := range slices.Sorted(maps.Keys(blocks)) {
		packed := pack(e.terms[block])
		if err := e.tx.Put(table, keyTerms(e.rec.GetNumber(), block), packed); err != nil {
			return err
		}
		moved = e.newFirst(block) || moved
	}
	if !moved {
		return nil
	}
	return putPadded(e.tx, keyRoot(e.rec.GetNumber()), &e.root)
}

// takeOut takes messages out of a term. A term without messages goes.
func (e *eraser) takeOut(term []byte, out ranks, blocks map[int]bool) error {
	from, to := e.blocksOf(term, false)
	for block := from; block < to; block++ {
		list, err := e.entriesOf(block)
		if err != nil {
			return err
		}
		i := fromTerm(list, term)
		if i == len(list) || !bytes.Equal(list[i].term, term) {
			continue
		}
		left, changed, err := list[i].without(out, e.rec.GetDocuments())
		if err != nil {
			return err
		}
		if !changed {
			continue
		}
		blocks[block] = true
		if len(left) > 0 {
			list[i].ranks = left
			continue
		}
		e.terms[block] = slices.Delete(list, i, i+1)
	}
	return nil
}

// without encodes the ranks of an entry without some of them.
func (e entry) without(out ranks, documents uint32) (left []byte, changed bool, err error) {
	before := uint32(0)
	err = e.eachRank(documents, func(rank uint32) {
		if out[rank/64]&(1<<(rank%64)) != 0 {
			changed = true
			return
		}
		left = binary.AppendUvarint(left, uint64(rank-before))
		before = rank
	})
	return left, changed, err
}

// newFirst notes the term that a block begins with now, and reports whether it is another
// one: of a term that is gone nothing is to stay.
func (e *eraser) newFirst(block int) bool {
	var first []byte
	if list := e.terms[block]; len(list) > 0 {
		first = list[0].term
	}
	if bytes.Equal(e.root.Terms[block], first) {
		return false
	}
	e.root.Terms[block] = first
	return true
}

// pack encodes a block of entries that came out of one, which is never larger than that was.
func pack(list []entry) []byte {
	var b, last []byte
	for _, e := range list {
		shared := common(last, e.term)
		b = append(b, byte(shared), byte(len(e.term)-shared))
		b = append(b, e.term[shared:]...)
		b = append(binary.AppendUvarint(b, uint64(len(e.ranks))), e.ranks...)
		last = e.term
	}
	return pad(b, blockSize)
}
