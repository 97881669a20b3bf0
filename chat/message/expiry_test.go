package message_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// TestTimersConverge: whatever timers two sides have seen, and in whatever order, the same
// one is in force on both.
func TestTimersConverge(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		seen := make([]message.Timer, 1+r.IntN(6))
		for i := range seen {
			seen[i] = message.Timer{Seconds: r.Uint32N(4), Clock: r.Uint64N(4)}
		}
		end := func() (in message.Timer) {
			for _, timer := range seen {
				if timer.Over(in) {
					in = timer
				}
			}
			return in
		}
		one := end()
		r.Shuffle(len(seen), func(i, j int) { seen[i], seen[j] = seen[j], seen[i] })
		if other := end(); other != one {
			t.Fatalf("%v in another order end as %v and %v", seen, one, other)
		}
	}
}

// TestTimerAtTheSameClock: the timer that erases sooner wins.
func TestTimerAtTheSameClock(t *testing.T) {
	off, short, long := message.Timer{Clock: 7}, message.Timer{Seconds: 5, Clock: 7}, message.Timer{Seconds: 9, Clock: 7}
	for _, pair := range [][2]message.Timer{{short, long}, {short, off}, {long, off}} {
		if !pair[0].Over(pair[1]) || pair[1].Over(pair[0]) {
			t.Errorf("%v is not over %v", pair[0], pair[1])
		}
	}
	if off.Over(off) || short.Over(short) {
		t.Error("a timer is over itself")
	}
}

func TestParseTimer(t *testing.T) {
	const latest = 1000
	for _, c := range []struct {
		name           string
		seconds        uint32
		set, messageAt uint64
		want           message.Timer
		ok             bool
	}{
		{"as it should be", 60, 500, 900, message.Timer{Seconds: 60, Clock: 500}, true},
		{"off", 0, 500, 900, message.Timer{Clock: 500}, true},
		{"set by this message", 60, 900, 900, message.Timer{Seconds: 60, Clock: 900}, true},
		{"never set", 60, 0, 900, message.Timer{Seconds: 60}, false},
		{"after its message", 60, 901, 900, message.Timer{Seconds: 60, Clock: 901}, false},
		{"after all that is believed", 60, 1001, 5000, message.Timer{Seconds: 60, Clock: 1001}, false},
		{"at the end of time", 60, math.MaxUint64, math.MaxUint64, message.Timer{Seconds: 60, Clock: math.MaxUint64}, false},
		{"for ever", math.MaxUint32, 500, 900, message.Timer{Seconds: message.MaxExpiry, Clock: 500}, true},
	} {
		cm := &wire.ChatMessage{Clock: c.messageAt, ExpiryTimer: &wire.ExpiryTimer{Seconds: c.seconds, Clock: c.set}}
		if got, ok := message.ParseTimer(cm, latest); got != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v", c.name, got, ok)
		}
	}
	if timer, ok := message.ParseTimer(&wire.ChatMessage{Clock: 900}, latest); ok {
		t.Errorf("a message without a timer has %v", timer)
	}
	if message.NewTimer(message.Timer{}) != nil {
		t.Error("a timer that nobody has set is sent")
	}
}

func TestExpiresAt(t *testing.T) {
	now := time.UnixMilli(1_000_000)
	for _, c := range []struct {
		name    string
		clock   uint64
		seconds uint32
		want    int64
	}{
		{"never", 900_000, 0, 0},
		{"written before", 900_000, 60, 960_000},
		{"written now", 1_000_000, 60, 1_060_000},
		{"by a clock that is ahead", 2_000_000, 60, 1_060_000},
		{"at the end of time", math.MaxUint64, 1, 1_001_000},
		{"at the beginning", 1, 1, 1001},
		{"the longest", 1_000_000, message.MaxExpiry, 1_000_000 + 1000*message.MaxExpiry},
	} {
		if got := message.ExpiresAt(c.clock, c.seconds, now); got != c.want {
			t.Errorf("%s: %d, not %d", c.name, got, c.want)
		}
	}
	if got := message.ExpiresAt(5, 1, time.UnixMilli(-9)); got != 1000 {
		t.Errorf("before 1970: %d", got)
	}
}

func TestExpiryOf(t *testing.T) {
	if got := message.ExpiryOf(&wire.ChatMessage{ExpiresIn: math.MaxUint32}); got != message.MaxExpiry {
		t.Errorf("for ever is %d s", got)
	}
	if got := message.ExpiryOf(&wire.ChatMessage{ExpiresIn: 9, ContentType: wire.ChatMessage_CONTACT_REQUEST}); got != 0 {
		t.Errorf("a contact request goes after %d s", got)
	}
}
