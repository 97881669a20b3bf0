package session

import (
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/wire"
)

// Advertise is an empty message for whichever device of the identity reads it: what
// counts is the bundle beside it. Spec: 54, "Partitioned devices".
func (p Peer) Advertise(src Source) (Outgoing, error) {
	_, out, err := p.encryptToNone(nil, src)
	return out, err
}

// Restart starts a new session with an installation, whatever sessions there are, and
// returns the empty message that announces it. It is used when the other side sends
// what we cannot decrypt and does not answer in the existing session, or when our own
// state can no longer be trusted. An earlier session started from the same pre-key is
// forgotten. Errors: ErrNobody if the installation's pre-key is not known, or those of
// x3dh and ratchet.
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
	return p.sendIn(i, nil, true, now, src)
}

// EncryptFor encrypts plaintext for one installation, also one that is not active: in
// the session with it, or a new one from its pre-key. Errors: as Restart.
func (p Peer) EncryptFor(self Self, installation string, plaintext []byte, now time.Time, src Source) (Peer, Outgoing, error) {
	in, found := p.Find(installation)
	if !found || in.PreKey.IsZero() {
		return Peer{}, Outgoing{}, ErrNobody
	}
	p = p.clone()
	i := p.Chosen(self, installation)
	begins := i < 0
	if begins {
		var err error
		if i, err = p.begin(self, in, now, src); err != nil {
			return Peer{}, Outgoing{}, err
		}
	}
	return p.sendIn(i, plaintext, begins, now, src)
}

// sendIn encrypts plaintext in session i, which begins with it or not.
func (p Peer) sendIn(i int, plaintext []byte, begins bool, now time.Time, src Source) (Peer, Outgoing, error) {
	id := p.Sessions[i].InstallationID
	m, err := p.Sessions[i].encrypt(plaintext, now, src.IV)
	if err != nil {
		return Peer{}, Outgoing{}, err
	}
	out := Outgoing{Messages: map[string]*wire.EncryptedMessageProtocol{id: m}, Targets: []string{id}}
	if begins {
		out.Started = out.Targets
	}
	return p, out, nil
}

// SendWithoutSession makes messages to an installation go out without a session, as
// messages to NoInstallation, until it has another pre-key or is heard in a session. It
// is for an installation that does not accept a new session from its present pre-key.
// status-go stores its ratchet states by pre-key and installation: after its database
// was replaced by an older copy, it continues in the state stored for the pre-key and
// ignores the X3DH header.
// Spec: 53, "Message types", DH header.
func (p Peer) SendWithoutSession(installation string) Peer {
	next, _ := p.Change(installation, func(in *Installation) { in.UnopenedPreKey = in.PreKey })
	return next
}

// withoutSession: see SendWithoutSession.
func (in Installation) withoutSession() bool {
	return !in.UnopenedPreKey.IsZero() && in.UnopenedPreKey == in.PreKey
}

// addForAny adds to out the ciphertext that any device of the identity can read, if
// there is none for installation id by name.
func (p Peer) addForAny(out *Outgoing, id string, plaintext []byte, src Source) error {
	if out.Messages[NoInstallation] == nil {
		_, forAny, err := p.encryptToNone(plaintext, src)
		if err != nil {
			return err
		}
		out.Messages[NoInstallation] = forAny.Messages[NoInstallation]
	}
	out.Targets = append(out.Targets, id)
	out.Negotiated = false // an older copy of what it knew may not have that topic
	return nil
}

// heardInSession notes that an installation has opened one of our sessions, or begun one.
func (p *Peer) heardInSession(installation string) {
	if i := p.installation(installation); i >= 0 {
		p.Installations[i].UnopenedPreKey = key.Public{}
	}
}

// HasSession reports whether there is a session with an installation in which it has
// been heard.
func (p Peer) HasSession(installation string) bool {
	return slices.ContainsFunc(p.Sessions, func(s Session) bool {
		return s.InstallationID == installation && s.Established() && !s.Doubted
	})
}

// PSK is the pre-shared key for a Noise handshake with an installation that is known to hold
// the session it comes from: of several the one heard last. found is false without one.
func (p Peer) PSK(installation string) (psk key.Secret, found bool) {
	for _, s := range p.Sessions {
		if s.InstallationID == installation && s.Established() && !s.Doubted && s.PSK != (key.Secret{}) {
			psk, found = s.PSK, true
		}
	}
	return psk, found
}

// NamedPSK is the pre-shared key with a name, of any session with an installation.
func (p Peer) NamedPSK(installation string, name noise.PSKID) (psk key.Secret, found bool) {
	for _, s := range p.Sessions {
		if s.InstallationID == installation && s.PSK != (key.Secret{}) && noise.NamePSK(s.PSK) == name {
			return s.PSK, true
		}
	}
	return key.Secret{}, false
}

// Rekey makes the next message to an installation start a session from its newest
// pre-key. It is used when the installation advertises its bundle because it could not
// read a message. The existing sessions stay readable, because the advertisement may
// have had another reason: a session in which the installation is heard again is as
// good as before.
// Spec: 54, "Re-keying".
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
