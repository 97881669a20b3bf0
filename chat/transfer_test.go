package chat_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/store"
)

// TestTransferSizes: nothing, one byte, and around a chunk.
func TestTransferSizes(t *testing.T) {
	s := newPairingSim(t, 1, memnet.Options{})
	s.pair(true)
	for name, size := range map[string]int{"nothing": 0, "one": 1, "a chunk": pairing.ChunkSize, "more": pairing.ChunkSize + 1, "five": 5 * pairing.ChunkSize} {
		data := s.content(size)
		s.send(s.scanner, name, data)
		s.arrivedAt(s.shower, name, data)
		id := transferID(t, s.shower.transfer(name).ID)
		if err := s.shower.DiscardTransfer(id); err != nil {
			t.Fatal(err)
		}
		_, err := s.shower.ReadTransfer(id, 0, 0)
		wantCode(t, "reading what was discarded", err, chat.CodeNotFound, "transfer_id")
	}
	s.checked()
}

// TestTransferLimits: what is refused at the call, and changes nothing.
func TestTransferLimits(t *testing.T) {
	s := newPairingSim(t, 2, memnet.Options{})
	s.show(true)
	_, err := s.shower.SendToPaired(s.shower.id, "early", []byte("x"))
	wantCode(t, "before being paired", err, chat.CodePairingState, "pairing_id")
	_, err = s.shower.SendToPaired(chat.PairingID{1}, "nowhere", []byte("x"))
	wantCode(t, "to nobody", err, chat.CodeNotFound, "pairing_id")
	s.pair(true)
	from := s.scanner
	_, err = from.SendToPaired(from.id, "big", make([]byte, chat.MaxTransferBytes+1))
	wantCode(t, "too much", err, chat.CodeTransferTooLarge, "data")
	_, err = from.SendToPaired(from.id, strings.Repeat("x", 256), nil)
	wantCode(t, "a long name", err, chat.CodeTooLong, "name")
	_, err = from.SendToPaired(from.id, "\xff", nil)
	wantCode(t, "a bad name", err, chat.CodeBadParams, "name")
	for range chat.MaxOutgoing {
		s.send(from, "one of many", []byte("x"))
	}
	_, err = from.SendToPaired(from.id, "one too many", []byte("x"))
	wantCode(t, "too many", err, chat.CodeTooMany, "")
	running := from.transfer("one of many")
	_, err = from.ReadTransfer(transferID(t, running.ID), 0, 0)
	wantCode(t, "reading what we send", err, chat.CodePairingState, "transfer_id")
	wantCode(t, "discarding what runs", from.DiscardTransfer(transferID(t, running.ID)), chat.CodePairingState, "transfer_id")
	s.until("all of them to arrive", func() bool { return len(told[event.TransferDone](s.shower)) == chat.MaxOutgoing })
	s.checked()
}

// TestTransferReceiverIsFull: past MaxReceivedOfDevice nothing is taken of a device until
// something is discarded, so that one device does not use up what there is for all.
func TestTransferReceiverIsFull(t *testing.T) {
	s := newPairingSim(t, 3, memnet.Options{MaxMessageSize: 150 << 10})
	s.pair(false)
	data := s.content(chat.MaxTransferBytes)
	for _, name := range []string{"1", "2", "3", "4"}[:chat.MaxReceivedOfDevice/chat.MaxTransferBytes] {
		s.send(s.shower, name, data)
		s.until(name, func() bool { return s.scanner.transfer(name).State == "done" })
	}
	s.send(s.shower, "5", data[:1])
	s.until("the refusal", func() bool { return s.shower.transfer("5").State == "failed" })
	if out, in := s.shower.transfer("5"), s.scanner.transfer("5"); out.Cause != chat.CodeTransferTooLarge || out.By != "remote" ||
		in.Cause != out.Cause || in.By != "local" {
		t.Fatalf("%+v %+v", out, in)
	}
	if err := s.scanner.DiscardTransfer(transferID(t, s.scanner.transfer("1").ID)); err != nil {
		t.Fatal(err)
	}
	s.send(s.shower, "6", data[:1])
	s.arrivedAt(s.scanner, "6", data[:1])
}

