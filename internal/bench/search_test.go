package bench

import (
	"errors"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
)

// vocabulary is the number of different words in a built store.
const vocabulary = 200_000

// prose returns the text of a message of a built store: about ten words, as frequent as words
// of a language are. It is the same each time.
func prose(i int) string {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	z := rand.NewZipf(r, 1.07, 3, vocabulary-1)
	var b strings.Builder
	for range 4 + r.IntN(12) {
		b.WriteString(word(z.Uint64()))
		b.WriteByte(' ')
	}
	return b.String()
}

// word is the word of a rank: the more frequent, the shorter.
func word(rank uint64) string {
	syllables := []string{"ba", "che", "di", "for", "gu", "ha", "in", "jo", "ku", "lem", "mi", "nor", "o", "pe", "qua", "ras", "su", "tan", "ur", "ve", "wi", "xa", "yl", "zet"}
	n := uint64(len(syllables))
	var b strings.Builder
	for rank++; rank > 0; rank /= n {
		b.WriteString(syllables[(rank*7)%n])
	}
	return b.String()
}

func fileSize(b *testing.B, path string) int64 {
	b.Helper()
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	return info.Size()
}

// indexed has the engine make the index of a store, whose messages it has not seen.
func indexed(b *testing.B, path string) {
	b.Helper()
	st := openStore(b, path, false)
	err := st.Update(func(tx chat.Tx) error { return tx.Delete("search", []byte("s")) }) // what says that there is one
	if err = errors.Join(err, st.Close()); err != nil {
		b.Fatal(err)
	}
	net := newCable()
	net.online = false
	p := openPerson(b, openStore(b, path, false), net)
	start := time.Now()
	for {
		page, err := p.Search(chat.SearchRequest{Query: "nothing"})
		if err != nil {
			b.Fatal(err)
		}
		if page.Complete {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	b.Logf("the index was made in %v", time.Since(start).Round(time.Millisecond))
	if err := p.Close(); err != nil {
		b.Fatal(err)
	}
}

// searches are the queries that are measured, by the names of their rows.
var searches = []struct{ name, query string }{
	{"search-common", `"` + word(0) + `"`},
	{"search-word", `"` + word(100) + `"`},
	{"search-rare", `"` + word(20_000) + `"`},
	{"search-none", `"nosuchword"`},
	{"search-prefix", "b"},
	{"search-prefixes", "c* d"},
	{"search-and", word(3) + " " + word(7) + " " + word(30) + " " + word(60) + " " + word(200)},
	{"search-phrase", `"` + word(0) + " " + word(1) + " " + word(2) + `"`},
	{"search-no-phrase", `"` + word(2) + " " + word(2) + " " + word(2) + " " + word(2) + `"`},
}

// BenchmarkSearch finds a page of 50 messages, and people by their names.
func BenchmarkSearch(b *testing.B) {
	for _, s := range searches {
		b.Run(s.name, func(b *testing.B) {
			onBoth(b, s.name, func(b *testing.B, name string, size size) {
				p := size.open(b, false, false)
				r := chat.SearchRequest{Query: s.query, PageRequest: chat.PageRequest{Limit: 50}}
				page, err := p.Search(r) // the first one reads the names of people
				if err != nil || !page.Complete {
					b.Fatal(page.Complete, err)
				}
				w := newStopwatch(b)
				w.start()
				for range b.N {
					if page, err = p.Search(r); err != nil {
						b.Fatal(err)
					}
				}
				w.stop()
				w.done(name, b.N)
				b.Logf("%s: %d messages, more %v", name, len(page.Items), page.Next != "")
			})
		})
	}
}
