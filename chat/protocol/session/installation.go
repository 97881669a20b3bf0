package session

import (
	"cmp"
	"crypto/sha256"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/x3dh"
)

// Learn takes the installations and pre-keys of a verified bundle of p's
// identity. A newer pre-key expires the sessions of the older one; an older
// bundle changes nothing. Own other installations begin disabled: they must be
// paired first. Spec: 54, "Pairing" and "Re-keying".
func (p Peer) Learn(self Self, b x3dh.Bundle, now time.Time) Peer {
	return p.learn(self, b, "", now)
}

// learn is Learn for a bundle that installation from sent, "" when nobody knows.
func (p Peer) learn(self Self, b x3dh.Bundle, from string, now time.Time) Peer {
	if b.Identity != p.Identity {
		return p
	}
	p = p.clone()
	own := b.Identity == self.Identity.Public()
	for _, spk := range b.SignedPreKeys {
		if own && spk.InstallationID == self.InstallationID || spk.InstallationID == NoInstallation {
			continue
		}
		p.learnOne(spk, min(b.Timestamp, now.UnixNano()), now, own, from)
	}
	p.listed(self, b, from, min(b.Timestamp, now.UnixNano()))
	p.dropSurplusInstallations()
	p.learned = [sha256.Size]byte{}
	return p
}

func (p *Peer) learnOne(spk x3dh.SignedPreKey, timestamp int64, now time.Time, own bool, from string) {
	i := p.installation(spk.InstallationID)
	if i < 0 {
		p.Installations = append(p.Installations, Installation{
			ID: spk.InstallationID, Disabled: own, Activity: timestamp, KnownAt: now.UnixNano(),
		})
		i = len(p.Installations) - 1
	}
	in := &p.Installations[i]
	newer := spk.Version > in.PreKeyVersion ||
		spk.Version == in.PreKeyVersion && timestamp > in.BundleTimestamp
	if in.PreKey.IsZero() || newer {
		in.PreKey, in.PreKeyVersion = spk.Key, spk.Version
		in.ProtocolVersion = spk.ProtocolVersion
		in.BundleTimestamp = timestamp
	}
	if from == "" || from == in.ID { // being listed is no sign of life
		in.Activity = max(in.Activity, timestamp)
	}
}

// dropSurplusInstallations forgets those over the bound, and their sessions: disabled
// ones before others, then the longest silent.
func (p *Peer) dropSurplusInstallations() {
	if len(p.Installations) <= MaxKnownInstallations {
		return
	}
	slices.SortFunc(p.Installations, func(a, b Installation) int {
		switch {
		case a.Disabled == b.Disabled:
			return byActivity(a, b)
		case a.Disabled:
			return 1
		}
		return -1
	})
	gone := p.Installations[MaxKnownInstallations:]
	p.Sessions = slices.DeleteFunc(p.Sessions, func(s Session) bool {
		return slices.ContainsFunc(gone, func(in Installation) bool { return in.ID == s.InstallationID })
	})
	p.Installations = p.Installations[:MaxKnownInstallations]
}

// Active lists the installations that messages are addressed to, latest sign of
// life first. Spec: 54, "Pairing".
func (p Peer) Active() []Installation {
	active := slices.DeleteFunc(slices.Clone(p.Installations), func(in Installation) bool { return in.Disabled })
	slices.SortFunc(active, byActivity)
	return active[:min(len(active), p.limit())]
}

func (p Peer) limit() int {
	if p.Limit == 0 {
		return MaxInstallations
	}
	return max(p.Limit, 0)
}

// ByActivity lists all known installations, latest sign of life first.
func (p Peer) ByActivity() []Installation {
	return slices.SortedFunc(slices.Values(p.Installations), byActivity)
}

func byActivity(a, b Installation) int {
	return cmp.Or(cmp.Compare(b.Activity, a.Activity), cmp.Compare(a.ID, b.ID))
}

func (p Peer) installation(id string) int {
	return slices.IndexFunc(p.Installations, func(in Installation) bool { return in.ID == id })
}
