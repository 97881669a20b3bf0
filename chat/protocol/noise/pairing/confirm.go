package pairing

import (
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/noise"
)

// Confirm is the user's answer whether both devices show the same authcode. A no ends the
// pairing on both sides; the returned pairing has the Failure, the error is nil. Errors:
// ErrPhase, a Failure if message 2, which had come before, is not acceptable, or rand's.
func (p Pairing) Confirm(same bool, now time.Time, rand io.Reader) (Pairing, Output, error) {
	if p.phase != PhaseConfirm {
		return p, Output{}, ErrPhase
	}
	if !same {
		return p.fail(ReasonRejected, rand)
	}
	if p.asks() {
		h, message, err := p.handshake.Write(p.opening())
		if err != nil {
			return p, Output{}, err
		}
		p.handshake, p.phase = h, PhaseWait
		return p, Output{Send: [][]byte{message}}, nil
	}
	if p.held == nil {
		p.phase = PhaseWait
		return p, Output{}, nil
	}
	h, plaintext, err := p.handshake.Read(p.held)
	if err != nil {
		return p, Output{}, err
	}
	return p.opened(h, plaintext, now, rand)
}

// Cancel ends the pairing before it is done, and tells the other side. Errors: ErrPhase,
// or rand's.
func (p Pairing) Cancel(rand io.Reader) (Pairing, Output, error) {
	switch p.phase {
	case PhaseShown, PhaseAnswer, PhaseConfirm, PhaseWait:
		return p.fail(ReasonCancelled, rand)
	}
	return p, Output{}, ErrPhase
}

// Resend returns what we have sent since the peer's last message, the same bytes, for when
// no answer comes.
func (p Pairing) Resend() Output {
	switch p.phase {
	case PhaseAnswer, PhaseConfirm, PhaseWait, PhaseDone:
	default:
		return Output{}
	}
	end := p.handshake.Step()
	first := end
	for first > 0 && p.wrote(first-1) {
		first--
	}
	var out Output
	for i := first; i < end; i++ {
		out.Send = append(out.Send, p.handshake.Message(i))
	}
	return out
}

// Tick does what is due by the clock: an expired QR code is replaced by a new one, a
// pairing past its deadline fails with ErrTimeout (a Failure), keys of old QR codes are
// erased. It draws 80 bytes of rand for a new QR code, 112 with nonces. Errors: a
// Failure, or rand's.
func (p Pairing) Tick(now time.Time, rand io.Reader) (Pairing, Output, error) {
	kept := slices.DeleteFunc(slices.Clone(p.exposures), func(e exposure) bool { return !now.Before(e.forget) })
	switch p.phase {
	case PhaseShown:
		if now.Before(p.exposures[0].expires) {
			break
		}
		renewed := p
		renewed.exposures = kept
		renewed, err := renewed.expose(now, rand)
		if err != nil {
			return p, Output{}, err
		}
		return renewed, Output{Renewed: true}, nil
	case PhaseAnswer, PhaseConfirm, PhaseWait:
		if now.Before(p.deadline) {
			break
		}
		next, out, err := p.fail(ReasonTimeout, rand)
		if err != nil {
			return p, Output{}, err
		}
		return next, out, next.failure
	default:
		p.exposures = kept
	}
	return p, Output{}, nil
}

// Handshake is the finished handshake, for a session to be made of it. Error: ErrPhase
// before PhaseDone.
func (p Pairing) Handshake() (noise.Handshake, error) {
	if p.phase != PhaseDone {
		return noise.Handshake{}, ErrPhase
	}
	return p.handshake, nil
}
