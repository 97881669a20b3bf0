package noisesession_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

var start = time.Unix(1_790_000_000, 0).UTC()

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

// device is an installation of an identity.
type device struct {
	identity     key.Private
	installation string
	static       noise.PrivateKey
}

func mustIdentity(t testing.TB, r *rand.ChaCha8) key.Private {
	t.Helper()
	k, err := key.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newDevice(t testing.TB, r *rand.ChaCha8, identity key.Private, installation string) device {
	t.Helper()
	return device{identity, installation, mustKey(t, r)}
}

func mustKey(t testing.TB, r *rand.ChaCha8) noise.PrivateKey {
	t.Helper()
	k, err := noise.GenerateKey(r)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (d device) certificate(t testing.TB) []byte {
	t.Helper()
	c, err := noise.Issue(d.identity, d.installation, d.static.Public(), start, 300*24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c.Bytes()
}

// shake runs XX between two devices, each with its certificate in its encrypted payload.
func shake(t testing.TB, r *rand.ChaCha8, a, b device, previous noisesession.ID) (initiator, responder noise.Handshake, fromA, fromB []byte) {
	t.Helper()
	pattern, err := noise.Lookup(noise.XX)
	if err != nil {
		t.Fatal(err)
	}
	prologue := noisesession.Prologue([]byte("test"), previous)
	sides := [2]noise.Handshake{}
	for i, d := range []device{a, b} {
		c := noise.Config{Pattern: pattern, Initiator: i == 0, Static: d.static, Ephemeral: mustKey(t, r), Prologue: prologue}
		if sides[i], err = noise.New(c); err != nil {
			t.Fatal(err)
		}
	}
	payloads := [][]byte{nil, b.certificate(t), a.certificate(t)}
	got := make([][]byte, 3)
	for i := range 3 {
		from, to := i%2, 1-i%2
		var payload []byte
		if payloads[i] != nil && !sides[from].Sealed() {
			t.Fatal("a certificate in the open")
		}
		if sides[from], payload, err = sides[from].Write(payloads[i]); err != nil {
			t.Fatal(err)
		}
		if sides[to], got[i], err = sides[to].Read(payload); err != nil {
			t.Fatal(err)
		}
	}
	return sides[0], sides[1], got[2], got[1]
}

// establish makes a session between two devices.
func establish(t testing.TB, r *rand.ChaCha8, a, b device, previous noisesession.ID, now time.Time) (ofA, ofB noisesession.Session) {
	t.Helper()
	ha, hb, certA, certB := shake(t, r, a, b, previous)
	ofA, err := noisesession.Establish(noisesession.Config{
		Handshake: ha, Certificate: certB, Identity: b.identity.Public(), Previous: previous, Scope: noise.DefaultScope,
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	ofB, err = noisesession.Establish(noisesession.Config{
		Handshake: hb, Certificate: certA, Identity: a.identity.Public(), Previous: previous, Scope: noise.DefaultScope,
	}, now)
	if err != nil {
		t.Fatal(err)
	}
	return ofA, ofB
}

func pair(t testing.TB, r *rand.ChaCha8) (ofA, ofB noisesession.Session) {
	t.Helper()
	a := newDevice(t, r, mustIdentity(t, r), "a")
	b := newDevice(t, r, mustIdentity(t, r), "b")
	return establish(t, r, a, b, noisesession.ID{}, start)
}

func mustSeal(t testing.TB, s *noisesession.Session, text string) []byte {
	t.Helper()
	next, payload, err := s.Seal([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	*s = next
	return payload
}

func mustOpen(t testing.TB, s *noisesession.Session, payload []byte, want string) {
	t.Helper()
	next, m, err := s.Open(payload, start)
	if err != nil || m.Kind != noisesession.Data || string(m.Text) != want {
		t.Fatalf("opens to %d %q, want %q: %v", m.Kind, m.Text, want, err)
	}
	*s = next
}

// reload stores a session and reads it back.
func reload(t testing.TB, s noisesession.Session) noisesession.Session {
	t.Helper()
	stored := s.Marshal()
	s, err := noisesession.Unmarshal(stored)
	if err != nil || !bytes.Equal(s.Marshal(), stored) {
		t.Fatalf("a session came back changed: %v", err)
	}
	return s
}
