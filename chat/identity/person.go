package identity

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/text"
)

// These errors tell what was pasted in place of a person's key. ErrChatKey and ErrLink
// cover the rest.
var (
	// ErrENS: an ENS name, which needs an Ethereum node to look up.
	ErrENS = errors.New("identity: an ENS name, not a key")
	// ErrAddress: the address of an Ethereum account, from which no key follows.
	ErrAddress = errors.New("identity: an Ethereum address, not a key")
	// ErrSecretKey: as long as a private key, which nobody is to be given.
	ErrSecretKey = errors.New("identity: perhaps a private key")
)

const (
	// maxPasted bounds what is looked at, in bytes: the longest link, and room for the
	// space and line breaks that copying leaves in it.
	maxPasted = 2 * maxLinkText
	// maxENS is the length of the longest DNS name, which an ENS name does not exceed.
	maxENS = 255
)

// Hosts of links to persons, in the order the Status app has had them, and the paths a
// person is under there.
var (
	linkHosts = []string{"status.app", "join.status.im", "get.status.im"}
	linkPaths = []string{"u", "user"}
	// appSchemes are the URL schemes of the app; the path follows them.
	appSchemes = []string{"status-app://", "status-im://"}
)

var (
	// ensName is a name as ENS has it, or one with an @ before it as Status shows it.
	ensName = regexp.MustCompile(`(?i)^(@[^@/#?:]+|[^@/#?:]+\.eth)$`)
	// address matches an account's address as wallets show it, alone or in a payment
	// link.
	address = regexp.MustCompile(`(?i)^(ethereum:)?(0x)?[0-9a-f]{40}(@[0-9]+)?$`)
	secret  = regexp.MustCompile(`(?i)^(0x)?[0-9a-f]{64}$`)
)

// around are the characters that stand around what is copied out of a sentence.
const around = "<>()[]{}\"'`«»“”„‘’‚*,.;:!?/|"

// ParsePerson reads what people share to identify themselves: a chat key in any form
// that ParseChatKey reads, also as a did:key, or a Status link of any age, with or
// without scheme and www and with tracking parameters. It ignores invisible characters,
// punctuation and quotes around the text, and upper case where case has no meaning.
// Errors: ErrENS, ErrAddress, ErrSecretKey, ErrLink, ErrChatKey, the last two with a
// reason. None repeats the text.
func ParsePerson(pasted string) (Link, error) {
	if len(pasted) > maxPasted {
		return Link{}, badChatKey("it is too long")
	}
	s := strings.Trim(text.Squeeze(pasted), around)
	if s == "" {
		return Link{}, badChatKey("it is empty")
	}
	if rest, ok := personPath(s); ok {
		return linkAt(rest)
	}
	if err := noKey(s); err != nil {
		return Link{}, err
	}
	p, err := ParseChatKey(keyText(s))
	if err != nil && strings.Contains(s, "://") {
		return Link{}, badLink("it is a link to something else")
	}
	return Link{Key: p}, err
}

// noKey recognises well-known texts that are not keys and returns the error for them;
// nil for all else.
func noKey(s string) error {
	switch {
	case address.MatchString(s):
		return ErrAddress
	case secret.MatchString(s):
		return ErrSecretKey
	case len(s) <= maxENS && ensName.MatchString(s):
		return ErrENS
	}
	return nil
}

// keyText is a chat key in the form ParseChatKey reads.
func keyText(s string) string {
	if rest, ok := afterFold(s, "did:key:"); ok {
		s, _, _ = strings.Cut(rest, "#") // a DID URL names the key once more
	}
	if digits, ok := strings.CutPrefix(s, "0X"); ok {
		s = "0x" + digits
	}
	return s
}

// personPath returns the part of a link to a person that follows the u.
func personPath(s string) (rest string, ok bool) {
	for _, scheme := range appSchemes {
		if path, found := afterFold(s, scheme); found {
			return afterPath(path)
		}
	}
	for _, scheme := range []string{"https://", "http://"} {
		if bare, found := afterFold(s, scheme); found {
			s = bare
			break
		}
	}
	s, _ = afterFold(s, "www.")
	for _, host := range linkHosts {
		if path, found := afterFold(s, host+"/"); found {
			return afterPath(path)
		}
	}
	return "", false
}

func afterPath(path string) (rest string, ok bool) {
	end := strings.IndexAny(path, "/#?")
	if end < 0 || !slices.Contains(linkPaths, strings.ToLower(path[:end])) {
		return "", false
	}
	return path[end:], true
}

// afterFold is strings.CutPrefix in either case.
func afterFold(s, prefix string) (rest string, ok bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// linkAt reads a link from behind its u: /data#key, #key, or /key as links of old were.
// What trackers append to either part says nothing.
func linkAt(rest string) (Link, error) {
	data, fragment, _ := strings.Cut(rest, "#")
	data, _, _ = strings.Cut(data, "?")
	data = strings.Trim(data, "/")
	if end := strings.IndexAny(fragment, "?&/"); end >= 0 {
		fragment = fragment[:end]
	}
	who, err := url.PathUnescape(fragment)
	if err != nil {
		return Link{}, badLink("what stands after # is no key")
	}
	if who = strings.Trim(who, around); who == "" {
		if who, err = url.PathUnescape(data); err != nil {
			return Link{}, badLink("the key is missing")
		}
		data = ""
	}
	if who == "" {
		return Link{}, badLink("the key is missing")
	}
	if err := noKey(who); err != nil {
		return Link{}, err
	}
	var p key.Public
	if p, err = ParseChatKey(keyText(who)); err != nil {
		return Link{}, badLink("what stands where the key should is none")
	}
	whole := FormatLink(p)
	if data != "" {
		whole = linkPrefix + "/" + data + "#" + FormatChatKey(p)
	}
	return ParseLink(whole)
}
