package archive

import (
	"slices"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
	"libstatus1to1/chat/wire"
)

// validActions checks what an archive says was done to a message. What cannot be is left out,
// and the message with the rest is taken: a clock of the future would win for ever, and only
// the two people of the chat do anything to its messages.
func (s *Sink) validActions(rec *wire.MessageRecord, owner key.Public) error {
	latest := s.t.LatestClock()
	said := func(clock uint64, id []byte) bool { return clock > 0 && clock <= latest && len(id) == 32 }
	two := [][]byte{owner.Compressed(), rec.GetChat()[1:]}
	either := func(who []byte) bool { return string(who) == string(two[0]) || string(who) == string(two[1]) }
	if e := rec.GetEdit(); e != nil {
		if rec.Edit.Text = ""; !said(e.GetClock(), e.GetId()) {
			rec.Edit = nil
		}
	}
	rec.Reactions = slices.DeleteFunc(rec.GetReactions(), func(r *wire.ReactionRecord) bool {
		emoji, err := message.ParseEmoji(r.GetEmoji())
		return err != nil || emoji != r.GetEmoji() || !either(r.GetFrom()) || !said(r.GetClock(), r.GetId())
	})
	if p := rec.GetPin(); p != nil && (!either(p.GetBy()) || !said(p.GetClock(), p.GetId())) {
		rec.Pin = nil
	}
	if len(rec.GetReactions()) > len(two)*message.MaxReactionsEach {
		return bad("reactions", "are too many")
	}
	return first(validEarlier(rec, said), s.validDeletion(rec, owner))
}

// validEarlier checks the texts before edits.
func validEarlier(rec *wire.MessageRecord, said func(uint64, []byte) bool) error {
	if rec.GetEdit() == nil {
		rec.Earlier = nil
	}
	size := 0
	for _, e := range rec.GetEarlier() {
		first := e.GetClock() == 0 && len(e.GetId()) == 0 // the text it was written with
		if !first && !said(e.GetClock(), e.GetId()) {
			return bad("earlier", "is no edit")
		}
		if first {
			e.Id = nil
		}
		e.Text = text.Cut(e.GetText(), message.MaxTextLength)
		size += len(e.GetText())
	}
	if len(rec.GetEarlier()) > message.MaxEarlier || size > message.MaxEarlierBytes {
		return bad("earlier", "is too long")
	}
	return nil
}

// validDeletion checks who deleted a message: its author for everyone, or the user.
func (s *Sink) validDeletion(rec *wire.MessageRecord, owner key.Public) error {
	d := rec.GetDeletion()
	if d == nil {
		return nil
	}
	by := owner.Compressed()
	if d.GetForEveryone() {
		by = rec.GetFrom()
	}
	if string(d.GetBy()) != string(by) {
		return bad("deletion", "is by somebody else")
	}
	return inTime("deletion", d.GetAt())
}
