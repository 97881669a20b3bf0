package ratchet_test

import (
	"bytes"
	"crypto/rand"
	"testing"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/ratchet"
)

// FuzzUnmarshal: what is taken comes back byte for byte and can be used.
func FuzzUnmarshal(f *testing.F) {
	alice, bob := sessionPair(f)
	f.Add(alice.Marshal(), alice.MarshalSkipped())
	f.Add(bob.Marshal(), bob.MarshalSkipped())
	mustEncrypt(f, &alice, "lost")
	mustDecrypt(f, &bob, mustEncrypt(f, &alice, "x"), "x")
	f.Add(bob.Marshal(), bob.MarshalSkipped())
	mustDecrypt(f, &alice, mustEncrypt(f, &bob, "turn"), "turn")
	mustEncrypt(f, &alice, "lost")
	m := mustEncrypt(f, &alice, "y")
	mustDecrypt(f, &bob, m, "y")
	f.Add(bob.Marshal(), bob.MarshalSkipped())
	f.Fuzz(func(t *testing.T, small, skipped []byte) {
		s, err := ratchet.Unmarshal(small)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Marshal(), small) {
			t.Fatal("a state came back changed")
		}
		if s, err = s.WithSkipped(skipped); err != nil {
			return
		}
		if !bytes.Equal(s.Marshal(), small) || !bytes.Equal(s.MarshalSkipped(), skipped) {
			t.Fatal("skipped keys came back changed")
		}
		_, _, _ = s.Decrypt(m, rand.Reader)
		_, _, _ = s.Encrypt(nil, ratchet.DerivedIV())
	})
}

// FuzzDecrypt: of all messages only the genuine ones open, and a refused one changes
// nothing.
func FuzzDecrypt(f *testing.F) {
	alice, bob := sessionPair(f)
	late := mustEncrypt(f, &alice, "late")
	mustDecrypt(f, &bob, mustEncrypt(f, &alice, "x"), "x")
	mustDecrypt(f, &alice, mustEncrypt(f, &bob, "turn"), "turn")
	genuine := []ratchet.Message{late, mustEncrypt(f, &alice, "next"), mustEncrypt(f, &alice, "after")}
	for _, m := range genuine {
		f.Add(m.Header.Key.Compressed(), m.Header.N, m.Header.PN, m.Payload)
	}
	before := stored(bob)
	f.Fuzz(func(t *testing.T, ratchetKey []byte, n, pn uint32, payload []byte) {
		p, _ := key.ParsePublic(ratchetKey)
		m := ratchet.Message{Header: ratchet.Header{Key: p, N: n, PN: pn}, Payload: payload}
		_, _, err := bob.Decrypt(m, rand.Reader)
		if !bytes.Equal(before, stored(bob)) {
			t.Fatal("Decrypt changed the value it was called on")
		}
		known := false
		for _, g := range genuine {
			known = known || g.Header == m.Header && bytes.Equal(g.Payload, payload)
		}
		if known != (err == nil) {
			t.Fatalf("genuine %v: %v", known, err)
		}
	})
}
