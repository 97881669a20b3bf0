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

// putOn applies that installation i lists j in a bundle signed at timestamp. An
// installation that was removed from its group's list enables nobody. A removed
// installation comes back only by a later list of the one that removed it, or of one
// that the remover lists: a thief of the key could otherwise bring a lost device back
// with an installation that nobody has heard of.
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

// takeOff applies that installation i no longer lists j. If two installations remove
// each other, the first removal counts and the second one neither enables nor disables
// anybody, because one of the two may be in the wrong hands and nothing tells which.
// Nor does an installation that appeared later remove an older one that it has never
// listed.
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

// Join enables our other installations that the user has not decided about here, if
// they belong to a group that has accepted this installation: those whose bundles list
// it, and those that they list. It is meant for an installation that has just been set
// up; one in use asks the user instead.
// Spec: 54, "Pairing".
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

// Change returns p with one installation changed; found reports whether it exists.
func (p Peer) Change(id string, change func(*Installation)) (next Peer, found bool) {
	i := p.installation(id)
	if i < 0 {
		return p, false
	}
	p = p.clone()
	change(&p.Installations[i])
	return p, true
}
