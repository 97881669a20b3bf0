package linking

import (
	"crypto/sha256"
	"errors"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// The sessions of paired devices (37/WAKU2-NOISE-SESSIONS). A sealed payload is stored with
// the session's next value before it is published. What is lost is not sealed again under
// its nonce: the latest payload is repeated byte for byte, and what the peer lacks goes out
// in new messages, of which it never misses more than its window holds.

// onSessionTopic opens a payload of a session's topic. Nothing changes before it has
// authenticated.
func (st *step) onSessionTopic(envelope port.Envelope) error {
	s, err := st.sessions.ByTopic(envelope.ContentTopic)
	if err != nil {
		return dropped("topic")
	}
	e := st.bySession(s.ID())
	if e == nil {
		return dropped("session")
	}
	digest := sha256.Sum256(envelope.Payload)
	next, m, err := s.Open(envelope.Payload, st.now)
	if err != nil {
		return st.onUnopened(e, digest)
	}
	if next.Received() > s.Received() { // not one that was overtaken
		e.peerLatest = digest
	}
	st.putSession(next)
	st.keep(e)
	e.unanswered, e.upToDate, e.tries = true, true, 0
	if e.state != Paired {
		if !e.remote { // the peer still sends, so it has missed that we ended the pairing
			st.repeat(e)
		}
		return nil
	}
	e.nextSend = st.now.Add(st.waitFor(e))
	switch m.Kind {
	case noisesession.Termination:
		st.end(e, true, port.CodePairingEnded)
	case noisesession.Data:
		return st.onMessage(e, next, m.Text)
	default:
		return dropped("unsupported")
	}
	return nil
}

// onUnopened answers a payload that does not open: the peer's latest one again, or
// anything else.
func (st *step) onUnopened(e *pairingEntry, digest [32]byte) error {
	if digest == e.peerLatest {
		e.upToDate = true
		st.onDuplicate(e)
		st.note(e)
		return dropped("duplicate")
	}
	if st.now.Sub(e.repeatedAt) >= unknownPause { // the peer's store may have been put back
		st.repeat(e)
	}
	return dropped("noise")
}

// bySession is the pairing that a session belongs to, nil if there is none.
func (st *step) bySession(id noisesession.ID) *pairingEntry {
	for _, e := range st.all() {
		if e.session == id {
			return e
		}
	}
	return nil
}

// onMessage handles the content of a message of the paired device: how many of our
// messages it has received, and perhaps a frame of a transfer.
func (st *step) onMessage(e *pairingEntry, s noisesession.Session, text []byte) error {
	m, err := pairing.ParseMessage(text)
	if err != nil {
		return dropped("transfer")
	}
	if m.Received > s.Sent() {
		// The peer has received more of us than we know to have sent: our store is an
		// older copy, and what we sealed since may have reused nonces. The session ends.
		st.l.host.Log.Log("error", "a session was put back to an older state; it ends")
		st.end(e, false, port.CodePairingEnded)
		return nil
	}
	e.acknowledged = max(e.acknowledged, m.Received)
	if len(m.Frame) == 0 {
		return nil
	}
	f, err := pairing.ParseFrame(m.Frame)
	if err != nil {
		return dropped("transfer")
	}
	return st.onFrame(e, f)
}

// ahead counts our messages that the peer has not acknowledged.
func (st *step) ahead(e *pairingEntry) uint64 {
	s, err := st.sessions.Get(e.session)
	if err != nil {
		return maxAheadAnswers
	}
	return s.Sent() - min(e.acknowledged, s.Sent())
}

// maySeal reports whether it is safe to seal. Nonces are numbers that rise; if our store
// was put back to an older copy, they would be used twice. So after a restart we wait for
// the peer: it says how many of our messages it has, or repeats its latest one if it has
// nothing new to say.
func (st *step) maySeal(e *pairingEntry) bool {
	s, err := st.sessions.Get(e.session)
	return err == nil && (e.upToDate || s.Sent() == 0)
}

// seal queues a message with a frame of a transfer, or without one if frame is nil.
func (st *step) seal(e *pairingEntry, frame []byte) error {
	s, err := st.sessions.Get(e.session)
	if err != nil {
		return err
	}
	next, payload, err := s.Seal(pairing.Message{Received: s.Received(), Frame: frame}.Bytes())
	if err != nil {
		return err
	}
	st.sealed(e, next, payload)
	e.nextSend = st.now.Add(st.waitFor(e))
	return nil
}

// sealed puts the session's next value into the step and queues its payload.
func (st *step) sealed(e *pairingEntry, next noisesession.Session, payload []byte) {
	st.putSession(next)
	e.ownLatest, e.latestNew, e.unanswered = payload, true, false
	st.publish(next.Topic(), payload)
	st.keep(e)
}

// onDuplicate answers the peer's latest message that comes once more: it has not received
// our answer. What we have to acknowledge goes out in a new message.
func (st *step) onDuplicate(e *pairingEntry) {
	if e.state != Paired || !e.unanswered || st.ahead(e) >= maxAheadAnswers {
		st.repeat(e)
		return
	}
	if err := st.seal(e, nil); err != nil {
		st.l.host.Log.Log("warn", "an answer was not sealed", "error", err.Error())
	}
}

// repeat publishes the payload we sealed last once more, at most once a repeatPause.
func (st *step) repeat(e *pairingEntry) {
	if e.ownLatest == nil || st.now.Sub(e.repeatedAt) < repeatPause {
		return
	}
	s, err := st.sessions.Get(e.session)
	if err != nil {
		return
	}
	e.repeatedAt = st.now
	st.publish(s.Topic(), e.ownLatest)
	st.note(e)
}

// waitFor returns the time to wait for a message of the device before we send something
// again for its transfers. It grows with each try in a row.
func (st *step) waitFor(e *pairingEntry) time.Duration {
	base := receiverWait
	for _, x := range st.transfersOf(e.id) {
		if x.state == Running && x.name.outgoing {
			base = senderWait
		}
	}
	return doubled(base, e.tries, maxWait)
}

// terminate ends the session with a paired device and tells it.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Session states".
func (st *step) terminate(e *pairingEntry, cause port.Code) {
	if s, err := st.sessions.Get(e.session); err == nil {
		if next, payload, err := s.Terminate(st.now); err == nil {
			st.sealed(e, next, payload)
		} else if !errors.Is(err, noisesession.ErrNotActive) {
			st.l.host.Log.Log("warn", "a session was not terminated", "error", err.Error())
		}
	}
	st.end(e, false, cause)
}

// expire ends the sessions with devices whose certificate has run out.
func (st *step) expire() {
	for _, e := range st.all() {
		if s, err := st.sessions.Get(e.session); err == nil && e.state == Paired && s.Expired(st.now) {
			st.terminate(e, port.CodePairingOutdated)
		}
	}
}

// end makes two paired devices no longer paired. A pairing that is not paired stays as it
// is.
func (st *step) end(e *pairingEntry, remote bool, cause port.Code) {
	if !e.become(Ended) {
		return
	}
	e.cause, e.remote, e.endedAt, e.nextSend = cause, remote, st.now, time.Time{}
	st.retire(e)
	st.emit(event.PairingEnded{PairingID: e.id.String(), By: by(remote), Cause: cause})
	st.keep(e)
}

// retire makes the session of a pairing stale, if there is one, and fails its transfers.
func (st *step) retire(e *pairingEntry) {
	if e.session.IsZero() {
		return
	}
	if s, err := st.sessions.Get(e.session); err == nil {
		st.putSession(s.Retire(st.now))
	}
	for _, x := range st.transfersOf(e.id) {
		if x.state == Running {
			st.failTransfer(x, port.CodePairingEnded, e.remote)
		}
	}
}
