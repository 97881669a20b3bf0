package message

import (
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/multiformats/go-multibase"

	"libstatus1to1/chat/protocol/key"
)

// A person is named in a text as @ and their key: 0x and the uncompressed one, or the
// compressed one as chat keys are written. @0x00001 names everyone. In code none is named.
// Spec: 62/STATUS-PAYLOADS leaves them out; deployed.

// Mention is a person named in a text; all positions are in code points.
type Mention struct {
	From, Length int
	Key          key.Public // zero: everyone
}

const (
	// MaxMentions bounds the people named in one text that are looked at. A text of the
	// largest size has room for 30 of full keys, and for more of shorter ones.
	MaxMentions = 50
	// maxMentionTries bounds the keys that are tried in one text: some 50 us each.
	maxMentionTries = 100
)

const (
	mentionEveryone = "0x00001"
	fullKeyDigits   = 2 * key.UncompressedSize
	// chatKeyStart begins a compressed key of secp256k1 in base58btc; maxChatKey is more than
	// any of them has.
	chatKeyStart = "zQ3sh"
	maxChatKey   = 64
)

// Mentions finds the people named in a text, outside of code, in their order.
func Mentions(s string) (found []Mention) {
	if !strings.Contains(s, "@0x") && !strings.Contains(s, "@"+chatKeyStart) {
		return nil
	}
	code := codeOf(s)
	at, tries := 0, 0 // at: of the byte up to which code points were counted
	points := 0
	for from := 0; len(found) < MaxMentions && tries < maxMentionTries; {
		i := strings.IndexByte(s[from:], '@')
		if i < 0 {
			return found
		}
		i += from
		from = i + 1
		if inSpan(code, i) {
			continue
		}
		if !strings.HasPrefix(s[from:], "0x") && !strings.HasPrefix(s[from:], chatKeyStart) {
			continue
		}
		tries++
		k, length, ok := mentionAt(s[from:])
		if !ok {
			continue
		}
		points += utf8.RuneCountInString(s[at:i])
		at = i
		found = append(found, Mention{From: points, Length: 1 + length, Key: k}) // keys are ASCII
		from += length
	}
	return found
}

// mentionAt reads what follows an @; length is in bytes.
func mentionAt(s string) (k key.Public, length int, ok bool) {
	switch {
	case strings.HasPrefix(s, mentionEveryone) && ends(s[len(mentionEveryone):]):
		return k, len(mentionEveryone), true
	case strings.HasPrefix(s, "0x04") && len(s) >= 2+fullKeyDigits && ends(s[2+fullKeyDigits:]):
		raw, err := hex.DecodeString(s[2 : 2+fullKeyDigits])
		if err != nil {
			return k, 0, false
		}
		k, err = key.ParsePublic(raw)
		return k, 2 + fullKeyDigits, err == nil
	case strings.HasPrefix(s, chatKeyStart):
		length = strings.IndexFunc(s, func(r rune) bool { return !strings.ContainsRune(base58, r) })
		if length < 0 {
			length = len(s)
		}
		k, ok = chatKey(s[:length])
		return k, length, ok
	}
	return k, 0, false
}

const base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// chatKey reads a compressed key with its multicodec in a multibase.
func chatKey(s string) (k key.Public, ok bool) {
	if len(s) > maxChatKey {
		return k, false
	}
	_, raw, err := multibase.Decode(s)
	if err != nil || len(raw) != 2+key.CompressedSize || raw[0] != 0xe7 || raw[1] != 0x01 {
		return k, false
	}
	k, err = key.ParsePublic(raw[2:])
	return k, err == nil
}

// ends reports whether a key ends before what follows it: the end of the text, or something
// that is neither letter, digit nor underscore.
func ends(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return rest == "" || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_'
}

// endsForStatus reports whether the Status app sees that a key ends before what follows it. What
// continues the key is left as it is, since it is refused.
func endsForStatus(r rune) bool {
	return !ends(string(r)) || strings.ContainsRune(" \t\n\v\f\r.,:;!?", r)
}

// ErrMentions is about mentions that do not fit their text.
var ErrMentions = errors.New("message: mentions overlap, are empty, in code or outside of the text, or more than 50")

