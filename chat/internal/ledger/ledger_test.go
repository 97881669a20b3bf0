package ledger_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/store"
)

func open(t *testing.T) *ledger.Ledger {
	t.Helper()
	s := store.Memory()
	l := ledger.New(ledger.Options{
		Store: s, Now: time.Now, MaxEvents: 1000, MaxEventBytes: 1 << 20,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(value any, _ []byte) string { t.Errorf("a panic: %v", value); return "" },
	})
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return l
}

// next reads an event that is there, or nothing.
func next(t *testing.T, l *ledger.Ledger) *event.Delivered {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // what can be read is read all the same
	e, err := l.Events.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// An event is not read before the memory that goes with it has changed, neither after a
// later transaction, whose own was faster, nor by a reader that is at the store already.
func TestEventsComeAfterMemory(t *testing.T) {
	l := open(t)
	emit := func(after func()) error {
		return l.Update(func(tx *ledger.Tx) error {
			tx.After(after)
			return tx.Emit(event.MessageState{State: "sent"})
		})
	}
	if err := emit(func() {}); err != nil {
		t.Fatal(err)
	}
	holding, release, finished := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() { finished <- emit(func() { close(holding); <-release }) }()
	<-holding
	if err := emit(func() {}); err != nil {
		t.Fatal(err)
	}
	if e := next(t, l); e == nil || e.Seq != 1 {
		t.Errorf("the first event is %+v", e)
	}
	if e := next(t, l); e != nil {
		t.Errorf("%+v was read before its memory had changed", e)
	}
	close(release)
	if err := <-finished; err != nil {
		t.Fatal(err)
	}
	for want := uint64(2); want <= 3; want++ {
		if e := next(t, l); e == nil || e.Seq != want {
			t.Errorf("event %d is %+v", want, e)
		}
	}
}

// A transaction that fails after it has emitted holds up nobody, and leaves nothing.
func TestFailedTransaction(t *testing.T) {
	l := open(t)
	var did []string
	refused := errors.New("refused")
	err := l.Update(func(tx *ledger.Tx) error {
		tx.After(func() { did = append(did, "after") })
		tx.Otherwise(func() { did = append(did, "otherwise") })
		tx.AtEnd(func() error { return refused })
		return tx.Emit(event.MessageState{State: "sent"})
	})
	if !errors.Is(err, refused) || !slices.Equal(did, []string{"otherwise"}) {
		t.Errorf("%v, and did %q", err, did)
	}
	if e := next(t, l); e != nil {
		t.Errorf("%+v was emitted by a transaction that failed", e)
	}
	if err := l.Update(func(tx *ledger.Tx) error { return tx.Emit(event.MessageState{State: "delivered"}) }); err != nil {
		t.Fatal(err)
	}
	if e := next(t, l); e == nil {
		t.Error("the next event does not come")
	}
}

// A value is kept for the length of one transaction, and written once at its end.
func TestLocal(t *testing.T) {
	type count struct{}
	l, written := open(t), 0
	for range 2 {
		err := l.Update(func(tx *ledger.Tx) error {
			for want := range 3 {
				n, first := ledger.Local[int](tx, count{})
				if first {
					tx.AtEnd(func() error { written += *n; return nil })
				}
				if *n != want {
					t.Errorf("%d is kept, want %d", *n, want)
				}
				*n++
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if written != 6 {
		t.Errorf("%d was written", written)
	}
}
