package chat_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/chattest"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/store"
)

// What store nodes have, who is there, and what it costs to write to somebody who is not.

// longAbsence is a simulation of A, who writes to B, who is off the network; with C there is
// somebody to publish to. All have the deployed times.
type longAbsence struct {
	*simulation
	a, b   *simDevice
	stores []*memnet.Store
	sent   []time.Time // when A has sent something to B
}

// newLongAbsence has store nodes by the options given.
func newLongAbsence(t *testing.T, seed uint64, stores ...memnet.StoreOptions) *longAbsence {
	s := &longAbsence{simulation: newSimulation(t, seed, 3, memnet.Options{MaxDelay: 5 * time.Millisecond})}
	s.settings = chat.Settings{}
	for _, o := range stores {
		o.Now = s.clock.Now
		s.stores = append(s.stores, s.net.AddStore(o))
	}
	for _, p := range s.people {
		s.enable(s.add(p, store.Memory()))
	}
	s.settle()
	s.a, s.b = s.people[0].devices[0], s.people[1].devices[0]
	s.say(s.b, s.people[0])
	s.until("an empty outbox", s.quiet)
	s.b.node.(*memnet.Node).SetOnline(false)
	s.pass(time.Hour) // nobody is there only because they were heard lately
	t.Cleanup(s.net.Tap(s.count))
	return s
}

// count counts what only B and A can open, and A has sent: B is not there.
func (s *longAbsence) count(e chat.Envelope) {
	opened, err := payload.OpenAsymmetric(s.people[1].private, e.Payload)
	if err != nil {
		shared, ecdhErr := s.people[1].private.ECDH(s.people[0].public)
		if ecdhErr != nil {
			s.fatalf("%v", ecdhErr)
		}
		opened, err = payload.OpenSymmetric(chat.SymmetricKey(topic.Negotiated(shared).Name), e.Payload)
	}
	if err == nil && opened.Signer == s.people[0].public {
		s.sent = append(s.sent, s.clock.Now())
	}
}

// states are the states that were told of a message, each with the kind of its evidence.
func (d *simDevice) states(t *testing.T, id string) (states []string) {
	t.Helper()
	p := &person{Client: d.Client, t: t, name: "simulated"}
	p.shown("")
	for _, e := range p.events {
		if m, ok := decoded[event.MessageState](t, e); ok && m.MessageID == id {
			states = append(states, string(m.State))
		}
	}
	return states
}

const (
	// mostUnstored is what a message costs that no store node has: the schedule, and the
	// profile before it.
	mostUnstored = datasync.MaxSends + 1
	// mostStored is what it costs when store nodes have it.
	mostStored = 6 + 1
	month      = 30 * 24 * time.Hour
)

