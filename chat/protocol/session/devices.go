package session

import (
	"cmp"
	"slices"

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
	before := p.Installations[i].Listing
	p.Installations[i].Listing = p.knownOf(b)
	for j := range p.Installations {
		if j == i {
			continue
		}
		other := p.Installations[j]
		switch _, is := b.Find(other.ID); {
		case is:
			p.putOn(i, j, timestamp)
		case other.ListedBy == from || slices.Contains(before, other.ID):
			p.takeOff(i, j, timestamp)
		}
	}
}

// knownOf are the installations of a bundle that are known, so at most
// MaxKnownInstallations.
func (p *Peer) knownOf(b x3dh.Bundle) (ids []string) {
	for _, in := range p.Installations {
		if _, is := b.Find(in.ID); is {
			ids = append(ids, in.ID)
		}
	}
	return ids
}

// putOn is what it means that installation i lists j at timestamp. One that was taken
// off its group's list enables nobody, and who was taken off comes back by a later list
// of who did that, or of one whom that one lists: a thief of the key could otherwise
// bring a lost device back with an installation that nobody has heard of.
func (p *Peer) putOn(i, j int, timestamp int64) {
	from, other := &p.Installations[i], &p.Installations[j]
	if from.ConflictWith == other.ID {
		from.ConflictWith = ""
	}
	if from.Disabled || other.Disabled && (timestamp <= other.UnlistedAt || !p.mayBringBack(from.ID, *other)) {
		return
	}
	other.ListedBy, other.Disabled, other.ConflictWith = from.ID, false, ""
}

func (p *Peer) mayBringBack(from string, gone Installation) bool {
	by, found := p.Find(gone.UnlistedBy)
	return !found || by.Disabled || by.ID == from || slices.Contains(by.Listing, from)
}

// takeOff is what it means that installation i lists j no longer. Of two that take each
// other off the first one counts: nobody is enabled or disabled by the second, because
// one of the two may be in the wrong hands, and nothing tells which. Nor does one that
// turned up later take an older one off that has never listed it.
func (p *Peer) takeOff(i, j int, timestamp int64) {
	from, other := &p.Installations[i], &p.Installations[j]
	switch {
	case other.Disabled:
	case from.Disabled:
		if cmp.Or(from.UnlistedBy, from.ListedBy) == other.ID { // older records have the latter only
			from.ConflictWith = other.ID
		}
	case len(other.Listing) == 0 || slices.Contains(other.Listing, from.ID) || from.KnownAt <= other.KnownAt:
		other.Disabled, other.UnlistedAt, other.UnlistedBy = true, timestamp, from.ID
	}
}

// Conflicts lists the installations that have taken another one off their list which
// had done so to them. Those of the own identity are the disabled ones that have taken
// this one off.
func (p Peer) Conflicts(self Self) (ids []string) {
	own := p.Identity == self.Identity.Public()
	for _, in := range p.Installations {
		if in.ConflictWith != "" || own && in.Dropped && in.Disabled && in.Decided {
			ids = append(ids, in.ID)
		}
	}
	return ids
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
