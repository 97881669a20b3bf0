// Package text cleans what people type and paste: it knows which characters are
// invisible, and removes what surrounds a name or a copied key.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// blanks are characters that are drawn as nothing, though Unicode counts them among
// letters and symbols: the empty Braille cell, an empty note head, the blanks of Egyptian
// hieroglyphs and the filler of Khitan script.
var blanks = &unicode.RangeTable{
	R16: []unicode.Range16{{Lo: 0x2800, Hi: 0x2800, Stride: 1}},
	R32: []unicode.Range32{
		{Lo: 0x13441, Hi: 0x13442, Stride: 1}, {Lo: 0x16fe4, Hi: 0x16fe4, Stride: 1}, {Lo: 0x1d159, Hi: 0x1d159, Stride: 1},
	},
}

// invisible are the characters that show nothing by themselves: spaces and line ends,
// controls, format characters (zero-width, bidirectional, tags), variation selectors,
// fillers and noncharacters. Some of them have a meaning between others: an emoji may
// hold a joiner and a variation selector.
var invisible = []*unicode.RangeTable{
	unicode.White_Space, unicode.Cc, unicode.Cf, unicode.Zs, unicode.Zl, unicode.Zp, unicode.Variation_Selector,
	unicode.Other_Default_Ignorable_Code_Point, unicode.Noncharacter_Code_Point, blanks,
}

// Invisible reports whether a character shows nothing by itself.
func Invisible(r rune) bool { return unicode.In(r, invisible...) }

// Blank reports whether a text shows nothing.
func Blank(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return !Invisible(r) }) < 0
}

// Squeeze returns a text without its invisible characters and spaces. It is for texts
// that contain neither, such as a key that was wrapped over lines.
func Squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if Invisible(r) {
			return -1
		}
		return r
	}, s)
}

// Trim is a text without the characters that show nothing at its ends.
func Trim(s string) string { return strings.TrimFunc(s, Invisible) }

// Name cleans a name so that it can stand in a line with others: composed form (NFC), a
// single line, single spaces between words and none around them, no controls and no
// characters that change the direction of what follows. A name with nothing visible
// becomes "".
func Name(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.White_Space, r), unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		case joins(r):
			return r
		case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Noncharacter_Code_Point):
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(norm.NFC.String(s)), " ")
	if Blank(s) {
		return ""
	}
	return s
}

// Lines is a text of several lines, each made clean as Name does it, without empty ones at
// either end.
func Lines(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	for i, line := range lines {
		lines[i] = Name(line)
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// MaxRead is the number of code points of a name from outside that are read: ten times the
// longest name that is shown leaves room for what is taken out.
const MaxRead = 1000

// Shown cleans a name from outside by clean (Name or Lines) and cuts it to limit code
// points; "" for one that shows nothing.
func Shown(s string, limit int, clean func(string) string) string {
	// A copy: names are kept, and are not to keep all that somebody wrote around them.
	return strings.Clone(clean(Cut(clean(Cut(s, MaxRead)), limit)))
}

// Cut returns the first limit code points of a text; each byte that is not UTF-8 counts as one
// and becomes U+FFFD. It copies nothing of a text that is within the limit.
func Cut(s string, limit int) string {
	if !utf8.ValidString(s) {
		s = string([]rune(s))
	}
	if len(s) <= limit {
		return s
	}
	n := 0
	for i := range s {
		if n == limit {
			return strings.Clone(s[:i]) // what was cut off is not kept with it
		}
		n++
	}
	return s
}

// joins reports whether a format character is one that names need: the joiners, which
// emoji, Persian and Indic scripts are written with, and the tags of the flags of England,
// Scotland and Wales.
func joins(r rune) bool {
	const zwnj, zwj, firstTag, lastTag = 0x200c, 0x200d, 0xe0020, 0xe007f
	return r == zwnj || r == zwj || r >= firstTag && r <= lastTag
}

// Plain returns a text in lower case, without accents and in the compatibility form,
// for comparing typed text with known text.
func Plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, strings.ToLower(norm.NFKD.String(s)))
}
