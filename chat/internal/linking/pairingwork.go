package linking

import (
	"bytes"
	"errors"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// onPairingTopic gives a payload to the pairings on its topic until one recognizes it.
// Those that do not are as before.
// Spec: 43/WAKU2-DEVICE-PAIRING, "Protocol Flow".
func (st *step) onPairingTopic(envelope port.Envelope) error {
	for _, e := range st.all() {
		if e.proto == nil || e.proto.Topic() != envelope.ContentTopic {
			continue
		}
		next, out, err := e.proto.Receive(envelope.Payload, st.now, st.l.host.Rand)
		var failure pairing.Failure
		switch {
		case errors.Is(err, pairing.ErrIgnored) && len(out.Send) == 0:
			continue
		case err != nil && !errors.As(err, &failure) && !refusedScanner(err):
			return err // no randomness
		case err == nil && bytes.Equal(next.Marshal(), e.proto.Marshal()):
			st.answerRepeated(e, out)
			return nil
		}
		st.apply(e, next, out, err)
		return nil
	}
	return dropped("pairing")
}

// refusedScanner reports whether an error is about a scanner that was refused; the pairing
// goes on, or stays over.
func refusedScanner(err error) bool {
	for _, known := range []error{pairing.ErrSecondScanner, pairing.ErrExpired, pairing.ErrUsed, pairing.ErrIgnored} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// answerRepeated sends the answer to a repeated message again, at most once a repeatPause:
// the other side has probably missed it.
func (st *step) answerRepeated(e *pairingEntry, out pairing.Output) {
	if len(out.Send) == 0 || st.now.Sub(e.repeatedAt) < repeatPause {
		return
	}
	e.repeatedAt = st.now
	st.publish(e.proto.Topic(), out.Send...)
	st.note(e)
}

// apply puts the next value of the protocol into a pairing and does what follows from its
// phase. out is to be published also with an error; err is a Failure or about a scanner
// that was refused.
func (st *step) apply(e *pairingEntry, next pairing.Pairing, out pairing.Output, err error) {
	before, topic := e.proto.Phase(), next.Topic()
	e.proto = &next
	switch phase := next.Phase(); {
	case phase == before && out.Renewed:
		st.emitInvitation(e, true)
	case phase == before && err != nil && !errors.Is(err, pairing.ErrIgnored):
		if len(out.Send) > 0 { // bounded by pairing.MaxRefusals
			st.emit(event.PairingScannerRefused{PairingID: e.id.String(), Cause: pairingCode(err)})
		}
	case phase == before:
	case phase == pairing.PhaseConfirm && e.become(Compare):
		st.emitAuthcode(e)
	case phase == pairing.PhaseWait && e.become(Confirmed):
	case phase == pairing.PhaseDone && e.state.mayBecome(Paired):
		out.Send = st.paired(e, out.Send)
	case phase == pairing.PhaseFailed:
		f, _ := next.Failure()
		if len(out.Send) > 0 {
			e.abort = out.Send[len(out.Send)-1]
		}
		st.fail(e, pairingCode(f), f.Remote)
	}
	if e.state != Paired { // a session has timers of its own
		e.tries, e.nextSend = 0, st.now.Add(pairingResend)
	}
	st.publish(topic, out.Send...)
	st.keep(e)
}

// pairingCodes are the codes of the errors a pairing fails with.
var pairingCodes = map[error]port.Code{
	pairing.ErrRejected: port.CodePairingRejected, pairing.ErrCancelled: port.CodePairingCancelled,
	pairing.ErrExpired: port.CodePairingExpired, pairing.ErrUsed: port.CodePairingUsed,
	pairing.ErrSecondScanner: port.CodePairingScanned, pairing.ErrCommitment: port.CodePairingCommitment,
	pairing.ErrCertificate: port.CodePairingUncertain, pairing.ErrTimeout: port.CodePairingTimeout,
}

func pairingCode(err error) port.Code {
	for known, code := range pairingCodes {
		if errors.Is(err, known) {
			return code
		}
	}
	return port.CodeInternal
}

// fail ends a pairing that did not come about, or whose other side refused it after all.
// One that is over already stays as it is.
func (st *step) fail(e *pairingEntry, cause port.Code, remote bool) {
	if !e.become(Failed) {
		return
	}
	e.cause, e.remote, e.endedAt = cause, remote, st.now
	st.retire(e)
	st.emit(event.PairingFailed{PairingID: e.id.String(), Cause: cause, By: by(remote)})
	st.keep(e)
}

// paired makes the session of a pairing whose protocol is done, if the certificate of the
// other device is valid; otherwise the pairing fails. send are the payloads of the
// protocol; the result are those to be published: none after a failure, so that the other
// device does not take us for paired.
func (st *step) paired(e *pairingEntry, send [][]byte) [][]byte {
	s, provisional, removed, err := st.establish(*e.proto)
	if err != nil {
		st.l.host.Log.Log("info", "a pairing is refused", "error", err.Error())
		e.proto = nil
		st.fail(e, port.CodePairingUncertain, false)
		return nil
	}
	for _, id := range removed { // the set keeps a few sessions a device: the oldest end
		for _, old := range st.all() {
			if old.session == id {
				st.end(old, false, port.CodePairingEnded)
			}
		}
		st.writeSessions[id] = true
	}
	e.become(Paired)
	e.session, e.peer, e.pairedAt, e.provisional = s.ID(), s.Peer(), st.now, provisional
	st.writeSessions[s.ID()] = true
	st.emit(event.PairingPaired{Pairing: st.describe(e)})
	return send
}

// establish makes a session of a finished handshake and adds it to the set, which may
// remove others with the same device. The certificate says whose device it is; that it is
// the one in front of the user, the authcode has shown. provisional: the device has no
// identity yet.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Session states".
func (st *step) establish(proto pairing.Pairing) (s noisesession.Session, provisional bool, removed []noisesession.ID, err error) {
	_, raw, err := proto.Peer()
	if err != nil {
		return noisesession.Session{}, false, nil, err
	}
	certificate, err := noise.ParseCertificate(raw)
	if err != nil {
		return noisesession.Session{}, false, nil, err
	}
	handshake, err := proto.Handshake()
	if err != nil {
		return noisesession.Session{}, false, nil, err
	}
	s, err = noisesession.Establish(noisesession.Config{
		Handshake: handshake, Certificate: raw, Identity: certificate.Identity, Scope: noise.DefaultScope,
		Provisional: true,
	}, st.now)
	if err != nil {
		return noisesession.Session{}, false, nil, err
	}
	set, removed, err := st.sessions.Add(s, st.now)
	if err != nil {
		return noisesession.Session{}, false, nil, err
	}
	st.sessions = set
	return s, certificate.Provisional, removed, nil
}

// tick does what the protocol of each pairing has to do at this time: renew an invitation,
// give up at a deadline, forget keys.
func (st *step) tick() {
	for _, e := range st.all() {
		if e.proto == nil || st.now.Before(e.wake()) {
			continue
		}
		switch {
		case e.outdated():
			next, out, err := e.proto.Cancel(st.l.host.Rand)
			if err != nil {
				continue // no randomness
			}
			st.apply(e, next, out, nil)
		case e.state == Shown && st.now.Sub(e.createdAt) >= maxShown:
			next, _, err := e.proto.Cancel(st.l.host.Rand)
			if err != nil {
				continue // no randomness
			}
			e.proto = &next
			st.fail(e, port.CodePairingTimeout, false)
		case e.proto.Wake().IsZero():
			e.proto = nil
			st.keep(e)
		default:
			next, out, err := e.proto.Tick(st.now, st.l.host.Rand)
			var failure pairing.Failure
			if err != nil && !errors.As(err, &failure) {
				continue // no randomness
			}
			st.apply(e, next, out, err)
		}
	}
}

// outdated reports whether a pairing under way was begun by a version of the library whose
// authcode could be searched for.
func (e *pairingEntry) outdated() bool { return e.state.underway() && !e.proto.Nonces() }

// wake returns the time when tick has something to do for a pairing that still has its
// protocol.
func (e *pairingEntry) wake() time.Time {
	if e.outdated() {
		return e.createdAt
	}
	if at := e.proto.Wake(); !at.IsZero() {
		return at
	}
	if e.state.over() {
		return e.endedAt.Add(keepFinished)
	}
	return e.pairedAt.Add(keepFinished)
}

// resend repeats what was not answered, and for a while the abort of what failed.
func (st *step) resend() {
	for _, e := range st.all() {
		if e.nextSend.IsZero() || st.now.Before(e.nextSend) || e.state == Paired || e.state == Ended {
			continue
		}
		var send [][]byte
		switch {
		case e.state.underway():
			send = e.proto.Resend().Send
			e.nextSend = st.now.Add(doubled(pairingResend, e.tries, pairingResendMax))
		case e.repeatsAbort(st.now):
			send = [][]byte{e.abort}
			e.nextSend = st.now.Add(doubled(pairingResend, e.tries, pairingResendMax))
		default:
			e.nextSend = time.Time{}
		}
		e.tries++
		if len(send) > 0 {
			st.publish(e.proto.Topic(), send...)
		}
		st.note(e)
	}
}

// repeatsAbort reports whether the abort of a failed pairing is to be sent once more. After
// pairing.Timeout the other side has run into its own deadline.
func (e *pairingEntry) repeatsAbort(now time.Time) bool {
	return e.abort != nil && e.proto != nil && e.tries < abortRepeats && now.Sub(e.endedAt) < pairing.Timeout
}
