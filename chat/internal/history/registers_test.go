package history

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/internal/ledger"
	"libstatus1to1/chat/message"
	"libstatus1to1/chat/wire"
)

// word is an action on a message.
type word func(*wire.MessageRecord)

// words makes what two people say about one message: with few clocks and emoji, so that many say
// something else about the same. Each has an id of its own, as it is a hash of what is said.
func words(r *rand.Rand, n int, deletions bool) (all []word) {
	people := [][]byte{[]byte("us"), []byte("them")}
	for i := range n {
		clock, id, from := uint64(1+r.IntN(12)), []byte{byte(r.IntN(200)), byte(r.IntN(200)), byte(i)}, people[r.IntN(2)]
		kind, choice := r.IntN(4), r.IntN(60)
		all = append(all, func(rec *wire.MessageRecord) {
			switch kind {
			case 0:
				SetEdit(rec, &wire.EditRecord{Clock: clock, Id: id}, &wire.MessageRecord{Text: fmt.Sprint(clock, id)}, true)
			case 1:
				SetPin(rec, &wire.PinRecord{Clock: clock, Id: id, Pinned: id[0]%2 == 0, By: from})
			case 2:
				if deletions && choice < 10 {
					SetDeletion(rec, &wire.DeletionRecord{At: int64(clock), By: from, ForEveryone: id[0]%2 == 0})
				}
				fallthrough
			default:
				SetReaction(rec, &wire.ReactionRecord{Emoji: fmt.Sprint(choice), From: from, Clock: clock, Id: id, Retracted: id[0]%3 == 0})
			}
		})
	}
	return all
}

// TestRegistersConverge: whatever is said about a message, and in whatever order it arrives,
// also twice, comes to the same.
func TestRegistersConverge(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	for round := range 300 {
		all := words(r, 1+r.IntN(250), round%3 == 0)
		var first *wire.MessageRecord
		for range 4 {
			rec := &wire.MessageRecord{Id: make([]byte, 32), Chat: []byte("\x01them"), Text: "as it was written", State: string(Received)}
			for _, i := range r.Perm(len(all)) {
				all[i](rec)
				if r.IntN(4) == 0 {
					all[i](rec)
				}
			}
			if first == nil {
				first = rec
			} else if !proto.Equal(first, rec) {
				t.Fatalf("seed %d, round %d: %v\nand in another order %v", seed, round, first, rec)
			}
		}
		each := map[string]int{}
		for _, o := range first.GetReactions() {
			each[string(o.GetFrom())]++
		}
		if each["us"] > message.MaxReactionsEach || each["them"] > message.MaxReactionsEach || len(first.GetEarlier()) > message.MaxEarlier {
			t.Fatalf("seed %d, round %d: %v reactions, %d earlier texts", seed, round, each, len(first.GetEarlier()))
		}
	}
}

// A deletion leaves nothing of what was said.
func TestErasedSaysNothing(t *testing.T) {
	rec := &wire.MessageRecord{
		Id: make([]byte, 32), Chat: []byte("\x01them"), Text: "a secret", State: string(Queued), Outgoing: true, Clock: 7, SenderName: "N",
		Edit: &wire.EditRecord{Clock: 9, Id: []byte("e")}, Earlier: []*wire.EditRecord{{Text: "a secret"}},
		Reactions: []*wire.ReactionRecord{{Emoji: "x"}}, Pin: &wire.PinRecord{Pinned: true},
	}
	SetDeletion(rec, &wire.DeletionRecord{At: 5, ForEveryone: true})
	want := &wire.MessageRecord{
		Id: make([]byte, 32), Chat: []byte("\x01them"), State: string(Failed), Failure: "cancelled", Outgoing: true, Clock: 7, SenderName: "N", Read: true,
		Edit: &wire.EditRecord{Clock: 9, Id: []byte("e")}, Deletion: &wire.DeletionRecord{At: 5, ForEveryone: true},
	}
	if !proto.Equal(rec, want) {
		t.Errorf("%v is left, want %v", rec, want)
	}
}

// Earlier texts have a bound in bytes, and that of the beginning goes last.
func TestEarlierTextsAreBounded(t *testing.T) {
	rec := &wire.MessageRecord{Text: "first"}
	for i := range 50 {
		text := make([]byte, 5000)
		SetEdit(rec, &wire.EditRecord{Clock: uint64(i + 1), Id: []byte{byte(i)}}, &wire.MessageRecord{Text: string(text)}, true)
	}
	size := 0
	for _, e := range rec.GetEarlier() {
		size += len(e.GetText())
	}
	if size > message.MaxEarlierBytes || len(rec.GetEarlier()) != 7 || rec.GetEarlier()[0].GetText() != "first" {
		t.Errorf("%d texts of %d bytes are kept", len(rec.GetEarlier()), size)
	}
}

// TestChange: what changes is stored, watched and reported, also whole; what does not, is not;
// and a message that is held back changes without an event.
func TestChange(t *testing.T) {
	h := openHistory(t, nobody{})
	_, in := friend(t, 1)
	var seen []string
	h.Watch(func(_ *ledger.Tx, before, after *wire.MessageRecord) error {
		seen = append(seen, fmt.Sprintf("%q -> %q", before.GetText(), after.GetText()))
		return nil
	})
	held := text(in, 2, 6, Received)
	held.Request = true
	h.must(t, func(tx *ledger.Tx) error { return errors.Join(h.Add(tx, text(in, 1, 5, Received)), h.Add(tx, held)) })
	edit := func(id byte, clock uint64) (found bool) {
		h.must(t, func(tx *ledger.Tx) (err error) {
			found, err = h.Change(tx, idOf(id), CauseEdited, func(rec *wire.MessageRecord) bool {
				changed, _ := SetEdit(rec, &wire.EditRecord{Clock: clock, Id: []byte{1}}, &wire.MessageRecord{Text: fmt.Sprint("at ", clock)}, false)
				return changed
			})
			return err
		})
		return found
	}
	if !edit(1, 9) || !edit(1, 8) || !edit(2, 9) || edit(3, 9) {
		t.Error("what is found is wrong")
	}
	h.must(t, func(tx *ledger.Tx) error {
		_, err := h.Erase(tx, idOf(1), &wire.DeletionRecord{At: 10, By: []byte{1}})
		return err
	})
	want := []string{`"" -> "1"`, `"" -> "2"`, `"1" -> "at 9"`, `"2" -> "at 9"`, `"at 9" -> ""`}
	if !slices.Equal(seen, want) {
		t.Errorf("watched %q, want %q", seen, want)
	}
	var causes []enum.MessageChange
	for {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		e, err := h.Ledger.Events.Next(ctx)
		if err != nil || e == nil {
			break
		}
		var data event.MessageChanged
		if err := json.Unmarshal(e.Data, &data); err != nil || e.Type != data.Type() {
			t.Fatalf("%s: %v", e.Type, err)
		}
		causes = append(causes, data.Cause)
	}
	if !slices.Equal(causes, []enum.MessageChange{CauseEdited, CauseDeleted}) {
		t.Errorf("reported %q", causes)
	}
	if chat, err := h.OneChat(in); err != nil || chat.Unread != 1 {
		t.Errorf("%d are unread, %v", chat.Unread, err)
	}
	if p := h.problems(t); len(p) != 0 {
		t.Error(p)
	}
}
