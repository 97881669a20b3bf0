package chat_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// What is published while somebody is away, and fetched from store nodes when they are back.

// storeSimulation is an awaySimulation with store nodes, which keep envelopes by the clock of
// the simulation. Messages are sent again as rarely as it is deployed.
func storeSimulation(t *testing.T, seed uint64, unknown bool, o memnet.Options, stores ...memnet.StoreOptions) (*simulation, []*memnet.Store) {
	s := newSimulation(t, seed, 3, o)
	s.settings, s.unknown = awaySettings, unknown
	s.settings.ResendBase = chat.DefaultResendBase
	var nodes []*memnet.Store
	for _, o := range stores {
		o.Now = s.clock.Now
		nodes = append(nodes, s.net.AddStore(o))
	}
	s.settleAway(unknown, 1)
	return s, nodes
}

// greet lets two people write to each other, one after the other.
func (s *simulation) greet(a, b *simPerson) []said {
	s.t.Helper()
	first := s.say(a.devices[0], b)
	s.pass(time.Second)
	all := []said{first, s.say(b.devices[0], a)}
	s.until("an empty outbox", s.quiet)
	return all
}

// leave stops a device as at the end of a process.
func (s *simulation) leave(d *simDevice) {
	_ = d.Close()
	s.devices = slices.DeleteFunc(s.devices, func(o *simDevice) bool { return o == d })
}

// back opens a device that has left.
func (s *simulation) back(d *simDevice) {
	s.start(d)
	s.devices = append(s.devices, d)
}

// sound checks the stores of all devices.
func (s *simulation) sound() {
	s.t.Helper()
	for _, d := range s.devices {
		if check, err := d.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
			s.fatalf("%+v, %v", check, err)
		}
	}
}

// Alice writes while Bob is away, and stops. Bob starts, with nobody but store nodes there,
// and has everything in order.
func TestOfflineSenderGone(t *testing.T) {
	for _, away := range []time.Duration{time.Hour, 10 * 24 * time.Hour, 29 * 24 * time.Hour} {
		t.Run(fmt.Sprint(away), func(t *testing.T) {
			s, _ := storeSimulation(t, 1, false, memnet.Options{}, memnet.StoreOptions{}, memnet.StoreOptions{})
			alice, bob := s.people[0], s.people[1]
			all := s.greet(alice, bob)
			s.leave(bob.devices[0])
			for range 30 {
				all = append(all, s.say(alice.devices[0], bob))
				s.pass(time.Second)
			}
			s.leave(alice.devices[0])
			s.pass(away)
			s.back(bob.devices[0])
			s.pass(time.Minute)
			s.hasInOrder(bob.devices[0], alice, all)
			s.back(alice.devices[0]) // she is told by the acknowledgements, from the store too
			s.arriveWithin(time.Minute, "after all", all)
			s.sound()
		})
	}
}

// hasInOrder checks that a device has exactly the messages between two people, in order.
func (s *simulation) hasInOrder(d *simDevice, with *simPerson, all []said) {
	s.t.Helper()
	var want []string
	for _, m := range all {
		want = append(want, m.text)
	}
	p := &person{Client: d.Client, t: s.t, name: d.owner.name}
	if got := p.textsWith(with.public); !slices.Equal(got, want) {
		s.fatalf("%s has\n%q, want\n%q", d.owner.name, got, want)
	}
}

// Away for longer than the store nodes keep anything: the newer messages come from them,
// the older ones from their sender.
func TestOfflineFortyDays(t *testing.T) {
	s, _ := storeSimulation(t, 2, false, memnet.Options{}, memnet.StoreOptions{}, memnet.StoreOptions{})
	alice, bob := s.people[0], s.people[1]
	all := s.greet(alice, bob)
	s.leave(bob.devices[0])
	for range 8 {
		s.pass(5 * 24 * time.Hour)
		all = append(all, s.say(alice.devices[0], bob))
	}
	s.back(bob.devices[0])
	s.arriveWithin(time.Minute, "after 40 days", all)
	s.hasInOrder(bob.devices[0], alice, all)
	s.sound()
}

// within30 is our promise: what was accepted is there 30 s after both are online.
const within30 = 30 * time.Second

