package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// changing is a ledger whose messages are texts by their ids.
func changing(t *testing.T, maxEvents int) (*Ledger, map[string]string) {
	t.Helper()
	texts := map[string]string{}
	s := store.Memory()
	l := New(Options{
		Store: s, Messages: testMessages, Now: time.Now, MaxEvents: maxEvents, MaxEventBytes: 1 << 20,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false }, Withheld: func() {},
		Panicked: func(value any, _ []byte) string { t.Errorf("a panic: %v", value); return "" },
	})
	l.Events.Ask(said(texts))
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return l, texts
}

// said are texts of messages by their ids; the last message of each chat is that with its id.
type said map[string]string

func (s said) Message(id string) (event.Message, bool, error) {
	text, found := s[id]
	return event.Message{ID: id, Text: text}, found, nil
}

func (s said) Received(rec *wire.MessageRecord) (event.Message, bool) {
	return event.Message{ID: string(rec.GetId()), Text: "kept " + rec.GetText()}, rec.GetText() != "cleared"
}

func (s said) InChat(id string) (*event.Message, string, error) {
	if text, found := s[id]; found {
		return &event.Message{ID: id, Text: text}, "a draft", nil
	}
	return nil, "", nil
}

// waiting hands out all that waits.
func (l *Ledger) waiting(t *testing.T) (all []*event.Delivered) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		e, err := l.Events.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return all
		}
		all = append(all, e)
	}
}

func textOf(t *testing.T, e *event.Delivered) string {
	t.Helper()
	var m event.MessageChanged
	if err := json.Unmarshal(e.Data, &m); err != nil {
		t.Fatal(err)
	}
	return string(m.Cause) + " " + m.Message.Text
}

// Of changes that wait one event is told, with the message as it is then; what is changed
// after that is told again; and a message that is gone is not.
func TestChangesAreToldOnce(t *testing.T) {
	l, texts := changing(t, 1000)
	change := func(id string, cause enum.MessageChange, text string) {
		t.Helper()
		texts[id] = text
		if err := l.Update(func(tx *Tx) error { return tx.EmitChange("0x04", id, cause) }); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 50 {
		change("a", "edited", fmt.Sprint(i))
	}
	change("a", "pinned", "50")
	change("b", "edited", "other")
	change("c", "edited", "gone")
	delete(texts, "c")
	got := l.waiting(t)
	if len(got) != 3 || textOf(t, got[0]) != "edited 50" || textOf(t, got[1]) != "pinned 50" || textOf(t, got[2]) != "edited other" {
		t.Errorf("told %d: %v", len(got), got)
	}
	change("a", "edited", "51")
	if got = l.waiting(t); len(got) != 1 || textOf(t, got[0]) != "edited 51" {
		t.Errorf("told %v", got)
	}
	if err := l.Acknowledge(got[0].Seq); err != nil {
		t.Fatal(err)
	}
	if err := l.Store.View(l.index.load); err != nil { // it follows when the next event comes
		t.Fatal(err)
	}
	if len(l.index.changes) != 0 || len(l.index.list) != 0 {
		t.Errorf("%d changes are remembered", len(l.index.changes))
	}
}

// A change is told again if the event that was to tell of it is handed out before it is
// durable.
func TestChangeDuringReading(t *testing.T) {
	l, texts := changing(t, 1000)
	emit := func(between func()) {
		t.Helper()
		err := l.Update(func(tx *Tx) error {
			tx.After(between) // no transaction of this store reads beside one that writes
			return tx.EmitChange("0x04", "a", "edited")
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	texts["a"] = "1"
	emit(func() {})
	emit(func() {
		if got := l.waiting(t); len(got) != 1 || textOf(t, got[0]) != "edited 1" {
			t.Errorf("told %v", got)
		}
	})
	texts["a"] = "2"
	if got := l.waiting(t); len(got) != 1 || textOf(t, got[0]) != "edited 2" {
		t.Errorf("told %v after the change was durable", got)
	}
}

// What one contact changes has a tenth of the queue, and one notice says that there is more.
func TestChangesHaveAShare(t *testing.T) {
	l, texts := changing(t, 100)
	k, err := key.ParsePrivate(append(make([]byte, 31), 7))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 200 {
		id := fmt.Sprint(i)
		texts[id] = id
		err := l.Update(func(tx *Tx) error { tx.ByOthers(); return tx.EmitChange(k.Public().Hex(), id, "reaction") })
		if err != nil {
			t.Fatal(err)
		}
	}
	kinds := map[string]int{}
	for _, e := range l.waiting(t) {
		kinds[e.Type]++
	}
	if kinds["message_changed"] != 10 || kinds["events_withheld"] != 1 || len(kinds) != 2 {
		t.Errorf("told %v", kinds)
	}
}
