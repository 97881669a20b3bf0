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
	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/noise/pairing"
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
	sealed := map[[16]byte][32]byte{} // hashes: a sync seals megabytes
	s.t.Cleanup(s.net.Tap(func(e chat.Envelope) {
		if e.Version != 2 || len(e.Payload) < 17 || e.Payload[16] != protocolTransport {
			return
		}
		tag := [16]byte(e.Payload)
		hash := sha256.Sum256(e.Payload)
		if before, known := sealed[tag]; known && before != hash {
			s.t.Errorf("seed %d: two payloads have the nametag %x", s.seed, tag)
		}
		sealed[tag] = hash
	}))
}

// protocolTransport is the protocol id of 35/WAKU2-NOISE for what comes after a handshake.
const protocolTransport = 0

// crashSometimes lets a device crash now and then where what is sealed is stored and not
// published.
func (s *pairingSim) crashSometimes(d *pairingSide, one int) {
	d.probe = func(point string) {
		if point == chat.ProbeBeforePublish && s.random.IntN(one) == 0 {
			panic(errCrash)
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

func (d *pairingSide) state() string { return string(d.pairing().State) }

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

// scanAgain goes on after the scanner has failed, as it may: the invitation had expired
// when it was scanned, or so much was lost that no answer came in the time for it. Then the
// displayer, if it has been scanned, fails too, and shows another invitation.
func (s *pairingSim) scanAgain(asks bool) {
	s.t.Helper()
	p := s.scanner.pairing()
	if p.Cause != chat.CodePairingTimeout {
		s.failed(s.scanner, chat.CodePairingExpired, "remote")
		s.scan(s.shower.pairing().Invitation)
		return
	}
	s.failed(s.scanner, chat.CodePairingTimeout, "local")
	if waited := time.Duration(p.EndedAt-p.CreatedAt) * time.Millisecond; waited < pairing.AnswerTime {
		s.fatalf("the scanner has given up after %s", waited)
	}
	s.until("the displayer to be told", func() bool { return s.shower.state() == "failed" || s.shower.state() == "shown" })
	invitation := s.shower.pairing().Invitation
	if invitation == "" {
		if p := s.shower.pairing(); p.Cause != chat.CodePairingTimeout {
			s.fatalf("failed: %+v", p)
		}
		invitation = s.show(asks)
	}
	s.scan(invitation)
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
	if p := d.pairing(); p.Cause != cause || string(p.By) != by {
		s.fatalf("failed with %s by %s, want %s by %s", p.Cause, p.By, cause, by)
	}
	all := told[event.PairingFailed](d)
	if len(all) == 0 || all[len(all)-1] != (event.PairingFailed{PairingID: d.id.String(), Cause: cause, By: enum.Side(by)}) {
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
