package segment

import (
	"github.com/klauspost/reedsolomon"

	"libstatus1to1/chat/protocol/key"
)

// Split returns the segments of a message, size bytes each but for the last, and then the
// parity segments. Their payloads point into the message, which must not change while they
// are used. Error: ErrTooLarge.
func Split(message []byte, size int) ([]Segment, error) {
	count := segmentsOf(len(message), size)
	if len(message) > MaxMessage || count > MaxSegments {
		return nil, ErrTooLarge
	}
	if count < 2 {
		return nil, ErrNotSegment
	}
	hash := [32]byte(key.Keccak256(message))
	segments := make([]Segment, 0, count+count/parityEvery)
	for i := range count {
		payload := message[i*size : min(len(message), (i+1)*size)]
		segments = append(segments, Segment{Hash: hash, Place: Place{Index: i}, Count: count, Length: len(message), Payload: payload})
	}
	parity, err := parityOf(segments, size)
	for i, payload := range parity {
		segments = append(segments, Segment{
			Hash: hash, Place: Place{Index: i, Parity: true}, Count: len(parity), Length: len(message), Payload: payload,
		})
	}
	return segments, err
}

// segmentsOf returns the number of segments of a message.
func segmentsOf(length, size int) int { return (length + size - 1) / size }

// parityOf computes the parity segments: one for each eight segments, as far as there are
// places for them.
func parityOf(segments []Segment, size int) ([][]byte, error) {
	count := len(segments)
	n := count / parityEvery
	if n == 0 || count+n > MaxCoded {
		return nil, nil
	}
	shards := make([][]byte, count+n)
	for i, s := range segments {
		shards[i] = s.Payload
	}
	// All are computed as if they had the same size.
	shards[count-1] = append(make([]byte, 0, size), shards[count-1]...)[:size]
	for i := range n {
		shards[count+i] = make([]byte, size)
	}
	code, err := newCode(count, n)
	if err != nil {
		return nil, err
	}
	return shards[count:], code.Encode(shards)
}

// newCode returns the code of a message: Reed-Solomon on bytes, with the library's
// Vandermonde matrix, as deployed.
func newCode(count, parity int) (reedsolomon.Encoder, error) {
	// Each code is used once, so what it would remember for the next time is of no use.
	return reedsolomon.New(count, parity, reedsolomon.WithInversionCache(false))
}
