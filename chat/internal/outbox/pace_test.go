package outbox

import (
	"testing"
	"time"

	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
)

// The wait before the first resend follows the round trips of somebody who is there, within
// bounds, and nobody else's.
func TestWaitFollowsThePeer(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		what  string
		took  []time.Duration
		later time.Duration // after they were heard
		least time.Duration
		most  time.Duration
	}{
		{"nothing measured", nil, 0, base, base},
		{"fast", []time.Duration{time.Second, time.Second, 900 * time.Millisecond}, 0, minWait, minWait},
		{"slow", []time.Duration{9 * time.Second, 8 * time.Second, 10 * time.Second, 9 * time.Second, 9 * time.Second}, 0, 10 * time.Second, 20 * time.Second},
		{"very slow", []time.Duration{26 * time.Second, 20 * time.Second}, 0, base, base},
		{"once very late, as we were away", []time.Duration{time.Second, time.Second, time.Hour}, 0, minWait, minWait},
		{"by a clock that was set back", []time.Duration{time.Second, -time.Hour}, 0, minWait, minWait},
		{"nothing but that", []time.Duration{time.Hour, -time.Hour}, 0, base, base},
		{"fast, but not heard for long", []time.Duration{time.Second}, presentFor * base, base, base},
		{"irregular", []time.Duration{time.Second, 6 * time.Second, time.Second, 6 * time.Second}, 0, 8 * time.Second, base},
	} {
		o := New(Options{ResendBase: base})
		peer := key.Public{}
		o.present(peer, begin)
		for _, took := range c.took {
			o.measured(peer, took)
		}
		if got := o.wait(peer, begin.Add(c.later)); got < c.least || got > c.most {
			t.Errorf("%s: %s, want %s to %s", c.what, got, c.least, c.most)
		}
		if quick := New(Options{ResendBase: time.Second}); quick.wait(peer, begin) != time.Second {
			t.Error("a host chose a shorter wait")
		}
	}
}

// Of what was sent again nobody knows which sending was acknowledged.
func TestOnlyWhatWasSentOnceIsMeasured(t *testing.T) {
	at := time.Unix(1_800_000_000, 0)
	for what, c := range map[string]struct {
		row  row
		want time.Time
	}{
		"sent once":            {row{sends: 1, at: stage{out, 1}, sent: &Sent{At: at}}, at},
		"sent twice":           {row{sends: 2, at: stage{out, 2}, sent: &Sent{At: at}}, time.Time{}},
		"being sent again":     {row{sends: 2, at: stage{inAttempt, 2}, sent: &Sent{At: at}}, time.Time{}},
		"hurried":              {row{sends: 1, at: stage{out, 2}, sent: &Sent{At: at}, due: schedule{extra: 1}}, time.Time{}},
		"hurried just now":     {row{sends: 1, at: stage{inAttempt, 2}, sent: &Sent{At: at}}, time.Time{}},
		"in no history":        {row{sends: 1, at: stage{out, 1}}, time.Time{}},
		"not published so far": {row{sends: 1, at: stage{inAttempt, 1}}, time.Time{}},
	} {
		if got := c.row.onlySent(); got != c.want {
			t.Errorf("%s: %s", what, got)
		}
	}
}

// silentRow is a row of somebody who is silent, sent by its schedule a number of times.
func silentRow(t *testing.T, now time.Time, sends int) (*Outbox, *row) {
	t.Helper()
	o, r := sentTwice(t, now)
	r.sends, r.safely = sends, true
	return o, r
}

