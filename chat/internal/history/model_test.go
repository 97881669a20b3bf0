package history

import (
	"bytes"
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/wire"
)

// What a history does with conversations, against a model that knows no store, no pages and
// no clearing in parts: random calls, messages in any order, what other devices tell, and
// restarts.

// modelMessage is a message as the model has it.
type modelMessage struct {
	at                    port.Position
	outgoing, read, named bool
}

// modelChat is a conversation as the model has it.
type modelChat struct {
	messages         []modelMessage // in their order
	read             port.Position
	cleared, deleted uint64
	clock, last      uint64
	known            bool
	marks            wire.ChatMarksRecord
}

// model holds the state that a history should be in.
type model struct {
	t      *testing.T
	r      *rand.Rand
	h      *History
	chats  [3]modelChat
	number uint32
	shared bool
}

func (m *model) in(c int) message.ConversationID {
	_, in := friend(m.t, byte(c+1))
	return in
}

// clockOf is a random clock about now.
func (m *model) clockOf() uint64 { return Millis(now) + uint64(m.r.IntN(2000)) - 1000 }

func (m *model) sort(c int) {
	slices.SortFunc(m.chats[c].messages, func(a, b modelMessage) int {
		return cmp.Or(cmp.Compare(a.at.Clock, b.at.Clock), bytes.Compare(a.at.ID[:], b.at.ID[:]))
	})
}

// arrive has a message come in or go out.
func (m *model) arrive(c int, clock uint64, outgoing bool) {
	m.number++
	chat := &m.chats[c]
	state := Received
	if outgoing {
		state = Queued
	}
	rec := text(m.in(c), 0, clock, state)
	id := [32]byte{31: byte(m.number), 30: byte(m.number >> 8), 0: byte(m.r.IntN(256))}
	rec.Id, rec.Mentioned = id[:], m.r.IntN(3) == 0
	if outgoing {
		clock = max(chat.clock+1, Millis(now))
		rec.Clock = clock
	}
	at := port.Position{Clock: clock, ID: id}
	gone := false
	m.h.must(m.t, func(tx *ledger.Tx) (err error) {
		if gone, err = m.h.Gone(tx, rec.GetChat(), clock); err != nil || gone {
			return err
		}
		b, err := proto.Marshal(rec)
		if err != nil {
			return err
		}
		_, err = m.h.AddReceived(tx, rec, b, clock)
		return err
	})
	chat.known = true
	if want := clock <= chat.cleared; gone != want {
		m.t.Fatalf("a message of %d is gone: %v, cleared up to %d", clock, gone, chat.cleared)
	}
	if gone {
		return
	}
	read := outgoing || m.shared && !chat.read.Before(at)
	chat.messages = append(chat.messages, modelMessage{at, outgoing, read, rec.GetMentioned()})
	m.sort(c)
	chat.clock, chat.last = max(chat.clock, clock), chat.messages[len(chat.messages)-1].at.Clock
}

// readUpTo marks messages of the model.
func (c *modelChat) readUpTo(at port.Position) {
	if c.read.Before(at) {
		c.read = at
	}
	for i := range c.messages {
		if !at.Before(c.messages[i].at) {
			c.messages[i].read = true
		}
	}
}

func (c *modelChat) clear(clock uint64) {
	c.known = true
	if clock <= c.cleared {
		return
	}
	c.cleared, c.clock = clock, max(c.clock, clock)
	c.messages = slices.DeleteFunc(c.messages, func(o modelMessage) bool { return o.at.Clock <= clock })
}

// remove takes a message out of the model.
func (c *modelChat) remove(i int) {
	last := i == len(c.messages)-1
	c.messages = slices.Delete(c.messages, i, i+1)
	if last && len(c.messages) > 0 {
		c.last = c.messages[len(c.messages)-1].at.Clock
	}
}

// markedUnread returns what isMarkedUnread should return.
func (c *modelChat) markedUnread() bool { return c.marks.Unread && c.marks.UnreadClock > c.read.Clock }