// A message to somebody who is away for a month costs few envelopes, with store nodes of
// any kind, and reads failed after as long as without any.
func TestOfflineForAMonth(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector: it runs in one goroutine, and long")
	}
	for what, c := range map[string]struct {
		stores []memnet.StoreOptions
		most   int
		want   []string
	}{
		"no store nodes":          {nil, mostUnstored, []string{"queued", "sent", "failed"}},
		"a store node":            {[]memnet.StoreOptions{{}}, mostStored, []string{"queued", "sent", "stored", "failed"}},
		"two store nodes":         {[]memnet.StoreOptions{{}, {}}, mostStored, []string{"queued", "sent", "stored", "failed"}},
		"one of two has nothing":  {[]memnet.StoreOptions{{}, {Fault: memnet.StoreEmpty}}, mostUnstored, []string{"queued", "sent", "stored", "failed"}},
		"none has anything":       {[]memnet.StoreOptions{{Fault: memnet.StoreEmpty}, {Fault: memnet.StoreEmpty}}, mostUnstored, []string{"queued", "sent", "failed"}},
		"they fail":               {[]memnet.StoreOptions{{Fault: memnet.StoreFails}, {Fault: memnet.StoreSlow}}, mostUnstored, []string{"queued", "sent", "failed"}},
		"they lose most of it":    {[]memnet.StoreOptions{{Loss: 0.9}, {Loss: 0.9}}, mostUnstored, nil},
		"they forget after a day": {[]memnet.StoreOptions{{Retention: 24 * time.Hour}, {Retention: 24 * time.Hour}}, mostStored, nil},
	} {
		t.Run(what, func(t *testing.T) {
			s := newLongAbsence(t, 71, c.stores...)
			said, begin := s.say(s.a, s.people[1]), s.clock.Now()
			failedAfter := time.Duration(0)
			for s.clock.Now().Sub(begin) < month {
				s.pass(time.Hour)
				if m, err := s.a.Message(mustID(t, said.id)); err != nil {
					t.Fatal(err)
				} else if m.State == "failed" && failedAfter == 0 {
					failedAfter = s.clock.Now().Sub(begin)
				}
			}
			if len(s.sent) > c.most || len(s.sent) < min(c.most, mostStored) {
				t.Errorf("%d envelopes, want %d at most: %v", len(s.sent), c.most, s.sent)
			}
			if want := datasync.GiveUpAfter(datasync.DefaultBase); (failedAfter - want).Abs() > 24*time.Hour {
				t.Errorf("failed after %s, want %s", failedAfter, want)
			}
			if got := s.a.states(t, said.id); c.want != nil && !slices.Equal(got, c.want) {
				t.Errorf("the states were %q, want %q", got, c.want)
			}
			// Back at last: the message is tried again because B is heard.
			s.b.node.(*memnet.Node).SetOnline(true)
			s.until("the message", func() bool { return s.history(s.b, s.people[0])[said.id] == 1 })
			s.until("an empty outbox", s.quiet)
			if m, err := s.a.Message(mustID(t, said.id)); err != nil || m.State != "delivered" {
				t.Errorf("it reads %s, %v", m.State, err)
			}
		})
	}
}

// Somebody whose own network comes and goes all month long does not send for each time.
func TestOfflineForAMonthWithRestlessSender(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector: it runs in one goroutine, and long")
	}
	for what, c := range map[string]struct {
		stores []memnet.StoreOptions
		most   int
	}{
		"no store nodes":  {nil, 2*mostUnstored + 3},
		"two store nodes": {[]memnet.StoreOptions{{}, {}}, mostStored},
	} {
		t.Run(what, func(t *testing.T) {
			s := newLongAbsence(t, 72, c.stores...)
			s.say(s.a, s.people[1])
			s.pass(2 * time.Minute)
			for i := range 24 * 30 {
				s.a.node.(*memnet.Node).SetOnline(false)
				s.pass(10 * time.Minute)
				s.a.node.(*memnet.Node).SetOnline(true)
				s.pass(50 * time.Minute)
				if i%24 == 0 {
					s.restart(s.a)
				}
			}
			if len(s.sent) > c.most {
				t.Errorf("%d envelopes, want %d at most: %v", len(s.sent), c.most, s.sent)
			}
			t.Logf("%d envelopes", len(s.sent))
		})
	}
}

// A thousand messages to somebody who is away go together, whether they were written at
// once or one by one.
func TestOfflineThousandMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector: it runs in one goroutine, and long")
	}
	const n = 1000
	for what, c := range map[string]struct {
		stores []memnet.StoreOptions
		pause  time.Duration
		most   int
	}{
		"at once, no store nodes":  {nil, 0, n/100*mostUnstored + 2*mostUnstored},
		"at once, two store nodes": {[]memnet.StoreOptions{{}, {}}, 0, n/100*mostStored + 2*mostStored},
		// A chain that nobody answers is held before the receiver could not follow it.
		// There may be two: the second from their pre-key when ours is renewed.
		"one by one, no store nodes":  {nil, 10 * time.Minute, 2 * 990},
		"one by one, two store nodes": {[]memnet.StoreOptions{{}, {}}, 10 * time.Minute, n + n/8},
	} {
		t.Run(what, func(t *testing.T) {
			s := newLongAbsence(t, 73, c.stores...)
			begin := s.clock.Now()
			for range n {
				s.say(s.a, s.people[1])
				s.pass(c.pause)
			}
			for s.clock.Now().Sub(begin) < month {
				s.pass(time.Hour)
			}
			if len(s.sent) > c.most {
				t.Errorf("%d envelopes, want %d at most", len(s.sent), c.most)
			}
			t.Logf("%d envelopes", len(s.sent))
		})
	}
}

