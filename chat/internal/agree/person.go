package agree

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// A person as devices of ours tell it: SYNC_INSTALLATION_CONTACT_V2 of the deployed clients,
// with a field of this library that has all the registers.
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed.

// The values of trust_status and verification_status in SYNC_INSTALLATION_CONTACT_V2.
const (
	trustTrusted       = 1
	trustUntrustworthy = 2
	verificationDone   = 2
)

// TellPerson returns the message with the state of a person, and the latest clock in it. mute
// holds the marks of the chat with them.
func TellPerson(rec *wire.ContactRecord, mute *wire.ChatMarksRecord) (m *wire.SyncInstallationContactV2, latest uint64, err error) {
	k, err := key.ParsePublic(rec.GetKey())
	if err != nil {
		return nil, 0, err
	}
	r, card := contact.RequestOf(rec), contact.CardOf(rec)
	m = &wire.SyncInstallationContactV2{
		Id: k.Hex(), LastUpdatedLocally: max(card.Latest(), mute.GetMutedClock()), Muted: mute.GetMuted(), LastUpdated: rec.GetProfileClock(),
		LocalNickname: rec.GetName(), DisplayName: rec.GetDisplayName(),
		Added: r.Added(), Blocked: rec.GetBlockedAt() != 0, Removed: !r.Added() && !rec.GetAdded() && rec.GetRemovedAt() != 0, HasAddedUs: r.AddedUs(),
		ContactRequestLocalState: int64(r.Local.State), ContactRequestLocalClock: int64(r.Local.Clock),
		ContactRequestRemoteState: int64(r.Remote.State), ContactRequestRemoteClock: int64(r.Remote.Clock),
		Card: &wire.OwnCard{
			Name: rec.GetName(), NameClock: card.Name.Clock, AddedAt: rec.GetAddedAt(), RemovedAt: rec.GetRemovedAt(),
			BlockedAt: rec.GetBlockedAt(), UnblockedAt: rec.GetUnblockedAt(), Familiar: rec.GetFamiliar(),
			VerifiedBy: rec.GetVerifiedBy(), VerifiedAt: rec.GetVerifiedAt(), UnverifiedAt: rec.GetUnverifiedAt(), Untrustworthy: rec.GetUntrustworthy(),
			WrittenTo: rec.GetWrittenTo(), RequestId: rec.GetRequestId(), SentRequestId: rec.GetSentRequestId(), Bio: rec.GetBio(),
		},
	}
	switch {
	case rec.GetUntrustworthy():
		m.TrustStatus = trustUntrustworthy
	case rec.GetVerifiedAt() != 0:
		m.TrustStatus, m.VerificationStatus = trustTrusted, verificationDone
	}
	latest = max(m.GetLastUpdatedLocally(), r.Local.Clock, r.Remote.Clock, rec.GetProfileClock())
	return m, latest, nil
}

