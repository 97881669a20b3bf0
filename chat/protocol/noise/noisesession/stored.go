package noisesession

import (
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

const (
	// storedVersion is the version of a stored session.
	storedVersion = 2
	// storedWithoutEnd is the version that did not say when the certificate runs out.
	storedWithoutEnd = 1
)

// Marshal is the session for storing: secret bytes.
func (s Session) Marshal() []byte {
	b := noise.AppendFlag([]byte{storedVersion, byte(s.state)}, s.away)
	b = append(b, s.id[:]...)
	b = append(b, s.previous[:]...)
	b = append(b, s.peer.Identity.Compressed()...)
	b = append(b, s.peer.Static[:]...)
	b = noise.AppendTime(noise.AppendTime(noise.AppendTime(b, s.created), s.heard), s.ended)
	b = noise.AppendTime(b, s.expires)
	for _, text := range []string{s.peer.InstallationID, s.scope.Application, s.scope.Version, s.scope.Shard} {
		b = noise.AppendBytes(b, []byte(text))
	}
	if s.state == Terminated {
		return b
	}
	return append(b, s.transport.Marshal()...)
}

// Unmarshal reads what Marshal wrote. Error: ErrStored.
func Unmarshal(stored []byte) (Session, error) {
	r := noise.NewReader(stored)
	version := r.Byte()
	if version != storedVersion && version != storedWithoutEnd {
		return Session{}, ErrStored
	}
	s := Session{state: State(r.Byte()), away: r.Flag()}
	copy(s.id[:], r.Take(len(s.id)))
	copy(s.previous[:], r.Take(len(s.previous)))
	identity, err := key.ParsePublic(r.Take(key.CompressedSize))
	if err != nil {
		return Session{}, ErrStored
	}
	s.peer.Identity = identity
	copy(s.peer.Static[:], r.Take(noise.KeySize))
	s.created, s.heard, s.ended = r.Time(), r.Time(), r.Time()
	if s.expires = s.created.Add(unstoredLife); version != storedWithoutEnd {
		s.expires = r.Time()
	}
	for _, text := range []*string{&s.peer.InstallationID, &s.scope.Application, &s.scope.Version, &s.scope.Shard} {
		*text = string(r.Bytes())
	}
	bad := r.Failed() || s.state < Active || s.state > Terminated || s.id.IsZero() || s.peer.Static.IsZero() ||
		s.peer.InstallationID == "" || s.scope.Check() != nil || s.expires.IsZero() || (s.state == Active) != s.ended.IsZero()
	if bad {
		return Session{}, ErrStored
	}
	if s.state == Terminated {
		if !r.Done() {
			return Session{}, ErrStored
		}
		return s, nil
	}
	if s.transport, err = noise.UnmarshalTransport(r.Rest()); err != nil {
		return Session{}, ErrStored
	}
	return s, nil
}
