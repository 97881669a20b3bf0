package pairing

import (
	"encoding/binary"

	"libstatus1to1/chat/protocol/noise"
)

// Letter is a frame as it stands inside a session.
type Letter struct {
	// Received is how many messages of the other side have come: one more than the
	// number of its latest.
	Received uint64
	Frame    []byte // empty for nothing more to say
}

// Bytes is the letter's plaintext.
func (l Letter) Bytes() []byte {
	return append(binary.BigEndian.AppendUint64(nil, l.Received), l.Frame...)
}

// ParseLetter reads what Bytes wrote; the frame is read by ParseFrame. Error: ErrFrame.
func ParseLetter(b []byte) (Letter, error) {
	r := noise.NewReader(b)
	l := Letter{Received: r.Uint64()}
	if r.Failed() {
		return Letter{}, ErrFrame
	}
	l.Frame = r.Rest()
	return l, nil
}
