package ratchet_test

import (
	"bytes"
	"errors"
	"testing"

	"libstatus1to1/chat/protocol/ratchet"
)

func TestSkippedChanged(t *testing.T) {
	alice, bob := sessionPair(t)
	first := mustEncrypt(t, &alice, "0")
	late := mustEncrypt(t, &alice, "1")
	for _, m := range []struct {
		message ratchet.Message
		text    string
		changed bool
	}{
		{first, "0", false}, {mustEncrypt(t, &alice, "2"), "2", true}, {mustEncrypt(t, &alice, "3"), "3", false}, {late, "1", true},
	} {
		before := bob
		mustDecrypt(t, &bob, m.message, m.text)
		if bob.SkippedChanged(before) != m.changed {
			t.Fatalf("after %s: SkippedChanged is %v", m.text, !m.changed)
		}
	}
	before := bob
	if mustEncrypt(t, &bob, "x"); bob.SkippedChanged(before) {
		t.Fatal("sending changed the skipped keys")
	}
}

func TestLoadedWithoutSkipped(t *testing.T) {
	alice, bob := sessionPair(t)
	late := mustEncrypt(t, &alice, "late")
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "first"), "first")
	small, err := ratchet.Unmarshal(bob.Marshal())
	if err != nil || small.SkippedLen() != 1 {
		t.Fatalf("%d skipped keys, %v", small.SkippedLen(), err)
	}
	mustRefuse(t, small, late, ratchet.ErrSkippedMissing)
	before := small
	answer := mustEncrypt(t, &small, "answer") // sending does without
	if small.SkippedChanged(before) || small.MarshalSkipped() != nil || small.SkippedLen() != 1 {
		t.Fatal("sending lost the keys that were not loaded")
	}
	mustDecrypt(t, &alice, answer, "answer")
	whole, err := small.WithSkipped(bob.MarshalSkipped())
	if err != nil {
		t.Fatal(err)
	}
	mustDecrypt(t, &whole, late, "late")
	if _, err := small.WithSkipped(nil); !errors.Is(err, ratchet.ErrState) {
		t.Fatalf("skipped keys may be left out: %v", err)
	}
	if _, err := alice.WithSkipped(bob.MarshalSkipped()); !errors.Is(err, ratchet.ErrState) {
		t.Fatalf("another state's skipped keys were taken: %v", err)
	}
}

func TestUnmarshalRefuses(t *testing.T) {
	alice, bob := sessionPair(t)
	mustEncrypt(t, &alice, "lost")
	mustEncrypt(t, &alice, "lost")
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "x"), "x")
	good, skipped := bob.Marshal(), bob.MarshalSkipped()
	if len(good) != ratchet.StateSize {
		t.Fatalf("%d bytes", len(good))
	}
	change := func(b []byte, at int, to byte) []byte {
		b = bytes.Clone(b)
		b[at] = to
		return b
	}
	const ownAt, remoteAt = 65, 130
	offCurve := change(good, ownAt+64, good[ownAt+64]^1)
	for name, b := range map[string][]byte{
		"empty": nil, "short": good[:len(good)-1], "long": append(bytes.Clone(good), 0),
		"another version": change(good, 0, 9), "our key off the curve": offCurve,
		"their key off the curve": change(good, remoteAt+64, good[remoteAt+64]^1),
		"too many skipped keys":   change(good, len(good)-3, 1),
		"no key of ours":          append(append(bytes.Clone(good[:ownAt]), make([]byte, 65)...), good[remoteAt:]...),
	} {
		if _, err := ratchet.Unmarshal(b); !errors.Is(err, ratchet.ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"empty": {}, "version only": {1}, "short": skipped[:len(skipped)-1], "long": append(bytes.Clone(skipped), 0),
		"another version": change(skipped, 0, 9), "key off the curve": change(skipped, 65, skipped[65]^1),
		"no keys": change(skipped, 75, 0), "out of order": change(skipped, 79, 5),
	} {
		if _, err := bob.WithSkipped(b); !errors.Is(err, ratchet.ErrState) {
			t.Errorf("skipped keys, %s: %v", name, err)
		}
	}
	// A private key that is not the public key's shows at the ratchet step that needs it.
	damaged, err := ratchet.Unmarshal(change(good, 40, good[40]^1))
	if err != nil {
		t.Fatal(err)
	}
	if damaged, err = damaged.WithSkipped(skipped); err != nil {
		t.Fatal(err)
	}
	mustDecrypt(t, &alice, mustEncrypt(t, &bob, "turn"), "turn")
	mustRefuse(t, damaged, mustEncrypt(t, &alice, "x"), ratchet.ErrState)
}

// Stored chains must come in the order they were made, each once.
func TestSkippedOrder(t *testing.T) {
	alice, bob := sessionPair(t)
	mustEncrypt(t, &alice, "lost")
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "x"), "x")
	mustDecrypt(t, &alice, mustEncrypt(t, &bob, "turn"), "turn")
	mustEncrypt(t, &alice, "lost")
	mustDecrypt(t, &bob, mustEncrypt(t, &alice, "y"), "y")
	b := bob.MarshalSkipped()
	const size = 65 + 8 + 2 + 4 + 32
	if len(b) != 1+2*size {
		t.Fatalf("%d bytes", len(b))
	}
	older, newer := b[1:1+size], b[1+size:]
	sameKey := bytes.Clone(newer)
	copy(sameKey, older[:65])
	for name, c := range map[string][]byte{
		"swapped": bytes.Join([][]byte{{1}, newer, older}, nil), "the same key": bytes.Join([][]byte{{1}, older, sameKey}, nil),
	} {
		if _, err := bob.WithSkipped(c); !errors.Is(err, ratchet.ErrState) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := bob.WithSkipped(b); err != nil {
		t.Error(err)
	}
}