// step does something at random, to the history and to the model.
func (m *model) step() (did string) {
	c := m.r.IntN(len(m.chats))
	chat, in := &m.chats[c], m.in(c)
	call := func(_ event.Chat, err error) {
		if err != nil {
			m.t.Fatal(err)
		}
	}
	switch n := m.r.IntN(20); n {
	case 0, 1, 2, 3:
		m.arrive(c, m.clockOf(), false)
		return "a message"
	case 4:
		m.arrive(c, 0, true)
		return "a message of ours"
	case 5:
		if m.r.IntN(6) == 0 {
			for range eraseAtOnce + 50 {
				m.arrive(c, m.clockOf(), m.r.IntN(4) == 0)
			}
		}
		return "many messages"
	case 6:
		call(m.h.MarkRead(in, nil))
		if len(chat.messages) > 0 {
			chat.readUpTo(chat.messages[len(chat.messages)-1].at)
		}
		if chat.markedUnread() {
			chat.marks.Unread, chat.marks.UnreadClock = false, max(Millis(now), chat.marks.UnreadClock+1, chat.read.Clock+1)
		}
		return "read"
	case 7:
		if len(chat.messages) > 0 {
			at := chat.messages[m.r.IntN(len(chat.messages))].at
			call(m.h.MarkRead(in, &at.ID))
			chat.readUpTo(at)
			if chat.markedUnread() {
				chat.marks.Unread, chat.marks.UnreadClock = false, max(Millis(now), chat.marks.UnreadClock+1, chat.read.Clock+1)
			}
		}
		return "read up to"
	case 8:
		call(m.h.MarkUnread(in))
		chat.known = true
		if !chat.markedUnread() {
			chat.marks.Unread, chat.marks.UnreadClock = true, max(Millis(now), chat.marks.UnreadClock+1, chat.read.Clock+1)
		}
		return "unread"
	case 9:
		muted, until := m.r.IntN(2) == 0, now.UnixMilli()+int64(m.r.IntN(3)-1)*1000
		if !muted {
			until = 0
		}
		call(m.h.Mute(in, muted, until))
		chat.marks.Muted, chat.marks.MutedUntil, chat.known = muted, until, chat.known || muted
		return "mute"
	case 10:
		chat.marks.Archived = m.r.IntN(2) == 0
		call(m.h.Archive(in, chat.marks.Archived))
		chat.known = chat.known || chat.marks.Archived
		return "archive"
	case 11:
		chat.marks.Draft = []string{"", "one", "two"}[m.r.IntN(3)]
		call(m.h.Draft(in, chat.marks.Draft))
		chat.known = chat.known || chat.marks.Draft != ""
		return "draft"
	case 12:
		call(m.h.Clear(in))
		if chat.known {
			chat.clear(chat.clock)
		}
		return "clear"
	case 13:
		call(m.h.Delete(in))
		if chat.known {
			chat.marks.Draft = ""
			chat.clear(chat.clock)
			chat.deleted = max(chat.deleted, chat.cleared)
		}
		return "delete"
	case 14, 15, 16:
		return m.told(c, n)
	case 17:
		if len(chat.messages) > 0 {
			i := m.r.IntN(len(chat.messages))
			m.h.must(m.t, func(tx *ledger.Tx) error { _, err := m.h.Remove(tx, chat.messages[i].at.ID); return err })
			chat.remove(i)
		}
		return "remove"
	case 18:
		if err := m.h.Work(nil); err != nil {
			m.t.Fatal(err)
		}
		return "work"
	}
	m.restart()
	return "restart"
}

// told has another device tell that it has read, cleared or deleted.
func (m *model) told(c, n int) string {
	chat, in, clock := &m.chats[c], m.in(c), m.clockOf()
	m.h.must(m.t, func(tx *ledger.Tx) (err error) {
		switch n {
		case 14:
			_, err = m.h.ReadUpTo(tx, in, EndOf(clock))
		case 15:
			_, err = m.h.ClearUpTo(tx, in, clock)
		case 16:
			_, err = m.h.DeleteChat(tx, in, clock)
		}
		return err
	})
	chat.known = true
	switch n {
	case 14:
		chat.readUpTo(EndOf(clock))
		return "read elsewhere"
	case 15:
		chat.clear(clock)
		return "cleared elsewhere"
	}
	chat.clear(clock)
	chat.deleted = max(chat.deleted, clock)
	return "deleted elsewhere"
}

// restart opens the history again, from its store.
func (m *model) restart() {
	o := m.h.Options
	m.h = New(o)
	if err := m.h.Ledger.View(m.h.Load); err != nil {
		m.t.Fatal(err)
	}
}

