package noisepeer

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/noise"
	"libstatus1to1/chat/protocol/noise/noisesession"
)

// TestForgedCertificate: somebody who has Alice's signature for the envelope and a handshake
// that is right in all else gets no session by a certificate of another identity, installation
// or key, or without one.
func TestForgedCertificate(t *testing.T) {
	r := rand.NewChaCha8([32]byte{70})
	now := time.Unix(1_790_000_000, 0)
	alice, carol := forger(t, r), forger(t, r)
	bob := forger(t, r)
	self := func(identity key.Private, id string, static noise.PrivateKey) Self {
		c, err := noise.Issue(identity, id, static.Public(), now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return Self{static, c}
	}
	static := func() noise.PrivateKey {
		k, err := noise.GenerateKey(r)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	ofAlice, ofBob := self(alice, "a", static()), self(bob, "b", static())
	for name, certificate := range map[string][]byte{
		"none":              {},
		"identity":          self(carol, "a", ofAlice.Static).Certificate.Bytes(),
		"installation":      self(alice, "c", ofAlice.Static).Certificate.Bytes(),
		"static key":        self(alice, "a", static()).Certificate.Bytes(),
		"altered signature": alter(ofAlice.Certificate.Bytes()),
	} {
		t.Run(name, func(t *testing.T) {
			forged, frames, err := Peer{Identity: bob.Public()}.Begin(ofAlice, "b", now, r)
			if err != nil {
				t.Fatal(err)
			}
			answering, received, err := Peer{Identity: alice.Public()}.Receive(ofBob, frames[0].Bytes, nil, now, r)
			if err != nil {
				t.Fatal(err)
			}
			two, err := parseFrame(received.Frames[0].Bytes)
			if err != nil {
				t.Fatal(err)
			}
			h, _, err := forged.devices[0].begun.noise.Read(two.payload)
			if err != nil {
				t.Fatal(err)
			}
			_, three, err := h.Write(certificate)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := answering.Receive(ofBob, later(kindThird, "a", "b", two.id, three), nil, now, r); !errors.Is(err, ErrCertificate) {
				t.Errorf("refused with %v", err)
			}
			_, three, err = h.Write(ofAlice.Certificate.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if _, in, err := answering.Receive(ofBob, later(kindThird, "a", "b", two.id, three), nil, now, r); err != nil || !in.Established {
				t.Errorf("the right certificate is refused: %v", err)
			}
		})
	}
}

// TestPassedOn: Mallory has announced the installation id of Bob as hers, and hands on to Bob what
// Alice sent her. Bob does not answer, and what he had begun with Alice goes on.
func TestPassedOn(t *testing.T) {
	r := rand.NewChaCha8([32]byte{72})
	now := time.Unix(1_790_000_000, 0)
	self := func(identity key.Private, id string) Self {
		static, err := noise.GenerateKey(r)
		if err != nil {
			t.Fatal(err)
		}
		c, err := noise.Issue(identity, id, static.Public(), now, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return Self{static, c}
	}
	alice, mallory, bob := forger(t, r), forger(t, r), forger(t, r)
	ofAlice, ofBob := self(alice, "a"), self(bob, "b")
	_, toMallory, err := Peer{Identity: mallory.Public()}.Begin(ofAlice, "b", now, r)
	if err != nil {
		t.Fatal(err)
	}
	begun, _, err := Peer{Identity: alice.Public()}.Begin(ofBob, "a", now, r)
	if err != nil {
		t.Fatal(err)
	}
	next, received, err := begun.Receive(ofBob, toMallory[0].Bytes, nil, now, r)
	if !errors.Is(err, ErrFrame) || len(received.Frames) > 0 || next.devices[0].begun == nil {
		t.Errorf("%v, %d frames in answer", err, len(received.Frames))
	}
}

func forger(t *testing.T, r *rand.ChaCha8) key.Private {
	t.Helper()
	k, err := key.Generate(r)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func alter(certificate []byte) []byte {
	certificate[len(certificate)-2] ^= 1
	return certificate
}

// TestPrologue: each thing that both sides must agree on changes the prologue.
func TestPrologue(t *testing.T) {
	r := rand.NewChaCha8([32]byte{71})
	alice, bob := forger(t, r).Public(), forger(t, r).Public()
	first := frame{from: "a", to: "b", time: 1, secret: SecretID{CardSecret, "x"}, previous: [32]byte{1}, expected: noise.PublicKey{1}}
	heads := []frame{first}
	for _, change := range []func(f *frame){
		func(f *frame) { f.from = "c" }, func(f *frame) { f.to = "c" }, func(f *frame) { f.time++ },
		func(f *frame) { f.secret.Kind = SessionSecret }, func(f *frame) { f.secret.ID = "y" }, func(f *frame) { f.secret = SecretID{} },
		func(f *frame) { f.previous[31]++ }, func(f *frame) { f.expected[31]++ },
	} {
		f := first
		change(&f)
		heads = append(heads, f)
	}
	seen := map[string]bool{}
	for _, f := range heads {
		seen[string(prologue(alice, bob, f.headFirst(), noisesession.ID{}))] = true
	}
	seen[string(prologue(bob, alice, first.headFirst(), noisesession.ID{}))] = true
	seen[string(prologue(alice, alice, first.headFirst(), noisesession.ID{}))] = true
	seen[string(prologue(alice, bob, first.headFirst(), noisesession.ID{1}))] = true
	if len(seen) != len(heads)+3 {
		t.Errorf("%d prologues of %d", len(seen), len(heads)+3)
	}
}
