package search

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/wire"
)

// streamTexts are the texts of BenchmarkStream, by their kind: prose has words as often as a
// language has them.
func streamTexts(kind string) func(i int) string {
	r := rand.New(rand.NewPCG(1, 2))
	z := rand.NewZipf(r, 1.1, 3, 20_000)
	return func(i int) string {
		if kind == "long word" { // as in internal/bench
			return fmt.Sprintf("%08d ", i) + strings.Repeat("x", 1015)
		}
		words := make([]string, 12+r.IntN(40))
		for w := range words {
			words[w] = fmt.Sprintf("w%dord", z.Uint64())
		}
		if s := strings.Join(words, " "); kind == "prose" {
			return s
		}
		return "it’s " + strings.Join(words, " ") + " 👍"
	}
}

// BenchmarkStream has messages come in, 64 in a transaction, and the index work as they come. It
// counts the index only: ns/op is for a message.
func BenchmarkStream(b *testing.B) {
	const together = 64
	for _, kind := range []string{"long word", "prose", "quotes"} {
		b.Run(kind, func(b *testing.B) {
			k := newBook(b, filepath.Join(b.TempDir(), "stream.db"), usual)
			k.work(4)
			text := streamTexts(kind)
			b.ReportAllocs()
			b.ResetTimer()
			for n := 0; n < b.N; n += together {
				b.StopTimer()
				var all []*wire.MessageRecord
				for i := range together {
					all = append(all, message(uint64(n+i), uint64(1000+n+i), 1, 1+i%2, text(n+i)))
				}
				if err := k.ledger.Update(func(tx *ledger.Tx) error {
					for _, m := range all {
						if err := put(tx, k.Index, nil, m); err != nil {
							return err
						}
					}
					return nil
				}); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				for !k.Due(&ledger.Turn{Now: now}).IsZero() {
					if err := k.Work(&ledger.Turn{Now: now}); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}
