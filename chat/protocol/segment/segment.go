// Package segment splits a message that is too large for one envelope into segments, and
// puts it together again when enough of them have come. Parity segments stand in for lost
// ones: of eight segments any one may be lost, of sixteen any two.
//
// What is split is a ProtocolMessage (53/WAKU2-X3DH), already encrypted; each segment goes
// in a payload (26/WAKU2-PAYLOAD) of its own. No spec describes the format: it is the one
// that the Status apps use. A segment can claim anything, so [Set] checks the claims of all
// segments against each other, and the whole message against its hash.
package segment

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// Limits of what is read and made, each with its reason.
const (
	// MaxMessage bounds a message that is split or put together, in bytes: 10 MB for each of
	// three devices, with what the encryption adds.
	MaxMessage = 32 << 20
	// MaxPayload bounds the payload of one segment: the largest envelope of the Status
	// network is 1 MiB.
	MaxPayload = 1 << 20
	// MaxSegments bounds the segments of one message: MaxMessage in segments of 2 KiB, less
	// than the smallest envelopes carry that a network can be set to.
	MaxSegments = 16384
	// MaxCoded bounds segments and parity segments together, if there are parity segments:
	// the code works on bytes, so it has no more places. A message of more segments has no
	// parity, as deployed.
	MaxCoded = 256
	// parityEvery is the number of segments for which there is one parity segment.
	parityEvery = 8
)

// hashSize is the size of a keccak256 hash.
const hashSize = 32

// What reading, splitting and putting together can fail with.
var (
	// ErrNotSegment: not a SegmentMessage, but perhaps a ProtocolMessage that came in one
	// envelope.
	ErrNotSegment = errors.New("segment: not a segment")
	// ErrMalformed: its own claims contradict each other.
	ErrMalformed = errors.New("segment: malformed segment")
	// ErrTooLarge: above MaxMessage or MaxSegments.
	ErrTooLarge = errors.New("segment: message too large")
	// ErrContradiction: segments of one message do not fit each other.
	ErrContradiction = errors.New("segment: segments contradict each other")
	// ErrHash: what was put together is not what its hash says.
	ErrHash = errors.New("segment: the hash of the message does not match")
)

// Segment is one segment of a message.
type Segment struct {
	Hash [32]byte // keccak256 of the whole message
	Place
	// Count is the number of segments, or of parity segments if it is one of those.
	Count int
	// Length is the size of the whole message in bytes; 0 if its sender does not say.
	Length  int
	Payload []byte
}

// Place is the position of a segment in its message.
type Place struct {
	Index  int
	Parity bool // Index is its place among the parity segments
}

// Parse reads a segment. Errors: ErrNotSegment, ErrMalformed, ErrTooLarge.
func Parse(b []byte) (Segment, error) {
	var m wire.SegmentMessage
	if (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(b, &m) != nil || m.GetSegmentsCount() < 2 && m.GetParitySegmentsCount() == 0 {
		return Segment{}, ErrNotSegment
	}
	s := Segment{Payload: m.GetPayload(), Length: int(min(m.GetOriginalPayloadLength(), MaxMessage+1))}
	index, count := m.GetIndex(), m.GetSegmentsCount()
	if count == 0 {
		s.Parity, index, count = true, m.GetParitySegmentIndex(), m.GetParitySegmentsCount()
	}
	switch {
	case len(m.GetEntireMessageHash()) != hashSize, len(s.Payload) == 0, index >= count, count == 1 && !s.Parity:
		return Segment{}, ErrMalformed
	case len(s.Payload) > MaxPayload, s.Length > MaxMessage, count > MaxSegments, s.Parity && count >= MaxCoded:
		return Segment{}, ErrTooLarge
	}
	s.Hash, s.Index, s.Count = [32]byte(m.GetEntireMessageHash()), int(index), int(count)
	return s, nil
}

// Encode returns the segment on the wire.
func (s Segment) Encode() ([]byte, error) {
	m := &wire.SegmentMessage{EntireMessageHash: s.Hash[:], Payload: s.Payload, OriginalPayloadLength: uint64(s.Length)}
	if s.Parity {
		m.ParitySegmentIndex, m.ParitySegmentsCount = uint32(s.Index), uint32(s.Count)
	} else {
		m.Index, m.SegmentsCount = uint32(s.Index), uint32(s.Count)
	}
	return proto.MarshalOptions{Deterministic: true}.Marshal(m)
}
