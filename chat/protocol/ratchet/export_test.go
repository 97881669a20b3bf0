package ratchet

import "libstatus1to1/chat/protocol/key"

// What the tests look at and the API does not show.

func (s State) RootKey() key.Secret      { return s.root }
func (s State) SendChainKey() key.Secret { return s.send.key }
func (s State) RecvChainKey() key.Secret { return s.recv.key }

// Derived returns the number of message keys that the session has derived for receiving.
func (s State) Derived() uint64 { return s.base + uint64(s.recv.n) }

func (s State) OwnPrivate() key.Private {
	k, err := s.own.parsed()
	if err != nil {
		panic(err)
	}
	return k
}

// WithSendN is s at another place of its sending chain, WithRecvN of its receiving chain.
func (s State) WithSendN(n uint32) State { s.send.n = n; return s }
func (s State) WithRecvN(n uint32) State { s.recv.n = n; return s }

// SkippedAge returns the number of message keys derived since the one that is kept for a
// message, and including it.
func (s State) SkippedAge(h Header) (age uint64, ok bool) {
	if _, ok := s.skipped.find(h.Key, h.N); !ok {
		return 0, false
	}
	return s.Derived() - s.skipped.chains[s.skipped.chain(h.Key)].base - uint64(h.N), true
}
