package search

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text/words"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

var now = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

const (
	messages port.Table = "messages"
	chats    port.Table = "chats"
)

// book is an index with the messages that are in it, as a history has them.
type book struct {
	*Index
	t      testing.TB
	path   string // of the store; "" in memory
	opened port.Store
	ledger *ledger.Ledger
	bounds bounds
	// model are the messages that are there.
	model map[port.Position]*wire.MessageRecord
}

func newBook(t testing.TB, path string, b bounds) *book {
	t.Helper()
	k := &book{t: t, path: path, bounds: b, model: map[port.Position]*wire.MessageRecord{}}
	k.open()
	return k
}

// open opens the store, again if it was open.
func (k *book) open() {
	k.t.Helper()
	if k.path != "" || k.opened == nil {
		if k.opened != nil {
			if err := k.opened.Close(); err != nil {
				k.t.Fatal(err)
			}
		}
		var err error
		if k.opened, err = openStore(k.path); err != nil {
			k.t.Fatal(err)
		}
		k.t.Cleanup(func() { _ = k.opened.Close() })
	}
	k.ledger, k.Index = newIndex(k.opened)
	k.Index.bounds = k.bounds
	if err := k.ledger.View(k.Load); err != nil {
		k.t.Fatal(err)
	}
}

func openStore(path string) (port.Store, error) {
	if path == "" {
		return store.Memory(), nil
	}
	return store.Open(store.Options{Path: path, Key: bytes.Repeat([]byte{7}, 32), NoSync: true})
}

func newIndex(st port.Store) (*ledger.Ledger, *Index) {
	l := ledger.New(ledger.Options{
		Store: st, Now: func() time.Time { return now }, MaxEvents: 10, MaxEventBytes: 1000,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(any, []byte) string { return "" },
	})
	return l, New(Options{
		Ledger: l, Now: func() time.Time { return now }, Log: silent{}, Messages: messages, Chats: chats,
		Hidden: func(rec *wire.MessageRecord) bool { return rec.GetThreadId() == "hidden" }, Wake: func() {},
	})
}

type silent struct{}

func (silent) Log(string, string, ...any) {}

// id32of is an id that is the same each time.
func id32of(n uint64) (id [32]byte) {
	binary.BigEndian.PutUint64(id[:], n*0x9e3779b97f4a7c15)
	binary.BigEndian.PutUint64(id[24:], n+1)
	return id
}

func chatID(n int) []byte { return append([]byte{1}, bytes.Repeat([]byte{byte(n)}, 33)...) }
func author(n int) []byte { return bytes.Repeat([]byte{byte(n)}, 33) }

// message makes a message.
func message(n, clock uint64, chat, from int, text string) *wire.MessageRecord {
	id := id32of(n)
	return &wire.MessageRecord{Id: id[:], Clock: clock, Chat: chatID(chat), From: author(from), Text: text}
}

// put adds a message or changes it, as the history does; without a text it is deleted.
func put(tx *ledger.Tx, x *Index, before, after *wire.MessageRecord) error {
	if before == nil {
		if _, err := tx.Insert(after.GetChat(), placeOf(after)); err != nil {
			return err
		}
		if err := tx.Put(chats, after.GetChat(), []byte("chat")); err != nil {
			return err
		}
	}
	if after == nil {
		if err := tx.Remove(before.GetChat(), placeOf(before)); err != nil {
			return err
		}
		if err := tx.Delete(messages, before.GetId()); err != nil {
			return err
		}
	} else if err := ledger.Put(tx, messages, after.GetId(), after); err != nil {
		return err
	}
	return x.Watch(tx, before, after)
}

