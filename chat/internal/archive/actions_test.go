package archive

import (
	"testing"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// TestValidActions: of what an archive says was done to a message only that is taken which the
// two people of the chat can have done, at a clock that is believed.
func TestValidActions(t *testing.T) {
	public := func(n byte) key.Public {
		k, err := key.ParsePrivate(append(make([]byte, 31), n))
		if err != nil {
			t.Fatal(err)
		}
		return k.Public()
	}
	owner, friend, other := public(1), public(2), public(3)
	id, far := make([]byte, 32), uint64(1001)
	s := NewSink(Target{LatestClock: func() uint64 { return 1000 }})
	rec := &wire.MessageRecord{
		Chat: message.ConversationWith(friend).Bytes(), From: friend.Compressed(), Text: "edited",
		Edit: &wire.EditRecord{Clock: far, Id: id},
		Reactions: []*wire.ReactionRecord{
			{Emoji: "👍", From: friend.Compressed(), Clock: 5, Id: id}, {Emoji: "👍", From: owner.Compressed(), Clock: 5, Id: id},
			{Emoji: "👍", From: other.Compressed(), Clock: 5, Id: id}, {Emoji: "👍", From: friend.Compressed(), Clock: far, Id: id},
			{Emoji: "hi", From: friend.Compressed(), Clock: 5, Id: id}, {Emoji: "👍", From: friend.Compressed(), Clock: 5, Id: id[1:]},
		},
		Pin:     &wire.PinRecord{Clock: far, By: owner.Compressed(), Id: id, Pinned: true},
		Earlier: []*wire.EditRecord{{Text: "as it was"}},
	}
	if err := s.validActions(rec, owner); err != nil {
		t.Fatal(err)
	}
	if rec.Edit != nil || rec.Pin != nil || len(rec.Reactions) != 2 || len(rec.Earlier) != 0 || rec.Text != "edited" {
		t.Errorf("taken: %v", rec)
	}
	for name, d := range map[string]*wire.DeletionRecord{
		"for everyone by the reader": {By: owner.Compressed(), ForEveryone: true, At: 5},
		"for the reader by a friend": {By: friend.Compressed(), At: 5},
		"by a third person":          {By: other.Compressed(), ForEveryone: true, At: 5},
		"at no time":                 {By: owner.Compressed(), At: -1},
	} {
		rec.Deletion = d
		if err := s.validActions(rec, owner); err == nil {
			t.Errorf("a deletion %s is taken", name)
		}
	}
	rec.Deletion = &wire.DeletionRecord{By: friend.Compressed(), ForEveryone: true, At: 5}
	if err := s.validActions(rec, owner); err != nil {
		t.Errorf("a deletion by the author: %v", err)
	}
	rec.Edit, rec.Earlier = &wire.EditRecord{Clock: 5, Id: id}, make([]*wire.EditRecord, message.MaxEarlier+1)
	for i := range rec.Earlier {
		rec.Earlier[i] = &wire.EditRecord{Clock: uint64(i + 1), Id: id, Text: "x"}
	}
	if err := s.validActions(rec, owner); err == nil {
		t.Error("earlier texts without end are taken")
	}
}
