package message

import (
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"libstatus1to1/chat/wire"
)

// varint is a payload with a number in one field, after a text in another.
func varint(field protowire.Number, v uint64) []byte {
	b := protowire.AppendString(protowire.AppendTag(nil, 7, protowire.BytesType), "text")
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

func TestClockOf(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	const own = 1_800_000_000_000
	for name, c := range map[string]struct {
		payload []byte
		want    uint64
	}{
		"a clock":             {varint(1, 1_795_838_809_642), 1_795_838_809_642},
		"in seconds":          {varint(1, 1_795_838_809), own},
		"of the future":       {varint(1, own+uint64(MaxClockAhead.Milliseconds())+1), own},
		"just ahead":          {varint(1, own+1000), own + 1000},
		"in another field":    {varint(2, 1_795_838_809_642), own},
		"a text in its field": {protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "id"), own},
		"nothing":             {nil, own},
		"no protobuf":         {[]byte{0xff}, own},
	} {
		if got := ClockOf(c.payload, now); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestIsConversation(t *testing.T) {
	for typ, want := range map[wire.ApplicationMetadataMessage_Type]bool{
		0: false, -1: false, 1: false, 4242: true, 94: true, wire.ApplicationMetadataMessage_REQUEST_TRANSACTION: true,
		wire.ApplicationMetadataMessage_MEMBERSHIP_UPDATE_MESSAGE: false, wire.ApplicationMetadataMessage_PUSH_NOTIFICATION_QUERY: false,
		wire.ApplicationMetadataMessage_THREAD_METADATA: false, wire.ApplicationMetadataMessage_SYNC_INSTALLATION_CONTACT_V2: false,
	} {
		if IsConversation(typ) != want {
			t.Errorf("%d is shown: %v", typ, !want)
		}
	}
}

// FuzzClockOf: whatever the payload is, its place is not in the future.
func FuzzClockOf(f *testing.F) {
	f.Add(varint(1, 1_795_838_809_642))
	f.Add(varint(2, 1<<63))
	f.Add([]byte{0xff})
	now := time.UnixMilli(1_800_000_000_000)
	f.Fuzz(func(t *testing.T, b []byte) {
		if clock := ClockOf(b, now); clock < firstClock || clock > LatestClock(now) {
			t.Fatalf("the clock is %d", clock)
		}
	})
}
