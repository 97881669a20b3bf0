package chat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// The points of ledger.ProbePoints.
const (
	committed = "before commit"
	published = "after publish before mark"
	stored    = "after commit before publish"
)

// accepting is two people who have talked, and the points that A's client has passed since.
type accepting struct {
	*simulation
	a, b   *simDevice
	store  *spoilt
	points []string
}

func newAccepting(t *testing.T, ackDelay time.Duration) *accepting {
	t.Helper()
	s := &accepting{simulation: newSimulation(t, 91, 2, memnet.Options{}), store: &spoilt{Store: store.Memory()}}
	s.settings.AckDelay = ackDelay
	s.a = s.addDevice(s.people[0], &simDevice{probe: func(point string) { s.points = append(s.points, point) }}, s.store)
	s.b = s.add(s.people[1], store.Memory())
	s.enable(s.a)
	s.enable(s.b)
	s.settle()
	s.talk()
	return s
}

// talk has both say something and waits until all is acknowledged and recorded.
func (s *accepting) talk() {
	s.t.Helper()
	all := []said{s.say(s.a, s.people[1]), s.say(s.b, s.people[0])}
	s.came(all...)
	s.pass(time.Second)
	s.points = nil
}

// came waits until all is acknowledged, and looks whether it arrived.
func (s *accepting) came(all ...said) {
	s.t.Helper()
	for end := s.clock.Now().Add(longest); !s.quiet(); s.step() { // and no step more
		if s.clock.Now().After(end) {
			s.fatalf("waited in vain for an empty outbox")
		}
	}
	s.arrived(all)
}

// passed are the points since it was asked last.
func (s *accepting) passed() string {
	all := strings.Join(s.points, ", ")
	s.points = nil
	return all
}

// A message costs its sender one commit until it is out, and one more, with the receipt.
func TestOneCommitUntilPublished(t *testing.T) {
	s := newAccepting(t, time.Millisecond)
	m := s.say(s.a, s.people[1])
	if got, want := s.passed(), committed+", "+stored; got != want {
		t.Errorf("accepting it passed %q, want %q", got, want)
	}
	s.a.Step()
	if got := s.passed(); got != published {
		t.Errorf("the loop passed %q, want %q", got, published)
	}
	if sent, err := s.a.Message(mustID(t, m.id)); err != nil || sent.State != "sent" {
		t.Errorf("it reads %s, %v", sent.State, err)
	}
	s.came(m)
	if got := s.passed(); got != committed {
		t.Errorf("the receipt passed %q, want %q", got, committed)
	}
	if got, want := s.a.states(t, m.id), []string{"queued", "sent", "delivered"}; !slices.Equal(got, want) {
		t.Errorf("its events are %v, want %v", got, want)
	}
	s.sound()
}

// sound checks both stores.
func (s *accepting) sound() {
	s.t.Helper()
	for _, d := range []*simDevice{s.a, s.b} {
		if r, err := d.CheckStore(context.Background()); err != nil || len(r.Problems) > 0 {
			s.t.Errorf("the store of %s: %+v, %v", d.owner.name, r, err)
		}
	}
}

// What is out is recorded after a short while if nothing comes along, also while the network
// is away.
func TestPublishedIsRecorded(t *testing.T) {
	for _, online := range []bool{true, false} {
		s := newAccepting(t, time.Hour)
		m := s.say(s.a, s.people[1])
		s.a.Step()
		s.points = nil
		s.a.node.(*memnet.Node).SetOnline(online)
		s.clock.advance(49 * time.Millisecond)
		for s.a.Step() {
		}
		if got := s.a.states(t, m.id); s.passed() != "" || !slices.Equal(got, []string{"queued"}) {
			t.Errorf("online %v: after 49 ms its events are %v", online, got)
		}
		s.clock.advance(time.Millisecond)
		if due := s.a.DueIn(); due > 0 {
			t.Errorf("online %v: the loop would sleep for %v", online, due)
		}
		for s.a.Step() {
		}
		if got := s.a.states(t, m.id); s.passed() != committed || !slices.Equal(got, []string{"sent"}) {
			t.Errorf("online %v: after 50 ms its events are %v", online, got)
		}
	}
}

// A crash between publishing and recording that publishes the same bytes again.
func TestCrashBeforeRecording(t *testing.T) {
	s := newAccepting(t, time.Millisecond)
	var envelopes []string
	defer s.net.Tap(func(e chat.Envelope) { envelopes = append(envelopes, string(e.Payload)) })()
	m := s.say(s.a, s.people[1])
	s.a.Step()
	s.restart(s.a) // without the loop nothing is recorded at the end
	s.came(m)
	if n := slices.Index(envelopes[1:], envelopes[0]); n < 0 {
		t.Errorf("of %d envelopes none is that which was out", len(envelopes))
	}
	if got := s.a.states(t, m.id); got[len(got)-1] != "delivered" {
		t.Errorf("its events are %v", got)
	}
	s.sound()
}

