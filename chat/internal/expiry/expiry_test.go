package expiry

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

const (
	tableMessages port.Table = "messages"
	tableChats    port.Table = "chats"
)

// start is the time at which all tests here begin.
var start = time.UnixMilli(1_800_000_000_000)

// house is the part with a store, in place of the rest of the engine.
type house struct {
	*Expiry
	t       *testing.T
	lock    ledger.Lock
	now     time.Time
	changed []string // what was told of chats
	refuse  func(*wire.MessageRecord) error
}

type quiet struct{}

func (quiet) Log(string, string, ...any) {}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{t: t, now: start, refuse: func(*wire.MessageRecord) error { return nil }}
	s := store.Memory()
	t.Cleanup(func() { _ = s.Close() })
	l := ledger.New(ledger.Options{
		Store: s, Now: func() time.Time { return h.now }, MaxEvents: 1 << 20, MaxEventBytes: 1 << 30,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(value any, _ []byte) string { t.Errorf("a panic: %v", value); return "" },
	})
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	h.restart(l)
	return h
}

// restart makes a new part on the same store.
func (h *house) restart(l *ledger.Ledger) {
	h.t.Helper()
	var e *Expiry
	e = New(Options{
		Ledger: l, Now: func() time.Time { return h.now }, Log: quiet{}, Messages: tableMessages, Chats: tableChats,
		Record: func(tx port.Tx, id [32]byte) (*wire.MessageRecord, bool, error) {
			rec := &wire.MessageRecord{}
			found, err := ledger.Get(tx, tableMessages, id[:], rec)
			return rec, found, err
		},
		Retime: func(tx *ledger.Tx, id [32]byte, fn func(*wire.MessageRecord) bool) error {
			before, after := &wire.MessageRecord{}, &wire.MessageRecord{}
			for _, rec := range []*wire.MessageRecord{before, after} {
				if _, err := ledger.Get(tx, tableMessages, id[:], rec); err != nil {
					return err
				}
			}
			if !fn(after) {
				return nil
			}
			return errors.Join(ledger.Put(tx, tableMessages, id[:], after), e.Watch(tx, before, after))
		},
		Erase: func(tx *ledger.Tx, rec *wire.MessageRecord) error {
			return errors.Join(h.refuse(rec), tx.Delete(tableMessages, rec.GetId()), e.Watch(tx, rec, nil))
		},
		Event: func(rec *wire.MessageRecord) event.Message {
			return event.Message{ID: event.Hex(rec.GetId()), Text: rec.GetText()}
		},
		Chat: func(tx *ledger.Tx, in []byte) (*wire.ChatRecord, error) {
			rec := &wire.ChatRecord{}
			if _, err := ledger.Get(tx, tableChats, in, rec); err != nil {
				return nil, err
			}
			tx.AtEnd(func() error { return ledger.Put(tx, tableChats, in, rec) })
			return rec, nil
		},
		ChatChanged: func(_ *ledger.Tx, _ message.ConversationID, cause enum.ChatChange) error {
			h.changed = append(h.changed, string(cause))
			return nil
		},
		Wake: func() {},
	})
	if err := l.View(e.Load); err != nil {
		h.t.Fatal(err)
	}
	h.Expiry = e
}

