package text

import (
	"strings"
	"unicode"
)

// Emoji, by Unicode's emoji-data.txt and UTS 51: sequences are recognized by their form, so
// that those of later versions are too.

// emoji are the characters of the basic plane that stand for a picture. Digits, # and * do
// only with a keycap.
var emoji = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x2194, Hi: 0x2199, Stride: 1}, {Lo: 0x21a9, Hi: 0x21aa, Stride: 1}, {Lo: 0x231a, Hi: 0x231b, Stride: 1},
		{Lo: 0x2328, Hi: 0x2328, Stride: 1}, {Lo: 0x23cf, Hi: 0x23cf, Stride: 1}, {Lo: 0x23e9, Hi: 0x23f3, Stride: 1},
		{Lo: 0x23f8, Hi: 0x23fa, Stride: 1}, {Lo: 0x25aa, Hi: 0x25ab, Stride: 1}, {Lo: 0x25b6, Hi: 0x25b6, Stride: 1},
		{Lo: 0x25c0, Hi: 0x25c0, Stride: 1}, {Lo: 0x25fb, Hi: 0x25fe, Stride: 1}, {Lo: 0x2600, Hi: 0x27bf, Stride: 1},
		{Lo: 0x2934, Hi: 0x2935, Stride: 1}, {Lo: 0x2b05, Hi: 0x2b07, Stride: 1}, {Lo: 0x2b1b, Hi: 0x2b1c, Stride: 1},
		{Lo: 0x2b50, Hi: 0x2b50, Stride: 1}, {Lo: 0x2b55, Hi: 0x2b55, Stride: 1}, {Lo: 0x3297, Hi: 0x3299, Stride: 2},
	},
	R32: []unicode.Range32{
		{Lo: 0x1f004, Hi: 0x1f004, Stride: 1}, {Lo: 0x1f0cf, Hi: 0x1f0cf, Stride: 1}, {Lo: 0x1f170, Hi: 0x1f171, Stride: 1},
		{Lo: 0x1f17e, Hi: 0x1f17f, Stride: 1}, {Lo: 0x1f18e, Hi: 0x1f18e, Stride: 1}, {Lo: 0x1f191, Hi: 0x1f19a, Stride: 1},
		{Lo: 0x1f201, Hi: 0x1f202, Stride: 1}, {Lo: 0x1f21a, Hi: 0x1f21a, Stride: 1}, {Lo: 0x1f22f, Hi: 0x1f22f, Stride: 1},
		{Lo: 0x1f232, Hi: 0x1f23a, Stride: 1}, {Lo: 0x1f250, Hi: 0x1f251, Stride: 1}, {Lo: 0x1f300, Hi: 0x1f64f, Stride: 1},
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, {Lo: 0x1f7e0, Hi: 0x1f7f0, Stride: 1}, {Lo: 0x1f90c, Hi: 0x1f9ff, Stride: 1},
		{Lo: 0x1fa70, Hi: 0x1faff, Stride: 1},
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
// them.
func OnlyEmoji(s string) bool {
	runes, found := []rune(Trim(s)), false
	for len(runes) > 0 {
		if unicode.IsSpace(runes[0]) {
			runes = runes[1:]
			continue
		}
		n := emojiLength(runes)
		if n == 0 {
			return false
		}
		runes, found = runes[n:], true
	}
	return found
}

// IsEmoji reports whether a text is one emoji.
func IsEmoji(s string) bool {
	runes := []rune(s)
	n := emojiLength(runes)
	return n > 0 && n == len(runes)
}

// emojiLength is the number of code points of the emoji that a text begins with, or 0.
func emojiLength(r []rune) int {
	switch {
	case len(r) >= 2 && regional(r[0]) && regional(r[1]): // a flag
		return 2
	case len(r) >= 2 && r[0] < 0x80 && (unicode.IsDigit(r[0]) || r[0] == '#' || r[0] == '*'):
		if r[1] == keycap {
			return 2
		}
		if len(r) >= 3 && r[1] == asPicture && r[2] == keycap {
			return 3
		}
		return 0
	}
	n := emojiElement(r)
	for n > 0 && n < len(r) && r[n] == zeroWidthJoiner {
		more := emojiElement(r[n+1:])
		if more == 0 {
			return 0
		}
		n += 1 + more
	}
	return n
}

// emojiElement is the length of one picture with what changes its looks, or 0.
func emojiElement(r []rune) int {
	if len(r) == 0 {
		return 0
	}
	n := 1
	if !unicode.Is(emoji, r[0]) {
		if len(r) < 2 || r[1] != asPicture || !strings.ContainsRune(emojiWithSelector, r[0]) {
			return 0
		}
	}
	for n < len(r) && (r[n] == asPicture || r[n] >= 0x1f3fb && r[n] <= 0x1f3ff || r[n] >= 0xe0020 && r[n] <= 0xe007f) {
		n++
	}
	return n
}

// regional reports whether a character is a letter of flags.
func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }
