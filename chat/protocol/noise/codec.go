package noise

import (
	"encoding/binary"
	"time"
)

// The stored forms of this package and of those above it: numbers are big-endian, byte
// strings have a length of 4 bytes before them, times are nanoseconds since 1970, flags
// are one byte, 0 or 1.

// AppendBytes writes the length of b, and b.
func AppendBytes(to, b []byte) []byte {
	return append(binary.BigEndian.AppendUint32(to, uint32(len(b))), b...)
}

// AppendTime writes a time, 0 for the zero time.
func AppendTime(to []byte, t time.Time) []byte {
	if t.IsZero() {
		return binary.BigEndian.AppendUint64(to, 0)
	}
	return binary.BigEndian.AppendUint64(to, uint64(t.UnixNano()))
}

// AppendFlag writes a flag.
func AppendFlag(to []byte, b bool) []byte {
	if b {
		return append(to, 1)
	}
	return append(to, 0)
}

// Reader reads a stored value. After something that cannot have been written, all reads
// return zero values and Failed reports true.
type Reader struct{ rest []byte }

// NewReader makes a Reader of b.
func NewReader(b []byte) Reader { return Reader{b} }

// Take returns the next n bytes, nil if there are fewer.
func (r *Reader) Take(n int) []byte {
	if r.Failed() || n < 0 || n > len(r.rest) {
		r.rest = nil
		return nil
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

// number reads a big-endian number of n bytes.
func (r *Reader) number(n int) uint64 {
	var v uint64
	for _, b := range r.Take(n) {
		v = v<<8 | uint64(b)
	}
	return v
}

// Byte reads the next byte.
func (r *Reader) Byte() byte { return byte(r.number(1)) }

// Uint16 reads the next big-endian number of 2 bytes.
func (r *Reader) Uint16() uint16 { return uint16(r.number(2)) }

// Uint32 reads the next big-endian number of 4 bytes.
func (r *Reader) Uint32() uint32 { return uint32(r.number(4)) }

// Uint64 reads the next big-endian number of 8 bytes.
func (r *Reader) Uint64() uint64 { return r.number(8) }

// Rest reads all that is left.
func (r *Reader) Rest() []byte { return r.Take(len(r.rest)) }

// Bytes reads a byte string of AppendBytes, nil for an empty one.
func (r *Reader) Bytes() []byte {
	b := r.Take(int(r.Uint32()))
	if len(b) == 0 {
		return nil
	}
	return b
}

// Time reads a time of AppendTime, in UTC.
func (r *Reader) Time() time.Time {
	n := r.Uint64()
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(n)).UTC()
}

// Flag reads a flag of AppendFlag; a byte above 1 fails.
func (r *Reader) Flag() bool {
	b := r.Byte()
	if b > 1 {
		r.rest = nil
	}
	return b == 1
}

// Key reads a private key; bytes that are none fail.
func (r *Reader) Key() PrivateKey {
	k, err := ParsePrivateKey(r.Take(KeySize))
	if err != nil {
		r.rest = nil
	}
	return k
}

// Failed reports whether a read has failed.
func (r *Reader) Failed() bool { return r.rest == nil }

// Done reports whether all was read without a failure and nothing is left.
func (r *Reader) Done() bool { return r.rest != nil && len(r.rest) == 0 }
