package archive

import (
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/wire"
)

// mergeContact returns what is known of a person after an archive: have is what is here, and
// came what the archive says. Each half of their requests is a register in which the later clock
// wins, as on the wire; whoever changed our own half later decides what goes with it. Nobody
// who is blocked or verified here ceases to be by an archive.
func mergeContact(have, came *wire.ContactRecord) *wire.ContactRecord {
	next := proto.CloneOf(have)
	next.Key = came.GetKey()
	newer := came.GetLocalClock() > have.GetLocalClock()
	mergeHalves(next, have, came)
	mergeStanding(next, have, came, newer)
	mergeTrust(next, have, came)
	mergeKeyExchange(next, have, came)
	if came.GetProfileClock() > have.GetProfileClock() {
		next.DisplayName, next.Bio, next.ProfileClock = came.GetDisplayName(), came.GetBio(), came.GetProfileClock()
	}
	next.WrittenTo = have.GetWrittenTo() || came.GetWrittenTo()
	next.UnaskedChanges = max(have.GetUnaskedChanges(), came.GetUnaskedChanges())
	return next
}

// mergeHalves merges the state of the requests, and the messages that they came in.
func mergeHalves(next, have, came *wire.ContactRecord) {
	if laterHalf(came.GetLocalClock(), came.GetLocalState(), have.GetLocalClock(), have.GetLocalState()) {
		next.LocalState, next.LocalClock, next.SentRequestId = came.GetLocalState(), came.GetLocalClock(), came.GetSentRequestId()
	}
	if laterHalf(came.GetRemoteClock(), came.GetRemoteState(), have.GetRemoteClock(), have.GetRemoteState()) {
		next.RemoteState, next.RemoteClock, next.RequestId = came.GetRemoteState(), came.GetRemoteClock(), came.GetRequestId()
	}
	if contact.State(next.GetRemoteState()) != contact.Received {
		next.RequestId = nil
	}
}

// laterHalf reports whether half a wins over half b: by the later clock, at the same by
// saying nothing.
func laterHalf(aClock uint64, aState uint32, bClock uint64, bState uint32) bool {
	return aClock > bClock || aClock == bClock && contact.State(aState) == contact.None && contact.State(bState) != contact.None
}

// mergeStanding merges address book and block. Blocking, unblocking and removing somebody we
// had asked set our half of the requests, so its clock says which came later; of removing
// somebody else its time does.
func mergeStanding(next, have, came *wire.ContactRecord, newer bool) {
	older := came.GetLocalClock() < have.GetLocalClock()
	next.RemovedAt = max(have.GetRemovedAt(), came.GetRemovedAt())
	switch {
	case have.GetBlockedAt() != 0:
		if came.GetBlockedAt() != 0 {
			next.Familiar = have.GetFamiliar() || came.GetFamiliar()
		}
	case came.GetBlockedAt() != 0 && !older:
		next.BlockedAt = came.GetBlockedAt()
		next.Familiar = came.GetFamiliar() || have.GetAdded() || have.GetWrittenTo()
		next.Added, next.AddedAt = false, 0
	case have.GetAdded() && !came.GetAdded() && came.GetRemovedAt() > have.GetAddedAt(),
		newer && have.GetAdded() && !came.GetAdded() && came.GetLocalClock() > 0:
		next.Added, next.AddedAt, next.Name = false, 0, ""
	case came.GetAdded() && !have.GetAdded() && !older && came.GetAddedAt() > have.GetRemovedAt():
		next.Added, next.AddedAt, next.Name = true, came.GetAddedAt(), came.GetName()
	case came.GetAdded() && have.GetAdded() && (came.GetNameClock() > have.GetNameClock() || have.GetName() == "" && have.GetNameClock() == 0):
		next.Name = came.GetName()
	}
	if next.GetName() != have.GetName() {
		next.NameClock = max(have.GetNameClock(), came.GetNameClock())
	}
	if next.GetBlockedAt() == 0 { // else it was not unblocked since, as far as is known here
		next.UnblockedAt = max(have.GetUnblockedAt(), came.GetUnblockedAt())
	}
}

// mergeTrust takes over that somebody was verified, or is not to be trusted, unless the user
// has said something else here since.
func mergeTrust(next, have, came *wire.ContactRecord) {
	if have.GetVerifiedAt() != 0 {
		return
	}
	switch at := came.GetUnverifiedAt(); {
	case at > have.GetUnverifiedAt():
		next.UnverifiedAt, next.Untrustworthy = at, came.GetUntrustworthy()
	case at == have.GetUnverifiedAt():
		next.Untrustworthy = have.GetUntrustworthy() || came.GetUntrustworthy()
	}
	if came.GetVerifiedAt() > have.GetUnverifiedAt() {
		next.VerifiedBy, next.VerifiedAt, next.Untrustworthy = came.GetVerifiedBy(), came.GetVerifiedAt(), false
	}
}

// noise is the key exchange that an archive may bring, and never take away.
const noise = "noise"

// mergeKeyExchange takes over how messages to somebody are protected, unless the user has
// chosen here, or they are protected by Noise here and not there.
func mergeKeyExchange(next, have, came *wire.ContactRecord) {
	if have.GetKeyExchangeChosen() || have.GetKeyExchange() == noise && came.GetKeyExchange() != noise {
		return
	}
	if came.GetKeyExchangeChosen() || came.GetKeyExchange() == noise {
		next.KeyExchange, next.KeyExchangeChosen, next.WhileWaiting = came.GetKeyExchange(), came.GetKeyExchangeChosen(), came.GetWhileWaiting()
	}
}

// laterQuestion reports whether the question that came replaces the one that is here: it was
// asked later, or has come further.
func laterQuestion(have, came *wire.VerificationRecord, follows func(have, came string) bool) bool {
	if string(have.GetId()) == string(came.GetId()) {
		return follows(have.GetState(), came.GetState())
	}
	return came.GetAskedClock() > have.GetAskedClock()
}
