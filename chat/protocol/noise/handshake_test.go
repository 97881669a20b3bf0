package noise_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
)

// Every pattern, restarted on both sides after every message, ends in agreement.
func TestEveryPattern(t *testing.T) {
	r := seeded(t)
	for _, name := range patterns {
		a, b := begin(t, name, r)
		for i := range a.Pattern().Messages() {
			text := fmt.Sprintf("message %d of %s", i, name)
			payload, reader := turn(t, &a, &b, text)
			if a.Step()+b.Step() != 2*i+1 {
				t.Fatal("not one side is ahead")
			}
			a, b = restart(t, a), restart(t, b)
			read(t, reader, payload, text)
			a, b = restart(t, a), restart(t, b)
		}
		if a.Turn() != noise.TurnOver || b.Turn() != noise.TurnOver || a.Hash() != b.Hash() {
			t.Fatalf("%s: no agreement", name)
		}
		if a.RemoteStatic() != b.Static() || b.RemoteStatic() != a.Static() {
			t.Errorf("%s: the static keys are not the peers'", name)
		}
		ta, tb := mustFinish(t, a), mustFinish(t, b)
		for i := range 3 {
			next, payload, err := ta.Seal(bytes.Repeat([]byte{7}, i*300))
			if err != nil {
				t.Fatal(err)
			}
			mustOpen(t, &tb, payload, bytes.Repeat([]byte{7}, i*300))
			ta, tb = tb, next
		}
	}
}

// A message with any one bit changed is refused and costs nothing: the genuine one is
// still read. What stands in clear before any agreement cannot be told from genuine.
func TestTamperedThenGenuine(t *testing.T) {
	r := seeded(t)
	for _, name := range patterns {
		a, b := begin(t, name, r)
		for i := range a.Pattern().Messages() {
			sealed := a.Sealed()
			payload, reader := turn(t, &a, &b, "genuine")
			before := reader.Marshal()
			for range 200 {
				bad := slices.Clone(payload)
				bad[r.Uint64()%uint64(len(bad))] ^= 1 << (r.Uint64() % 8)
				if after, _, err := reader.Read(bad); sealed && err == nil || err != nil && !bytes.Equal(after.Marshal(), before) {
					t.Fatalf("%s, message %d: a changed bit: %v", name, i, err)
				}
			}
			if !bytes.Equal(reader.Marshal(), before) {
				t.Fatalf("%s, message %d: the state changed", name, i)
			}
			read(t, reader, payload, "genuine")
		}
	}
}

func TestTurns(t *testing.T) {
	r := seeded(t)
	a, b := begin(t, noise.WakuPairing2, r)
	if a.Turn() != noise.TurnRead || b.Turn() != noise.TurnWrite {
		t.Fatal("the responder of WakuPairing2 writes first")
	}
	if _, _, err := a.Write(nil); !errors.Is(err, noise.ErrTurn) {
		t.Errorf("writing out of turn: %v", err)
	}
	if _, _, err := b.Read(nil); !errors.Is(err, noise.ErrTurn) {
		t.Errorf("reading out of turn: %v", err)
	}
	if _, err := a.Finish(); !errors.Is(err, noise.ErrUnfinished) {
		t.Errorf("finishing early: %v", err)
	}
	first, reader := turn(t, &a, &b, "1")
	second, _ := turn(t, &a, &b, "2")
	if _, _, err := reader.Read(second); !errors.Is(err, noise.ErrNametag) {
		t.Errorf("message 2 before message 1: %v", err)
	}
	read(t, reader, first, "1")
	read(t, reader, second, "2")
	var none noise.Handshake
	if _, err := none.Finish(); !errors.Is(err, noise.ErrUnfinished) {
		t.Errorf("finishing nothing: %v", err)
	}
	if _, _, err := none.Write(nil); !errors.Is(err, noise.ErrTurn) {
		t.Errorf("writing to nothing: %v", err)
	}
	if _, err := noise.UnmarshalHandshake(none.Marshal()); !errors.Is(err, noise.ErrStored) {
		t.Errorf("the zero handshake, stored: %v", err)
	}
}

// A pattern's keys must be given, and no others.
func TestConfig(t *testing.T) {
	r := seeded(t)
	for _, name := range patterns {
		good, _ := configs(t, name, r)
		other := mustKey(t, r).Public()
		for what, change := range map[string]func(*noise.Config){
			"static":    func(c *noise.Config) { c.Static = noise.PrivateKey{} },
			"ephemeral": func(c *noise.Config) { c.Ephemeral = noise.PrivateKey{} },
			"remote static": func(c *noise.Config) {
				c.RemoteStatic = flip(c.RemoteStatic, other)
			},
			"remote ephemeral": func(c *noise.Config) {
				c.RemoteEphemeral = flip(c.RemoteEphemeral, other)
			},
			"psk": func(c *noise.Config) {
				if c.PSK == (key.Secret{}) {
					c.PSK[0] = 1
				} else {
					c.PSK = key.Secret{}
				}
			},
		} {
			bad := good
			change(&bad)
			if _, err := noise.New(bad); !errors.Is(err, noise.ErrConfig) {
				t.Errorf("%s, %s: %v", name, what, err)
			}
		}
		long := good
		long.Prologue = make([]byte, noise.MaxPrologue+1)
		if _, err := noise.New(long); !errors.Is(err, noise.ErrTooLong) {
			t.Errorf("a long prologue: %v", err)
		}
	}
	if _, err := noise.New(noise.Config{}); !errors.Is(err, noise.ErrPattern) {
		t.Error("no pattern")
	}
	if _, err := noise.Lookup("NN"); !errors.Is(err, noise.ErrPattern) {
		t.Error("NN")
	}
}

