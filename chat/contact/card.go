package contact

import (
	"bytes"
	"cmp"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

// What the user of several devices says of a person is a set of registers, each with the
// clock at which it was last set on any of them: the name, whether the person is in the
// address book, blocked, and trusted, and our half of the contact requests. Devices that
// have heard of the same changes have the same registers, whatever the order: of two
// values the later one wins, and of two of the same clock the greater one.
//
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed clients give one clock to all of it.

// Mark is a register.
type Mark[T any] struct {
	Value T
	Clock uint64
}

// Join returns the mark that wins.
func (m Mark[T]) Join(o Mark[T], compare func(a, b T) int) Mark[T] {
	if o.Clock > m.Clock || o.Clock == m.Clock && compare(o.Value, m.Value) > 0 {
		return o
	}
	return m
}

// JoinMarks is Join for values that have an order of their own.
func JoinMarks[T cmp.Ordered](a, b Mark[T]) Mark[T] { return a.Join(b, cmp.Compare[T]) }

// joinFlags lets what is set win over what is not.
func joinFlags(a, b Mark[bool]) Mark[bool] {
	number := func(set bool) int {
		if set {
			return 1
		}
		return 0
	}
	return a.Join(b, func(x, y bool) int { return cmp.Compare(number(x), number(y)) })
}

// Card is the registers of a person, other than the contact requests. Trust is how they
// were verified, untrustworthy, or "".
type Card struct {
	Name           Mark[string]
	Added, Blocked Mark[bool]
	Trust          Mark[string]
}

// untrustworthy is the trust in somebody of whom the user has said in the Status app that
// they are not to be trusted. At the same clock it wins over all ways to verify.
const untrustworthy = "~"

// CardOf reads the registers of a record. A name that is older than registers has the clock
// at which its person was added.
func CardOf(rec *wire.ContactRecord) Card {
	c := Card{
		Name:    Mark[string]{rec.GetName(), rec.GetNameClock()},
		Added:   Mark[bool]{rec.GetAdded(), clockOf(max(rec.GetAddedAt(), rec.GetRemovedAt()))},
		Blocked: Mark[bool]{rec.GetBlockedAt() != 0, clockOf(max(rec.GetBlockedAt(), rec.GetUnblockedAt()))},
		Trust:   Mark[string]{rec.GetVerifiedBy(), clockOf(max(rec.GetVerifiedAt(), rec.GetUnverifiedAt()))},
	}
	if c.Name.Clock == 0 && c.Name.Value != "" {
		c.Name.Clock = clockOf(rec.GetAddedAt())
	}
	if rec.GetUntrustworthy() {
		c.Trust.Value = untrustworthy
	}
	return c
}

func clockOf(ms int64) uint64 { return uint64(max(0, ms)) }

// Latest is the latest clock of the registers.
func (c Card) Latest() uint64 {
	return max(c.Name.Clock, c.Added.Clock, c.Blocked.Clock, c.Trust.Clock)
}

// Join returns the registers after those of another device.
func (c Card) Join(o Card) Card {
	return Card{
		Name: JoinMarks(c.Name, o.Name), Added: joinFlags(c.Added, o.Added),
		Blocked: joinFlags(c.Blocked, o.Blocked), Trust: JoinMarks(c.Trust, o.Trust),
	}
}

// set writes the registers into a record. Times that do not decide any more are kept.
func (c Card) set(rec *wire.ContactRecord) {
	rec.Name, rec.NameClock = c.Name.Value, c.Name.Clock
	at := int64(c.Added.Clock)
	if rec.Added = c.Added.Value; rec.Added {
		rec.AddedAt = at
	} else {
		rec.AddedAt, rec.RemovedAt = 0, at
	}
	at = int64(c.Blocked.Clock)
	if c.Blocked.Value {
		rec.BlockedAt = at
	} else {
		rec.BlockedAt, rec.UnblockedAt, rec.Familiar = 0, at, false
	}
	at = int64(c.Trust.Clock)
	rec.Untrustworthy = c.Trust.Value == untrustworthy
	if c.Trust.Value != "" && !rec.Untrustworthy {
		rec.VerifiedBy, rec.VerifiedAt = c.Trust.Value, at
	} else {
		rec.VerifiedBy, rec.VerifiedAt, rec.UnverifiedAt = "", 0, at
	}
}

// Stamp gives the registers that a call has changed in rec a clock: the proposed one, or a
// later one that wins over all those in before. It reports whether the call has changed
// anything that other devices have to learn.
func Stamp(before, rec *wire.ContactRecord, proposed uint64) (said bool) {
	was, is := CardOf(before), CardOf(rec)
	clock := max(proposed, was.Latest()+1)
	said = rec.GetLocalClock() != before.GetLocalClock()
	next := was
	if is.Name.Value != was.Name.Value {
		next.Name = Mark[string]{is.Name.Value, clock}
	}
	if is.Added.Value != was.Added.Value {
		next.Added = Mark[bool]{is.Added.Value, clock}
	}
	if is.Blocked.Value != was.Blocked.Value {
		next.Blocked = Mark[bool]{is.Blocked.Value, clock}
	}
	if is.Trust.Value != was.Trust.Value || rec.GetVerifiedAt() > before.GetVerifiedAt() {
		next.Trust = Mark[string]{is.Trust.Value, clock}
	}
	if next == was {
		return said
	}
	next.set(rec)
	return true
}

// Bound brings the clocks of the registers in a record to at most latest: an archive is signed
// by nobody, and a clock of the future would win for as long.
func Bound(rec *wire.ContactRecord, latest uint64) {
	for _, at := range []*int64{&rec.AddedAt, &rec.RemovedAt, &rec.BlockedAt, &rec.UnblockedAt, &rec.VerifiedAt, &rec.UnverifiedAt} {
		*at = min(*at, int64(min(latest, MaxClock)))
	}
	rec.NameClock = min(rec.GetNameClock(), latest)
}

// Join returns the requests after what another device of ours knows of them.
func (r Request) Join(o Request) Request {
	return Request{Local: r.Local.join(o.Local), Remote: r.Remote.join(o.Remote)}
}

// join is the later half. At the same clock saying nothing wins, as a retraction does, and
// otherwise the greater number, that of a refusal.
func (h Half) join(o Half) Half {
	rank := func(s State) int {
		if s == None {
			return 1 << 8
		}
		return int(s)
	}
	if o.Clock > h.Clock || o.Clock == h.Clock && rank(o.State) > rank(h.State) {
		return o
	}
	return h
}

// JoinRecords returns what two devices of ours know of a person together: have is what is
// here, and came what another device says, with clocks that are believed. behind reports
// that the other device does not know all of it. What only this device knows stays.
func JoinRecords(have, came *wire.ContactRecord) (next *wire.ContactRecord, behind bool) {
	next = proto.CloneOf(have)
	CardOf(have).Join(CardOf(came)).set(next)
	if next.GetBlockedAt() != 0 {
		next.Familiar = have.GetFamiliar() || came.GetFamiliar()
	}
	joinRequests(next, have, came)
	next.WrittenTo = have.GetWrittenTo() || came.GetWrittenTo()
	profile := func(rec *wire.ContactRecord) Mark[string] {
		return Mark[string]{rec.GetDisplayName() + "\n" + rec.GetBio(), rec.GetProfileClock()}
	}
	if JoinMarks(profile(have), profile(came)) != profile(have) {
		next.DisplayName, next.Bio, next.ProfileClock = came.GetDisplayName(), came.GetBio(), came.GetProfileClock()
	}
	return next, CardOf(next) != CardOf(came) || RequestOf(next) != RequestOf(came) || profile(next) != profile(came) ||
		next.GetWrittenTo() != came.GetWrittenTo() || next.GetFamiliar() != came.GetFamiliar() ||
		!bytes.Equal(next.GetRequestId(), came.GetRequestId()) || !bytes.Equal(next.GetSentRequestId(), came.GetSentRequestId())
}

// joinRequests joins the requests, and the messages they came in.
func joinRequests(next, have, came *wire.ContactRecord) {
	before, said := RequestOf(have), RequestOf(came)
	joined := before.Join(said)
	if later(before.Local, said.Local, have.GetSentRequestId(), came.GetSentRequestId()) {
		next.SentRequestId = came.GetSentRequestId()
	}
	if later(before.Remote, said.Remote, have.GetRequestId(), came.GetRequestId()) {
		next.RequestId = came.GetRequestId()
	}
	SetRequest(next, joined)
}

// later reports whether the message of a half that another device names is the one of the
// joined half.
func later(have, came Half, id, cameID []byte) bool {
	if len(cameID) == 0 || have.join(came) != came {
		return false
	}
	return have != came || bytes.Compare(cameID, id) > 0
}

// SetRequest stores the requests in a record, and forgets their message when there is none.
func SetRequest(rec *wire.ContactRecord, r Request) {
	rec.LocalState, rec.LocalClock = uint32(r.Local.State), r.Local.Clock
	rec.RemoteState, rec.RemoteClock = uint32(r.Remote.State), r.Remote.Clock
	if !r.AddedUs() {
		rec.RequestId = nil
	}
}

// RequestOf reads the requests of a record.
func RequestOf(rec *wire.ContactRecord) Request {
	return Request{
		Local:  Half{State: State(rec.GetLocalState()), Clock: rec.GetLocalClock()},
		Remote: Half{State: State(rec.GetRemoteState()), Clock: rec.GetRemoteClock()},
	}
}
