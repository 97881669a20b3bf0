package linking

import (
	"errors"
	"io"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/text"
)

// The calls about pairings (43/WAKU2-DEVICE-PAIRING). Each is a step of its own; the loop
// publishes what comes of it and repeats it until it is answered.

// Start shows an invitation. asks: this device asks to be paired with the one that scans
// it (pattern WakuPairing); otherwise it is the other way round (WakuPairing2). Errors:
// CodeTooMany, and that of Host.Self.
func (l *Linking) Start(t *ledger.Turn, asks bool) (event.Pairing, error) {
	return change(l, t, func(st *step) (event.Pairing, error) {
		config, err := st.pairingConfig()
		if err != nil {
			return event.Pairing{}, err
		}
		pattern := noise.WakuPairing2
		if asks {
			pattern = noise.WakuPairing
		}
		proto, err := pairing.Start(config, pattern, st.now, l.host.Rand)
		if err != nil {
			return event.Pairing{}, err
		}
		e, err := st.newPairing(proto, Shown)
		if err != nil {
			return event.Pairing{}, err
		}
		e.asks, e.shows = asks, true
		st.emitInvitation(e, false)
		return st.describe(e), nil
	})
}

// Scan answers the invitation of another device. Space and line breaks in the text are
// ignored. Errors: CodeBadInvitation, CodeTooMany, and that of Host.Self.
func (l *Linking) Scan(t *ledger.Turn, invitation string) (event.Pairing, error) {
	if len(invitation) > maxPastedInvitation {
		return event.Pairing{}, badInvitation(pairing.ErrQR)
	}
	invitation = text.Squeeze(invitation)
	return change(l, t, func(st *step) (event.Pairing, error) {
		config, err := st.pairingConfig()
		if err != nil {
			return event.Pairing{}, err
		}
		if st.showsItself(invitation) {
			return event.Pairing{}, port.Errorf(port.CodeBadInvitation, "invitation", "this device shows the invitation itself").With("cause", "own")
		}
		proto, out, err := pairing.Scan(config, invitation, st.now, l.host.Rand)
		if err != nil {
			return event.Pairing{}, badInvitation(err)
		}
		e, err := st.newPairing(proto, Scanned)
		if err != nil {
			return event.Pairing{}, err
		}
		e.asks = proto.Pattern() == noise.WakuPairing2
		st.publish(proto.Topic(), out.Send...)
		e.nextSend = st.now.Add(pairingResend)
		return st.describe(e), nil
	})
}

// badInvitation is the error for a text that is no invitation to this device. It does not
// repeat the text: people paste the wrong thing.
func badInvitation(err error) error {
	for _, known := range []struct {
		err         error
		cause, text string
	}{
		{pairing.ErrAltered, "altered", "the invitation is cut or altered: take all of it as it is shown"},
		{pairing.ErrScope, "application", "the invitation is of another application"},
		{pairing.ErrAuthcode, "application", "the invitation is of an application whose authcode can be searched for"},
		{pairing.ErrQR, "other_text", "the text is not an invitation to a pairing"},
		{noise.ErrKey, "altered", "the invitation has a key that cannot be"},
	} {
		if errors.Is(err, known.err) {
			return port.Errorf(port.CodeBadInvitation, "invitation", "%s", known.text).Because(err).With("cause", known.cause)
		}
	}
	return err
}

// Confirm is the user's answer whether both devices show the same authcode. A no fails the
// pairing on both sides. Errors: CodeNotFound, CodePairingState.
func (l *Linking) Confirm(t *ledger.Turn, id PairingID, same bool) (event.Pairing, error) {
	return change(l, t, func(st *step) (event.Pairing, error) {
		e, err := st.find(id)
		if err != nil {
			return event.Pairing{}, err
		}
		if e.state != Compare {
			return event.Pairing{}, wrongState(e)
		}
		next, out, err := e.proto.Confirm(same, st.now, l.host.Rand)
		if err != nil && next.Phase() != pairing.PhaseFailed {
			return event.Pairing{}, err
		}
		st.apply(e, next, out, err)
		return st.describe(e), nil
	})
}