// compare looks at all that programs see.
func (m *model) compare(after string) {
	m.t.Helper()
	for c := range m.chats {
		m.compareChat(after, c)
	}
	for _, archived := range []bool{false, true} {
		var want, got []string
		for c := range m.chats {
			chat := &m.chats[c]
			listed := len(chat.messages) > 0 || max(chat.last, chat.cleared) > chat.deleted
			if listed && chat.marks.Archived == archived {
				k, _ := m.in(c).Public()
				want = append(want, fmt.Sprintf("%020d %s", ^max(chat.last, chat.cleared), k.Hex()))
			}
		}
		slices.Sort(want)
		for i := range want {
			want[i] = want[i][21:]
		}
		for r := (page.Request{Limit: 1}); ; {
			p, err := m.h.Chats(r, Selection{Archived: archived})
			if err != nil {
				m.t.Fatal(err)
			}
			for _, chat := range p.Items {
				got = append(got, chat.ChatID)
			}
			if r.Cursor = p.Next; r.Cursor == "" {
				break
			}
		}
		slices.SortStableFunc(got, func(a, b string) int { return cmp.Compare(slices.Index(want, a), slices.Index(want, b)) })
		if !slices.Equal(got, want) {
			m.t.Fatalf("after %s: listed are %q, want %q", after, got, want)
		}
	}
	if p := m.h.problems(m.t); len(p) != 0 {
		m.t.Fatalf("after %s: %q", after, p)
	}
}

func (m *model) compareChat(after string, c int) {
	m.t.Helper()
	chat := &m.chats[c]
	got, err := m.h.OneChat(m.in(c))
	if err != nil {
		m.t.Fatal(err)
	}
	want := event.Chat{
		ChatID: got.ChatID, ChatKey: got.ChatKey, KeyExchange: got.KeyExchange, Clearing: got.Clearing, LastMessage: got.LastMessage,
		Messages: uint64(len(chat.messages)), MarkedUnread: chat.markedUnread(), Archived: chat.marks.Archived, Draft: chat.marks.Draft,
	}
	if until := chat.marks.MutedUntil; chat.marks.Muted && (until == 0 || until > now.UnixMilli()) {
		want.Muted, want.MutedUntil = true, until
	}
	var ids []string
	for _, o := range slices.Backward(chat.messages) {
		ids = append(ids, fmt.Sprintf("%x %v", o.at.ID, o.read))
		if !o.read {
			want.Unread++
			if o.named {
				want.Mentions++
			}
		}
	}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		m.t.Fatalf("after %s: chat %d is\n%+v, want\n%+v", after, c, got, want)
	}
	var listed []string
	for r := (page.Request{Limit: 7}); ; {
		p, err := m.h.Messages(m.in(c), r)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, o := range p.Items {
			listed = append(listed, fmt.Sprintf("%s %v", o.ID[2:], o.Read))
		}
		if r.Cursor = p.Next; r.Cursor == "" {
			break
		}
	}
	if !slices.Equal(listed, ids) {
		m.t.Fatalf("after %s: chat %d has %d messages %q\nwant %d %q", after, c, len(listed), listed, len(ids), ids)
	}
	if last := got.LastMessage; (last == nil) != (len(ids) == 0) || last != nil && last.ID[2:] != ids[0][:64] {
		m.t.Fatalf("after %s: the last message is %+v", after, last)
	}
}

// TestChatsLikeTheModel does random things to a history and a model.
func TestChatsLikeTheModel(t *testing.T) {
	seed := rand.Uint64()
	for run := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, run))
		m := &model{t: t, r: r, h: openHistory(t, nobody{}), shared: run%2 == 0}
		m.h.Shared = func() bool { return m.shared }
		did := fmt.Sprintf("seed %d, run %d: nothing", seed, run)
		for i := range 150 {
			what := m.step()
			did = fmt.Sprintf("seed %d, run %d, step %d: %s", seed, run, i, what)
			m.compare(did)
		}
		for due := m.h.Due(&ledger.Turn{Now: now}); !due.IsZero(); due = m.h.Due(&ledger.Turn{Now: now}) {
			if err := m.h.Work(nil); err != nil {
				t.Fatal(err)
			}
		}
		m.compare(did + ", and all is erased")
		for c := range m.chats {
			m.h.must(t, func(tx *ledger.Tx) error {
				if n, err := tx.Count(m.in(c).Bytes()); err != nil || n != uint64(len(m.chats[c].messages)) {
					t.Errorf("%s: %d places are left of chat %d, %v", did, n, c, err)
				}
				return nil
			})
		}
	}
}

