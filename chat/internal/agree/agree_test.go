package agree

import (
	"math/rand/v2"
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

func somebody(t testing.TB, n byte) key.Public {
	t.Helper()
	k, err := key.ParsePrivate(append(make([]byte, 31), n))
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

// TestPeopleConverge: three devices that have made changes of their own, with clocks that are
// often the same, come to one record in whatever order, and however often, they hear of each
// other through the messages that go over the wire.
func TestPeopleConverge(t *testing.T) {
	k := somebody(t, 1)
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 3))
		at := func() int64 { return int64(r.IntN(5)) }
		records := make([]*wire.ContactRecord, 3)
		for i := range records {
			rec := &wire.ContactRecord{Key: k.Compressed(), WrittenTo: r.IntN(2) == 0}
			for range r.IntN(8) {
				before := proto.CloneOf(rec)
				switch r.IntN(7) {
				case 0:
					rec.Name = string(rune('a' + r.IntN(3)))
				case 1:
					rec.Added = !rec.GetAdded()
				case 2:
					rec.BlockedAt = at()
				case 3:
					rec.VerifiedBy, rec.VerifiedAt = contact.Ways[r.IntN(len(contact.Ways))], at()+1
				case 4:
					rec.VerifiedBy, rec.VerifiedAt = "", 0
				case 5:
					contact.SetRequest(rec, contact.Request{
						Local: contact.Half{State: contact.State(2 * r.IntN(3)), Clock: uint64(at())}, Remote: contact.Half{State: contact.State(3 * r.IntN(2)), Clock: uint64(at())},
					})
				default:
					rec.DisplayName, rec.ProfileClock = string(rune('a'+r.IntN(3))), uint64(at())
				}
				contact.Stamp(before, rec, uint64(at()))
			}
			records[i] = rec
		}
		said := make([]*wire.SyncInstallationContactV2, len(records))
		for i, rec := range records {
			m, _, err := TellPerson(rec, nil)
			if err != nil {
				t.Fatal(err)
			}
			said[i] = m
		}
		var first *wire.ContactRecord
		for range 6 {
			order := append(r.Perm(3), r.Perm(3)...) // each twice
			here := proto.CloneOf(records[order[0]])
			for _, i := range order {
				here, _ = contact.JoinRecords(here, PersonSaid(said[i], 100))
			}
			told, _, err := TellPerson(here, nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, behind := contact.JoinRecords(here, PersonSaid(told, 100)); behind {
				t.Fatalf("seed %d: who knows all is taken to be behind: %v", seed, here)
			}
			// What does not decide any more may differ: it is told and joined by nobody.
			state := PersonSaid(told, 100)
			if first == nil {
				first = state
			}
			if contact.CardOf(state) != contact.CardOf(first) || contact.RequestOf(state) != contact.RequestOf(first) ||
				state.GetDisplayName() != first.GetDisplayName() || state.GetWrittenTo() != first.GetWrittenTo() {
				t.Fatalf("seed %d:\n%v\n%v", seed, state, first)
			}
		}
	}
}

// TestQuestionsConverge: of two states of a question one wins, the same on both sides.
func TestQuestionsConverge(t *testing.T) {
	own, k := somebody(t, 1), somebody(t, 2)
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 4))
		random := func() *wire.VerificationRecord {
			rec := &wire.VerificationRecord{
				Id: append(make([]byte, 31), byte(r.IntN(2))), Peer: k.Compressed(), Outgoing: true, Question: "who?", Answer: string(rune('a' + r.IntN(2))),
				State: questionRanks[1+r.IntN(len(questionRanks)-1)], AskedClock: uint64(r.IntN(2)), AnsweredClock: uint64(r.IntN(2)),
			}
			m, err := TellQuestion(own, rec)
			if err != nil {
				t.Fatal(err)
			}
			if got := QuestionSaid(own, k, m); !proto.Equal(got, rec) {
				t.Fatalf("told %v, heard %v", rec, got)
			}
			return rec
		}
		a, b := random(), random()
		if ab, ba := LaterQuestion(a, b), LaterQuestion(b, a); ab && ba || !ab && !ba && !proto.Equal(a, b) {
			t.Fatalf("seed %d: %v %v: %v, %v", seed, ab, ba, a, b)
		}
	}
}

// FuzzPersonSaid: whatever a message says of a person, what is joined is a record that can be
// told again, and joining it twice changes nothing.
func FuzzPersonSaid(f *testing.F) {
	k := somebody(f, 1)
	m, _, err := TellPerson(&wire.ContactRecord{Key: k.Compressed(), Name: "a", NameClock: 5, Added: true, AddedAt: 4, LocalState: 2, LocalClock: 3}, nil)
	if err != nil {
		f.Fatal(err)
	}
	seed, err := proto.Marshal(m)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	m.Card, m.Blocked, m.TrustStatus = nil, true, 2
	if seed, err = proto.Marshal(m); err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m wire.SyncInstallationContactV2
		if proto.Unmarshal(b, &m) != nil || LatestIn(&m) > contact.MaxClock {
			return
		}
		said := PersonSaid(&m, 100)
		once, _ := contact.JoinRecords(&wire.ContactRecord{Key: k.Compressed()}, said)
		twice, _ := contact.JoinRecords(once, said)
		if !proto.Equal(once, twice) {
			t.Fatalf("once %v\ntwice %v", once, twice)
		}
		if _, _, err := TellPerson(once, nil); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzSyncs: whatever is in the other messages, nothing panics, and what is taken is valid.
func FuzzSyncs(f *testing.F) {
	own, k := somebody(f, 1), somebody(f, 2)
	f.Add([]byte{8, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range []proto.Message{
			&wire.SyncChat{}, &wire.SyncSetting{}, &wire.SyncProfilePictures{}, &wire.SyncTrustedUser{}, &wire.SyncClearHistory{},
			&wire.SyncChatRemoved{}, &wire.SyncChatMessagesRead{}, &wire.SyncVerificationRequest{}, &wire.SyncContactRequestDecision{},
		} {
			if proto.Unmarshal(b, m) != nil {
				continue
			}
			LatestIn(m)
			switch m := m.(type) {
			case *wire.SyncVerificationRequest:
				if rec := QuestionSaid(own, k, m); rec != nil && len(rec.GetId()) != 32 {
					t.Fatalf("%v", rec)
				}
			case *wire.SyncTrustedUser:
				TrustSaid(m)
			case *wire.SyncChat:
				rec := &wire.IdentityRecord{}
				if next, _ := JoinProfile(rec, m.GetOwn()); next == nil {
					t.Fatal("no profile")
				}
			}
		}
	})
}
