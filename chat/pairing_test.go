package chat_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/store"
)

// pairingSim is a simulation of two devices of one person that are to be paired.
type pairingSim struct {
	*simulation
	shower, scanner *pairingSide
}

// pairingSide is one device: its pairing, and all events it was told.
type pairingSide struct {
	*simDevice
	sim    *simulation
	id     chat.PairingID
	events []chat.DeliveredEvent
}

func newPairingSim(t *testing.T, seed uint64, o memnet.Options) *pairingSim {
	s := &pairingSim{simulation: newSimulation(t, seed, 1, o)}
	s.watchNonces()
	s.shower = &pairingSide{simDevice: s.add(s.people[0], store.Memory()), sim: s.simulation}
	s.scanner = &pairingSide{simDevice: s.add(s.people[0], store.Memory()), sim: s.simulation}
	return s
}

// watchNonces looks at everything that is sealed in a session: two payloads with one
// nametag, and so with one nonce, must be the same.
func (s *pairingSim) watchNonces() {
	sealed := map[[16]byte][]byte{}
	s.t.Cleanup(s.net.Tap(func(e chat.Envelope) {
		if e.Version != 2 || len(e.Payload) < 17 || e.Payload[16] != protocolTransport {
			return
		}
		tag := [16]byte(e.Payload)
		if before, known := sealed[tag]; known && !bytes.Equal(before, e.Payload) {
			s.t.Errorf("seed %d: two payloads have the nametag %x", s.seed, tag)
		}
		sealed[tag] = e.Payload
	}))
}

// protocolTransport is the protocol id of 35/WAKU2-NOISE for what comes after a handshake.
const protocolTransport = 0

// crashSometimes lets a device crash now and then where what is sealed is stored and not
// published.
func (s *pairingSim) crashSometimes(d *pairingSide, one int) {
	d.probe = func(point string) {
		if point == chat.ProbeBeforePublish && s.random.IntN(one) == 0 {
			panic(crashed)
		}
	}
	s.restart(d.simDevice)
}

func pairingID(t testing.TB, text string) (id chat.PairingID) {
	t.Helper()
	b, err := hex.DecodeString(text[2:])
	if err != nil || copy(id[:], b) != len(b) {
		t.Fatalf("bad id %q", text)
	}
	return id
}

func transferID(t testing.TB, text string) (id chat.TransferID) {
	t.Helper()
	b, err := hex.DecodeString(text[2:])
	if err != nil || copy(id[:], b) != len(id) {
		t.Fatalf("bad id %q", text)
	}
	return id
}

// take collects the events that wait.
func (d *pairingSide) take() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for {
		e, err := d.NextEvent(ctx)
		if err != nil || e == nil {
			return
		}
		d.events = append(d.events, *e)
	}
}

// told gives the events of one type, without those that come again after a restart.
func told[E event.Event](d *pairingSide) (all []E) {
	d.take()
	var zero E
	seen := map[uint64]bool{}
	for _, e := range d.events {
		if e.Type != zero.Type() || seen[e.Seq] {
			continue
		}
		seen[e.Seq] = true
		var v E
		if err := json.Unmarshal(e.Data, &v); err != nil {
			panic(err)
		}
		all = append(all, v)
	}
	return all
}

func (d *pairingSide) pairing() event.Pairing {
	d.sim.t.Helper()
	p, err := d.Pairing(d.id)
	if err != nil {
		d.sim.fatalf("%v", err)
	}
	return p
}

func (d *pairingSide) state() string { return d.pairing().State }

func (d *pairingSide) must(p event.Pairing, err error) event.Pairing {
	d.sim.t.Helper()
	if err != nil {
		d.sim.fatalf("%v", err)
	}
	d.id = pairingID(d.sim.t, p.ID)
	return p
}

// show lets the shower begin, and gives its invitation.
func (s *pairingSim) show(asks bool) string {
	s.t.Helper()
	return s.shower.must(s.shower.StartPairing(asks)).Invitation
}

func (s *pairingSim) scan(invitation string) {
	s.t.Helper()
	s.scanner.must(s.scanner.ScanPairing(invitation))
}

// meet goes on until both compare their authcodes.
func (s *pairingSim) meet(asks bool) {
	s.t.Helper()
	s.scan(s.show(asks))
	s.until("the authcodes", func() bool { return s.shower.state() == "compare" && s.scanner.state() == "compare" })
	if a, b := s.shower.pairing().Authcode, s.scanner.pairing().Authcode; a != b || len(a) != 8 {
		s.fatalf("authcodes %q and %q", a, b)
	}
}

func (s *pairingSim) confirm(d *pairingSide, same bool) {
	s.t.Helper()
	d.must(d.ConfirmPairing(d.id, same))
}

func (s *pairingSim) sides() []*pairingSide { return []*pairingSide{s.shower, s.scanner} }

// untilBoth waits until both pairings are in a state.
func (s *pairingSim) untilBoth(state string) {
	s.t.Helper()
	s.until("both being "+state, func() bool { return s.shower.state() == state && s.scanner.state() == state })
}