// What is in the store skips most of its schedule, and is given up when it would have been.
func TestSkipKeepsTheSchedule(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	begin := now.Add(-base) // of the first sending
	o, r := silentRow(t, now, 2)
	sent := 2
	for n := range 100 {
		at := &attempt{id: uint64(n + 2), rows: []attemptRow{{r.mvds, r.number, r.sends}}}
		if n > 0 {
			if r.sends >= datasync.MaxSends {
				break
			}
			sent++
			at.rows[0].sends++
		}
		if !o.rows.stored(at) || !o.rows.published(o.dueAgain(*r, now), at.id) {
			t.Fatalf("the row is %s, and cannot be sent", r.at.state)
		}
		now = r.due.next
	}
	if sent != 6 {
		t.Errorf("sent %d times, want 6", sent)
	}
	if took, want := now.Sub(begin), datasync.GiveUpAfter(base); (took - want).Abs() > time.Hour {
		t.Errorf("given up after %s, want %s", took, want)
	}
}

// Nothing is skipped for somebody who is there, is being sent to because they are back, or
// may just have missed the first sending.
func TestSkip(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		what   string
		change func(o *Outbox, r *row)
		want   int
	}{
		{"silent", func(*Outbox, *row) {}, skipTo},
		{"there", func(o *Outbox, r *row) { o.present(r.peer, now) }, 2},
		{"there long ago", func(o *Outbox, r *row) { o.present(r.peer, now.Add(-presentFor*base)) }, skipTo},
		{"only some nodes have it", func(_ *Outbox, r *row) { r.safely = false }, 2},
		{"hurried", func(_ *Outbox, r *row) { r.due.quick = 1 }, 2},
		{"its first sending", func(_ *Outbox, r *row) { r.sends = 1 }, 1},
		{"its first sending, after another message", func(o *Outbox, r *row) { r.sends = 1; o.silent(r.peer) }, skipTo},
		{"and heard since", func(o *Outbox, r *row) { r.sends = 1; o.silent(r.peer); o.present(r.peer, now.Add(-time.Hour)) }, 1},
		{"late", func(_ *Outbox, r *row) { r.sends = 13 }, 13},
	} {
		o, r := silentRow(t, now, 2)
		c.change(o, r)
		if got, _ := o.skip(*r, now); got != c.want {
			t.Errorf("%s: counts as sent %d times, want %d", c.what, got, c.want)
		}
	}
}

// What got lost goes again at once, a few times, in place of the next sendings.
func TestHastenLost(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	o, r := sentTwice(t, now)
	regular := now
	for n := range maxHastened + 2 {
		at := &attempt{id: uint64(n + 2), rows: []attemptRow{{r.mvds, r.number, r.sends + 1}}}
		if !o.rows.stored(at) || !o.rows.published(o.dueAgain(*r, now), at.id) {
			t.Fatalf("the row is %s, and cannot be sent", r.at.state)
		}
		regular = regular.Add(base << (r.sends - 1))
		if late := r.due.next.Sub(regular); late < -time.Second || late > time.Duration(n+2)*base {
			t.Fatalf("sending %d is due %s late", r.sends+1, late)
		}
		now = now.Add(time.Second)
		due := r.due.next
		r.hastenLost(now)
		if hastened := r.due.next.Equal(now); hastened != (n < maxHastened) {
			t.Errorf("loss %d: hastened %v", n+1, hastened)
		}
		if n >= maxHastened {
			now = due
		}
	}
}

// What goes out early with others: what is due soon by the schedule, and a part of a long
// wait, but not what may be acknowledged any moment.
func TestComesAlong(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		wait, left time.Duration
		want       bool
	}{
		{0, 0, true}, {0, base / 2, true}, {0, base, false},
		{base, base / 2, true}, {base, base/2 + 1, false}, {base + base/3, base / 2, true},
		{minWait, 0, true}, {minWait, minWait / 2, false}, {minWait, minWait / alongShare, true},
		{time.Hour, base / 2, true}, {time.Hour, 7 * time.Minute, true}, {time.Hour, 8 * time.Minute, false},
		{10 * 24 * time.Hour, 24 * time.Hour, true}, {10 * 24 * time.Hour, 31 * time.Hour, false},
	} {
		r := row{due: schedule{next: now.Add(c.left), wait: c.wait}}
		if got := !r.comesAlong(base / 2).After(now); got != c.want {
			t.Errorf("%s before the end of a wait of %s: %v", c.left, c.wait, got)
		}
	}
}
