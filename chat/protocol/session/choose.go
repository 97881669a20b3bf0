package session

import (
	"bytes"
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// lostAfter is the number of messages in a row that may stay unanswered in the lower of
// two sessions, while the other side is heard in the other session, before we conclude
// that it has lost the lower one. It is small, because each of these messages is one
// the other side cannot read, and above the number that normally cross on the way.
const lostAfter = 4

// Sendable reports whether new messages may use s: its pre-key, theirs or ours,
// is still the current one, and nothing says that the other side has lost it.
// Spec: 54, "Re-keying".
func (p Peer) Sendable(self Self, s Session) bool {
	ours, theirs := p.currentPreKeys(self, s.InstallationID)
	return !s.Doubted && (s.ID == ours || s.ID == theirs)
}

// currentPreKeys returns our current pre-key and that of an installation; zero where
// there is none.
func (p Peer) currentPreKeys(self Self, installation string) (ours, theirs key.Public) {
	if own, ok := self.PreKeys.Current(); ok {
		ours = own.Private.Public()
	}
	if i := p.installation(installation); i >= 0 {
		theirs = p.Installations[i].PreKey
	}
	return ours, theirs
}

// Chosen returns the index of the session that carries new messages to installation id,
// or -1 if a new one must be started.
//
// Of several sessions from one pre-key, the one last heard counts: a side that starts a
// second session has lost the first. If both sides have started one, the lower X3DH
// secret wins on both sides. But a side that lost the lower one would never read our
// messages again, so after lostAfter messages without an answer we follow it into the
// session it is heard in.
// Spec: 54, "Concurrent sessions".
func (p Peer) Chosen(self Self, id string) int {
	ours, theirs := p.currentPreKeys(self, id)
	fromOurs, fromTheirs := -1, -1
	for i, s := range p.Sessions {
		switch {
		case s.InstallationID != id || s.Doubted:
		case s.ID == ours:
			fromOurs = i
		case s.ID == theirs:
			fromTheirs = i
		}
	}
	if fromOurs < 0 || fromTheirs < 0 {
		return max(fromOurs, fromTheirs)
	}
	low, high := fromOurs, fromTheirs
	if bytes.Compare(p.Sessions[high].Order[:], p.Sessions[low].Order[:]) < 0 {
		low, high = high, low
	}
	if high > low && p.Sessions[low].Ratchet.SendN() >= lostAfter {
		return high
	}
	return low
}

// Unanswered returns the number of messages sent in the least loaded of the current
// sending chains since the other side last answered in its session. The least loaded
// one counts, because a device that is switched off for good must not hold up the
// others.
func (p Peer) Unanswered(self Self) int {
	least := 0
	for n, in := range p.Active() {
		sent := 0
		if i := p.Chosen(self, in.ID); i >= 0 {
			sent = int(p.Sessions[i].Ratchet.SendN())
		}
		if n == 0 || sent < least {
			least = sent
		}
	}
	return least
}

// named lists the indices of the sessions a DR header may mean, the last one heard
// first.
func (p Peer) named(installation string, id []byte) []int {
	var found []int
	for i, s := range slices.Backward(p.Sessions) {
		if s.InstallationID == installation && is(s.ID, id) {
			found = append(found, i)
		}
	}
	return found
}

// heard moves session i behind the other ones and returns its new index.
func (p *Peer) heard(i int) int {
	s := p.Sessions[i]
	p.Sessions = append(slices.Delete(p.Sessions, i, i+1), s)
	return len(p.Sessions) - 1
}

// add appends s and forgets what is over the bounds: what nobody has used for long,
// then, with this installation, what is least useful.
func (p *Peer) add(self Self, s Session, now time.Time) int {
	p.Sessions = slices.DeleteFunc(p.Sessions, func(old Session) bool {
		return !p.Sendable(self, old) && now.Sub(old.UsedAt) > KeepExpired
	})
	for p.rivals(s) >= MaxSessions {
		i := p.leastUseful(self, s)
		p.Sessions = slices.Delete(p.Sessions, i, i+1)
	}
	p.Sessions = append(p.Sessions, s)
	return len(p.Sessions) - 1
}

// boundSkipped forgets keys of late messages over the bound, those of the session used
// longest ago first.
func (p *Peer) boundSkipped() {
	total := 0
	for _, s := range p.Sessions {
		total += s.Ratchet.SkippedLen()
	}
	for total > MaxSkippedKeys {
		oldest := -1
		for i, s := range p.Sessions {
			if s.Ratchet.SkippedLen() > 0 && (oldest < 0 || s.UsedAt.Before(p.Sessions[oldest].UsedAt)) {
				oldest = i
			}
		}
		s := &p.Sessions[oldest]
		total -= s.Ratchet.SkippedLen()
		s.Ratchet = s.Ratchet.ForgetSkipped()
	}
}

// shares reports whether a and b count towards the same limit: sessions with one
// installation, or those with installations that no bundle has named. A sender could
// make up any number of the latter.
func (p Peer) shares(a, b Session) bool {
	return a.InstallationID == b.InstallationID ||
		p.installation(a.InstallationID) < 0 && p.installation(b.InstallationID) < 0
}

func (p Peer) rivals(s Session) (n int) {
	for _, old := range p.Sessions {
		if p.shares(old, s) {
			n++
		}
	}
	return n
}

// leastUseful returns the session to forget among those that count together with s. It
// is never the session in use; sessions no longer used for sending go first, and of
// those the one unused for longest.
func (p Peer) leastUseful(self Self, s Session) int {
	worst := -1
	for i, old := range p.Sessions {
		if !p.shares(old, s) || p.inUse(self, i) {
			continue
		}
		if worst < 0 || p.lessUseful(self, old, p.Sessions[worst]) {
			worst = i
		}
	}
	return worst
}

func (p Peer) inUse(self Self, i int) bool {
	id := p.Sessions[i].InstallationID
	return p.installation(id) >= 0 && p.Chosen(self, id) == i
}

func (p Peer) lessUseful(self Self, a, b Session) bool {
	sendA, sendB := p.Sendable(self, a), p.Sendable(self, b)
	if sendA != sendB {
		return !sendA
	}
	return a.UsedAt.Before(b.UsedAt)
}
