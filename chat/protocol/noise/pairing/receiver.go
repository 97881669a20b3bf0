package pairing

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"slices"

	"libstatus1to1/chat/protocol/noise"
)

// Receiver is the receiving side of a transfer, a value. It does not hold the bytes:
// Receive returns those that the caller has to append.
type Receiver struct {
	id     TransferID
	offer  Offer
	state  transferState
	have   uint64
	digest []byte // state of the running SHA256 over the bytes below have
	reason Cause
}

// Received is the result of a frame.
type Received struct {
	Data   []byte // to append to the bytes that came before
	Answer []byte // frame to send, nil for none
	Done   bool   // all is there and the hash is right
}

// Accept begins to receive an offered transfer. limit is the most bytes the caller accepts;
// above it the transfer begins cancelled, and the answer says so. Errors: ErrFrame for
// another frame, ErrTransferSize together with the answer.
func Accept(f Frame, limit uint64) (Receiver, Received, error) {
	if !f.IsOffer() {
		return Receiver{}, Received{}, ErrFrame
	}
	r := Receiver{id: f.ID, offer: f.Offer, state: transferRunning}
	r.digest = saveDigest(sha256.New())
	if f.Offer.Total > limit {
		r, answer, err := r.cancel(CauseSize)
		if err != nil {
			return Receiver{}, Received{}, err
		}
		return r, Received{Answer: answer}, ErrTransferSize
	}
	return r.acknowledge(Received{})
}

// ID is the transfer's id.
func (r Receiver) ID() TransferID { return r.id }

// Offer describes the transfer.
func (r Receiver) Offer() Offer { return r.offer }

// Progress returns how many bytes have been received, and the total.
func (r Receiver) Progress() (have, total uint64) { return r.have, r.offer.Total }

// Done reports whether all is there and the hash was right.
func (r Receiver) Done() bool { return r.state == transferDone }

// CancelFrame says again that we cancelled, for when the first may be lost; nil if the
// transfer was not cancelled.
func (r Receiver) CancelFrame() []byte {
	if r.state != transferCancelled {
		return nil
	}
	return Frame{kind: kindCancel, ID: r.id, cause: r.reason}.bytes()
}

// Cause is the reason of a cancelled transfer, zero if it was not cancelled.
func (r Receiver) Cause() Cause { return r.reason }

// HaveFrame tells the sender how many bytes have been received. It resumes a transfer after
// a restart or when nothing comes.
func (r Receiver) HaveFrame() []byte { return Frame{kind: kindHave, ID: r.id, offset: r.have}.bytes() }

// Receive handles a frame of the sender: the offer again, a chunk, a cancel. Errors:
// ErrFrame for one of another transfer or outside what was offered; ErrTransferState when
// cancelled before; ErrTransferRepeat for a chunk that is not the next one, together with
// an answer that names the next; ErrTransferCancelled; ErrTransferHash, which ends the
// transfer, with an answer.
func (r Receiver) Receive(f Frame) (Receiver, Received, error) {
	repeat := Received{Answer: r.HaveFrame()}
	switch {
	case f.ID != r.id || f.IsOffer() && f.Offer != r.offer || f.offset+uint64(len(f.data)) > r.offer.Total:
		return r, Received{}, ErrFrame
	case r.state == transferCancelled:
		return r, Received{}, ErrTransferState
	case f.kind == kindHave:
		return r, Received{}, ErrFrame
	case f.IsOffer() || r.state == transferDone:
		return r, repeat, ErrTransferRepeat
	case f.kind == kindCancel:
		r.state, r.reason = transferCancelled, f.cause
		return r, Received{}, ErrTransferCancelled
	case f.offset != r.have:
		return r, repeat, ErrTransferRepeat
	}
	h, err := loadDigest(r.digest)
	if err != nil {
		return r, Received{}, ErrStored
	}
	h.Write(f.data)
	r.have += uint64(len(f.data))
	r.digest = saveDigest(h)
	return r.acknowledge(Received{Data: f.data})
}

// acknowledge makes the answer to new bytes. Once all are there it checks their hash first.
func (r Receiver) acknowledge(got Received) (Receiver, Received, error) {
	if r.have == r.offer.Total {
		h, err := loadDigest(r.digest)
		if err != nil {
			return r, Received{}, ErrStored
		}
		if [sha256.Size]byte(h.Sum(nil)) != r.offer.Hash {
			r, answer, err := r.cancel(CauseHash)
			if err != nil {
				return r, Received{}, err
			}
			return r, Received{Answer: answer}, ErrTransferHash
		}
		r.state, got.Done = transferDone, true
	}
	got.Answer = r.HaveFrame()
	return r, got, nil
}

// Cancel gives up and makes the frame that says so. Error: ErrTransferState when over.
func (r Receiver) Cancel() (Receiver, []byte, error) { return r.cancel(CauseUser) }

func (r Receiver) cancel(c Cause) (Receiver, []byte, error) {
	if r.state != transferRunning {
		return r, nil, ErrTransferState
	}
	r.state, r.reason = transferCancelled, c
	return r, Frame{kind: kindCancel, ID: r.id, cause: c}.bytes(), nil
}

// saveDigest and loadDigest keep a running SHA256 as bytes, so that a Receiver is a value.
func saveDigest(h hash.Hash) []byte {
	b, err := h.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil // not so for crypto/sha256; loadDigest refuses it
	}
	return b
}

func loadDigest(b []byte) (hash.Hash, error) {
	h := sha256.New()
	if err := h.(encoding.BinaryUnmarshaler).UnmarshalBinary(b); err != nil {
		return nil, ErrStored
	}
	return h, nil
}

func appendUint64(b []byte, n uint64) []byte { return binary.BigEndian.AppendUint64(b, n) }

// receiverVersion is the version of a stored receiver.
const receiverVersion = 1

// Marshal is the receiver for storing, together with the bytes so far. To resume, send
// HaveFrame.
func (r Receiver) Marshal() []byte {
	b := []byte{receiverVersion, byte(r.state), byte(r.reason)}
	b = appendUint64(b, r.have)
	b = noise.AppendBytes(b, r.digest)
	return append(b, r.offer.frame(r.id).bytes()...)
}

// UnmarshalReceiver reads what Marshal wrote. Error: ErrStored.
func UnmarshalReceiver(b []byte) (Receiver, error) {
	in := noise.NewReader(b)
	if in.Byte() != receiverVersion {
		return Receiver{}, ErrStored
	}
	r := Receiver{state: transferState(in.Byte()), reason: Cause(in.Byte()), have: in.Uint64()}
	r.digest = slices.Clone(in.Bytes())
	f, err := ParseFrame(in.Rest())
	if err != nil || !f.IsOffer() || r.have > f.Offer.Total || !r.state.valid(r.reason) || r.state == transferOffered {
		return Receiver{}, ErrStored
	}
	if _, err := loadDigest(r.digest); err != nil {
		return Receiver{}, ErrStored
	}
	r.id, r.offer = f.ID, f.Offer
	return r, nil
}
