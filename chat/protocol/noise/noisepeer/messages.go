package noisepeer

import (
	"io"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/noise/noisesession"
)

// Outgoing is a version-2 payload, to be published on the topic of a session.
type Outgoing struct {
	Installation string // the device at the other end
	Topic        string
	Payload      []byte
}

// Kind is the kind of what is in a payload. The numbers are sent.
type Kind byte

// The kinds.
const (
	Data         Kind = iota + 1 // a message
	Confirmation                 // nothing: the device has the session
	Termination                  // the device has ended the session
	Handed                       // a session with somebody, from another device of ours (Adopt)
)

// Opened is the content of a payload of a session.
type Opened struct {
	Installation string // the device that sent it
	// Kind is one of the kinds above, or one that this version does not know.
	Kind      Kind
	Plaintext []byte // of Data
	// Confirmed: it is the first message in its session, which replaces the sessions before.
	Confirmed bool
	// Outgoing is to be published: it tells the device that we have the session.
	Outgoing []Outgoing

	handover noisesession.Handover // of Handed
	via      noisesession.Peer     // of Handed: who sent it
}

// Seal seals a message for each of these devices in its session. Those without one are
// returned as missing. A payload goes out again as the same bytes, or the message is sealed
// again. Errors: ErrTooLong, those of rand.
// Spec: 37/WAKU2-NOISE-SESSIONS, "The NM session management mechanism".
func (p Peer) Seal(plaintext []byte, installations []string, now time.Time, rand io.Reader) (next Peer, out []Outgoing, missing []string, err error) {
	if len(plaintext) > MaxPlaintext {
		return p, nil, nil, ErrTooLong
	}
	next = p
	for _, installation := range installations {
		i, found := next.find(installation)
		if !found || next.devices[i].sending(now) < 0 {
			missing = append(missing, installation)
			continue
		}
		var sealed Outgoing
		if next, sealed, err = next.seal(i, Data, plaintext, now, rand); err != nil {
			return p, nil, nil, err
		}
		out = append(out, sealed)
	}
	return next, out, missing, nil
}

// seal seals content for device i, which has a session.
func (p Peer) seal(i int, kind Kind, content []byte, now time.Time, rand io.Reader) (Peer, Outgoing, error) {
	l, out, err := p.devices[i].links[p.devices[i].sending(now)].seal(kind, content, now, rand)
	if err != nil {
		return p, Outgoing{}, err
	}
	next, d, err := p.edit(p.devices[i].id, now)
	if err != nil {
		return p, Outgoing{}, err
	}
	d.links[d.sending(now)] = l
	return next, out, nil
}

// Open opens a payload from the topic of a session. Errors, after which the peer is as it was:
// ErrNoSession, ErrOpen, those of rand.
// Spec: 35/WAKU2-NOISE, "After-handshake"; 37/WAKU2-NOISE-SESSIONS, "Session states".
func (p Peer) Open(topic string, payload []byte, now time.Time, rand io.Reader) (Peer, Opened, error) {
	at, i, found := p.onTopic(topic)
	if !found {
		return p, Opened{}, ErrNoSession
	}
	l, kind, content, err := p.devices[at].links[i].open(payload, now)
	if err != nil {
		return p, Opened{}, err
	}
	next, d, err := p.edit(p.devices[at].id, now)
	if err != nil {
		return p, Opened{}, err
	}
	d.links[i] = l
	o := Opened{Installation: d.id, Kind: kind, Confirmed: d.heard(i, now)}
	switch kind {
	case Data:
		o.Plaintext = content
	case Termination:
		d.links[i].session = d.links[i].session.Retire(now)
	case Handed:
		if o.handover, err = noisesession.ParseHandover(content); err != nil {
			o.Kind = 0
		}
		o.via = l.session.Peer()
	}
	if o.Outgoing, err = d.reassure(i, o.Confirmed, now, rand); err != nil {
		return p, Opened{}, err
	}
	return next, o, nil
}

// reassure confirms the newest session in which the device was heard, if the message in session
// i shows that the device does not know yet that we have it: it is its first one in a session
// that we began, or it came in an older session.
func (d *device) reassure(i int, first bool, now time.Time, rand io.Reader) ([]Outgoing, error) {
	at := d.sending(now)
	if at < 0 || !d.links[at].confirmed || at < i {
		return nil, nil
	}
	if l := d.links[at]; at == i && !(first && l.initiator) || !l.mayConfirm(now) {
		return nil, nil
	}
	l, out, err := d.links[at].confirm(now, rand)
	if err != nil {
		return nil, err
	}
	d.links[at] = l
	return out, nil
}

// onTopic finds the session of a topic: session i of device at.
func (p Peer) onTopic(topic string) (at, i int, found bool) {
	for at, d := range p.devices {
		i := slices.IndexFunc(d.links, func(l link) bool { return l.topic == topic && l.opens() })
		if i >= 0 {
			return at, i, true
		}
	}
	return 0, 0, false
}

// Terminate ends all sessions and handshakes, and gives the payloads that tell the devices so.
// What they sent before still opens for a while. Error: those of rand.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Session states".
func (p Peer) Terminate(now time.Time, rand io.Reader) (Peer, []Outgoing, error) {
	next := p
	next.devices = slices.Clone(p.devices)
	var all []Outgoing
	for i := range next.devices {
		d := &next.devices[i]
		d.begun, d.answered, d.wanted = nil, nil, false
		d.links = slices.Clone(d.links)
		for j, l := range d.links {
			if l.usable(now) && !l.session.Away() {
				sealed, out, err := l.seal(Termination, nil, now, rand)
				if err != nil {
					return p, nil, err
				}
				l, all = sealed, append(all, out)
			}
			l.session, l.last = l.session.Retire(now), resending{}
			d.links[j] = l
		}
	}
	return next, all, nil
}
