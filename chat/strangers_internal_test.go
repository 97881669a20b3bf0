package chat

import (
	"testing"
	"time"
)

// Who says nothing that opens spends no token, what is left at the end is for those who
// ask, and all come back with time.
func TestEntryLimiter(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	asks, silent := func() bool { return true }, func() bool { return false }
	var l entryLimiter
	tried := 0
	for l.mayTry(now) {
		tried++
	}
	if tried != attemptsAtOnce || l.entries.Used() != 0 {
		t.Fatalf("%d attempts, %d tokens", tried, l.entries.Used())
	}
	if now = now.Add(10 * attemptEvery); !l.mayTry(now) {
		t.Fatal("attempts do not come back")
	}
	for i := range strangersAtOnce {
		if !l.enter(silent) {
			t.Fatalf("stranger %d is kept out", i)
		}
	}
	if l.enter(silent) {
		t.Error("a stranger takes what is for requests")
	}
	for i := range requestsAtOnce {
		if now = now.Add(attemptEvery); !l.mayTry(now) || !l.enter(asks) {
			t.Fatalf("request %d is kept out", i)
		}
	}
	if l.mayTry(now) || l.enter(asks) {
		t.Error("there is no end of requests")
	}
	if now = now.Add((requestsAtOnce + 1) * strangerEvery); !l.mayTry(now) || !l.enter(silent) {
		t.Error("tokens do not come back")
	}
	if l.mayTry(now.Add(-time.Hour)); l.entries.Used() > strangersAtOnce+requestsAtOnce {
		t.Error("a time that goes back takes tokens")
	}
}
