package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// testMessages is the table of the messages in these tests.
const testMessages port.Table = "messages"

// receives stores a message and emits that it has come.
func (l *Ledger) receives(t *testing.T, text string) {
	t.Helper()
	if err := l.Update(func(tx *Tx) error { return receive(tx, text) }); err != nil {
		t.Fatal(err)
	}
}

// receive is that in a transaction; the id of a message is its text.
func receive(tx *Tx, text string) error {
	rec := &wire.MessageRecord{Id: []byte(text), Text: text}
	data, err := json.Marshal(Arrival{From: "0x04", ChatID: "0x04", MessageID: text})
	if err != nil {
		return err
	}
	if err := Put(tx, testMessages, rec.GetId(), rec); err != nil {
		return err
	}
	return tx.EmitReceived(data, rec)
}

// told are the texts of the messages whose events are handed out.
func (l *Ledger) told(t *testing.T) (texts []string) {
	t.Helper()
	for _, e := range l.waiting(t) {
		var m event.MessageReceived
		if err := json.Unmarshal(e.Data, &m); err != nil {
			t.Fatal(err)
		}
		texts = append(texts, m.Message.Text)
	}
	return texts
}

// checkArrivals looks that the maps and the sum of a memory agree.
func (l *Ledger) checkArrivals(t *testing.T, want int) {
	t.Helper()
	x, sum := &l.arrivals, 0
	for seq, a := range x.bySeq {
		if sum += a.size; a.seq != seq || x.byID[string(a.rec.GetId())] != a {
			t.Errorf("event %d is not that of its message", seq)
		}
	}
	if len(x.byID) != want || len(x.bySeq) != want || x.bytes != sum || sum > maxArrivalBytes {
		t.Errorf("%d messages, %d events, %d bytes of %d; want %d", len(x.byID), len(x.bySeq), x.bytes, sum, want)
	}
}

// A message that has come is told from memory, unless it was written or deleted since: then it
// is told as it is, or not at all.
func TestArrivalsFollowTheirRecords(t *testing.T) {
	l, texts := changing(t, 1000)
	texts["edited"], texts["gone"] = "as edited", "still there"
	for _, text := range []string{"plain", "edited", "gone", "cleared", "another"} {
		l.receives(t, text)
	}
	l.checkArrivals(t, 5)
	err := l.Update(func(tx *Tx) error {
		delete(texts, "gone")
		return errors.Join(tx.Put(testMessages, []byte("edited"), nil), tx.Delete(testMessages, []byte("gone")),
			tx.Put("others", []byte("plain"), nil), tx.Delete("others", []byte("another")))
	})
	if err != nil {
		t.Fatal(err)
	}
	l.checkArrivals(t, 3)
	if got := l.told(t); !slices.Equal(got, []string{"kept plain", "as edited", "kept another"}) {
		t.Errorf("told %q", got)
	}
	l.checkArrivals(t, 0)
}

// What one transaction stores and changes again is told as it is at its end; of one that fails
// nothing is told, though its numbers are given out again.
func TestArrivalsOfOneTransaction(t *testing.T) {
	l, texts := changing(t, 1000)
	texts["changed"], texts["failed"] = "as changed", "of another"
	err := l.Update(func(tx *Tx) error {
		return errors.Join(receive(tx, "changed"), tx.Put(testMessages, []byte("changed"), nil), receive(tx, "kept"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.told(t); !slices.Equal(got, []string{"as changed", "kept kept"}) {
		t.Errorf("told %q", got)
	}
	failed := errors.New("the store is full")
	if err := l.Update(func(tx *Tx) error { return errors.Join(receive(tx, "failed"), failed) }); !errors.Is(err, failed) {
		t.Fatal(err)
	}
	l.checkArrivals(t, 0)
	err = l.Update(func(tx *Tx) error { return tx.EmitArrival(Arrival{From: "0x04", ChatID: "0x04", MessageID: "failed"}) })
	if err != nil {
		t.Fatal(err)
	}
	if got := l.told(t); !slices.Equal(got, []string{"of another"}) {
		t.Errorf("told %q", got)
	}
}

// An event whose number an earlier transaction had that failed is not told with the message of
// that one.
func TestArrivalsOfAnotherEvent(t *testing.T) {
	l, texts := changing(t, 1000)
	texts["b"] = "b as read"
	l.arrivals.add(&arrival{seq: 1, data: []byte(`{"message_id":"a"}`), rec: &wire.MessageRecord{Id: []byte("a"), Text: "a"}})
	if err := l.Update(func(tx *Tx) error { return tx.EmitArrival(Arrival{MessageID: "b"}) }); err != nil {
		t.Fatal(err)
	}
	if got := l.told(t); !slices.Equal(got, []string{"b as read"}) {
		t.Errorf("told %q", got)
	}
	l.checkArrivals(t, 0)
}

// The memory is bounded, and all are told all the same; events that are dropped or that nobody
// reads while the store is away leave it.
func TestArrivalsAreBounded(t *testing.T) {
	l, texts := changing(t, maxArrivals+100)
	for i := range maxArrivals + 10 {
		text := fmt.Sprint(i)
		texts[text] = "kept " + text
		l.receives(t, text)
	}
	l.checkArrivals(t, maxArrivals)
	if got := l.told(t); len(got) != maxArrivals+10 || got[0] != "kept 0" || got[maxArrivals+9] != fmt.Sprint("kept ", maxArrivals+9) {
		t.Errorf("told %d", len(got))
	}
	l.checkArrivals(t, 0)
	for range 2 {
		l.receives(t, strings.Repeat("x", maxArrivalBytes-200))
	}
	l.receives(t, strings.Repeat("y", 300))
	l.checkArrivals(t, 1)
	l.Events.Sleep(true)
	l.checkArrivals(t, 0)
	l.Events.Sleep(false)
	l.told(t)

	few, _ := changing(t, 20)
	for i := range 40 {
		few.receives(t, fmt.Sprint(i))
	}
	few.checkArrivals(t, len(few.index.list))
	if n := len(few.told(t)); n != len(few.index.list)+1 {
		t.Errorf("told %d of %d and what is lost", n, len(few.index.list))
	}
}

// A reader and those who change messages need not wait for each other: after a change is
// durable nothing is told as it was before.
func TestArrivalsWhileTheyChange(t *testing.T) {
	l, _ := changing(t, 10_000)
	var gone sync.Map
	const n = 500
	var writers sync.WaitGroup
	for w := range 4 {
		writers.Go(func() {
			for i := range n {
				text := fmt.Sprintf("%d-%d", w, i)
				l.receives(t, text)
				if i%2 == 0 {
					continue
				}
				if err := l.Update(func(tx *Tx) error { return tx.Delete(testMessages, []byte(text)) }); err != nil {
					t.Error(err)
				}
				gone.Store("kept "+text, true)
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for more := true; more; {
		select {
		case <-done:
			more = false
		default:
		}
		before := map[any]bool{}
		gone.Range(func(text, _ any) bool { before[text] = true; return true })
		for _, text := range l.told(t) {
			if before[text] {
				t.Errorf("%s was deleted before it was told", text)
			}
		}
	}
	l.checkArrivals(t, 0)
}
