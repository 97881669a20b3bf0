package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// fold returns the form in which texts are compared: compatibility characters as what they
// stand for (NFKC), without case, without accents, and without what shows nothing.
func fold(s string) string {
	if plain, ok := foldASCII(s); ok {
		return plain
	}
	last := rune(0)
	s = strings.Map(func(r rune) rune {
		if dropped(r, last) {
			return -1
		}
		if last = r; r == dotlessI {
			return 'i'
		}
		return r
	}, norm.NFKD.String(s))
	return strings.Map(func(r rune) rune {
		switch {
		case r == graphemeJoiner: // breaks a long run of marks (UAX #15, "Stream-Safe")
			return -1
		case unicode.Is(unicode.Cherokee, r): // of which cases makes small letters of capitals, and capitals of small ones
			return unicode.ToUpper(r)
		}
		return r
	}, norm.NFKC.String(cases.Fold().String(s)))
}

const graphemeJoiner = '\u034f'

// foldASCII is fold for a text that has ASCII only.
func foldASCII(s string) (string, bool) {
	if !isASCII(s) {
		return "", false
	}
	return strings.ToLower(s), true
}

func isASCII(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		if s[0]|s[1]|s[2]|s[3]|s[4]|s[5]|s[6]|s[7] >= utf8.RuneSelf {
			return false
		}
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// skinTones are the modifiers of emoji: who looks for a hand means a hand of any colour.
const firstSkinTone, lastSkinTone = 0x1f3fb, 0x1f3ff

// Letters that folding treats by themselves.
const (
	tatweel   = 'ـ' // stretches a word of Arabic and means nothing
	dotlessI  = 'ı' // is the small letter of I in Turkish, and i elsewhere
	breve     = '\u0306'
	cyrillicI = 'и' // with a breve another letter
	voiced    = '\u3099'
	halfVoice = '\u309a' // makes another syllable of kana, as voiced does
)

// accented are the scripts whose marks are accents and points, which people leave out when
// they search. In others (Devanagari, Thai..) marks are vowels. Most accents belong to no
// script by themselves.
var accented = []*unicode.RangeTable{unicode.Inherited, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Syriac}

// ignored are characters that show nothing: joiners, direction, variation, soft hyphens.
var ignored = []*unicode.RangeTable{unicode.Cf, unicode.Me, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point}

// dropped reports whether folding leaves a character of a decomposed text out. last is the
// character before it.
func dropped(r, last rune) bool {
	switch {
	case r < 0x80:
		return false
	case r == tatweel, firstSkinTone <= r && r <= lastSkinTone:
		return true
	case r == voiced, r == halfVoice, r == breve && unicode.ToLower(last) == cyrillicI:
		return false
	}
	return unicode.In(r, ignored...) || unicode.Is(unicode.Mn, r) && unicode.In(r, accented...)
}
