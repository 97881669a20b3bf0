package message

import (
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// Presence: how a person wants to be seen, published on the topic of their contact code.
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed.

// MaxPresenceText is the largest number of code points in the text beside a presence: the
// deployed limit.
const MaxPresenceText = 128

const (
	// PresenceEvery is the interval at which a presence of the kind automatic is repeated, and
	// the time for which it counts: the deployed figures.
	PresenceEvery = 5 * time.Minute
	// presenceLasts is the time for which other kinds count.
	presenceLasts = 14 * 24 * time.Hour
)

// presences are the kinds, as programs see them.
var presences = map[wire.StatusUpdate_StatusType]string{
	wire.StatusUpdate_AUTOMATIC:      "automatic",
	wire.StatusUpdate_DO_NOT_DISTURB: "do_not_disturb",
	wire.StatusUpdate_ALWAYS_ONLINE:  "always_online",
	wire.StatusUpdate_INACTIVE:       "inactive",
}

// PresenceName is the name of a kind of presence; "" if there is no such kind.
func PresenceName(status wire.StatusUpdate_StatusType) string { return presences[status] }

// ParsePresence is the kind of a name; ok is false if there is no such name.
func ParsePresence(name string) (status wire.StatusUpdate_StatusType, ok bool) {
	for status, n := range presences {
		if n == name {
			return status, true
		}
	}
	return 0, false
}

// OnlineUntil returns the time (ms) until which somebody counts as online whose status has
// this clock (seconds); 0 if they do not want to be seen as online.
func OnlineUntil(status wire.StatusUpdate_StatusType, clock uint64) int64 {
	at := time.UnixMilli(ClockMillis(clock))
	switch status {
	case wire.StatusUpdate_AUTOMATIC:
		return at.Add(PresenceEvery).UnixMilli()
	case wire.StatusUpdate_ALWAYS_ONLINE, wire.StatusUpdate_DO_NOT_DISTURB:
		return at.Add(presenceLasts).UnixMilli()
	}
	return 0
}

// maxSeconds bounds a clock in seconds, so that it fits into a time in ms.
const maxSeconds = 1 << 40

// ClockMillis is a clock in seconds as ms.
func ClockMillis(seconds uint64) int64 { return int64(min(seconds, maxSeconds)) * 1000 }

// DecodePresence reads a StatusUpdate. What it says is cut to its bounds; its clock, in
// seconds, is not judged here. Errors: ErrMalformed, ErrClock, ErrContentType for a kind that
// is not known, ErrTextTooLong.
func DecodePresence(b []byte) (*wire.PresenceRecord, error) {
	var m wire.StatusUpdate
	if err := proto.Unmarshal(b, &m); err != nil {
		return nil, ErrMalformed
	}
	switch {
	case m.GetClock() == 0 || m.GetClock() > maxSeconds:
		return nil, ErrClock
	case PresenceName(m.GetStatusType()) == "":
		return nil, ErrContentType
	case utf8.RuneCountInString(m.GetCustomText()) > MaxPresenceText:
		return nil, ErrTextTooLong
	}
	return &wire.PresenceRecord{
		Status: int32(m.GetStatusType()), Text: text.Shown(m.GetCustomText(), MaxPresenceText, text.Name), Clock: m.GetClock(),
	}, nil
}

// NewPresence is the StatusUpdate of a presence.
func NewPresence(p *wire.PresenceRecord) *wire.StatusUpdate {
	return &wire.StatusUpdate{Clock: p.GetClock(), StatusType: wire.StatusUpdate_StatusType(p.GetStatus()), CustomText: p.GetText()}
}
