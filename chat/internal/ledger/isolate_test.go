package ledger_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/port"
)

// What cannot be stored is found and left out; the rest is done, in its order.
func TestIsolated(t *testing.T) {
	bad := map[int]bool{3: true, 7: true, 8: true}
	var done, dropped []int
	n, err := ledger.Isolated([]int{1, 2, 3, 4, 5, 6, 7, 8, 9}, func(some []int) error {
		if slices.ContainsFunc(some, func(i int) bool { return bad[i] }) {
			return errors.New("too large")
		}
		done = append(done, some...)
		return nil
	}, func(i int, _ error) { dropped = append(dropped, i) })
	if err != nil || n != 9 || !slices.Equal(done, []int{1, 2, 4, 5, 6, 9}) || !slices.Equal(dropped, []int{3, 7, 8}) {
		t.Errorf("%d, %v: done %v, dropped %v", n, err, done, dropped)
	}
}

// A store that cannot be written ends it; what was done before stays done.
func TestIsolatedStopsAtTheStore(t *testing.T) {
	var done []int
	n, err := ledger.Isolated([]int{1, 2, 3, 4}, func(some []int) error {
		switch {
		case len(some) == 4:
			return errors.New("too large")
		case slices.Contains(some, 3):
			return port.Errorf(port.CodeStoreIO, "", "the disk is full")
		}
		done = append(done, some...)
		return nil
	}, func(i int, _ error) { t.Errorf("%d is dropped", i) })
	if n != 2 || port.CodeOf(err) != port.CodeStoreIO || !slices.Equal(done, []int{1, 2}) {
		t.Errorf("%d, %v: done %v", n, err, done)
	}
}

func TestUnstorable(t *testing.T) {
	for want, err := range map[string]error{
		"store": port.Errorf(port.CodeStoreCorrupt, "", "damaged"), "too_large": port.Errorf(port.CodeTooLarge, "", "large"),
		"internal": errors.New("a defect"),
	} {
		if got := ledger.Unstorable(err); got != want || ledger.Passing(err) {
			t.Errorf("%v counts as %q, not %q", err, got, want)
		}
	}
}

// A pause doubles from one failure to the next, up to a minute, and follows the clock.
func TestPause(t *testing.T) {
	now := time.UnixMilli(1_800_000_000_000)
	var p ledger.Pause
	for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
		p.Failed(now)
		if got := p.Until.Sub(now); got != want*time.Second || !p.Lasts(now) || p.Lasts(p.Until) {
			t.Errorf("a pause of %v, not %v s", got, want)
		}
	}
	p.Shift(-time.Hour)
	if p.Lasts(now) {
		t.Error("it lasts after the clock was set back")
	}
	p.End()
	p.Shift(time.Hour)
	if p.Lasts(now) || !p.Until.IsZero() {
		t.Error("it has not ended")
	}
}
