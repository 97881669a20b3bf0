package agree

import (
	"bytes"
	"cmp"

	"libstatus1to1/chat/wire"
)

// ChatOf returns the state of a chat in the form that is sent to other devices; nil if the
// user has done nothing with it.
func ChatOf(rec *wire.ChatRecord) *wire.OwnChat {
	m := rec.GetMarks()
	own := &wire.OwnChat{
		ReadClock: rec.GetReadClock(), ReadId: rec.GetReadId(), ClearedClock: rec.GetClearedClock(), DeletedClock: rec.GetDeletedClock(),
		Muted: m.GetMuted(), MutedUntil: m.GetMutedUntil(), MutedClock: m.GetMutedClock(),
		Archived: m.GetArchived(), ArchivedClock: m.GetArchivedClock(), Unread: m.GetUnread(), UnreadClock: m.GetUnreadClock(),
		Draft: m.GetDraft(), DraftClock: m.GetDraftClock(),
	}
	if rec.GetExpiresInClock() > 0 {
		own.Timer = &wire.ExpiryTimer{Seconds: rec.GetExpiresIn(), Clock: rec.GetExpiresInClock()}
	}
	if LatestOfChat(own) == 0 {
		return nil
	}
	return own
}

// LatestOfChat is the latest clock in the state of a chat.
func LatestOfChat(own *wire.OwnChat) uint64 {
	return max(own.GetReadClock(), own.GetClearedClock(), own.GetDeletedClock(), own.GetMutedClock(), own.GetArchivedClock(),
		own.GetUnreadClock(), own.GetDraftClock(), own.GetTimer().GetClock())
}

// BehindOn reports whether a device that has sent the state of a chat lacks something that is
// known here, after both are joined.
func BehindOn(here, told *wire.OwnChat) bool {
	differs := func(clock, toldClock uint64, same bool) bool { return clock > toldClock || clock == toldClock && !same }
	return cmp.Or(cmp.Compare(here.GetReadClock(), told.GetReadClock()), bytes.Compare(here.GetReadId(), told.GetReadId())) > 0 ||
		here.GetClearedClock() > told.GetClearedClock() || here.GetDeletedClock() > told.GetDeletedClock() ||
		differs(here.GetMutedClock(), told.GetMutedClock(), here.GetMuted() == told.GetMuted() && here.GetMutedUntil() == told.GetMutedUntil()) ||
		differs(here.GetArchivedClock(), told.GetArchivedClock(), here.GetArchived() == told.GetArchived()) ||
		differs(here.GetUnreadClock(), told.GetUnreadClock(), here.GetUnread() == told.GetUnread()) ||
		differs(here.GetDraftClock(), told.GetDraftClock(), here.GetDraft() == told.GetDraft()) ||
		differs(here.GetTimer().GetClock(), told.GetTimer().GetClock(), here.GetTimer().GetSeconds() == told.GetTimer().GetSeconds())
}
