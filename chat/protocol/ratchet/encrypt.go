package ratchet

// Encrypt makes the next message of the sending chain and returns the state after it.
// The plaintext may be empty. Errors: ErrState, ErrIV, ErrExhausted, or the random
// source's; the returned state is then s.
//
// Spec: 53/WAKU2-X3DH, "4. Message key derivation".
func (s State) Encrypt(plaintext []byte, iv IV) (State, Message, error) {
	if s.own.public.IsZero() {
		return s, Message{}, ErrState
	}
	if iv.pick == nil {
		return s, Message{}, ErrIV
	}
	next := s
	chain, mk, err := s.send.step()
	if err != nil {
		return s, Message{}, err
	}
	defer clear(mk[:])
	next.send = chain
	h := Header{Key: s.own.public, N: s.send.n, PN: s.pn}
	payload, err := seal(mk, h, plaintext, iv)
	if err != nil {
		return s, Message{}, err
	}
	return next, Message{Header: h, Payload: payload}, nil
}
