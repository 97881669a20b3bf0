package archive

import (
	"testing"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/contact"
	"libstatus1to1/chat/wire"
)

// TestMergeContact: of each thing that both know the later wins, and an archive takes neither
// trust nor a block away.
func TestMergeContact(t *testing.T) {
	type rec = *wire.ContactRecord
	sent, received := uint32(contact.Sent), uint32(contact.Received)
	cases := map[string]struct{ have, came, want rec }{
		"nothing here": {&wire.ContactRecord{},
			&wire.ContactRecord{Added: true, AddedAt: 3, Name: "n", VerifiedBy: "question", VerifiedAt: 5, WrittenTo: true},
			&wire.ContactRecord{Added: true, AddedAt: 3, Name: "n", VerifiedBy: "question", VerifiedAt: 5, WrittenTo: true}},
		"nothing in the archive": {
			&wire.ContactRecord{Added: true, AddedAt: 1, Name: "n", VerifiedBy: "question", VerifiedAt: 5, WrittenTo: true, BlockedAt: 0, DisplayName: "d", ProfileClock: 4},
			&wire.ContactRecord{},
			&wire.ContactRecord{Added: true, AddedAt: 1, Name: "n", VerifiedBy: "question", VerifiedAt: 5, WrittenTo: true, DisplayName: "d", ProfileClock: 4}},
		"each half by its own clock": {
			&wire.ContactRecord{LocalState: sent, LocalClock: 9, RemoteClock: 1, SentRequestId: []byte{9}},
			&wire.ContactRecord{LocalState: 0, LocalClock: 8, RemoteState: received, RemoteClock: 2, RequestId: []byte{2}, SentRequestId: []byte{8}},
			&wire.ContactRecord{LocalState: sent, LocalClock: 9, RemoteState: received, RemoteClock: 2, RequestId: []byte{2}, SentRequestId: []byte{9}}},
		"at the same clock nothing wins": {
			&wire.ContactRecord{RemoteState: received, RemoteClock: 2, RequestId: []byte{2}}, &wire.ContactRecord{RemoteClock: 2}, &wire.ContactRecord{RemoteClock: 2}},
		"removed here since": {
			&wire.ContactRecord{LocalClock: 9}, &wire.ContactRecord{LocalState: sent, LocalClock: 8, Added: true, Name: "n"}, &wire.ContactRecord{LocalClock: 9}},
		"removed there since": {
			&wire.ContactRecord{LocalState: sent, LocalClock: 8, Added: true, AddedAt: 1, Name: "n"}, &wire.ContactRecord{LocalClock: 9}, &wire.ContactRecord{LocalClock: 9}},
		"taken out here since":  {&wire.ContactRecord{RemovedAt: 5}, &wire.ContactRecord{Added: true, AddedAt: 4, Name: "n"}, &wire.ContactRecord{RemovedAt: 5}},
		"taken out there since": {&wire.ContactRecord{Added: true, AddedAt: 4, Name: "n"}, &wire.ContactRecord{RemovedAt: 5}, &wire.ContactRecord{RemovedAt: 5}},
		"added there since":     {&wire.ContactRecord{RemovedAt: 5}, &wire.ContactRecord{Added: true, AddedAt: 6, Name: "n"}, &wire.ContactRecord{Added: true, AddedAt: 6, Name: "n", RemovedAt: 5}},
		"renamed here":          {&wire.ContactRecord{Added: true, Name: "new"}, &wire.ContactRecord{Added: true, Name: "old"}, &wire.ContactRecord{Added: true, Name: "new"}},
		"blocked here": {
			&wire.ContactRecord{BlockedAt: 7, LocalClock: 5}, &wire.ContactRecord{Added: true, LocalState: sent, LocalClock: 9},
			&wire.ContactRecord{BlockedAt: 7, LocalState: sent, LocalClock: 9}},
		"blocked there": {
			&wire.ContactRecord{Added: true, Name: "n"}, &wire.ContactRecord{BlockedAt: 7, LocalClock: 5}, &wire.ContactRecord{BlockedAt: 7, LocalClock: 5, Name: "n", Familiar: true}},
		"unblocked here since": {
			&wire.ContactRecord{LocalClock: 9}, &wire.ContactRecord{BlockedAt: 7, LocalClock: 5}, &wire.ContactRecord{LocalClock: 9}},
		"verified here in another way": {
			&wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 5}, &wire.ContactRecord{VerifiedBy: "safety_number", VerifiedAt: 6},
			&wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 5}},
		"no longer verified here since": {
			&wire.ContactRecord{UnverifiedAt: 6}, &wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 5}, &wire.ContactRecord{UnverifiedAt: 6}},
		"verified there since": {
			&wire.ContactRecord{UnverifiedAt: 6}, &wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 7}, &wire.ContactRecord{UnverifiedAt: 6, VerifiedBy: "question", VerifiedAt: 7}},
		"not to be trusted, there": {
			&wire.ContactRecord{}, &wire.ContactRecord{UnverifiedAt: 7, Untrustworthy: true}, &wire.ContactRecord{UnverifiedAt: 7, Untrustworthy: true}},
		"not to be trusted, here": {
			&wire.ContactRecord{UnverifiedAt: 7, Untrustworthy: true}, &wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 6}, &wire.ContactRecord{UnverifiedAt: 7, Untrustworthy: true}},
		"not to be trusted, and verified there since": {
			&wire.ContactRecord{UnverifiedAt: 7, Untrustworthy: true}, &wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 8}, &wire.ContactRecord{UnverifiedAt: 7, VerifiedBy: "question", VerifiedAt: 8}},
		"verified here, not to be trusted there": {
			&wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 5}, &wire.ContactRecord{UnverifiedAt: 7, Untrustworthy: true}, &wire.ContactRecord{VerifiedBy: "question", VerifiedAt: 5}},
		"unblocked there": {&wire.ContactRecord{UnblockedAt: 3}, &wire.ContactRecord{UnblockedAt: 5}, &wire.ContactRecord{UnblockedAt: 5}},
		"renamed there": {
			&wire.ContactRecord{Added: true, Name: "old", NameClock: 3}, &wire.ContactRecord{Added: true, Name: "new", NameClock: 4}, &wire.ContactRecord{Added: true, Name: "new", NameClock: 4}},
		"a name taken away here": {
			&wire.ContactRecord{Added: true, NameClock: 3}, &wire.ContactRecord{Added: true, Name: "old", NameClock: 2}, &wire.ContactRecord{Added: true, NameClock: 3}},
		"Noise there":       {&wire.ContactRecord{}, &wire.ContactRecord{KeyExchange: "noise", WhileWaiting: "x3dh"}, &wire.ContactRecord{KeyExchange: "noise", WhileWaiting: "x3dh"}},
		"Noise here":        {&wire.ContactRecord{KeyExchange: "noise"}, &wire.ContactRecord{KeyExchange: "x3dh", KeyExchangeChosen: true}, &wire.ContactRecord{KeyExchange: "noise"}},
		"X3DH chosen there": {&wire.ContactRecord{}, &wire.ContactRecord{KeyExchange: "x3dh", KeyExchangeChosen: true}, &wire.ContactRecord{KeyExchange: "x3dh", KeyExchangeChosen: true}},
		"X3DH chosen here":  {&wire.ContactRecord{KeyExchange: "x3dh", KeyExchangeChosen: true}, &wire.ContactRecord{KeyExchange: "noise"}, &wire.ContactRecord{KeyExchange: "x3dh", KeyExchangeChosen: true}},
		"a newer profile": {
			&wire.ContactRecord{DisplayName: "old", Bio: "b", ProfileClock: 4}, &wire.ContactRecord{DisplayName: "new", ProfileClock: 5}, &wire.ContactRecord{DisplayName: "new", ProfileClock: 5}},
		"an older profile": {
			&wire.ContactRecord{DisplayName: "new", ProfileClock: 5}, &wire.ContactRecord{DisplayName: "old", Bio: "b", ProfileClock: 4}, &wire.ContactRecord{DisplayName: "new", ProfileClock: 5}},
	}
	for name, c := range cases {
		before := proto.CloneOf(c.have)
		got := mergeContact(c.have, c.came)
		if !proto.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		if !proto.Equal(c.have, before) {
			t.Errorf("%s: what is here was changed in place", name)
		}
		if again := mergeContact(got, c.came); !proto.Equal(again, got) {
			t.Errorf("%s: the second time it is %v", name, again)
		}
	}
}

// TestLaterQuestion: a question that was asked later replaces the one that is here; the same
// one only if it has come further.
func TestLaterQuestion(t *testing.T) {
	follows := func(have, came string) bool { return have == "asked" && came == "answered" }
	question := func(id byte, state string, clock uint64) *wire.VerificationRecord {
		return &wire.VerificationRecord{Id: []byte{id}, State: state, AskedClock: clock}
	}
	for name, c := range map[string]struct {
		have, came *wire.VerificationRecord
		want       bool
	}{
		"later":       {question(1, "confirmed", 5), question(2, "asked", 6), true},
		"earlier":     {question(1, "asked", 5), question(2, "confirmed", 4), false},
		"further":     {question(1, "asked", 5), question(1, "answered", 5), true},
		"less far":    {question(1, "answered", 5), question(1, "asked", 5), false},
		"the same":    {question(1, "asked", 5), question(1, "asked", 5), false},
		"at one time": {question(1, "asked", 5), question(2, "asked", 5), false},
	} {
		if got := laterQuestion(c.have, c.came, follows); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
