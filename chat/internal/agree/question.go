package agree

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	"libstatus1to1/chat/message"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// The last question to somebody, and the last one of theirs, as devices of ours tell it:
// SYNC_VERIFICATION_REQUEST of the deployed clients.
// Spec: 62/STATUS-PAYLOADS leaves it out; deployed.

// The states of a question, by how far it has come. Of the judgements of an answer the wary
// one is the last.
var questionRanks = []string{"", "asked", "answered", "declined", "cancelled", "confirmed", "rejected"}

// questionStatus are the states as deployed clients have them. They have no judgement of an
// answer: whether somebody was verified is sent with the person.
var questionStatus = map[string]wire.SyncVerificationRequest_VerificationStatus{
	"asked": wire.SyncVerificationRequest_PENDING, "answered": wire.SyncVerificationRequest_ACCEPTED,
	"declined": wire.SyncVerificationRequest_DECLINED, "cancelled": wire.SyncVerificationRequest_CANCELED,
	"confirmed": wire.SyncVerificationRequest_ACCEPTED, "rejected": wire.SyncVerificationRequest_ACCEPTED,
}

// judged reports whether an answer was judged: only those to our own questions are.
func judged(state string) bool { return state == "confirmed" || state == "rejected" }

// TellQuestion tells of a question between own and somebody.
func TellQuestion(own key.Public, rec *wire.VerificationRecord) (*wire.SyncVerificationRequest, error) {
	peer, err := key.ParsePublic(rec.GetPeer())
	if err != nil {
		return nil, err
	}
	from, to := peer.Hex(), own.Hex()
	if rec.GetOutgoing() {
		from, to = to, from
	}
	return &wire.SyncVerificationRequest{
		Clock: max(rec.GetAskedClock(), rec.GetAnsweredClock()), From: from, To: to, Challenge: rec.GetQuestion(), RequestedAt: uint64(rec.GetAskedAt()),
		Response: rec.GetAnswer(), RepliedAt: uint64(rec.GetAnsweredAt()), VerificationStatus: questionStatus[rec.GetState()],
		Id:       "0x" + hex.EncodeToString(rec.GetId()),
		Question: &wire.OwnQuestion{State: rec.GetState(), AskedClock: rec.GetAskedClock(), AnsweredClock: rec.GetAnsweredClock()},
	}, nil
}

// QuestionSaid is a question between own and somebody as another device tells it, or nil if it
// is none.
func QuestionSaid(own, somebody key.Public, m *wire.SyncVerificationRequest) *wire.VerificationRecord {
	id, err := hex.DecodeString(strings.TrimPrefix(m.GetId(), "0x"))
	rec := &wire.VerificationRecord{
		Id: id, Peer: somebody.Compressed(), Outgoing: m.GetFrom() == own.Hex(), Question: m.GetChallenge(), Answer: m.GetResponse(),
		State: m.GetQuestion().GetState(), AskedClock: m.GetQuestion().GetAskedClock(), AnsweredClock: m.GetQuestion().GetAnsweredClock(),
		AskedAt: int64(m.GetRequestedAt()), AnsweredAt: int64(m.GetRepliedAt()),
	}
	if m.GetQuestion() == nil {
		rec.AskedClock, rec.AnsweredClock = m.GetRequestedAt(), m.GetRepliedAt()
		for state, status := range questionStatus {
			if status == m.GetVerificationStatus() && !judged(state) {
				rec.State = state
			}
		}
	}
	for _, said := range []string{rec.GetQuestion(), rec.GetAnswer()} {
		if said != "" && message.ValidateQuestion(said) != nil {
			return nil
		}
	}
	switch state := rec.GetState(); {
	case err != nil || len(id) != 32 || somebody == own, slices.Index(questionRanks, state) < 1,
		judged(state) && !rec.GetOutgoing(), (judged(state) || state == "answered") && rec.GetAnswer() == "":
		return nil
	}
	return rec
}

// LaterQuestion reports whether what another device knows of the last question to somebody
// wins over what is known here: it was asked later, or has come further.
func LaterQuestion(have, came *wire.VerificationRecord) bool {
	rank := func(rec *wire.VerificationRecord) int { return slices.Index(questionRanks, rec.GetState()) }
	return cmp.Or(
		cmp.Compare(came.GetAskedClock(), have.GetAskedClock()),
		bytes.Compare(came.GetId(), have.GetId()),
		cmp.Compare(rank(came), rank(have)),
		cmp.Compare(came.GetAnsweredClock(), have.GetAnsweredClock()),
		cmp.Compare(came.GetAnswer(), have.GetAnswer()),
	) > 0
}