// Cancel gives up a pairing that is under way, and tells the other side. Errors:
// CodeNotFound, CodePairingState.
func (l *Linking) Cancel(t *ledger.Turn, id PairingID) (event.Pairing, error) {
	return change(l, t, func(st *step) (event.Pairing, error) {
		e, err := st.find(id)
		if err != nil {
			return event.Pairing{}, err
		}
		if !e.state.underway() {
			return event.Pairing{}, wrongState(e)
		}
		next, out, err := e.proto.Cancel(l.host.Rand)
		if err != nil {
			return event.Pairing{}, err
		}
		st.apply(e, next, out, nil)
		return st.describe(e), nil
	})
}

// Discard ends a pairing, tells the other device, and removes it from the list with its
// transfers and what was received. Errors: CodeNotFound, and CodePairingState while the
// pairing is under way.
func (l *Linking) Discard(t *ledger.Turn, id PairingID) error {
	_, err := change(l, t, func(st *step) (struct{}, error) {
		e, err := st.find(id)
		if err != nil {
			return struct{}{}, err
		}
		if e.state.underway() {
			return struct{}{}, wrongState(e)
		}
		if e.state == Paired {
			st.terminate(e, port.CodePairingEnded)
		}
		for _, x := range st.transfersOf(id) {
			st.dropBytes(x)
			x.discarded = true
			st.keepTransfer(x)
		}
		e.discarded = true
		st.keep(e)
		return struct{}{}, nil
	})
	return err
}

// List gives the pairings, oldest first. Error: that of Host.Self.
func (l *Linking) List(t *ledger.Turn) ([]event.Pairing, error) {
	st, err := l.begin(t)
	if err != nil {
		return nil, err
	}
	list := []event.Pairing{}
	for _, e := range st.all() {
		if !e.discarded {
			list = append(list, st.describe(e))
		}
	}
	return list, nil
}

// Get gives one pairing. Errors: CodeNotFound, and that of Host.Self.
func (l *Linking) Get(t *ledger.Turn, id PairingID) (event.Pairing, error) {
	st, err := l.begin(t)
	if err != nil {
		return event.Pairing{}, err
	}
	e, err := st.find(id)
	if err != nil {
		return event.Pairing{}, err
	}
	return st.describe(e), nil
}

func (st *step) find(id PairingID) (*pairingEntry, error) {
	if e := st.pairing(id); e != nil && !e.discarded {
		return e, nil
	}
	return nil, port.Errorf(port.CodeNotFound, "pairing_id", "there is no such pairing")
}

func wrongState(e *pairingEntry) error {
	return port.Errorf(port.CodePairingState, "pairing_id", "the pairing is not at this point").With("state", string(e.state))
}

// pairingConfig holds this device's key for a pairing. It always demands nonces: a device
// that is paired here must show a certificate, which no deployed client has, so nothing is
// lost by demanding also an authcode that cannot be searched for.
func (st *step) pairingConfig() (pairing.Config, error) {
	k, err := st.l.staticKey(st.self, st.now)
	return pairing.Config{Scope: noise.DefaultScope, Static: k.private, Certificate: k.certificate, Nonces: true}, err
}

// showsItself reports whether an invitation is one that this device shows.
func (st *step) showsItself(invitation string) bool {
	for _, e := range st.all() {
		if e.state != Shown {
			continue
		}
		if i, _, err := e.proto.Invitation(); err == nil && i.String() == invitation {
			return true
		}
	}
	return false
}

