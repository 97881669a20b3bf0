package pairing_test

import (
	"bytes"
	"testing"

	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// FuzzInvitation: what is read is written back to what reads the same; the QR text in it
// byte for byte.
func FuzzInvitation(f *testing.F) {
	for _, pattern := range patterns {
		f.Add(pairing.Invitation{QR: someQR(), Pattern: pattern}.String())
	}
	f.Fuzz(func(t *testing.T, text string) {
		i, err := pairing.ParseInvitation(text)
		if err != nil {
			return
		}
		if again, err := pairing.ParseInvitation(i.String()); err != nil || again != i {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

// FuzzQR: what is read is written byte for byte.
func FuzzQR(f *testing.F) {
	f.Add(someQR().String())
	f.Fuzz(func(t *testing.T, text string) {
		if q, err := pairing.ParseQR(text); err == nil && q.String() != text {
			t.Fatalf("%q came back as %q", text, q)
		}
	})
}

// FuzzReceive: at no point does a forged payload change anything.
func FuzzReceive(f *testing.F) {
	displayer, scanner, first := scanned(f, chacha(1), noise.WakuPairing)
	second := displayer.confirm(true)[0]
	f.Add(first[0])
	f.Add(second)
	before := scanner.p.Marshal()
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, _, err := scanner.p.Receive(payload, start, chacha(2))
		genuine := bytes.Equal(payload, second) || bytes.Equal(payload, first[0])
		if genuine != (err == nil) || !genuine && !bytes.Equal(p.Marshal(), before) {
			t.Fatalf("%x: %v", payload, err)
		}
	})
}

// FuzzAnswer: only the displayer's own opening answers a scanner that waits for its nonce.
func FuzzAnswer(f *testing.F) {
	displayer, scanner := newDevice(f, chacha(1), true), newDevice(f, chacha(2), true)
	displayer.config.Nonces = true
	first := scanner.scan(displayer.show(noise.WakuPairing))
	opening := displayer.receive(nil, first...)[0]
	f.Add(opening)
	before := scanner.p.Marshal()
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, _, err := scanner.p.Receive(payload, start, chacha(2))
		genuine := bytes.Equal(payload, opening)
		if genuine != (p.Phase() == pairing.PhaseConfirm) || !genuine && !bytes.Equal(p.Marshal(), before) {
			t.Fatalf("%x: %v", payload, err)
		}
	})
}

// FuzzUnmarshal: what is taken comes back byte for byte and can be used.
func FuzzUnmarshal(f *testing.F) {
	displayer, scanner, first := scanned(f, chacha(1), noise.WakuPairing2)
	f.Add(displayer.p.Marshal())
	second := scanner.confirm(true)
	displayer.receive(nil, second...)
	f.Add(displayer.p.Marshal())
	scanner.receive(nil, displayer.confirm(true)...)
	f.Add(scanner.p.Marshal())
	fresh := newDevice(f, chacha(3), false)
	fresh.show(noise.WakuPairing)
	f.Add(fresh.p.Marshal())
	displayer, scanner, _ = scannedWith(f, chacha(5), noise.WakuPairing, true)
	f.Add(displayer.p.Marshal())
	f.Add(scanner.p.Marshal())
	f.Fuzz(func(t *testing.T, stored []byte) {
		p, err := pairing.Unmarshal(stored)
		if err != nil {
			return
		}
		if stored[0] == 1 { // of the version without nonces: it is written as the present one
			stored = p.Marshal()
			if p, err = pairing.Unmarshal(stored); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(p.Marshal(), stored) {
			t.Fatal("a pairing came back changed")
		}
		r := chacha(4)
		_, _, _ = p.Receive(first[0], start, r)
		_, _, _ = p.Confirm(true, start, r)
		_, _, _ = p.Confirm(false, start, r)
		_, _, _ = p.Tick(p.Wake(), r)
		_, _ = p.Transport()
		_ = p.Resend()
	})
}

// FuzzFrame: no frame upsets a transfer; only the next chunk moves it on.
func FuzzFrame(f *testing.F) {
	data := bytes.Repeat([]byte{9}, 1000)
	s := mustSender(f, data, chacha(1))
	r, got := mustAccept(f, s)
	s, err := s.Receive(mustFrame(f, got.Answer))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(s.OfferFrame())
	f.Add(got.Answer)
	f.Add(chunk(f, &s, data))
	_, cancel, _ := s.Cancel()
	f.Add(cancel)
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := pairing.ParseFrame(b)
		if err != nil {
			return
		}
		if next, _, err := r.Receive(frame); err == nil {
			if have, total := next.Progress(); have == 0 || have > total {
				t.Fatalf("%x: %d of %d", b, have, total)
			}
		}
		_, _ = s.Receive(frame)
		_, _, _ = pairing.Accept(frame, 1000)
	})
}

// FuzzUnmarshalTransfer: what is taken comes back byte for byte.
func FuzzUnmarshalTransfer(f *testing.F) {
	data := bytes.Repeat([]byte{9}, 1000)
	s := mustSender(f, data, chacha(1))
	r, _ := mustAccept(f, s)
	f.Add(s.Marshal())
	f.Add(r.Marshal())
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := pairing.UnmarshalSender(b); err == nil && !bytes.Equal(s.Marshal(), b) {
			t.Fatal("a sender came back changed")
		}
		if r, err := pairing.UnmarshalReceiver(b); err == nil && !bytes.Equal(r.Marshal(), b) {
			t.Fatal("a receiver came back changed")
		}
	})
}
