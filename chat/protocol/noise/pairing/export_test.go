package pairing

import (
	"time"

	"libstatus1to1/chat/protocol/noise"
)

// Commit is the commitment to a static key.
var Commit = commit

// ScanWith is Scan with an ephemeral key, random bytes and a nonce of the caller's choice,
// as somebody who searches for an authcode makes many.
func ScanWith(c Config, i Invitation, ephemeral noise.PrivateKey, random, own [32]byte, now time.Time) (Pairing, Output, error) {
	p := Pairing{
		config: c, pattern: i.Pattern, phase: PhaseConfirm, committed: i.QR.Commitment, random: random, deadline: now.Add(Timeout),
	}
	if i.QR.hasNonce() {
		p.phase, p.nonces = PhaseAnswer, nonces{own: own, committed: i.QR.Nonce}
	}
	return p.answer(i, ephemeral)
}

// GuessAuthcode returns the authcode for a guessed nonce of the other side.
func (p Pairing) GuessAuthcode(peer [32]byte) string {
	p.nonces.peer = peer
	return p.authcode()
}

// WithNonce is a pairing that opens another nonce than it committed to.
func (p Pairing) WithNonce(own [32]byte) Pairing {
	p.nonces.own = own
	return p
}