// TestTransferCancel: either device gives up in the middle, over a bad network.
func TestTransferCancel(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newPairingSim(t, seed, badNetwork)
		s.pair(seed%2 == 0)
		from, to := s.scanner, s.shower
		s.send(from, "long", s.content(3<<20))
		s.send(from, "next", s.content(1000))
		s.until("the middle", func() bool { return to.transfer("long").Moved > 1<<20 })
		quits, other := from, to
		if seed%4 > 1 {
			quits, other = to, from
		}
		if _, err := quits.CancelTransfer(transferID(t, quits.transfer("long").ID)); err != nil {
			t.Fatal(err)
		}
		s.restart(quits.simDevice)
		s.until("the other side to be told", func() bool { return other.transfer("long").State == "failed" })
		a, b := quits.transfer("long"), other.transfer("long")
		if a.State != "failed" || a.Cause != chat.CodeTransferCancelled || a.By != "local" || b.Cause != a.Cause || b.By != "remote" {
			s.fatalf("%+v %+v", a, b)
		}
		_, err := to.ReadTransfer(transferID(t, to.transfer("long").ID), 0, 0)
		wantCode(t, "reading what was cancelled", err, chat.CodePairingState, "transfer_id")
		s.arrivedAt(to, "next", s.content(1000))
		s.checked()
	})
}

// bent is a store that gives other bytes of transfers than were put into it.
type bent struct{ chat.Store }

func (b bent) View(fn func(chat.Tx) error) error {
	return b.Store.View(func(tx chat.Tx) error { return fn(bentTx{tx}) })
}

type bentTx struct{ chat.Tx }

func (t bentTx) Get(table chat.Table, key []byte) ([]byte, error) {
	b, err := t.Tx.Get(table, key)
	if table == "transfer_bytes" && len(b) > 0 {
		b[len(b)-1] ^= 1
	}
	return b, err
}

// TestTransferDamaged: what arrives is not what was offered. Both sides are told, and
// nothing of it can be read.
func TestTransferDamaged(t *testing.T) {
	s := newPairingSim(t, 5, memnet.Options{})
	s.pair(true)
	s.shower.store = bent{s.shower.store}
	s.restart(s.shower.simDevice)
	s.send(s.shower, "bent", s.content(400_000))
	s.until("the failure", func() bool { return s.shower.transfer("bent").State == "failed" })
	out, in := s.shower.transfer("bent"), s.scanner.transfer("bent")
	if in.State != "failed" || in.Cause != chat.CodeTransferDamaged || in.By != "local" || out.Cause != in.Cause || out.By != "remote" {
		t.Fatalf("%+v %+v", out, in)
	}
	_, err := s.scanner.ReadTransfer(transferID(t, in.ID), 0, 0)
	wantCode(t, "reading it", err, chat.CodePairingState, "transfer_id")
	s.checked()
}

// mute is a transport that loses all it is to publish while it is muted, and says it
// went out.
type mute struct {
	chat.Transport
	muted *atomic.Bool
}

func (m mute) Publish(ctx context.Context, e chat.Envelope) (chat.Evidence, error) {
	if m.muted.Load() {
		return chat.Evidence{Kind: "memory", Peers: 1}, nil
	}
	return m.Transport.Publish(ctx, e)
}

