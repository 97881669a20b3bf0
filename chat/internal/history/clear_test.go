package history

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// changes takes the causes of the chat_changed events that wait.
func (h *History) changes(t *testing.T) (causes []string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // what can be read is read all the same
	for {
		e, err := h.Ledger.Events.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if e == nil {
			return causes
		}
		if e.Type != (event.ChatChanged{}).Type() {
			continue
		}
		var c event.ChatChanged
		if err := json.Unmarshal(e.Data, &c); err != nil {
			t.Fatal(err)
		}
		causes = append(causes, string(c.Cause))
	}
}

// TestClearLargeChat: a chat with many messages shows empty at once, takes what comes
// meanwhile, and is erased a few at a time, which its count shows; then an event does.
func TestClearLargeChat(t *testing.T) {
	const many = 20*eraseAtOnce + 7
	h := openHistory(t, nobody{})
	_, in := friend(t, 1)
	removed := 0
	h.Watch(func(_ *ledger.Tx, before, after *wire.MessageRecord) error {
		if before != nil && after == nil {
			removed++
		}
		return nil
	})
	add := func(n int, clock uint64) {
		h.must(t, func(tx *ledger.Tx) error {
			m := text(in, 0, clock, Received)
			m.Id = append(make([]byte, 24), ledger.NumberKey(uint64(n))...)
			return h.Add(tx, m)
		})
	}
	for n := range many {
		add(n, Millis(now)-many+uint64(n))
	}
	c, err := h.Clear(in)
	if err != nil || c.Messages != 0 || c.Unread != 0 || c.LastMessage != nil || c.Clearing != many {
		t.Fatalf("cleared: %+v, %v", c, err)
	}
	first := [32]byte(append(make([]byte, 24), ledger.NumberKey(0)...))
	if _, err := h.Message(first); port.CodeOf(err) != port.CodeNotFound {
		t.Errorf("a cleared message: %v", err)
	}
	var found wire.MessageRecord // as an index may still find it
	if there, err := h.Ledger.Get(TableMessages, first[:], &found); err != nil || !there {
		t.Fatalf("it is erased already: %v", err)
	}
	if shown, err := h.Shown([]*wire.MessageRecord{&found}); err != nil || len(shown) != 0 {
		t.Errorf("it is shown: %+v, %v", shown, err)
	}
	left := uint64(many)
	for i := 0; !h.Due(&ledger.Turn{Now: now}).IsZero(); i++ {
		if i == 3 {
			add(many, Millis(now)+1)
		}
		if err := h.Work(nil); err != nil {
			t.Fatal(err)
		}
		c, err := h.OneChat(in)
		if err != nil || left-c.Clearing > eraseAtOnce || c.Clearing >= left && left > 0 {
			t.Fatalf("%d are left after %d, %v", c.Clearing, left, err)
		}
		left = c.Clearing
		if p, err := h.Messages(in, page.Request{}); err != nil || (i < 3) != (len(p.Items) == 0) {
			t.Fatalf("%d messages are listed, %v", len(p.Items), err)
		}
	}
	if p := h.problems(t); len(p) != 0 || removed != many {
		t.Errorf("%d were removed: %q", removed, p)
	}
	if got := h.changes(t); !slices.Equal(got, []string{"cleared", "cleared"}) {
		t.Errorf("the events are %q", got)
	}
}

// TestDamageDoesNotHoldUpClearing: a message that cannot be read is erased like the others.
func TestDamageDoesNotHoldUpClearing(t *testing.T) {
	h := openHistory(t, nobody{})
	_, in := friend(t, 1)
	for i := range byte(9) {
		h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, text(in, i+1, Millis(now)+uint64(i), Received)) })
	}
	damaged, missing := idOf(3), idOf(5)
	h.must(t, func(tx *ledger.Tx) error {
		if err := tx.Put(TableMessages, damaged[:], []byte{0xff}); err != nil {
			return err
		}
		return tx.Delete(TableMessages, missing[:])
	})
	if _, err := h.Clear(in); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := h.Work(nil); err != nil {
			t.Fatal(err)
		}
	}
	if p := h.problems(t); len(p) != 0 {
		t.Errorf("%q", p)
	}
	if c, err := h.OneChat(in); err != nil || c.Clearing != 0 || !h.Due(&ledger.Turn{Now: now}).IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestFarClocksOfMarks: what another device or an archive says with a clock of the future is
