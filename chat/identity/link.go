package identity

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/andybalholm/brotli"
	"google.golang.org/protobuf/proto"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// What reading a Status link can fail with.
var (
	// ErrLink: the text is not a link to a person. The error that wraps it gives the
	// reason.
	ErrLink = errors.New("identity: not a Status link to a person")
	// ErrLinkENS: the link names a person by ENS name, which needs an Ethereum node.
	ErrLinkENS = errors.New("identity: the link has an ENS name, not a key")
)

// Link is the content of a Status link. Anybody can make a link with any content: only
// the key can be relied on.
type Link struct {
	Key         key.Public
	DisplayName string // may be empty
	Description string // may be empty
	// Card is the bytes of a contact card, or empty. The Status app ignores them. They are
	// taken as they are: package card verifies them.
	Card string
}

const (
	// linkPrefix begins links to persons; the app also takes appPrefix.
	linkPrefix = "https://status.app/u"
	appPrefix  = "status-app://u"
	// maxLinkText bounds a whole link, and maxLinkData what is in it once unpacked: what
	// the Status app reads.
	maxLinkText = 8192
	maxLinkData = 4096
)

// IsLink reports whether text begins like a link to a person.
func IsLink(text string) bool {
	_, ok := afterPrefix(text)
	return ok
}

func afterPrefix(text string) (rest string, ok bool) {
	for _, prefix := range []string{linkPrefix, appPrefix} {
		if rest, ok = strings.CutPrefix(text, prefix); ok && rest != "" && (rest[0] == '#' || rest[0] == '/') {
			return rest, true
		}
	}
	return "", false
}

// FormatLink is the link to a person without anything but the key:
// https://status.app/u#zQ3sh.... Empty for no key.
func FormatLink(p key.Public) string {
	if p.IsZero() {
		return ""
	}
	return linkPrefix + "#" + FormatChatKey(p)
}

// Format is the link with the name, description and card in it:
// https://status.app/u/<data>#zQ3sh..., the data a LinkData, as a Brotli stream, in
// base64url. With none of them it is FormatLink. Error: ErrLink if they are not UTF-8 or
// do not fit.
func (l Link) Format() (string, error) {
	if l.DisplayName == "" && l.Description == "" && l.Card == "" {
		return FormatLink(l.Key), nil
	}
	user, err := proto.Marshal(&wire.LinkUser{DisplayName: l.DisplayName, Description: l.Description})
	if err != nil {
		return "", badLink("the name or description is not UTF-8")
	}
	data, err := proto.Marshal(&wire.LinkData{Content: user, Card: []byte(l.Card)})
	if err != nil {
		return "", badLink("the data cannot be encoded")
	}
	if len(data) > maxLinkData {
		return "", badLink("the name, description and card are too long")
	}
	return linkPrefix + "/" + base64.URLEncoding.EncodeToString(stored(data)) + "#" + FormatChatKey(l.Key), nil
}

// stored is a Brotli stream with data as it is, in one uncompressed meta-block: a name
// and a few words get no shorter by compressing them, and the compressor would make
// the library a megabyte larger. data has 1 to 65536 bytes.
//
// Spec: RFC 7932, section 9.2: a window of 16 bits; then not the last block, length in
// four nibbles, uncompressed; and an empty last block.
func stored(data []byte) []byte {
	head := uint32(len(data)-1)<<4 | 1<<20
	packed := append([]byte{byte(head), byte(head >> 8), byte(head >> 16)}, data...)
	return append(packed, 0b11)
}

// ParseLink reads a Status link to a person, in either form. Errors: ErrLinkENS;
// ErrLink with a reason.
func ParseLink(text string) (Link, error) {
	if len(text) > maxLinkText {
		return Link{}, badLink("it is too long")
	}
	rest, ok := afterPrefix(text)
	if !ok {
		return Link{}, badLink("it does not begin with " + linkPrefix)
	}
	data, chatKey, ok := strings.Cut(rest, "#")
	if !ok {
		return Link{}, badLink("the key after # is missing")
	}
	p, err := ParseChatKey(chatKey)
	if err != nil {
		if strings.Contains(chatKey, ".") {
			return Link{}, ErrLinkENS
		}
		return Link{}, badLink("what stands after # is no key")
	}
	l := Link{Key: p}
	if data = strings.TrimPrefix(data, "/"); data == "" {
		return l, nil
	}
	whole, user, err := linkData(data)
	if err != nil {
		return Link{}, err
	}
	l.DisplayName, l.Description, l.Card = user.GetDisplayName(), user.GetDescription(), string(whole.GetCard())
	return l, nil
}

// linkData unpacks the data of a link, and what they say about a person.
func linkData(text string) (*wire.LinkData, *wire.LinkUser, error) {
	// Programs that pass links on may escape or cut the padding.
	text = strings.TrimRight(strings.NewReplacer("%3D", "=", "%3d", "=").Replace(text), "=")
	packed, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, nil, badLink("the data is not base64url")
	}
	data, err := io.ReadAll(io.LimitReader(brotli.NewReader(bytes.NewReader(packed)), maxLinkData+1))
	if err != nil || len(data) > maxLinkData {
		return nil, nil, badLink("the data is not compressed as it should be, or too much")
	}
	var whole wire.LinkData
	var user wire.LinkUser
	if proto.Unmarshal(data, &whole) != nil || proto.Unmarshal(whole.GetContent(), &user) != nil {
		return nil, nil, badLink("the data is not that of a person")
	}
	return &whole, &user, nil
}

func badLink(reason string) error { return fmt.Errorf("%w: %s", ErrLink, reason) }
