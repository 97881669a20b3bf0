package chat

import (
	"crypto/rand"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
)

// waiting is a client with one row of the outbox that was sent twice, and its row.
func waitingRow(t *testing.T, now time.Time) (*Client, *outboxRow) {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{rand: rand.Reader, settings: Settings{}.withDefaults()}
	r := &outboxRow{mvds: [32]byte{1}, peer: k.Public(), sends: 2, nextSend: now.Add(DefaultResendBase)}
	c.outbox.add(r)
	return c, r
}

// Somebody is heard all the time and acknowledges nothing: what waits for them is sent a
// bounded number of times, and given up when it would have been without.
func TestHurryIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	begin := now
	c, r := waitingRow(t, now)
	sent := 0
	for nextHeard := now; r.sends < datasync.MaxSends || r.quick > 0 || now.Before(r.nextSend); {
		if !now.Before(nextHeard) {
			c.outbox.hurry(device{r.peer, "phone"}, true, false, now, hurryEvery*DefaultResendBase)
			nextHeard = now.Add(hurryEvery * DefaultResendBase)
		}
		if !now.Before(r.nextSend) {
			r.sends, sent = r.sendsThen(), sent+1
			next, quick, scheduled := c.again(*r, now)
			c.outbox.published(sentRow{row: *r, next: next, quick: quick, scheduled: scheduled}, 1)
		}
		now = now.Add(time.Second)
		if now.Sub(begin) > 30*24*time.Hour {
			t.Fatal("it is never given up")
		}
	}
	if most := datasync.MaxSends - 2 + maxHurries*heardSends; sent > most {
		t.Errorf("sent %d times, want %d at most", sent, most)
	}
	if took, want := now.Sub(begin), datasync.GiveUpAfter(DefaultResendBase); (took - want).Abs() > time.Hour {
		t.Errorf("given up after %s, want %s", took, want)
	}
}

// A network that comes and goes each second for a day.
func TestReturnsAreBounded(t *testing.T) {
	var r returning
	begin := time.Unix(1_800_000_000, 0)
	taken := 0
	for i := range 24 * 60 * 60 {
		now := begin.Add(time.Duration(i) * time.Second)
		if r.take(now, DefaultResendBase) {
			taken++
		} else if next := r.next(DefaultResendBase); !next.After(now) {
			t.Fatalf("refused at %s, though there is a token since %s", now, next)
		}
	}
	if most := backAtOnce + int(24*time.Hour/(backEvery*DefaultResendBase)) + 1; taken > most || taken < most/2 {
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
		client, r := waitingRow(t, now)
		r.acked, r.delivered = c.acked, len(c.acked) > 0
		client.outbox.hurry(device{r.peer, c.from}, c.addressed, c.own, now, DefaultResendBase)
		if got := !r.nextSend.After(now); got != c.want {
			t.Errorf("%s: hurried %v", c.what, got)
		}
	}
}
