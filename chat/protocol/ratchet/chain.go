package ratchet

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"math"

	"libstatus1to1/chat/protocol/key"
)

// Constants of the deployed key derivations.
const (
	rootInfo     = "rsZUpEuXUqqwXBvSy3EcievAh4cMj6QL" // HKDF info of KDF_RK
	rootSize     = 96                                 // root key, chain key, a header key nobody uses
	chainInput   = 0x0f                               // KDF_CK: HMAC input for the next chain key
	messageInput = 0x10                               // KDF_CK: HMAC input for the message key
)

// chain is a symmetric-key ratchet: CK and the number of steps taken.
type chain struct {
	key key.Secret
	n   uint32
}

// step is KDF_CK: the chain after this message, and this message's key.
//
// Spec: 53/WAKU2-X3DH, "4. Message key derivation".
func (c chain) step() (next chain, mk key.Secret, err error) {
	if c.n == math.MaxUint32 {
		return c, mk, ErrExhausted
	}
	mac := hmac.New(sha256.New, c.key[:])
	mac.Write([]byte{chainInput})
	mac.Sum(next.key[:0])
	mac.Reset()
	mac.Write([]byte{messageInput})
	mac.Sum(mk[:0])
	next.n = c.n + 1
	return next, mk, nil
}

// gap returns the number of messages between the next one of the chain and message n.
// It refuses anything but 0 <= gap <= MaxSkip before a key is derived, so that a forged
// number costs no work.
func (c chain) gap(n uint32) (int, error) {
	switch {
	case n < c.n:
		return 0, ErrKeyGone
	case uint64(n) > uint64(c.n)+MaxSkip:
		return 0, ErrSkip
	}
	return int(n - c.n), nil
}

// skipTo steps the chain until its next message is n, and collects the keys on the way.
func (c chain) skipTo(n uint32) (chain, []skippedKey, error) {
	gap, err := c.gap(n)
	if err != nil || gap == 0 {
		return c, nil, err
	}
	keys := make([]skippedKey, gap)
	for i := range keys {
		keys[i].n = c.n
		if c, keys[i].key, err = c.step(); err != nil {
			return c, nil, err
		}
	}
	return c, keys, nil
}

// stepRoot is KDF_RK over the agreement of two ratchet keys: the next root key and the
// chain it starts.
//
// Spec: 53/WAKU2-X3DH, "3. Chain key update".
func stepRoot(root key.Secret, own key.Private, remote key.Public) (key.Secret, chain, error) {
	shared, err := own.ECDH(remote)
	if err != nil {
		return key.Secret{}, chain{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	out, err := hkdf.Key(sha256.New, shared[:], root[:], rootInfo, rootSize)
	if err != nil {
		return key.Secret{}, chain{}, fmt.Errorf("ratchet: deriving a root key: %w", err)
	}
	defer clear(out)
	return key.Secret(out[:32]), chain{key: key.Secret(out[32:64])}, nil
}
