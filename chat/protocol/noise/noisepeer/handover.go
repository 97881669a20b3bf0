package noisepeer

import (
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/noise/noisesession"
)

// HandOver gives the session with a device away to another device of ours: from now on it can
// only open here. The hand-over goes to that device with SealHandover. Error: ErrNoSession.
// Spec: 37/WAKU2-NOISE-SESSIONS, "The N11M session management mechanism".
func (p Peer) HandOver(installation string, now time.Time) (Peer, noisesession.Handover, error) {
	i, found := p.find(installation)
	if !found {
		return p, noisesession.Handover{}, ErrNoSession
	}
	at := p.devices[i].sending(now)
	if at < 0 || !p.devices[i].links[at].confirmed {
		return p, noisesession.Handover{}, ErrNoSession
	}
	s, h, err := p.devices[i].links[at].session.HandOver()
	if err != nil {
		return p, noisesession.Handover{}, ErrNoSession
	}
	next, d, err := p.edit(installation, now)
	if err != nil {
		return p, noisesession.Handover{}, err
	}
	d.links[at].session = s
	return next, h, nil
}

// SealHandover seals a hand-over for a device of ours; p is the Peer of our own identity.
// Errors: ErrHandover for another identity, ErrNoSession, those of rand.
func (p Peer) SealHandover(self Self, h noisesession.Handover, installation string, now time.Time, rand io.Reader) (Peer, Outgoing, error) {
	if p.Identity != self.Certificate.Identity {
		return p, Outgoing{}, ErrHandover
	}
	i, found := p.find(installation)
	if !found || p.devices[i].sending(now) < 0 {
		return p, Outgoing{}, ErrNoSession
	}
	return p.seal(i, Handed, h.Bytes(), now, rand)
}

// HandedFor names the person, and the device of theirs, whose session came in a payload of
// kind Handed. Adopt is to be called on the Peer of that person.
func (o Opened) HandedFor() noisesession.Peer { return o.handover.Peer() }

// Adopt takes a session with this identity that came in a payload of a device of ours. One
// that we had given away is taken back. Errors: ErrHandover when it did not come from a device
// of ours, is not with this identity, or older than what we have; ErrTooMany.
// Spec: 37/WAKU2-NOISE-SESSIONS, "The N11M session management mechanism".
func (p Peer) Adopt(self Self, o Opened, now time.Time) (Peer, error) {
	with := o.handover.Peer()
	if o.Kind != Handed || with.Identity != p.Identity {
		return p, ErrHandover
	}
	next, d, err := p.edit(with.InstallationID, now)
	if err != nil {
		return p, err
	}
	own := self.Certificate.Identity
	i := slices.IndexFunc(d.links, func(l link) bool { return l.session.ID() == o.handover.ID() })
	if i >= 0 {
		if d.links[i].session, err = d.links[i].session.TakeBack(o.handover, o.via, own); err != nil {
			return p, ErrHandover
		}
		return next, nil
	}
	s, err := noisesession.Adopt(o.handover, o.via, own, now)
	if err != nil || s.Expired(now) {
		return p, ErrHandover
	}
	// The time of its handshake did not come with it: it was before the session was made.
	l, err := link{session: s, time: uint64(s.Created().UnixMilli()), confirmed: true}.ready()
	if err != nil {
		return p, ErrHandover
	}
	d.add(l)
	return next, nil
}
