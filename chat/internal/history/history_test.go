package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/internal/page"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// now is the time of all tests here.
var now = time.UnixMilli(1_800_000_000_000)

// nobody stands for the outbox and the people: nothing is sent, everybody is a contact.
type nobody struct{ sending map[[32]byte]*Sending }

func (n nobody) Sending(id [32]byte) (p Progress, known bool) {
	p.Sent, known = n.sending[id]
	return p, known
}
func (nobody) Awaited([32]byte) ([]event.MessageDevice, error) { return nil, nil }
func (nobody) Erase(*ledger.Tx, [32]byte) error                { return nil }
func (nobody) Stranger(key.Compact) bool                       { return false }
func (nobody) Name(port.Tx, key.Public) (string, error)        { return "", nil }
func (nobody) KeyExchange(key.Public) enum.KeyExchange         { return "x3dh" }

func openHistory(t *testing.T, outbox nobody) *History {
	t.Helper()
	s := store.Memory()
	l := ledger.New(ledger.Options{
		Store: s, Now: func() time.Time { return now }, MaxEvents: 1000, MaxEventBytes: 1 << 20,
		Stranger: func(key.Compact) bool { return false }, Blocked: func(key.Compact) bool { return false },
		Withheld: func() {}, Panicked: func(value any, _ []byte) string { t.Errorf("a panic: %v", value); return "" },
	})
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return New(Options{Ledger: l, Now: l.Now, Outbox: outbox, People: outbox})
}

func (h *History) must(t *testing.T, f func(tx *ledger.Tx) error) {
	t.Helper()
	if err := h.Ledger.Update(f); err != nil {
		t.Fatal(err)
	}
}

// problems runs the walk and returns what it reports.
func (h *History) problems(t *testing.T) (problems []string) {
	t.Helper()
	err := h.Ledger.View(func(tx port.Tx) error {
		return h.Check(ledger.NewWalk(context.Background(), tx, func(p string) { problems = append(problems, p) }))
	})
	if err != nil {
		t.Fatal(err)
	}
	return problems
}

// friend is a conversation, by the number of its person.
func friend(t testing.TB, n byte) (key.Public, message.ConversationID) {
	t.Helper()
	k, err := key.ParsePrivate(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k.Public(), message.ConversationWith(k.Public())
}

func text(in message.ConversationID, id byte, clock uint64, state State) *wire.MessageRecord {
	outgoing := states[state].outgoing
	return &wire.MessageRecord{
		Id: append(make([]byte, 31), id), Chat: in.Bytes(), Kind: message.KindText, Text: fmt.Sprint(id), Clock: clock,
		State: string(state), Outgoing: outgoing, Read: outgoing,
	}
}

func idOf(n byte) [32]byte { return [32]byte(append(make([]byte, 31), n)) }

// TestStates walks the table: a message changes its state as that says, and in no other
// way, whatever the outbox tells.
func TestStates(t *testing.T) {
	steps := map[State]func(h *History, tx *ledger.Tx) error{
		Sent: func(h *History, tx *ledger.Tx) error {
			return h.Sent(tx, idOf(1), Progress{Sent: &Sending{At: now}})
		},
		Stored: func(h *History, tx *ledger.Tx) error {
			return h.Sent(tx, idOf(1), Progress{Stored: &Storing{Nodes: []string{"node"}, At: now}})
		},
		Failed: func(h *History, tx *ledger.Tx) error { return h.Fail(tx, idOf(1), port.CodeUndeliverable) },
		Queued: func(h *History, tx *ledger.Tx) error { return h.Requeue(tx, idOf(1)) },
		Delivered: func(h *History, tx *ledger.Tx) error {
			rec, _, err := h.Record(tx, idOf(1))
			wasFailed := StateOf(rec) == Failed
			after, ackErr := h.Acknowledged(tx, idOf(1), "device", false)
			if after != wasFailed {
				t.Errorf("from %s: delivered after a failure: %v", StateOf(rec), after)
			}
			return errors.Join(err, ackErr)
		},
	}
	_, in := friend(t, 1)
	for from, rule := range states {
		for to, step := range steps {
			h := openHistory(t, nobody{})
			h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, text(in, 1, 5, from)) })
			h.must(t, func(tx *ledger.Tx) error { return step(h, tx) })
			want := from
			if slices.Contains(rule.next, to) {
				want = to
			}
			if m, err := h.Message(idOf(1)); err != nil || string(m.State) != string(want) {
				t.Errorf("from %s, told %s: %s, %v", from, to, m.State, err)
			}
			if p := h.problems(t); len(p) != 0 {
				t.Errorf("from %s, told %s: %q", from, to, p)
			}
		}
	}
}

// TestStatesOfTheWrongDirection: the walk knows which states go with which direction.
func TestStatesOfTheWrongDirection(t *testing.T) {
	_, in := friend(t, 1)
	for state := range states {
		h := openHistory(t, nobody{})
		h.must(t, func(tx *ledger.Tx) error {
			m := text(in, 1, 5, state)
			m.Outgoing = !m.Outgoing
			return h.Add(tx, m)
		})
		if p := h.problems(t); len(p) != 1 || !strings.Contains(p[0], "no known state") {
			t.Errorf("%s: %q", state, p)
		}
	}
}

