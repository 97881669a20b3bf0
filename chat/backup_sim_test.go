package chat_test

import (
	"bytes"
	"context"
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/enum"
	"libstatus1to1/store"
)

// restore merges the backup that a device begins with.
func (s *simulation) restore(d *simDevice) {
	s.t.Helper()
	if _, err := d.ImportBackup(context.Background(), bytes.NewReader(d.backup), backupPassphrase, false); err != nil {
		s.fatalf("%v", err)
	}
}

// backup makes a backup of a device.
func (s *simulation) backup(d *simDevice) []byte {
	s.t.Helper()
	var b bytes.Buffer
	if _, err := d.ExportBackup(context.Background(), &b, chat.Credentials{}, backupPassphrase, "test"); err != nil {
		s.fatalf("%v", err)
	}
	return b.Bytes()
}

// The only device of somebody is lost, and a new one is made from its backup. What was said
// before is there; what was sent to the lost device while nobody was there arrives, and so does
// all that is said later, both ways, by new sessions (54, "Account recovery").
func TestSimulationBackup(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, badNetwork)
		s.populate(func(i int) int { return 1 + i*s.random.IntN(2) })
		before := s.chatter(5, nil)
		s.until("an empty outbox", s.quiet)
		s.arrived(before)

		p, q, lost := s.people[0], s.people[1], s.people[0].devices[0]
		backup := s.backup(lost)
		s.stop(lost)
		p.devices, p.settled = nil, nil
		var waiting []said
		for range 3 {
			waiting = append(waiting, s.say(q.settled[s.random.IntN(len(q.settled))], p))
			for range s.random.IntN(20) {
				s.step()
			}
		}
		fresh := s.addDevice(p, &simDevice{backup: backup}, store.Memory())
		p.devices, p.settled = []*simDevice{fresh}, []*simDevice{fresh}
		after := s.chatter(6, nil)
		for _, all := range [][]said{before, waiting} { // they belong on the new device as well
			for i := range all {
				all[i].devices = append(all[i].devices, fresh)
			}
		}
		all := append(append(before, waiting...), after...)
		s.until("the messages on the new device", s.delivered(all))
		s.arrived(all)
		check, err := fresh.CheckStore(context.Background())
		if err != nil || len(check.Problems) > 0 {
			s.fatalf("the store has problems: %v, %v", check.Problems, err)
		}
		for _, m := range before { // and each in the state it had
			if m.from != p {
				continue
			}
			got, err := fresh.Message(mustID(t, m.id))
			if err != nil || got.State != "delivered" {
				s.fatalf("%q is %s, %v", m.text, got.State, err)
			}
		}
	})
}

// TestSimulationBackupAgain: a device that is in use imports its own older backup while everybody
// writes: nothing is there twice, nothing is lost, and nothing goes back to an older state.
func TestSimulationBackupAgain(t *testing.T) {
	seeds(t, 10, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, badNetwork)
		s.populate(func(i int) int { return 1 + i })
		d := s.people[0].devices[0]
		all := s.chatter(4, nil)
		d.backup = s.backup(d)
		all = append(all, s.chatter(8, func() {
			if s.random.IntN(3) == 0 {
				s.restore(d)
			}
		})...)
		s.until("an empty outbox", s.quiet)
		s.restore(d)
		s.arrived(all)
		for _, m := range all {
			if got, err := d.Message(mustID(t, m.id)); m.from == s.people[0] && (err != nil || got.State != "delivered") {
				s.fatalf("%q is %s, %v", m.text, got.State, err)
			}
		}
		if check, err := d.CheckStore(context.Background()); err != nil || len(check.Problems) > 0 {
			s.fatalf("the store has problems: %v, %v", check.Problems, err)
		}
		if list, err := d.Contacts(chat.PageRequest{}); err != nil || len(list.Items) != 1 {
			s.fatalf("%d people, %v", len(list.Items), err)
		}
	})
}

// TestSimulationLeftBehind: a message that waits on the device that wrote it shows that on a
// device that knows it from a backup, until it is sent after all.
func TestSimulationLeftBehind(t *testing.T) {
	seeds(t, 5, func(t *testing.T, seed uint64) {
		s := newSimulation(t, seed, 2, badNetwork)
		s.populate(func(i int) int { return 2 - i })
		p := s.people[0]
		phone, laptop := p.devices[0], p.devices[1]
		m := s.say(phone, s.people[1])
		laptop.backup = s.backup(phone) // before any step: it is queued
		s.restore(laptop)
		got, err := laptop.Message(mustID(t, m.id))
		if err != nil || got.State != "failed" || got.Failure != enum.FailureOnOtherDevice {
			s.fatalf("it is %+v, %v", got, err)
		}
		s.until("the message on its way", func() bool {
			got, err := laptop.Message(mustID(t, m.id))
			return err == nil && (got.State == "sent" || got.State == "delivered") && got.Failure == ""
		})
		s.until("the message on all devices", s.delivered([]said{m}))
		s.arrived([]said{m})
	})
}
