package ledger

import (
	"crypto/rand"
	"fmt"
	"strings"
	"testing"

	"libstatus1to1/chat/event"
	"libstatus1to1/chat/protocol/key"
)

// Of network events that nobody reads the latest of each subject is kept, and of
// strangers those of the latest few.
func TestLatestNetworkEvents(t *testing.T) {
	s := &Stream{next: 1, arrivals: &arrivals{}, changed: make(chan struct{})}
	peer := func(subject, id string, connected bool) {
		s.PushLatest(subject+id, event.PeerChanged{PeerID: id, Connected: connected}, 1)
	}
	s.Push(event.InternalError{Where: "somewhere"}, 1)
	peer(SubjectStatic, "ours", true)
	for range 1000 {
		s.PushLatest(SubjectNetwork, event.NetworkChanged{State: "offline"}, 1)
		s.PushLatest(SubjectNetwork, event.NetworkChanged{State: "online"}, 1)
	}
	for i := range 10 * maxStrangerEvents {
		peer(SubjectStranger, fmt.Sprint(i), true)
		peer(SubjectStranger, fmt.Sprint(i), false)
	}
	peer(SubjectStatic, "ours", false)
	var got []string
	for s.Unread() > 0 {
		e, _, err := s.handOut()
		if err != nil || e.Seq != 0 {
			t.Fatalf("%+v, %v", e, err)
		}
		got = append(got, e.Type+string(e.Data))
	}
	if len(got) != maxStrangerEvents+3 {
		t.Fatalf("%d events: %q", len(got), got)
	}
	for at, want := range map[int]string{
		0:            "internal_error",
		1:            `"online"`,
		2:            fmt.Sprintf(`"peer_id":"%d"`, 9*maxStrangerEvents),
		len(got) - 2: fmt.Sprintf(`"peer_id":"%d","connected":false`, 10*maxStrangerEvents-1),
		len(got) - 1: `"peer_id":"ours","connected":false`,
	} {
		if !strings.Contains(got[at], want) {
			t.Errorf("event %d is %s, want %s", at, got[at], want)
		}
	}
	s.Close("close", 1)
	if peer(SubjectStatic, "ours", true); s.Unread() != 1 {
		t.Error("an event came after the closed one")
	}
}

// What was waiting of a large message is not handed out once its sender is blocked.
func TestProgressOfSomebodyBlocked(t *testing.T) {
	var blocked key.Compact
	s := &Stream{next: 1, arrivals: &arrivals{}, changed: make(chan struct{}), blocked: func(who key.Compact) bool { return who == blocked }}
	private, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s.PushProgress(0, event.MessageProgress{ChatID: private.Public().Hex(), TransferID: "0x01", Done: 1, Total: 2}, 1)
	blocked = private.Public().Compact()
	if e, _, err := s.handOut(); e != nil || err != nil {
		t.Errorf("%+v, %v", e, err)
	}
}