// What store nodes do not have went into a void, and goes again soon.
func TestOfflineVoid(t *testing.T) {
	s := newLongAbsence(t, 74, memnet.StoreOptions{Loss: 1}, memnet.StoreOptions{Loss: 1})
	s.say(s.a, s.people[1])
	begin := s.clock.Now()
	s.pass(time.Minute)
	if len(s.sent) != 5 { // one is the profile
		t.Fatalf("%d envelopes: %v", len(s.sent), s.sent)
	}
	for i, at := range s.sent[2:] {
		if took := at.Sub(begin); took > time.Duration(i+1)*20*time.Second {
			t.Errorf("sending %d after %s", i+2, took)
		}
	}
	s.pass(time.Hour)
	if len(s.sent) > 9 { // as many as by the schedule
		t.Errorf("%d envelopes after an hour", len(s.sent))
	}
}

// askable is a gate behind which store nodes can be asked.
type askable struct {
	*chattest.Gate
	port.Archive
}

// storing is somebody with store nodes.
func storing(t *testing.T, net *memnet.Network) *home {
	t.Helper()
	alice := newHome(t, "alice", net)
	alice.over = func(g *chattest.Gate, node chat.Transport) chat.Transport { return askable{g, node.(port.Archive)} }
	alice.set.ResendBase = 2 * time.Second
	alice.restart()
	return alice
}

// TestStored: that store nodes have a message is told, and stored with its attempt, by
// everything that reports the message and after a restart; and moves into the message when
// it goes out again or ends.
func TestStored(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 22})
	stores := []*memnet.Store{net.AddStore(memnet.StoreOptions{}), net.AddStore(memnet.StoreOptions{})}
	alice, to := storing(t, net), someFriend(t)
	m, err := alice.Send(context.Background(), chat.SendRequest{To: to, Text: "hello", ClientRef: "first"})
	if err != nil {
		t.Fatal(err)
	}
	told := alice.waitState(m.ID, "stored")
	want := []string{stores[0].ID(), stores[1].ID()}
	got := told.Evidence.Nodes
	slices.Sort(want)
	if slices.Sort(got); told.ClientRef != "first" || told.ChatID != to.Hex() || told.Evidence.Kind != "store" || told.Evidence.Peers != 2 || !slices.Equal(got, want) {
		t.Errorf("told %+v, evidence %+v", told, told.Evidence)
	}
	check := func(when string) {
		t.Helper()
		m := alice.everywhere(to, m.ID)
		if m.State != "stored" || m.Evidence == nil || m.Evidence.Kind != "store" || m.Evidence.Peers != 2 || m.Evidence.At != told.Evidence.At {
			t.Errorf("%s: %s, %+v, want stored, %+v", when, m.State, m.Evidence, told.Evidence)
		}
		checked(t, alice.person)
	}
	check("at first")
	if rec := alice.inFile(m.ID, nil); rec.GetState() != "queued" {
		t.Errorf("the message was written again: %s", rec.GetState())
	}
	alice.start()
	check("after a restart")
	resent := func() uint64 {
		d, err := alice.Diagnostics()
		if err != nil {
			t.Fatal(err)
		}
		return d.Resent
	}
	eventually(t, "a second attempt", func() bool { return resent() > 0 })
	check("after a second attempt")
	if rec := alice.inFile(m.ID, nil); rec.GetState() != "stored" || rec.GetEvidenceAt() != told.Evidence.At {
		t.Errorf("the second attempt left %s, %d", rec.GetState(), rec.GetEvidenceAt())
	}
	alice.start()
	check("after that")

	failed, wentOut, err := alice.Cancel(mustID(t, m.ID))
	if err != nil || !wentOut || failed.State != "failed" || string(failed.Failure) != string(chat.CodeCancelled) {
		t.Fatalf("%+v, %v, %v", failed, wentOut, err)
	}
	checked(t, alice.person)
	again, err := alice.Retry(mustID(t, m.ID))
	if err != nil || again.State != "queued" || again.Evidence != nil {
		t.Fatalf("%+v, %v", again, err)
	}
	alice.waitState(m.ID, "stored")
	checked(t, alice.person)
}

// slowArchive answers when it may.
type slowArchive struct {
	port.Archive
	asked chan struct{}
	may   chan struct{}
}

