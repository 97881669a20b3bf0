package pairing

import (
	"io"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// Labels of what is exported from the handshake after message 1.
const (
	abortLabel    = "status1to1-pairing-abort/1"
	abortTagLabel = "status1to1-pairing-abort-tag/1"
	abortVersion  = 1
	abortSize     = 3 // version, sender, reason
)

// Senders of an abort, so that nobody's own is sent back to them.
const (
	fromShower byte = iota + 1
	fromScanner
)

// abort is what the two sides of one message 1 give up with.
type abort struct {
	key key.Secret
	tag noise.Nametag
}

// newAbort takes a handshake that is just past message 1.
func newAbort(h noise.Handshake) (abort, error) {
	secret, err := h.Export(abortLabel)
	if err != nil {
		return abort{}, err
	}
	tag, err := h.Export(abortTagLabel)
	if err != nil {
		return abort{}, err
	}
	return abort{secret, noise.Nametag(tag[:noise.NametagSize])}, nil
}

// seal makes the payload. It draws 12 bytes of rand.
func (a abort) seal(shower bool, r Reason, rand io.Reader) ([]byte, error) {
	return noise.SealChaChaPoly(a.key, a.tag, []byte{abortVersion, sender(shower), byte(r)}, rand)
}

// open reads the other side's. Error: ErrIgnored.
func (a abort) open(shower bool, payload []byte) (Reason, error) {
	b, err := noise.OpenChaChaPoly(a.key, a.tag, payload)
	if err != nil || len(b) != abortSize || b[0] != abortVersion || b[1] != sender(!shower) || reasons[Reason(b[2])] == nil {
		return 0, ErrIgnored
	}
	return Reason(b[2]), nil
}

func sender(shower bool) byte {
	if shower {
		return fromShower
	}
	return fromScanner
}

// fail ends the pairing and tells the other side, if there is one.
func (p Pairing) fail(r Reason, rand io.Reader) (Pairing, Output, error) {
	var out Output
	if p.phase != PhaseShown {
		payload, err := p.abort.seal(p.shower, r, rand)
		if err != nil {
			return p, Output{}, err
		}
		out.Send = [][]byte{payload}
	}
	return p.failed(Failure{Reason: r}), out, nil
}

// failed erases what is not needed to refuse others.
func (p Pairing) failed(f Failure) Pairing {
	p.phase, p.failure = PhaseFailed, f
	p.handshake, p.held, p.peer = noise.Handshake{}, nil, nil
	p.random, p.nonces = [randomSize]byte{}, nonces{}
	return p
}
