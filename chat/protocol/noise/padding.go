package noise

import (
	"bytes"
	"encoding/binary"
)

// PadBlock is the padding block in bytes: every plaintext grows to a multiple of it.
// Spec: 35/WAKU2-NOISE, "Padding".
const PadBlock = 248

// pad is PKCS#7: always at least one byte, all of them the number of bytes added.
func pad(plaintext []byte) []byte {
	n := PadBlock - len(plaintext)%PadBlock
	padded := make([]byte, len(plaintext)+n, len(plaintext)+n+tagSize)
	copy(padded, plaintext)
	fillPadding(padded[len(plaintext):])
	return padded
}

// fillPadding writes its own length into every byte, eight at a time.
func fillPadding(b []byte) {
	eight := uint64(len(b)) * 0x0101010101010101
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, eight)
		b = b[8:]
	}
	for i := range b {
		b[i] = byte(eight)
	}
}

// unpad checks every pad byte. Deployed readers look at the last one only.
func unpad(padded []byte) ([]byte, error) {
	if len(padded) == 0 || len(padded)%PadBlock != 0 {
		return nil, ErrPadding
	}
	n := int(padded[len(padded)-1])
	if n == 0 || n > PadBlock {
		return nil, ErrPadding
	}
	if bytes.Count(padded[len(padded)-n:], []byte{byte(n)}) != n {
		return nil, ErrPadding
	}
	return padded[:len(padded)-n], nil
}
