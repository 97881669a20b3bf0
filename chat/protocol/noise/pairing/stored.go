package pairing

import (
	"slices"

	"libstatus1to1/chat/protocol/noise"
)

// storedVersion is the version of a stored pairing. Numbers are big-endian, times in
// nanoseconds since 1970; all of it is secret.
const (
	storedVersion = 2
	// storedWithoutNonces is the version that knew 43's authcode only.
	storedWithoutNonces = 1
)

// Marshal is the pairing for storing: secret bytes.
func (p Pairing) Marshal() []byte {
	b := []byte{storedVersion, byte(p.phase), byte(p.failure.Reason), byte(p.refusals)}
	for _, flag := range []bool{p.pattern == noise.WakuPairing2, p.displayer, p.failure.Remote} {
		b = noise.AppendFlag(b, flag)
	}
	b = append(b, p.config.Static.Bytes()...)
	for _, part := range []string{p.config.Scope.Application, p.config.Scope.Version, p.config.Scope.Shard} {
		b = noise.AppendBytes(b, []byte(part))
	}
	b = noise.AppendBytes(b, p.config.Certificate)
	b = append(b, p.random[:]...)
	b = append(b, p.abort.key[:]...)
	b = append(b, p.abort.tag[:]...)
	b = append(b, p.committed[:]...)
	b = noise.AppendTime(b, p.deadline)
	b = noise.AppendBytes(b, p.held)
	b = noise.AppendBytes(b, p.peer)
	b = p.nonces.append(noise.AppendFlag(b, p.config.Nonces))
	b = append(b, byte(len(p.exposures)))
	for _, e := range p.exposures {
		b = append(b, e.ephemeral.Bytes()...)
		b = append(b, e.invitation.QR.Commitment[:]...)
		b = append(b, e.invitation.Nametag[:]...)
		b = append(b, e.invitation.QR.Nonce[:]...)
		b = noise.AppendTime(noise.AppendTime(b, e.expires), e.forget)
		b = noise.AppendFlag(b, e.used)
	}
	if p.phase == PhaseFailed {
		return b
	}
	return append(b, p.handshake.Marshal()...)
}

// Unmarshal reads what Marshal wrote. Error: ErrStored.
func Unmarshal(stored []byte) (Pairing, error) {
	r := noise.NewReader(stored)
	version := r.Byte()
	if version != storedVersion && version != storedWithoutNonces {
		return Pairing{}, ErrStored
	}
	p := Pairing{pattern: noise.WakuPairing, phase: Phase(r.Byte()), failure: Failure{Reason: Reason(r.Byte())}, refusals: int(r.Byte())}
	if r.Flag() {
		p.pattern = noise.WakuPairing2
	}
	p.displayer, p.failure.Remote = r.Flag(), r.Flag()
	p.config.Static = r.Key()
	for _, part := range []*string{&p.config.Scope.Application, &p.config.Scope.Version, &p.config.Scope.Shard} {
		*part = string(r.Bytes())
	}
	p.config.Certificate = r.Bytes()
	copy(p.random[:], r.Take(len(p.random)))
	copy(p.abort.key[:], r.Take(len(p.abort.key)))
	copy(p.abort.tag[:], r.Take(len(p.abort.tag)))
	copy(p.committed[:], r.Take(len(p.committed)))
	p.deadline, p.held, p.peer = r.Time(), r.Bytes(), r.Bytes()
	if version != storedWithoutNonces {
		p.config.Nonces = r.Flag()
		p.nonces.read(&r)
	}
	for range r.Byte() {
		p.exposures = append(p.exposures, p.exposure(&r, version))
		if r.Failed() {
			return Pairing{}, ErrStored
		}
	}
	if r.Failed() || len(p.exposures) > maxExposures || p.refusals > MaxRefusals || p.config.check() != nil {
		return Pairing{}, ErrStored
	}
	return p.withHandshake(r)
}

// append writes the nonces, read reads them.
func (n nonces) append(to []byte) []byte {
	return noise.AppendBytes(slices.Concat(to, n.own[:], n.peer[:], n.committed[:]), n.opening)
}

func (n *nonces) read(r *noise.Reader) {
	for _, b := range [][]byte{n.own[:], n.peer[:], n.committed[:]} {
		copy(b, r.Take(len(b)))
	}
	n.opening = r.Bytes()
}

// withHandshake reads the rest and checks that phase, handshake and failure fit.
func (p Pairing) withHandshake(r noise.Reader) (Pairing, error) {
	if p.phase == PhaseFailed {
		if !r.Done() || reasons[p.failure.Reason] == nil {
			return Pairing{}, ErrStored
		}
		return p, nil
	}
	h, err := noise.UnmarshalHandshake(r.Rest())
	if err != nil || h.Pattern().Name() != p.pattern || h.Initiator() == p.asks() || p.failure != (Failure{}) {
		return Pairing{}, ErrStored
	}
	p.handshake = h
	fits := false
	switch p.phase {
	case PhaseShown:
		fits = p.displayer && h.Step() == 0 && len(p.exposures) > 0
	case PhaseAnswer:
		fits = !p.displayer && h.Step() == 1 && p.nonces.used()
	case PhaseConfirm, PhaseWait:
		fits = h.Step() > 0 && h.Turn() != noise.TurnOver
	case PhaseDone:
		fits = h.Turn() == noise.TurnOver
	}
	if !fits {
		return Pairing{}, ErrStored
	}
	return p, nil
}

// exposure reads what Marshal wrote of one.
func (p Pairing) exposure(r *noise.Reader, version byte) exposure {
	e := exposure{ephemeral: r.Key()}
	e.invitation.Pattern = p.pattern
	e.invitation.QR = QR{Scope: p.config.Scope, Ephemeral: e.ephemeral.Public()}
	copy(e.invitation.QR.Commitment[:], r.Take(len(e.invitation.QR.Commitment)))
	copy(e.invitation.Nametag[:], r.Take(noise.NametagSize))
	if version != storedWithoutNonces {
		copy(e.invitation.QR.Nonce[:], r.Take(len(e.invitation.QR.Nonce)))
	}
	e.expires, e.forget, e.used = r.Time(), r.Time(), r.Flag()
	return e
}