// add stores a message of a chat that is erased after some seconds.
func (h *house) add(n uint64, in string, seconds uint32) *wire.MessageRecord {
	h.t.Helper()
	var id [32]byte
	binary.BigEndian.PutUint64(id[:], n)
	rec := &wire.MessageRecord{
		Id: id[:], Chat: []byte(in), Text: "a secret", ExpiresIn: seconds,
		ExpiresAt: message.ExpiresAt(uint64(h.now.UnixMilli()), seconds, h.now),
	}
	err := h.Ledger.Update(func(tx *ledger.Tx) error {
		return errors.Join(ledger.Put(tx, tableMessages, id[:], rec), h.Watch(tx, nil, rec))
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return rec
}

// turn does one round of work, and returns when the next one is due.
func (h *house) turn() (time.Time, error) {
	turn := h.lock.Begin(func() (time.Time, bool) { return h.now, true })
	defer turn.End()
	err := h.Work(turn)
	return h.Due(turn), err
}

// settle works until nothing is due; it returns the number of turns.
func (h *house) settle() (turns int) {
	h.t.Helper()
	for turns = 1; ; turns++ {
		next, err := h.turn()
		if err != nil {
			h.t.Fatal(err)
		}
		if next.IsZero() || next.After(h.now) {
			return turns
		}
	}
}

// move lets time pass, or sets the clock.
func (h *house) move(by time.Duration, set bool) {
	h.now = h.now.Add(by)
	if set {
		turn := h.lock.Begin(func() (time.Time, bool) { return h.now, true })
		h.ShiftClock(turn, by)
		turn.End()
	}
}

func (h *house) care() {
	turn := h.lock.Begin(func() (time.Time, bool) { return h.now, true })
	defer turn.End()
	h.Care(turn)
}

// left are the ids of the messages that are there.
func (h *house) left() map[string]bool {
	h.t.Helper()
	ids := map[string]bool{}
	err := h.Ledger.View(func(tx port.Tx) error {
		return tx.Each(tableMessages, func(name, _ []byte) error { ids[string(name)] = true; return nil })
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return ids
}

// sound fails if the check finds something.
func (h *house) sound() {
	h.t.Helper()
	err := h.Ledger.View(func(tx port.Tx) error {
		return h.Check(ledger.NewWalk(context.Background(), tx, func(p string) { h.t.Error(p) }))
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// events are the events that wait.
func (h *house) events() (all []string) {
	h.t.Helper()
	err := h.Ledger.View(func(tx port.Tx) error {
		return tx.Range(ledger.QueueEvents, 0, func(_ uint64, value []byte) (bool, error) {
			all = append(all, string(value))
			return true, nil
		})
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}

// TestExpiryFollowsAModel: messages come and go in any order, with restarts and clocks that
// jump in between. What is due is gone, what is not is there, and nothing waits for longer
// than its timer.
func TestExpiryFollowsAModel(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		r := rand.New(rand.NewPCG(seed, 0))
		h := newHouse(t)
		model := map[string]*wire.MessageRecord{}
		for step := range uint64(120) {
			switch r.IntN(6) {
			case 0, 1, 2:
				rec := h.add(step, string(rune('a'+r.IntN(3))), r.Uint32N(4)*r.Uint32N(100))
				model[string(rec.GetId())] = rec
			case 3:
				h.move(time.Duration(r.Int64N(int64(time.Minute))), false)
			case 4:
				h.care()
				if r.IntN(2) == 0 { // while the program was not running
					h.now = h.now.Add(time.Duration(r.Int64N(int64(2*time.Hour))) - time.Hour)
				}
				h.restart(h.Ledger)
			case 5:
				h.move(time.Duration(r.Int64N(int64(2*time.Hour)))-time.Hour, true)
			}
			h.settle()
			left, now := h.left(), h.now.UnixMilli()
			for id, rec := range model {
				if rec.GetExpiresAt() == 0 {
					continue
				}
				if from := rec.GetExpiresAt() - 1000*int64(rec.GetExpiresIn()); from > now+minBack.Milliseconds() {
					rec.ExpiresAt = now + 1000*int64(rec.GetExpiresIn())
				}
				if gone := rec.GetExpiresAt() <= now; gone == left[id] {
					t.Fatalf("seed %d, step %d: a message that is due in %d ms: there is %v", seed, step, rec.GetExpiresAt()-now, left[id])
				} else if gone {
					delete(model, id)
				}
			}
			if len(left) != len(model) {
				t.Fatalf("seed %d, step %d: %d messages are there, not %d", seed, step, len(left), len(model))
			}
		}
		h.sound()
	}
}

// TestManyAtOnce: what is due together goes in slices, and a chat that loses many is one event
// a slice.
func TestManyAtOnce(t *testing.T) {
	const n = 10*atOnce + 7
	h := newHouse(t)
	for i := range uint64(n) {
		h.add(i, "chat", 60)
	}
	h.add(n, "other", 60)
	h.move(time.Minute, false)
	for before := n + 1; ; {
		next, err := h.turn()
		if err != nil {
			t.Fatal(err)
		}
		left := len(h.left())
		if before-left > atOnce {
			t.Fatalf("%d were erased in one turn", before-left)
		}
		if before = left; left == 0 {
			break
		}
		if next.After(h.now) {
			t.Fatalf("%d are left, and nothing is due", left)
		}
	}
	if events := len(h.changed) + len(h.events()); events > n/atOnce+2*eventsAtOnce {
		t.Errorf("%d events", events)
	}
	h.sound()
}

// TestExpiredEvent: the event names the message, and nothing of what it said.
func TestExpiredEvent(t *testing.T) {
	h := newHouse(t)
	h.add(1, "chat", 1)
	held := h.add(2, "chat", 1)
	held.Request = true
	err := h.Ledger.Update(func(tx *ledger.Tx) error { return ledger.Put(tx, tableMessages, held.GetId(), held) })
	if err != nil {
		t.Fatal(err)
	}
	h.move(time.Second, false)
	h.settle()
	all := h.events()
	if len(all) != 1 {
		t.Fatalf("%d events: one of the two was never reported", len(all))
	}
	if want := `"cause":"expired"`; !strings.Contains(all[0], want) || strings.Contains(all[0], "secret") {
		t.Errorf("the event is %s", all[0])
	}
}

// TestEraseFails: a store that cannot write now keeps what is due for later; a message whose
// record is damaged holds up no other.
func TestEraseFails(t *testing.T) {
	h := newHouse(t)
	for i := range uint64(5) {
		h.add(i, "chat", 1)
	}
	h.move(time.Second, false)
	h.refuse = func(*wire.MessageRecord) error { return port.Errorf(port.CodeStoreIO, "", "the disk is full") }
	if next, err := h.turn(); port.CodeOf(err) != port.CodeStoreIO || next.After(h.now) {
		t.Fatalf("%v, and again at %v", err, next)
	}
	if left := len(h.left()); left != 5 {
		t.Fatalf("%d are left of a transaction that failed", left)
	}
	h.refuse = func(rec *wire.MessageRecord) error {
		if rec.GetId()[7] == 3 {
			return port.Errorf(port.CodeStoreCorrupt, "", "damaged")
		}
		return nil
	}
	h.settle()
	if left := len(h.left()); left != 1 {
		t.Errorf("%d are left, one is damaged", left)
	}
}

// TestTimerOfAChat: the later one is in force, also after a restart, and a change is told.
func TestTimerOfAChat(t *testing.T) {
	h := newHouse(t)
	set := func(timer message.Timer) (changed bool) {
		t.Helper()
		err := h.Ledger.Update(func(tx *ledger.Tx) (err error) {
			changed, err = h.SetTimer(tx, "chat", timer)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return changed
	}
	want := func(timer message.Timer) {
		t.Helper()
		if got, err := h.Timer("chat"); err != nil || got != timer {
			t.Fatalf("%v, %v, not %v", got, err, timer)
		}
	}
	want(message.Timer{})
	if !set(message.Timer{Seconds: 60, Clock: 10}) {
		t.Error("the first one changes nothing")
	}
	want(message.Timer{Seconds: 60, Clock: 10})
	if set(message.Timer{Seconds: 5, Clock: 9}) || set(message.Timer{Seconds: 60, Clock: 10}) {
		t.Error("an older one changes something")
	}
	if set(message.Timer{Seconds: 60, Clock: 11}) {
		t.Error("the same seconds are news")
	}
	h.restart(h.Ledger)
	want(message.Timer{Seconds: 60, Clock: 11})
	if !set(message.Timer{Clock: 12}) {
		t.Error("off changes nothing")
	}
	want(message.Timer{Clock: 12})
	if len(h.changed) != 2 {
		t.Errorf("told: %v", h.changed)
	}
}
