package pairing_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

// Both camera roles, each side confirming first, restarted after every step.
func TestPair(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		for _, askerFirst := range []bool{true, false} {
			displayer, scanner, _ := scanned(t, r, pattern)
			displayer.restart, scanner.restart = true, true
			b, a := asker(pattern, displayer, scanner)
			var third [][]byte
			if askerFirst {
				second := b.confirm(true)
				if sent := a.receive(nil, second...); len(sent) != 0 || a.p.Phase() != pairing.PhaseConfirm {
					t.Fatal("a static key moves before the user confirms")
				}
				third = a.confirm(true)
			} else {
				if sent := a.confirm(true); len(sent) != 0 {
					t.Fatal("A sends before B opened its commitment")
				}
				third = a.receive(nil, b.confirm(true)...)
			}
			if sent := b.receive(nil, third...); len(sent) != 0 {
				t.Fatal("B sends after the last message")
			}
			samePeers(t, a, b)
		}
	}
}

func samePeers(t *testing.T, a, b *device) {
	t.Helper()
	for _, d := range [][2]*device{{a, b}, {b, a}} {
		static, certificate, err := d[0].p.Peer()
		if err != nil || static != d[1].config.Static.Public() || !bytes.Equal(certificate, d[1].config.Certificate) {
			t.Fatalf("the peer is %s with %d bytes of certificate: %v", static, len(certificate), err)
		}
	}
	hashA, errA := a.p.Hash()
	hashB, errB := b.p.Hash()
	if errA != nil || errB != nil || hashA != hashB {
		t.Fatal("h differs")
	}
	ta, tb := a.transport(), b.transport()
	for i := range 3 {
		talk(t, &ta, &tb, fmt.Sprint("from A ", i))
		talk(t, &tb, &ta, fmt.Sprint("from B ", i))
	}
}

// The user says no on either side: both know, and nothing more is sent.
func TestRejected(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		for _, displayerSaysNo := range []bool{true, false} {
			displayer, scanner, _ := scanned(t, r, pattern)
			displayer.restart, scanner.restart = true, true
			no, other := displayer, scanner
			if !displayerSaysNo {
				no, other = scanner, displayer
			}
			abort := no.confirm(false)
			no.failed(pairing.ErrRejected, false)
			if sent := other.receive(pairing.ErrRejected, abort...); len(sent) != 0 {
				t.Error("an abort is answered")
			}
			other.failed(pairing.ErrRejected, true)
			no.receive(pairing.ErrIgnored, abort...)
			if _, err := no.p.Authcode(); !errors.Is(err, pairing.ErrPhase) {
				t.Error("an authcode after the end")
			}
		}
	}
}

func TestCancel(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		displayer, scanner, _ := scanned(t, r, pattern)
		p, out, err := scanner.p.Cancel(scanner.r)
		if err != nil {
			t.Fatal(err)
		}
		// Our own abort coming back does not end what was loaded from before it.
		scanner.receive(pairing.ErrIgnored, out.Send...)
		scanner.keep(p)
		displayer.receive(pairing.ErrCancelled, out.Send...)
		displayer.failed(pairing.ErrCancelled, true)
		if _, _, err := scanner.p.Cancel(scanner.r); !errors.Is(err, pairing.ErrPhase) {
			t.Errorf("cancelling twice: %v", err)
		}

		displayer, scanner = newDevice(t, r, false), newDevice(t, r, false)
		text := displayer.show(pattern)
		if p, out, err = displayer.p.Cancel(displayer.r); err != nil || len(out.Send) != 0 {
			t.Fatal("cancelling before anybody scanned says something")
		}
		displayer.keep(p)
		scanner.receive(pairing.ErrCancelled, displayer.receive(pairing.ErrCancelled, scanner.scan(text)...)...)
		scanner.failed(pairing.ErrCancelled, true)
	}
}