// pair goes all the way.
func (s *pairingSim) pair(asks bool) {
	s.t.Helper()
	s.meet(asks)
	s.confirm(s.scanner, true)
	s.confirm(s.shower, true)
	s.untilBoth("paired")
}

// failed checks how a pairing ended, by its state and its event.
func (s *pairingSim) failed(d *pairingSide, cause chat.Code, by string) {
	s.t.Helper()
	s.until(fmt.Sprintf("%s by %s", cause, by), func() bool { return d.state() == "failed" })
	if p := d.pairing(); p.Cause != string(cause) || p.By != by {
		s.fatalf("failed with %s by %s, want %s by %s", p.Cause, p.By, cause, by)
	}
	all := told[event.PairingFailed](d)
	if len(all) == 0 || all[len(all)-1] != (event.PairingFailed{PairingID: d.id.String(), Cause: string(cause), By: by}) {
		s.fatalf("told %+v", all)
	}
}

// checked looks into both stores.
func (s *pairingSim) checked() {
	s.t.Helper()
	for _, d := range s.sides() {
		check, err := d.CheckStore(context.Background())
		if err != nil || len(check.Problems) > 0 {
			s.fatalf("%v %v", check.Problems, err)
		}
	}
}

// content is n bytes that depend on the seed.
func (s *pairingSim) content(n int) []byte {
	var seed [32]byte
	seed[0], seed[1] = byte(s.seed), byte(n)
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(seed).Read(b)
	return b
}

// send sends from one device to the other.
func (s *pairingSim) send(from *pairingSide, name string, data []byte) event.Transfer {
	s.t.Helper()
	t, err := from.SendToPaired(from.id, name, data)
	if err != nil {
		s.fatalf("%v", err)
	}
	return t
}

// transfer is one of a device's, by name; a zero one if there is none.
func (d *pairingSide) transfer(name string) (found event.Transfer) {
	all, err := d.Transfers(d.id)
	if err != nil {
		d.sim.fatalf("%v", err)
	}
	for _, t := range all {
		if t.Name == name {
			found = t
		}
	}
	return found
}

// arrivedAt waits until a transfer is done on both devices and reads it in pieces.
func (s *pairingSim) arrivedAt(d *pairingSide, name string, want []byte) {
	s.t.Helper()
	other := s.shower
	if d == s.shower {
		other = s.scanner
	}
	s.until(name+" to arrive", func() bool { return d.transfer(name).State == "done" && other.transfer(name).State == "done" })
	t := d.transfer(name)
	sum := sha256.Sum256(want)
	if t.Size != int64(len(want)) || t.Moved != t.Size || t.SHA256 != "0x"+hex.EncodeToString(sum[:]) || t.Outgoing {
		s.fatalf("wrong transfer: %+v", t)
	}
	var got []byte
	for uint64(len(got)) < uint64(len(want)) {
		part, err := d.ReadTransfer(transferID(s.t, t.ID), uint64(len(got)), 100_000)
		if err != nil || len(part.Data) == 0 || part.Next != uint64(len(got)+len(part.Data)) {
			s.fatalf("reading: %v", err)
		}
		got = append(got, part.Data...)
	}
	if !bytes.Equal(got, want) {
		s.fatalf("%s arrived damaged", name)
	}
}

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
			if s.scanner.state() == "failed" { // time flies: the invitation had expired when we came
				s.failed(s.scanner, chat.CodePairingExpired, "remote")
				s.scan(s.shower.pairing().Invitation)
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
		s.crashSometimes(s.shower, 40)
		s.crashSometimes(s.scanner, 40)
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

// agree checks what two paired devices say of each other.
func (s *pairingSim) agree() {
	s.t.Helper()
	a, b := s.shower.pairing(), s.scanner.pairing()
	if a.Session == nil || b.Session == nil || a.Session.ID != b.Session.ID || a.Session.State != "active" || a.Asks == b.Asks || !a.Shows || b.Shows {
		s.fatalf("%+v and %+v", a, b)
	}
	if a.Peer.Installation != s.scanner.simDevice.id || b.Peer.Installation != s.shower.simDevice.id || !a.Peer.Own || !b.Peer.Own {
		s.fatalf("%+v and %+v", a.Peer, b.Peer)
	}
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
	s.until("a new invitation", func() bool { return s.shower.pairing().Invitation != old })
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
	if len(refused) != 1 || refused[0].Cause != string(chat.CodePairingExpired) || s.shower.state() != "shown" {
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
	if refused := told[event.PairingScannerRefused](s.shower); len(refused) != 1 || refused[0].Cause != string(chat.CodePairingScanned) {
		t.Fatalf("%+v", refused)
	}
	s.confirm(s.scanner, true)
	s.confirm(s.shower, true)
	s.untilBoth("paired")

	s.scanner = &pairingSide{simDevice: s.add(s.people[0], store.Memory()), sim: s.simulation}
	s.scan(invitation)
	s.failed(s.scanner, chat.CodePairingUsed, "remote")
	if refused := told[event.PairingScannerRefused](s.shower); len(refused) != 2 || refused[1].Cause != string(chat.CodePairingUsed) || s.shower.state() != "paired" {
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