// People come and go, in all ways, while they write to each other; of three store nodes each
// has lost a tenth, and one is faulty. Whenever everybody is back, everything is there 30 s
// later, once. With every second seed the network loses a tenth too: then that holds in the
// end, since a message and its repetition may be lost in those seconds.
func TestOfflineSimulation(t *testing.T) {
	faults := []memnet.StoreFault{
		"", memnet.StoreFails, memnet.StoreSlow, memnet.StoreEmpty, memnet.StoreMakesUp, memnet.StoreWithholds,
		memnet.StoreSwaps, memnet.StoreForeign, memnet.StoreEndless, memnet.StoreEndlessly,
	}
	seeds(t, 60, func(t *testing.T, seed uint64) {
		network := memnet.Options{Duplicate: 0.1, Reorder: 0.1, MaxDelay: 5 * time.Millisecond}
		lossy := seed%2 == 0
		if lossy {
			network.Loss = 0.1
		}
		s, _ := storeSimulation(t, seed, seed%3 == 0, network,
			memnet.StoreOptions{Loss: 0.1}, memnet.StoreOptions{Loss: 0.1, Fault: faults[seed/2%uint64(len(faults))]}, memnet.StoreOptions{Loss: 0.1})
		var all []said
		for range 6 {
			gone := s.people[s.random.IntN(len(s.people))].devices[0]
			way := s.ways()[s.random.IntN(3)]
			way.leave(gone)
			all = append(all, s.sayAll(gone)...)
			s.pass(time.Duration(s.random.IntN(20*60)) * time.Minute)
			all = append(all, s.sayAll(gone)...)
			if s.random.IntN(2) == 0 { // those who wrote are gone before the other is back
				s.pass(time.Second)
				others := slices.DeleteFunc(slices.Clone(s.devices), func(d *simDevice) bool { return d == gone })
				for _, d := range others {
					s.leave(d)
				}
				way.come(gone)
				s.pass(time.Minute)
				s.mostArrived(gone, all)
				all = append(all, s.sayAll()...)
				s.pass(time.Duration(s.random.IntN(60)) * time.Minute)
				for _, d := range others {
					s.back(d)
				}
			} else {
				way.come(gone)
			}
			s.pass(within30)
			if lossy {
				s.until("an empty outbox", s.quiet)
			}
			s.arrived(all)
		}
		s.until("an empty outbox", s.quiet)
		s.arrived(all)
		s.sound()
	})
}

// mostArrived checks that a device got most of what was said to it from store nodes alone.
func (s *simulation) mostArrived(d *simDevice, all []said) {
	s.t.Helper()
	total, here := 0, 0
	for _, m := range all {
		if m.to == d.owner {
			total++
			here += s.history(d, m.from)[m.id]
		}
	}
	if here < total*4/5 {
		s.fatalf("of %d messages %d have arrived", total, here)
	}
}

// sayAll has the devices that run write to everybody, but for one that is away.
func (s *simulation) sayAll(except ...*simDevice) (all []said) {
	s.t.Helper()
	for _, d := range slices.Clone(s.devices) {
		for _, p := range s.people {
			if p != d.owner && !slices.Contains(except, d) {
				all = append(all, s.say(d, p))
			}
		}
	}
	return all
}

// The process ends at any commit while it catches up: between fetching and storing, and
// between storing and moving the cursor. Everything arrives once and in order.
func TestOfflineCrashes(t *testing.T) {
	seeds(t, 30, func(t *testing.T, seed uint64) {
		s, _ := storeSimulation(t, seed, seed%2 == 0, memnet.Options{}, memnet.StoreOptions{}, memnet.StoreOptions{})
		alice, bob := s.people[0], s.people[1]
		all := s.greet(alice, bob)
		d := bob.devices[0]
		s.leave(d)
		for range 150 {
			all = append(all, s.say(alice.devices[0], bob))
			s.pass(time.Second)
		}
		s.leave(alice.devices[0])
		s.pass(10 * time.Hour) // longer than the overlap of cursors
		dying := &crashingStore{Store: d.store, random: s.random, left: 20}
		d.store = dying
		s.backCrashing(d)
		s.pass(2 * time.Minute)
		if dying.left > 15 {
			s.fatalf("it ended %d times only", 20-dying.left)
		}
		s.hasInOrder(d, alice, all)
		dying.left = 0
		s.restart(d)
		s.pass(time.Minute)
		s.hasInOrder(d, alice, all)
		s.sound()
	})
}

// crashingStore ends the process before or after a commit, now and then.
type crashingStore struct {
	chat.Store
	random *rand.Rand
	left   int // crashes
}

func (c *crashingStore) Update(fn func(chat.Tx) error) error {
	dies := c.left > 0 && c.random.IntN(2) == 0
	if dies {
		c.left--
	}
	if dies && c.random.IntN(2) == 0 {
		panic(errCrash)
	}
	err := c.Store.Update(fn)
	if dies {
		panic(errCrash)
	}
	return err
}

