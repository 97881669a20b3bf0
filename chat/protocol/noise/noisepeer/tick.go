package noisepeer

import (
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/noise/noisesession"
)

// Tick does what is due by the clock: handshake messages go out again, byte for byte, until
// they are answered or HandshakeLife is over; sessions are renewed by age, by count, before our
// certificate in them runs out, and when the device seems to have lost them; those that
// are over end. changed reports whether there is something to store. Errors: ErrSelf, those of
// rand.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Session states".
func (p Peer) Tick(self Self, now time.Time, rand io.Reader) (next Peer, frames []Frame, changed bool, err error) {
	if err := self.check(); err != nil {
		return p, nil, false, err
	}
	next = p
	next.devices = slices.Clone(p.devices)
	for i := range next.devices {
		d := &next.devices[i]
		d.links = slices.Clone(d.links)
		ended := d.expire(now)
		again := d.resend(now)
		var begun []Frame
		if d.needsHandshake(self, p.precedes(self, d.id), now) {
			if d.seemsLost(now) {
				d.refused |= wayPrevious
			}
			if begun, err = next.start(self, d, now, rand); err != nil {
				return p, nil, false, err
			}
			changed = true
		}
		changed = changed || ended || len(again) > 0
		frames = append(append(frames, again...), begun...)
	}
	if !changed {
		return p, nil, false, nil
	}
	return next, frames, true, nil
}

// expire ends what is over.
func (d *device) expire(now time.Time) (changed bool) {
	for i, l := range d.links {
		s := l.session.Tick(now)
		if l.last.frame != nil && !now.Before(s.Created().Add(HandshakeLife)) {
			s, l.last, changed = s.Retire(now), resending{}, true
		}
		if s.State() != l.session.State() {
			changed = true
		}
		if l.session = s; s.State() != noisesession.Active {
			l.last = resending{}
		}
		if !l.opens() {
			l.in, l.out = nil, nil
		}
		d.links[i] = l
	}
	if d.begun != nil && !now.Before(d.begun.since.Add(HandshakeLife)) {
		d.fail(now, true)
		changed = true
	}
	if d.answered != nil && !now.Before(d.answered.since.Add(HandshakeLife)) {
		d.answered, changed = nil, true
	}
	return changed
}

// resend gives the frames that are due to go out again.
func (d *device) resend(now time.Time) (frames []Frame) {
	due := func(r resending) (resending, bool) {
		if r.frame == nil || now.Before(r.due) {
			return r, false
		}
		frames = append(frames, Frame{d.id, r.frame})
		return r.again(now), true
	}
	for _, h := range []**handshake{&d.begun, &d.answered} {
		if *h == nil {
			continue
		}
		if last, again := due((*h).last); again {
			changed := **h
			changed.last = last
			*h = &changed
		}
	}
	for i := range d.links {
		d.links[i].last, _ = due(d.links[i].last)
	}
	return frames
}

// needsHandshake reports whether a handshake of ours is to begin now.
func (d device) needsHandshake(self Self, first bool, now time.Time) bool {
	at := d.handshakeDue(self, first, now)
	return !at.IsZero() && !now.Before(at)
}

// handshakeDue is when a handshake of ours is to begin, zero for never. first: we are the one
// who renews sessions, the other side only if we do not.
func (d device) handshakeDue(self Self, first bool, now time.Time) time.Time {
	if d.begun != nil {
		return time.Time{}
	}
	var at time.Time
	if i := d.sending(now); i < 0 || d.wanted {
		if !d.wanted {
			return time.Time{}
		}
		at = now
	} else if at = d.links[i].renewal(self, first); at.IsZero() {
		return at
	}
	if d.answered != nil {
		at = latest(at, d.answered.since.Add(patience))
	}
	return latest(at, d.notBefore)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// renewal is when a session is to be renewed, zero for never. One in which nothing was said
// is not renewed by age: it has no message that a newer one would protect better.
func (l link) renewal(self Self, first bool) time.Time {
	var at time.Time
	if l.unanswered >= lostMessages {
		at = l.unansweredSince.Add(lostTime)
	}
	if self.Certificate.Expires.After(l.ownExpires) {
		at = earliest(at, l.ownExpires.Add(-noisesession.ExpiryNotice))
	}
	age, count := noisesession.MaxAge, uint64(noisesession.MaxMessages)
	if !first {
		age, count = age+renewalPatience, count+renewalMessages
	}
	created := l.session.Created()
	if !l.used.IsZero() {
		at = earliest(at, created.Add(age))
	}
	if l.session.Sent()+l.session.Received() >= count {
		at = created
	}
	return at
}

// seemsLost reports whether the device may have lost the session that messages are sealed in.
func (d device) seemsLost(now time.Time) bool {
	i := d.sending(now)
	return i >= 0 && d.links[i].unanswered >= lostMessages && !now.Before(d.links[i].unansweredSince.Add(lostTime))
}

// Due is when Tick has something to do next, the zero time for never.
func (p Peer) Due(self Self, now time.Time) time.Time {
	var at time.Time
	for _, d := range p.devices {
		at = earliest(at, d.handshakeDue(self, p.precedes(self, d.id), now))
		for _, h := range []*handshake{d.begun, d.answered} {
			if h != nil {
				at = earliest(earliest(at, h.since.Add(HandshakeLife)), h.last.due)
			}
		}
		for _, l := range d.links {
			at = earliest(at, l.due())
		}
	}
	return at
}

// due is when something is to be done about the session itself.
func (l link) due() time.Time {
	switch l.session.State() {
	case noisesession.Active:
		at := earliest(l.session.Expires(), l.session.Heard().Add(noisesession.SilenceLimit))
		if l.last.frame != nil {
			at = earliest(earliest(at, l.last.due), l.session.Created().Add(HandshakeLife))
		}
		return at
	case noisesession.Stale:
		return l.session.Ended().Add(noisesession.StaleGrace)
	}
	return time.Time{}
}
