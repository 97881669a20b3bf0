package pairing_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

func TestMessage(t *testing.T) {
	for _, l := range []pairing.Message{{}, {Received: 7}, {Received: 1<<62 + 5, Frame: []byte("frame")}} {
		b := l.Bytes()
		got, err := pairing.ParseMessage(b)
		if err != nil || got.Received != l.Received || !bytes.Equal(got.Frame, l.Frame) || len(b) != 8+len(l.Frame) {
			t.Fatalf("%+v came back as %+v, %v", l, got, err)
		}
	}
	for n := range 8 {
		if _, err := pairing.ParseMessage(make([]byte, n)); !errors.Is(err, pairing.ErrFrame) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	f.Add(pairing.Message{Received: 3, Frame: []byte{1, 2}}.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if l, err := pairing.ParseMessage(b); err == nil && !bytes.Equal(l.Bytes(), b) {
			t.Fatalf("%x became %x", b, l.Bytes())
		}
	})
}

// TestCancelFrame: who gave up can say so again; who did not cannot.
func TestCancelFrame(t *testing.T) {
	r := seeded(t)
	s, err := pairing.NewSender(pairing.Offer{Name: "x", Total: 5, Hash: sha256.Sum256([]byte("12345"))}, r)
	if err != nil {
		t.Fatal(err)
	}
	offer, err := pairing.ParseFrame(s.OfferFrame())
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := pairing.Accept(offer, 10)
	if err != nil || s.CancelFrame() != nil || v.CancelFrame() != nil {
		t.Fatal("a running transfer says that it was cancelled", err)
	}
	s, first, err := s.Cancel()
	if err != nil || !bytes.Equal(s.CancelFrame(), first) {
		t.Fatalf("%x and %x, %v", first, s.CancelFrame(), err)
	}
	stored, err := pairing.UnmarshalSender(s.Marshal())
	if err != nil || !bytes.Equal(stored.CancelFrame(), first) {
		t.Fatal("lost in the store", err)
	}
	f, err := pairing.ParseFrame(first)
	if _, chunk := f.Chunk(); err != nil || !f.IsCancel() || f.IsOffer() || chunk || offer.IsCancel() {
		t.Fatalf("%+v %v", f, err)
	}
	v, first, err = v.Cancel()
	if err != nil || !bytes.Equal(v.CancelFrame(), first) {
		t.Fatalf("%x and %x, %v", first, v.CancelFrame(), err)
	}
}

// TestAbortOnceMore: the abort is lost; the scanner's repeated message 1 gets it again, with
// the reason, and nobody is reported.
func TestAbortOnceMore(t *testing.T) {
	for _, restart := range []bool{false, true} {
		r := seeded(t)
		displayer, scanner, first := scanned(t, r, noise.WakuPairing)
		displayer.confirm(false)
		displayer.restart = restart
		answer := displayer.receive(pairing.ErrIgnored, first...)
		if len(answer) != 1 {
			t.Fatalf("%d answers", len(answer))
		}
		scanner.receive(pairing.ErrRejected, answer...)
		scanner.failed(pairing.ErrRejected, true)
		displayer.failed(pairing.ErrRejected, false)
	}
}
