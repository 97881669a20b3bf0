package pairing

import (
	"encoding/binary"

	"libstatus1to1/chat/protocol/noise"
)

// Message is the content of a message inside a session: an acknowledgement and perhaps a
// frame.
type Message struct {
	// Received counts the messages of the other side: one more than the number of its
	// latest that was received.
	Received uint64
	Frame    []byte // empty if there is only the acknowledgement
}

// Bytes is the plaintext of the message.
func (l Message) Bytes() []byte {
	return append(binary.BigEndian.AppendUint64(nil, l.Received), l.Frame...)
}

// ParseMessage reads what Bytes wrote; the frame is read by ParseFrame. Error: ErrFrame.
func ParseMessage(b []byte) (Message, error) {
	r := noise.NewReader(b)
	l := Message{Received: r.Uint64()}
	if r.Failed() {
		return Message{}, ErrFrame
	}
	l.Frame = r.Rest()
	return l, nil
}
