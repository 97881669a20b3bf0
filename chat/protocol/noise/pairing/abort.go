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

// Senders of an abort: a device does not accept its own that somebody sends back to it.
const (
	fromDisplayer byte = iota + 1
	fromScanner
)

// abort is the key and nametag of the abort messages between the two devices that know one
// message 1.
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
func (a abort) seal(displayer bool, r Reason, rand io.Reader) ([]byte, error) {
	return noise.SealChaChaPoly(a.key, a.tag, []byte{abortVersion, sender(displayer), byte(r)}, rand)
}

// open reads the other side's. Error: ErrIgnored.
func (a abort) open(displayer bool, payload []byte) (Reason, error) {
	b, err := noise.OpenChaChaPoly(a.key, a.tag, payload)
	if err != nil || len(b) != abortSize || b[0] != abortVersion || b[1] != sender(!displayer) || reasons[Reason(b[2])] == nil {
		return 0, ErrIgnored
	}
	return Reason(b[2]), nil
}

func sender(displayer bool) byte {
	if displayer {
		return fromDisplayer
	}
	return fromScanner
}

// fail ends the pairing and tells the other side, if there is one.
func (p Pairing) fail(r Reason, rand io.Reader) (Pairing, Output, error) {
	var out Output
	if p.phase != PhaseShown {
		payload, err := p.abort.seal(p.displayer, r, rand)
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
