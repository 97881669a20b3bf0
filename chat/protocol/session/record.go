package session

import (
	"errors"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
	"libstatus1to1/chat/wire"
)

// ErrRecord: a stored peer does not read back.
var ErrRecord = errors.New("session: stored record is damaged")

// Record returns p in the form the store keeps, without the skipped keys, for which
// there is SkippedChanges. The record is secret.
func (p Peer) Record() *wire.PeerRecord {
	r := &wire.PeerRecord{}
	for _, in := range p.Installations {
		r.Installations = append(r.Installations, &wire.InstallationRecord{
			Id: in.ID, ProtocolVersion: in.ProtocolVersion, SignedPreKey: in.PreKey.Compressed(),
			PreKeyVersion: in.PreKeyVersion, BundleTimestamp: in.BundleTimestamp,
			Activity: in.Activity, Disabled: in.Disabled, Agreed: in.Agreed,
			ListedBy: in.ListedBy, ListedAt: in.ListedAt, UnlistedAt: in.UnlistedAt, Decided: in.Decided, Name: in.Name,
			Lists: in.Lists, Dropped: in.Dropped,
			UnlistedBy: in.UnlistedBy, Listing: in.Listing, KnownAt: in.KnownAt, ConflictWith: in.ConflictWith,
			UnopenedPreKey: optional(in.UnopenedPreKey),
		})
	}
	for _, s := range p.Sessions {
		r.Sessions = append(r.Sessions, &wire.SessionRecord{
			Id: s.ID.Compressed(), InstallationId: s.InstallationID, Order: s.Order[:],
			Ephemeral: optional(s.Ephemeral), RemoteEphemeral: optional(s.RemoteEphemeral),
			NoisePsk: optionalSecret(s.PSK),
			Doubted:  s.Doubted, Ratchet: s.Ratchet.Marshal(), CreatedAt: s.CreatedAt.UnixMilli(), UsedAt: s.UsedAt.UnixMilli(),
		})
	}
	return r
}

// SkippedKey names the record of the skipped keys of session s with identity. No
// two sessions share a name: one from their pre-key is the only one from it, one
// from ours is told by their ephemeral key.
func SkippedKey(identity key.Public, s Session) []byte {
	name := append(identity.Compressed(), s.ID.Compressed()...)
	if s.RemoteEphemeral.IsZero() {
		name = append(name, begunByUs)
	} else {
		name = append(name, begunByThem)
		name = append(name, s.RemoteEphemeral.Compressed()...)
	}
	return append(name, s.InstallationID...)
}

const (
	begunByUs   = 'u'
	begunByThem = 't'
)

// SkippedChange is a record of skipped keys to be written, or deleted when Keys
// is nil. Keys is secret; the value redacts itself.
type SkippedChange struct{ Name, Keys []byte }

// SkippedChanges lists what has to be written when p is stored after before.
func (p Peer) SkippedChanges(before Peer) []SkippedChange {
	old := map[string]ratchet.State{}
	for _, s := range before.Sessions {
		old[string(SkippedKey(p.Identity, s))] = s.Ratchet
	}
	var changes []SkippedChange
	for _, s := range p.Sessions {
		name := SkippedKey(p.Identity, s)
		was, known := old[string(name)]
		delete(old, string(name))
		if known && s.Ratchet.SkippedChanged(was) || !known && s.Ratchet.SkippedLen() > 0 {
			changes = append(changes, SkippedChange{name, s.Ratchet.MarshalSkipped()})
		}
	}
	for name, was := range old {
		if was.SkippedLen() > 0 {
			changes = append(changes, SkippedChange{Name: []byte(name)})
		}
	}
	return changes
}

// FromRecord reads what Record wrote. skipped gives the record with a name, or
// nil; it is only asked for sessions that have skipped keys.
func FromRecord(identity key.Public, r *wire.PeerRecord, skipped func(name []byte) ([]byte, error)) (Peer, error) {
	p := Peer{Identity: identity}
	for _, in := range r.GetInstallations() {
		preKey, err := key.ParsePublic(in.GetSignedPreKey())
		if err != nil {
			return Peer{}, ErrRecord
		}
		unopened, err := parseOptional(in.GetUnopenedPreKey())
		if err != nil {
			return Peer{}, ErrRecord
		}
		p.Installations = append(p.Installations, Installation{
			ID: in.GetId(), ProtocolVersion: in.GetProtocolVersion(), PreKey: preKey,
			PreKeyVersion: in.GetPreKeyVersion(), BundleTimestamp: in.GetBundleTimestamp(),
			Activity: in.GetActivity(), Disabled: in.GetDisabled(), Agreed: in.GetAgreed(),
			ListedBy: in.GetListedBy(), ListedAt: in.GetListedAt(), UnlistedAt: in.GetUnlistedAt(), Decided: in.GetDecided(), Name: in.GetName(),
			Lists: in.GetLists(), Dropped: in.GetDropped(),
			UnlistedBy: in.GetUnlistedBy(), Listing: in.GetListing(), KnownAt: in.GetKnownAt(), ConflictWith: in.GetConflictWith(),
			UnopenedPreKey: unopened,
		})
	}
	for _, sr := range r.GetSessions() {
		s, err := sessionFromRecord(sr)
		if err != nil {
			return Peer{}, err
		}
		if s.Ratchet.SkippedLen() > 0 {
			keys, err := skipped(SkippedKey(identity, s))
			if err != nil {
				return Peer{}, err
			}
			if s.Ratchet, err = s.Ratchet.WithSkipped(keys); err != nil {
				return Peer{}, ErrRecord
			}
		}
		p.Sessions = append(p.Sessions, s)
	}
	return p, nil
}

func sessionFromRecord(r *wire.SessionRecord) (Session, error) {
	s := Session{
		InstallationID: r.GetInstallationId(), Doubted: r.GetDoubted(),
		CreatedAt: time.UnixMilli(r.GetCreatedAt()), UsedAt: time.UnixMilli(r.GetUsedAt()),
	}
	var err error
	if s.ID, err = key.ParsePublic(r.GetId()); err != nil || len(r.GetOrder()) != OrderSize {
		return Session{}, ErrRecord
	}
	copy(s.Order[:], r.GetOrder())
	if s.Ephemeral, err = parseOptional(r.GetEphemeral()); err != nil {
		return Session{}, ErrRecord
	}
	if s.RemoteEphemeral, err = parseOptional(r.GetRemoteEphemeral()); err != nil {
		return Session{}, ErrRecord
	}
	if s.Ratchet, err = ratchet.Unmarshal(r.GetRatchet()); err != nil {
		return Session{}, ErrRecord
	}
	switch psk := r.GetNoisePsk(); len(psk) {
	case 0:
	case len(s.PSK):
		s.PSK = key.Secret(psk)
	default:
		return Session{}, ErrRecord
	}
	if !s.Ephemeral.IsZero() && !s.RemoteEphemeral.IsZero() {
		return Session{}, ErrRecord
	}
	return s, nil
}

func optional(p key.Public) []byte {
	if p.IsZero() {
		return nil
	}
	return p.Compressed()
}

func optionalSecret(s key.Secret) []byte {
	if s == (key.Secret{}) {
		return nil
	}
	return s[:]
}

func parseOptional(b []byte) (key.Public, error) {
	if len(b) == 0 {
		return key.Public{}, nil
	}
	return key.ParsePublic(b)
}
