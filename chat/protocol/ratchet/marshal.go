package ratchet

import (
	"encoding/binary"

	"libstatus1to1/chat/protocol/key"
)

// A stored state is in two parts, so that a store need not rewrite thousands of
// skipped keys for each message: Marshal, of fixed size, changes with every message;
// MarshalSkipped only when SkippedChanged says so. Numbers are big-endian. Both parts
// are secret: encrypt them before they touch a disk.
const (
	stateVersion   = 1
	skippedVersion = 1

	// StateSize is the length in bytes of Marshal's result. Public keys are stored
	// uncompressed: decompressing costs as much as opening a message.
	StateSize = 1 + // version
		32 + // root key
		key.PrivateSize + key.UncompressedSize + // our ratchet key
		key.UncompressedSize + // the peer's, zeros if there is none
		2*(32+4) + // sending and receiving chain: key, number
		4 + // pn
		8 + // base
		4 // number of skipped keys

	skippedChainSize = key.UncompressedSize + 8 + 2 // ratchet key, base, number of keys
	skippedKeySize   = 4 + 32                       // message number, message key
)

// Marshal is the state without its skipped keys: StateSize secret bytes.
func (s State) Marshal() []byte {
	b := make([]byte, 0, StateSize)
	b = append(b, stateVersion)
	b = append(b, s.root[:]...)
	b = append(b, s.own.bytes()...)
	b = appendPublic(b, s.own.public)
	b = appendPublic(b, s.remote)
	for _, c := range []chain{s.send, s.recv} {
		b = append(b, c.key[:]...)
		b = binary.BigEndian.AppendUint32(b, c.n)
	}
	b = binary.BigEndian.AppendUint32(b, s.pn)
	b = binary.BigEndian.AppendUint64(b, s.base)
	return binary.BigEndian.AppendUint32(b, uint32(s.skipped.len()))
}

// appendPublic writes 65 bytes, all zero for no key.
func appendPublic(b []byte, p key.Public) []byte { return append(b, p.Uncompressed()...) }

// Unmarshal reads what Marshal wrote. If the state has skipped keys (SkippedLen is not
// 0), add them with WithSkipped before receiving; sending does without. Error: ErrState.
func Unmarshal(b []byte) (State, error) {
	if len(b) != StateSize || b[0] != stateVersion {
		return State{}, ErrState
	}
	r := reader{b[1:]}
	var s State
	copy(s.root[:], r.take(32))
	copy(s.own.scalar[:], r.take(key.PrivateSize))
	own, okOwn := r.public()
	remote, okRemote := r.public()
	if !okOwn || !okRemote || own.IsZero() {
		return State{}, ErrState
	}
	s.own.public, s.remote = own, remote
	for _, c := range []*chain{&s.send, &s.recv} {
		copy(c.key[:], r.take(32))
		c.n = binary.BigEndian.Uint32(r.take(4))
	}
	s.pn = binary.BigEndian.Uint32(r.take(4))
	s.base = binary.BigEndian.Uint64(r.take(8))
	total := binary.BigEndian.Uint32(r.take(4))
	if total > MaxSkippedKeys {
		return State{}, ErrState
	}
	if total > 0 {
		s.skipped = &skippedKeys{total: int(total)}
	}
	return s, nil
}

// MarshalSkipped returns the skipped keys, which are secret; nil if there are none.
// Call it only if SkippedChanged reports true: it also returns nil for a state that was
// loaded without them.
func (s State) MarshalSkipped() []byte {
	if s.skipped.len() == 0 || s.skipped.missing() {
		return nil
	}
	b := make([]byte, 0, 1+len(s.skipped.chains)*skippedChainSize+s.skipped.total*skippedKeySize)
	b = append(b, skippedVersion)
	for _, c := range s.skipped.chains {
		b = appendPublic(b, c.remote)
		b = binary.BigEndian.AppendUint64(b, c.base)
		b = binary.BigEndian.AppendUint16(b, uint16(len(c.keys)))
		for _, k := range c.keys {
			b = binary.BigEndian.AppendUint32(b, k.n)
			b = append(b, k.key[:]...)
		}
	}
	return b
}

// WithSkipped is s with the skipped keys MarshalSkipped wrote, empty if there were none.
// Error: ErrState if they are damaged or not as many as s has.
func (s State) WithSkipped(b []byte) (State, error) {
	if len(b) == 0 && s.skipped.len() == 0 {
		return s, nil
	}
	if len(b) == 0 || b[0] != skippedVersion {
		return State{}, ErrState
	}
	loaded := &skippedKeys{}
	for r := (reader{b[1:]}); len(r.rest) > 0; {
		c, ok := r.skippedChain()
		if !ok || !loaded.follows(c) {
			return State{}, ErrState
		}
		loaded.chains = append(loaded.chains, c)
		loaded.total += len(c.keys)
	}
	if loaded.total != s.skipped.len() || loaded.total == 0 {
		return State{}, ErrState
	}
	s.skipped = loaded
	return s, nil
}

// SkippedChanged reports whether MarshalSkipped of s has to be stored again after that
// of before was. Both must come from the same loaded state; it may say yes without need,
// never no.
func (s State) SkippedChanged(before State) bool { return s.skipped != before.skipped }

// follows reports whether c may come after the chains already stored: it must be newer
// and have another key.
func (s *skippedKeys) follows(c skippedChain) bool {
	if len(s.chains) == 0 {
		return true
	}
	last := s.chains[len(s.chains)-1]
	newest := last.keys[len(last.keys)-1]
	return s.chain(c.remote) < 0 && c.base > last.base+uint64(newest.n)
}

// reader takes bytes off the front of a record.
type reader struct{ rest []byte }

// take is the next n bytes; the caller has checked that they are there.
func (r *reader) take(n int) []byte {
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// public reads 65 bytes: a point, or zeros for no key.
func (r *reader) public() (key.Public, bool) {
	b := r.take(key.UncompressedSize)
	if [key.UncompressedSize]byte(b) == [key.UncompressedSize]byte{} {
		return key.Public{}, true
	}
	p, err := key.ParsePublic(b)
	return p, err == nil
}

func (r *reader) skippedChain() (c skippedChain, ok bool) {
	if len(r.rest) < skippedChainSize {
		return c, false
	}
	if c.remote, ok = r.public(); !ok || c.remote.IsZero() {
		return c, false
	}
	c.base = binary.BigEndian.Uint64(r.take(8))
	count := int(binary.BigEndian.Uint16(r.take(2)))
	if count == 0 || count*skippedKeySize > len(r.rest) {
		return c, false
	}
	c.keys = make([]skippedKey, count)
	for i := range c.keys {
		c.keys[i].n = binary.BigEndian.Uint32(r.take(4))
		copy(c.keys[i].key[:], r.take(32))
		if i > 0 && c.keys[i].n <= c.keys[i-1].n {
			return c, false
		}
	}
	return c, true
}
