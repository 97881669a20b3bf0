package chat_test

import (
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/noise/noisesession"
	"libstatus1to1/store"
)

// TestSimulationPairing: both camera roles, a network that loses, doubles and reorders,
// and restarts of either device at any step, in the middle of a transfer too.
func TestSimulationPairing(t *testing.T) {
	seeds(t, 60, func(t *testing.T, seed uint64) {
		s := newPairingSim(t, seed, badNetwork)
		restart := func() {
			for _, d := range s.sides() {
				if s.random.IntN(3) == 0 {
					d.take()
					s.restart(d.simDevice)
				}
			}
			for range s.random.IntN(10) {
				s.step()
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
		if a, b := s.shower.pairing().Authcode, s.scanner.pairing().Authcode; a != b {
			s.fatalf("authcodes %q and %q", a, b)
		}
		restart()
		first, second := s.shower, s.scanner
		if s.random.IntN(2) == 0 {
			first, second = second, first
		}
		s.confirm(first, true)
		restart()
		s.confirm(second, true)
		for s.shower.state() != "paired" || s.scanner.state() != "paired" {
			if s.shower.state() == "failed" || s.scanner.state() == "failed" {
				s.fatalf("failed: %+v %+v", s.shower.pairing(), s.scanner.pairing())
			}
			s.step()
			if s.random.IntN(20) == 0 {
				restart()
			}
		}
		s.agree()
		s.crashSometimes(s.shower, 15)
		s.crashSometimes(s.scanner, 15)
		one, two := s.content(1<<20+int(seed)), s.content(int(300*seed))
		s.send(s.shower, "one", one)
		restart()
		s.send(s.scanner, "two", two)
		for s.scanner.transfer("one").State != "done" || s.shower.transfer("two").State != "done" {
			s.step()
			if s.random.IntN(40) == 0 {
				restart()
			}
		}
		s.shower.probe, s.scanner.probe = nil, nil
		restart()
		s.arrivedAt(s.scanner, "one", one)
		s.arrivedAt(s.shower, "two", two)
		for _, d := range s.sides() {
			if done := told[event.TransferDone](d); len(done) != 2 {
				s.fatalf("told %d times of 2 transfers", len(done))
			}
			if p := told[event.TransferProgress](d); len(p) == 0 || len(p) > 40 {
				s.fatalf("%d progress events", len(p))
			}
			if paired := told[event.PairingPaired](d); len(paired) != 1 {
				s.fatalf("told %d times of being paired", len(paired))
			}
		}
		s.checked()
	})
}

// TestPairingRejected: either user says that the authcodes differ.
func TestPairingRejected(t *testing.T) {
	for _, asks := range []bool{true, false} {
		for who := range 2 {
			s := newPairingSim(t, 1, memnet.Options{Loss: 0.3})
			s.meet(asks)
			no, other := s.sides()[who], s.sides()[1-who]
			s.confirm(no, false)
			s.failed(no, chat.CodePairingRejected, "local")
			s.failed(other, chat.CodePairingRejected, "remote")
			_, err := no.ConfirmPairing(no.id, true)
			wantCode(t, "confirming after all", err, chat.CodePairingState, "pairing_id")
			s.checked()
		}
	}
}

// TestPairingCancelled: either side gives up before it is done.
func TestPairingCancelled(t *testing.T) {
	for who := range 2 {
		for _, confirmed := range []bool{false, true} {
			s := newPairingSim(t, 2, memnet.Options{Loss: 0.3})
			s.meet(true)
			quits, other := s.sides()[who], s.sides()[1-who]
			if confirmed {
				s.confirm(quits, true)
			}
			quits.must(quits.CancelPairing(quits.id))
			s.failed(quits, chat.CodePairingCancelled, "local")
			s.failed(other, chat.CodePairingCancelled, "remote")
		}
	}
	s := newPairingSim(t, 3, memnet.Options{})
	s.show(true)
	s.shower.must(s.shower.CancelPairing(s.shower.id))
	s.failed(s.shower, chat.CodePairingCancelled, "local")
}

// TestPairingRenewal: an invitation is renewed every half minute, for ten minutes.
func TestPairingRenewal(t *testing.T) {
	s := newPairingSim(t, 4, memnet.Options{})
	old := s.show(true)
	began := s.clock.Now()
	for s.shower.pairing().Invitation == old && s.clock.Now().Sub(began) < time.Minute {
		s.step()
	}
	if age := s.clock.Now().Sub(began); age < 30*time.Second || age > 35*time.Second {
		t.Fatalf("renewed after %v", age)
	}
	renewed := told[event.PairingInvitation](s.shower)
	if len(renewed) != 2 || renewed[0].Invitation != old || renewed[0].Renewed || !renewed[1].Renewed ||
		renewed[1].Invitation != s.shower.pairing().Invitation || renewed[1].ExpiresAt <= renewed[0].ExpiresAt {
		t.Fatalf("%+v", renewed)
	}
	// The old one: both sides learn why it is no good, and the pairing goes on.
	s.scan(old)
	s.failed(s.scanner, chat.CodePairingExpired, "remote")
	refused := told[event.PairingScannerRefused](s.shower)
	if len(refused) != 1 || refused[0].Cause != chat.CodePairingExpired || s.shower.state() != "shown" {
		t.Fatalf("%+v, %s", refused, s.shower.state())
	}
	// The new one is good, also after a restart.
	s.restart(s.shower.simDevice)
	s.scan(s.shower.pairing().Invitation)
	s.until("the authcodes", func() bool { return s.shower.state() == "compare" })
	s.confirm(s.scanner, true)
	s.confirm(s.shower, true)
	s.untilBoth("paired")

	s = newPairingSim(t, 5, memnet.Options{})
	s.show(false)
	began = s.clock.Now()
	s.failed(s.shower, chat.CodePairingTimeout, "local")
	if age := s.clock.Now().Sub(began); age < 10*time.Minute || age > 11*time.Minute {
		t.Fatalf("given up after %v", age)
	}
	if n := len(told[event.PairingInvitation](s.shower)); n != 20 {
		t.Fatalf("%d invitations", n)
	}
}

// TestPairingSecondScanner: a second device scans while the first is compared, and a third
// when it is done.
func TestPairingSecondScanner(t *testing.T) {
	s := newPairingSim(t, 6, memnet.Options{})
	invitation := s.show(true)
	s.scan(invitation)
	s.until("the authcodes", func() bool { return s.shower.state() == "compare" })
	first := s.scanner
	s.scanner = &pairingSide{simDevice: s.add(s.people[0], store.Memory()), sim: s.simulation}
	s.scan(invitation)
	s.failed(s.scanner, chat.CodePairingUsed, "remote")
	s.scanner = first
	if refused := told[event.PairingScannerRefused](s.shower); len(refused) != 1 || refused[0].Cause != chat.CodePairingScanned {
		t.Fatalf("%+v", refused)
	}
	s.confirm(s.scanner, true)
	s.confirm(s.shower, true)
	s.untilBoth("paired")

	s.scanner = &pairingSide{simDevice: s.add(s.people[0], store.Memory()), sim: s.simulation}
	s.scan(invitation)
	s.failed(s.scanner, chat.CodePairingUsed, "remote")
	if refused := told[event.PairingScannerRefused](s.shower); len(refused) != 2 || refused[1].Cause != chat.CodePairingUsed || s.shower.state() != "paired" {
		t.Fatalf("%+v", refused)
	}
}

// TestPairingNobodyAnswers: the other device is gone.
func TestPairingNobodyAnswers(t *testing.T) {
	s := newPairingSim(t, 7, memnet.Options{})
	s.meet(true)
	s.stop(s.shower.simDevice)
	s.confirm(s.scanner, true)
	s.failed(s.scanner, chat.CodePairingTimeout, "local")
}

// TestPairingAgain: two devices are paired again and again. The sessions of the last four
// times are kept, and each can be used; the earlier pairings end.
func TestPairingAgain(t *testing.T) {
	s := newPairingSim(t, 14, memnet.Options{})
	var ids [][2]chat.PairingID
	for n := range noisesession.MaxPerDevice + 2 {
		s.pair(n%2 == 0)
		ids = append(ids, [2]chat.PairingID{s.shower.id, s.scanner.id})
	}
	s.checked()
	for _, d := range s.sides() {
		s.restart(d.simDevice)
	}
	for n, pair := range ids {
		s.shower.id, s.scanner.id = pair[0], pair[1]
		if n < 2 {
			for _, d := range s.sides() {
				if p := d.pairing(); p.State != "ended" || p.By != "local" || p.Cause != chat.CodePairingEnded {
					t.Fatalf("pairing %d: %+v", n, p)
				}
			}
			continue
		}
		s.agree()
		data := s.content(1000 + n)
		s.send(s.scanner, "data", data)
		s.arrivedAt(s.shower, "data", data)
	}
	for _, d := range s.sides() {
		list, err := d.Pairings()
		if err != nil || len(list) != len(ids) {
			t.Fatalf("%d pairings, %v", len(list), err)
		}
		for i, p := range list {
			if p.ID != ids[i][0].String() && p.ID != ids[i][1].String() {
				t.Fatal("they are not listed in their order")
			}
		}
	}
	s.checked()
}