// An expired QR code: both sides learn it, the displayer has a new one, which works; past
// RefusalTime the key is gone and the scanner times out.
func TestExpired(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		for _, renewed := range []bool{false, true} {
			displayer, scanner := newDevice(t, r, true), newDevice(t, r, true)
			displayer.restart, scanner.restart = true, true
			old := displayer.show(pattern)
			displayer.now = displayer.p.Wake()
			if renewed && (!displayer.tick(nil).Renewed || displayer.invitation() == old) {
				t.Fatal("the QR code was not renewed")
			}
			refusal := displayer.receive(pairing.ErrExpired, scanner.scan(old)...)
			if scanner.receive(pairing.ErrExpired, refusal...); len(refusal) != 1 {
				t.Fatal("no abort")
			}
			scanner.failed(pairing.ErrExpired, true)
			if displayer.p.Phase() != pairing.PhaseShown {
				t.Fatal("an old QR code ends the pairing")
			}
			if !renewed {
				displayer.tick(nil)
			}
			displayer.receive(nil, scanner.scan(displayer.invitation())...)
		}
	}
	displayer, scanner := newDevice(t, r, true), newDevice(t, r, true)
	old := displayer.show(noise.WakuPairing)
	for range 4 {
		displayer.now = displayer.now.Add(pairing.QRLifetime)
		displayer.tick(nil)
	}
	if sent := displayer.receive(pairing.ErrIgnored, scanner.scan(old)...); len(sent) != 0 {
		t.Fatal("a forgotten QR code is answered")
	}
	if w := scanner.p.Wake(); !w.Equal(start.Add(pairing.Timeout)) {
		t.Fatalf("the scanner wakes at %v", w)
	}
	scanner.now = scanner.p.Wake()
	scanner.tick(pairing.ErrTimeout)
	scanner.failed(pairing.ErrTimeout, false)
}

// A second scanner is told, the displayer reports it, and the first pairing goes on. After
// it the QR code is used.
func TestSecondScannerAndReplay(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		displayer, scanner := newDevice(t, r, true), newDevice(t, r, true)
		displayer.restart = true
		text := displayer.show(pattern)
		displayer.receive(nil, scanner.scan(text)...)
		second := newDevice(t, r, true)
		second.receive(pairing.ErrUsed, displayer.receive(pairing.ErrSecondScanner, second.scan(text)...)...)
		second.failed(pairing.ErrUsed, true)

		b, a := asker(pattern, displayer, scanner)
		a.confirm(true)
		b.receive(nil, a.receive(nil, b.confirm(true)...)...)
		samePeers(t, a, b)

		third := newDevice(t, r, true)
		third.receive(pairing.ErrUsed, displayer.receive(pairing.ErrUsed, third.scan(text)...)...)
		third.failed(pairing.ErrUsed, true)
		for range pairing.MaxRefusals {
			displayer.receive(pairing.ErrUsed, newDevice(t, r, true).scan(text)...)
		}
		if sent := displayer.receive(pairing.ErrUsed, newDevice(t, r, true).scan(text)...); len(sent) != 0 {
			t.Error("refusals are not bounded")
		}
		for range 4 { // the keys go one by one
			if displayer.p.Wake().IsZero() {
				break
			}
			displayer.now = displayer.p.Wake()
			displayer.tick(nil)
		}
		displayer.receive(pairing.ErrIgnored, newDevice(t, r, true).scan(text)...)
		if !displayer.p.Wake().IsZero() {
			t.Error("keys of old QR codes stay")
		}
	}
}

func TestTimeout(t *testing.T) {
	r := seeded(t)
	for _, pattern := range patterns {
		displayer, scanner, _ := scanned(t, r, pattern)
		b, a := asker(pattern, displayer, scanner)
		b.confirm(true) // and the message is lost
		b.now = b.p.Wake()
		abort := b.tick(pairing.ErrTimeout)
		b.failed(pairing.ErrTimeout, false)
		a.receive(pairing.ErrTimeout, abort.Send...)
		a.failed(pairing.ErrTimeout, true)
	}
}

