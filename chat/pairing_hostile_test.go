package chat_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"libstatus1to1/chat"
	"libstatus1to1/chat/event"
	"libstatus1to1/chat/memnet"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
	"libstatus1to1/store"
)

// rogue damages what it sees and puts it on the network before the genuine message
// arrives.
type rogue struct {
	s      *pairingSim
	random *rand.Rand
	seen   []chat.Envelope
	busy   bool
}

func newRogue(s *pairingSim) *rogue {
	r := &rogue{s: s, random: rand.New(rand.NewPCG(s.seed, 7))}
	s.t.Cleanup(s.net.Tap(func(e chat.Envelope) {
		if e.Version == 2 && !r.busy {
			r.meddle(e)
		}
	}))
	return r
}

// meddle puts damaged and old payloads, and noise, on the topic of e.
func (r *rogue) meddle(e chat.Envelope) {
	r.busy = true
	defer func() { r.busy = false }()
	r.seen = append(r.seen, e)
	put := func(payload []byte, version uint32) {
		e.Payload, e.Version = payload, version
		e.Timestamp++
		r.s.net.Inject(e)
	}
	original := bytes.Clone(e.Payload)
	for range 6 {
		b := bytes.Clone(original)
		b[r.random.IntN(len(b))] ^= byte(1 + r.random.IntN(255))
		put(b, 2)
	}
	// Each part by itself: nametag, protocol id, length of the keys, a key, the end.
	for _, at := range []int{0, 16, 17, 18, 20, 51, len(original) - 1} {
		b := bytes.Clone(original)
		b[min(at, len(b)-1)] ^= 0x80
		put(b, 2)
	}
	put(original[:r.random.IntN(len(original))], 2)
	put(append(bytes.Clone(original), 0), 2)
	put(nil, 2)
	put(make([]byte, r.random.IntN(300)), 2)
	for _, version := range []uint32{0, 1, 3} {
		put(original, version)
	}
	old := r.seen[r.random.IntN(len(r.seen))]
	r.s.net.Inject(old)
}

// TestHostilePairing: every message is preceded by damaged versions of it, by old ones and
// by noise. Nothing of it ends a pairing or a transfer, or changes what arrives.
func TestHostilePairing(t *testing.T) {
	seeds(t, 30, func(t *testing.T, seed uint64) {
		s := newPairingSim(t, seed, memnet.Options{Loss: 0.1, Reorder: 0.1, MaxDelay: 2 * time.Millisecond})
		r := newRogue(s)
		s.pair(seed%2 == 0)
		s.agree()
		data := s.content(700_000)
		s.send(s.shower, "data", data)
		s.arrivedAt(s.scanner, "data", data)
		for _, d := range s.sides() {
			for _, e := range [][]event.PairingFailed{told[event.PairingFailed](d)} {
				if len(e) > 0 {
					s.fatalf("%+v", e)
				}
			}
			diagnostics, err := d.Diagnostics()
			if err != nil || diagnostics.Dropped["version"] == 0 || diagnostics.Dropped["pairing"] == 0 || diagnostics.Dropped["noise"] == 0 {
				s.fatalf("%v %v", diagnostics.Dropped, err)
			}
		}
		if len(r.seen) < 15 {
			s.fatalf("the rogue saw %d messages", len(r.seen))
		}
		s.checked()
	})
}

// foreign is a device that is none of ours: a pairing of the protocol package alone.
type foreign struct {
	t    *testing.T
	s    *pairingSim
	net  chat.Transport
	rand *rand.ChaCha8
	got  [][]byte
}

func newForeign(s *pairingSim) *foreign {
	f := &foreign{t: s.t, s: s, net: s.net.Join(), rand: rand.NewChaCha8([32]byte{9})}
	err := f.net.Start(context.Background(), chat.TransportHooks{
		Received: func(e chat.Envelope) { f.got = append(f.got, e.Payload) }, Changed: func(chat.NetworkChange) {},
	})
	if err := errors.Join(err, f.net.Subscribe(noise.DefaultScope.HandshakeTopic())); err != nil {
		s.t.Fatal(err)
	}
	return f
}

func (f *foreign) publish(payloads ...[]byte) {
	f.t.Helper()
	for _, b := range payloads {
		if _, err := f.net.Publish(context.Background(), chat.Envelope{
			ContentTopic: noise.DefaultScope.HandshakeTopic(), Payload: b, Version: 2, Timestamp: f.s.clock.Now().UnixNano(),
		}); err != nil {
			f.t.Fatal(err)
		}
	}
}

