package chat_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// What others can make us acknowledge, and how many envelopes that costs. The numbers are
// of package outbox: 20 at once, one in 3.4 s, 1000 acknowledgements in each.

const (
	acksAtOnce = 20
	acksPause  = chat.DefaultResendBase / 8
	acksInOne  = 1000
)

// mostAcks is the number of envelopes for so many acknowledgements in a time.
func mostAcks(acks int, in time.Duration) int {
	return acksAtOnce + int(in/acksPause) + acks/acksInOne + 1
}

// flooded is a simulation of a victim and a contact who does what they like.
type flooded struct {
	*simulation
	victim *simDevice
	peer   *mallory
	got    int // envelopes for the peer
}

func newFlooded(t *testing.T, seed uint64) *flooded {
	s := &flooded{simulation: newSimulation(t, seed, 2, memnet.Options{})}
	s.settings = chat.Settings{}
	for _, p := range s.people {
		s.enable(s.add(p, store.Memory()))
	}
	s.settle()
	s.victim = s.people[0].devices[0]
	s.peer = newMallory(t, s.net, s.people[0].public)
	shared, err := s.peer.self.Identity.ECDH(s.peer.victim)
	if err != nil {
		t.Fatal(err)
	}
	sym := chat.SymmetricKey(topic.Negotiated(shared).Name)
	t.Cleanup(s.net.Tap(func(e chat.Envelope) {
		o, err := payload.OpenAsymmetric(s.peer.self.Identity, e.Payload)
		if err != nil {
			o, err = payload.OpenSymmetric(sym, e.Payload)
		}
		var pm wire.ProtocolMessage
		if err == nil && o.Signer == s.peer.victim && proto.Unmarshal(o.Data, &pm) == nil {
			s.got++
		}
	}))
	if _, err := s.victim.AddContact(s.peer.public, ""); err != nil {
		t.Fatal(err)
	}
	s.inject(s.envelopeOf(s.peer.text("hello")))
	s.pass(time.Hour)
	if s.got == 0 {
		t.Fatal("nothing is acknowledged")
	}
	s.got = 0
	return s
}

// envelopeOf is a new envelope with messages.
func (s *flooded) envelopeOf(messages ...datasync.Message) chat.Envelope {
	return s.peer.envelope(s.peer.encrypted(s.peer.sync(datasync.Payload{Messages: messages}), nil))
}

// inject brings an envelope and lets a tenth of a second pass.
func (s *flooded) inject(e chat.Envelope) {
	s.net.Inject(e)
	s.pass(100 * time.Millisecond)
}

func (s *flooded) check(acks int, begin time.Time) {
	s.t.Helper()
	s.pass(time.Minute)
	took := s.clock.Now().Sub(begin)
	if most := mostAcks(acks, took); s.got > most || s.got == 0 {
		s.t.Errorf("%d envelopes in %s, want %d at most", s.got, took, most)
	}
	s.t.Logf("%d envelopes in %s for %d acknowledgements", s.got, took, acks)
	if got := s.history(s.victim, &simPerson{public: s.peer.public}); len(got) != acks+1 {
		s.t.Errorf("%d messages, want %d", len(got), acks+1)
	}
}

// Ten thousand messages of one person are caught up with.
func TestAcksOfACatchUp(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector: it runs in one goroutine, and long")
	}
	s := newFlooded(t, 81)
	begin := s.clock.Now()
	const n, each = 10000, 50
	for i := range n / each {
		var messages []datasync.Message
		for j := range each {
			messages = append(messages, s.peer.text(fmt.Sprint("message ", i*each+j)))
		}
		s.net.Inject(s.envelopeOf(messages...))
		s.step()
	}
	s.check(n, begin)
}

