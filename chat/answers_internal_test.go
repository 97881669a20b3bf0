package chat

import (
	"testing"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"libstatus1to1/chat/protocol/key"
)

// Repairs stay rare however long the waits are and however many were in a row.
func TestAnswersStayRare(t *testing.T) {
	const day = 24 * time.Hour
	c := &Client{settings: Settings{ResendBase: day, AdvertiseEvery: 7 * day}}
	c.sessions.suspicions, _ = lru.New[installationOf, suspicion](8)
	who := installationOf{key.Public{}, "theirs"}
	p := &pass{c: c, now: time.Unix(1_800_000_000, 0)}
	for i := range 40 {
		p.now = p.now.Add(7 * day)
		s, ok := p.suspect(who, "no_session", p.now.UnixNano())
		if !ok {
			t.Fatalf("step %d is refused", i)
		}
		c.sessions.suspicions.Add(who, s)
		later := *p
		later.now = p.now.Add(time.Hour)
		if _, ok := later.suspect(who, "no_session", later.now.UnixNano()); ok {
			t.Fatalf("another step within the hour of step %d", i)
		}
	}
}

// A session is not given up before its other side was probed twice, nor for a message
// that was signed before.
func TestSuspicionSteps(t *testing.T) {
	c := &Client{settings: Settings{ResendBase: time.Minute, AdvertiseEvery: time.Hour}}
	c.sessions.suspicions, _ = lru.New[installationOf, suspicion](8)
	who := installationOf{key.Public{}, "theirs"}
	p := &pass{c: c, now: time.Unix(1_800_000_000, 0)}
	start := p.now
	step := func(after time.Duration, signed time.Time, want int) {
		t.Helper()
		p.now = p.now.Add(after)
		s, ok := p.suspect(who, "no_session", signed.UnixNano())
		if want == 0 {
			if ok {
				t.Fatalf("step %d is not due", s.steps)
			}
			return
		}
		if !ok || s.steps != want || s.since != start {
			t.Fatalf("%+v, %v; want step %d", s, ok, want)
		}
		c.sessions.suspicions.Add(who, s)
	}
	old := start.Add(-signedTolerance - time.Second)
	step(0, old, 1)
	step(time.Second, old, 0)
	step(time.Minute, old, 2)
	step(time.Hour, old, 0)
	step(0, start, 3)
}
