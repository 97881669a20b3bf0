package session

import "time"

// LostAfter is lostAfter.
const LostAfter = lostAfter

// EncryptIn is Encrypt with another choice of sessions: choose gives an index, or
// -1 to begin one.
func (p Peer) EncryptIn(self Self, plaintext []byte, now time.Time, src Source, choose func(p Peer, installation string) int) (Peer, Outgoing, error) {
	return p.encrypt(self, plaintext, nil, now, src, choose)
}
