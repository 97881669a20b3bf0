package chat

import (
	"errors"
	"io"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/chat/text"
)

// Use-cases of 43/WAKU2-DEVICE-PAIRING. Each takes a step of the protocol on a copy and
// stores it; the loop publishes what comes of it and repeats it until it is answered.

// StartPairing shows an invitation. asks: this device asks to be paired with the one that
// scans it (WakuPairing); otherwise it is the other way round (WakuPairing2). Errors:
// CodeNoIdentity, CodeTooMany.
func (c *Client) StartPairing(asks bool) (event.Pairing, error) {
	return c.stepPairing(func(p *noisePass) (*pairingEntry, error) {
		config, err := p.pairingConfig()
		if err != nil {
			return nil, err
		}
		pattern := noise.WakuPairing2
		if asks {
			pattern = noise.WakuPairing
		}
		proto, err := pairing.Start(config, pattern, p.now, c.rand)
		if err != nil {
			return nil, err
		}
		e, err := p.newPairing(proto, pairingShown)
		if err != nil {
			return nil, err
		}
		e.asks, e.shows = asks, true
		p.emitInvitation(e, false)
		return e, nil
	})
}

// ScanPairing answers the invitation of another device. Space and line breaks around and
// in it are passed over. Errors: CodeBadInvitation, CodeNoIdentity, CodeTooMany.
func (c *Client) ScanPairing(invitation string) (event.Pairing, error) {
	if len(invitation) > maxPastedInvitation {
		return event.Pairing{}, badInvitation(pairing.ErrQR)
	}
	invitation = text.Squeeze(invitation)
	return c.stepPairing(func(p *noisePass) (*pairingEntry, error) {
		config, err := p.pairingConfig()
		if err != nil {
			return nil, err
		}
		if p.shows(invitation) {
			return nil, Errorf(CodeBadInvitation, "invitation", "this device shows the invitation itself").With("cause", "own")
		}
		proto, out, err := pairing.Scan(config, invitation, p.now, c.rand)
		if err != nil {
			return nil, badInvitation(err)
		}
		e, err := p.newPairing(proto, pairingScanned)
		if err != nil {
			return nil, err
		}
		e.asks = proto.Pattern() == noise.WakuPairing2
		p.publish(proto.Topic(), out.Send...)
		e.next = p.now.Add(pairingResend)
		return e, nil
	})
}

// badInvitation says what is wrong with a text that is no invitation for us. The text is
// not repeated: people paste the wrong thing.
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
			return Errorf(CodeBadInvitation, "invitation", "%s", known.text).Because(err).With("cause", known.cause)
		}
	}
	return err
}

// ConfirmPairing is the user's answer whether both devices show the same authcode. A no
// ends the pairing on both sides. Errors: CodeNotFound, CodePairingState.
func (c *Client) ConfirmPairing(id PairingID, same bool) (event.Pairing, error) {
	return c.stepPairing(func(p *noisePass) (*pairingEntry, error) {
		e, err := p.find(id)
		if err != nil {
			return nil, err
		}
		if e.state != pairingCompare {
			return nil, wrongPoint(e)
		}
		next, out, err := e.proto.Confirm(same, p.now, c.rand)
		if err != nil && next.Phase() != pairing.PhaseFailed {
			return nil, err
		}
		p.apply(e, next, out, err)
		return e, nil
	})
}

// CancelPairing gives up a pairing that is under way, and tells the other side. Errors:
// CodeNotFound, CodePairingState.
func (c *Client) CancelPairing(id PairingID) (event.Pairing, error) {
	return c.stepPairing(func(p *noisePass) (*pairingEntry, error) {
		e, err := p.find(id)
		if err != nil {
			return nil, err
		}
		if !e.underway() {
			return nil, wrongPoint(e)
		}
		next, out, err := e.proto.Cancel(c.rand)
		if err != nil {
			return nil, err
		}
		p.apply(e, next, out, nil)
		return e, nil
	})
}

// DiscardPairing ends a pairing and tells the other device, and takes it off the list with
// its transfers and what was received. Errors: CodeNotFound, and CodePairingState while it
// is under way.
func (c *Client) DiscardPairing(id PairingID) error {
	_, err := c.stepPairing(func(p *noisePass) (*pairingEntry, error) {
		e, err := p.find(id)
		if err != nil {
			return nil, err
		}
		if e.underway() {
			return nil, wrongPoint(e)
		}
		if e.state == pairingPaired {
			p.terminate(e, CodePairingEnded)
		}
		for _, t := range p.transfersOf(id) {
			p.dropBytes(t)
			t.discarded = true
			p.keepTransfer(t)
		}
		e.discarded = true
		p.keep(e)
		return e, nil
	})
	return err
}

// Pairings lists the pairings, oldest first.
func (c *Client) Pairings() ([]event.Pairing, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	a, err := c.account()
	if err != nil {
		return nil, err
	}
	list := []event.Pairing{}
	p := c.noisePass(a)
	for _, e := range c.loop.noise.sortedPairings() {
		if !e.discarded {
			list = append(list, p.describe(&e))
		}
	}
	return list, nil
}

