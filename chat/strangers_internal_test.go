package chat

import (
	"testing"
	"time"
)

// Who says nothing that opens spends no token, what is left at the end is for those who
// ask, and all come back with time.
func TestNewcomerLimit(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	asks, silent := func() bool { return true }, func() bool { return false }
	var d newcomerLimit
	tried := 0
	for d.mayTry(now) {
		tried++
	}
	if tried != attemptsAtOnce || d.entries.used != 0 {
		t.Fatalf("%d attempts, %d tokens", tried, d.entries.used)
	}
	if now = now.Add(10 * attemptEvery); !d.mayTry(now) {
		t.Fatal("attempts do not come back")
	}
	for i := range strangersAtOnce {
		if !d.letIn(silent) {
			t.Fatalf("stranger %d is kept out", i)
		}
	}
	if d.letIn(silent) {
		t.Error("a stranger takes what is for requests")
	}
	for i := range requestsAtOnce {
		if now = now.Add(attemptEvery); !d.mayTry(now) || !d.letIn(asks) {
			t.Fatalf("request %d is kept out", i)
		}
	}
	if d.mayTry(now) || d.letIn(asks) {
		t.Error("there is no end of requests")
	}
	if now = now.Add((requestsAtOnce + 1) * strangerEvery); !d.mayTry(now) || !d.letIn(silent) {
		t.Error("tokens do not come back")
	}
	if d.mayTry(now.Add(-time.Hour)); d.entries.used > strangersAtOnce+requestsAtOnce {
		t.Error("a time that goes back takes tokens")
	}
}
