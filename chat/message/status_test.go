package message

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/wire"
)

func TestPresences(t *testing.T) {
	for status, name := range presences {
		rec := &wire.PresenceRecord{Status: int32(status), Text: "away", Clock: 1_700_000_000}
		got, err := DecodePresence(marshal(t, NewPresence(rec)))
		if err != nil || !proto.Equal(got, rec) {
			t.Errorf("%s reads as %v, %v", name, got, err)
		}
		if parsed, ok := ParsePresence(name); !ok || parsed != status {
			t.Errorf("%s is %v", name, parsed)
		}
		until := OnlineUntil(status, rec.GetClock())
		if want := status != wire.StatusUpdate_INACTIVE; (until > 1_700_000_000_000) != want {
			t.Errorf("%s: online until %d", name, until)
		}
	}
	for name, c := range map[string]struct {
		m    *wire.StatusUpdate
		want error
	}{
		"no clock":    {&wire.StatusUpdate{StatusType: 1}, ErrClock},
		"a far clock": {&wire.StatusUpdate{Clock: 1 << 63, StatusType: 1}, ErrClock},
		"no kind":     {&wire.StatusUpdate{Clock: 1}, ErrContentType},
		"a new kind":  {&wire.StatusUpdate{Clock: 1, StatusType: 5}, ErrContentType},
		"a long text": {&wire.StatusUpdate{Clock: 1, StatusType: 1, CustomText: strings.Repeat("a", MaxPresenceText+1)}, ErrTextTooLong},
	} {
		if _, err := DecodePresence(marshal(t, c.m)); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, ok := ParsePresence("off"); ok || PresenceName(0) != "" {
		t.Error("off is no kind of presence")
	}
}

func FuzzPresence(f *testing.F) {
	f.Add(marshal(f, &wire.StatusUpdate{Clock: 1_700_000_000, StatusType: 1}))
	f.Add(marshal(f, &wire.StatusUpdate{Clock: 1, StatusType: 4, CustomText: "a\u202e\nb"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		rec, err := DecodePresence(b)
		if err != nil {
			return
		}
		status := wire.StatusUpdate_StatusType(rec.GetStatus())
		if PresenceName(status) == "" || utf8.RuneCountInString(rec.GetText()) > MaxPresenceText || ClockMillis(rec.GetClock()) <= 0 ||
			OnlineUntil(status, rec.GetClock()) < 0 {
			t.Fatalf("accepted %v", rec)
		}
		if again, err := DecodePresence(marshal(t, NewPresence(rec))); err != nil || !proto.Equal(again, rec) {
			t.Fatalf("%v reads again as %v, %v", rec, again, err)
		}
	})
}