// Somebody sends all their messages again and again, each time encrypted anew.
func TestAcksOfRepeatedMessages(t *testing.T) {
	s := newFlooded(t, 82)
	begin := s.clock.Now()
	var messages []datasync.Message
	for i := range 20 {
		messages = append(messages, s.peer.text(fmt.Sprint("message ", i)))
	}
	for range 600 {
		s.inject(s.envelopeOf(messages...))
		s.pass(900 * time.Millisecond)
	}
	s.check(len(messages), begin)
}

// Copies of one envelope come again and again, from whoever publishes them.
func TestAcksOfCopies(t *testing.T) {
	if testing.Short() {
		t.Skip("under the race detector: it runs in one goroutine, and long")
	}
	s := newFlooded(t, 83)
	begin := s.clock.Now()
	e := s.envelopeOf(s.peer.text("once"))
	for range 6000 {
		s.inject(e)
	}
	s.check(1, begin)
	if most := acksAtOnce + 2 + int(s.clock.Now().Sub(begin)/chat.DefaultResendBase); s.got > most {
		t.Errorf("%d envelopes for copies, want %d at most", s.got, most)
	}
}

// One message a second is acknowledged soon each time, but not each in an envelope.
func TestAcksOfALongTalk(t *testing.T) {
	s := newFlooded(t, 84)
	begin := s.clock.Now()
	const n = 300
	for i := range n {
		s.inject(s.envelopeOf(s.peer.text(fmt.Sprint("message ", i))))
		s.pass(900 * time.Millisecond)
	}
	s.check(n, begin)
}

// Acknowledgements are not acknowledged: after the last message two devices are silent.
func TestAcksEnd(t *testing.T) {
	s := newSimulation(t, 85, 2, badNetwork)
	s.settings = chat.Settings{ContactCodeEvery: 300 * time.Hour, AdvertiseEvery: 300 * time.Hour}
	for _, p := range s.people {
		s.enable(s.add(p, store.Memory()))
	}
	s.settle()
	for i := range 40 {
		s.say(s.people[i%2].devices[0], s.people[1-i%2])
	}
	s.until("an empty outbox", s.quiet)
	s.pass(time.Minute)
	before := s.net.Stats().Published
	s.pass(20 * time.Hour)
	if n := s.net.Stats().Published - before; n > 2 { // a new pre-key of each
		t.Errorf("%d envelopes after the last message", n)
	}
}

// Somebody who is there and acknowledges within a second is sent to again soon when
// something gets lost; somebody who was not heard for long as the schedule says.
func TestRetransmissionFollowsThePeer(t *testing.T) {
	for name, c := range map[string]struct {
		silence     time.Duration
		least, most time.Duration
	}{
		"just heard":         {time.Second, 5 * time.Second, 10 * time.Second},
		"not heard for long": {time.Hour, chat.DefaultResendBase, chat.DefaultResendBase * 3 / 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSimulation(t, 86, 3, memnet.Options{MaxDelay: 100 * time.Millisecond})
			s.settings = chat.Settings{}
			for _, p := range s.people {
				s.enable(s.add(p, store.Memory()))
			}
			s.settle()
			a, b := s.people[0].devices[0], s.people[1].devices[0]
			for range 3 {
				s.say(a, s.people[1])
				s.pass(2 * time.Second)
			}
			s.pass(c.silence)
			if err := s.net.Partition(a.node, b.node); err != nil {
				t.Fatal(err)
			}
			lost, begin := s.say(a, s.people[1]), s.clock.Now()
			s.pass(time.Second)
			if err := s.net.Heal(a.node, b.node); err != nil {
				t.Fatal(err)
			}
			for s.history(b, s.people[0])[lost.id] == 0 {
				s.pass(100 * time.Millisecond)
				if s.clock.Now().Sub(begin) > time.Hour {
					t.Fatal("it does not come")
				}
			}
			if took := s.clock.Now().Sub(begin); took < c.least || took > c.most {
				t.Errorf("it came after %s, want %s to %s", took, c.least, c.most)
			}
		})
	}
}
