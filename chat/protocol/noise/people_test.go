package noise_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

var patterns = []string{noise.K1K1, noise.XK1, noise.XX, noise.XXpsk0, noise.WakuPairing, noise.WakuPairing2}

// seeded is randomness from a printed seed.
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

func mustKey(t testing.TB, r *rand.ChaCha8) noise.PrivateKey {
	t.Helper()
	k, err := noise.GenerateKey(r)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// configs are both sides of a fresh handshake.
func configs(t testing.TB, name string, r *rand.ChaCha8) (initiator, responder noise.Config) {
	t.Helper()
	p, err := noise.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	a := noise.Config{Pattern: p, Initiator: true, Static: mustKey(t, r), Ephemeral: mustKey(t, r), Prologue: []byte("prologue")}
	b := noise.Config{Pattern: p, Static: mustKey(t, r), Ephemeral: mustKey(t, r), Prologue: []byte("prologue")}
	switch name {
	case noise.K1K1:
		a.RemoteStatic, b.RemoteStatic = b.Static.Public(), a.Static.Public()
	case noise.XK1:
		a.RemoteStatic = b.Static.Public()
	case noise.XXpsk0:
		a.PSK = key.Secret{1, 2, 3}
		b.PSK = a.PSK
	case noise.WakuPairing:
		a.RemoteEphemeral = b.Ephemeral.Public()
	case noise.WakuPairing2:
		b.RemoteEphemeral = a.Ephemeral.Public()
	}
	return a, b
}

func begin(t testing.TB, name string, r *rand.ChaCha8) (initiator, responder noise.Handshake) {
	t.Helper()
	a, b := configs(t, name, r)
	initiator, err := noise.New(a)
	if err != nil {
		t.Fatal(err)
	}
	if responder, err = noise.New(b); err != nil {
		t.Fatal(err)
	}
	return initiator, responder
}

// turn has the next message written, and gives it and who is to read it.
func turn(t testing.TB, a, b *noise.Handshake, plaintext string) (payload []byte, reader *noise.Handshake) {
	t.Helper()
	writer, reader := a, b
	if a.Turn() == noise.TurnRead {
		writer, reader = b, a
	}
	next, payload, err := writer.Write([]byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	*writer = next
	return payload, reader
}

func read(t testing.TB, h *noise.Handshake, payload []byte, want string) {
	t.Helper()
	next, got, err := h.Read(payload)
	if err != nil || string(got) != want {
		t.Fatalf("reads %q, want %q: %v", got, want, err)
	}
	*h = next
}

// finished are the transports after a whole handshake.
func finished(t testing.TB, name string, r *rand.ChaCha8) (initiator, responder noise.Transport) {
	t.Helper()
	a, b := begin(t, name, r)
	for range a.Pattern().Messages() {
		payload, reader := turn(t, &a, &b, "hello")
		read(t, reader, payload, "hello")
	}
	return mustFinish(t, a), mustFinish(t, b)
}
