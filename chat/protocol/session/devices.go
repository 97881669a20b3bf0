package session

import (
	"libstatus1to1/chat/protocol/x3dh"
)

// listed draws the conclusions from the list of installations in a bundle that
// installation from has signed at timestamp. A list older than the last one of
// that installation says nothing.
// Spec: 54, "Pairing": a removed device is one that is not listed any more.
func (p *Peer) listed(self Self, b x3dh.Bundle, from string, timestamp int64) {
	i := p.installation(from)
	if _, lists := b.Find(from); !lists || i < 0 || timestamp < p.Installations[i].ListedAt {
		return
	}
	p.Installations[i].ListedAt = timestamp
	if p.Identity == self.Identity.Public() {
		_, us := b.Find(self.InstallationID)
		in := &p.Installations[i]
		in.Dropped = !us && (in.Lists || in.Dropped)
		in.Lists = us
		return
	}
	for j := range p.Installations {
		in := &p.Installations[j]
		if in.ID == from {
			continue
		}
		switch _, is := b.Find(in.ID); {
		case is && timestamp > in.UnlistedAt:
			in.ListedBy, in.Disabled = from, false
		case !is && in.ListedBy == from && !in.Disabled:
			in.Disabled, in.UnlistedAt = true, timestamp
			// Two that take each other off their lists: the later word counts.
			if p.Installations[i].ListedBy == in.ID {
				p.Installations[i].Disabled = false
			}
		}
	}
}

// Join enables the own other installations of which the user has not decided here
// and that are of a group this installation was taken into: those whose bundles
// list it, and those they list. It is for an installation that has just been set
// up: one in use asks the user instead. Spec: 54, "Pairing".
func (p Peer) Join(listed func(installation string) bool) Peer {
	p = p.clone()
	for i := range p.Installations {
		if in := &p.Installations[i]; in.Disabled && !in.Decided && (in.Lists || listed(in.ID)) {
			in.Disabled = false
		}
	}
	return p
}

// Dropped reports whether an own installation that is enabled here has taken this
// one out of its list.
func (p Peer) Dropped() bool {
	for _, in := range p.Installations {
		if in.Dropped && !in.Disabled {
			return true
		}
	}
	return false
}

// Find is the installation with an id.
func (p Peer) Find(id string) (Installation, bool) {
	if i := p.installation(id); i >= 0 {
		return p.Installations[i], true
	}
	return Installation{}, false
}

// Change is p with one installation changed; found tells whether there is one.
func (p Peer) Change(id string, change func(*Installation)) (next Peer, found bool) {
	i := p.installation(id)
	if i < 0 {
		return p, false
	}
	p = p.clone()
	change(&p.Installations[i])
	return p, true
}