func (s slowArchive) QueryStore(ctx context.Context, node string, q port.StoreQuery) (port.StorePage, error) {
	s.asked <- struct{}{}
	<-s.may
	return s.Archive.QueryStore(ctx, node, q)
}

// What a store node says when the message was delivered meanwhile changes nothing.
func TestStoredAfterDelivered(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 75})
	net.AddStore(memnet.StoreOptions{})
	slow := slowArchive{asked: make(chan struct{}, 100), may: make(chan struct{})}
	alice, bob := storing(t, net), newHome(t, "bob", net)
	alice.over = func(g *chattest.Gate, node chat.Transport) chat.Transport {
		slow.Archive = node.(port.Archive)
		return askable{g, slow}
	}
	alice.restart()
	bob.gate.Refuse(func(chat.Envelope) error { return chat.ErrNoPeers })
	m := alice.send(bob.person, "hello")
	<-slow.asked
	bob.gate.Refuse(nil)
	alice.waitState(m.ID, "delivered")
	close(slow.may)
	last := alice.send(bob.person, "later")
	alice.waitState(last.ID, "delivered")
	if m, err := alice.Message(mustID(t, m.ID)); err != nil || m.State != "delivered" || m.Evidence.Kind != "device" {
		t.Errorf("%+v, %v", m, err)
	}
	for _, e := range alice.events {
		if s, ok := decoded[event.MessageState](t, e); ok && s.State == "stored" {
			t.Errorf("told %+v", s)
		}
	}
	checked(t, alice.person)
}

// decoded reads an event, if it is of the type.
func decoded[E event.Event](t *testing.T, d chat.DeliveredEvent) (e E, ok bool) {
	t.Helper()
	if d.Type != e.Type() {
		return e, false
	}
	if err := json.Unmarshal(d.Data, &e); err != nil {
		t.Fatal(err)
	}
	return e, true
}

// What the network never takes has failed, says why, and is not kept to be tried again.
func TestFailedAsTooLarge(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 76})
	alice, bob := newHome(t, "alice", net), newHome(t, "bob", net)
	alice.waitState(alice.send(bob.person, "first").ID, "delivered")
	alice.gate.Refuse(func(chat.Envelope) error { return chat.ErrTooLarge })
	m := alice.send(bob.person, "large")
	if e := alice.waitState(m.ID, "failed"); string(e.Failure) != string(chat.CodeTooLarge) {
		t.Errorf("failed as %q", e.Failure)
	}
	alice.gate.Refuse(nil)
	_, err := alice.Retry(mustID(t, m.ID))
	wants(t, "a retry of what never fits", err, chat.CodeWrongState, "failed")
	alice.restart()
	if m, err := alice.Message(mustID(t, m.ID)); err != nil || m.State != "failed" || string(m.Failure) != string(chat.CodeTooLarge) {
		t.Errorf("%+v, %v", m, err)
	}
	checked(t, alice.person)
}

// A message in segments is stored when store nodes have all of them, and not before.
func TestSegmentStored(t *testing.T) {
	for what, c := range map[string]struct {
		loseEvery int
		want      string
	}{
		"all":  {0, "stored"},
		"half": {2, "sent"},
	} {
		t.Run(what, func(t *testing.T) {
			net := memnet.New(memnet.Options{Seed: 77})
			node := net.AddStore(memnet.StoreOptions{})
			place := net.Join()
			alice, bob := storing(t, net), openPerson(t, "bob", store.Memory(), place, fast)
			if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
				t.Fatal(err)
			}
			acquaint(alice.person, bob)
			place.(*memnet.Node).SetOnline(false)
			node.Set(memnet.StoreOptions{LoseEvery: c.loseEvery})
			m := alice.sendPicture(bob, "picture", 500_000)
			resent := func() bool { d, err := alice.Diagnostics(); return err == nil && d.Resent > 0 }
			eventually(t, "the end of the questions", func() bool {
				m, err := alice.Message(mustID(t, m.ID))
				return err == nil && (m.State == "stored" || m.State == "sent" && resent())
			})
			if m, err := alice.Message(mustID(t, m.ID)); err != nil || string(m.State) != c.want {
				t.Errorf("it is %s, %v, want %s", m.State, err, c.want)
			}
			checked(t, alice.person)
		})
	}
}
