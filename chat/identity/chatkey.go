package identity

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-varint"

	"libstatus1to1/chat/protocol/key"
)

// ErrChatKey: the text is no chat key. The error that wraps it says what is wrong, and
// does not repeat the text: people paste the wrong thing, a seed phrase for one.
var ErrChatKey = errors.New("identity: not a chat key")

const (
	// multicodec of a compressed secp256k1 public key.
	codecSecp256k1Pub = 0xe7
	// maxChatKeyText is the longest form, 0x and 65 bytes of hex. It also bounds base58,
	// whose decoding time grows with the square of the length.
	maxChatKeyText = 2 + 2*key.UncompressedSize
)

// FormatChatKey is the form Status shows: zQ3sh..., the base58btc multibase of the
// compressed key after its multicodec. Empty for no key.
//
// Spec: 2/ACCOUNT, "Public Key Serialization".
func FormatChatKey(p key.Public) string {
	if p.IsZero() {
		return ""
	}
	text, err := multibase.Encode(multibase.Base58BTC, append(varint.ToUvarint(codecSecp256k1Pub), p.Compressed()...))
	if err != nil {
		return "" // base58btc is always there
	}
	return text
}

// ParseChatKey reads a chat key in any form in use: uncompressed or compressed hex, with
// or without 0x, letters of either case; or zQ3sh.... Nothing may stand around it.
// Error: ErrChatKey with a reason.
//
// Spec: 2/ACCOUNT, "Public Key Serialization".
func ParseChatKey(text string) (key.Public, error) {
	switch {
	case text == "":
		return key.Public{}, badChatKey("it is empty")
	case len(text) > maxChatKeyText:
		return key.Public{}, badChatKey("it is too long")
	}
	raw, err := chatKeyBytes(text)
	if err != nil {
		return key.Public{}, err
	}
	p, err := key.ParsePublic(raw)
	if err != nil {
		return key.Public{}, badChatKey("it is not a point of secp256k1")
	}
	return p, nil
}

// chatKeyBytes undoes the text encoding and checks the length.
func chatKeyBytes(text string) ([]byte, error) {
	if text[0] == 'z' {
		return multibaseBytes(text)
	}
	raw, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		return nil, badChatKey("it is neither hex nor zQ3sh...")
	}
	if len(raw) != key.CompressedSize && len(raw) != key.UncompressedSize {
		return nil, badChatKey("it is not 33 or 65 bytes of hex")
	}
	return raw, nil
}

func multibaseBytes(text string) ([]byte, error) {
	_, b, err := multibase.Decode(text)
	if err != nil {
		return nil, badChatKey("it is not base58btc after the z")
	}
	codec, n, err := varint.FromUvarint(b)
	if err != nil || codec != codecSecp256k1Pub {
		return nil, badChatKey("it is a key of another kind")
	}
	if len(b)-n != key.CompressedSize {
		return nil, badChatKey("it is not 33 bytes after the multicodec")
	}
	return b[n:], nil
}

func badChatKey(reason string) error { return fmt.Errorf("%w: %s", ErrChatKey, reason) }