// A peer whose static key or certificate is not the one it committed to: its side of the
// handshake is run by hand.
func TestWrongOpening(t *testing.T) {
	r := seeded(t)
	now := start
	identity, err := key.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, pattern := range patterns {
		for name, c := range map[string]struct {
			payload func(random []byte, static noise.PrivateKey) []byte
			want    error
		}{
			"other random bytes": {func(random []byte, _ noise.PrivateKey) []byte { random[0] ^= 1; return random }, pairing.ErrCommitment},
			"too short":          {func(random []byte, _ noise.PrivateKey) []byte { return random[1:] }, pairing.ErrCommitment},
			"garbage":            {func(random []byte, _ noise.PrivateKey) []byte { return append(random, 1, 2, 3) }, pairing.ErrCertificate},
			"another's key": {func(random []byte, _ noise.PrivateKey) []byte {
				return append(random, mustIssue(t, identity, newDevice(t, r, false).config.Static, now)...)
			}, pairing.ErrCertificate},
			"expired": {func(random []byte, s noise.PrivateKey) []byte {
				return append(random, mustIssue(t, identity, s, now.Add(-2*time.Hour))...)
			}, pairing.ErrCertificate},
		} {
			// The liar scans, so it writes message 1 and, by pattern, 2 or 3.
			displayer, liar := newDevice(t, r, true), newDevice(t, r, false)
			i, err := pairing.ParseInvitation(displayer.show(pattern))
			if err != nil {
				t.Fatal(err)
			}
			ephemeral, err := noise.GenerateKey(r)
			if err != nil {
				t.Fatal(err)
			}
			table, err := noise.Lookup(pattern)
			if err != nil {
				t.Fatal(err)
			}
			h, err := noise.New(noise.Config{
				Pattern: table, Initiator: pattern == noise.WakuPairing, Static: liar.config.Static, Ephemeral: ephemeral,
				RemoteEphemeral: i.QR.Ephemeral, Prologue: []byte(i.QR.String()), Nametag: i.Nametag,
			})
			if err != nil {
				t.Fatal(err)
			}
			random := bytes.Repeat([]byte{5}, 32)
			commitment := pairing.Commit(liar.config.Static.Public(), random)
			h, message, err := h.Write(commitment[:])
			if err != nil {
				t.Fatal(err)
			}
			displayer.receive(nil, message)
			unanswered := displayer.p
			second := displayer.confirm(true)
			if pattern == noise.WakuPairing {
				if h, _, err = h.Read(second[0]); err != nil {
					t.Fatal(err)
				}
			}
			if _, message, err = h.Write(c.payload(bytes.Clone(random), liar.config.Static)); err != nil {
				t.Fatal(err)
			}
			if sent := displayer.receive(c.want, message); len(sent) != 1 {
				t.Errorf("%s, %s: no abort", pattern, name)
			}
			displayer.failed(c.want, false)
			if pattern != noise.WakuPairing2 {
				continue
			}
			// The same, come before the user answered.
			displayer.p = unanswered
			displayer.receive(nil, message)
			p, out, err := displayer.p.Confirm(true, displayer.now, r)
			if !errors.Is(err, c.want) || len(out.Send) != 1 || p.Phase() != pairing.PhaseFailed {
				t.Errorf("%s, confirmed after it came: %v", name, err)
			}
		}
	}
}