// backCrashing opens a device whose process may end while it opens.
func (s *simulation) backCrashing(d *simDevice) {
	s.devices = append(s.devices, d)
	for {
		opened := func() (opened bool) {
			defer func() {
				if v := recover(); v != nil && v != errCrash {
					panic(v)
				}
			}()
			s.start(d)
			return true
		}()
		if opened {
			return
		}
	}
}

// What comes late, and much of it, is acknowledged in few envelopes, and what comes again
// after a start not at all.
func TestOfflineAcknowledgements(t *testing.T) {
	s, _ := storeSimulation(t, 5, false, memnet.Options{}, memnet.StoreOptions{}, memnet.StoreOptions{})
	alice, bob := s.people[0], s.people[1]
	all := s.greet(alice, bob)
	s.leave(bob.devices[0])
	for range 300 {
		all = append(all, s.say(alice.devices[0], bob))
		s.pass(100 * time.Millisecond)
	}
	s.leave(alice.devices[0])
	s.pass(time.Hour)
	published := 0
	stop := s.net.Tap(func(chat.Envelope) { published++ })
	s.back(bob.devices[0])
	s.pass(2 * time.Minute) // what is out is recorded after one
	s.hasInOrder(bob.devices[0], alice, all)
	if published > 5 { // its contact code twice, and acknowledgements
		s.fatalf("it published %d envelopes", published)
	}
	published = 0
	s.restart(bob.devices[0])
	s.pass(time.Minute)
	if published > 2 {
		s.fatalf("after another start it published %d envelopes", published)
	}
	stop()
	s.back(alice.devices[0])
	s.arriveWithin(time.Minute, "acknowledged", all)
}

// clockSkew is by how much a round stays behind the time at which it begins.
const clockSkew = 2 * time.Minute

// given returns how many envelopes store nodes gave since the client was opened.
func given(c event.CatchUp) (n uint64) {
	for _, node := range c.Nodes {
		n += node.Fetched
	}
	return n
}

// The same with all goroutines, and as a program sees it.
func TestOfflineLive(t *testing.T) {
	net := memnet.New(memnet.Options{Seed: 6, Stores: 2})
	alice, bobs := newPerson(t, "alice", net), kept{store.Memory()}
	bob := openPerson(t, "bob", bobs, net.Join(), fast)
	if _, _, err := bob.CreateIdentity(context.Background(), 12, "bob"); err != nil {
		t.Fatal(err)
	}
	befriend(t, alice, bob)
	publicKey := bob.key()
	_ = bob.Close()
	var want, ids []string
	for i := range 300 {
		want = append(want, fmt.Sprint("while you were away ", i))
		m, err := alice.Send(context.Background(), chat.SendRequest{To: publicKey, Text: want[i]})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	eventually(t, "all to be sent", func() bool {
		return !slices.ContainsFunc(ids, func(id string) bool { return alice.message(id).State == "queued" })
	})
	aliceKey := alice.key()
	_ = alice.Close()
	bob = openPerson(t, "bob", bobs, net.Join(), fast)
	// Two rounds may begin at the start, with the client and when the network is there, and an
	// unread event gives way to the next one: so the nodes' counts are looked at, not the round's.
	done := wait(bob, "the end", func(e event.CatchUpChanged) bool { return e.CatchUp.State == "done" && given(e.CatchUp) > 0 })
	if done.CatchUp.TopicsDone != done.CatchUp.TopicsTotal || len(done.CatchUp.Nodes) != 2 {
		t.Errorf("the last report is %+v", done)
	}
	var got []string
	for _, text := range bob.textsWith(aliceKey) {
		if strings.HasPrefix(text, "while") {
			got = append(got, text)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("of 300 messages bob has %d, or not in order", len(got))
	}
	asked := time.Now().Add(-clockSkew).UnixMilli() // what a round from now on fetches up to, at least
	if err := bob.CatchUp(); err != nil {
		t.Error(err)
	}
	wait(bob, "another round", func(e event.CatchUpChanged) bool { return e.CatchUp.State == "done" && e.CatchUp.To >= asked })
	eventually(t, "diagnostics of its end", func() bool {
		d, err := bob.Diagnostics()
		return err == nil && d.CatchUp != nil && d.CatchUp.State == "done" && d.CatchUp.To >= asked
	})
	// Suspended, nothing is stored; resumed, what came meanwhile is fetched.
	if err := bob.SuspendStore(); err != nil {
		t.Fatal(err)
	}
	alice2 := newPerson(t, "alice again", net)
	alice2.send(bob, "while you were suspended")
	if err := bob.ResumeStore(); err != nil {
		t.Fatal(err)
	}
	bob.waitText("while you were suspended")
	if check, err := bob.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
		t.Errorf("%+v, %v", check, err)
	}
}
