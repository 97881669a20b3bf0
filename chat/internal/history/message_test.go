package history

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/message"
)

// Where a message stands, by its clock, the newest message of the chat and the clock of
// the chat.
func TestPlace(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	own := Millis(now)
	const minute, hour, year = 60_000, 3_600_000, 365 * 24 * 3_600_000
	for name, c := range map[string]struct {
		clock, newest, last uint64
		want                placed
	}{
		"of now":                      {own, own - 5, own - 5, placed{own, 0}},
		"late":                        {own - hour, own, own, placed{own - hour, 0}},
		"two minutes ahead":           {own + 2*minute, own, own, placed{own + 2*minute, 0}},
		"a little more":               {own + 2*minute + 1, own - 5, own - 5, placed{own, 2*minute + 1}},
		"the next of that":            {own + 2*minute + 2, own, own, placed{own + 1, 2*minute + 2}},
		"an hour ahead, followed":     {own + hour + 1, own + 7, own + hour, placed{own + 8, 0}},
		"two centuries ahead":         {own + 200*year, own, own, placed{own + 1, 200 * year}},
		"the last clock there is":     {math.MaxUint64, own, own, placed{own + 1, MaxTime}},
		"in a chat an hour ahead":     {own, own + hour, own + hour, placed{own + hour + 1, 0}},
		"late, in a chat that is":     {own - minute, own + hour, own + hour, placed{own + hour + 1, 0}},
		"in a chat two minutes ahead": {own, own + 2*minute, own + 2*minute, placed{own, 0}},
		"the first, in no time":       {own + hour, 0, 0, placed{own, hour}},
	} {
		if got := place(c.clock, c.newest, c.last, now); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

// Whatever a chat has seen, and however our time jumps: our clocks rise while our time
// does, are followed up to a bound only, and pass the rule of deployed receivers.
func TestClocksPassTheDeployedRule(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var peer message.ConversationID
	now := time.UnixMilli(1_800_000_000_000)
	h := &History{clocks: clocks{chats: map[message.ConversationID]clock{peer: {}}}}
	var last uint64
	for i := range 20_000 {
		jumped := r.IntN(500) == 0
		if jumped {
			now = now.Add(time.Duration(r.Int64N(int64(200*time.Hour)) - int64(100*time.Hour)))
		}
		now = now.Add(time.Duration(r.IntN(3)) * time.Millisecond)
		if r.IntN(20) == 0 {
			seen := Millis(now.Add(time.Duration(r.Int64N(int64(MaxFollow)))))
			h.clocks.saw(peer, seen)
		}
		clock, err := h.NextClock(peer, now)
		if err != nil {
			t.Fatal(err)
		}
		switch at := EnvelopeTime(now, clock); {
		case !jumped && clock <= last && last <= Millis(now.Add(MaxFollow)):
			t.Fatalf("seed %d, %d: clock %d after %d", seed, i, clock, last)
		case clock > Millis(now.Add(MaxFollow)):
			t.Fatalf("seed %d, %d: clock %d is %d ms ahead", seed, i, clock, clock-Millis(now))
		case clock < Millis(now):
			t.Fatalf("seed %d, %d: clock %d is behind", seed, i, clock)
		case message.ValidateClock(clock, at) != nil || at.Before(now):
			t.Fatalf("seed %d, %d: clock %d in an envelope of %d", seed, i, clock, at.UnixMilli())
		}
		last = clock
	}
}

// States are judged by the latest of our time, the chat and the envelope, which counts
// within bounds.
func TestJudged(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	var peer message.ConversationID
	for name, c := range map[string]struct {
		envelope, chat, want time.Duration
	}{
		"all at one time":              {0, 0, 0},
		"an envelope set back":         {-time.Hour, -time.Hour, 0},
		"an envelope hours ahead":      {3 * time.Hour, 0, 3 * time.Hour},
		"an envelope years ahead":      {10_000 * time.Hour, 0, MaxEnvelopeAhead},
		"a chat ahead":                 {0, time.Hour, time.Hour},
		"a chat ahead of its envelope": {time.Minute, time.Hour, time.Hour},
	} {
		h := &History{clocks: clocks{chats: map[message.ConversationID]clock{peer: {last: Millis(now.Add(c.chat))}}}}
		if got := h.Judged(peer, now.Add(c.envelope), now).Sub(now); got != c.want {
			t.Errorf("%s: %s ahead, want %s", name, got, c.want)
		}
	}
	h := &History{clocks: clocks{chats: map[message.ConversationID]clock{peer: {last: math.MaxUint64}}}}
	if at := h.Judged(peer, now, now); at.UnixMilli() != MaxTime {
		t.Errorf("a chat at the end of time: %s", at)
	}
}
