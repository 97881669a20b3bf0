package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Emoji, by Unicode's emoji-data.txt and UTS 51: sequences are recognized by their form, so
// that those of later versions are too.

// emoji are the characters of the basic plane that stand for a picture. Digits, # and * do
// only with a keycap.
var emoji = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x2194, 0x2199, 1}, {0x21a9, 0x21aa, 1}, {0x231a, 0x231b, 1}, {0x2328, 0x2328, 1}, {0x23cf, 0x23cf, 1},
		{0x23e9, 0x23f3, 1}, {0x23f8, 0x23fa, 1}, {0x25aa, 0x25ab, 1}, {0x25b6, 0x25b6, 1}, {0x25c0, 0x25c0, 1},
		{0x25fb, 0x25fe, 1}, {0x2600, 0x2604, 1}, {0x260e, 0x260e, 1}, {0x2611, 0x2611, 1}, {0x2614, 0x2615, 1},
		{0x2618, 0x2618, 1}, {0x261d, 0x261d, 1}, {0x2620, 0x2620, 1}, {0x2622, 0x2623, 1}, {0x2626, 0x2626, 1},
		{0x262a, 0x262a, 1}, {0x262e, 0x262f, 1}, {0x2638, 0x263a, 1}, {0x2640, 0x2640, 1}, {0x2642, 0x2642, 1},
		{0x2648, 0x2653, 1}, {0x265f, 0x2660, 1}, {0x2663, 0x2663, 1}, {0x2665, 0x2666, 1}, {0x2668, 0x2668, 1},
		{0x267b, 0x267b, 1}, {0x267e, 0x267f, 1}, {0x2692, 0x2697, 1}, {0x2699, 0x2699, 1}, {0x269b, 0x269c, 1},
		{0x26a0, 0x26a1, 1}, {0x26a7, 0x26a7, 1}, {0x26aa, 0x26ab, 1}, {0x26b0, 0x26b1, 1}, {0x26bd, 0x26be, 1},
		{0x26c4, 0x26c5, 1}, {0x26c8, 0x26c8, 1}, {0x26ce, 0x26cf, 1}, {0x26d1, 0x26d1, 1}, {0x26d3, 0x26d4, 1},
		{0x26e9, 0x26ea, 1}, {0x26f0, 0x26f5, 1}, {0x26f7, 0x26fa, 1}, {0x26fd, 0x26fd, 1}, {0x2702, 0x2702, 1},
		{0x2705, 0x2705, 1}, {0x2708, 0x270d, 1}, {0x270f, 0x270f, 1}, {0x2712, 0x2712, 1}, {0x2714, 0x2714, 1},
		{0x2716, 0x2716, 1}, {0x271d, 0x271d, 1}, {0x2721, 0x2721, 1}, {0x2728, 0x2728, 1}, {0x2733, 0x2734, 1},
		{0x2744, 0x2744, 1}, {0x2747, 0x2747, 1}, {0x274c, 0x274c, 1}, {0x274e, 0x274e, 1}, {0x2753, 0x2755, 1},
		{0x2757, 0x2757, 1}, {0x2763, 0x2764, 1}, {0x2795, 0x2797, 1}, {0x27a1, 0x27a1, 1}, {0x27b0, 0x27b0, 1},
		{0x27bf, 0x27bf, 1}, {0x2934, 0x2935, 1}, {0x2b05, 0x2b07, 1}, {0x2b1b, 0x2b1c, 1}, {0x2b50, 0x2b50, 1},
		{0x2b55, 0x2b55, 1}, {0x3297, 0x3297, 1}, {0x3299, 0x3299, 1},
	},
	R32: []unicode.Range32{
		{0x1f004, 0x1f004, 1}, {0x1f0cf, 0x1f0cf, 1}, {0x1f170, 0x1f171, 1},
		{0x1f17e, 0x1f17f, 1}, {0x1f18e, 0x1f18e, 1}, {0x1f191, 0x1f19a, 1},
		{0x1f201, 0x1f202, 1}, {0x1f21a, 0x1f21a, 1}, {0x1f22f, 0x1f22f, 1},
		{0x1f232, 0x1f23a, 1}, {0x1f250, 0x1f251, 1}, {0x1f300, 0x1f64f, 1},
		{0x1f680, 0x1f6ff, 1}, {0x1f7e0, 0x1f7f0, 1}, {0x1f90c, 0x1f9ff, 1},
		{0x1fa70, 0x1faff, 1},
	},
}

// emojiWithSelector are signs of text that stand for a picture only with a variation selector.
const emojiWithSelector = "©®™ℹⓂ‼⁉〰〽"

const (
	zeroWidthJoiner = 0x200d
	asPicture       = 0xfe0f // variation selector 16
	keycap          = 0x20e3
)

// OnlyEmoji reports whether a text is nothing but emoji, one or several, and spaces between
// them. It reads no further than the first character that is neither.
func OnlyEmoji(s string) bool {
	found := false
	for s != "" {
		if r, size := utf8.DecodeRuneInString(s); unicode.IsSpace(r) {
			s = s[size:]
			continue
		}
		n := emojiLength(s)
		if n == 0 {
			return false
		}
		s, found = s[n:], true
	}
	return found
}

// IsEmoji reports whether a text is one emoji.
func IsEmoji(s string) bool {
	n := emojiLength(s)
	return n > 0 && n == len(s)
}

// emojiLength is the length in bytes of the emoji that a text begins with, or 0.
func emojiLength(s string) int {
	first, one := utf8.DecodeRuneInString(s)
	second, two := utf8.DecodeRuneInString(s[one:])
	switch {
	case regional(first) && regional(second): // a flag
		return one + two
	case two > 0 && first < 0x80 && (unicode.IsDigit(first) || first == '#' || first == '*'):
		if second == keycap {
			return one + two
		}
		if third, three := utf8.DecodeRuneInString(s[one+two:]); second == asPicture && third == keycap {
			return one + two + three
		}
		return 0
	}
	n := emojiElement(s)
	for n > 0 && n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if r != zeroWidthJoiner {
			break
		}
		more := emojiElement(s[n+size:])
		if more == 0 {
			return 0
		}
		n += size + more
	}
	return n
}

// emojiElement is the length in bytes of one picture with what changes its looks, or 0.
func emojiElement(s string) int {
	first, n := utf8.DecodeRuneInString(s)
	if !unicode.Is(emoji, first) {
		if next, _ := utf8.DecodeRuneInString(s[n:]); next != asPicture || !strings.ContainsRune(emojiWithSelector, first) {
			return 0
		}
	}
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if r != asPicture && !(r >= 0x1f3fb && r <= 0x1f3ff) && !(r >= 0xe0020 && r <= 0xe007f) {
			break
		}
		n += size
	}
	return n
}

// regional reports whether a character is a letter of flags.
func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
