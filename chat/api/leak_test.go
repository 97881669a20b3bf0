package api

import (
	"encoding/json"
	"testing"
)

// A host that never reads events pays for a few closed clients, not for all.
func TestLeakOfUnreadEvents(t *testing.T) {
	r := newTestRegistry()
	observer := openTest(t, r, memoryConfig)
	r.CountStrings(func() int64 { return 7 })
	var last uint64
	for range maxUnread + 20 {
		last = openTest(t, r, memoryConfig)
		must(t, r.Close(last, false))
	}
	var d Diagnostics
	if err := json.Unmarshal(must(t, r.Call(observer, "diagnostics.get", "")), &d); err != nil {
		t.Fatal(err)
	}
	if d.ClientsUnread != maxUnread || d.ClientsOpen != 1 || d.StringsHeld != 7 || d.Goroutines == 0 || d.EventsUnread == 0 {
		t.Errorf("%+v", d)
	}
	if len(r.forgotten) > maxUnread {
		t.Errorf("%d handles are kept", len(r.forgotten))
	}
	nextOf(t, r, last, "closed") // the newest is there still
}