// TestTransferAfterSilence: for hours nothing gets through one way, or either way, with
// restarts and more to send all the while. Neither side gets ahead of the other's window;
// then all of it arrives.
func TestTransferAfterSilence(t *testing.T) {
	seeds(t, 12, func(t *testing.T, seed uint64) {
		s := newPairingSim(t, seed, badNetwork)
		var muted [2]atomic.Bool
		for i, d := range s.sides() {
			d.between = func(n chat.Transport) chat.Transport { return mute{n, &muted[i]} }
			s.restart(d.simDevice)
		}
		s.pair(seed%2 == 0)
		want := map[string][]byte{"out": s.content(3 << 20), "back": s.content(2 << 20), "more": s.content(200_000)}
		s.send(s.shower, "out", want["out"])
		s.send(s.scanner, "back", want["back"])
		s.until("the middle", func() bool { return s.scanner.transfer("out").Moved > 1<<20 })
		muted[0].Store(seed%3 != 0)
		muted[1].Store(seed%3 != 1)
		for end := s.clock.Now().Add(6 * time.Hour); s.clock.Now().Before(end); {
			s.step()
			if s.random.IntN(200) == 0 {
				s.restart(s.sides()[s.random.IntN(2)].simDevice)
			}
		}
		s.send(s.shower, "more", want["more"])
		muted[0].Store(false)
		muted[1].Store(false)
		s.arrivedAt(s.scanner, "out", want["out"])
		s.arrivedAt(s.scanner, "more", want["more"])
		s.arrivedAt(s.shower, "back", want["back"])
		s.checked()
	})
}

// TestTransferStalls: the other device never comes back.
func TestTransferStalls(t *testing.T) {
	s := newPairingSim(t, 6, memnet.Options{})
	s.pair(true)
	s.add(s.people[0], store.Memory()) // so that there is a network
	s.stop(s.shower.simDevice)
	s.send(s.scanner, "in vain", s.content(100))
	for end := s.clock.Now().Add(3 * time.Hour); s.clock.Now().Before(end); {
		s.step()
	}
	s.clock.advance(6 * 24 * time.Hour)
	for end := s.clock.Now().Add(3 * time.Hour); s.clock.Now().Before(end); {
		s.step()
	}
	if f := s.scanner.transfer("in vain"); f.State != "running" {
		t.Fatalf("given up before a week has passed: %+v", f)
	}
	s.clock.advance(24 * time.Hour)
	s.until("it to be given up", func() bool { return s.scanner.transfer("in vain").State == "failed" })
	if f := s.scanner.transfer("in vain"); f.Cause != chat.CodeTransferStalled || f.By != "local" {
		t.Fatalf("%+v", f)
	}
}

// TestPairingDiscard: the other device is told, though the network is bad, and what was
// under way ends. In the end nothing is left of it.
func TestPairingDiscard(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		s := newPairingSim(t, seed, badNetwork)
		s.pair(seed%2 == 0)
		s.send(s.shower, "received", []byte("x"))
		s.arrivedAt(s.scanner, "received", []byte("x"))
		s.send(s.shower, "long", s.content(3<<20))
		s.until("the middle", func() bool { return s.scanner.transfer("long").Moved > 1<<20 })
		quits, other := s.sides()[seed%3%2], s.sides()[1-seed%3%2]
		if err := quits.DiscardPairing(quits.id); err != nil {
			t.Fatal(err)
		}
		if seed%5 == 0 {
			s.restart(quits.simDevice)
		}
		_, err := quits.Pairing(quits.id)
		wantCode(t, "looking at it", err, chat.CodeNotFound, "pairing_id")
		s.until("the other side to be told", func() bool { return other.state() == "ended" })
		if p := other.pairing(); p.Cause != chat.CodePairingEnded || p.By != "remote" || p.Session.State != "stale" {
			s.fatalf("%+v", p)
		}
		if f := other.transfer("long"); f.State != "failed" || f.Cause != chat.CodePairingEnded {
			s.fatalf("%+v", f)
		}
		if ended := told[event.PairingEnded](other); len(ended) != 1 || ended[0].By != "remote" {
			s.fatalf("%+v", ended)
		}
		s.checked()
		s.clock.advance(8 * 24 * time.Hour)
		s.until("it to be forgotten", func() bool { return s.leftovers(s.shower)+s.leftovers(s.scanner) == 0 })
	})
}

// leftovers counts the records of pairings in a store.
func (s *pairingSim) leftovers(d *pairingSide) (n int) {
	s.t.Helper()
	for _, records := range s.records(d) {
		n += len(records)
	}
	return n
}

