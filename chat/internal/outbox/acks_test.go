package outbox

import (
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
)

func TestRepeats(t *testing.T) {
	o, now := New(Options{ResendBase: time.Second}), time.Unix(1000, 0)
	someone := key.Public{}
	allowed := func() (n int) {
		for range 100 {
			if o.AcknowledgeAgain(someone, now) {
				n++
			}
		}
		return n
	}
	if n := allowed(); n != repeatsAtOnce {
		t.Errorf("%d at once, want %d", n, repeatsAtOnce)
	}
	if now = now.Add(3 * time.Second); allowed() != 3 {
		t.Error("three seconds give three")
	}
	if now = now.Add(time.Hour); allowed() != repeatsAtOnce {
		t.Error("the bucket is not full after an hour")
	}
	if now = now.Add(-2 * time.Hour); allowed() > repeatsAtOnce {
		t.Error("a clock put back gives too many")
	}
}
