package chat_test

import (
	"slices"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/noise"
)

// byNoise are the Noise sessions of a device with somebody in which it sends.
func (s *simulation) byNoise(d *simDevice, with *simPerson) (list []event.Session) {
	s.t.Helper()
	all, err := d.Sessions(with.public)
	if err != nil {
		s.fatalf("%v", err)
	}
	return slices.DeleteFunc(all, func(e event.Session) bool { return e.KeyExchange != "noise" || !e.Sending })
}

// overNoise reports whether each device of two people sends in a session to each of the other's,
// and says Noise of them.
func (s *simulation) overNoise(p, q *simPerson) bool {
	for _, pair := range [][2]*simPerson{{p, q}, {q, p}} {
		for _, d := range pair[0].devices {
			c, err := d.Contact(pair[1].public)
			if err != nil {
				s.fatalf("%v", err)
			}
			list := s.byNoise(d, pair[1])
			if c.KeyExchange != "noise" || len(list) != len(pair[1].devices) {
				return false
			}
		}
	}
	return true
}

// A and B, with two devices each, write to one another by Noise, while both write to C by X3DH:
// over a bad network, with restarts at any time. Noise is chosen on one device, and by some
// on both sides at once; all others follow by themselves. Later the sessions are renewed by
// age, while messages are under way, in each tenth run. Every message is on each
// device of both sides once.
func TestSimulationNoise(t *testing.T) {
	seeds(t, 100, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 3, badNetwork)
		sealed := map[string]bool{}
		s.net.Tap(func(e chat.Envelope) {
			if noise.IsSessionTopic(e.ContentTopic) {
				sealed[e.ContentTopic] = true
			}
		})
		s.populate(func(i int) int { return 2 - i/2 })
		a, b := s.people[0], s.people[1]
		restarts := func() {
			if s.random.IntN(4) == 0 {
				s.restart(s.devices[s.random.IntN(len(s.devices))])
			}
		}
		var all []said
		if seed%2 == 0 { // there are X3DH sessions; else there are none yet, and no secrets
			all = s.chatter(3, restarts)
		}
		waiting := []chat.WhileWaiting{chat.WhileWaitingWait, chat.WhileWaitingX3DH}[seed/2%2]
		choose := func(p, q *simPerson) {
			if _, err := p.devices[s.random.IntN(2)].SetKeyExchange(q.public, chat.KeyExchangeNoise, waiting); err != nil {
				s.fatalf("%v", err)
			}
		}
		choose(a, b)
		if seed%3 == 0 {
			choose(b, a)
		}
		all = append(all, s.chatter(5, restarts)...)
		s.until("an empty outbox", s.quiet)
		s.until("sessions between all devices", func() bool { restarts(); return s.overNoise(a, b) })
		s.arrived(all)
		if seed%10 != 0 {
			return
		}
		before := s.byNoise(a.devices[0], b)[0].ID
		s.clock.advance(8 * 24 * time.Hour)
		// A side goes over to the new session when it has heard the other one in it, so they have
		// to say something.
		for n := 0; s.byNoise(a.devices[0], b)[0].ID == before; n++ {
			if n == 20 {
				s.fatalf("a session is not renewed")
			}
			all = append(all, s.chatter(3, restarts)...)
			s.until("an empty outbox", s.quiet)
			s.pass(10 * time.Minute) // a frame that got lost is repeated after a while
		}
		s.until("sessions between all devices", func() bool { return s.overNoise(a, b) })
		all = append(all, s.chatter(3, restarts)...)
		s.until("an empty outbox", s.quiet)
		s.arrived(all)
		s.sound()
		if len(sealed) < 8 {
			s.fatalf("only %d sessions were used", len(sealed))
		}
	})
}

// A device loses its Noise sessions with somebody, or an older copy of them is put back, while they
// write to one another. The other side sees that nothing is answered, and shakes hands anew: what
// is said arrives, nothing goes by X3DH, and no message is there twice.
func TestSimulationNoiseLost(t *testing.T) {
	seeds(t, 12, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, memnet.Options{Loss: 0.1, Duplicate: 0.1, Reorder: 0.2, MaxDelay: 5 * time.Millisecond})
		s.populate(func(int) int { return 1 })
		a, b := s.people[0], s.people[1]
		if _, err := a.devices[0].SetKeyExchange(b.public, chat.KeyExchangeNoise, ""); err != nil {
			t.Fatal(err)
		}
		all := s.chatter(4, nil)
		s.until("a session", func() bool { return s.overNoise(a, b) })
		d, other := a.devices[0], b
		if s.random.IntN(2) == 0 {
			d, other = b.devices[0], a
		}
		older := s.noiseRecord(d, other)
		all = append(all, s.chatter(6, nil)...)
		s.until("an empty outbox", s.quiet)
		s.arrived(all)
		if seed%3 == 0 {
			older = nil
		}
		s.putNoiseRecord(d, other, older)
		x3dh := d.SendsIn(other.public, other.devices[0].id)
		all = append(all, s.chatter(6, nil)...)
		s.until("an empty outbox", s.quiet)
		s.arrived(all)
		s.sound()
		if d.SendsIn(other.public, other.devices[0].id) != x3dh {
			s.fatalf("a new X3DH session was begun")
		}
	})
}

// tableNoise is the table of what is known of Noise.
const tableNoise chat.Table = "noise_peers"

func (s *simulation) noiseRecord(d *simDevice, of *simPerson) (rec []byte) {
	s.t.Helper()
	err := d.store.View(func(tx chat.Tx) (err error) {
		rec, err = tx.Get(tableNoise, of.public.Compressed())
		return err
	})
	if err != nil || rec == nil {
		s.fatalf("no Noise record, %v", err)
	}
	return slices.Clone(rec)
}

// putNoiseRecord replaces what a device knows of Noise with somebody, while it is closed; nil is
// nothing.
func (s *simulation) putNoiseRecord(d *simDevice, of *simPerson, rec []byte) {
	s.t.Helper()
	_ = d.Close()
	err := d.store.Update(func(tx chat.Tx) error {
		if rec == nil {
			return tx.Delete(tableNoise, of.public.Compressed())
		}
		return tx.Put(tableNoise, of.public.Compressed(), rec)
	})
	if err != nil {
		s.fatalf("%v", err)
	}
	s.start(d)
}
