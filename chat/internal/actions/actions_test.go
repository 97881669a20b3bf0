package actions

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// waiter is the part with a store and a clock of its own.
type waiter struct {
	t *testing.T
	*Actions
	now  time.Time
	self message.ConversationID
	n    byte
}

// quiet takes log lines and fails at each: there is nothing to warn of here.
type quiet struct{ t *testing.T }

func (q quiet) Log(level, line string, fields ...any) { q.t.Errorf("%s: %s %v", level, line, fields) }

func person(t *testing.T, n byte) key.Public {
	t.Helper()
	k, err := key.ParsePrivate(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

func newWaiter(t *testing.T) *waiter {
	t.Helper()
	s := store.Memory()
	t.Cleanup(func() { _ = s.Close() })
	w := &waiter{t: t, now: time.UnixMilli(1_800_000_000_000), self: message.ConversationWith(person(t, 9))}
	l := ledger.New(ledger.Options{
		Store: s, Now: func() time.Time { return w.now }, MaxEvents: 100, MaxEventBytes: 1 << 20,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false }, Withheld: func() {},
		Panicked: func(value any, _ []byte) string { t.Errorf("a panic: %v", value); return "" },
	})
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	w.Actions = New(Options{
		Ledger: l, Now: l.Now, Log: quiet{t},
		Stranger: func(message.ConversationID) bool { return false }, Self: func() message.ConversationID { return w.self },
	})
	return w
}

// waits has an action of the author wait, and reports whether there was room.
func (w *waiter) waits(in message.ConversationID, target byte, typ wire.ApplicationMetadataMessage_Type, what string) (room bool) {
	w.t.Helper()
	w.n++
	a := Action{
		In: in, Payload: []byte(what), From: []byte("author"), ID: [32]byte{w.n},
		Read: message.Action{Type: typ, Target: [32]byte{target}, Clock: uint64(w.now.UnixMilli()) + uint64(w.n), Emoji: what},
	}
	err := w.Ledger.Update(func(tx *ledger.Tx) error {
		plan, ok, err := w.Plan(tx, a)
		if room = ok; err != nil || !ok {
			return err
		}
		return w.Store(tx, plan)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return room
}

// left returns the number of waiting records and all their bytes.
func (w *waiter) left() (n int, all []byte) {
	w.t.Helper()
	err := w.Ledger.View(func(tx port.Tx) error {
		return tx.Each(tableWaiting, func(name, value []byte) error {
			n++
			all = append(append(all, name...), value...)
			return nil
		})
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n, all
}

// care looks after the part, as the engine does now and then, and compares what it has counted
// with what is stored.
func (w *waiter) care() {
	w.t.Helper()
	var lock ledger.Lock
	turn := lock.Begin(func() (time.Time, bool) { return w.now, true })
	w.Care(turn)
	turn.End()
	counted := fmt.Sprint(w.loads)
	if err := w.Ledger.View(w.Load); err != nil {
		w.t.Fatal(err)
	}
	if stored := fmt.Sprint(w.loads); stored != counted {
		w.t.Errorf("it has counted %s, and stored is %s", counted, stored)
	}
}

const (
	edit     = wire.ApplicationMetadataMessage_EDIT_MESSAGE
	reaction = wire.ApplicationMetadataMessage_EMOJI_REACTION
	deletion = wire.ApplicationMetadataMessage_DELETE_MESSAGE
	forMe    = wire.ApplicationMetadataMessage_SYNC_DELETE_FOR_ME_MESSAGE
)

// What has waited for 30 days goes, and nothing that came later: also of one message, and of
// more messages than one transaction takes.
func TestWaitingEnds(t *testing.T) {
	w := newWaiter(t)
	in := message.ConversationWith(person(t, 1))
	const day = 24 * time.Hour
	w.waits(in, 1, edit, "an old secret")
	w.waits(in, 2, edit, "another old secret")
	w.waits(w.self, 3, forMe, "a deletion for us")
	w.now = w.now.Add(20 * day)
	w.waits(in, 2, reaction, "kept")
	w.waits(in, 4, deletion, "kept, too")
	w.now = w.now.Add(10 * day)
	w.care()
	if n, _ := w.left(); n != 4 {
		t.Errorf("after 30 days there are %d records", n)
	}
	w.now = w.now.Add(time.Millisecond)
	w.care()
	n, all := w.left()
	if n != 2 || bytes.Contains(all, []byte("secret")) || bytes.Contains(all, []byte("for us")) || !bytes.Contains(all, []byte("kept, too")) {
		t.Errorf("a moment later there are %d: %q", n, all)
	}
	w.now = w.now.Add(20 * day)
	w.care()
	if n, _ := w.left(); n != 0 || len(w.loads) != 0 {
		t.Errorf("in the end there are %d records, %v", n, w.loads)
	}
}

// As many as may wait go at once, and then there is room again.
func TestWaitingMakesRoom(t *testing.T) {
	w := newWaiter(t)
	fill := func() (n int) {
		t.Helper()
		err := w.Ledger.Update(func(tx *ledger.Tx) error {
			for i := range MaxNumber + 10 {
				plan, room, err := w.Plan(tx, Action{
					In: message.ConversationWith(person(t, 1)), Payload: []byte("an edit"), From: []byte("author"), ID: [32]byte{byte(i), byte(i >> 8)},
					Read: message.Action{Type: edit, Target: [32]byte{byte(i), byte(i >> 8), 1}, Clock: 1},
				})
				if err != nil {
					return err
				}
				if room {
					n++
					err = w.Store(tx, plan)
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 2 {
		if n := fill(); n != MaxNumber {
			t.Errorf("there was room for %d", n)
		}
		w.now = w.now.Add(keep + time.Millisecond)
		w.care()
		if n, _ := w.left(); n != 0 {
			t.Errorf("%d are left", n)
		}
	}
}