// TestChatsConverge has two devices learn the same, messages and what was done with the chat,
// in different orders: in the end they show the same.
func TestChatsConverge(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	k, in := friend(t, 1)
	for run := range 200 {
		var all []func(h *History, tx *ledger.Tx) error
		clock := func() uint64 { return Millis(now) + uint64(r.IntN(40)) - 20 }
		for i := range byte(8) {
			at := clock()
			all = append(all, func(h *History, tx *ledger.Tx) error {
				m := text(in, i+1, at, Received)
				if gone, err := h.Gone(tx, m.GetChat(), at); err != nil || gone {
					return err
				}
				b, err := proto.Marshal(m)
				if err != nil {
					return err
				}
				_, err = h.AddReceived(tx, m, b, at)
				return err
			})
		}
		tell := func(f func(h *History, tx *ledger.Tx, clock uint64, on bool) (bool, error)) {
			for range r.IntN(3) {
				at, on := clock(), r.IntN(2) == 0
				all = append(all, func(h *History, tx *ledger.Tx) error { _, err := f(h, tx, at, on); return err })
			}
		}
		tell(func(h *History, tx *ledger.Tx, at uint64, _ bool) (bool, error) { return h.ReadUpTo(tx, in, EndOf(at)) })
		tell(func(h *History, tx *ledger.Tx, at uint64, _ bool) (bool, error) { return h.ClearUpTo(tx, in, at) })
		tell(func(h *History, tx *ledger.Tx, at uint64, _ bool) (bool, error) { return h.DeleteChat(tx, in, at) })
		tell(func(h *History, tx *ledger.Tx, at uint64, on bool) (bool, error) {
			return h.SetMarkedUnread(tx, in, on, at)
		})
		tell(func(h *History, tx *ledger.Tx, at uint64, on bool) (bool, error) {
			return h.SetMuted(tx, in, on, int64(at%3)*now.UnixMilli(), at/4*4)
		})
		tell(func(h *History, tx *ledger.Tx, at uint64, on bool) (bool, error) {
			return h.SetArchived(tx, in, on, at)
		})
		tell(func(h *History, tx *ledger.Tx, at uint64, on bool) (bool, error) {
			return h.SetDraft(tx, in, fmt.Sprint(at, on), at/4*4)
		})
		var dumps [2]string
		for i := range dumps {
			h := openHistory(t, nobody{})
			h.Shared = func() bool { return true }
			for _, j := range r.Perm(len(all)) {
				h.must(t, func(tx *ledger.Tx) error { return all[j](h, tx) })
				if r.IntN(4) == 0 {
					if err := h.Work(nil); err != nil {
						t.Fatal(err)
					}
				}
			}
			for range 2 {
				if err := h.Work(nil); err != nil {
					t.Fatal(err)
				}
			}
			dumps[i] = dump(t, h, in)
		}
		if dumps[0] != dumps[1] {
			t.Fatalf("seed %d, run %d: the chat with %s is\n%s and\n%s", seed, run, k.Hex(), dumps[0], dumps[1])
		}
	}
}

// dump is all that a program sees of a conversation.
func dump(t *testing.T, h *History, in message.ConversationID) string {
	t.Helper()
	chat, err := h.OneChat(in)
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	list, err := h.Messages(in, page.Request{Limit: 200})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list.Items {
		out += fmt.Sprintf("%s %d %v; ", m.ID[60:], m.Clock, m.Read)
	}
	for _, which := range []Selection{{}, {Archived: true}} {
		chats, err := h.Chats(page.Request{}, which)
		if err != nil {
			t.Fatal(err)
		}
		out += fmt.Sprint(which, len(chats.Items), " ")
	}
	if p := h.problems(t); len(p) != 0 {
		t.Errorf("%q", p)
	}
	chat.LastMessage = nil
	return fmt.Sprintf("%s%+v", out, chat)
}
