package noisesession

import (
	"slices"
	"time"

	"libstatus1to1/chat/protocol/key"
)

// Set is all sessions of an installation, a value: its methods give the next one. The
// engine stores each session by itself (Marshal) and makes the set of them with Add.
// The zero value is empty.
type Set struct {
	sessions []Session // oldest first
}

// Outgoing is a payload to publish.
type Outgoing struct {
	Session ID // in which it was sealed
	Topic   string
	Payload []byte
}

// Add adds a new session to the set. The session that it was bound to goes stale. If there
// are more than MaxPerDevice with one device, terminated ones are removed first, then stale
// ones, of each the oldest; their ids are returned, to be deleted. Errors: ErrKnown,
// ErrFull.
func (set Set) Add(s Session, now time.Time) (Set, []ID, error) {
	if set.index(s.id) >= 0 {
		return set, nil, ErrKnown
	}
	if len(set.sessions) >= MaxSessions {
		return set, nil, ErrFull
	}
	all := slices.Clone(set.sessions)
	for i, old := range all {
		if old.id == s.previous && old.peer.Identity == s.peer.Identity {
			all[i] = old.Retire(now)
		}
	}
	at, _ := slices.BinarySearchFunc(all, s, func(a, b Session) int {
		if c := a.created.Compare(b.created); c != 0 {
			return c
		}
		return slices.Compare(a.id[:], b.id[:])
	})
	return Set{slices.Insert(all, at, s)}.prune(s.peer)
}

// prune removes sessions with a device above MaxPerDevice.
func (set Set) prune(p Peer) (Set, []ID, error) {
	var of []Session
	for _, s := range set.sessions {
		if s.with(p) {
			of = append(of, s)
		}
	}
	if len(of) <= MaxPerDevice {
		return set, nil, nil
	}
	// A stable sort: those of one state stay in the order of their age.
	slices.SortStableFunc(of, func(a, b Session) int { return int(b.state) - int(a.state) })
	var gone []ID
	for _, s := range of[:len(of)-MaxPerDevice] {
		gone = append(gone, s.id)
	}
	set.sessions = slices.DeleteFunc(slices.Clone(set.sessions), func(s Session) bool { return slices.Contains(gone, s.id) })
	return set, gone, nil
}

// with reports whether the session is with this device.
func (s Session) with(p Peer) bool {
	return s.peer.Identity == p.Identity && s.peer.InstallationID == p.InstallationID
}

func (set Set) index(id ID) int {
	return slices.IndexFunc(set.sessions, func(s Session) bool { return s.id == id })
}

// put replaces a session that is there.
func (set Set) put(s Session) Set {
	set.sessions = slices.Clone(set.sessions)
	set.sessions[set.index(s.id)] = s
	return set
}

// Update puts a session's next value in its place. Error: ErrUnknown.
func (set Set) Update(s Session) (Set, error) {
	if set.index(s.id) < 0 {
		return set, ErrUnknown
	}
	return set.put(s), nil
}

// Remove is the set without a session.
func (set Set) Remove(id ID) Set {
	return Set{slices.DeleteFunc(slices.Clone(set.sessions), func(s Session) bool { return s.id == id })}
}

// Get is the session with this id. Error: ErrUnknown.
func (set Set) Get(id ID) (Session, error) {
	i := set.index(id)
	if i < 0 {
		return Session{}, ErrUnknown
	}
	return set.sessions[i], nil
}

// All are the sessions, oldest first.
func (set Set) All() []Session { return slices.Clone(set.sessions) }

// Topics are the content topics to listen to: those of the sessions that can open.
func (set Set) Topics() []string {
	var topics []string
	for _, s := range set.sessions {
		if s.state != Terminated {
			topics = append(topics, s.Topic())
		}
	}
	return topics
}

// ByTopic is the session of a content topic. Error: ErrUnknown.
func (set Set) ByTopic(topic string) (Session, error) {
	for _, s := range set.sessions {
		if s.Topic() == topic {
			return s, nil
		}
	}
	return Session{}, ErrUnknown
}

// Targets are the sessions a message to an identity is sealed in: of each of its devices
// the newest active one that is not away. Spec: 37/WAKU2-NOISE-SESSIONS, "The NM session
// management mechanism".
func (set Set) Targets(identity key.Public) []Session {
	var targets []Session
	for _, s := range slices.Backward(set.sessions) {
		if s.peer.Identity != identity || s.state != Active || s.away {
			continue
		}
		if !slices.ContainsFunc(targets, func(t Session) bool { return t.with(s.peer) }) {
			targets = append(targets, s)
		}
	}
	slices.Reverse(targets)
	return targets
}

// Seal seals a message for every device of an identity. Errors: ErrUnknown when there is no
// active session, noise.ErrTooLong.
func (set Set) Seal(identity key.Public, text []byte) (Set, []Outgoing, error) {
	return set.each(set.Targets(identity), func(s Session) (Session, []byte, error) { return s.Seal(text) })
}

// TerminateDevice ends every active session with a device, as 37 asks when one of them
// ends. Sessions that were handed over are retired silently: the device that has them tells
// the peer.
// Error: ErrUnknown when there is no session with it.
func (set Set) TerminateDevice(p Peer, now time.Time) (Set, []Outgoing, error) {
	var of []Session
	known := false
	for i, s := range set.sessions {
		if !s.with(p) {
			continue
		}
		known = true
		switch {
		case s.state == Active && s.away:
			set = set.put(set.sessions[i].Retire(now))
		case s.state == Active:
			of = append(of, s)
		}
	}
	if !known {
		return set, nil, ErrUnknown
	}
	if len(of) == 0 {
		return set, nil, nil
	}
	return set.each(of, func(s Session) (Session, []byte, error) { return s.Terminate(now) })
}

// each calls seal for every session; after an error nothing has changed.
func (set Set) each(sessions []Session, seal func(Session) (Session, []byte, error)) (Set, []Outgoing, error) {
	if len(sessions) == 0 {
		return set, nil, ErrUnknown
	}
	next := set
	var out []Outgoing
	for _, s := range sessions {
		sealed, payload, err := seal(s)
		if err != nil {
			return set, nil, err
		}
		next = next.put(sealed)
		out = append(out, Outgoing{s.id, s.Topic(), payload})
	}
	return next, out, nil
}

// Due are the sessions that are due for a new handshake, without those that a newer session
// with the same device has replaced.
func (set Set) Due(now time.Time) []Session {
	var due []Session
	for i, s := range set.sessions {
		newer := slices.ContainsFunc(set.sessions[i+1:], func(t Session) bool { return t.with(s.peer) && t.state == Active })
		if s.Due(now) && !newer {
			due = append(due, s)
		}
	}
	return due
}

// Tick does what is due by the clock and returns the sessions that changed.
func (set Set) Tick(now time.Time) (Set, []Session) {
	var changed []Session
	next := Set{slices.Clone(set.sessions)}
	for i, s := range next.sessions {
		if t := s.Tick(now); t.state != s.state {
			next.sessions[i] = t
			changed = append(changed, t)
		}
	}
	return next, changed
}