func flip(p, other noise.PublicKey) noise.PublicKey {
	if p.IsZero() {
		return other
	}
	return noise.PublicKey{}
}

// Another prologue, psk or static key of the responder: refused at the latest with
// message 3.
func TestDisagreement(t *testing.T) {
	r := seeded(t)
	for _, name := range patterns {
		for what, change := range map[string]func(*noise.Config){
			"prologue": func(c *noise.Config) { c.Prologue = []byte("Prologue") },
			"psk":      func(c *noise.Config) { c.PSK = key.Secret{9} },
		} {
			ca, cb := configs(t, name, r)
			if what == "psk" && name != noise.XXpsk0 {
				continue
			}
			change(&cb)
			a, errA := noise.New(ca)
			b, errB := noise.New(cb)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			var err error
			for range 3 {
				payload, reader := turn(t, &a, &b, "")
				var next noise.Handshake
				if next, _, err = reader.Read(payload); err != nil {
					break
				}
				*reader = next
			}
			// Nametags come from h, so a disagreement in clear shows there.
			if !errors.Is(err, noise.ErrAuth) && !errors.Is(err, noise.ErrNametag) {
				t.Errorf("%s with another %s: %v", name, what, err)
			}
		}
	}
}

// The longest handshake plaintext fits the longest message, and no longer one.
func TestHandshakePlaintextLimit(t *testing.T) {
	r := seeded(t)
	a, b := begin(t, noise.XX, r)
	payload, reader := turn(t, &a, &b, "")
	read(t, reader, payload, "")
	long := strings.Repeat("x", noise.MaxHandshakePlaintext)
	payload, reader = turn(t, &a, &b, long)
	read(t, reader, payload, long)
	if _, _, err := a.Write([]byte(long + "x")); !errors.Is(err, noise.ErrTooLong) {
		t.Errorf("one byte more: %v", err)
	}
}

// Points of low order make no agreement.
func TestLowOrderPoints(t *testing.T) {
	r := seeded(t)
	for _, point := range []noise.PublicKey{{}, {1}} {
		_, b := begin(t, noise.WakuPairing, r)
		p := noise.Payload{Protocol: noise.ProtocolWakuPairing, Keys: []noise.WireKey{{Bytes: point[:]}}, Transport: make([]byte, noise.PadBlock+16)}
		payload, err := p.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := b.Read(payload); !errors.Is(err, noise.ErrKey) {
			t.Errorf("point %s: %v", point, err)
		}
	}
}

// What is exported is the same on both sides, differs by label and step, and is nothing
// before there is a secret.
func TestExport(t *testing.T) {
	r := seeded(t)
	a, b := begin(t, noise.WakuPairing, r)
	if _, err := a.Export("x"); !errors.Is(err, noise.ErrNotSecret) {
		t.Errorf("before an agreement: %v", err)
	}
	seen := map[key.Secret]bool{}
	for range 3 {
		payload, reader := turn(t, &a, &b, "")
		read(t, reader, payload, "")
		for _, label := range []string{"x", "y"} {
			fromA, errA := a.Export(label)
			fromB, errB := b.Export(label)
			if errA != nil || errB != nil || fromA != fromB || seen[fromA] {
				t.Fatalf("label %s at step %d: %v, %v", label, a.Step(), errA, errB)
			}
			seen[fromA] = true
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	r := seeded(t)
	c, _ := configs(t, noise.XXpsk0, r)
	h, err := noise.New(c)
	if err != nil {
		t.Fatal(err)
	}
	tr, _ := finished(t, noise.XX, r)
	for _, secret := range []any{c, c.Static, h, tr, tr.State()} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
			text := fmt.Sprintf(verb, secret)
			if !strings.Contains(text, "[redacted]") || len(text) > 400 {
				t.Errorf("%T with %s: %s", secret, verb, text)
			}
		}
		b, err := json.Marshal(secret)
		if err != nil || !strings.Contains(string(b), "[redacted]") {
			t.Errorf("%T in JSON: %s, %v", secret, b, err)
		}
	}
}

// A key more, less or in another form than the pattern has is refused, also where nothing
// is encrypted yet.
func TestKeysMustFit(t *testing.T) {
	r := seeded(t)
	extra := mustKey(t, r).Public()
	for _, name := range patterns {
		a, b := begin(t, name, r)
		for range a.Pattern().Messages() {
			payload, reader := turn(t, &a, &b, "text")
			p, err := noise.ParsePayload(payload)
			if err != nil {
				t.Fatal(err)
			}
			for what, keys := range map[string][]noise.WireKey{
				"one more":        append(slices.Clone(p.Keys), noise.WireKey{Bytes: extra[:]}),
				"one more sealed": append(slices.Clone(p.Keys), noise.WireKey{Sealed: true, Bytes: make([]byte, 48)}),
				"one before":      append([]noise.WireKey{{Bytes: extra[:]}}, p.Keys...),
				"one less":        p.Keys[:max(0, len(p.Keys)-1)],
			} {
				if len(keys) == len(p.Keys) {
					continue
				}
				changed := p
				changed.Keys = keys
				bad, err := changed.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				if _, _, err := reader.Read(bad); err == nil {
					t.Errorf("%s, message %d: %s is read", name, reader.Step(), what)
				}
			}
			read(t, reader, payload, "text")
		}
	}
}
