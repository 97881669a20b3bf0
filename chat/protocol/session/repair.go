package session

import (
	"slices"
	"time"

	"libstatus1to1/chat/wire"
)

// Advertise is an empty message for whichever device of the identity reads it: what
// counts is the bundle beside it. Spec: 54, "Partitioned devices".
func (p Peer) Advertise(src Source) (Outgoing, error) {
	_, out, err := p.encryptToNone(nil, src)
	return out, err
}

// Restart begins a new session with an installation, whatever sessions there are,
// and gives the empty message that says so: for when the other side sends what we
// cannot open, or when what we have is not to be trusted any more. A session begun
// from the same pre-key before is forgotten. Errors: ErrNobody when its pre-key is
// not known, or those of x3dh and ratchet.
// Spec: 54, "Re-keying".
func (p Peer) Restart(self Self, installation string, now time.Time, src Source) (Peer, Outgoing, error) {
	in, found := p.Find(installation)
	if !found || in.PreKey.IsZero() {
		return Peer{}, Outgoing{}, ErrNobody
	}
	p = p.clone()
	p.Sessions = slices.DeleteFunc(p.Sessions, func(s Session) bool {
		return s.InstallationID == in.ID && s.ID == in.PreKey && s.RemoteEphemeral.IsZero()
	})
	i, err := p.begin(self, in, now, src)
	if err != nil {
		return Peer{}, Outgoing{}, err
	}
	m, err := p.Sessions[i].encrypt(nil, now, src.IV)
	if err != nil {
		return Peer{}, Outgoing{}, err
	}
	return p, Outgoing{
		Messages: map[string]*wire.EncryptedMessageProtocol{in.ID: m}, Targets: []string{in.ID}, Started: []string{in.ID},
	}, nil
}

// Rekey has the next message to an installation begin a session from its newest
// pre-key: for when it advertises its bundle because it could not read what it was
// sent. The sessions there are stay readable, because it may have had another reason:
// one that it is heard in again is as good as before. Spec: 54, "Re-keying".
func (p Peer) Rekey(installation string) Peer {
	in, _ := p.Find(installation)
	p = p.clone()
	for i, s := range p.Sessions {
		if s.InstallationID == installation && s.ID != in.PreKey {
			p.Sessions[i].Doubted = true
		}
	}
	return p
}

// HeardSince reports whether an installation has been heard, or written to, since a
// time in a session that it holds.
func (p Peer) HeardSince(installation string, since time.Time) bool {
	return slices.ContainsFunc(p.Sessions, func(s Session) bool {
		return s.InstallationID == installation && s.Established() && s.UsedAt.After(since)
	})
}

// Forget is p without any session.
func (p Peer) Forget() Peer {
	p.Sessions = nil
	return p
}
