package noisesession

import (
	"encoding/binary"
	"fmt"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// RecordSize is the length of a handed-over session in bytes.
// Spec: 43/WAKU2-DEVICE-PAIRING, "The N11M session management mechanism".
const RecordSize = 32 + 2*(32+8+32)

// Handover is a session on its way to another device of the same identity: the record, and
// the peer of the session. It is secret and redacts itself.
type Handover struct {
	record  [RecordSize]byte
	scope   noise.Scope
	peer    Peer
	created time.Time
	expires time.Time
}

// HandOver gives the session away: the result may only open. The hand-over goes through a
// session with the other device (Send). Errors: ErrNotActive, ErrHandedOver.
func (s Session) HandOver() (Session, Handover, error) {
	if s.state != Active {
		return s, Handover{}, ErrNotActive
	}
	if s.away {
		return s, Handover{}, ErrHandedOver
	}
	h := Handover{record: record(s.id, s.transport.State()), scope: s.scope, peer: s.peer, created: s.created, expires: s.expires}
	s.away = true
	return s, h, nil
}

// record encodes a session as doc.go says.
func record(id ID, t noise.State) [RecordSize]byte {
	b := id[:]
	for _, d := range []struct {
		keys noise.Keys
		n    uint64
	}{{t.Out, t.Sent}, {t.In, t.Received}} {
		b = append(b, d.keys.Cipher[:]...)
		b = binary.LittleEndian.AppendUint64(b, d.n)
		b = append(b, d.keys.Nametags[:]...)
	}
	return [RecordSize]byte(b)
}

// open reads a record. Error: ErrHandover.
func (h Handover) open() (ID, noise.State, error) {
	r := noise.NewReader(h.record[:])
	id := ID(r.Take(32))
	var s noise.State
	for _, d := range []struct {
		keys *noise.Keys
		n    *uint64
	}{{&s.Out, &s.Sent}, {&s.In, &s.Received}} {
		copy(d.keys.Cipher[:], r.Take(32))
		*d.n = binary.LittleEndian.Uint64(r.Take(8))
		copy(d.keys.Nametags[:], r.Take(32))
	}
	if (ID(s.Out.Nametags) == id) == (ID(s.In.Nametags) == id) {
		return ID{}, noise.State{}, ErrHandover
	}
	if _, err := noise.NewTransport(s); err != nil {
		return ID{}, noise.State{}, ErrHandover
	}
	return id, s, nil
}

// Record is the 176 bytes.
func (h Handover) Record() []byte { return append([]byte(nil), h.record[:]...) }

// ID is the session's id.
func (h Handover) ID() ID { return ID(h.record[:32]) }

// Peer is the device at the other end of the session.
func (h Handover) Peer() Peer { return h.peer }

// Bytes is the record and, with big-endian numbers, the peer of the session:
//
//	record[176] | identity[33] | static[32] | created u64, ns | expires u64, ns |
//	installation id | application | version | shard, each behind its length of 4 bytes
func (h Handover) Bytes() []byte {
	b := append(h.Record(), h.peer.Identity.Compressed()...)
	b = append(b, h.peer.Static[:]...)
	b = noise.AppendTime(noise.AppendTime(b, h.created), h.expires)
	for _, s := range []string{h.peer.InstallationID, h.scope.Application, h.scope.Version, h.scope.Shard} {
		b = noise.AppendBytes(b, []byte(s))
	}
	return b
}

// ParseHandover reads what Bytes wrote. Error: ErrHandover.
func ParseHandover(b []byte) (Handover, error) {
	r := noise.NewReader(b)
	var h Handover
	copy(h.record[:], r.Take(RecordSize))
	identity, err := key.ParsePublic(r.Take(key.CompressedSize))
	if err != nil {
		return Handover{}, ErrHandover
	}
	h.peer.Identity = identity
	copy(h.peer.Static[:], r.Take(noise.KeySize))
	h.created, h.expires = r.Time(), r.Time()
	for _, s := range []*string{&h.peer.InstallationID, &h.scope.Application, &h.scope.Version, &h.scope.Shard} {
		*s = string(r.Bytes())
	}
	bad := !r.Done() || h.expires.IsZero() || h.peer.Static.IsZero() || h.peer.InstallationID == "" ||
		len(h.peer.InstallationID) > noise.MaxInstallationID || h.scope.Check() != nil
	if bad {
		return Handover{}, ErrHandover
	}
	if _, _, err := h.open(); err != nil {
		return Handover{}, err
	}
	return h, nil
}

// SealHandover sends a hand-over through this session, which must be with a device of our
// own identity. Errors: ErrIdentity, and those of Seal.
func (s Session) SealHandover(h Handover, own key.Public) (Session, []byte, error) {
	if s.peer.Identity != own {
		return s, nil, ErrIdentity
	}
	return s.seal(kindHandover, h.Bytes())
}

// Adopt makes the session of a hand-over that came through via, a session with a device of
// our own identity: only those may give us one. Errors: ErrIdentity, ErrHandover.
func Adopt(h Handover, via Peer, own key.Public, now time.Time) (Session, error) {
	if via.Identity != own {
		return Session{}, ErrIdentity
	}
	id, state, err := h.open()
	if err != nil {
		return Session{}, err
	}
	t, err := noise.NewTransport(state)
	if err != nil {
		return Session{}, ErrHandover
	}
	return Session{
		id: id, scope: h.scope, peer: h.peer, state: Active, transport: t, created: h.created, heard: now, expires: h.expires,
	}, nil
}

// TakeBack gives a session back that was handed over: it may seal again, with the next nonce
// of the other device. What it opened itself is kept. Errors: ErrIdentity,
// ErrHandover for another session or one that was not away, ErrRollback, ErrNotActive.
func (s Session) TakeBack(h Handover, via Peer, own key.Public) (Session, error) {
	if via.Identity != own {
		return s, ErrIdentity
	}
	id, back, err := h.open()
	if err != nil {
		return s, err
	}
	if s.state != Active {
		return s, ErrNotActive
	}
	mine := s.transport.State()
	if id != s.id || !s.away || back.Out != mine.Out || back.In != mine.In {
		return s, ErrHandover
	}
	t, err := s.transport.SkipTo(back.Sent)
	if err != nil {
		return s, ErrRollback
	}
	s.transport, s.away = t, false
	return s, nil
}

const redacted = "[redacted]"

// Format prints "[redacted]" for every verb.
func (h Handover) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]", so that JSON, XML and log encoders do too.
func (h Handover) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Format prints "[redacted]" for every verb.
func (s Session) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText gives "[redacted]". Marshal is for storing.
func (s Session) MarshalText() ([]byte, error) { return []byte(redacted), nil }
