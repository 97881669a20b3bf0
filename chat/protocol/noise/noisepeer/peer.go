package noisepeer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// Self is our side: the static key of this installation, with the certificate that ties it to
// identity and installation.
type Self struct {
	Static      noise.PrivateKey
	Certificate noise.Certificate
}

func (s Self) check() error {
	if s.Static.IsZero() || s.Certificate.Static != s.Static.Public() || s.Certificate.InstallationID == "" {
		return ErrSelf
	}
	return nil
}

// Peer is all that Noise chats need to know of one identity, which may be our own: then it is
// about our other devices. The zero value with an Identity is somebody we know nothing of. It is
// secret and redacts itself.
type Peer struct {
	Identity key.Public
	devices  []device // by id

	// How many handshakes were answered since a time, and how many other frames.
	answers, repeats uint32
	answersSince     time.Time
}

// device is one installation of the identity.
type device struct {
	id          string
	certificate noise.Certificate // the newest, zero while unknown
	secrets     []secret
	links       []link // in their order: the last one is the newest
	begun       *handshake
	answered    *handshake
	// The times of the latest handshakes: of the device's that we answered, of ours.
	answeredTime, begunTime uint64
	wanted                  bool // there is to be a session
	refused                 way  // what the device could not take since the last session
	failures                uint32
	notBefore               time.Time
	seen                    time.Time
}

// Device describes a device of the identity.
type Device struct {
	Installation string
	// Ready: messages can be sealed for it now.
	Ready bool
	// Pending: a handshake with it is under way, or is to be begun again.
	Pending bool
	// Confirmed: it was heard in the session that messages are sealed in.
	Confirmed bool
	// Away: the session is with another device of ours (HandOver).
	Away bool
	// Pattern is that of the handshake of the session, or of the one under way.
	Pattern string
	// Session is the ct-id of the session, empty without one. Since is when it was
	// established, Heard when the device was last heard in it, Expires when the device's
	// certificate runs out.
	Session               string
	Since, Heard, Expires time.Time
	// Sent and Received count the messages in the session.
	Sent, Received uint64
}

// Devices are the known devices, by installation id.
func (p Peer) Devices(now time.Time) []Device {
	var all []Device
	for _, d := range p.devices {
		all = append(all, d.view(now))
	}
	return all
}

// Device returns the description of one device.
func (p Peer) Device(installation string, now time.Time) (Device, bool) {
	i, found := p.find(installation)
	if !found {
		return Device{}, false
	}
	return p.devices[i].view(now), true
}

func (d device) view(now time.Time) Device {
	v := Device{Installation: d.id, Pending: d.begun != nil || d.answered != nil || d.wanted}
	if d.begun != nil {
		v.Pattern = d.begun.noise.Pattern().Name()
	}
	i := d.sending(now)
	v.Ready = i >= 0
	if i < 0 {
		i = slices.IndexFunc(d.links, func(l link) bool { return l.session.Away() && l.usable(now) })
	}
	if i < 0 {
		return v
	}
	s := d.links[i].session
	v.Confirmed, v.Away, v.Pattern = d.links[i].confirmed, s.Away(), d.links[i].pattern
	v.Session, v.Since, v.Heard, v.Expires = s.ID().CTID(), s.Created(), s.Heard(), s.Expires()
	v.Sent, v.Received = s.Sent(), s.Received()
	return v
}

// Seen is when a handshake or a message of one of the devices was taken last.
func (p Peer) Seen() (last time.Time) {
	for _, d := range p.devices {
		last = latest(last, d.seen)
	}
	return last
}

// Topics are the content topics to listen to: those of all sessions that can still open
// something.
func (p Peer) Topics() []string {
	var topics []string
	for _, d := range p.devices {
		for _, l := range d.links {
			if l.opens() {
				topics = append(topics, l.topic)
			}
		}
	}
	return topics
}

func (p Peer) find(installation string) (int, bool) {
	return slices.BinarySearchFunc(p.devices, installation, func(d device, id string) int { return cmp.Compare(d.id, id) })
}

// edit gives p with devices of its own and the one with this id in it, which is added if it is
// not there. For that, another one that nothing depends on makes room. Error: ErrTooMany.
func (p Peer) edit(installation string, now time.Time) (Peer, *device, error) {
	p.devices = slices.Clone(p.devices)
	i, found := p.find(installation)
	if found {
		d := &p.devices[i]
		d.links, d.secrets = slices.Clone(d.links), slices.Clone(d.secrets)
		return p, d, nil
	}
	if !validInstallation(installation) {
		return p, nil, ErrFrame
	}
	if len(p.devices) >= MaxDevices {
		spare := -1
		for j, d := range p.devices {
			if d.spare() && (spare < 0 || d.seen.Before(p.devices[spare].seen)) {
				spare = j
			}
		}
		if spare < 0 {
			return p, nil, ErrTooMany
		}
		p.devices = slices.Delete(p.devices, spare, spare+1)
		i, _ = p.find(installation)
	}
	p.devices = slices.Insert(p.devices, i, device{id: installation, seen: now})
	return p, &p.devices[i], nil
}

// spare reports whether a device may make room for another: no session has come about with
// it, and we do not want one.
func (d device) spare() bool {
	return len(d.links) == 0 && d.begun == nil && !d.wanted && len(d.secrets) == 0
}

// validInstallation reports whether a certificate could have this installation id.
func validInstallation(id string) bool {
	if id == "" || len(id) > noise.MaxInstallationID {
		return false
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] > '~' {
			return false
		}
	}
	return true
}

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (p Peer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]". Record is for storing.
func (p Peer) MarshalText() ([]byte, error) { return []byte(redacted), nil }
