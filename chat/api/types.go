package api

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"libstatus1to1/chat"
	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
)

// redacted is printed in place of a secret.
const redacted = "[redacted]"

// Key is a public key in a request: 0x04..., 0x02..., 0x03..., zQ3sh... or another
// multibase, did:key:..., or a Status link (https://status.app/u#zQ3sh...), as people paste
// them: see identity.ParsePerson.
// Spec: 2/ACCOUNT, "Chat key", "Key Encoding".
type Key struct{ key.Public }

func (k *Key) setText(s string) *chat.Error {
	l, err := identity.ParsePerson(s)
	if err != nil {
		return badKey(err)
	}
	k.Public = l.Key
	return nil
}

// badKey tells what was given in place of a public key, without repeating it: it may be
// a private key.
func badKey(err error) *chat.Error {
	for _, known := range []struct {
		err         error
		cause, text string
	}{
		{identity.ErrENS, "ens_name", "this is an ENS name, which this library cannot look up: give the key or a link with the key"},
		{identity.ErrAddress, "ethereum_address", "this is an Ethereum address, from which no key follows: give the chat key"},
		{identity.ErrSecretKey, "private_key", "this has the length of a private key, which nobody is to be given: give the public key"},
		{identity.ErrLink, "link", "this is no Status link to a person, or it is cut"},
	} {
		if errors.Is(err, known.err) {
			return chat.Errorf(chat.CodeBadKey, "", "%s", known.text).Because(err).With("cause", known.cause)
		}
	}
	return chat.Errorf(chat.CodeBadKey, "", "this is no public key, or it is mistyped: give a chat key (zQ3sh...), 0x04..., 0x02..., 0x03... or a Status link").Because(err).With("cause", "other_text")
}

// PrivateKey is a secp256k1 private key in a request: 64 hex digits, with or without 0x.
// It does not print.
type PrivateKey struct{ key.Private }

func (k *PrivateKey) setText(s string) *chat.Error {
	digits := strings.ToLower(text.Squeeze(s))
	raw, ok := fromHex("0x"+strings.TrimPrefix(digits, "0x"), key.PrivateSize)
	if !ok {
		return chat.Errorf(chat.CodeBadKey, "", "must be %d hex digits", 2*key.PrivateSize)
	}
	p, err := key.ParsePrivate(raw)
	if err != nil {
		return chat.Errorf(chat.CodeBadKey, "", "not a private key of secp256k1").Because(err)
	}
	k.Private = p
	return nil
}

// messageIDSize is the size of a message id in bytes (a Keccak-256).
const messageIDSize = 32

// MessageID is the id of a message in a request: 0x and 64 lower-case hex digits.
// Spec: 62/STATUS-PAYLOADS, "Message id".
type MessageID [messageIDSize]byte

func (m *MessageID) setText(s string) *chat.Error {
	raw, ok := fromHex(s, messageIDSize)
	if !ok || s != strings.ToLower(s) {
		return chat.Errorf(chat.CodeBadParams, "", "must be 0x and %d lower-case hex digits", 2*messageIDSize)
	}
	copy(m[:], raw)
	return nil
}

// storeKeySize is the size of the key of a store in bytes.
const storeKeySize = 32

// StoreKey is the 32-byte key of a store, from the host's keychain: standard
// base64 in JSON. It does not print.
type StoreKey struct{ bytes []byte }

func (k *StoreKey) setText(s string) *chat.Error {
	encoding := base64.StdEncoding.Strict()
	raw, err := encoding.DecodeString(s)
	// The length check also refuses line breaks, which Go's decoder skips.
	if err != nil || len(raw) != storeKeySize || len(s) != encoding.EncodedLen(storeKeySize) {
		return chat.Errorf(chat.CodeBadParams, "", "must be %d bytes in standard base64", storeKeySize)
	}
	k.bytes = raw
	return nil
}

// Bytes returns the key itself; nil when none was given.
func (k StoreKey) Bytes() []byte { return k.bytes }

// Format redacts.
func (k StoreKey) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText redacts.
func (k StoreKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Secret is a string that must not reach a log: a seed phrase or a passphrase.
// JSON carries it, fmt does not print it.
type Secret string

// Format redacts.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// fromHex reads 0x followed by exactly size bytes.
func fromHex(s string, size int) ([]byte, bool) {
	digits, ok := strings.CutPrefix(s, "0x")
	if !ok || len(digits) != 2*size {
		return nil, false
	}
	raw, err := hex.DecodeString(digits)
	return raw, err == nil
}
