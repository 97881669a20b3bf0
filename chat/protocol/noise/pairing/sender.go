package pairing

import (
	"fmt"
	"io"
	"unicode/utf8"

	"libstatus1to1/chat/protocol/noise"
)

// Sender is the sending side of a transfer, a value. It does not hold the bytes: Next names
// those that are due, and the caller passes them to Chunk.
type Sender struct {
	id      TransferID
	offer   Offer
	state   transferState
	have    uint64 // offset up to which the receiver has all bytes
	sent    uint64 // offset up to which chunks were made
	rewound bool   // the chunks from have on were made again
	reason  Cause
}

// transferState is the state of a Sender or Receiver. The numbers are stored.
type transferState byte

const (
	transferOffered   transferState = iota + 1 // of a sender: the offer is not answered
	transferRunning                            // chunks are moving
	transferDone                               // all is there and the hash is right
	transferCancelled                          // one side gave up
)

// NewSender prepares a transfer of offer.Total bytes with this SHA256. It draws 8 bytes of
// rand for the id. Errors: ErrTransferSize, or rand's.
func NewSender(o Offer, rand io.Reader) (Sender, error) {
	if o.Total > MaxTransfer || len(o.Name) > MaxName || !utf8.ValidString(o.Name) {
		return Sender{}, ErrTransferSize
	}
	s := Sender{offer: o, state: transferOffered}
	if _, err := io.ReadFull(rand, s.id[:]); err != nil {
		return Sender{}, fmt.Errorf("pairing: reading randomness: %w", err)
	}
	return s, nil
}

// ID is the transfer's id.
func (s Sender) ID() TransferID { return s.id }

// OfferFrame begins a transfer, and resumes it after a restart or when no answer comes:
// the receiver answers with a have.
func (s Sender) OfferFrame() []byte { return s.offer.frame(s.id).bytes() }

// Progress returns how many bytes the receiver is known to have, and the total.
func (s Sender) Progress() (have, total uint64) { return s.have, s.offer.Total }

// Done reports whether the receiver has all and found the hash right.
func (s Sender) Done() bool { return s.state == transferDone }

// Next returns which bytes are due now: n of them from offset on; n is 0 while the receiver
// has to answer first.
func (s Sender) Next() (offset uint64, n int) {
	if s.state != transferRunning {
		return s.sent, 0
	}
	end := min(s.offer.Total, s.have+MaxInFlight)
	if s.sent >= end {
		return s.sent, 0
	}
	return s.sent, int(min(ChunkSize, s.offer.Total-s.sent))
}

// Chunk makes the frame for the bytes Next asked for. Error: ErrTransferState for any
// others.
func (s Sender) Chunk(data []byte) (Sender, []byte, error) {
	offset, n := s.Next()
	if n == 0 || len(data) != n {
		return s, nil, ErrTransferState
	}
	s.sent += uint64(n)
	return s, Frame{kind: kindChunk, ID: s.id, offset: offset, data: data}.bytes(), nil
}

// Rewind makes Next go on from the bytes that the receiver is known to have, for when no
// answer comes.
func (s Sender) Rewind() Sender {
	s.sent, s.rewound = s.have, true
	return s
}

// Receive takes a frame of the receiver's. Errors: ErrFrame for one of another transfer
// or beyond what was offered, ErrTransferState when the transfer is over,
// ErrTransferCancelled when the receiver gave up (Cause says why; keep the result).
func (s Sender) Receive(f Frame) (Sender, error) {
	switch {
	case f.ID != s.id || f.kind != kindHave && f.kind != kindCancel || f.offset > s.offer.Total:
		return s, ErrFrame
	case s.state != transferOffered && s.state != transferRunning:
		return s, ErrTransferState
	case f.kind == kindCancel:
		s.state, s.reason = transferCancelled, f.cause
		return s, ErrTransferCancelled
	}
	// A have like the last one asks for the bytes again, but only the first of them counts:
	// the receiver repeats it for every chunk that follows a lost one. A lower have comes
	// from a receiver whose store was put back.
	switch {
	case s.state == transferOffered || f.offset < s.have:
		s.sent, s.rewound = f.offset, false
	case f.offset > s.have:
		s.rewound = false
	case !s.rewound:
		s.sent, s.rewound = f.offset, true
	}
	s.state, s.have, s.sent = transferRunning, f.offset, max(s.sent, f.offset)
	if s.have == s.offer.Total {
		s.state = transferDone
	}
	return s, nil
}

// Cancel gives up and makes the frame that says so. Error: ErrTransferState when over.
func (s Sender) Cancel() (Sender, []byte, error) {
	if s.state != transferOffered && s.state != transferRunning {
		return s, nil, ErrTransferState
	}
	s.state, s.reason = transferCancelled, CauseUser
	return s, Frame{kind: kindCancel, ID: s.id, cause: CauseUser}.bytes(), nil
}

// CancelFrame repeats the cancel frame, which may have been lost; nil if the transfer was
// not cancelled.
func (s Sender) CancelFrame() []byte {
	if s.state != transferCancelled {
		return nil
	}
	return Frame{kind: kindCancel, ID: s.id, cause: s.reason}.bytes()
}

// Offer describes the transfer.
func (s Sender) Offer() Offer { return s.offer }

// Cause is the reason of a cancelled transfer, zero if it was not cancelled.
func (s Sender) Cause() Cause { return s.reason }

// senderVersion is the version of a stored sender. Chunks without an answer are not stored:
// the next have says from where to go on.
const senderVersion = 1

// Marshal is the sender for storing. To resume, publish OfferFrame.
func (s Sender) Marshal() []byte {
	b := []byte{senderVersion, byte(s.state), byte(s.reason)}
	b = appendUint64(b, s.have)
	return append(b, s.OfferFrame()...)
}

// UnmarshalSender reads what Marshal wrote. Error: ErrStored.
func UnmarshalSender(b []byte) (Sender, error) {
	r := noise.NewReader(b)
	if r.Byte() != senderVersion {
		return Sender{}, ErrStored
	}
	s := Sender{state: transferState(r.Byte()), reason: Cause(r.Byte()), have: r.Uint64()}
	f, err := ParseFrame(r.Rest())
	if err != nil || !f.IsOffer() || !s.state.valid(s.reason) || s.have > f.Offer.Total {
		return Sender{}, ErrStored
	}
	s.id, s.offer, s.sent = f.ID, f.Offer, s.have
	return s, nil
}

// valid reports whether a stored transfer can have this state together with this cause.
func (t transferState) valid(c Cause) bool {
	return t >= transferOffered && t <= transferCancelled && c <= CauseHash && (t == transferCancelled) == (c != 0)
}
