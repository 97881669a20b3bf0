package ratchet

import (
	"io"

	"libstatus1to1/chat/protocol/key"
)

// Decrypt opens m and returns the state after it, which no longer holds m's key: the
// same message does not open again. Messages may come late or not at all, within the
// limits. rand is read once (key.Generate), and only when an authentic message brings a
// new ratchet key. Errors: ErrState, ErrSkippedMissing, ErrHeader, ErrPayload, ErrSkip,
// ErrKeyGone, ErrAuth, ErrExhausted, or the random source's; the returned state is then s.
//
// A forged message costs at most one ECDH and MaxSkip+1 chain steps: numbers are checked
// before any of that, and the keys of the previous chain are derived only after the
// message has authenticated. A genuine one costs at most 2*MaxSkip+1 steps.
//
// Spec: 53/WAKU2-X3DH, "2. Double Ratchet" to "4. Message key derivation".
func (s State) Decrypt(m Message, rand io.Reader) (State, []byte, error) {
	next := s
	plaintext, err := next.decrypt(m, rand)
	if err != nil {
		return s, nil, err
	}
	return next, plaintext, nil
}

// decrypt works on a copy of the caller's state: what it leaves behind on failure is
// thrown away.
func (s *State) decrypt(m Message, rand io.Reader) ([]byte, error) {
	switch {
	case s.own.public.IsZero():
		return nil, ErrState
	case s.skipped.missing():
		return nil, ErrSkippedMissing
	case m.Header.Key.IsZero():
		return nil, ErrHeader
	case len(m.Payload) < Overhead:
		return nil, ErrPayload
	}
	current := m.Header.Key == s.remote
	if current && m.Header.N >= s.recv.n {
		return s.openCurrent(m)
	}
	if mk, ok := s.skipped.find(m.Header.Key, m.Header.N); ok {
		return s.openSkipped(m, mk)
	}
	if current {
		return nil, ErrKeyGone
	}
	return s.openNext(m, rand)
}

// openSkipped opens a late message and forgets its key.
func (s *State) openSkipped(m Message, mk key.Secret) ([]byte, error) {
	defer clear(mk[:])
	plaintext, err := open(mk, m)
	if err != nil {
		return nil, err
	}
	s.skipped = s.skipped.without(m.Header.Key, m.Header.N)
	return plaintext, nil
}

// openCurrent opens a message of the current receiving chain.
func (s *State) openCurrent(m Message) ([]byte, error) {
	plaintext, keys, err := s.openInChain(m)
	if err != nil {
		return nil, err
	}
	s.keep(skippedChain{remote: s.remote, base: s.base, keys: keys})
	return plaintext, nil
}

// openNext opens the first message that comes under a new ratchet key: the
// Diffie-Hellman ratchet step, receiving half first. Only when the message has
// authenticated are the missing keys of the previous chain derived and a ratchet key of
// our own drawn.
//
// Spec: 53/WAKU2-X3DH, "3. Chain key update".
func (s *State) openNext(m Message, rand io.Reader) ([]byte, error) {
	previous := skippedChain{remote: s.remote, base: s.base}
	ended := s.recv
	if !s.remote.IsZero() {
		if _, err := s.recv.gap(m.Header.PN); err != nil {
			return nil, err
		}
	}
	if _, err := (chain{}).gap(m.Header.N); err != nil {
		return nil, err
	}
	own, err := s.own.parsed()
	if err != nil {
		return nil, err
	}
	if s.root, s.recv, err = stepRoot(s.root, own, m.Header.Key); err != nil {
		return nil, err
	}
	plaintext, keys, err := s.openInChain(m)
	if err != nil {
		return nil, err
	}
	if !s.remote.IsZero() {
		if ended, previous.keys, err = ended.skipTo(m.Header.PN); err != nil {
			return nil, err
		}
	}
	s.base += uint64(ended.n)
	s.pn, s.remote = s.send.n, m.Header.Key
	if err := s.stepSending(rand); err != nil {
		return nil, err
	}
	s.keep(previous, skippedChain{remote: s.remote, base: s.base, keys: keys})
	return plaintext, nil
}

// openInChain steps the receiving chain past m, opens it, and returns the keys of the
// messages that are missing before it.
func (s *State) openInChain(m Message) ([]byte, []skippedKey, error) {
	at, keys, err := s.recv.skipTo(m.Header.N)
	if err != nil {
		return nil, nil, err
	}
	next, mk, err := at.step()
	if err != nil {
		return nil, nil, err
	}
	defer clear(mk[:])
	plaintext, err := open(mk, m)
	if err != nil {
		clear(keys)
		return nil, nil, err
	}
	s.recv = next
	return plaintext, keys, nil
}

// keep adds keys of missing messages and applies the limits on them.
func (s *State) keep(chains ...skippedChain) {
	for _, c := range chains {
		s.skipped = s.skipped.with(c)
	}
	s.skipped = s.skipped.trimmed(s.base + uint64(s.recv.n))
}
