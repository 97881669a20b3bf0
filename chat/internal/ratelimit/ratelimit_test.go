package ratelimit

import (
	"testing"
	"time"
)

var rate = Rate{AtOnce: 3, Every: time.Minute}

func TestBucketBounds(t *testing.T) {
	var b Bucket
	begin := time.Unix(1_800_000_000, 0)
	taken := 0
	for s := range 60 * 60 {
		now := begin.Add(time.Duration(s) * time.Second)
		if b.Allow(now, rate) {
			taken++
		} else if next := b.Next(rate); !next.After(now) {
			t.Fatalf("refused at %s, though there is a token since %s", now, next)
		}
	}
	if taken < 60 || taken > 60+rate.AtOnce {
		t.Errorf("%d tokens in an hour", taken)
	}
	if b.Return(); !b.Take(rate.AtOnce) {
		t.Error("a token that was given back is gone")
	}
}

// A clock that is set back gives no tokens, and takes no longer to give the next one.
func TestClockSetBack(t *testing.T) {
	var b Bucket
	now := time.Unix(1_800_000_000, 0)
	for b.Allow(now, rate) {
	}
	now = now.Add(-24 * time.Hour)
	if b.Allow(now, rate) {
		t.Error("setting the clock back has given a token")
	}
	if now = now.Add(rate.Every); !b.Allow(now, rate) {
		t.Error("no token after the wait for one")
	}
	if b.Allow(now, rate) {
		t.Error("two tokens after the wait for one")
	}
}

func TestKeyed(t *testing.T) {
	k, now := NewKeyed[string](rate, 2), time.Unix(1_800_000_000, 0)
	for i := range rate.AtOnce + 1 {
		if got := k.Allow("one", now); got != (i < rate.AtOnce) {
			t.Errorf("token %d of one: %v", i, got)
		}
	}
	if !k.Allow("other", now) {
		t.Error("one has used up the tokens of another")
	}
	if k.Allow("one", now) || !k.Allow("one", now.Add(rate.Every)) {
		t.Error("the bucket of one is not what it was")
	}
}
