package history

import (
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// BenchmarkClear clears a chat of 100,000 messages in a file: the call, and then the erasing.
func BenchmarkClear(b *testing.B) {
	const many, together = 100_000, 1000
	for range b.N {
		b.StopTimer()
		k := make([]byte, 32)
		_, _ = rand.Read(k)
		s, err := store.Open(store.Options{Path: filepath.Join(b.TempDir(), "clear.db"), Key: k})
		if err != nil {
			b.Fatal(err)
		}
		l := ledger.New(ledger.Options{
			Store: s, Now: func() time.Time { return now }, MaxEvents: 1000, MaxEventBytes: 1 << 20,
			Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false }, Withheld: func() {},
		})
		if err := l.Load(); err != nil {
			b.Fatal(err)
		}
		h := New(Options{Ledger: l, Now: l.Now, Outbox: nobody{}, People: nobody{}})
		_, in := friend(b, 1)
		for n := 0; n < many; n += together {
			if err := l.Update(func(tx *ledger.Tx) error {
				for i := range together {
					m := &wire.MessageRecord{
						Id: append(make([]byte, 24), ledger.NumberKey(uint64(n+i))...), Chat: in.Bytes(), Kind: "text", Text: "a message of some words", State: string(Received),
						Clock: Millis(now) - many + uint64(n+i),
					}
					if err := h.Add(tx, m); err != nil {
						return err
					}
				}
				return nil
			}); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
		began := time.Now()
		var c event.Chat
		if c, err = h.Clear(in); err != nil || c.Messages != 0 {
			b.Fatal(c, err)
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms/call")
		steps := 0
		for ; c.Clearing > 0; steps++ {
			if err := h.Work(nil); err != nil {
				b.Fatal(err)
			}
			if c, err = h.OneChat(in); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(time.Since(began).Milliseconds())/float64(steps), "ms/step")
		b.StopTimer()
		_ = s.Close()
	}
}
