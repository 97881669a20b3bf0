package chat

import (
	"crypto/sha256"
	"errors"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// The sessions that pairings make (37/WAKU2-NOISE-SESSIONS). What is sealed is stored with
// the session's next value before it is published. What is lost is not sealed again under
// its nonce: the latest payload is repeated byte for byte, and what the other side lacks
// goes out in new messages, of which it never has more than its window ahead.

// onSessionTopic opens a payload of a session's topic. Until it has authenticated nothing
// changes.
func (p *noisePass) onSessionTopic(envelope Envelope) error {
	s, err := p.set.ByTopic(envelope.ContentTopic)
	if err != nil {
		return dropped("topic")
	}
	e := p.bySession(s.ID())
	if e == nil {
		return dropped("session")
	}
	digest := sha256.Sum256(envelope.Payload)
	next, m, err := s.Open(envelope.Payload, p.now)
	if err != nil {
		if digest == e.heard {
			e.proven = true
			p.heardAgain(e)
			p.note(e)
			return dropped("duplicate")
		}
		if p.now.Sub(e.repeated) >= unknownPause { // perhaps they are at an older state
			p.repeat(e)
		}
		return dropped("noise")
	}
	if next.Received() > s.Received() {
		e.heard = digest
	}
	p.putSession(next)
	p.keep(e)
	e.fresh, e.proven, e.said = true, true, 0
	if e.state != pairingPaired {
		if !e.remote { // they do not know yet that it is over
			p.repeat(e)
		}
		return nil
	}
	e.next = p.now.Add(p.patience(e))
	switch m.Kind {
	case noisesession.Termination:
		p.end(e, true, CodePairingEnded)
	case noisesession.Data:
		return p.letter(e, next, m.Text)
	default:
		return dropped("unsupported")
	}
	return nil
}

// bySession is the pairing a session came of, nil if there is none.
func (p *noisePass) bySession(id noisesession.ID) *pairingEntry {
	for _, e := range p.all() {
		if e.session == id {
			return e
		}
	}
	return nil
}

// letter reads what a message of the other device says.
func (p *noisePass) letter(e *pairingEntry, s noisesession.Session, text []byte) error {
	l, err := pairing.ParseMessage(text)
	if err != nil {
		return dropped("transfer")
	}
	if l.Received > s.Sent() {
		// They have had more of us than we know to have sent: our store is an older copy,
		// and what we sealed since may have been sealed before. This session must end.
		p.c.log.Log("error", "a session was put back to an older state; it ends")
		p.end(e, false, CodePairingEnded)
		return nil
	}
	e.confirmed = max(e.confirmed, l.Received)
	if len(l.Frame) == 0 {
		return nil
	}
	f, err := pairing.ParseFrame(l.Frame)
	if err != nil {
		return dropped("transfer")
	}
	return p.frame(e, f)
}

// ahead is how many of our messages the other side has not said to have.
func (p *noisePass) ahead(e *pairingEntry) uint64 {
	s, err := p.set.Get(e.session)
	if err != nil {
		return answersAhead
	}
	return s.Sent() - min(e.confirmed, s.Sent())
}

// maySeal reports whether it is safe to seal. Nonces are numbers that rise: if our store
// was put back to an older copy, they would be used twice. So after a restart the other
// side is heard first. It says how many of our messages it has, or, with nothing new to
// say, repeats the latest we have of it.
func (p *noisePass) maySeal(e *pairingEntry) bool {
	s, err := p.set.Get(e.session)
	return err == nil && (e.proven || s.Sent() == 0)
}

// seal puts a frame into the session of a pairing.
func (p *noisePass) seal(e *pairingEntry, frame []byte) error {
	s, err := p.set.Get(e.session)
	if err != nil {
		return err
	}
	next, payload, err := s.Seal(pairing.Message{Received: s.Received(), Frame: frame}.Bytes())
	if err != nil {
		return err
	}
	p.sealed(e, next, payload)
	e.next = p.now.Add(p.patience(e))
	return nil
}

// sealed takes the session's next value and publishes the payload.
func (p *noisePass) sealed(e *pairingEntry, next noisesession.Session, payload []byte) {
	p.putSession(next)
	e.latest, e.latestChanged, e.fresh = payload, true, false
	p.publish(next.Topic(), payload)
	p.keep(e)
}

// heardAgain answers the other side's latest message that comes once more: they have not
// heard us. What we have not told them yet goes out anew.
func (p *noisePass) heardAgain(e *pairingEntry) {
	if e.state != pairingPaired || !e.fresh || p.ahead(e) >= answersAhead {
		p.repeat(e)
		return
	}
	if err := p.seal(e, nil); err != nil {
		p.c.log.Log("warn", "an answer was not sealed", "error", err.Error())
	}
}

// repeat publishes what we sealed last once more, for who has not heard it.
func (p *noisePass) repeat(e *pairingEntry) {
	if e.latest == nil || p.now.Sub(e.repeated) < repeatPause {
		return
	}
	s, err := p.set.Get(e.session)
	if err != nil {
		return
	}
	e.repeated = p.now
	p.publish(s.Topic(), e.latest)
	p.note(e)
}

// patience is how long a running transfer may be silent; it grows.
func (p *noisePass) patience(e *pairingEntry) time.Duration {
	base := receiverPatience
	for _, t := range p.transfersOf(e.id) {
		if t.running() && t.name.outgoing {
			base = senderPatience
		}
	}
	return doubled(base, e.said, patienceMax)
}

// terminate ends a paired device's session from inside and tells it.
func (p *noisePass) terminate(e *pairingEntry, cause Code) {
	if s, err := p.set.Get(e.session); err == nil {
		if next, payload, err := s.Terminate(p.now); err == nil {
			p.sealed(e, next, payload)
		} else if !errors.Is(err, noisesession.ErrNotActive) {
			p.c.log.Log("warn", "a session was not terminated", "error", err.Error())
		}
	}
	p.end(e, false, cause)
}

// expire ends the sessions with devices whose certificate has run out.
func (p *noisePass) expire() {
	for _, e := range p.all() {
		if s, err := p.set.Get(e.session); err == nil && e.state == pairingPaired && s.Expired(p.now) {
			p.terminate(e, CodePairingOutdated)
		}
	}
}

// end notes that two devices are no longer paired, and why.
func (p *noisePass) end(e *pairingEntry, remote bool, cause Code) {
	if e.state != pairingPaired {
		return
	}
	e.state, e.cause, e.remote, e.endedAt, e.next = pairingEnded, cause, remote, p.now, time.Time{}
	p.retire(e)
	p.emit(event.PairingEnded{PairingID: e.id.String(), By: by(remote), Cause: string(cause)})
	p.keep(e)
}

// retire makes the session of a pairing stale and ends its transfers.
func (p *noisePass) retire(e *pairingEntry) {
	if e.session.IsZero() {
		return
	}
	if s, err := p.set.Get(e.session); err == nil {
		p.putSession(s.Retire(p.now))
	}
	for _, t := range p.transfersOf(e.id) {
		if t.running() {
			p.failTransfer(t, CodePairingEnded, e.remote)
		}
	}
}
