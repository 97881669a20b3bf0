package chat

import (
	"bytes"
	"errors"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// What the loop does for pairings: it gives them the payloads of their topic, minds their
// times, and repeats what was not answered.

// onPairingTopic gives a payload to the pairings on its topic, until one knows it. For
// those that do not it changes nothing.
func (p *noisePass) onPairingTopic(e Envelope) error {
	for _, entry := range p.all() {
		if entry.proto == nil || entry.proto.Topic() != e.ContentTopic {
			continue
		}
		next, out, err := entry.proto.Receive(e.Payload, p.now, p.c.rand)
		var failure pairing.Failure
		switch {
		case errors.Is(err, pairing.ErrIgnored) && len(out.Send) == 0:
			continue
		case err != nil && !errors.As(err, &failure) && !refusal(err):
			return err // no randomness
		case err == nil && bytes.Equal(next.Marshal(), entry.proto.Marshal()):
			p.again(entry, out)
			return nil
		}
		p.apply(entry, next, out, err)
		return nil
	}
	return dropped("pairing")
}

// refusal reports whether an error is about a scanner that was refused.
func refusal(err error) bool {
	for _, known := range []error{pairing.ErrSecondScanner, pairing.ErrExpired, pairing.ErrUsed, pairing.ErrIgnored} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// again repeats what the other side seems not to have had, but not faster than it is
// sent by itself.
func (p *noisePass) again(e *pairingEntry, out pairing.Output) {
	if len(out.Send) == 0 || p.now.Sub(e.repeated) < repeatPause {
		return
	}
	e.repeated = p.now
	p.publish(e.proto.Topic(), out.Send...)
	p.note(e)
}

// apply takes the next value of a pairing and does what follows from it.
func (p *noisePass) apply(e *pairingEntry, next pairing.Pairing, out pairing.Output, err error) {
	before, topic := e.proto.Phase(), next.Topic()
	e.proto = &next
	switch phase := next.Phase(); {
	case phase == before && out.Renewed:
		p.emitInvitation(e, true)
	case phase == before && err != nil && !errors.Is(err, pairing.ErrIgnored):
		if len(out.Send) > 0 { // bounded by pairing.MaxRefusals
			p.emit(event.PairingScannerRefused{PairingID: e.id.String(), Cause: string(pairingCode(err))})
		}
	case phase == before:
	case phase == pairing.PhaseConfirm:
		e.state = pairingCompare
		p.emitAuthcode(e)
	case phase == pairing.PhaseWait:
		e.state = pairingConfirmed
	case phase == pairing.PhaseDone:
		out.Send = p.paired(e, out.Send)
	case phase == pairing.PhaseFailed:
		f, _ := next.Failure()
		if len(out.Send) > 0 {
			e.farewell = out.Send[len(out.Send)-1]
		}
		p.fail(e, pairingCode(f), f.Remote)
	}
	if e.state != pairingPaired { // else the session has its own times
		e.said, e.next = 0, p.now.Add(pairingResend)
	}
	p.publish(topic, out.Send...)
	p.keep(e)
}

// pairingCodes are the codes of what a pairing fails with.
var pairingCodes = map[error]Code{
	pairing.ErrRejected: CodePairingRejected, pairing.ErrCancelled: CodePairingCancelled, pairing.ErrExpired: CodePairingExpired,
	pairing.ErrUsed: CodePairingUsed, pairing.ErrSecondScanner: CodePairingScanned, pairing.ErrCommitment: CodePairingCommitment,
	pairing.ErrCertificate: CodePairingUncertain, pairing.ErrTimeout: CodePairingTimeout,
}

func pairingCode(err error) Code {
	for known, code := range pairingCodes {
		if errors.Is(err, known) {
			return code
		}
	}
	return CodeInternal
}

// fail ends a pairing that did not come about, or whose other side failed after all.
func (p *noisePass) fail(e *pairingEntry, cause Code, remote bool) {
	e.state, e.cause, e.remote, e.endedAt = pairingFailed, cause, remote, p.now
	p.retire(e)
	p.emit(event.PairingFailed{PairingID: e.id.String(), Cause: string(cause), By: by(remote)})
	p.keep(e)
}

// paired makes the session of a pairing that is done, if the other device has a
// certificate that is good. It gives what is to be published after all.
func (p *noisePass) paired(e *pairingEntry, send [][]byte) [][]byte {
	s, gone, err := p.establish(*e.proto)
	if err != nil {
		p.c.log.Log("info", "a pairing is refused", "error", err.Error())
		e.proto = nil
		p.fail(e, CodePairingUncertain, false)
		return nil
	}
	for _, id := range gone { // too many with this device: the oldest end
		for _, old := range p.all() {
			if old.session == id {
				p.end(old, false, CodePairingEnded)
			}
		}
		p.sessions[id] = true
	}
	e.session, e.peer = s.ID(), s.Peer()
	e.state, e.pairedAt = pairingPaired, p.now
	p.sessions[s.ID()] = true
	p.emit(event.PairingPaired{Pairing: p.describe(e)})
	return send
}

// establish makes a session of a finished handshake. Who the other side is its
// certificate says: that it is the device in front of the user, the authcode has shown.
func (p *noisePass) establish(proto pairing.Pairing) (noisesession.Session, []noisesession.ID, error) {
	_, raw, err := proto.Peer()
	if err != nil {
		return noisesession.Session{}, nil, err
	}
	certificate, err := noise.ParseCertificate(raw)
	if err != nil {
		return noisesession.Session{}, nil, err
	}
	handshake, err := proto.Handshake()
	if err != nil {
		return noisesession.Session{}, nil, err
	}
	s, err := noisesession.Establish(noisesession.Config{
		Handshake: handshake, Certificate: raw, Identity: certificate.Identity, Scope: noise.DefaultScope,
	}, p.now)
	if err != nil {
		return s, nil, err
	}
	set, gone, err := p.set.Add(s, p.now)
	if err != nil {
		return s, nil, err
	}
	p.set = set
	return s, gone, nil
}

// keepDone is how long after it is done, or has failed, a pairing answers a message that
// is repeated.
const keepDone = pairing.Timeout + pairing.RefusalTime

// tick does what is due by the clock.
func (p *noisePass) tick() {
	for _, e := range p.all() {
		if e.proto == nil || p.now.Before(e.wake()) {
			continue
		}
		switch {
		case e.underway() && !e.proto.Nonces(): // an older version began it
			next, out, err := e.proto.Cancel(p.c.rand)
			if err != nil {
				continue // no randomness
			}
			p.apply(e, next, out, nil)
		case e.state == pairingShown && p.now.Sub(e.createdAt) >= maxShown:
			next, _, err := e.proto.Cancel(p.c.rand)
			if err != nil {
				continue // not at this phase
			}
			e.proto = &next
			p.fail(e, CodePairingTimeout, false)
		case e.proto.Wake().IsZero():
			e.proto = nil
			p.keep(e)
		default:
			next, out, err := e.proto.Tick(p.now, p.c.rand)
			var failure pairing.Failure
			if err != nil && !errors.As(err, &failure) {
				continue // no randomness
			}
			p.apply(e, next, out, err)
		}
	}
}

// wake is when tick has something to do for a pairing whose protocol state is there.
func (e *pairingEntry) wake() time.Time {
	if e.underway() && !e.proto.Nonces() {
		return e.createdAt
	}
	if at := e.proto.Wake(); !at.IsZero() {
		return at
	}
	if e.over() {
		return e.endedAt.Add(keepDone)
	}
	return e.pairedAt.Add(keepDone)
}

// resend repeats what was not answered, and that a pairing failed.
func (p *noisePass) resend() {
	for _, e := range p.all() {
		if e.next.IsZero() || p.now.Before(e.next) || e.state == pairingPaired || e.state == pairingEnded {
			continue
		}
		var send [][]byte
		switch {
		case e.underway():
			send = e.proto.Resend().Send
			e.next = p.now.Add(doubled(pairingResend, e.said, pairingResendMax))
		case e.said < farewells && e.farewell != nil && e.proto != nil:
			send = [][]byte{e.farewell}
			e.next = p.now.Add(doubled(pairingResend, e.said, pairingResendMax))
		default:
			e.next = time.Time{}
		}
		e.said++
		if len(send) > 0 {
			p.publish(e.proto.Topic(), send...)
		}
		p.note(e)
	}
}
