package noisepeer

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// Frame is a handshake message for a device of the identity. It goes in a payload (26) that is
// signed, and sealed for the identity: so whoever receives it knows whose it is, and nobody
// else sees what is in it. Layout:
//
//	version 1 | kind | from | to | content
//
// From and to are installation ids, each behind its length of one byte. Numbers are big-endian.
// The content by kind:
//
//	1 first    identities[8] | time u64, ms | secret kind | secret id behind its length, if
//	           there is a kind | flag and SHA256(session-id) of the session before | flag and static key
//	           that the initiator expects | payload (35)
//	2 second   id of the handshake[16] | payload (35)
//	3 third    id of the handshake[16] | payload (35)
//	4 refusal  id of the handshake[16] | reason | time u64, ms | certificate, or nothing
//
// The id of a handshake is SHA256(first frame)[:16]. The identities are those of initiator and
// responder, see between.
type Frame struct {
	Installation string // the device that it is for
	Bytes        []byte
}

const frameVersion = 1

// Kinds of frames. The numbers are sent.
const (
	kindFirst byte = iota + 1
	kindSecond
	kindThird
	kindRefusal
)

// reason says why a handshake was refused. The numbers are sent.
type reason byte

const (
	refusedOld       reason = iota + 1 // a later one is known, of the time in the refusal
	refusedPrevious                    // the session before is not known
	refusedSecret                      // the secret is not known, or another one
	refusedStatic                      // the static key expected is not ours
	refusedHandshake                   // the second or third message is of a handshake that is not known
)

// handshakeID names a handshake.
type handshakeID [16]byte

// identities names who shakes hands with whom.
type identities [8]byte

// between names initiator and responder in a first frame. The prologue binds both as well, but
// message 1 of a pattern without a secret shows nothing of it: a contact could hand our frame
// on to somebody else, under whose installation id they had it sent to themselves, and have
// it answered.
func between(initiator, responder key.Public) identities {
	var b []byte
	for _, field := range [][]byte{[]byte(purpose), initiator.Compressed(), responder.Compressed()} {
		b = noise.AppendBytes(b, field)
	}
	sum := sha256.Sum256(b)
	return identities(sum[:])
}

// frame is a Frame taken apart.
type frame struct {
	kind     byte
	from, to string
	// Of the first.
	between  identities
	time     uint64
	secret   SecretID          // zero for none
	previous [sha256.Size]byte // zero for none
	expected noise.PublicKey   // zero for none
	head     []byte            // all before the payload
	payload  []byte            // also of second and third
	id       handshakeID       // of all
	reason   reason            // of a refusal
	after    uint64            // of a refusal
	cert     []byte            // of a refusal
}

// Addressee is the installation that a frame is for, and the one it comes from, as it says.
// Error: ErrFrame.
func Addressee(b []byte) (to, from string, err error) {
	f, err := parseFrame(b)
	return f.to, f.from, err
}

func parseFrame(b []byte) (frame, error) {
	r := noise.NewReader(b)
	if len(b) > MaxFrame || r.Byte() != frameVersion {
		return frame{}, ErrFrame
	}
	f := frame{kind: r.Byte()}
	f.from, f.to = string(r.Take(int(r.Byte()))), string(r.Take(int(r.Byte())))
	if !validInstallation(f.from) || !validInstallation(f.to) {
		return frame{}, ErrFrame
	}
	switch f.kind {
	case kindFirst:
		f.first(&r)
		sum := sha256.Sum256(b)
		f.id = handshakeID(sum[:])
	case kindSecond, kindThird:
		copy(f.id[:], r.Take(len(f.id)))
		f.payload = r.Rest()
	case kindRefusal:
		copy(f.id[:], r.Take(len(f.id)))
		f.reason, f.after, f.cert = reason(r.Byte()), r.Uint64(), r.Rest()
	default:
		return frame{}, ErrFrame
	}
	if !r.Done() || f.kind != kindRefusal && len(f.payload) == 0 {
		return frame{}, ErrFrame
	}
	f.head = b[:len(b)-len(f.payload)]
	return f, nil
}

// first reads what only a first frame has.
func (f *frame) first(r *noise.Reader) {
	copy(f.between[:], r.Take(len(f.between)))
	f.time = r.Uint64()
	if f.secret.Kind = SecretKind(r.Byte()); f.secret.Kind != 0 {
		f.secret.ID = string(r.Take(int(r.Byte())))
		if !f.secret.valid() {
			*r = noise.NewReader(nil)
		}
	}
	if r.Flag() {
		copy(f.previous[:], r.Take(len(f.previous)))
	}
	if r.Flag() {
		copy(f.expected[:], r.Take(len(f.expected)))
	}
	f.payload = r.Rest()
}

// start writes what all frames begin with.
func start(kind byte, from, to string) []byte {
	b := []byte{frameVersion, kind, byte(len(from))}
	b = append(b, from...)
	b = append(b, byte(len(to)))
	return append(b, to...)
}

// headFirst writes a first frame up to its payload.
func (f frame) headFirst() []byte {
	b := append(start(kindFirst, f.from, f.to), f.between[:]...)
	b = binary.BigEndian.AppendUint64(b, f.time)
	b = append(b, byte(f.secret.Kind))
	if f.secret.Kind != 0 {
		b = append(append(b, byte(len(f.secret.ID))), f.secret.ID...)
	}
	b = noise.AppendFlag(b, f.previous != [sha256.Size]byte{})
	if f.previous != [sha256.Size]byte{} {
		b = append(b, f.previous[:]...)
	}
	b = noise.AppendFlag(b, !f.expected.IsZero())
	if !f.expected.IsZero() {
		b = append(b, f.expected[:]...)
	}
	return b
}

// later writes a second or third frame.
func later(kind byte, from, to string, id handshakeID, payload []byte) []byte {
	return append(append(start(kind, from, to), id[:]...), payload...)
}

// refusal answers frame f.
func (s Self) refusal(f frame, why reason, after uint64) Frame {
	b := append(start(kindRefusal, f.to, f.from), f.id[:]...)
	b = binary.BigEndian.AppendUint64(append(b, byte(why)), after)
	return Frame{f.from, append(b, s.Certificate.Bytes()...)}
}

// purpose keeps these handshakes apart from all others of the same keys.
const purpose = "status1to1-noise-chat/1"

// prologue returns the data that both sides must agree on: the purpose of the handshake, both
// identities, the head of the first frame (both installations, its time, what the handshake is
// based on), and the id of the session before it.
// Spec: 37/WAKU2-NOISE-SESSIONS, "Session states".
func prologue(initiator, responder key.Public, head []byte, previous noisesession.ID) []byte {
	var b []byte
	for _, field := range [][]byte{[]byte(purpose), initiator.Compressed(), responder.Compressed(), head} {
		b = noise.AppendBytes(b, field)
	}
	return slices.Clip(noisesession.Prologue(b, previous))
}
