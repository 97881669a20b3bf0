package agree

import (
	"errors"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// TestReturnsAreBounded: a device that says again and again that it was away for long has
// everything told once a day, by our clock, also after that was set back; and what failed to be
// stored does not count.
func TestReturnsAreBounded(t *testing.T) {
	s := store.Memory()
	t.Cleanup(func() { _ = s.Close() })
	now := time.UnixMilli(1_800_000_000_000)
	l := ledger.New(ledger.Options{
		Store: s, Now: func() time.Time { return now }, MaxEvents: 100, MaxEventBytes: 1 << 20,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false }, Withheld: func() {},
		Panicked: func(value any, _ []byte) string { t.Errorf("a panic: %v", value); return "" },
	})
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	a := New(Host{Ledger: l, Wake: func() {}})
	returns := func(fails bool) {
		err := l.Update(func(tx *ledger.Tx) error {
			if err := a.TellReturned(tx, now); err != nil {
				return err
			}
			if fails {
				return errors.New("the store is full")
			}
			return nil
		})
		if (err != nil) != fails {
			t.Fatal(err)
		}
	}
	told := func() uint64 {
		var rec wire.AgreedRecord
		if _, err := l.Get(tableAgreed, []byte(all), &rec); err != nil {
			t.Fatal(err)
		}
		return rec.GetChanges()
	}
	step := func(by time.Duration, want uint64) {
		t.Helper()
		now = now.Add(by)
		if by < 0 {
			a.ShiftClock(nil, by)
		}
		for range 5 {
			returns(false)
		}
		if n := told(); n != want {
			t.Fatalf("everything was told %d times, want %d", n, want)
		}
	}
	returns(true)
	step(0, 1)
	step(returnsEvery-time.Second, 1)
	step(time.Second, 2)
	step(-1000*time.Hour, 2)
	step(returnsEvery, 3)
}
