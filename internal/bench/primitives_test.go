package bench

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/protocol/topic"
)

// The primitives, by the name they have in sums and in bench.json.
const (
	sign    = "sign"    // ECDSA over secp256k1, with its Keccak-256
	signer  = "recover" // the signer of a signature, with its Keccak-256
	agree   = "ecdh"    // ECDH over secp256k1
	draw    = "keygen"  // a secp256k1 key from randomness
	expand  = "point"   // decompressing a public key of 33 bytes
	gcm     = "gcm"     // AES-256-GCM of an envelope
	hashes  = "hash"    // a Keccak-256 or SHA-256 of a message
	chain   = "kdf"     // a ratchet step: 2 HMAC, and the HKDF of the message keys
	ctr     = "ctr+mac" // AES-256-CTR and HMAC-SHA256 of a message
	aead    = "aead"    // XChaCha20-Poly1305 of a record of the store, either way
	place   = "name"    // the keyed hash that names a record on disk
	slow    = "pbkdf2"  // the key of a topic
	syncing = "fsync"   // fdatasync of 16 KiB
	decode  = "jpeg"    // decoding the picture of BenchmarkPicture

	// The same of bulkBytes: what large envelopes and pictures take a byte. What a small piece
	// takes is mostly setting up.
	hashBulk = "hash-64k" // Keccak-256
	shaBulk  = "sha-64k"  // SHA-256
	gcmBulk  = "gcm-64k"
	ctrBulk  = "ctr+mac-64k"
	aeadBulk = "aead-64k"
)

// Typical sizes in bytes.
const (
	recordBytes   = 350
	messageBytes  = 300
	envelopeBytes = 768
	bulkBytes     = 64 << 10
)

// sum is how many of each primitive an operation takes.
type sum map[string]float64

// plus adds sums; times multiplies one.
func (s sum) plus(others ...sum) sum {
	all := sum{}
	for _, o := range append(others, s) {
		for name, n := range o {
			all[name] += n
		}
	}
	return all
}

func (s sum) times(n float64) sum {
	all := sum{}
	for name, k := range s {
		all[name] = k * n
	}
	return all
}

func (s sum) ns() float64 {
	total := 0.0
	for name, n := range s {
		total += n * best[name]
	}
	return total
}

// best is the fastest time of each primitive seen in this run, ns.
var best = map[string]float64{}

var primitives = sync.OnceValue(func() map[string]func() {
	a, err := key.Generate(rand.Reader)
	b, err2 := key.Generate(rand.Reader)
	if err != nil || err2 != nil {
		panic("no randomness")
	}
	message, record := make([]byte, messageBytes), make([]byte, recordBytes)
	signature, _ := a.Sign(key.Keccak256(message))
	compressed := b.Public().Compressed()
	symmetric := key.Secret{1}
	block, _ := aes.NewCipher(symmetric[:])
	envelope, _ := cipher.NewGCM(block)
	store, _ := chacha20poly1305.NewX(symmetric[:])
	var nonce [chacha20poly1305.NonceSizeX]byte
	names := hmac.New(sha256.New, symmetric[:])
	plain, bulk := make([]byte, envelopeBytes), make([]byte, bulkBytes)
	sealed := make([]byte, 0, bulkBytes+64)
	return map[string]func(){
		sign:   func() { _, _ = a.Sign(key.Keccak256(message)) },
		signer: func() { _, _ = key.Recover(key.Keccak256(message), signature) },
		agree:  func() { _, _ = a.ECDH(b.Public()) },
		draw:   func() { _, _ = key.Generate(rand.Reader) },
		expand: func() { _, _ = key.ParsePublic(compressed) },
		gcm:    func() { envelope.Seal(nil, nonce[:12], plain, nil) },
		hashes: func() { key.Keccak256(message) },
		aead: func() {
			_, _ = rand.Read(nonce[:])
			store.Seal(nil, nonce[:], record, nonce[:])
		},
		place: func() { names.Reset(); names.Write(message[:49]); names.Sum(nil) },
		chain: func() {
			m := hmac.New(sha256.New, symmetric[:])
			m.Write(message[:1])
			m.Sum(nil)
			m.Reset()
			m.Write(message[:1])
			m.Sum(nil)
			_, _ = hkdf.Key(sha256.New, symmetric[:], nonce[:], "", 80)
		},
		ctr: func() {
			c, _ := aes.NewCipher(symmetric[:])
			cipher.NewCTR(c, nonce[:16]).XORKeyStream(plain, plain)
			m := hmac.New(sha256.New, symmetric[:])
			m.Write(plain)
			m.Sum(nil)
		},
		slow:     func() { topic.SymmetricKey("name") },
		hashBulk: func() { key.Keccak256(bulk) },
		shaBulk:  func() { sha256.Sum256(bulk) },
		gcmBulk:  func() { envelope.Seal(sealed, nonce[:12], bulk, nil) },
		aeadBulk: func() { store.Seal(sealed, nonce[:], bulk, nil) },
		ctrBulk: func() {
			cipher.NewCTR(block, nonce[:16]).XORKeyStream(bulk, bulk)
			names.Reset()
			names.Write(bulk)
			names.Sum(nil)
		},
	}
})

// measurePrimitives takes each primitive several times, in rounds spread over the
// run: on a shared machine the fastest round is the one that was alone.
func measurePrimitives() {
	const rounds, long = 20, 2 * time.Millisecond
	for name, f := range primitives() {
		n := 1
		for start := time.Now(); time.Since(start) < long; n++ {
			f()
		}
		for range rounds {
			start := time.Now()
			for range n {
				f()
			}
			note(name, time.Since(start), n)
			if name == slow && n == 1 {
				break
			}
		}
	}
}

func note(name string, d time.Duration, n int) {
	per := float64(d) / float64(n)
	if old, ok := best[name]; !ok || per < old {
		best[name] = per
	}
}

// BenchmarkPrimitives comes first and shows them in the harness's own output.
func BenchmarkPrimitives(b *testing.B) {
	for name, f := range primitives() {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				f()
			}
			note(name, b.Elapsed(), b.N)
		})
	}
	b.Run(syncing, func(b *testing.B) {
		f, err := os.CreateTemp(benchDir(b), "sync")
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		page := make([]byte, 16384)
		for i := 0; b.Loop(); i++ {
			if _, err := f.WriteAt(page, int64(i%64)*int64(len(page))); err != nil {
				b.Fatal(err)
			}
			if err := syscall.Fdatasync(int(f.Fd())); err != nil {
				b.Fatal(err)
			}
		}
		note(syncing, b.Elapsed(), b.N)
	})
}
