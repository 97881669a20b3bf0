package outbox

import (
	"testing"
	"time"
)

// Which state may follow which, and that a row goes out by the attempt it is in.
func TestStages(t *testing.T) {
	for _, c := range []struct {
		from    stage
		next    state
		attempt uint64
		want    bool
	}{
		{stage{waiting, 0}, inAttempt, 1, true},
		{stage{waiting, 0}, out, 1, false},
		{stage{waiting, 0}, waiting, 1, false},
		{stage{waiting, 0}, inAttempt, 0, false},
		{stage{inAttempt, 1}, out, 1, true},
		{stage{inAttempt, 1}, out, 2, false},
		{stage{inAttempt, 1}, inAttempt, 2, false},
		{stage{inAttempt, 1}, waiting, 1, false},
		{stage{out, 1}, inAttempt, 2, true},
		{stage{out, 1}, out, 1, false},
		{stage{out, 1}, waiting, 1, false},
	} {
		got, ok := c.from.enter(c.next, c.attempt)
		if ok != c.want || ok && got != (stage{c.next, c.attempt}) || !ok && got != c.from {
			t.Errorf("%s by attempt %d, then %s by %d: %+v, %v", c.from.state, c.from.attempt, c.next, c.attempt, got, ok)
		}
	}
}

// An attempt that is on its way while its message is cancelled and tried again says nothing
// about the row that the message has then.
func TestAttemptOfAnEarlierRow(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	o, r := sentTwice(t, now)
	at := &attempt{id: 2, rows: []attemptRow{{r.mvds, r.number, r.sends + 1}}}
	if !o.rows.stored(at) {
		t.Fatal("a row that is out cannot be sent again")
	}
	o.rows.remove(r.mvds)
	again := &row{mvds: r.mvds, number: r.number + 1, peer: r.peer, due: schedule{next: now}}
	o.rows.add(again)
	if in := o.rows.in(at); len(in) != 0 {
		t.Errorf("the attempt has %d rows", len(in))
	}
	if !o.rows.published(publishedRow{row: *r, next: now.Add(base)}, at.id) || again.at != (stage{}) || again.due.next != now {
		t.Errorf("the row is %s after an attempt it was not in", again.at.state)
	}
}