// TestOverlay: what the outbox knows shows wherever the message does, and is stored with
// the next change.
func TestOverlay(t *testing.T) {
	sent := &Sending{Evidence: port.Evidence{Kind: "relay", Peers: 3}, At: now}
	h := openHistory(t, nobody{map[[32]byte]*Sending{idOf(1): sent}})
	_, in := friend(t, 1)
	h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, text(in, 1, 5, Queued)) })
	list, err := h.Messages(in, page.Request{})
	one, oneErr := h.Message(idOf(1))
	chat, chatErr := h.OneChat(in)
	if err := errors.Join(err, oneErr, chatErr); err != nil {
		t.Fatal(err)
	}
	for _, m := range []event.Message{list.Items[0], one, *chat.LastMessage} {
		if m.State != "sent" || m.Evidence == nil || m.Evidence.Peers != 3 {
			t.Errorf("%+v", m)
		}
	}
	h.must(t, func(tx *ledger.Tx) error { return h.Fail(tx, idOf(1), port.CodeUndeliverable) })
	if m, err := h.Message(idOf(1)); err != nil || m.State != "failed" || m.Failure != "undeliverable" || m.Evidence == nil {
		t.Errorf("%+v, %v", m, err)
	}
}

// TestConversationsApart: pages, counts, clocks and what is unread are of one conversation.
func TestConversationsApart(t *testing.T) {
	h := openHistory(t, nobody{})
	_, one := friend(t, 1)
	_, two := friend(t, 2)
	own := Millis(now)
	h.must(t, func(tx *ledger.Tx) error {
		for i := range byte(5) {
			m := text(one, i+1, own+uint64(i), Received)
			b, err := proto.Marshal(m)
			if err != nil {
				return err
			}
			if _, err := h.AddReceived(tx, m, b, m.GetClock()); err != nil {
				return err
			}
		}
		return h.Add(tx, text(two, 9, own-7, Queued))
	})
	if clock, err := h.NextClock(one, now); err != nil || clock != own+5 {
		t.Errorf("the next clock is %d ahead, %v", clock-own, err)
	}
	if clock, err := h.NextClock(two, now); err != nil || clock != own {
		t.Errorf("the next clock of the other is %d ahead, %v", clock-own, err)
	}
	third := idOf(3)
	if c, err := h.MarkRead(one, &third); err != nil || c.Unread != 2 || c.Messages != 5 {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := h.MarkRead(two, &third); port.CodeOf(err) != port.CodeNotFound {
		t.Errorf("a message of another conversation: %v", err)
	}
	if c, err := h.OneChat(two); err != nil || c.Unread != 0 || c.Messages != 1 || c.LastMessage.Text != "9" {
		t.Errorf("%+v, %v", c, err)
	}
	if p := h.problems(t); len(p) != 0 {
		t.Errorf("%q", p)
	}
}

// TestCursors: a list goes on where its cursor says, and a cursor of an earlier version,
// which named a person, is refused and not taken for another place.
func TestCursors(t *testing.T) {
	h := openHistory(t, nobody{})
	for n := range byte(5) {
		_, in := friend(t, n+1)
		h.must(t, func(tx *ledger.Tx) error { return h.Add(tx, text(in, n+1, 7, Queued)) })
	}
	seen := map[string]bool{}
	for r := (page.Request{Limit: 2}); ; {
		p, err := h.Chats(r, Selection{})
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range p.Items {
			seen[c.ChatID] = true
		}
		if r.Cursor = p.Next; r.Cursor == "" {
			break
		}
	}
	if len(seen) != 5 {
		t.Errorf("%d conversations of 5 were listed", len(seen))
	}
	k, _ := friend(t, 1)
	for _, cursor := range []string{fmt.Sprintf("%020d-%x", ^uint64(7), k.Compressed()), "7:01", "x"} {
		if _, err := h.Chats(page.Request{Cursor: cursor}, Selection{}); port.CodeOf(err) != port.CodeBadCursor {
			t.Errorf("cursor %s: %v", cursor, err)
		}
	}
}

// TestClientRefs: a client_ref stands for one text to one person.
func TestClientRefs(t *testing.T) {
	h := openHistory(t, nobody{})
	to, in := friend(t, 1)
	other, _ := friend(t, 2)
	m := text(in, 1, 5, Queued)
	m.ClientRef = "ref"
	h.must(t, func(tx *ledger.Tx) error { return errors.Join(h.ClaimRef(tx, m, to, "1"), h.Add(tx, m)) })
	if err := h.Ledger.Update(func(tx *ledger.Tx) error { return h.ClaimRef(tx, m, to, "1") }); !errors.Is(err, ErrRefTaken) {
		t.Errorf("claimed twice: %v", err)
	}
	if got, found, err := h.ByRef("ref", to, "1"); err != nil || !found || got.ID != event.Hex(m.GetId()) {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
	if _, found, err := h.ByRef("another", to, "1"); err != nil || found {
		t.Errorf("another ref: %v, %v", found, err)
	}
	for _, err := range []error{
		func() error { _, _, err := h.ByRef("ref", to, "2"); return err }(),
		func() error { _, _, err := h.ByRef("ref", other, "1"); return err }(),
	} {
		if port.CodeOf(err) != port.CodeClientRefReused {
			t.Errorf("used for something else: %v", err)
		}
	}
	if bytes.Equal(requestDigest(to, "1"), requestDigest(other, "1")) {
		t.Error("the recipient is not in the digest")
	}
}