// put changes several messages in one transaction, in the store and in the model.
func (k *book) put(changes ...[2]*wire.MessageRecord) {
	k.t.Helper()
	err := k.ledger.Update(func(tx *ledger.Tx) error {
		for _, c := range changes {
			if err := put(tx, k.Index, c[0], c[1]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	for _, c := range changes {
		if c[0] != nil {
			delete(k.model, placeOf(c[0]))
		}
		if c[1] != nil {
			k.model[placeOf(c[1])] = c[1]
		}
	}
}

func (k *book) add(all ...*wire.MessageRecord) {
	k.t.Helper()
	for some := range slices.Chunk(all, 500) {
		var list [][2]*wire.MessageRecord
		for _, m := range some {
			list = append(list, [2]*wire.MessageRecord{nil, m})
		}
		k.put(list...)
	}
}

// work does so many steps; a negative number is all there are.
func (k *book) work(steps int) {
	k.t.Helper()
	turn := &ledger.Turn{Now: now}
	for i := 0; !k.Due(turn).IsZero() && i != steps; i++ {
		if err := k.Work(turn); err != nil {
			k.t.Fatal(err)
		}
		if i > 1e5 {
			k.t.Fatal("the work does not end")
		}
	}
}

// sound checks the store and the index, of which no term may be left that no message has.
func (k *book) sound() {
	k.t.Helper()
	err := k.ledger.View(func(tx port.Tx) error {
		if err := k.Check(ledger.NewWalk(context.Background(), tx, func(problem string) { k.t.Error(problem) })); err != nil {
			return err
		}
		if k.broken.Load() {
			k.t.Error("the index is broken")
		}
		live := map[string]bool{"": true}
		for _, m := range k.model {
			for _, term := range words.Terms(textOf(m)) {
				live[term] = true
			}
		}
		return eachTerm(tx, func(term string) {
			if !live[term] && term[0] > 2 {
				k.t.Errorf("the term %q is left", term)
			}
		})
	})
	if err != nil {
		k.t.Fatal(err)
	}
}

// eachTerm visits all terms that stand in the index.
func eachTerm(tx port.Tx, visit func(term string)) error {
	list, err := readSegments(tx)
	if err != nil {
		return err
	}
	for _, rec := range list {
		s, err := openSegment(tx, rec)
		if err != nil {
			return err
		}
		for _, first := range s.root.GetTerms() {
			visit(string(first))
		}
		for block := range int(rec.GetTermBlocks()) {
			entries, err := s.entriesOf(block)
			if err != nil {
				return err
			}
			for _, e := range entries {
				visit(string(e.term))
			}
		}
	}
	return nil
}

// request is a search by a text.
func request(t testing.TB, query string) Request {
	t.Helper()
	q, err := ParseQuery(query)
	if err != nil {
		t.Fatalf("%q: %v", query, err)
	}
	return Request{Query: q}
}

// all reads all pages of a search.
func (k *book) all(r Request) (found []*wire.MessageRecord, complete bool) {
	k.t.Helper()
	complete = true
	for pages := 0; ; pages++ {
		result, err := k.Search(r)
		if err != nil {
			k.t.Fatal(err)
		}
		found = append(found, result.Items...)
		complete = complete && result.Complete
		if r.Cursor = result.Next; r.Cursor == "" {
			return found, complete
		}
		if pages > 10_000 {
			k.t.Fatal("the pages do not end")
		}
	}
}

// want compares a search with the model.
func (k *book) want(r Request) {
	k.t.Helper()
	var want []*wire.MessageRecord
	for _, m := range k.model {
		if r.Query.Matches(textOf(m)) && (r.Chat == nil || bytes.Equal(r.Chat, m.GetChat())) && (r.From == nil || bytes.Equal(r.From, m.GetFrom())) &&
			m.GetClock() >= r.After && (r.Before == 0 || m.GetClock() < r.Before) && (r.Chat != nil || !m.GetRequest()) {
			want = append(want, m)
		}
	}
	slices.SortFunc(want, func(a, b *wire.MessageRecord) int { return newestFirst(placeOf(a), placeOf(b)) })
	got, complete := k.all(r)
	if !slices.EqualFunc(got, want, func(a, b *wire.MessageRecord) bool { return proto.Equal(a, b) }) || !complete {
		k.t.Errorf("%v from %d to %d, chat %.2x, by %.2x: found %d, want %d, complete %v", r.Query.Terms(), r.After, r.Before, r.Chat, r.From, len(got), len(want), complete)
	}
}

// vocabulary holds the words that the texts of the tests are made of.
var vocabulary = func() (all []string) {
	all = []string{"Straße", "naïve", "can't", "example.com", "北京大学", "東京タワー", "สวัสดีครับ", "हिन्दी", "السَّلام", "👍🏽", "ёжик", "친구를", "字", "ﬃ", "İstanbul"}
	for i := range 60 {
		all = append(all, strings.Repeat(string(rune('a'+i%7)), 1+i/7)+string(rune('a'+i%3)))
	}
	return all
}()

// sentence makes a text; small words are more frequent.
func sentence(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(7) {
		b.WriteString(vocabulary[min(r.IntN(len(vocabulary)), r.IntN(len(vocabulary)))])
		b.WriteString([]string{" ", " ", " ", ", ", "", "\n"}[r.IntN(6)])
	}
	return b.String()
}

// question makes a search.
func question(t testing.TB, r *rand.Rand, clocks int) Request {
	word := func() string {
		w := []rune(vocabulary[r.IntN(len(vocabulary))])
		switch r.IntN(5) {
		case 0:
			return string(w[:1+r.IntN(len(w))]) + "*"
		case 1:
			return string(w[r.IntN(len(w)):])
		}
		return string(w)
	}
	var parts []string
	for range 1 + r.IntN(3) {
		parts = append(parts, word())
	}
	query := strings.Join(parts, " ")
	if r.IntN(3) == 0 {
		query = `"` + query + `"`
	}
	q, err := words.ParseQuery(query)
	if err != nil {
		return question(t, r, clocks)
	}
	out := Request{Query: q, Request: page.Request{Limit: 1 + r.IntN(20)}}
	if r.IntN(3) == 0 {
		out.Chat = chatID(r.IntN(5))
	}
	if r.IntN(3) == 0 {
		out.From = author(r.IntN(4))
	}
	if r.IntN(3) == 0 {
		out.After = uint64(r.IntN(clocks))
	}
	if r.IntN(3) == 0 {
		out.Before = out.After + 1 + uint64(r.IntN(clocks))
	}
	return out
}

// few are bounds with which little is much.
var few = bounds{documents: 8, read: 12, texts: 9}

func seeded(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, 1))
}

// TestAgainstModel adds, edits, deletes and removes messages at random, and searches for
// anything in between: what is found is what reading every text finds.
func TestAgainstModel(t *testing.T) {
	for _, path := range []string{"", filepath.Join(t.TempDir(), "store.db")} {
		r := seeded(t)
		k := newBook(t, path, few)
		number := uint64(0)
		for round := range 60 {
			var batch [][2]*wire.MessageRecord
			taken := map[port.Position]bool{}
			for range r.IntN(25) {
				switch old := k.any(r); {
				case old == nil || r.IntN(4) > 0:
					number++
					m := message(number, uint64(round*10+r.IntN(20)), r.IntN(4), r.IntN(3), sentence(r))
					if r.IntN(8) == 0 {
						m.Clock = uint64(r.IntN(600)) // late
					}
					if r.IntN(10) == 0 {
						m.Text = ""
					}
					m.Request = r.IntN(10) == 0
					batch = append(batch, [2]*wire.MessageRecord{nil, m})
				case taken[placeOf(old)]:
				default:
					taken[placeOf(old)] = true
					batch = append(batch, [2]*wire.MessageRecord{old, altered(r, old)})
				}
			}
			k.put(batch...)
			k.work(r.IntN(6))
			if r.IntN(8) == 0 {
				k.open()
			}
			for range 12 {
				k.work(-r.IntN(2))
				r := question(t, r, 700)
				k.work(3) // until it has begun
				if k.making() {
					continue
				}
				k.want(r)
			}
			k.sound()
		}
		k.work(-1)
		k.sound()
	}
}

// making reports whether the index is still being made.
func (k *book) making() (making bool) {
	err := k.ledger.View(func(tx port.Tx) error {
		state, ok, err := readState(tx)
		making = !ok || state.GetMaking()
		return err
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return making
}

// any is a message of the model; nil if there is none.
func (k *book) any(r *rand.Rand) *wire.MessageRecord {
	if len(k.model) == 0 {
		return nil
	}
	places := slices.SortedFunc(maps.Keys(k.model), newestFirst)
	return k.model[places[r.IntN(len(places))]]
}

// altered returns a message after a random change: edited, deleted, changed in something
// other than its text, or removed (nil).
func altered(r *rand.Rand, old *wire.MessageRecord) *wire.MessageRecord {
	m := proto.CloneOf(old)
	switch r.IntN(4) {
	case 0:
		return nil
	case 1:
		m.Text, m.Deletion = "", &wire.DeletionRecord{At: 1}
	case 2:
		m.Text = sentence(r)
	case 3:
		m.Pin = &wire.PinRecord{Pinned: true}
	}
	return m
}

// TestSizes goes through all sizes of segments.
func TestSizes(t *testing.T) {
	r := seeded(t)
	k := newBook(t, "", few)
	k.work(-1)
	for n := range uint64(8 * 8 * 8 * 3) {
		k.add(message(n, n, int(n%3), 0, sentence(r)))
		k.work(-1)
	}
	k.sound()
	sizes := map[int]int{}
	if err := k.ledger.View(func(tx port.Tx) error {
		list, err := readSegments(tx)
		for _, s := range list {
			sizes[k.class(s)]++
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if sizes[0] >= fanout || sizes[1] >= fanout || sizes[2] < 2 || sizes[2] > 3 {
		t.Errorf("segments by size: %v", sizes)
	}
	for range 100 {
		k.want(question(t, r, 1600))
	}
}

// TestMadeAnew: an index of another version, or none, is rebuilt, newest first, while
// messages come and go.
func TestMadeAnew(t *testing.T) {
	r := seeded(t)
	k := newBook(t, filepath.Join(t.TempDir(), "store.db"), few)
	number := uint64(0)
	for range 400 {
		number++
		k.add(message(number, 1000+number*3, r.IntN(4), r.IntN(3), "all "+sentence(r)))
	}
	for round := range 3 {
		k.work(-1)
		err := k.ledger.Update(func(tx *ledger.Tx) error {
			return ledger.Put(tx, table, keyState, &wire.SearchStateRecord{Version: "another"})
		})
		if err != nil {
			t.Fatal(err)
		}
		k.open()
		since := uint64(math.MaxUint64)
		for steps := 0; k.making(); steps++ {
			k.work(1)
			number++
			k.add(message(number, 1000+uint64(r.IntN(int(number*3))), r.IntN(4), r.IntN(3), "all "+sentence(r)))
			if old := k.any(r); r.IntN(2) == 0 {
				k.put([2]*wire.MessageRecord{old, altered(r, old)})
			}
			if round == 2 && r.IntN(10) == 0 {
				k.open()
			}
			result, err := k.Search(request(t, "all"))
			if err != nil {
				t.Fatal(err)
			}
			if !result.Complete && result.Since > since {
				t.Errorf("the index reached back to %d, and now to %d", since, result.Since)
			}
			if since = result.Since; result.Complete {
				break
			}
			if since == math.MaxUint64 {
				continue
			}
			later := request(t, "all")
			later.After = since
			if found, _ := k.all(later); len(found) != k.count("all", since) {
				t.Errorf("%d messages since %d, there are %d", len(found), since, k.count("all", since))
			}
			if steps > 5000 {
				t.Fatal("it is never made")
			}
		}
		k.work(-1)
		k.sound()
		for range 60 {
			k.want(question(t, r, 4000))
		}
	}
}

// count returns the number of messages of the model, since a clock, that contain a word.
func (k *book) count(word string, since uint64) (n int) {
	for _, m := range k.model {
		if m.GetClock() >= since && strings.Contains(textOf(m), word) {
			n++
		}
	}
	return n
}

// interrupted is a store in which something happens after the next view.
type interrupted struct {
	port.Store
	between *func()
}

func (s interrupted) View(fn func(port.Tx) error) error {
	err := s.Store.View(fn)
	if between := *s.between; between != nil {
		*s.between = nil
		between()
	}
	return err
}

// TestChangedMeanwhile: messages that change while they are made into a segment, or while
// segments are merged, are in it as they are then.
func TestChangedMeanwhile(t *testing.T) {
	r := seeded(t)
	for round := range 24 {
		k := newBook(t, "", few)
		var between func()
		k.opened = interrupted{k.opened, &between}
		k.open()
		if round%2 == 0 {
			k.work(-1)
		}
		for n := range uint64(60) {
			k.add(message(n, n, 0, 0, fmt.Sprintf("all first%d", n)))
			skip := r.IntN(3) // of the views of a step
			change := func() {
				old := k.any(r)
				m := altered(r, old)
				if m != nil && m.GetText() != "" && m.GetText() != old.GetText() {
					m.Text += " all"
				}
				k.put([2]*wire.MessageRecord{old, m})
			}
			for i := range skip {
				_ = i
				next := change
				change = func() { between = next }
			}
			between = change
			k.work(-1)
			between = nil
			k.want(request(t, "all"))
			k.sound()
			if t.Failed() {
				return
			}
		}
	}
}
