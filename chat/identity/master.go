package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/btcutil/hdkeychain"
	"github.com/btcsuite/btcd/chaincfg"

	"libstatus1to1/chat/protocol/key"
)

// ChatPath is the derivation path from the master key to the chat key.
//
// Spec: 2/ACCOUNT, "Public/Private Keypairs"; EIP-1581.
const ChatPath = "m/43'/60'/1581'/0'/0"

// maxPathDepth bounds a derivation path; Status's own have 5 steps, BIP-32 allows 255.
const maxPathDepth = 16

// What deriving can fail with.
var (
	// ErrNoPhrase: the zero Phrase or the zero Master was used.
	ErrNoPhrase = errors.New("identity: no seed phrase")
	// ErrPath: not a path like m/43'/60'/1581'/0'/0.
	ErrPath = errors.New("identity: malformed derivation path")
	// ErrDerive: the path leads to no valid key, which happens once in 2^127. Try
	// another path.
	ErrDerive = errors.New("identity: no key at this path")
)

// Master is the BIP-32 master key of a phrase. It redacts itself. The zero value is not
// a key.
type Master struct {
	extended *hdkeychain.ExtendedKey
	key      key.Private
}

// NewMaster derives the master key. passphrase is BIP-39's optional one, empty in the
// Status app; another passphrase gives another, equally valid, account. It takes 2048
// rounds of PBKDF2: keep the result to derive several keys.
//
// Spec: BIP-39 "From mnemonic to seed", BIP-32 "Master key generation".
func NewMaster(p Phrase, passphrase string) (Master, error) {
	if p.IsZero() {
		return Master{}, ErrNoPhrase
	}
	seed := p.seed(passphrase)
	defer clear(seed)
	return masterFromSeed(seed)
}

func masterFromSeed(seed []byte) (Master, error) {
	// The network only marks the printed form, which is never made.
	extended, err := hdkeychain.NewMaster(seed, &chaincfg.MainNetParams)
	if err != nil {
		return Master{}, ErrDerive
	}
	k, err := private(extended)
	if err != nil {
		return Master{}, err
	}
	// The library works out the public key on first use and keeps it: have it done before
	// several goroutines share the Master.
	if _, err := extended.ECPubKey(); err != nil {
		return Master{}, ErrDerive
	}
	return Master{extended, k}, nil
}

// ChatKey is the chat key (IK) of a phrase: its private key at ChatPath. passphrase as
// for NewMaster.
//
// Spec: 2/ACCOUNT, "Public/Private Keypairs".
func ChatKey(p Phrase, passphrase string) (key.Private, error) {
	m, err := NewMaster(p, passphrase)
	if err != nil {
		return key.Private{}, err
	}
	return m.Derive(ChatPath)
}

// Derive is the private key at a path like m/43'/60'/1581'/0'/0, a ' or h after a step
// making it hardened. Errors: ErrNoPhrase, ErrPath, ErrDerive.
//
// Spec: BIP-32 "Child key derivation functions", leading zeros kept as it says.
func (m Master) Derive(path string) (key.Private, error) {
	if m.extended == nil {
		return key.Private{}, ErrNoPhrase
	}
	steps, err := parsePath(path)
	if err != nil {
		return key.Private{}, err
	}
	k := m.extended
	for _, i := range steps {
		if k, err = k.Derive(i); err != nil {
			return key.Private{}, ErrDerive
		}
	}
	return private(k)
}

// Public is the public key of the master key.
func (m Master) Public() key.Public { return m.key.Public() }

// KeyUID returns status-go's name for an account: 0x and the SHA-256 of the
// uncompressed master public key, in lower-case hex. It is empty for the zero Master.
func (m Master) KeyUID() string {
	if m.extended == nil {
		return ""
	}
	sum := sha256.Sum256(m.Public().Uncompressed())
	return "0x" + hex.EncodeToString(sum[:])
}

func private(k *hdkeychain.ExtendedKey) (key.Private, error) {
	ec, err := k.ECPrivKey()
	if err != nil {
		return key.Private{}, ErrDerive
	}
	b := ec.Serialize()
	defer clear(b)
	p, err := key.ParsePrivate(b)
	if err != nil {
		return key.Private{}, ErrDerive
	}
	return p, nil
}

// parsePath reads m, then steps: decimal below 2^31, ' or h for hardened.
func parsePath(path string) ([]uint32, error) {
	parts := strings.Split(path, "/")
	if parts[0] != "m" || len(parts) > 1+maxPathDepth {
		return nil, ErrPath
	}
	steps := make([]uint32, 0, len(parts)-1)
	for place, part := range parts[1:] {
		digits := strings.TrimRight(part, "'h")
		if len(part)-len(digits) > 1 || strings.HasPrefix(digits, "+") {
			return nil, fmt.Errorf("%w: step %d", ErrPath, place+1)
		}
		i, err := strconv.ParseUint(digits, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("%w: step %d", ErrPath, place+1)
		}
		if len(part) > len(digits) {
			i += hdkeychain.HardenedKeyStart
		}
		steps = append(steps, uint32(i))
	}
	return steps, nil
}
