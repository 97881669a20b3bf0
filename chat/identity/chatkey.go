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

// ErrChatKey: the text is not a chat key. The error that wraps it gives the reason and
// does not repeat the text: people sometimes paste the wrong thing, such as a seed
// phrase.
var ErrChatKey = errors.New("identity: not a chat key")

const (
	// multicodec of a secp256k1 public key, compressed or not.
	codecSecp256k1Pub = 0xe7
	// maxChatKeyText is the longest form: a multibase of one letter a bit (base2), over
	// multicodec and uncompressed key. It also bounds base58, whose decoding time grows
	// with the square of the length.
	maxChatKeyText = 1 + 8*(2+key.UncompressedSize)
)

// FormatChatKey is the form Status shows: zQ3sh..., the base58btc multibase of the
// compressed key after its multicodec. Empty for no key.
//
// Spec: 2/ACCOUNT, "Public Key Serialization".
func FormatChatKey(p key.Public) string {
	text, _ := FormatChatKeyIn(p, multibase.Base58BTC)
	return text
}

// FormatChatKeyIn is FormatChatKey in another multibase. Empty for no key. Error: one
// the library does not know (base8, base10 and base32z of the list in 2/ACCOUNT).
//
// Spec: 2/ACCOUNT, "Key Encoding".
func FormatChatKeyIn(p key.Public, base multibase.Encoding) (string, error) {
	if p.IsZero() {
		return "", nil
	}
	return multibase.Encode(base, append(varint.ToUvarint(codecSecp256k1Pub), p.Compressed()...))
}

// ParseChatKey reads a chat key in any form in use: 33 or 65 bytes of hex, with or
// without 0x, letters of either case; or any multibase of the multicodec 0xe7 and the
// key, compressed or not, zQ3sh... being the usual one, 0xe701... another way to write
// the multibase f. Nothing may stand around it.
// Error: ErrChatKey with a reason.
//
// Spec: 2/ACCOUNT, "Public Key Serialization", "Key Encoding".
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
	digits, prefixed := strings.CutPrefix(text, "0x")
	if prefixed || plainHex(len(text)) {
		raw, err := hex.DecodeString(digits)
		switch {
		case err == nil && isKeySize(len(raw)):
			return raw, nil
		case prefixed && err == nil:
			return afterCodec(raw)
		case prefixed:
			return nil, badChatKey("it is not hex after the 0x")
		}
	}
	_, raw, err := multibase.Decode(text)
	if err != nil {
		return nil, badChatKey("it is neither hex nor a multibase such as zQ3sh...")
	}
	return afterCodec(raw)
}

// plainHex reports whether hex without 0x of a key has this length. No multibase of a
// key that begins with 0 has it.
func plainHex(length int) bool {
	return length%2 == 0 && isKeySize(length/2)
}

func isKeySize(n int) bool { return n == key.CompressedSize || n == key.UncompressedSize }

// afterCodec takes the multicodec off.
func afterCodec(b []byte) ([]byte, error) {
	codec, n, err := varint.FromUvarint(b)
	if err != nil || codec != codecSecp256k1Pub {
		return nil, badChatKey("it is a key of another kind")
	}
	if !isKeySize(len(b) - n) {
		return nil, badChatKey("it is not 33 or 65 bytes after the multicodec")
	}
	return b[n:], nil
}

func badChatKey(reason string) error { return fmt.Errorf("%w: %s", ErrChatKey, reason) }