// brought to the present, so that what comes next is neither read nor cleared, and the user can
// change what they set.
func TestFarClocksOfMarks(t *testing.T) {
	const far = MaxTime
	_, in := friend(t, 1)
	limit := message.LatestClock(now)
	for name, tell := range map[string]func(h *History, tx *ledger.Tx) error{
		"another device": func(h *History, tx *ledger.Tx) error {
			for _, f := range []func() (bool, error){
				func() (bool, error) { return h.ReadUpTo(tx, in, EndOf(far)) },
				func() (bool, error) { return h.DeleteChat(tx, in, far) },
				func() (bool, error) { return h.SetMuted(tx, in, true, 0, far) },
				func() (bool, error) { return h.SetArchived(tx, in, true, far) },
				func() (bool, error) { return h.SetDraft(tx, in, "theirs", far) },
				func() (bool, error) { return h.SetMarkedUnread(tx, in, true, far) },
			} {
				if changed, err := f(); err != nil || !changed {
					t.Errorf("told: %v, %v", changed, err)
				}
			}
			return nil
		},
		"an archive": func(h *History, tx *ledger.Tx) error {
			id := EndOf(far).ID
			_, err := h.MergeChat(tx, &wire.ChatRecord{Key: in.Bytes(), ReadClock: far, ReadId: id[:], ClearedClock: far, DeletedClock: far, Marks: &wire.ChatMarksRecord{
				Muted: true, MutedClock: far, Archived: true, ArchivedClock: far, Draft: "theirs", DraftClock: far, Unread: true, UnreadClock: far,
			}})
			return err
		},
	} {
		h := openHistory(t, nobody{})
		h.Shared = func() bool { return true }
		h.must(t, func(tx *ledger.Tx) error { return tell(h, tx) })
		for what, call := range map[string]func() (event.Chat, error){
			"muted":    func() (event.Chat, error) { return h.Mute(in, false, 0) },
			"archived": func() (event.Chat, error) { return h.Archive(in, false) },
			"draft":    func() (event.Chat, error) { return h.Draft(in, "") },
			"read":     func() (event.Chat, error) { return h.MarkRead(in, nil) },
		} {
			if _, err := call(); err != nil {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		var rec wire.ChatRecord
		if _, err := h.Ledger.Get(TableChats, in.Bytes(), &rec); err != nil || rec.GetReadClock() > limit || rec.GetClearedClock() > limit || rec.GetDeletedClock() > limit || rec.GetMarks().GetMutedClock() > limit+2 {
			t.Errorf("%s: %+v, %v", name, &rec, err)
		}
		if c, err := h.OneChat(in); err != nil || c.Muted || c.Archived || c.Draft != "" || c.MarkedUnread {
			t.Errorf("%s: the chat is %+v, %v", name, c, err)
		}
		h.must(t, func(tx *ledger.Tx) error {
			if gone, err := h.Gone(tx, in.Bytes(), limit+1); err != nil || gone {
				t.Errorf("%s: what comes next is gone: %v, %v", name, gone, err)
			}
			return h.Add(tx, text(in, 1, limit+1, Received))
		})
		if c, err := h.OneChat(in); err != nil || c.Messages != 1 || c.Unread != 1 {
			t.Errorf("%s: with a message it is %+v, %v", name, c, err)
		}
		if p := h.problems(t); len(p) != 0 {
			t.Errorf("%s: %q", name, p)
		}
	}
}

// TestRemove: the record, the place, the counts and the last message go with a message.
func TestRemove(t *testing.T) {
	h := openHistory(t, nobody{})
	to, in := friend(t, 1)
	for i := range byte(4) {
		m := text(in, i+1, Millis(now)+uint64(i), Received)
		m.Mentioned = i == 3
		h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, m) })
	}
	ours := text(in, 9, Millis(now)+9, Queued)
	ours.ClientRef = "ref"
	h.must(t, func(tx *ledger.Tx) error {
		if err := h.ClaimRef(tx, ours, to, "9"); err != nil {
			return err
		}
		return h.Add(tx, ours)
	})
	remove := func(n byte) {
		h.must(t, func(tx *ledger.Tx) error {
			found, err := h.Remove(tx, idOf(n))
			if err == nil && !found {
				t.Errorf("message %d is not found", n)
			}
			return err
		})
		if p := h.problems(t); len(p) != 0 {
			t.Errorf("without %d: %q", n, p)
		}
	}
	remove(9)
	if _, _, err := h.ByRef("ref", to, "9"); port.CodeOf(err) != port.CodeClientRefReused {
		t.Errorf("the client_ref of a removed message: %v", err)
	}
	remove(2)
	if c, err := h.OneChat(in); err != nil || c.Messages != 3 || c.Unread != 3 || c.Mentions != 1 || c.LastMessage.Text != "4" {
		t.Errorf("%+v, %v", c, err)
	}
	remove(4)
	if c, err := h.OneChat(in); err != nil || c.Mentions != 0 || c.LastMessage.Text != "3" {
		t.Errorf("%+v, %v", c, err)
	}
	remove(1)
	remove(3)
	if p, err := h.Chats(page.Request{}, Selection{}); err != nil || len(p.Items) != 1 || p.Items[0].LastMessage != nil {
		t.Errorf("%+v, %v", p, err)
	}
	h.must(t, func(tx *ledger.Tx) error {
		if found, err := h.Remove(tx, idOf(1)); found || err != nil {
			t.Errorf("removed twice: %v, %v", found, err)
		}
		return nil
	})
}