// What is out and cannot be recorded keeps nobody from being heard with whom it came along.
func TestUnrecordableBesideReceived(t *testing.T) {
	s := newAccepting(t, time.Hour)
	s.store.spoils = func(table chat.Table, _, value []byte) error {
		var at wire.AttemptRecord
		if table == "#attempts" && proto.Unmarshal(value, &at) == nil && len(at.GetPayload()) == 0 {
			return chat.Errorf(chat.CodeTooLarge, "", "a record of the store is too large")
		}
		return nil
	}
	fromB := s.say(s.b, s.people[0])
	s.b.Step()
	s.say(s.a, s.people[1])
	s.a.Step()
	s.store.on.Store(true)
	for s.net.Step() {
	}
	s.a.Step()
	d, err := s.a.Diagnostics()
	if err != nil || d.Dropped["attempt_too_large"] != 1 || d.Dropped["too_large"] != 0 {
		t.Errorf("%v was dropped, %v", d.Dropped, err)
	}
	if n := s.history(s.a, s.people[1])[fromB.id]; n != 1 {
		t.Errorf("the message is %d times in the history", n)
	}
}

// What came along with what is out that cannot be recorded comes again if the store then cannot
// be written at all.
func TestReceivedWhileTheStoreFails(t *testing.T) {
	s := newAccepting(t, time.Hour)
	var tried atomic.Int32
	s.store.spoils = func(table chat.Table, _, value []byte) error {
		var at wire.AttemptRecord
		if table != "#attempts" || proto.Unmarshal(value, &at) != nil || len(at.GetPayload()) > 0 {
			return nil
		}
		if tried.Add(1) == 1 {
			return chat.Errorf(chat.CodeTooLarge, "", "a record of the store is too large")
		}
		return chat.Errorf(chat.CodeStoreIO, "", "the disk is full")
	}
	fromB := s.say(s.b, s.people[0])
	s.b.Step()
	s.say(s.a, s.people[1])
	s.a.Step()
	s.store.on.Store(true)
	for s.net.Step() {
	}
	s.a.Step()
	s.store.on.Store(false)
	for range 3 { // B sends nothing again
		s.clock.advance(time.Minute)
		s.a.Step()
	}
	if d, err := s.a.Diagnostics(); err != nil || d.Dropped["too_large"] != 0 || tried.Load() < 2 {
		t.Errorf("%v was dropped, %v", d.Dropped, err)
	}
	if n := s.history(s.a, s.people[1])[fromB.id]; n != 1 {
		t.Errorf("the message is %d times in the history", n)
	}
}

// While somebody else has the engine's lock, a message is accepted all the same, and the loop
// seals it.
func TestAcceptedWhileTheLockIsTaken(t *testing.T) {
	s := newAccepting(t, time.Millisecond)
	release := s.a.HoldLock()
	m := s.say(s.a, s.people[1])
	if got := s.passed(); got != committed {
		t.Errorf("accepting it passed %q, want %q", got, committed)
	}
	release()
	s.a.Step()
	if got, want := s.passed(), strings.Join([]string{committed, stored, published}, ", "); got != want {
		t.Errorf("the loop passed %q, want %q", got, want)
	}
	s.came(m)
}

// What would go before a message, or with it, is not overtaken.
func TestAcceptedBehindOthers(t *testing.T) {
	s := newAccepting(t, time.Millisecond)
	release := s.a.HoldLock()
	first := s.say(s.a, s.people[1])
	release()
	s.points = nil
	second := s.say(s.a, s.people[1])
	if got := s.passed(); got != committed {
		t.Errorf("accepting the second passed %q, want %q", got, committed)
	}
	s.a.Step()
	if got, want := s.passed(), strings.Join([]string{committed, stored, published}, ", "); got != want {
		t.Errorf("the loop passed %q for both, want %q", got, want)
	}
	s.came(first, second)
}

// A message whose ciphertext cannot be stored is accepted without, and sealed again when it
// can be.
func TestAcceptedWithoutCiphertext(t *testing.T) {
	s := newAccepting(t, time.Millisecond)
	s.store.spoils = func(table chat.Table, _, value []byte) error {
		var at wire.AttemptRecord
		if table == "#attempts" && proto.Unmarshal(value, &at) == nil && len(at.GetPayload()) > 0 {
			return chat.Errorf(chat.CodeTooLarge, "", "a record of the store is too large")
		}
		return nil
	}
	s.store.on.Store(true)
	m := s.say(s.a, s.people[1])
	if got := s.passed(); got != committed || s.store.failed.Load() == 0 {
		t.Errorf("accepting it passed %q, want %q", got, committed)
	}
	s.store.on.Store(false)
	s.came(m, s.say(s.b, s.people[0]))
	if got, want := s.a.states(t, m.id), []string{"queued", "sent", "delivered"}; !slices.Equal(got, want) {
		t.Errorf("its events are %v, want %v", got, want)
	}
	s.sound()
}

// Many callers at once: what each of them says arrives in its order, whichever way it is
// accepted.
func TestManyCallersKeepTheirOrder(t *testing.T) {
	const callers, each = 64, 8
	net := memnet.New(memnet.Options{Seed: 92})
	alice, bob := newPerson(t, "alice", net), newPerson(t, "bob", net)
	befriend(t, alice, bob)
	alice.delivered(alice.send(bob, "first").ID)
	var all sync.WaitGroup
	for caller := range callers {
		all.Go(func() {
			for i := range each {
				if _, err := alice.Send(context.Background(), chat.SendRequest{To: bob.key(), Text: fmt.Sprintf("%d %d", caller, i)}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	next := map[int]int{}
	for n := 0; n < callers*each; {
		m := wait(bob, "a message", func(event.MessageReceived) bool { return true })
		var caller, i int
		if k, _ := fmt.Sscanf(m.Message.Text, "%d %d", &caller, &i); k != 2 {
			continue
		}
		if n++; next[caller] != i {
			t.Fatalf("of caller %d came message %d, want %d", caller, i, next[caller])
		}
		next[caller]++
	}
}