// pair scans the shower's invitation and goes through with it, with this certificate.
func (f *foreign) pair(asks bool, static noise.PrivateKey, certificate []byte) {
	f.t.Helper()
	invitation := f.s.show(asks)
	p, out, err := pairing.Scan(pairing.Config{Scope: noise.DefaultScope, Static: static, Certificate: certificate},
		invitation, f.s.clock.Now(), f.rand)
	if err != nil {
		f.t.Fatal(err)
	}
	f.publish(out.Send...)
	f.s.until("the authcodes", func() bool {
		for _, b := range f.got {
			p, _, _ = p.Receive(b, f.s.clock.Now(), f.rand)
		}
		f.got = nil
		return f.s.shower.state() == "compare" && p.Phase() == pairing.PhaseConfirm
	})
	f.s.confirm(f.s.shower, true)
	p, out, err = p.Confirm(true, f.s.clock.Now(), f.rand)
	if err != nil {
		f.t.Fatal(err)
	}
	f.publish(out.Send...)
	f.s.until("an end", func() bool {
		for _, b := range f.got {
			next, out, err := p.Receive(b, f.s.clock.Now(), f.rand)
			p = next
			if err == nil || p.Phase() == pairing.PhaseFailed {
				f.publish(out.Send...)
			}
		}
		f.got = nil
		return f.s.shower.state() == "paired" || f.s.shower.state() == "failed"
	})
}

// TestPairingCertificates: a device without a certificate, or with one of another key, one
// that has run out, or a forged one, is not paired; one with a good one is, and it is seen
// that it is somebody else's.
func TestPairingCertificates(t *testing.T) {
	for _, asks := range []bool{true, false} {
		for _, kind := range []string{"good", "none", "other key", "old", "forged"} {
			t.Run(fmt.Sprint(kind, " ", asks), func(t *testing.T) {
				s := newPairingSim(t, 8, memnet.Options{})
				f := newForeign(s)
				static, err := noise.GenerateKey(f.rand)
				if err != nil {
					t.Fatal(err)
				}
				identity, err := key.Generate(f.rand)
				if err != nil {
					t.Fatal(err)
				}
				of, from := static.Public(), s.clock.Now()
				switch kind {
				case "other key":
					of[5] ^= 1
				case "old":
					from = from.Add(-48 * time.Hour)
				}
				c, err := noise.Issue(identity, "foreign", of, from, 24*time.Hour)
				if err != nil {
					t.Fatal(err)
				}
				certificate := c.Bytes()
				switch kind {
				case "none":
					certificate = nil
				case "forged":
					certificate[len(certificate)-10] ^= 1
				}
				f.pair(asks, static, certificate)
				if kind == "good" {
					if p := s.shower.pairing(); p.State != "paired" || p.Peer.Own || p.Peer.PublicKey != identity.Public().Hex() {
						t.Fatalf("%+v", p)
					}
					return
				}
				s.failed(s.shower, chat.CodePairingUncertain, "local")
				if n := s.leftovers(s.shower); n != 1 { // the pairing itself
					t.Fatalf("%d records", n)
				}
			})
		}
	}
}

// TestFloodPairing: while a pairing waits, its topic is flooded with noise, with copies of
// its own messages and with scans of its invitation. It stays within bounds and goes on.
func TestFloodPairing(t *testing.T) {
	n := 20_000
	if testing.Short() {
		n = 2000
	}
	s := newPairingSim(t, 9, memnet.Options{})
	s.meet(true)
	var genuine []chat.Envelope
	cancel := s.net.Tap(func(e chat.Envelope) {
		if e.Version == 2 {
			genuine = append(genuine, e)
		}
	})
	invitation := told[event.PairingInvitation](s.shower)[0].Invitation
	s.until("a repeated message", func() bool { return len(genuine) > 0 })
	cancel()
	static, err := noise.GenerateKey(rand.NewChaCha8([32]byte{1}))
	if err != nil {
		t.Fatal(err)
	}
	var scans [][]byte
	for i := range 50 {
		_, out, err := pairing.Scan(pairing.Config{Scope: noise.DefaultScope, Static: static}, invitation, s.clock.Now(), rand.NewChaCha8([32]byte{2, byte(i)}))
		if err != nil {
			t.Fatal(err)
		}
		scans = append(scans, out.Send[0])
	}
	published := s.net.Stats().Published
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	began := time.Now()
	random := rand.NewChaCha8([32]byte{3})
	for i := range n {
		e := genuine[i%len(genuine)]
		switch i % 3 {
		case 0:
			e.Payload = make([]byte, 150)
			_, _ = random.Read(e.Payload)
		case 1:
			e.Payload = scans[i/3%len(scans)]
		}
		e.Timestamp = int64(i)
		s.net.Inject(e)
		for s.net.Step() {
		}
		if i%32 == 0 {
			for _, d := range s.devices {
				d.Step()
			}
		}
	}
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&after)
	sent := s.net.Stats().Published - published
	t.Logf("%d envelopes in %v, %v each; heap %+d KiB; %d published meanwhile", n, took, took/time.Duration(n), (int64(after.HeapAlloc)-int64(before.HeapAlloc))>>10, sent)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > heapBound {
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if refused := told[event.PairingScannerRefused](s.shower); len(refused) == 0 || len(refused) > pairing.MaxRefusals {
		t.Errorf("%d refusals were told", len(refused))
	}
	if sent > 200 {
		t.Errorf("%d envelopes were published in return", sent)
	}
	s.confirm(s.scanner, true)
	s.confirm(s.shower, true)
	s.untilBoth("paired")
	s.checked()
}

