package chat_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/crypto/ecies"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/datasync"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/payload"
	"libstatus1to1/chat/protocol/topic"
	"libstatus1to1/chat/wire"
	"libstatus1to1/store"
)

// passOn encrypts a frame, with its signature as it is, to somebody else than it was for.
func passOn(t *testing.T, o payload.Opened, to key.Public) chat.Envelope {
	t.Helper()
	sizeLen := 1
	for n := len(o.Data); n > 0xff; n >>= 8 {
		sizeLen++
	}
	frame := []byte{byte(sizeLen) | 4}
	for i, n := 0, len(o.Data); i < sizeLen; i, n = i+1, n>>8 {
		frame = append(frame, byte(n))
	}
	frame = slices.Concat(frame, o.Data, o.Padding, o.Signature)
	public, err := crypto.UnmarshalPubkey(to.Uncompressed())
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := ecies.Encrypt(rand.Reader, ecies.ImportECDSAPublic(public), frame, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if check, err := payload.OpenAsymmetric(simKeys[1], sealed); to == simKeys[1].Public() && (err != nil || check.Signer != o.Signer) {
		t.Fatal("the frame is not passed on as it was signed", err)
	}
	return chat.Envelope{
		PubsubTopic: memnet.PubsubTopic, ContentTopic: topic.Partitioned(to).ContentTopic(), Payload: sealed,
		Version: 1, Timestamp: time.Now().UnixNano(),
	}
}

// signedFor gives what alice signs for mallory: she acknowledges a text of hers. It is a
// ciphertext for the installation that mallory says is hers.
func (s *simulation) signedFor(m *mallory, alice key.Public) payload.Opened {
	s.t.Helper()
	shared, err := m.self.Identity.ECDH(alice)
	if err != nil {
		s.fatalf("%v", err)
	}
	var got *payload.Opened
	defer s.net.Tap(func(e chat.Envelope) {
		o, err := payload.OpenAsymmetric(m.self.Identity, e.Payload)
		if err != nil {
			if o, err = payload.OpenSymmetric(chat.SymmetricKey(topic.Negotiated(shared).Name), e.Payload); err != nil {
				return
			}
		}
		var pm wire.ProtocolMessage
		if o.Signer == alice && proto.Unmarshal(o.Data, &pm) == nil && pm.GetEncryptedMessage()[m.self.InstallationID].GetDRHeader() != nil {
			got = &o
		}
	})()
	s.net.Inject(m.envelope(m.encrypted(m.sync(datasync.Payload{Messages: []datasync.Message{m.text("hello alice")}}), nil)))
	s.until("something signed for mallory", func() bool { return got != nil })
	return *got
}

// standing is the state that a third party must not change.
type standing struct {
	sessions []event.Session
	preKeys  []byte
}

func (s *simulation) standing(d *simDevice, with key.Public) standing {
	s.t.Helper()
	list, err := d.Sessions(with)
	if err != nil {
		s.fatalf("%v", err)
	}
	for i := range list { // these move with every message
		list[i].Sent, list[i].Received, list[i].UsedAt = 0, 0, 0
	}
	slices.SortFunc(list, func(a, b event.Session) int { return int(a.CreatedAt - b.CreatedAt) })
	now := standing{sessions: list}
	if err := d.store.View(func(tx chat.Tx) (err error) {
		now.preKeys, err = tx.Get("meta", []byte("pre_keys"))
		return err
	}); err != nil {
		s.fatalf("%v", err)
	}
	return now
}

func (s *simulation) same(what string, before, after standing) {
	s.t.Helper()
	if !slices.Equal(before.sessions, after.sessions) {
		s.fatalf("%s changed the sessions:\n%+v\n%+v", what, before.sessions, after.sessions)
	}
	if !bytes.Equal(before.preKeys, after.preKeys) {
		s.fatalf("%s renewed the pre-key", what)
	}
}

// told lists the types of the events of a device that wait, of those that matter here.
func (s *simulation) told(d *simDevice) (types []string) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		e, err := d.NextEvent(ctx)
		if err != nil {
			s.fatalf("%v", err)
		}
		if e == nil {
			return types
		}
		switch e.Type {
		case event.SessionRepaired{}.Type(), event.SessionChanged{}.Type(), event.ContactChanged{}.Type(), event.MessageReceived{}.Type():
			types = append(types, e.Type)
		}
	}
}

// rest lets everybody work for a time on the clock of the simulation.
func (s *simulation) rest(d time.Duration) {
	for end := s.clock.Now().Add(d); s.clock.Now().Before(end); {
		s.step()
	}
}

