package pairing_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/pairing"
)

var (
	start    = time.Unix(1_790_000_000, 0).UTC()
	patterns = []string{noise.WakuPairing, noise.WakuPairing2}
)

func seeded(t testing.TB) *rand.ChaCha8 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return chacha(seed)
}

func chacha(seed uint64) *rand.ChaCha8 {
	var s [32]byte
	for i := range 8 {
		s[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(s)
}

// device is one side with its own clock and randomness.
type device struct {
	t       testing.TB
	r       *rand.ChaCha8
	now     time.Time
	config  pairing.Config
	p       pairing.Pairing
	restart bool // store and load after every step
}

func newDevice(t testing.TB, r *rand.ChaCha8, certified bool) *device {
	t.Helper()
	static, err := noise.GenerateKey(r)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, r: r, now: start, config: pairing.Config{Scope: noise.DefaultScope, Static: static}}
	if certified {
		identity, err := key.Generate(r)
		if err != nil {
			t.Fatal(err)
		}
		c, err := noise.Issue(identity, "installation", static.Public(), start, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		d.config.Certificate = c.Bytes()
	}
	return d
}

func (d *device) show(pattern string) string {
	d.t.Helper()
	p, err := pairing.Start(d.config, pattern, d.now, d.r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.keep(p)
	return d.invitation()
}

func (d *device) invitation() string {
	d.t.Helper()
	i, _, err := d.p.Invitation()
	if err != nil {
		d.t.Fatal(err)
	}
	return i.String()
}

func (d *device) scan(text string) [][]byte {
	d.t.Helper()
	p, out, err := pairing.Scan(d.config, text, d.now, d.r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.keep(p)
	return out.Send
}

func (d *device) confirm(same bool) [][]byte {
	d.t.Helper()
	p, out, err := d.p.Confirm(same, d.now, d.r)
	if err != nil {
		d.t.Fatal(err)
	}
	d.keep(p)
	return out.Send
}

// receive gives payloads and expects this error of the last one.
func (d *device) receive(want error, payloads ...[]byte) [][]byte {
	d.t.Helper()
	var send [][]byte
	var err error
	for _, b := range payloads {
		var p pairing.Pairing
		var out pairing.Output
		p, out, err = d.p.Receive(b, d.now, d.r)
		d.keep(p)
		send = append(send, out.Send...)
	}
	if !errors.Is(err, want) {
		d.t.Fatalf("receiving gives %v, want %v", err, want)
	}
	return send
}

func (d *device) tick(want error) pairing.Output {
	d.t.Helper()
	p, out, err := d.p.Tick(d.now, d.r)
	if !errors.Is(err, want) {
		d.t.Fatalf("Tick gives %v, want %v", err, want)
	}
	d.keep(p)
	return out
}

func (d *device) keep(p pairing.Pairing) {
	d.t.Helper()
	d.p = p
	if !d.restart {
		return
	}
	stored := p.Marshal()
	p, err := pairing.Unmarshal(stored)
	if err != nil || !bytes.Equal(p.Marshal(), stored) {
		d.t.Fatalf("a pairing at phase %d came back changed: %v", d.p.Phase(), err)
	}
	d.p = p
}

func (d *device) authcode() string {
	d.t.Helper()
	code, err := d.p.Authcode()
	if err != nil || len(code) != 8 {
		d.t.Fatalf("authcode %q: %v", code, err)
	}
	return code
}

func (d *device) transport() noise.Transport {
	d.t.Helper()
	tr, err := d.p.Transport()
	if err != nil {
		d.t.Fatal(err)
	}
	return tr
}

// failed checks how the pairing ended.
func (d *device) failed(want error, remote bool) {
	d.t.Helper()
	f, err := d.p.Failure()
	if err != nil || !errors.Is(f, want) || f.Remote != remote {
		d.t.Fatalf("failed with %v (%v), want %v, remote %v", f, err, want, remote)
	}
}

// scanned has one device show and the other scan, up to the two authcodes of 43.
func scanned(t testing.TB, r *rand.ChaCha8, pattern string) (displayer, scanner *device, first [][]byte) {
	t.Helper()
	return scannedWith(t, r, pattern, false)
}

// scannedWith is scanned with or without nonces.
func scannedWith(t testing.TB, r *rand.ChaCha8, pattern string, nonces bool) (displayer, scanner *device, first [][]byte) {
	t.Helper()
	displayer, scanner = newDevice(t, r, true), newDevice(t, r, true)
	displayer.config.Nonces, scanner.config.Nonces = nonces, nonces
	first = scanner.scan(displayer.show(pattern))
	sent := displayer.receive(nil, first...)
	switch {
	case !nonces && len(sent) != 0:
		t.Fatal("the displayer answers before its user does")
	case nonces && len(sent) != 1:
		t.Fatalf("%d messages open the nonce", len(sent))
	case nonces:
		scanner.receive(nil, sent...)
	}
	if displayer.authcode() != scanner.authcode() {
		t.Fatal("the authcodes differ")
	}
	return displayer, scanner, first
}

// asker orders the two: device B, which asks to be paired, first.
func asker(pattern string, displayer, scanner *device) (b, a *device) {
	if pattern == noise.WakuPairing {
		return displayer, scanner
	}
	return scanner, displayer
}

// paired runs a whole pairing.
func paired(t testing.TB, r *rand.ChaCha8, pattern string) (b, a *device) {
	t.Helper()
	displayer, scanner, _ := scanned(t, r, pattern)
	b, a = asker(pattern, displayer, scanner)
	a.confirm(true)
	b.receive(nil, a.receive(nil, b.confirm(true)...)...)
	return b, a
}

func talk(t testing.TB, from, to *noise.Transport, text string) {
	t.Helper()
	next, payload, err := from.Seal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	*from = next
	next, got, err := to.Open(payload)
	if err != nil || string(got) != text {
		t.Fatalf("%q, %v", got, err)
	}
	*to = next
}
