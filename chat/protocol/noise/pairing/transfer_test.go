package pairing_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

func offerOf(data []byte) pairing.Offer {
	return pairing.Offer{Name: "backup.bin", Total: uint64(len(data)), Hash: sha256.Sum256(data)}
}

func mustSender(t testing.TB, data []byte, r io.Reader) pairing.Sender {
	t.Helper()
	s, err := pairing.NewSender(offerOf(data), r)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func mustFrame(t testing.TB, b []byte) pairing.Frame {
	t.Helper()
	f, err := pairing.ParseFrame(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustAccept(t testing.TB, s pairing.Sender) (pairing.Receiver, pairing.Received) {
	t.Helper()
	r, got, err := pairing.Accept(mustFrame(t, s.OfferFrame()), pairing.MaxTransfer)
	if err != nil {
		t.Fatal(err)
	}
	return r, got
}

// chunk is the next chunk of data, nil while the sender waits.
func chunk(t testing.TB, s *pairing.Sender, data []byte) []byte {
	t.Helper()
	offset, n := s.Next()
	if n == 0 {
		return nil
	}
	next, frame, err := s.Chunk(data[offset : offset+uint64(n)])
	if err != nil {
		t.Fatal(err)
	}
	*s = next
	return frame
}

// One megabyte over a transport, with progress to the end on both sides.
func TestTransferOverTransport(t *testing.T) {
	r := seeded(t)
	b, a := paired(t, r, noise.WakuPairing)
	ta, tb := a.transport(), b.transport()
	over := func(from, to *noise.Transport, frame []byte) pairing.Frame {
		next, payload, err := from.Seal(frame)
		if err != nil {
			t.Fatal(err)
		}
		if len(payload) > 150<<10 {
			t.Fatalf("a payload of %d bytes", len(payload))
		}
		*from = next
		next, plaintext, err := to.Open(payload)
		if err != nil {
			t.Fatal(err)
		}
		*to = next
		return mustFrame(t, plaintext)
	}
	data := make([]byte, 1_000_000)
	if _, err := io.ReadFull(r, data); err != nil {
		t.Fatal(err)
	}
	s := mustSender(t, data, r)
	receiver, got, err := pairing.Accept(over(&ta, &tb, s.OfferFrame()), 2_000_000)
	var arrived []byte
	for err == nil {
		if s, err = s.Receive(over(&tb, &ta, got.Answer)); err != nil || s.Done() {
			break
		}
		if have, _ := s.Progress(); have != uint64(len(arrived)) {
			t.Fatalf("progress %d of %d", have, len(arrived))
		}
		receiver, got, err = receiver.Receive(over(&ta, &tb, chunk(t, &s, data)))
		arrived = append(arrived, got.Data...)
	}
	if err != nil || !receiver.Done() || !s.Done() || !bytes.Equal(arrived, data) {
		t.Fatalf("%d bytes arrived: %v", len(arrived), err)
	}
}

// Frames lost, doubled and reordered, both sides restarted from their files at any point,
// the receiver even from an older one: everything arrives.
func TestTransferModel(t *testing.T) {
	source := seeded(t)
	dice := rand.New(source)
	for range 10 {
		data := make([]byte, dice.IntN(40*pairing.ChunkSize))
		if _, err := io.ReadFull(source, data); err != nil {
			t.Fatal(err)
		}
		s := mustSender(t, data, source)
		r, got := mustAccept(t, s)
		air := [][]byte{got.Answer} // to the sender
		var out [][]byte            // to the receiver
		var arrived []byte
		oldR, oldLen := r, 0
		for steps := 0; !s.Done() || !r.Done(); steps++ {
			if steps > 200_000 {
				t.Fatal("stuck")
			}
			switch dice.IntN(12) {
			case 0, 1, 2:
				if frame := chunk(t, &s, data); frame != nil && dice.IntN(10) > 0 {
					out = append(out, frame)
				}
			case 3, 4, 5, 6:
				if len(out) == 0 {
					continue
				}
				i := min(dice.IntN(len(out)), dice.IntN(4))
				next, got, err := r.Receive(mustFrame(t, out[i]))
				if err != nil && !errors.Is(err, pairing.ErrTransferRepeat) {
					t.Fatal(err)
				}
				if dice.IntN(5) > 0 {
					out = append(out[:i:i], out[i+1:]...)
				}
				r, arrived = next, append(arrived, got.Data...)
				if got.Answer != nil {
					air = append(air, got.Answer)
				}
			case 7, 8, 9:
				if len(air) == 0 {
					continue
				}
				i := min(dice.IntN(len(air)), dice.IntN(4))
				var err error
				if s, err = s.Receive(mustFrame(t, air[i])); err != nil && !errors.Is(err, pairing.ErrTransferState) {
					t.Fatal(err)
				}
				air = append(air[:i:i], air[i+1:]...)
			case 10: // silence, or a restart
				if dice.IntN(3) == 0 {
					s, out = s.Rewind(), append(out, s.OfferFrame())
				}
				s, r = restartSender(t, s), restartReceiver(t, r)
			case 11:
				switch {
				case r.Done() || dice.IntN(100) > 0:
				case dice.IntN(2) == 0:
					oldR, oldLen = r, len(arrived)
				default:
					r, arrived = oldR, arrived[:oldLen]
					air = append(air, r.HaveFrame())
				}
			}
			if len(out) > 200 {
				out = out[100:]
			}
			if len(air) > 200 {
				air = air[100:]
			}
		}
		if !bytes.Equal(arrived, data) {
			t.Fatal("other bytes arrived")
		}
	}
}

func restartSender(t *testing.T, s pairing.Sender) pairing.Sender {
	t.Helper()
	stored := s.Marshal()
	s, err := pairing.UnmarshalSender(stored)
	if err != nil || !bytes.Equal(s.Marshal(), stored) {
		t.Fatalf("a sender came back changed: %v", err)
	}
	return s
}

func restartReceiver(t *testing.T, r pairing.Receiver) pairing.Receiver {
	t.Helper()
	stored := r.Marshal()
	r, err := pairing.UnmarshalReceiver(stored)
	if err != nil || !bytes.Equal(r.Marshal(), stored) {
		t.Fatalf("a receiver came back changed: %v", err)
	}
	return r
}

func TestTransferEnds(t *testing.T) {
	r := seeded(t)
	data := bytes.Repeat([]byte{3}, 3*pairing.ChunkSize)

	s := mustSender(t, data, r)
	_, got, err := pairing.Accept(mustFrame(t, s.OfferFrame()), uint64(len(data))-1)
	if !errors.Is(err, pairing.ErrTransferSize) {
		t.Fatalf("over the limit: %v", err)
	}
	if s, err = s.Receive(mustFrame(t, got.Answer)); !errors.Is(err, pairing.ErrTransferCancelled) || s.Cause() != pairing.CauseSize {
		t.Fatalf("the sender learns: %v", err)
	}
	if _, _, err := s.Cancel(); !errors.Is(err, pairing.ErrTransferState) {
		t.Errorf("cancelling after the end: %v", err)
	}

	s = mustSender(t, data, r)
	receiver, got := mustAccept(t, s)
	if s, err = s.Receive(mustFrame(t, got.Answer)); err != nil {
		t.Fatal(err)
	}
	s, cancel, err := s.Cancel()
	if err != nil {
		t.Fatal(err)
	}
	if _, n := s.Next(); n != 0 {
		t.Error("chunks after the end")
	}
	if receiver, _, err = receiver.Receive(mustFrame(t, cancel)); !errors.Is(err, pairing.ErrTransferCancelled) || receiver.Cause() != pairing.CauseUser {
		t.Fatalf("the receiver learns: %v", err)
	}

	s = mustSender(t, data, r)
	receiver, _ = mustAccept(t, s)
	if receiver.ID() != s.ID() || receiver.Offer() != offerOf(data) {
		t.Error("the offer came over changed")
	}
	receiver, cancel, err = receiver.Cancel()
	if err != nil || receiver.Cause() != pairing.CauseUser {
		t.Fatal(err)
	}
	if s, err = s.Receive(mustFrame(t, cancel)); !errors.Is(err, pairing.ErrTransferCancelled) {
		t.Fatalf("the sender learns: %v", err)
	}
	s, receiver = restartSender(t, s), restartReceiver(t, receiver)
	if _, _, err := receiver.Receive(mustFrame(t, s.OfferFrame())); !errors.Is(err, pairing.ErrTransferState) {
		t.Errorf("a cancelled transfer goes on: %v", err)
	}

	lie := offerOf(data)
	lie.Hash[0] ^= 1
	if s, err = pairing.NewSender(lie, r); err != nil {
		t.Fatal(err)
	}
	receiver, got = mustAccept(t, s)
	if s, err = s.Receive(mustFrame(t, got.Answer)); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		receiver, got, err = receiver.Receive(mustFrame(t, chunk(t, &s, data)))
	}
	if !errors.Is(err, pairing.ErrTransferHash) || receiver.Done() {
		t.Fatalf("another hash: %v", err)
	}
	if s, err = s.Receive(mustFrame(t, got.Answer)); !errors.Is(err, pairing.ErrTransferCancelled) || s.Cause() != pairing.CauseHash {
		t.Fatalf("the sender learns: %v", err)
	}

	if _, err := pairing.NewSender(pairing.Offer{Total: pairing.MaxTransfer + 1}, r); !errors.Is(err, pairing.ErrTransferSize) {
		t.Errorf("too much: %v", err)
	}
	empty := mustSender(t, nil, r)
	receiver, got = mustAccept(t, empty)
	if empty, err = empty.Receive(mustFrame(t, got.Answer)); err != nil || !empty.Done() || !receiver.Done() {
		t.Errorf("nothing at all: %v", err)
	}
}

// What is of another transfer or outside the offer changes nothing.
func TestTransferRefuses(t *testing.T) {
	r := seeded(t)
	data := bytes.Repeat([]byte{3}, 2*pairing.ChunkSize)
	s := mustSender(t, data, r)
	receiver, got := mustAccept(t, s)
	other := mustSender(t, append(data, data...), r)
	otherReceiver, otherGot := mustAccept(t, other)
	s, err := s.Receive(mustFrame(t, got.Answer))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Receive(mustFrame(t, otherGot.Answer)); !errors.Is(err, pairing.ErrFrame) {
		t.Errorf("another's have: %v", err)
	}
	if _, _, err := otherReceiver.Receive(mustFrame(t, chunk(t, &s, data))); !errors.Is(err, pairing.ErrFrame) {
		t.Errorf("another's chunk: %v", err)
	}
	if _, _, err := pairing.Accept(mustFrame(t, got.Answer), 1); !errors.Is(err, pairing.ErrFrame) {
		t.Errorf("accepting a have: %v", err)
	}
	if _, _, err := receiver.Receive(mustFrame(t, got.Answer)); !errors.Is(err, pairing.ErrFrame) {
		t.Errorf("a receiver's have: %v", err)
	}
	if _, _, err := s.Chunk(data[:1]); !errors.Is(err, pairing.ErrTransferState) {
		t.Errorf("a chunk nobody asked for: %v", err)
	}
	if have, _ := receiver.Progress(); have != 0 {
		t.Error("something moved")
	}
}

// A lost chunk makes the receiver repeat its have for each one behind it; the sender goes
// back once.
func TestSenderGoesBackOnce(t *testing.T) {
	r := seeded(t)
	data := make([]byte, 5*pairing.ChunkSize)
	s := mustSender(t, data, r)
	receiver, got := mustAccept(t, s)
	s, err := s.Receive(mustFrame(t, got.Answer))
	if err != nil {
		t.Fatal(err)
	}
	var chunks [][]byte
	for c := chunk(t, &s, data); c != nil; c = chunk(t, &s, data) {
		chunks = append(chunks, c)
	}
	sentAgain := 0
	for _, c := range chunks[1:] { // the first is lost
		_, got, err := receiver.Receive(mustFrame(t, c))
		if !errors.Is(err, pairing.ErrTransferRepeat) || got.Data != nil {
			t.Fatalf("a chunk out of order: %v", err)
		}
		if s, err = s.Receive(mustFrame(t, got.Answer)); err != nil {
			t.Fatal(err)
		}
		for c := chunk(t, &s, data); c != nil; c = chunk(t, &s, data) {
			sentAgain++
		}
	}
	if sentAgain != len(chunks) {
		t.Errorf("%d chunks were sent again, want %d", sentAgain, len(chunks))
	}
}
