package ratchet_test

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"testing"
	"time"

	"libstatus1to1/chat/protocol/ratchet"
)

const benchSize = 1024 // bytes of plaintext

// primitives is the least one message can cost: two HMACs for the chain, one HKDF,
// AES-CTR and the HMAC over the message.
func primitives(ck, body []byte) {
	for _, input := range []byte{0x0f, 0x10} {
		m := hmac.New(sha256.New, ck)
		m.Write([]byte{input})
		ck = m.Sum(nil)
	}
	keys, _ := hkdf.Key(sha256.New, ck, make([]byte, 32), "pcwSByyx2CRdryCffXJwy7xgVZWtW5Sh", 80)
	block, _ := aes.NewCipher(keys[:32])
	cipher.NewCTR(block, keys[64:]).XORKeyStream(body, body)
	m := hmac.New(sha256.New, keys[32:64])
	m.Write(body)
	m.Sum(nil)
}

// reportRatio adds "x-primitives": how much more a message costs than its primitives,
// measured in the same run.
func reportRatio(b *testing.B) {
	b.StopTimer()
	ck, body := make([]byte, 32), make([]byte, benchSize)
	start := time.Now()
	for range b.N {
		primitives(ck, body)
	}
	b.ReportMetric(float64(b.Elapsed())/float64(time.Since(start)), "x-primitives")
}

func BenchmarkEncrypt(b *testing.B) {
	alice, _ := sessionPair(b)
	text, iv := make([]byte, benchSize), ratchet.RandomIV(rand.Reader)
	for b.Loop() {
		alice, _, _ = alice.Encrypt(text, iv)
	}
	reportRatio(b)
}

// BenchmarkDecryptInOrder is the cheap path: same chain, in order. Messages are made in
// advance and played again from the same state.
func BenchmarkDecryptInOrder(b *testing.B) {
	alice, bob := sessionPair(b)
	mustDecrypt(b, &bob, mustEncrypt(b, &alice, "first"), "first")
	messages := make([]ratchet.Message, 512)
	for i := range messages {
		messages[i] = mustEncrypt(b, &alice, string(make([]byte, benchSize)))
	}
	state, i := bob, 0
	for b.Loop() {
		next, _, err := state.Decrypt(messages[i], rand.Reader)
		if err != nil {
			b.Fatal(err)
		}
		if state, i = next, i+1; i == len(messages) {
			state, i = bob, 0
		}
	}
	reportRatio(b)
}

// BenchmarkPingPong is the dear path: every message brings a new ratchet key.
func BenchmarkPingPong(b *testing.B) {
	alice, bob := sessionPair(b)
	for b.Loop() {
		mustDecrypt(b, &bob, mustEncrypt(b, &alice, "ping"), "ping")
		alice, bob = bob, alice
	}
}

// BenchmarkForged is the most a forged message can cost.
func BenchmarkForged(b *testing.B) {
	alice, bob := sessionPair(b)
	mustDecrypt(b, &bob, mustEncrypt(b, &alice, "first"), "first")
	m := ratchet.Message{
		Header:  ratchet.Header{Key: generate(b).Public(), N: ratchet.MaxSkip, PN: 1 + ratchet.MaxSkip},
		Payload: make([]byte, benchSize),
	}
	for b.Loop() {
		if _, _, err := bob.Decrypt(m, rand.Reader); err == nil {
			b.Fatal("forged")
		}
	}
}

func BenchmarkStore(b *testing.B) {
	_, bob := sessionPair(b)
	stored := bob.Marshal()
	b.Run("Marshal", func(b *testing.B) {
		for b.Loop() {
			bob.Marshal()
		}
	})
	b.Run("Unmarshal", func(b *testing.B) {
		for b.Loop() {
			if _, err := ratchet.Unmarshal(stored); err != nil {
				b.Fatal(err)
			}
		}
	})
}
