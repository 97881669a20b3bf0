package pairing

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/noise"
)

// Receive handles a payload from Topic. One that is not for this pairing, forged or damaged
// is ErrIgnored and changes nothing. A Failure ends the pairing; ErrSecondScanner,
// ErrExpired and ErrUsed alone do not: they report a scanner that was refused. Also with an
// error the output is to be published and the returned pairing to be kept. rand is for an
// abort.
func (p Pairing) Receive(payload []byte, now time.Time, rand io.Reader) (Pairing, Output, error) {
	if p.phase != PhaseShown && p.phase != PhaseFailed {
		if r, err := p.abort.open(p.displayer, payload); err == nil {
			f := Failure{Reason: r, Remote: true}
			return p.failed(f), Output{}, f
		}
		if again, known := p.repeated(payload); known {
			return p, again, nil
		}
	}
	switch {
	case p.phase == PhaseShown && now.Before(p.exposures[0].expires):
		if next, out, err := p.scanned(payload, now, rand); err == nil {
			return next, out, nil
		}
	case p.phase == PhaseAnswer:
		if next, out, err := p.answered(payload, now, rand); !errors.Is(err, ErrIgnored) {
			return next, out, err
		}
	case p.phase == PhaseConfirm, p.phase == PhaseWait:
		h, plaintext, err := p.handshake.Read(payload)
		switch {
		case err == nil && p.phase == PhaseWait:
			return p.opened(h, plaintext, now, rand)
		case err == nil: // our user has not answered: Confirm reads it again
			p.held = slices.Clone(payload)
			return p, Output{}, nil
		}
	}
	return p.refuse(payload, now, rand)
}

// scanned handles message 1 at the displayer, which with nonces answers by opening its own.
func (p Pairing) scanned(payload []byte, now time.Time, rand io.Reader) (Pairing, Output, error) {
	h, plaintext, err := p.handshake.Read(payload)
	if err != nil {
		return p, Output{}, err
	}
	if p, err = p.introduced(plaintext); err != nil {
		return p, Output{}, err
	}
	if p.abort, err = newAbort(h); err != nil {
		return p, Output{}, err
	}
	var out Output
	if p.nonces.used() {
		if p.nonces.opening, err = openNonce(h, p.nonces.own, rand); err != nil {
			return p, Output{}, err
		}
		out.Send = [][]byte{p.nonces.opening}
	}
	p.handshake = h
	p.exposures = slices.Clone(p.exposures)
	p.exposures[0].used = true
	p.exposures[0].forget = now.Add(Timeout + RefusalTime)
	p.phase, p.deadline = PhaseConfirm, now.Add(Timeout)
	return p, out, nil
}

// answered handles the displayer's nonce at the scanner. Message 2, if it has overtaken the
// nonce, is kept until the user has confirmed.
func (p Pairing) answered(payload []byte, now time.Time, rand io.Reader) (Pairing, Output, error) {
	n, matches, err := p.readNonce(payload)
	switch {
	case err == nil && !matches:
		next, out, err := p.fail(ReasonCommitment, rand)
		if err != nil {
			return p, Output{}, err
		}
		return next, out, next.failure
	case err == nil:
		next := p.met(n, payload)
		next.deadline = now.Add(Timeout)
		return next, Output{}, nil
	}
	if _, _, err := p.handshake.Read(payload); err != nil {
		return p, Output{}, ErrIgnored
	}
	p.held = slices.Clone(payload)
	return p, Output{}, nil
}

// repeated reports whether a message is known already. If it is the peer's latest and was
// answered, the answer may have been lost and is in the output again.
func (p Pairing) repeated(payload []byte) (Output, bool) {
	if p.held != nil && bytes.Equal(payload, p.held) || p.nonces.opening != nil && bytes.Equal(payload, p.nonces.opening) {
		return Output{}, true
	}
	last := p.handshake.Step() - 1
	for i := range last + 1 {
		if !bytes.Equal(payload, p.handshake.Message(i)) {
			continue
		}
		var out Output
		if i == 0 && p.displayer && p.nonces.used() {
			out.Send = [][]byte{slices.Clone(p.nonces.opening)}
		}
		if !p.wrote(i) && i == last-1 {
			out.Send = append(out.Send, p.Resend().Send...)
		}
		return out, true
	}
	return Output{}, false
}