// WriteMentions replaces parts of a text, such as names, by the keys of the people they name. A
// space follows a key where the Status app would not see that it ends. Errors: ErrMentions.
func WriteMentions(s string, mentions []Mention) (string, error) {
	if len(mentions) == 0 {
		return s, nil
	}
	if len(mentions) > MaxMentions {
		return "", ErrMentions
	}
	sorted := slices.Clone(mentions)
	slices.SortFunc(sorted, func(a, b Mention) int { return a.From - b.From })
	runes := []rune(s)
	var out strings.Builder
	at := 0
	for i, m := range sorted {
		if m.From < at || m.Length < 1 || m.From > len(runes) || m.Length > len(runes)-m.From {
			return "", ErrMentions
		}
		out.WriteString(string(runes[at:m.From]))
		out.WriteString("@" + keyOrEveryone(m.Key))
		at = m.From + m.Length
		if i+1 < len(sorted) && sorted[i+1].From == at || at < len(runes) && !endsForStatus(runes[at]) {
			out.WriteByte(' ')
		}
	}
	out.WriteString(string(runes[at:]))
	written := out.String()
	// What is read of it must be what was meant: not so in code, or where letters follow.
	read := Mentions(written)
	for _, m := range sorted {
		i := slices.IndexFunc(read, func(r Mention) bool { return r.Key == m.Key })
		if i < 0 {
			return "", ErrMentions
		}
		read = slices.Delete(read, i, i+1)
	}
	return written, nil
}

func keyOrEveryone(k key.Public) string {
	if k.IsZero() {
		return mentionEveryone
	}
	return k.Hex()
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

func inSpan(spans []span, at int) bool {
	i, found := slices.BinarySearchFunc(spans, at, func(s span, at int) int {
		switch {
		case at < s.from:
			return 1
		case at >= s.to:
			return -1
		}
		return 0
	})
	return found && i < len(spans)
}

// codeOf finds the code in a text, in order: blocks between lines of three backticks, and what
// stands between runs of as many backticks each.
func codeOf(s string) []span {
	if !strings.Contains(s, "`") {
		return nil
	}
	var found []span
	plain := 0 // where the text outside of blocks begins that was not looked at
	for at := 0; at < len(s); {
		if !fenceAt(s, at) {
			at = nextLine(s, at)
			continue
		}
		found = append(found, inlineCode(s[:at], plain)...)
		end := nextLine(s, at)
		for end < len(s) && !fenceAt(s, end) {
			end = nextLine(s, end)
		}
		end = nextLine(s, end)
		found = append(found, span{at, end})
		at, plain = end, end
	}
	return append(found, inlineCode(s, plain)...)
}

// fenceAt reports whether the line that begins at a byte is one of three backticks: up to three
// spaces may stand before them, and no backtick after them.
func fenceAt(s string, at int) bool {
	line := s[at:nextLine(s, at)]
	trimmed := strings.TrimLeft(line, " ")
	return len(line)-len(trimmed) <= 3 && strings.HasPrefix(trimmed, "```") && !strings.Contains(strings.TrimLeft(trimmed, "`"), "`")
}

// nextLine is where the line after that at a byte begins, or the end.
func nextLine(s string, at int) int {
	if at >= len(s) {
		return len(s)
	}
	if i := strings.IndexByte(s[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(s)
}

// inlineCode finds the code between backticks from a byte on. Each run of them is looked at
// once: where a run of some length comes next is known from the end.
func inlineCode(s string, from int) (found []span) {
	var runs []span
	for i := from; i < len(s); {
		if s[i] != '`' {
			i++
			continue
		}
		end := i
		for end < len(s) && s[end] == '`' {
			end++
		}
		runs = append(runs, span{i, end})
		i = end
	}
	next, latest := make([]int, len(runs)), map[int]int{}
	for i := len(runs) - 1; i >= 0; i-- {
		length := runs[i].to - runs[i].from
		next[i] = -1
		if j, ok := latest[length]; ok {
			next[i] = j
		}
		latest[length] = i
	}
	for i := 0; i < len(runs); i++ {
		if j := next[i]; j >= 0 {
			found = append(found, span{runs[i].from, runs[j].to})
			i = j
		}
	}
	return found
}
