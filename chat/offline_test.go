package chat_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat/memnet"
)

// What is published while somebody is away, and fetched from store nodes when they are back.

// storeSimulation is an awaySimulation with store nodes, which keep envelopes by the clock of
// the simulation.
func storeSimulation(t *testing.T, seed uint64, o memnet.Options, stores ...memnet.StoreOptions) (*simulation, []*memnet.Store) {
	s := newSimulation(t, seed, 3, o)
	s.settings = awaySettings
	var nodes []*memnet.Store
	for _, o := range stores {
		o.Now = s.clock.Now
		nodes = append(nodes, s.net.AddStore(o))
	}
	s.settleAway(false, 1)
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
			s, _ := storeSimulation(t, 1, memnet.Options{}, memnet.StoreOptions{}, memnet.StoreOptions{})
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
	s, _ := storeSimulation(t, 2, memnet.Options{}, memnet.StoreOptions{}, memnet.StoreOptions{})
	s.settings.ResendBase = 27 * time.Second
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