// TestPairingPutBack: a store is put back to an older copy, whose session has used nonces
// that it does not know of. It ends as soon as the other side shows that, and nothing is
// sealed before (watchNonces).
func TestPairingPutBack(t *testing.T) {
	for _, sends := range []string{"it", "the other"} {
		s := newPairingSim(t, 7, memnet.Options{})
		s.pair(true)
		s.send(s.shower, "before", s.content(500_000))
		s.arrivedAt(s.scanner, "before", s.content(500_000))
		old := s.records(s.shower)
		s.send(s.shower, "after", s.content(2<<20))
		s.until("more", func() bool { return s.shower.transfer("after").State == "done" })
		_ = s.shower.Close()
		s.putBack(s.shower, old)
		s.start(s.shower.simDevice)
		if sends == "it" {
			s.send(s.shower, "again", s.content(300_000))
		} else {
			s.send(s.scanner, "again", s.content(300_000))
		}
		s.until("the session to end", func() bool { return s.shower.state() == "ended" })
		if p := s.shower.pairing(); p.By != "local" || p.Session.State != "stale" {
			t.Fatalf("%+v", p)
		}
	}
}

// noiseTables hold all of pairings and transfers.
var noiseTables = []chat.Table{"pairings", "noise_repeats", "noise_sessions", "transfers", "transfer_bytes"}