// TestPairingBounds: pairings at once, texts that are no invitations, and no identity.
func TestPairingBounds(t *testing.T) {
	s := newPairingSim(t, 10, memnet.Options{})
	for _, text := range []string{"", "x", "messageNameTag=00&qrCode=", string(make([]byte, 10_000))} {
		_, err := s.scanner.ScanPairing(text)
		wantCode(t, "no invitation", err, chat.CodeBadInvitation, "invitation")
	}
	invitation := s.show(true)
	_, err := s.shower.ScanPairing(invitation)
	wantCode(t, "our own invitation", err, chat.CodeBadInvitation, "invitation")
	for range chat.MaxPairings - 1 {
		if _, err := s.shower.StartPairing(true); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.shower.StartPairing(false)
	wantCode(t, "one too many", err, chat.CodeTooMany, "")
	_, err = s.shower.ScanPairing("x")
	wantCode(t, "no invitation either", err, chat.CodeBadInvitation, "invitation")
	// Each of them has its own QR code: the first is good still.
	s.scan(invitation)
	s.until("the authcode", func() bool { return s.shower.state() == "compare" || s.pairingOf(s.shower, "compare") })
	for _, err := range []error{
		ignore(s.shower.ConfirmPairing(chat.PairingID{1}, true)), ignore(s.shower.CancelPairing(chat.PairingID{1})),
		ignore(s.shower.Pairing(chat.PairingID{1})), ignore(s.shower.Transfers(chat.PairingID{1})), s.shower.DiscardPairing(chat.PairingID{1}),
	} {
		wantCode(t, "an unknown pairing", err, chat.CodeNotFound, "pairing_id")
	}

	nobody, err := chat.OpenStepped(context.Background(), chat.Options{Store: store.Memory(), Transport: s.net.Join(), Clock: s.clock})
	if err != nil {
		t.Fatal(err)
	}
	defer nobody.Close()
	_, err = nobody.Pairings()
	wantCode(t, "without an identity", err, chat.CodeNoIdentity, "")
	if _, err = nobody.StartPairing(true); err != nil {
		t.Fatal(err)
	}
	if list, err := nobody.Pairings(); err != nil || len(list) != 1 {
		t.Errorf("%d pairings without an identity, %v", len(list), err)
	}
}

func ignore[T any](_ T, err error) error { return err }

// pairingOf reports whether a device has a pairing in a state.
func (s *pairingSim) pairingOf(d *pairingSide, state string) bool {
	s.t.Helper()
	list, err := d.Pairings()
	if err != nil {
		s.fatalf("%v", err)
	}
	for _, p := range list {
		if string(p.State) == state {
			return true
		}
	}
	return false
}

// TestPairingKeyIsKept: the static key is made once and certified anew before the
// certificate runs out.
func TestPairingKeyIsKept(t *testing.T) {
	s := newPairingSim(t, 11, memnet.Options{})
	s.pair(true)
	static := func() (noise.PublicKey, time.Time) {
		list, err := s.shower.NoiseKey()
		if err != nil {
			t.Fatal(err)
		}
		c, err := noise.ParseCertificate(list)
		if err != nil || c.Verify(s.clock.Now()) != nil {
			t.Fatal(err, c.Verify(s.clock.Now()))
		}
		return c.Static, c.Expires
	}
	first, expires := static()
	s.restart(s.shower.simDevice)
	s.clock.advance(100 * 24 * time.Hour)
	s.shower.Step()
	if again, same := static(); again != first || !same.Equal(expires) {
		t.Fatal("the key or the certificate has changed")
	}
	s.clock.advance(60 * 24 * time.Hour)
	s.show(true) // the device it was paired with was silent: nobody needed one meanwhile
	if again, later := static(); again != first || !later.After(expires) {
		t.Fatalf("the certificate of %v was not renewed", later)
	}
}
