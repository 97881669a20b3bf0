package outbox

import (
	"crypto/rand"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ratelimit"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
)

// base is the wait before the first resend: the default of the engine.
const base = datasync.DefaultBase

// sentTwice is an outbox with one row that was sent twice, and its row.
func sentTwice(t *testing.T, now time.Time) (*Outbox, *row) {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	o := New(Options{Rand: rand.Reader, ResendBase: base})
	r := &row{mvds: [32]byte{1}, peer: k.Public(), sends: 2, at: stage{out, 1}, due: schedule{next: now.Add(base), wait: base}}
	o.rows.add(r)
	return o, r
}

// Somebody is heard all the time and acknowledges nothing: what waits for them is sent a
// bounded number of times, and given up when it would have been without.
func TestHurryIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	begin := now
	o, r := sentTwice(t, now)
	sent := 0
	for nextHeard := now; r.sends < datasync.MaxSends || r.due.quick > 0 || now.Before(r.due.next); {
		if !now.Before(nextHeard) {
			o.rows.hurry(Device{r.peer, "phone"}, true, false, now, hurryEvery*base)
			nextHeard = now.Add(hurryEvery * base)
		}
		if !now.Before(r.due.next) {
			sent++
			at := &attempt{id: uint64(sent), rows: []attemptRow{{r.mvds, r.number, r.sendsThen()}}}
			if !o.rows.stored(at) || !o.rows.published(o.dueAgain(*r, now), at.id) {
				t.Fatalf("the row is %s, and cannot be sent", r.at.state)
			}
		}
		now = now.Add(time.Second)
		if now.Sub(begin) > 30*24*time.Hour {
			t.Fatal("it is never given up")
		}
	}
	if most := datasync.MaxSends - 2 + maxHurries*heardSends; sent > most {
		t.Errorf("sent %d times, want %d at most", sent, most)
	}
	if took, want := now.Sub(begin), datasync.GiveUpAfter(base); (took - want).Abs() > time.Hour {
		t.Errorf("given up after %s, want %s", took, want)
	}
}

// A network that comes and goes each second for a day.
func TestReturnsAreBounded(t *testing.T) {
	var r ratelimit.Bucket
	rate := backRate(base)
	begin := time.Unix(1_800_000_000, 0)
	taken := 0
	for i := range 24 * 60 * 60 {
		now := begin.Add(time.Duration(i) * time.Second)
		if r.Allow(now, rate) {
			taken++
		} else if next := r.Next(rate); !next.After(now) {
			t.Fatalf("refused at %s, though there is a token since %s", now, next)
		}
	}
	if most := backAtOnce + int(24*time.Hour/(backEvery*base)) + 1; taken > most || taken < most/2 {
		t.Errorf("came back %d times, want about %d", taken, most)
	}
}

// What one device has acknowledged is hurried only for another one that lacks it.
func TestHurryForADevice(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		what           string
		acked          []string
		from           string
		addressed, own bool
		want           bool
	}{
		{"nobody has it", nil, "a", true, false, true},
		{"of a device that is not addressed, perhaps soon", nil, "a", false, false, true},
		{"it has it", []string{"a"}, "a", true, false, false},
		{"another one has it", []string{"a"}, "b", true, false, true},
		{"another one has it, and it is not addressed", []string{"a"}, "b", false, false, false},
		{"an own device that is disabled", nil, "a", false, true, false},
		{"an own device", nil, "a", true, true, true},
	} {
		o, r := sentTwice(t, now)
		r.acked, r.delivered = c.acked, len(c.acked) > 0
		o.rows.hurry(Device{r.peer, c.from}, c.addressed, c.own, now, base)
		if got := !r.due.next.After(now); got != c.want {
			t.Errorf("%s: hurried %v", c.what, got)
		}
	}
}
