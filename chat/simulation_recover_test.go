package chat_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// Everybody begins at once, and goes on over rotations of the pre-keys.
func TestSimulationConverge(t *testing.T) {
	seeds(t, 40, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2+int(seed%4)/3, badNetwork)
		s.populate(func(int) int { return 1 + s.random.IntN(2) })
		var all []said
		atOnce := func() {
			for _, d := range slices.Clone(s.devices) {
				for _, q := range s.people {
					if q != d.owner {
						all = append(all, s.say(d, q))
					}
				}
			}
		}
		atOnce()
		all = append(all, s.chatter(3, nil)...)
		s.until("an empty outbox", s.quiet)
		s.clock.advance(25 * time.Hour) // pre-keys are rotated
		atOnce()
		all = append(all, s.chatter(3, nil)...)
		s.until("an empty outbox", s.quiet)
		all = append(all, s.converge()...)
		s.arrived(all)
	})
}

// delivered reports whether all messages are on all their devices.
func (s *simulation) delivered(all []said) func() bool {
	return func() bool {
		for _, m := range all {
			for _, d := range m.devices {
				with := m.from
				if d.owner == m.from {
					with = m.to
				}
				if slices.Contains(s.devices, d) && s.history(d, with)[m.id] == 0 {
					return false
				}
			}
		}
		return true
	}
}

// repairs counts the repairs that the running devices have reported.
func (s *simulation) repairs() (n int) {
	for _, d := range s.devices {
		for {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			e, err := d.NextEvent(ctx)
			if err != nil {
				s.fatalf("%v", err)
			}
			if e == nil {
				break
			}
			if e.Type == (event.SessionRepaired{}).Type() {
				n++
			}
		}
	}
	return n
}

// The only device of a person is lost, and the identity restored on another one.
func TestSimulationRecoverAccount(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, badNetwork)
		s.populate(func(i int) int { return 1 + i*s.random.IntN(2) })
		before := s.chatter(4, nil)
		s.until("an empty outbox", s.quiet)
		s.arrived(before)

		p, lost := s.people[0], s.people[0].devices[0]
		s.stop(lost)
		fresh := s.add(p, store.Memory())
		p.devices, p.settled = []*simDevice{fresh}, []*simDevice{fresh}
		after := s.chatter(6, nil)
		s.until("the messages on the new device", s.delivered(after))
		s.arrived(after)
		s.absent(before, fresh) // history is not invented
	})
}

// forget makes a device lose what it knows of people.
func (s *simulation) forget(d *simDevice, people ...*simPerson) {
	s.t.Helper()
	_ = d.Close()
	err := d.store.Update(func(tx chat.Tx) error {
		var failures []error
		for _, p := range people {
			failures = append(failures, tx.Delete("peers", p.public.Compressed()))
		}
		return errors.Join(failures...)
	})
	if err != nil {
		s.fatalf("%v", err)
	}
	s.start(d)
}

// A device whose first encrypted message to another one of its user is the advertisement of
// its bundle listens where that one answers: on the negotiated topic.
func TestRecoverAdvertiserListens(t *testing.T) {
	s := newSimulation(t, 1, 2, memnet.Options{})
	s.populate(func(i int) int { return 2 - i })
	p := s.people[0]
	d, o := p.devices[0], p.devices[1]
	s.forget(d, p)
	s.pass(5 * time.Minute) // o sees that it is not in the bundle of d, and advertises its own
	if _, err := d.EnableDevice(o.id); err != nil {
		s.fatalf("%v", err)
	}
	all := []said{s.say(d, s.people[1])}
	s.until("an empty outbox", s.quiet)
	s.arrived(all)
}

// A device loses what it knows of somebody, or an older copy of its store is put
// back: what is said from then on arrives, by new sessions that nobody asked for.
// Where the first word after the loss is this device's own, it brings the new session.
func TestSimulationRecoverState(t *testing.T) {
	var runs, repaired atomic.Int32
	t.Cleanup(func() {
		if runs.Load() >= 20 && repaired.Load() < runs.Load()/2 {
			t.Errorf("of %d runs only %d had something repaired", runs.Load(), repaired.Load())
		}
	})
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, badNetwork)
		s.populate(func(int) int { return 1 + s.random.IntN(2) })
		all := s.chatter(6, nil)
		s.until("an empty outbox", s.quiet)
		s.repairs()

		p, other := s.people[0], s.people[1]
		d := p.devices[0]
		s.forget(d, other, p)
		for _, o := range p.devices[1:] {
			s.until("the own devices to be found again", func() bool { return d.knows(o.id) })
			if _, err := d.EnableDevice(o.id); err != nil {
				s.fatalf("%v", err)
			}
		}
		for _, o := range other.devices {
			all = append(all, s.say(o, p))
		}
		all = append(all, s.chatter(6, nil)...)
		s.until("an empty outbox", s.quiet)
		s.settle()
		all = append(all, s.converge()...)
		s.arrived(all)
		runs.Add(1)
		if s.repairs() > 0 {
			repaired.Add(1)
		}
	})
}

func TestSimulationRecoverOlderCopy(t *testing.T) {
	seeds(t, 10, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, badNetwork)
		path := filepath.Join(t.TempDir(), "store")
		open := func() chat.Store {
			f, err := store.Open(store.Options{Path: path, Key: make([]byte, 32), NoSync: true})
			if err != nil {
				s.fatalf("%v", err)
			}
			return f
		}
		p := s.people[0]
		d := s.add(p, open())
		s.enable(d)
		s.populate(func(i int) int { return i * (1 + s.random.IntN(2)) })
		all := s.chatter(4, nil)
		s.until("an empty outbox", s.quiet)

		reopen := func(change func()) {
			_ = d.Close()
			if err := d.store.Close(); err != nil {
				s.fatalf("%v", err)
			}
			change()
			d.store = open()
			s.start(d)
		}
		var old []byte
		reopen(func() { old = s.read(path) })
		later := s.chatter(6, nil)
		s.until("an empty outbox", s.quiet)
		if seed%2 == 0 { // the copy misses a rotation, too
			s.clock.advance(25 * time.Hour)
			later = append(later, s.chatter(4, nil)...)
			s.until("an empty outbox", s.quiet)
		}
		s.arrived(later)
		reopen(func() { s.write(path, old) })
		for _, o := range s.people[1].devices {
			all = append(all, s.say(o, p))
		}
		all = append(all, s.chatter(6, nil)...)
		s.until("an empty outbox", s.quiet)
		all = append(all, s.converge()...)
		s.arrived(all)
	})
}

func (s *simulation) read(path string) []byte {
	b, err := os.ReadFile(path)
	if err != nil {
		s.fatalf("%v", err)
	}
	return b
}

func (s *simulation) write(path string, b []byte) {
	if err := os.WriteFile(path, b, 0o600); err != nil {
		s.fatalf("%v", err)
	}
}
