package pairing

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"unicode/utf8"

	"libstatus1to1/chat/protocol/noise"
)

// The errors of transfers.
var (
	// ErrFrame: not a frame of a transfer, or not of this one.
	ErrFrame = errors.New("pairing: not a frame of this transfer")
	// ErrTransferSize: more bytes than MaxTransfer, or a name over MaxName.
	ErrTransferSize = errors.New("pairing: the transfer is too large")
	// ErrTransferHash: what arrived is not what was offered.
	ErrTransferHash = errors.New("pairing: the bytes received are not the ones offered")
	// ErrTransferCancelled: one side gave up.
	ErrTransferCancelled = errors.New("pairing: the transfer was cancelled")
	// ErrTransferState: the transfer is not at this point.
	ErrTransferState = errors.New("pairing: not at this point of the transfer")
	// ErrTransferRepeat: a frame that changes nothing; not a fault.
	ErrTransferRepeat = errors.New("pairing: the frame brings nothing new")
)

// frameVersion is the first byte of every frame.
const frameVersion = 1

// kind is the second byte of a frame.
type kind byte

const (
	kindOffer kind = iota + 1
	kindHave
	kindChunk
	kindCancel
	kindParcel // an offer of a parcel
)

// Cause is the reason of a cancelled transfer, as a frame carries it.
type Cause byte

// The causes.
const (
	CauseUser Cause = iota + 1 // a user cancelled
	CauseSize                  // more than the receiver takes
	CauseHash                  // the bytes that came were not the ones offered
)

// TransferID tells transfers of one transport apart; random.
type TransferID [8]byte

// Frame is a parsed frame. Fields that its kind does not have are zero.
type Frame struct {
	kind   kind
	ID     TransferID
	Offer  Offer
	offset uint64
	data   []byte
	cause  Cause
}

// Offer describes the bytes of a transfer.
type Offer struct {
	Name  string // up to MaxName bytes of UTF-8: a file name or a type; untrusted
	Total uint64 // bytes
	Hash  [sha256.Size]byte
	// Parcel: the bytes are of the engine and not of a program.
	Parcel bool
}

// IsOffer reports whether the frame opens a transfer.
func (f Frame) IsOffer() bool { return f.kind == kindOffer || f.kind == kindParcel }

// frame is the frame that offers a transfer.
func (o Offer) frame(id TransferID) Frame {
	if o.Parcel {
		return Frame{kind: kindParcel, ID: id, Offer: o}
	}
	return Frame{kind: kindOffer, ID: id, Offer: o}
}

// Chunk reports whether the frame carries bytes, and where they belong.
func (f Frame) Chunk() (offset uint64, chunk bool) { return f.offset, f.kind == kindChunk }

// IsCancel reports whether the frame gives a transfer up.
func (f Frame) IsCancel() bool { return f.kind == kindCancel }

// ParseFrame reads a frame, strictly. Errors: ErrFrame; ErrTransferSize for an offer over
// MaxTransfer.
func ParseFrame(b []byte) (Frame, error) {
	r := noise.NewReader(b)
	if r.Byte() != frameVersion {
		return Frame{}, ErrFrame
	}
	f := Frame{kind: kind(r.Byte())}
	copy(f.ID[:], r.Take(len(f.ID)))
	switch f.kind {
	case kindOffer, kindParcel:
		f.Offer.Parcel = f.kind == kindParcel
		f.Offer.Total = r.Uint64()
		copy(f.Offer.Hash[:], r.Take(sha256.Size))
		f.Offer.Name = string(r.Take(int(r.Byte())))
	case kindHave:
		f.offset = r.Uint64()
	case kindChunk:
		f.offset = r.Uint64()
		f.data = r.Rest()
	case kindCancel:
		f.cause = Cause(r.Byte())
	default:
		return Frame{}, ErrFrame
	}
	switch {
	case !r.Done(), !utf8.ValidString(f.Offer.Name), f.offset > MaxTransfer:
		return Frame{}, ErrFrame
	case f.kind == kindChunk && (len(f.data) == 0 || len(f.data) > ChunkSize):
		return Frame{}, ErrFrame
	case f.kind == kindCancel && (f.cause < CauseUser || f.cause > CauseHash):
		return Frame{}, ErrFrame
	case f.Offer.Total > MaxTransfer:
		return Frame{}, ErrTransferSize
	}
	return f, nil
}

// bytes encodes the frame, as doc.go says.
func (f Frame) bytes() []byte {
	b := append([]byte{frameVersion, byte(f.kind)}, f.ID[:]...)
	switch f.kind {
	case kindOffer, kindParcel:
		b = binary.BigEndian.AppendUint64(b, f.Offer.Total)
		b = append(b, f.Offer.Hash[:]...)
		b = append(b, byte(len(f.Offer.Name)))
		return append(b, f.Offer.Name...)
	case kindHave:
		return binary.BigEndian.AppendUint64(b, f.offset)
	case kindChunk:
		b = binary.BigEndian.AppendUint64(b, f.offset)
		return append(b, f.data...)
	default:
		return append(b, byte(f.cause))
	}
}