// Pairing tells about one. Error: CodeNotFound.
func (c *Client) Pairing(id PairingID) (event.Pairing, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	a, err := c.account()
	if err != nil {
		return event.Pairing{}, err
	}
	p := c.noisePass(a)
	e, err := p.find(id)
	if err != nil {
		return event.Pairing{}, err
	}
	return p.describe(e), nil
}

// stepPairing runs one step and stores it.
func (c *Client) stepPairing(step func(*noisePass) (*pairingEntry, error)) (event.Pairing, error) {
	c.busy.Lock()
	defer c.busy.Unlock()
	a, err := c.account()
	if err != nil {
		return event.Pairing{}, err
	}
	p := c.noisePass(a)
	e, err := step(p)
	if err != nil {
		return event.Pairing{}, err
	}
	if err := p.commit(); err != nil {
		return event.Pairing{}, err
	}
	c.kick()
	return p.describe(e), nil
}

func (p *noisePass) find(id PairingID) (*pairingEntry, error) {
	if e := p.pairing(id); e != nil && !e.discarded {
		return e, nil
	}
	return nil, Errorf(CodeNotFound, "pairing_id", "there is no such pairing")
}

func wrongPoint(e *pairingEntry) error {
	return Errorf(CodePairingState, "pairing_id", "the pairing is not at this point").With("state", e.state)
}

func (p *noisePass) pairingConfig() (pairing.Config, error) {
	k, err := p.c.noiseKey(p.a, p.now)
	// Nonces: who is paired here must have a certificate, so is no deployed client, and
	// nothing is lost by demanding an authcode that cannot be searched for.
	return pairing.Config{Scope: noise.DefaultScope, Static: k.private, Certificate: k.certificate, Nonces: true}, err
}

// shows reports whether an invitation is one that this device shows.
func (p *noisePass) shows(invitation string) bool {
	for _, e := range p.c.loop.noise.pairings {
		if e.state != pairingShown {
			continue
		}
		if i, _, err := e.proto.Invitation(); err == nil && i.String() == invitation {
			return true
		}
	}
	return false
}

// newPairing makes room and an entry for a pairing that begins.
func (p *noisePass) newPairing(proto pairing.Pairing, state string) (*pairingEntry, error) {
	var underway, paired int
	var past []*pairingEntry
	for _, e := range p.all() {
		switch {
		case e.underway():
			underway++
		case e.state == pairingPaired:
			paired++
		default:
			past = append(past, e)
		}
	}
	if underway >= MaxPairings {
		return nil, Errorf(CodeTooMany, "", "%d pairings are under way", underway).With("max", MaxPairings)
	}
	if paired+underway >= MaxPaired {
		return nil, Errorf(CodeTooMany, "", "there are %d paired devices: discard one", paired).With("max", MaxPaired)
	}
	for _, e := range past[:max(0, len(past)+1-maxPast)] {
		p.remove(e)
	}
	e := &pairingEntry{state: state, createdAt: p.now, proto: &proto, fresh: true, proven: true}
	if _, err := io.ReadFull(p.c.rand, e.id[:]); err != nil {
		return nil, err
	}
	p.keep(e)
	return e, nil
}

// remove deletes a pairing with all that came of it.
func (p *noisePass) remove(e *pairingEntry) {
	for _, t := range p.transfersOf(e.id) {
		p.removeTransfer(t)
	}
	if !e.session.IsZero() {
		p.set = p.set.Remove(e.session)
		p.sessions[e.session] = true
	}
	p.pairings[e.id] = nil
	p.stored[e.id] = true
}

func (p *noisePass) emitInvitation(e *pairingEntry, renewed bool) {
	if i, expires, err := e.proto.Invitation(); err == nil {
		p.emit(event.PairingInvitation{
			PairingID: e.id.String(), Invitation: i.String(), ExpiresAt: expires.UnixMilli(), Renewed: renewed,
		})
	}
}

func (p *noisePass) emitAuthcode(e *pairingEntry) {
	if code, err := e.proto.Authcode(); err == nil {
		p.emit(event.PairingAuthcode{PairingID: e.id.String(), Authcode: code})
	}
}

// by says who gave up.
func by(remote bool) string {
	if remote {
		return "remote"
	}
	return "local"
}

// describe is a pairing as the API shows it.
func (p *noisePass) describe(e *pairingEntry) event.Pairing {
	v := event.Pairing{
		ID: e.id.String(), State: e.state, Asks: e.asks, Shows: e.shows,
		CreatedAt: milli(e.createdAt), PairedAt: milli(e.pairedAt), EndedAt: milli(e.endedAt),
	}
	if e.over() {
		v.Cause, v.By = string(e.cause), by(e.remote)
	}
	if e.underway() {
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
		Installation: e.peer.InstallationID, Own: e.peer.Identity == p.a.public,
	}
	if s, err := p.set.Get(e.session); err == nil {
		v.Session = &event.NoiseSession{
			ID: s.ID().CTID(), State: sessionStates[s.State()], CreatedAt: s.Created().UnixMilli(),
			HeardAt: s.Heard().UnixMilli(), ExpiresAt: s.Expires().UnixMilli(), Due: s.Due(p.now),
		}
	}
	return v
}

var sessionStates = map[noisesession.State]string{
	noisesession.Active: "active", noisesession.Stale: "stale", noisesession.Terminated: "terminated",
}
