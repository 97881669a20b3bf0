package message

import (
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"libstatus1to1/chat/wire"
)

// KeptWhole reports whether a message of a kind is kept as it came, beside its record: there is
// more in it than this version can show.
func KeptWhole(kind string) bool { return kind == KindUnsupported || kind == KindCommunity }

// IsConversation reports whether an application message of a type that this version does not
// handle belongs into the conversation, where it is shown as something that cannot be read: one
// that was not there when this version was made, or one of the commands for transactions.
// Others are for groups, communities and push notifications, or between devices.
func IsConversation(typ wire.ApplicationMetadataMessage_Type) bool {
	if typ >= wire.ApplicationMetadataMessage_REQUEST_ADDRESS_FOR_TRANSACTION && typ <= wire.ApplicationMetadataMessage_DECLINE_REQUEST_TRANSACTION {
		return true
	}
	_, known := wire.ApplicationMetadataMessage_Type_name[int32(typ)]
	return !known && typ > 0
}

// clockField is the number of the field that holds the clock in nearly all payloads.
const clockField = 1

// firstClock is earlier than any clock of a deployed client, ms: the year 2015.
const firstClock = 1_420_000_000_000

// ClockOf is the Lamport clock of a payload of any type, ms, if it looks like one; else the
// time now. So what cannot be read stands at the same place on all devices, if it can.
func ClockOf(payload []byte, now time.Time) uint64 {
	for b := payload; len(b) > 0; {
		number, typ, n := protowire.ConsumeTag(b)
		if n < 0 {
			break
		}
		b = b[n:]
		if number == clockField && typ == protowire.VarintType {
			clock, n := protowire.ConsumeVarint(b)
			if n > 0 && clock >= firstClock && clock <= LatestClock(now) {
				return clock
			}
			break
		}
		if n = protowire.ConsumeFieldValue(number, typ, b); n < 0 {
			break
		}
		b = b[n:]
	}
	return uint64(max(0, now.UnixMilli()))
}
