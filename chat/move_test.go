package chat_test

import (
	"testing"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
)

// TestMovePairing: a device without an identity is paired, over a bad network and with
// restarts, in both roles. Each side says of the other what it is; nobody takes the key of
// the new device for a person's.
func TestMovePairing(t *testing.T) {
	seeds(t, 12, func(t *testing.T, seed uint64) {
		s := newMoveSim(t, seed, badNetwork)
		if seed%4 > 1 {
			s.shower, s.scanner = s.new, s.old
		}
		restart := func() {
			for _, d := range s.sides() {
				if s.random.IntN(2) == 0 {
					d.take()
					s.restart(d.simDevice)
				}
			}
		}
		asks := seed%2 == 0
		s.show(asks)
		restart()
		s.scan(s.shower.pairing().Invitation)
		restart()
		s.until("the authcodes", func() bool {
			if s.scanner.state() == "failed" {
				s.scanAgain(asks)
			}
			return s.shower.state() == "compare" && s.scanner.state() == "compare"
		})
		s.confirm(s.scanner, true)
		restart()
		s.confirm(s.shower, true)
		s.untilBoth("paired")
		restart()
		if p := s.old.pairing().Peer; p.Own || !p.Provisional || p.PublicKey == s.people[0].public.Hex() {
			s.fatalf("the old device says %+v", p)
		}
		if p := s.new.pairing().Peer; p.Own || p.Provisional || p.PublicKey != s.people[0].public.Hex() || p.Installation != s.old.simDevice.id {
			s.fatalf("the new device says %+v", p)
		}
		if _, err := s.new.Identity(); chat.CodeOf(err) != chat.CodeNoIdentity {
			s.fatalf("the new device has an identity: %v", err)
		}
		_, err := s.new.SyncDevice(s.new.id)
		wantCode(t, "a sync from a device without an identity", err, chat.CodeNoIdentity, "")
	})
}

// TestMove: the whole way, over a bad network, with restarts of either device at any moment
// and while the friend goes on writing.
func TestMove(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newMoveSim(t, seed, badNetwork)
		s.say(5)
		s.pair(seed%2 == 0)
		s.offer()
		s.accept()
		s.crashSometimes(s.old, 10)
		s.crashSometimes(s.new, 10)
		said := 0
		for s.sync(s.old).State != "done" || s.sync(s.new).State != "done" {
			s.step()
			if s.random.IntN(30) == 0 {
				d := s.sides()[s.random.IntN(2)]
				d.take()
				s.restart(d.simDevice)
			}
			if said < 3 && s.random.IntN(50) == 0 {
				said++
				s.send1(s.friend, s.people[0], "meanwhile")
			}
			if v := s.sync(s.old); v.State == "failed" {
				s.fatalf("%+v", v)
			}
		}
		s.old.probe, s.new.probe = nil, nil
		s.restart(s.old.simDevice)
		s.restart(s.new.simDevice)
		s.reaches()
		s.checked()
		if n := len(told[event.SyncDone](s.new)); n != 1 {
			s.fatalf("told %d times of the end", n)
		}
	})
}

// TestMoveQuiet: without anything said meanwhile, both devices know the same in the end.
func TestMoveQuiet(t *testing.T) {
	s := newMoveSim(t, 1, memnet.Options{})
	s.say(20)
	s.pair(true)
	s.offer()
	if told := told[event.SyncOffered](s.new); len(told) != 1 || told[0].Sync.Offers {
		t.Fatalf("%+v", told)
	}
	s.accept()
	s.untilSync("done")
	s.moved()
	if got := told[event.IdentityReceived](s.new); len(got) != 1 || got[0].PairingID != s.new.id.String() {
		t.Fatalf("%+v", got)
	}
	s.reaches()
	s.restart(s.new.simDevice)
	s.restart(s.old.simDevice)
	s.checked()
	// Again, although both know everything: nothing is there twice.
	s.offerAgain()
	s.untilSync("done")
	if a, b := s.texts(s.old.simDevice, s.people[1]), s.texts(s.new.simDevice, s.people[1]); len(a) != len(b) {
		t.Fatalf("%d and %d", len(a), len(b))
	}
}

// offerAgain goes through a second sync.
func (s *moveSim) offerAgain() {
	s.t.Helper()
	before := s.syncID
	v, err := s.old.SyncDevice(s.old.id)
	if err != nil {
		s.fatalf("%v", err)
	}
	if s.syncID = s.parse(v.ID); s.syncID == before {
		s.fatalf("the same id again")
	}
	s.until("the offer", func() bool { return s.sync(s.new).State == "offered" })
	s.takenID = s.parse(s.sync(s.new).ID)
	s.accept()
}