// Somebody who is nobody's contact passes on to Bob what Alice signed for her, under
// Bob's installation id or under her own, again and again. Nothing becomes of it.
func TestThirdPartyResetsNothing(t *testing.T) {
	for _, own := range []bool{false, true} {
		for seed := uint64(1); seed <= 4; seed++ {
			t.Run(fmt.Sprint("own id ", own, " seed ", seed), func(t *testing.T) {
				t.Parallel()
				s := newSimulation(t, seed, 2, memnet.Options{})
				s.populate(func(int) int { return 1 })
				alice, bob := s.people[0], s.people[1].devices[0]
				s.chatter(6, nil)
				all := s.converge()
				m := newMallory(t, s.net, alice.public)
				if !own {
					m.self.InstallationID = bob.id
				}
				s.rest(time.Minute)
				s.told(bob)
				before := s.standing(bob, alice.public)
				for range 12 {
					s.net.Inject(passOn(t, s.signedFor(m, alice.public), bob.owner.public))
					s.rest(2 * time.Minute) // longer than the pauses
				}
				s.same("mallory", before, s.standing(bob, alice.public))
				if types := s.told(bob); len(types) != 0 {
					s.fatalf("bob was told %q", types)
				}
				all = append(all, s.chatter(4, nil)...)
				s.until("an empty outbox", s.quiet)
				s.arrived(all)
				s.same("mallory", before, s.standing(bob, alice.public))
			})
		}
	}
}

// Alice is away when what she signed for somebody else is passed on: that nobody answers
// says nothing then, since she has signed nothing later.
func TestThirdPartyWhileAway(t *testing.T) {
	s := newSimulation(t, 5, 2, memnet.Options{})
	s.populate(func(int) int { return 1 })
	alice, bob := s.people[0], s.people[1].devices[0]
	s.chatter(6, nil)
	s.converge()
	m := newMallory(t, s.net, alice.public)
	m.self.InstallationID = bob.id
	var frames []payload.Opened
	for range 10 {
		frames = append(frames, s.signedFor(m, alice.public))
		s.rest(time.Minute)
	}
	away := alice.devices[0]
	_ = away.Close()
	s.devices = slices.DeleteFunc(s.devices, func(d *simDevice) bool { return d == away })
	s.rest(3 * time.Minute)
	s.told(bob)
	before := s.standing(bob, alice.public)
	for _, f := range frames {
		s.net.Inject(passOn(t, f, bob.owner.public))
		s.rest(2 * time.Minute)
	}
	s.same("mallory", before, s.standing(bob, alice.public))
	if types := s.told(bob); len(types) != 0 {
		s.fatalf("bob was told %q", types)
	}
}

// Two who know nothing of each other are not made to write to each other, neither by what
// one has signed for somebody else's installation nor for one with the other's id.
func TestThirdPartyMakesNobodyWrite(t *testing.T) {
	for _, own := range []bool{false, true} {
		s := newSimulation(t, 6, 2, memnet.Options{})
		alice, other := s.people[0], s.people[1]
		for _, p := range s.people {
			s.enable(s.add(p, store.Memory()))
		}
		bob := other.devices[0]
		for d, with := range map[*simDevice]key.Public{alice.devices[0]: other.public, bob: alice.public} {
			if err := d.RemoveContact(with); err != nil {
				s.fatalf("%v", err)
			}
		}
		wrote := 0
		untap := s.net.Tap(func(e chat.Envelope) {
			if o, err := payload.OpenAsymmetric(alice.private, e.Payload); err == nil && o.Signer == other.public {
				wrote++
			}
		})
		m := newMallory(t, s.net, alice.public)
		if !own {
			m.self.InstallationID = bob.id
		}
		for range 8 {
			s.net.Inject(passOn(t, s.signedFor(m, alice.public), other.public))
			s.rest(2 * time.Minute)
		}
		untap()
		if wrote != 0 {
			t.Errorf("own id %v: bob wrote %d times to alice, whom he does not know", own, wrote)
		}
	}
}

// Everything that ever went over the network is published again, by anybody, when the
// marks may be gone: soon after a long absence, while the pre-key that was current before
// is kept, and after that.
func TestReplayOlderThanTheMarks(t *testing.T) {
	seeds(t, 10, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, memnet.Options{})
		var recorded []chat.Envelope
		untap := s.net.Tap(func(e chat.Envelope) { recorded = append(recorded, e) })
		s.populate(func(int) int { return 1 })
		alice, bob := s.people[0], s.people[1].devices[0]
		var all []said
		if seed%2 == 0 { // the first message of all is one that a pre-key of bob's opens
			all = append(all, s.say(alice.devices[0], bob.owner))
			s.until("an empty outbox", s.quiet)
		}
		all = append(all, s.chatter(8, nil)...)
		all = append(all, s.converge()...)
		untap()
		for _, days := range []int{40, 35} {
			_ = alice.devices[0].Close()
			_ = bob.Close()
			s.clock.advance(time.Duration(days) * 24 * time.Hour)
			s.start(bob)
			s.start(alice.devices[0])
			s.devices = []*simDevice{alice.devices[0], bob}
			all = append(all, s.chatter(4, nil)...) // sessions from new pre-keys push old ones out
			all = append(all, s.converge()...)
			s.devices = []*simDevice{bob} // alice says nothing new
			s.told(bob)
			before := s.standing(bob, alice.public)
			for range 4 {
				for _, e := range recorded {
					e.Timestamp = s.clock.Now().UnixNano()
					s.net.Inject(e)
					s.step()
				}
				s.rest(2 * time.Minute)
			}
			s.same(fmt.Sprint("after ", days, " days a replay"), before, s.standing(bob, alice.public))
			if types := s.told(bob); len(types) != 0 {
				s.fatalf("bob was told %q", types)
			}
		}
		s.arrived(all)
	})
}
