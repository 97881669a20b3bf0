package session

import (
	"bytes"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// Sendable reports whether new messages may use s: its pre-key, theirs or ours,
// is still the current one. Spec: 54, "Re-keying".
func (p Peer) Sendable(self Self, s Session) bool {
	if own, ok := self.PreKeys.Current(); ok && s.ID == own.Private.Public() {
		return true
	}
	i := p.installation(s.InstallationID)
	return i >= 0 && s.ID == p.Installations[i].PreKey
}

// Chosen is the index of the session that carries new messages to installation
// id, or -1 when one must be begun. Among sessions begun at the same time from
// different pre-keys the lower X3DH secret wins on both sides; among several from
// one pre-key the newest, the other side having lost the older.
// Spec: 54, "Concurrent sessions".
func (p Peer) Chosen(self Self, id string) int {
	best := -1
	for i, s := range p.Sessions {
		if s.InstallationID != id || !p.Sendable(self, s) {
			continue
		}
		if best < 0 || preferred(s, p.Sessions[best]) {
			best = i
		}
	}
	return best
}

func preferred(a, b Session) bool {
	if a.ID == b.ID {
		return !a.CreatedAt.Before(b.CreatedAt)
	}
	return bytes.Compare(a.Order[:], b.Order[:]) < 0
}

// with lists the indices of the sessions a DR header may mean, newest first.
func (p Peer) with(installation string, id key.Public) []int {
	var found []int
	for i, s := range p.Sessions {
		if s.InstallationID == installation && s.ID == id {
			found = append(found, i)
		}
	}
	slices.Reverse(found)
	return found
}

// add appends s and forgets what is over the bounds: first what has expired
// longest ago, never s itself.
func (p *Peer) add(self Self, s Session, now time.Time) int {
	p.Sessions = slices.DeleteFunc(p.Sessions, func(old Session) bool {
		return !p.Sendable(self, old) && now.Sub(old.UsedAt) > KeepExpired
	})
	for p.count(s.InstallationID) >= MaxSessions {
		i := p.leastUseful(self, s.InstallationID)
		p.Sessions = slices.Delete(p.Sessions, i, i+1)
	}
	p.Sessions = append(p.Sessions, s)
	return len(p.Sessions) - 1
}

func (p Peer) count(installation string) (n int) {
	for _, s := range p.Sessions {
		if s.InstallationID == installation {
			n++
		}
	}
	return n
}

func (p Peer) leastUseful(self Self, installation string) int {
	worst := -1
	for i, s := range p.Sessions {
		if s.InstallationID != installation {
			continue
		}
		if worst < 0 {
			worst = i
			continue
		}
		a, b := p.Sendable(self, s), p.Sendable(self, p.Sessions[worst])
		if a != b && !a || a == b && s.UsedAt.Before(p.Sessions[worst].UsedAt) {
			worst = i
		}
	}
	return worst
}

// Unanswered is how many messages the longest of the current sending chains has
// taken since the other side last answered in its session.
func (p Peer) Unanswered(self Self) int {
	longest := 0
	for _, in := range p.Active() {
		if i := p.Chosen(self, in.ID); i >= 0 {
			longest = max(longest, int(p.Sessions[i].Ratchet.SendN()))
		}
	}
	return longest
}
