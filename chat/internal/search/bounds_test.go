package search

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/text/words"
	"libstatus1to1/chat/wire"
)

// TestBadRequests: what is wrong with a search is named.
func TestBadRequests(t *testing.T) {
	for query, code := range map[string]port.Code{
		"": port.CodeEmpty, " \u200b!? ": port.CodeEmpty, strings.Repeat("x", words.MaxQuery+1): port.CodeTooLong,
		"\xff": port.CodeBadParams,
	} {
		_, err := ParseQuery(query)
		if port.CodeOf(err) != code || err.(*port.Error).Field != "query" {
			t.Errorf("%.20q: %v", query, err)
		}
	}
	k := newBook(t, "", usual)
	for _, cursor := range []string{"x", "1-", "-" + strings.Repeat("00", 32), "1-" + strings.Repeat("0", 63), "01-" + strings.Repeat("00", 32), "1-" + strings.Repeat("AA", 32),
		"99999999999999999999-" + strings.Repeat("00", 32), "1-" + strings.Repeat("00", 32) + "x"} {
		r := request(t, "a")
		r.Cursor = cursor
		if _, err := k.Search(r); port.CodeOf(err) != port.CodeBadCursor {
			t.Errorf("cursor %q: %v", cursor, err)
		}
	}
	for name, r := range map[string]Request{
		"before": {After: 5, Before: 5}, "limit": {Request: page.Request{Limit: page.Max + 1}},
	} {
		r.Query = request(t, "a").Query
		if _, err := k.Search(r); port.CodeOf(err) != port.CodeBadParams || err.(*port.Error).Field != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestPageIsBounded: a search that reads much and finds nothing gives short pages, which come
// to an end.
func TestPageIsBounded(t *testing.T) {
	k := newBook(t, "", bounds{documents: 8, read: 6, texts: 10})
	k.work(-1)
	for n := range uint64(400) {
		k.add(message(n, n/3, 0, 0, fmt.Sprintf("one two %d", n)))
		k.work(-1)
	}
	k.add(message(1000, 1, 0, 0, "two one"))
	k.work(-1)
	for _, query := range []string{`"two one"`, "t o", "nothing", "5"} {
		r := request(t, query)
		k.want(r)
		pages, longest := 0, 0
		for ; pages == 0 || r.Cursor != ""; pages++ {
			result, err := k.Search(r)
			if err != nil {
				t.Fatal(err)
			}
			longest = max(longest, len(result.Items))
			r.Cursor = result.Next
		}
		if pages < 3 || longest > 10 {
			t.Errorf("%s: %d pages, the longest has %d", query, pages, longest)
		}
	}
}

// TestQueueIsSearched: what is in no segment yet is found, page by page if there is much.
func TestQueueIsSearched(t *testing.T) {
	k := newBook(t, "", bounds{documents: 1 << 20, read: 100, texts: 20})
	k.work(-1)
	for n := range uint64(20) {
		k.add(message(n, 100+n, 0, 0, "word"))
	}
	k.want(request(t, "word"))
	k.add(message(50, 50, 0, 0, "word"), message(51, 200, 0, 0, "word"), message(52, 60, 0, 0, "word"))
	result, err := k.Search(request(t, "word"))
	if err != nil || len(result.Items) != 20 || result.Items[0].GetClock() != 200 || !result.Complete {
		t.Errorf("%d found, complete %v, %v", len(result.Items), result.Complete, err)
	}
	k.want(request(t, "word"))
	k.bounds.documents = 8
	k.open()
	k.work(-1)
	k.want(request(t, "word"))
}

// TestHidden: what is hidden is not found, nor are requests but in their own conversation.
func TestHidden(t *testing.T) {
	k := newBook(t, "", few)
	hidden, asked := message(1, 1, 0, 0, "word"), message(2, 2, 1, 1, "word")
	hidden.ThreadId, asked.Request = "hidden", true
	k.add(hidden, asked, message(3, 3, 2, 2, "word"))
	for range 2 {
		for chat, want := range [][]uint64{{3}, {}, {2}, {3}} {
			r := request(t, "word")
			if chat > 0 {
				r.Chat = chatID(chat - 1)
			}
			found, _ := k.all(r)
			var clocks []uint64
			for _, m := range found {
				clocks = append(clocks, m.GetClock())
			}
			if !slices.Equal(clocks, want) && len(clocks)+len(want) > 0 {
				t.Errorf("chat %d: found %v, want %v", chat-1, clocks, want)
			}
		}
		k.bounds.documents = 1
		k.open()
		k.work(-1)
	}
}

// longTexts are as long as a text may be, each with other words.
func longTexts(r *rand.Rand, n int, word func() string) (all []string) {
	for range n {
		var b strings.Builder
		for b.Len() < words.MaxText {
			b.WriteString(word() + " ")
		}
		all = append(all, b.String())
	}
	return all
}

// TestHostileTexts: messages of the longest texts, with nothing but different words, make
// segments that are no larger than others, and cost what their size says.
func TestHostileTexts(t *testing.T) {
	r := seeded(t)
	for name, word := range map[string]func() string{
		"short words": func() string { return fmt.Sprintf("%x", r.IntN(1<<20)) },
		"ideographs": func() string {
			b := make([]rune, 40)
			for i := range b {
				b[i] = rune(0x4e00 + r.IntN(20000))
			}
			return string(b)
		},
		"long words": func() string { return fmt.Sprintf("%x%x%x%x", r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64()) },
		"expanding":  func() string { return "ﷺ" + string(rune(0x1f600+r.IntN(80))) },
	} {
		k := newBook(t, "", usual)
		k.work(-1)
		for i, text := range longTexts(r, smallDocuments+10, word) {
			k.add(message(uint64(i), uint64(i), 0, 0, text))
			k.work(-1)
		}
		k.sound()
		err := k.ledger.View(func(tx port.Tx) error {
			list, err := readSegments(tx)
			for _, s := range list {
				if s.GetTermBlocks() > maxBlocks {
					t.Errorf("%s: a segment of %d documents has %d blocks", name, s.GetDocuments(), s.GetTermBlocks())
				}
			}
			t.Logf("%s: %d segments", name, len(list))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if found, _ := k.all(request(t, word())); len(found) > smallDocuments+10 {
			t.Errorf("%s: %d found", name, len(found))
		}
	}
}

// TestFileTellsNothing: no word of a message is in the file of the store, nor are its blocks
// told from one another by their sizes. What was removed is in none of its records.
func TestFileTellsNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	k := newBook(t, path, few)
	k.work(-1)
	for n := range uint64(300) {
		k.add(message(n, n, int(n%3), int(n%2), fmt.Sprintf("unmistakable%d und Übermäßig%d 北京大学", n, n)))
		k.work(2)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"unmistakable", "bermäßig", "bermassig", "unmist", "北京", "京大"} {
		if bytes.Contains(raw, []byte(word)) {
			t.Errorf("the file has %q", word)
		}
	}
	sizes := map[int]int{}
	err = k.ledger.View(func(tx port.Tx) error {
		return tx.Each(table, func(name, value []byte) error {
			if size := len(value); name[0] != 'n' && !bytes.Equal(name, keyState) {
				sizes[size]++
				if size != blockSize && size%rootUnit != 0 {
					t.Errorf("record %q has %d bytes", name, size)
				}
			}
			return nil
		})
	})
	if err != nil || sizes[blockSize] < 10 {
		t.Errorf("sizes %v, %v", sizes, err)
	}
	for _, m := range k.model {
		if m.GetClock()%2 == 0 {
			k.put([2]*wire.MessageRecord{m, nil})
		}
	}
	k.sound()
}

// TestDamagedIndex: an index that does not read back is rebuilt when a message is removed
// from it, and is no reason for the message to stay.
func TestDamagedIndex(t *testing.T) {
	r := seeded(t)
	for _, block := range [][]byte{nil, make([]byte, 10), bytes.Repeat([]byte{0xff}, blockSize)} {
		k := newBook(t, "", few)
		k.work(-1)
		for n := range uint64(100) {
			k.add(message(n, n, 0, 0, "all "+sentence(r)))
			k.work(-1)
		}
		err := k.ledger.Update(func(tx *ledger.Tx) error {
			list, err := readSegments(tx)
			if err != nil {
				return err
			}
			for _, s := range list {
				if err := tx.Put(table, keyTerms(s.GetNumber(), 0), block); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		old := k.any(r)
		k.put([2]*wire.MessageRecord{old, nil})
		if _, complete := k.all(request(t, "all")); complete {
			t.Error("a damaged index is complete")
		}
		k.work(-1)
		k.sound()
		k.want(request(t, "all"))
	}
}

// FuzzBlock: whatever is in a block is read or refused, and what is read is written as it was.
func FuzzBlock(f *testing.F) {
	var p packer
	for i := range 900 {
		p.add([]byte(fmt.Sprintf("term%04d", i)), []uint32{uint32(i), uint32(i) + 1, uint32(i) + 300})
	}
	p.flush()
	for _, b := range p.blocks {
		f.Add(b)
	}
	f.Add([]byte{0, 1, 'a', 1, 5, 1, 1, 'b', 2, 0x80, 0x01})
	f.Fuzz(func(t *testing.T, block []byte) {
		list, err := readEntries(block)
		if err != nil {
			return
		}
		var again packer
		for _, e := range list {
			var all []uint32
			if err := e.eachRank(maxDocuments, func(rank uint32) { all = append(all, rank) }); err != nil {
				return
			}
			if !slices.IsSorted(all) || len(all) == 0 || all[len(all)-1] >= maxDocuments {
				t.Fatalf("ranks %v", all)
			}
			again.add(e.term, all)
		}
		again.flush()
		var read []entry
		for _, b := range again.blocks {
			if len(b) != blockSize {
				t.Fatalf("a block of %d bytes", len(b))
			}
			some, err := readEntries(b)
			if err != nil {
				t.Fatal(err)
			}
			read = append(read, some...)
		}
		if len(again.blocks) == 1 && len(read) != len(list) {
			t.Fatalf("%d entries of %d", len(read), len(list))
		}
		if packed := pack(read); len(again.blocks) == 1 && !bytes.Equal(packed, again.blocks[0]) {
			t.Fatal("a block is packed in two ways")
		}
	})
}

// TestLongLists: a term of more messages than fit into a block goes on in the next.
func TestLongLists(t *testing.T) {
	var p packer
	var all []uint32
	for i := range uint32(maxDocuments) {
		all = append(all, i)
	}
	p.add([]byte("a"), []uint32{5})
	p.add([]byte("b"), all)
	p.add([]byte("c"), all[7:9])
	p.flush()
	got := map[string]int{}
	for _, b := range p.blocks {
		list, err := readEntries(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if err := e.eachRank(maxDocuments, func(uint32) { got[string(e.term)]++ }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(p.blocks) < 4 || got["a"] != 1 || got["b"] != maxDocuments || got["c"] != 2 {
		t.Errorf("%d blocks, %v", len(p.blocks), got)
	}
}