// records copies what a store has of pairings.
func (s *pairingSim) records(d *pairingSide) map[chat.Table]map[string][]byte {
	s.t.Helper()
	all := map[chat.Table]map[string][]byte{}
	err := d.store.View(func(tx chat.Tx) error {
		for _, table := range noiseTables {
			all[table] = map[string][]byte{}
			if err := tx.Each(table, func(name, value []byte) error {
				all[table][string(name)] = bytes.Clone(value)
				return nil
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.fatalf("%v", err)
	}
	return all
}

// putBack makes a store have these records and no others.
func (s *pairingSim) putBack(d *pairingSide, old map[chat.Table]map[string][]byte) {
	s.t.Helper()
	now := s.records(d)
	err := d.store.Update(func(tx chat.Tx) error {
		for _, table := range noiseTables {
			for name := range now[table] {
				if err := tx.Delete(table, []byte(name)); err != nil {
					return err
				}
			}
			for name, value := range old[table] {
				if err := tx.Put(table, []byte(name), value); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		s.fatalf("%v", err)
	}
}

// TestTransferManySmall: a device that sends without end fills a list of bounded length.
func TestTransferManySmall(t *testing.T) {
	s := newPairingSim(t, 13, memnet.Options{})
	s.pair(true)
	refused := 0
	for n := 0; refused < 3; n++ {
		if n > 1000 {
			t.Fatal("nothing is refused")
		}
		sent := s.send(s.scanner, "small", []byte("x"))
		id := transferID(t, sent.ID)
		s.until("an end", func() bool { return s.scanner.transfer("small").State != "running" })
		if last := s.scanner.transfer("small"); last.State == "failed" {
			if refused++; last.Cause != chat.CodeTransferTooLarge || last.By != "remote" || last.ID != sent.ID {
				t.Fatalf("%+v", last)
			}
		}
		if err := s.scanner.DiscardTransfer(id); err != nil {
			t.Fatal(err)
		}
	}
	list, err := s.shower.Transfers(s.shower.id)
	if err != nil || len(list) < 100 || len(list) > 150 {
		t.Fatalf("%d are listed, %v", len(list), err)
	}
	// What is discarded makes room.
	for _, done := range list[:10] {
		if err := s.shower.DiscardTransfer(transferID(t, done.ID)); err != nil {
			t.Fatal(err)
		}
	}
	s.send(s.scanner, "one more", []byte("y"))
	s.arrivedAt(s.shower, "one more", []byte("y"))
	s.checked()
}

// TestFaultPairing: almost half of all transactions fail, on both devices. What a call has
// accepted comes about, unless a store refuses until a deadline has passed: then the users
// begin again. No nonce is used twice (watchNonces).
func TestFaultPairing(t *testing.T) {
	seeds(t, 20, func(t *testing.T, seed uint64) {
		f := newFaultyPairing(t, seed)
		f.pair(seed%2 == 0)
		data := f.content(2 << 20)
		for {
			if _, err := f.shower.SendToPaired(f.shower.id, "data", data); err == nil {
				break
			}
		}
		f.arrivedAt(f.scanner, "data", data)
		refused := 0
		for _, r := range f.stores {
			refused += r.refused
			r.chance = 0
		}
		if refused < 5 {
			f.fatalf("only %d transactions were refused: the test tests nothing", refused)
		}
		f.checked()
	})
}

// faultyPairing is a simulation of two devices whose stores refuse almost half of all
// transactions.
type faultyPairing struct {
	*pairingSim
	stores []*refusing
}

func newFaultyPairing(t *testing.T, seed uint64) *faultyPairing {
	f := &faultyPairing{pairingSim: newPairingSim(t, seed, badNetwork)}
	for i, d := range f.sides() {
		r := &refusing{Store: d.store, random: rand.New(rand.NewPCG(seed, uint64(i)))}
		f.stores, d.store = append(f.stores, r), r
		f.restart(d.simDevice)
		r.chance = 0.45
	}
	return f
}

// again repeats a call that could not be stored.
func (f *faultyPairing) again(call func() (event.Pairing, error)) event.Pairing {
	f.t.Helper()
	for {
		p, err := call()
		if err == nil {
			return p
		}
		wantCode(f.t, "a refused call", err, chat.CodeStoreIO, "")
	}
}

// pair goes all the way, beginning again after a deadline has passed.
func (f *faultyPairing) pair(asks bool) {
	f.t.Helper()
	for !f.attempt(asks) {
		f.excused()
	}
}

// attempt reports whether the devices are paired; otherwise both have failed.
func (f *faultyPairing) attempt(asks bool) bool {
	f.t.Helper()
	for _, r := range f.stores {
		r.longest = r.inARow
	}
	f.shower.must(f.again(func() (event.Pairing, error) { return f.shower.StartPairing(asks) }), nil)
	scan := func() (event.Pairing, error) { return f.scanner.ScanPairing(f.shower.pairing().Invitation) }
	f.scanner.must(f.again(scan), nil)
	f.until("the authcodes", func() bool {
		if f.scanner.state() == "failed" && f.shower.state() == "shown" { // the invitation had expired when the store worked again
			f.scanner.must(f.again(scan), nil)
		}
		return f.both("compare") || f.both("failed")
	})
	if f.both("failed") {
		return false
	}
	for _, d := range f.sides() {
		f.again(func() (event.Pairing, error) { return d.ConfirmPairing(d.id, true) })
	}
	f.until("both being paired or having failed", func() bool { return f.both("paired") || f.both("failed") })
	return f.both("paired")
}

func (f *faultyPairing) both(state string) bool {
	return f.shower.state() == state && f.scanner.state() == state
}

// excusable is the number of refusals in a row that may make a pairing miss a deadline.
// After three the engine has waited 1+2+4 s, and what is sent again goes out 8 s apart by
// then: of the 30 s in which the displayer must answer, two tries are left, and the network
// loses a fifth of what is sent.
const excusable = 3

// excused checks that a pairing has failed by a deadline, and that a store has refused
// for long.
func (f *faultyPairing) excused() {
	f.t.Helper()
	for _, d := range f.sides() {
		switch p := d.pairing(); chat.Code(p.Cause) {
		case chat.CodePairingTimeout, chat.CodePairingExpired:
		default:
			f.fatalf("failed: %+v", p)
		}
	}
	if longest := max(f.stores[0].longest, f.stores[1].longest); longest < excusable {
		f.fatalf("failed after at most %d refusals in a row: %+v %+v", longest, f.shower.pairing(), f.scanner.pairing())
	}
}
