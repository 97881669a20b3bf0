package store

import (
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"libstatus1to1/chat/port"
	"libstatus1to1/chat/protocol/key"
)

// Argon2Params is the cost of turning a passphrase into the master key
// (Argon2id, RFC 9106). The zero value stands for DefaultArgon2.
type Argon2Params struct {
	Time      uint32 // passes over the memory
	MemoryKiB uint32
	Threads   uint8
}

// DefaultArgon2 is the second recommended choice of RFC 9106, section 4: 64 MiB,
// 3 passes, 4 lanes. About 0.1 s on a desktop, below 1 s on a phone.
var DefaultArgon2 = Argon2Params{Time: 3, MemoryKiB: 64 << 10, Threads: 4}

// Limits of the parameters, also of those read from a file: a prepared file must not
// make us use all memory or compute for minutes before the passphrase is even known to
// be wrong.
const (
	maxArgonTime      = 16
	maxArgonMemoryKiB = 512 << 10
	maxArgonThreads   = 16
)

func (p Argon2Params) orDefault() Argon2Params {
	if p == (Argon2Params{}) {
		return DefaultArgon2
	}
	return p
}

// valid reports whether p is within the bounds. Argon2 wants 8 KiB a lane.
func (p Argon2Params) valid() bool {
	return p.Time >= 1 && p.Time <= maxArgonTime &&
		p.Threads >= 1 && p.Threads <= maxArgonThreads &&
		p.MemoryKiB >= 8*uint32(p.Threads) && p.MemoryKiB <= maxArgonMemoryKiB
}

// atLeast returns p with each cost raised to that of other if other's is higher.
func (p Argon2Params) atLeast(other Argon2Params) Argon2Params {
	return Argon2Params{max(p.Time, other.Time), max(p.MemoryKiB, other.MemoryKiB), max(p.Threads, other.Threads)}
}

// normalPassphrase is the form of a passphrase that new stores are made with: NFKC, so
// that it does not matter how a keyboard composes what it types. (Unicode Standard
// Annex 15.)
func normalPassphrase(passphrase string) string { return norm.NFKC.String(passphrase) }

// passphraseForms are the forms of a passphrase to try, in order. Stores of the first
// versions of this library were made with the bytes as they came.
func passphraseForms(passphrase string) []string {
	normal := normalPassphrase(passphrase)
	if normal == passphrase {
		return []string{normal}
	}
	return []string{normal, passphrase}
}

// derive is Argon2id of the bytes of one form of a passphrase.
func (p Argon2Params) derive(passphrase string, salt []byte) (master key.Secret) {
	copy(master[:], argon2.IDKey([]byte(passphrase), salt, p.Time, p.MemoryKiB, p.Threads, uint32(len(master))))
	return master
}

// Options say how Open opens a store.
type Options struct {
	// Path is the path of the file. A missing file is created; its directory must
	// exist.
	Path string
	// Passphrase or Key: exactly one of them. All Unicode normal forms of a passphrase
	// count as the same; one that is wrong and not in form NFKC costs two derivations.
	Passphrase string
	// Key is a 32-byte master key, from the host's keychain, in place of a passphrase.
	Key []byte
	// KDF is used for a new store; an existing store has its own parameters.
	// ChangePassphrase uses the larger of each parameter. Zero means DefaultArgon2. It
	// is ignored with Key.
	KDF Argon2Params
	// Rand is read for keys, salts and nonces; see port.Randomness.
	Rand port.Randomness
	// NoSync leaves out fsync: a crash of the machine can destroy the store. For
	// tests and benchmarks only.
	NoSync bool

	scanAtOnce int64           // for tests; 0: the constant
	walkAfter  <-chan struct{} // for tests: the walk in the background waits for it
}

func (o Options) wholeUpTo() int64 {
	if o.scanAtOnce != 0 {
		return o.scanAtOnce
	}
	return scanAtOnce
}

// String leaves the secrets out.
func (o Options) String() string {
	return fmt.Sprintf("{Path:%s KDF:%v NoSync:%v [redacted]}", o.Path, o.KDF, o.NoSync)
}

// Format prints String for every verb.
func (o Options) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(o.String())) }

// MarshalText gives String, so that JSON, XML and log encoders leave the secrets out too.
func (o Options) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

func (o Options) validate() error {
	switch {
	case o.Path == "":
		return port.Errorf(port.CodeBadConfig, "store.path", "the path is empty")
	case len(o.Key) > 0 && o.Passphrase != "":
		return port.Errorf(port.CodeBadConfig, "store.key", "give a passphrase or a key, not both")
	case len(o.Key) > 0 && len(o.Key) != len(key.Secret{}):
		return port.Errorf(port.CodeBadConfig, "store.key", "the key must be 32 bytes")
	case len(o.Key) == 0 && normalPassphrase(o.Passphrase) == "":
		return port.Errorf(port.CodeBadConfig, "store.passphrase", "the passphrase is empty")
	case !o.KDF.orDefault().valid():
		return port.Errorf(port.CodeBadConfig, "store.kdf", "the Argon2id parameters are out of bounds")
	}
	return nil
}