func mustIssue(t *testing.T, identity key.Private, static noise.PrivateKey, issued time.Time) []byte {
	t.Helper()
	c, err := noise.Issue(identity, "i", static.Public(), issued, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c.Bytes()
}

// Whatever is written to the topic changes nothing, at any point, and the pairing goes on.
func TestGarbageIsIgnored(t *testing.T) {
	r := seeded(t)
	dice := rand.New(r)
	for _, pattern := range patterns {
		displayer, scanner := newDevice(t, r, true), newDevice(t, r, true)
		var seen [][]byte
		noisy := func(d *device, payloads [][]byte) {
			seen = append(seen, payloads...)
			before := d.p.Marshal()
			for range 50 {
				bad := make([]byte, dice.IntN(700))
				if len(seen) > 0 && dice.IntN(4) > 0 {
					bad = bytes.Clone(seen[dice.IntN(len(seen))])
					if dice.IntN(2) == 0 {
						bad = bad[:dice.IntN(len(bad))]
					} else {
						bad[dice.IntN(len(bad))] ^= byte(1 + dice.IntN(255))
					}
				}
				d.receive(pairing.ErrIgnored, bad)
				if !bytes.Equal(d.p.Marshal(), before) {
					t.Fatal("garbage changed the state")
				}
			}
		}
		first := scanner.scan(displayer.show(pattern))
		noisy(displayer, first)
		noisy(scanner, first)
		displayer.receive(nil, first...)
		b, a := asker(pattern, displayer, scanner)
		noisy(displayer, nil)
		second := b.confirm(true)
		noisy(a, second)
		noisy(b, second)
		a.receive(nil, second...)
		noisy(a, nil)
		third := a.confirm(true)
		noisy(b, third)
		b.receive(nil, third...)
		noisy(a, nil)
		noisy(b, nil)
		samePeers(t, a, b)
	}
}

// A network that loses, doubles and reorders, echoes of one's own, and restarts at every
// step: with resending both sides are paired.
func TestPairModel(t *testing.T) {
	r := seeded(t)
	dice := rand.New(r)
	for round := range 60 {
		pattern := patterns[round%2]
		displayer, scanner := newDevice(t, r, round%3 == 0), newDevice(t, r, round%3 == 0)
		displayer.restart, scanner.restart = true, true
		displayer.config.Nonces, scanner.config.Nonces = round%4 < 2, round%4 < 2
		air := scanner.scan(displayer.show(pattern))
		for step := 0; displayer.p.Phase() != pairing.PhaseDone || scanner.p.Phase() != pairing.PhaseDone; step++ {
			if step > 5000 {
				t.Fatalf("stuck at phases %d and %d", displayer.p.Phase(), scanner.p.Phase())
			}
			d := []*device{displayer, scanner}[dice.IntN(2)]
			switch dice.IntN(4) {
			case 0:
				if len(air) == 0 {
					continue
				}
				p, out, err := d.p.Receive(air[dice.IntN(len(air))], d.now, d.r)
				if err != nil && !errors.Is(err, pairing.ErrIgnored) {
					t.Fatal(err)
				}
				d.keep(p)
				air = append(air, out.Send...)
			case 1:
				if len(air) > 0 && dice.IntN(3) == 0 {
					i := dice.IntN(len(air))
					air = append(air[:i], air[i+1:]...)
				}
			case 2:
				if d.p.Phase() == pairing.PhaseConfirm {
					air = append(air, d.confirm(true)...)
				}
			case 3:
				air = append(air, d.p.Resend().Send...)
			}
			if len(air) > 100 {
				air = air[50:]
			}
		}
		b, a := asker(pattern, displayer, scanner)
		samePeers(t, a, b)
	}
}

func TestStartAndScanRefuse(t *testing.T) {
	r := seeded(t)
	d := newDevice(t, r, false)
	text := d.show(noise.WakuPairing)
	other := newDevice(t, r, false)
	other.config.Scope.Application = "another"
	if _, _, err := pairing.Scan(other.config, text, start, r); !errors.Is(err, pairing.ErrScope) {
		t.Errorf("another application: %v", err)
	}
	if _, _, err := pairing.Scan(pairing.Config{Scope: noise.DefaultScope}, text, start, r); !errors.Is(err, pairing.ErrConfig) {
		t.Errorf("no static key: %v", err)
	}
	if d.p.Pattern() != noise.WakuPairing {
		t.Error(d.p.Pattern())
	}
	for name, err := range map[string]error{
		"Authcode": second(d.p.Authcode()), "Failure": second(d.p.Failure()), "Transport": second(d.p.Transport()),
		"Hash": second(d.p.Hash()), "Handshake": second(d.p.Handshake()),
	} {
		if !errors.Is(err, pairing.ErrPhase) {
			t.Errorf("%s of a QR code nobody scanned: %v", name, err)
		}
	}
	if _, err := pairing.Start(d.config, noise.XX, start, r); !errors.Is(err, noise.ErrPattern) {
		t.Errorf("XX: %v", err)
	}
	if _, err := pairing.Start(d.config, noise.WakuPairing, start, strings.NewReader("short")); err == nil {
		t.Error("no randomness")
	}
	before := d.p.Marshal()
	if p, _, err := d.p.Tick(d.p.Wake(), strings.NewReader(strings.Repeat("x", 50))); err == nil || !bytes.Equal(p.Marshal(), before) {
		t.Error("a renewal without randomness changed something")
	}
	low := d.config
	i, _, _ := d.p.Invitation()
	i.QR.Ephemeral = noise.PublicKey{1}
	if _, _, err := pairing.Scan(low, i.String(), start, r); !errors.Is(err, noise.ErrKey) {
		t.Errorf("a key of low order: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// Every reason has a text that says who gave up.
func TestFailureText(t *testing.T) {
	seen := map[string]bool{}
	for r := pairing.ReasonRejected; r <= pairing.ReasonTimeout; r++ {
		own, theirs := pairing.Failure{Reason: r}.Error(), pairing.Failure{Reason: r, Remote: true}.Error()
		if own == "" || own == theirs || seen[own] {
			t.Errorf("reason %d: %q and %q", r, own, theirs)
		}
		seen[own] = true
	}
}

func TestNothingSecretPrints(t *testing.T) {
	b, _ := paired(t, seeded(t), noise.WakuPairing)
	for _, v := range []any{b.p, b.config} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%x"} {
			if got := fmt.Sprintf(verb, v); got != "[redacted]" {
				t.Errorf("%T with %s: %s", v, verb, got)
			}
		}
	}
}