// newPairing makes an entry for a pairing that begins, and removes the oldest of the past
// ones to make room. Error: CodeTooMany.
func (st *step) newPairing(proto pairing.Pairing, first State) (*pairingEntry, error) {
	var underway, paired int
	var past []*pairingEntry
	for _, e := range st.all() {
		switch {
		case e.state.underway():
			underway++
		case e.state == Paired:
			paired++
		default:
			past = append(past, e)
		}
	}
	if underway >= MaxPairings {
		return nil, port.Errorf(port.CodeTooMany, "", "%d pairings are under way", underway).With("max", MaxPairings)
	}
	if paired+underway >= MaxPaired {
		return nil, port.Errorf(port.CodeTooMany, "", "there are %d paired devices: discard one", paired).With("max", MaxPaired)
	}
	for _, e := range past[:max(0, len(past)+1-maxPast)] {
		st.remove(e)
	}
	e := &pairingEntry{createdAt: st.now, proto: &proto, unanswered: true, upToDate: true}
	e.become(first)
	if _, err := io.ReadFull(st.l.host.Rand, e.id[:]); err != nil {
		return nil, err
	}
	st.keep(e)
	return e, nil
}

// remove deletes a pairing with all that came of it.
func (st *step) remove(e *pairingEntry) {
	for _, x := range st.transfersOf(e.id) {
		st.removeTransfer(x)
	}
	if !e.session.IsZero() {
		st.sessions = st.sessions.Remove(e.session)
		st.writeSessions[e.session] = true
	}
	st.pairings[e.id] = nil
	st.writePairings[e.id] = true
}

func (st *step) emitInvitation(e *pairingEntry, renewed bool) {
	if i, expires, err := e.proto.Invitation(); err == nil {
		st.emit(event.PairingInvitation{
			PairingID: e.id.String(), Invitation: i.String(), ExpiresAt: expires.UnixMilli(), Renewed: renewed,
		})
	}
}

func (st *step) emitAuthcode(e *pairingEntry) {
	if code, err := e.proto.Authcode(); err == nil {
		st.emit(event.PairingAuthcode{PairingID: e.id.String(), Authcode: code})
	}
}

// by names the side that gave up, as the API does.
func by(remote bool) enum.Side {
	if remote {
		return enum.SideRemote
	}
	return enum.SideLocal
}

// describe is a pairing as the API shows it.
func (st *step) describe(e *pairingEntry) event.Pairing {
	v := event.Pairing{
		ID: e.id.String(), State: enum.PairingState(e.state), Asks: e.asks, Shows: e.shows,
		CreatedAt: ledger.Milli(e.createdAt), PairedAt: ledger.Milli(e.pairedAt), EndedAt: ledger.Milli(e.endedAt),
	}
	if e.state.over() {
		v.Cause, v.By = e.cause, by(e.remote)
	}
	if e.state.underway() {
		if i, expires, err := e.proto.Invitation(); err == nil {
			v.Invitation, v.ExpiresAt = i.String(), expires.UnixMilli()
		}
		if code, err := e.proto.Authcode(); err == nil {
			v.Authcode = code
		}
	}
	if e.session.IsZero() {
		return v
	}
	v.Peer = &event.PairedDevice{
		PublicKey: e.peer.Identity.Hex(), ChatKey: identity.FormatChatKey(e.peer.Identity),
		Installation: e.peer.InstallationID, Own: e.peer.Identity == st.self.Public && !st.self.Provisional, Provisional: e.provisional,
	}
	if s, err := st.sessions.Get(e.session); err == nil {
		v.Session = &event.NoiseSession{
			ID: s.ID().CTID(), State: sessionStates[s.State()], CreatedAt: s.Created().UnixMilli(),
			HeardAt: s.Heard().UnixMilli(), ExpiresAt: s.Expires().UnixMilli(), Due: s.Due(st.now),
		}
	}
	return v
}

// sessionStates are the states of a session as the API names them.
var sessionStates = map[noisesession.State]enum.NoiseSessionState{
	noisesession.Active: enum.NoiseSessionActive, noisesession.Stale: enum.NoiseSessionStale, noisesession.Terminated: enum.NoiseSessionTerminated,
}