// wrote reports whether message i of the handshake is ours.
func (p Pairing) wrote(i int) bool {
	switch i {
	case 0:
		return !p.displayer
	case 1:
		return p.asks()
	default:
		return !p.asks()
	}
}

// asks reports whether this is device B, which asks to be paired and opens its commitment
// first.
func (p Pairing) asks() bool { return p.displayer == (p.pattern == noise.WakuPairing) }

// opened handles the message in which the peer opens its commitment, once our user has
// confirmed. If the peer is the one that asks, it answers with message 3.
func (p Pairing) opened(h noise.Handshake, plaintext []byte, now time.Time, rand io.Reader) (Pairing, Output, error) {
	reason := p.checkPeer(h.RemoteStatic(), plaintext, now)
	if reason != 0 {
		next, out, err := p.fail(reason, rand)
		if err != nil {
			return p, Output{}, err
		}
		return next, out, next.failure
	}
	var out Output
	if !p.asks() {
		next, message, err := h.Write(p.opening())
		if err != nil {
			return p, Output{}, err
		}
		h, out.Send = next, [][]byte{message}
	}
	if len(plaintext) > randomSize {
		p.peer = slices.Clone(plaintext[randomSize:])
	}
	p.handshake, p.held, p.phase = h, nil, PhaseDone
	p.random, p.nonces = [randomSize]byte{}, nonces{}
	return p, out, nil
}

// opening is the payload of our opening message.
func (p Pairing) opening() []byte { return append(p.random[:], p.config.Certificate...) }

// checkPeer returns the reason to refuse the peer's static key, zero to accept it.
func (p Pairing) checkPeer(static noise.PublicKey, plaintext []byte, now time.Time) Reason {
	if len(plaintext) < randomSize {
		return ReasonCommitment
	}
	commitment := commit(static, plaintext[:randomSize])
	if subtle.ConstantTimeCompare(commitment[:], p.committed[:]) != 1 {
		return ReasonCommitment
	}
	if len(plaintext) == randomSize {
		return 0
	}
	c, err := noise.ParseCertificate(plaintext[randomSize:])
	if err != nil || c.VerifyDevice(now) != nil || c.Static != static {
		return ReasonCertificate
	}
	return 0
}

// refuse answers the scanner of a used or expired QR code, and ignores all else.
func (p Pairing) refuse(payload []byte, now time.Time, rand io.Reader) (Pairing, Output, error) {
	for _, e := range p.exposures {
		reason, report := p.refusal(e, now)
		if reason == 0 {
			continue
		}
		h, err := p.begin(e)
		if err != nil {
			return p, Output{}, err
		}
		var commitment []byte
		if h, commitment, err = h.Read(payload); err != nil {
			continue
		}
		if p.phase == PhaseFailed && !p.failure.Remote && bytes.HasPrefix(commitment, p.committed[:]) {
			// The scanner of the pairing that failed: it has missed the abort.
			return p.send(h, p.failure.Reason, ErrIgnored, rand)
		}
		return p.send(h, reason, report, rand)
	}
	return p, Output{}, ErrIgnored
}

// refusal returns the reason to send to the scanner of a QR code, and the error to report;
// zero for a code that is valid, or too old for an answer.
func (p Pairing) refusal(e exposure, now time.Time) (Reason, error) {
	switch {
	case !now.Before(e.forget):
		return 0, nil
	case e.used && (p.phase == PhaseConfirm || p.phase == PhaseWait):
		return ReasonUsed, ErrSecondScanner
	case e.used:
		return ReasonUsed, ErrUsed
	case !now.Before(e.expires):
		return ReasonExpired, ErrExpired
	case p.phase == PhaseFailed:
		return p.failure.Reason, p.failure
	}
	return 0, nil
}

// send makes the abort to a refused scanner, if there were not MaxRefusals already.
func (p Pairing) send(h noise.Handshake, reason Reason, report error, rand io.Reader) (Pairing, Output, error) {
	if p.refusals >= MaxRefusals {
		return p, Output{}, report
	}
	a, err := newAbort(h)
	if err != nil {
		return p, Output{}, err
	}
	payload, err := a.seal(p.displayer, reason, rand)
	if err != nil {
		return p, Output{}, errors.Join(report, err)
	}
	p.refusals++
	return p, Output{Send: [][]byte{payload}}, report
}
