package payload

import (
	"io"

	"libstatus1to1/chat/protocol/key"
)

// The flags byte, first of a frame. Its other bits mean nothing and are ignored.
const (
	lengthSizeMask = 0b011 // how many bytes the length field has
	signedFlag     = 0b100 // a signature follows the padding
)

const flagsSize = 1

// signedFrame is the plaintext of a payload: flags, length, data, padding from
// rand, signature.
func signedFrame(rand io.Reader, signer key.Private, data []byte) ([]byte, error) {
	if signer.IsZero() {
		return nil, ErrKey
	}
	if len(data) > MaxDataSize {
		return nil, ErrTooLarge
	}
	lengthSize := lengthSizeOf(len(data))
	padding := paddingSize(len(data))
	unsigned := flagsSize + lengthSize + len(data) + padding
	frame := make([]byte, 0, unsigned+key.SignatureSize)
	frame = append(frame, byte(lengthSize)|signedFlag)
	for n := len(data); len(frame) < flagsSize+lengthSize; n >>= 8 {
		frame = append(frame, byte(n))
	}
	frame = append(frame, data...)
	frame = frame[:unsigned]
	if err := readRandom(rand, frame[unsigned-padding:]); err != nil {
		return nil, err
	}
	signature, err := signer.Sign(key.Keccak256(frame))
	if err != nil {
		return nil, err
	}
	return append(frame, signature...), nil
}

// lengthSizeOf is the fewest bytes that hold n, and at least one.
func lengthSizeOf(n int) int {
	size := 1
	for ; n > 0xff; n >>= 8 {
		size++
	}
	return size
}

// paddingSize is 1 to PadTo bytes: what brings a signed frame of n bytes of
// data to a multiple of PadTo.
func paddingSize(n int) int {
	return PadTo - (flagsSize+lengthSizeOf(n)+n+key.SignatureSize)%PadTo
}

// parseFrame takes a frame apart. Opened's slices point into it.
func parseFrame(frame []byte) (Opened, error) {
	if len(frame) < flagsSize {
		return Opened{}, ErrFrame
	}
	flags, rest := frame[0], frame[flagsSize:]
	var o Opened
	if flags&signedFlag != 0 {
		if len(rest) < key.SignatureSize {
			return Opened{}, ErrFrame
		}
		end := len(rest) - key.SignatureSize
		rest, o.Signature = rest[:end:end], rest[end:]
	}
	lengthSize := int(flags & lengthSizeMask)
	if len(rest) < lengthSize {
		return Opened{}, ErrFrame
	}
	n := 0
	for i := lengthSize - 1; i >= 0; i-- {
		n = n<<8 | int(rest[i])
	}
	rest = rest[lengthSize:]
	if len(rest) < n {
		return Opened{}, ErrFrame
	}
	o.Data, o.Padding = rest[:n:n], rest[n:]
	if o.Signature != nil {
		signer, err := key.Recover(key.Keccak256(frame[:len(frame)-key.SignatureSize]), o.Signature)
		if err != nil {
			return Opened{}, ErrSignature
		}
		o.Signer = signer
	}
	return o, nil
}
