package linking

import (
	"errors"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise"
)

// What the loop calls: Accept for envelopes, Work for what is due, Due for when that is,
// and Care once an hour.

// dropped is the error of an envelope without effect: the reason it is counted under.
type dropped string

func (d dropped) Error() string { return "dropped: " + string(d) }

// reasonOf is the reason an envelope is counted under that had this error.
func reasonOf(err error) string {
	if d := dropped(""); errors.As(err, &d) {
		return string(d)
	}
	return "error" // no randomness
}

// Listens reports whether there are topics of pairings or sessions, so that Accept has
// something to look for.
func (l *Linking) Listens(*ledger.Turn) bool { return len(l.topics) > 0 }

// Accept handles the envelopes on the topics of pairings and sessions, in one transaction,
// and returns the others. With an error the store cannot be written now: then rest is all
// that has not been handled, ours too, and is to be given again.
func (l *Linking) Accept(t *ledger.Turn, batch []port.Envelope) (rest []port.Envelope, err error) {
	var ours []port.Envelope
	for _, e := range batch {
		if l.topics[e.ContentTopic] {
			ours = append(ours, e)
		} else {
			rest = append(rest, e)
		}
	}
	if len(ours) == 0 {
		return rest, nil
	}
	handled, err := len(ours), l.accept(t, ours, t.Online)
	switch {
	case err == nil:
	case ledger.Passing(err):
		handled = 0
	default: // one of them is the cause: it must not hold up the others
		handled, err = ledger.Isolated(ours, func(some []port.Envelope) error { return l.accept(t, some, false) },
			func(_ port.Envelope, err error) { l.unstorable("an envelope of a pairing cannot be stored", err) })
	}
	if err != nil {
		return append(ours[handled:], rest...), err
	}
	return rest, nil
}

// accept handles envelopes in one transaction, and answers them in it. With chunks it also
// seals those that they made due.
func (l *Linking) accept(t *ledger.Turn, envelopes []port.Envelope, chunks bool) error {
	st, err := l.begin(t)
	if err != nil {
		return nil // only with an identity there are topics of ours
	}
	st.expire() // before a session opens what comes too late for it
	for _, e := range envelopes {
		if err := st.handle(e); err != nil {
			l.host.Drop(reasonOf(err))
			l.host.Log.Log("debug", "envelope dropped", "reason", reasonOf(err))
		}
	}
	st.sealAnswers()
	if chunks {
		st.sendChunks()
	}
	return st.commit()
}

// unstorable counts and logs what cannot be stored although the store works.
func (l *Linking) unstorable(what string, err error) {
	l.host.Log.Log("error", what, "code", string(port.CodeOf(err)))
	l.host.Drop("noise_" + ledger.Unstorable(err))
}

// handle gives an envelope to the session or the pairings of its topic.
func (st *step) handle(e port.Envelope) error {
	if e.Version != noise.Version {
		return dropped("version")
	}
	if _, err := st.sessions.ByTopic(e.ContentTopic); err == nil {
		return st.onSessionTopic(e)
	}
	return st.onPairingTopic(e)
}

// Work does what is due and publishes it. Its error is that the store cannot be written
// now. After any other the part pauses, and the rest of the engine goes on.
func (l *Linking) Work(t *ledger.Turn) error {
	l.listen(t.Now)
	for !l.pause.Lasts(t.Now) && l.publishQueue(t) {
		st, err := l.begin(t)
		if err != nil {
			return nil // no identity, so no pairings
		}
		st.tick()
		st.expire()
		if t.Online { // what cannot go out now would only be queued and dropped
			st.resend()
			st.retransmit()
			st.sendChunks()
		}
		if st.empty() {
			return nil
		}
		err = st.commit()
		if err != nil && !ledger.Passing(err) {
			l.unstorable("storing a step of a pairing failed", err)
			l.pause.Failed(t.Now)
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// publishQueue hands what is stored to the network and reports whether to go on: not after
// the network has failed.
func (l *Linking) publishQueue(t *ledger.Turn) bool {
	for len(l.queue) > 0 && t.Online {
		next := l.queue[0]
		// Ephemeral, so that no store node keeps it: it is repeated until it is answered.
		err := l.host.Publish(port.Envelope{ContentTopic: next.topic, Payload: next.payload, Version: noise.Version, Ephemeral: true})
		if err != nil && !errors.Is(err, port.ErrTooLarge) {
			return false
		}
		l.queue = l.queue[1:]
	}
	return true
}

// Due returns the time when Work has something to do, the zero time for never.
func (l *Linking) Due(t *ledger.Turn) time.Time {
	if l.pause.Lasts(t.Now) {
		return l.pause.Until
	}
	relisten := l.relisten && !l.listenPause.Lasts(t.Now)
	if relisten || t.Online && len(l.queue) > 0 {
		return t.Now
	}
	var due time.Time
	earlier := func(at time.Time) {
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	if l.relisten {
		earlier(l.listenPause.Until)
	}
	for _, e := range l.pairings {
		if e.proto != nil {
			earlier(e.wake())
		}
		if t.Online && !e.nextSend.IsZero() {
			earlier(e.nextSend)
		}
		if s, err := l.sessions.Get(e.session); err == nil && e.state == Paired {
			earlier(s.Expires())
		}
	}
	return due
}

// Care removes what is long over, ends sessions whose peer has been silent for too long,
// and renews the certificate. What fails is tried again at the next call.
func (l *Linking) Care(t *ledger.Turn) {
	st, err := l.begin(t)
	if err != nil {
		return
	}
	st.expire()
	set, changed := st.sessions.Tick(t.Now)
	st.sessions = set
	for _, s := range changed {
		st.writeSessions[s.ID()] = true
		if e := st.bySession(s.ID()); e != nil {
			st.end(e, false, port.CodePairingEnded)
		}
	}
	for _, e := range st.all() {
		age := t.Now.Sub(e.endedAt)
		if e.state.over() && (age >= keepPast || e.discarded && age >= keepDiscarded) {
			st.remove(e)
			continue
		}
		for _, x := range st.transfersOf(e.id) {
			st.careTransfer(x)
		}
	}
	if err := st.commit(); err != nil {
		l.host.Log.Log("warn", "removing old pairings failed", "code", string(port.CodeOf(err)))
	}
	if len(l.pairings) > 0 {
		if _, err := l.staticKey(st.self, t.Now); err != nil {
			l.host.Log.Log("warn", "renewing the certificate failed", "code", string(port.CodeOf(err)))
		}
	}
}
