package ratchet

import "libstatus1to1/chat/protocol/key"

// pair is our ratchet key. A loaded pair is left unparsed until a ratchet step needs
// the private key: computing its point costs more than opening a message, and most
// messages do not step.
type pair struct {
	public  key.Public
	private key.Private           // zero while unparsed
	scalar  [key.PrivateSize]byte // the private key's bytes while unparsed
}

func newPair(k key.Private) pair { return pair{public: k.Public(), private: k} }

// parsed is the private key. A scalar that does not belong to the public key is a
// damaged state.
func (p pair) parsed() (key.Private, error) {
	if !p.private.IsZero() {
		return p.private, nil
	}
	k, err := key.ParsePrivate(p.scalar[:])
	if err != nil || k.Public() != p.public {
		return key.Private{}, ErrState
	}
	return k, nil
}

// bytes is the scalar, parsed or not.
func (p pair) bytes() []byte {
	if !p.private.IsZero() {
		return p.private.Bytes()
	}
	return append([]byte(nil), p.scalar[:]...)
}