// TestLateMessages: one that comes late is unread for a device that is alone, and read if
// another one may have read it.
func TestLateMessages(t *testing.T) {
	for _, shared := range []bool{false, true} {
		h := openHistory(t, nobody{})
		h.Shared = func() bool { return shared }
		_, in := friend(t, 1)
		h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, text(in, 1, Millis(now), Received)) })
		if _, err := h.MarkRead(in, nil); err != nil {
			t.Fatal(err)
		}
		late := text(in, 2, Millis(now)-5, Received)
		h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, late) })
		if c, err := h.OneChat(in); err != nil || (c.Unread == 0) != shared || late.GetRead() != shared {
			t.Errorf("other devices: %v, and the chat is %+v, %v", shared, c, err)
		}
		if c, err := h.MarkRead(in, nil); err != nil || c.Unread != 0 {
			t.Errorf("read: %+v, %v", c, err)
		}
	}
}

// TestClearedIsNotTold: a message that came and was cleared at once is not told from memory,
// while its record is still to be erased.
func TestClearedIsNotTold(t *testing.T) {
	h := openHistory(t, nobody{})
	_, in := friend(t, 1)
	before, after := text(in, 1, 10, Received), text(in, 2, 30, Received)
	for _, m := range []*wire.MessageRecord{before, after} {
		h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, m) })
		if got, found := h.Says().Received(m); !found || got.Text != m.GetText() {
			t.Errorf("%v, %v", got, found)
		}
	}
	h.must(t, func(tx *ledger.Tx) error { _, err := h.ClearUpTo(tx, in, 20); return err })
	for m, want := range map[*wire.MessageRecord]bool{before: false, after: true} {
		if _, found := h.Says().Received(m); found != want {
			t.Errorf("%s: %v", m.GetText(), found)
		}
	}
}
