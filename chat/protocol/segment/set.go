package segment

import (
	"math/bits"
	"slices"

	"golang.org/x/crypto/sha3"
)

// Set describes a message of which segments have come. It does not hold their payloads: the
// caller keeps those. A Set does not change: With returns the next one. The zero value is a
// message of which no segment has come.
type Set struct {
	// Count and Parity are the numbers of segments and of parity segments, 0 until they are
	// known.
	Count, Parity int
	// Size is the size of all segments but the last, and Last the size of that one; 0 until
	// they are known.
	Size, Last int
	Length     int // of the whole message; 0 while nobody has said
	// Have and HaveParity have a bit for each segment that is there, the lowest bit of the
	// first byte for the first one.
	Have, HaveParity []byte
}

// Has reports whether the segment of a place is there.
func (s Set) Has(p Place) bool {
	have := s.Have
	if p.Parity {
		have = s.HaveParity
	}
	return p.Index/8 < len(have) && have[p.Index/8]&(1<<(p.Index%8)) != 0
}

// With returns the set after a segment has come. Its hash is not looked at: the caller keeps
// one set a hash and sender. Errors: ErrContradiction, ErrTooLarge.
func (s Set) With(seg Segment) (Set, error) {
	if s.Length == 0 {
		s.Length = seg.Length
	}
	count, size := &s.Count, &s.Size
	if seg.Parity {
		count = &s.Parity
	} else if seg.Index == seg.Count-1 {
		size = &s.Last
	}
	if *count == 0 {
		*count = seg.Count
	}
	if *size == 0 {
		*size = len(seg.Payload)
	}
	if *count != seg.Count || *size != len(seg.Payload) || seg.Length != s.Length && seg.Length != 0 {
		return s, ErrContradiction
	}
	if err := s.check(); err != nil {
		return s, err
	}
	if seg.Parity {
		s.HaveParity = withBit(s.HaveParity, seg.Index)
	} else {
		s.Have = withBit(s.Have, seg.Index)
	}
	return s, nil
}

// check looks whether all that is known of a message is possible.
func (s Set) check() error {
	switch {
	case s.Last > s.Size && s.Size > 0, s.Count > 0 && s.Parity > 0 && s.Count+s.Parity > MaxCoded:
		return ErrContradiction
	case s.Count*s.Size > MaxMessage+s.Size:
		return ErrTooLarge
	case s.Length > 0 && s.Count > 0 && s.Size > 0 && segmentsOf(s.Length, s.Size) != s.Count,
		s.Length > 0 && s.Count > 0 && s.Size > 0 && s.Last > 0 && s.Length != (s.Count-1)*s.Size+s.Last:
		return ErrContradiction
	}
	return nil
}

func withBit(have []byte, i int) []byte {
	next := make([]byte, max(len(have), i/8+1))
	copy(next, have)
	next[i/8] |= 1 << (i % 8)
	return next
}

// Received returns how many segments are there, parity segments included, and how many the
// message needs; 0 while that is not known.
func (s Set) Received() (n, needed int) {
	for _, b := range slices.Concat(s.Have, s.HaveParity) {
		n += bits.OnesCount8(b)
	}
	return n, s.Count
}

// Complete reports whether the message can be put together.
func (s Set) Complete() bool {
	n, needed := s.Received()
	return needed > 0 && n >= needed
}

// Assemble puts a complete message together, computing the segments that are missing from
// the parity segments. read returns the payload of a segment that is there. Errors:
// ErrContradiction, ErrHash, those of read.
func (s Set) Assemble(hash [32]byte, read func(Place) ([]byte, error)) ([]byte, error) {
	if !s.Complete() || s.Size == 0 {
		return nil, ErrContradiction
	}
	whole := make([]byte, s.Count*s.Size)
	shards := make([][]byte, s.Count+s.Parity)
	missing := 0
	for i := range s.Count {
		shard := whole[i*s.Size : (i+1)*s.Size : (i+1)*s.Size]
		if !s.Has(Place{Index: i}) {
			shards[i] = shard[:0] // the code fills it in, in place
			missing++
			continue
		}
		payload, err := read(Place{Index: i})
		if err != nil {
			return nil, err
		}
		shards[i] = shard[:copy(shard, payload)]
		if len(shards[i]) != len(payload) || i < s.Count-1 && len(payload) != s.Size {
			return nil, ErrContradiction
		}
		shards[i] = shard // the last one with its padding
	}
	if missing > 0 {
		if err := s.recover(shards, read); err != nil {
			return nil, err
		}
	}
	return s.verify(hash, whole)
}

// recover computes the missing segments.
func (s Set) recover(shards [][]byte, read func(Place) ([]byte, error)) error {
	for i := range s.Parity {
		p := Place{Index: i, Parity: true}
		if !s.Has(p) {
			continue
		}
		payload, err := read(p)
		if err != nil {
			return err
		}
		if len(payload) != s.Size {
			return ErrContradiction
		}
		shards[s.Count+i] = payload
	}
	code, err := newCode(s.Count, s.Parity)
	if err != nil {
		return err
	}
	return code.ReconstructData(shards)
}

// maxEndingZeros bounds the zero bytes at the end of a message whose length is not known. A
// ciphertext ends in a random authenticator: two are rare.
const maxEndingZeros = 64

// verify cuts the padding off and compares the hash. If the last segment had to be computed
// and nobody has said how long the message is, its end is found by the hash: after the last
// byte that is not zero, or a few zeros later.
func (s Set) verify(hash [32]byte, whole []byte) ([]byte, error) {
	shortest, longest := s.Length, s.Length
	switch {
	case s.Has(Place{Index: s.Count - 1}):
		shortest = (s.Count-1)*s.Size + s.Last
		longest = shortest
	case s.Length == 0:
		shortest = len(whole)
		for shortest > (s.Count-1)*s.Size+1 && whole[shortest-1] == 0 {
			shortest--
		}
		longest = min(len(whole), shortest+maxEndingZeros)
	}
	if longest > len(whole) {
		return nil, ErrContradiction
	}
	h := sha3.NewLegacyKeccak256()
	h.Write(whole[:shortest])
	for n := shortest; n <= longest; n++ {
		if [32]byte(h.Sum(nil)) == hash {
			return whole[:n:n], nil
		}
		h.Write([]byte{0})
	}
	return nil, ErrHash
}