// PersonSaid returns the content of a SYNC_INSTALLATION_CONTACT_V2 as the record of a person.
// Deployed clients give one clock to name, block, trust and address book. If they do not say
// that somebody is in the address book, or trusted, this takes neither back: they cannot
// express that somebody was added but not asked, and they say explicitly who is no longer
// trusted (SYNC_TRUSTED_USER). The name that they give somebody may be one that we gave.
// Names are cut to maxName code points.
func PersonSaid(m *wire.SyncInstallationContactV2, maxName int) *wire.ContactRecord {
	rec := &wire.ContactRecord{}
	if r, err := contact.ParsePropagated(uint64(m.GetContactRequestLocalState()), uint64(m.GetContactRequestLocalClock()),
		uint64(m.GetContactRequestRemoteState()), uint64(m.GetContactRequestRemoteClock()), contact.MaxClock); err == nil {
		contact.SetRequest(rec, contact.Request(r))
	}
	card := m.GetCard()
	if card == nil {
		at := int64(min(m.GetLastUpdatedLocally(), contact.MaxClock))
		rec.Name, rec.NameClock = text.Shown(m.GetLocalNickname(), maxName, text.Name), uint64(at)
		if rec.UnblockedAt = at; m.GetBlocked() {
			rec.BlockedAt = at
		}
		if m.GetAdded() {
			rec.Added, rec.AddedAt = true, at
		} else if m.GetRemoved() {
			rec.RemovedAt = at
		}
		setTrust(rec, m.GetTrustStatus() == trustTrusted || m.GetVerificationStatus() == verificationDone, m.GetTrustStatus() == trustUntrustworthy, at)
		return rec
	}
	rec.Name, rec.NameClock = text.Shown(card.GetName(), maxName, text.Name), card.GetNameClock()
	rec.Added, rec.AddedAt, rec.RemovedAt = card.GetAddedAt() > 0, card.GetAddedAt(), card.GetRemovedAt()
	rec.BlockedAt, rec.UnblockedAt, rec.Familiar = card.GetBlockedAt(), card.GetUnblockedAt(), card.GetFamiliar()
	rec.UnverifiedAt, rec.Untrustworthy, rec.WrittenTo = card.GetUnverifiedAt(), card.GetUntrustworthy(), card.GetWrittenTo()
	if slices.Contains(contact.Ways, card.GetVerifiedBy()) {
		rec.VerifiedBy, rec.VerifiedAt = card.GetVerifiedBy(), card.GetVerifiedAt()
	}
	rec.RequestId, rec.SentRequestId = idOrNone(card.GetRequestId()), idOrNone(card.GetSentRequestId())
	rec.DisplayName, rec.Bio = text.Shown(m.GetDisplayName(), maxName, text.Name), text.Shown(card.GetBio(), message.MaxBio, text.Lines)
	rec.ProfileClock = m.GetLastUpdated()
	return rec
}

// idOrNone is the id of a message, or nil for what is none.
func idOrNone(id []byte) []byte {
	if len(id) != 32 {
		return nil
	}
	return id
}

// TrustSaid returns the content of a SYNC_TRUSTED_USER as the record of a person.
func TrustSaid(m *wire.SyncTrustedUser) *wire.ContactRecord {
	rec, at := &wire.ContactRecord{}, int64(min(m.GetClock(), contact.MaxClock))
	if setTrust(rec, m.GetStatus() == wire.SyncTrustedUser_TRUSTED, m.GetStatus() == wire.SyncTrustedUser_UNTRUSTWORTHY, at); m.GetStatus() == wire.SyncTrustedUser_UNKNOWN {
		rec.UnverifiedAt = at
	}
	return rec
}

// setTrust sets what the user has said of somebody in the Status app.
func setTrust(rec *wire.ContactRecord, trusted, untrustworthy bool, at int64) {
	switch {
	case untrustworthy:
		rec.Untrustworthy, rec.UnverifiedAt = true, at
	case trusted:
		rec.VerifiedBy, rec.VerifiedAt = contact.ByOwnDevice, at
	}
}

// LatestIn is the latest of the clocks in a message of an own device.
func LatestIn(body proto.Message) uint64 {
	switch m := body.(type) {
	case *wire.SyncInstallationContactV2:
		rec := PersonSaid(m, 0)
		return max(contact.CardOf(rec).Latest(), rec.GetLocalClock(), rec.GetRemoteClock(), rec.GetProfileClock(), m.GetLastUpdatedLocally())
	case *wire.SyncVerificationRequest:
		return max(m.GetClock(), m.GetQuestion().GetAskedClock(), m.GetQuestion().GetAnsweredClock(), m.GetRequestedAt(), m.GetRepliedAt())
	case *wire.SyncClearHistory:
		return m.GetClearedAt()
	case *wire.SyncChat:
		own := m.GetOwn()
		latest := max(LatestOfChat(m.GetChat()), own.GetDisplayNameClock(), own.GetBioClock(), own.GetColourClock())
		for _, d := range own.GetDevices() {
			latest = max(latest, d.GetClock())
		}
		return latest
	case *wire.SyncProfilePictures:
		latest := m.GetPicture().GetClock()
		for _, p := range m.GetPictures() {
			latest = max(latest, p.GetClock())
		}
		return latest
	case interface{ GetClock() uint64 }:
		return m.GetClock()
	}
	return 0
}
