package search

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// corrupt is the error about a record of the index that does not read back.
func corrupt(format string, args ...any) error {
	return port.Errorf(port.CodeStoreCorrupt, "", "%s", fmt.Sprintf("the index for search is damaged: "+format, args...))
}

// A place is 8 bytes of clock and 32 of id.
const placeSize = documentSize

func appendPlace(b []byte, at port.Position) []byte {
	return append(binary.BigEndian.AppendUint64(b, at.Clock), at.ID[:]...)
}

func readPlace(b []byte) port.Position {
	return port.Position{Clock: binary.BigEndian.Uint64(b), ID: [32]byte(b[8:placeSize])}
}

// readPlaces reads an entry of the queue.
func readPlaces(entry []byte) (all []port.Position, err error) {
	if len(entry)%placeSize != 0 {
		return nil, corrupt("an entry of the queue has %d bytes", len(entry))
	}
	for ; len(entry) > 0; entry = entry[placeSize:] {
		all = append(all, readPlace(entry))
	}
	return all, nil
}

// A document in a block is a place; of one that was removed only the clock is left, which
// keeps the order.

// document is a message in a segment.
type document struct {
	at     port.Position
	erased bool
}

func documentOf(b []byte) document {
	at := readPlace(b)
	return document{at, at.ID == [32]byte{}}
}

// A block of terms holds entries in the order of their terms: how many bytes a term shares
// with the one before, how many follow, these, the size of its ranks, and the ranks, each
// as the difference to the one before (the first as it is). A term whose ranks do not fit
// goes on in the next block. Zeros fill the rest.

// entry is a term in a block. The ranks are encoded.
type entry struct {
	term  []byte
	ranks []byte
}

// readEntries reads a block of terms.
func readEntries(block []byte) (all []entry, err error) {
	var before []byte
	room := make([]byte, 0, 2*blockSize) // for the terms; nearly always enough
	for len(block) >= 2 && block[1] != 0 {
		shared, rest := int(block[0]), int(block[1])
		block = block[2:]
		if shared > len(before) || rest > len(block) {
			return nil, corrupt("a term is longer than its block")
		}
		start := len(room)
		room = append(append(room, before[:shared]...), block[:rest]...)
		term := room[start:len(room):len(room)]
		size, n := binary.Uvarint(block[rest:])
		if n <= 0 || size == 0 || size > uint64(len(block)-rest-n) {
			return nil, corrupt("the ranks of a term are longer than their block")
		}
		if before != nil && bytes.Compare(before, term) >= 0 {
			return nil, corrupt("the order of the terms is broken")
		}
		all = append(all, entry{term, block[rest+n : rest+n+int(size)]})
		block = block[rest+n+int(size):]
		before = term
	}
	return all, nil
}

// eachRank visits the ranks of an entry, which are below documents.
func (e entry) eachRank(documents uint32, visit func(rank uint32)) error {
	rank, first := uint64(0), true
	for b := e.ranks; len(b) > 0; first = false {
		step, n := binary.Uvarint(b)
		if n <= 0 || step == 0 && !first || step >= uint64(documents) || rank+step >= uint64(documents) {
			return corrupt("a rank is no document")
		}
		rank += step
		visit(uint32(rank))
		b = b[n:]
	}
	return nil
}

// packer makes blocks of terms, which come in their order.
type packer struct {
	blocks [][]byte
	firsts [][]byte // the first term of each
	block  []byte
	last   []byte // the term before in the block
	packed []byte // the ranks of a term, used again
}

// add adds a term with its ranks, which rise.
func (p *packer) add(term []byte, ranks []uint32) {
	var room [binary.MaxVarintLen32]byte
	for len(ranks) > 0 {
		shared := 0
		if len(p.block) > 0 {
			shared = common(p.last, term)
		}
		const sizeBytes = 2 // of the size of ranks: it is below 2^14
		free := blockSize - len(p.block) - 2 - (len(term) - shared) - sizeBytes
		packed := p.packed[:0]
		n, before := 0, uint32(0)
		for ; n < len(ranks); n++ {
			step := binary.PutUvarint(room[:], uint64(ranks[n]-before))
			if len(packed)+step > free {
				break
			}
			packed, before = append(packed, room[:step]...), ranks[n]
		}
		p.packed = packed
		if n == 0 {
			p.flush()
			continue
		}
		if len(p.block) == 0 {
			p.block = make([]byte, 0, blockSize)
			p.firsts = append(p.firsts, bytes.Clone(term))
		}
		p.block = append(p.block, byte(shared), byte(len(term)-shared))
		p.block = append(p.block, term[shared:]...)
		p.block = append(binary.AppendUvarint(p.block, uint64(len(packed))), packed...)
		p.last = append(p.last[:0], term...)
		if ranks = ranks[n:]; len(ranks) > 0 {
			p.flush()
		}
	}
}

// flush ends a block.
func (p *packer) flush() {
	if len(p.block) > 0 {
		p.blocks = append(p.blocks, p.block[:blockSize]) // zeros follow
	}
	p.block, p.last = nil, p.last[:0]
}

// common returns the length of the longest common prefix of two terms.
func common(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	return n
}

// pad fills a record up with zeros.
func pad(b []byte, size int) []byte {
	return append(b, make([]byte, max(0, size-len(b)))...)
}

// putPadded writes a record whose size tells little: its length, it, and zeros.
func putPadded(tx port.Tx, name []byte, m proto.Message) error {
	b, err := proto.Marshal(m)
	if err != nil {
		return err
	}
	b = append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
	return tx.Put(table, name, pad(b, (len(b)+rootUnit-1)/rootUnit*rootUnit))
}

// getPadded reads a record that putPadded wrote; without one m stays as it is.
func getPadded(tx port.Tx, name []byte, m proto.Message) error {
	b, err := tx.Get(table, name)
	if err != nil || b == nil {
		return err
	}
	if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
		return corrupt("a record is cut")
	}
	return ledger.Decode(table, b[4:4+binary.BigEndian.Uint32(b)], m)
}
