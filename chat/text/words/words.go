// Package words finds the words of a text, in every script, for search: what is compared
// is folded, so that case, accents and ways of encoding do not matter.
//
// A text is a sequence of units. In scripts that are written with spaces a unit is a word
// (UAX #29); in those that are not (Chinese, Japanese, Thai..) it is a character, because
// where a word ends there only a dictionary knows. An index holds terms: each word, and of
// characters each pair of neighbours.
package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	segments "github.com/clipperhouse/uax29/v2/words"
	"golang.org/x/text/unicode/norm"
)

// Version names what decides which terms a text has, with the tables of Unicode: an index
// that was made by another one is rebuilt. Raise the number when a text gets other terms.
const Version = "1 " + unicode.Version + " " + norm.Version + " 17.0.0"

// Bounds of what is looked at: in a text from outside anything may stand.
const (
	// MaxText is how much of a text is looked at, bytes: the longest that may be sent has
	// 4096 code points.
	MaxText = 4 * 4096
	// MaxTerms is how many different terms a text has at most: one for each code point of
	// the longest one.
	MaxTerms = 4096
	// MaxWord is how much of a word is compared, bytes: no word that people write is longer,
	// and of keys and hashes it tells one from another.
	MaxWord = 64
)

// unit is a word, or a character of a script without spaces.
type unit struct {
	text string
	char bool
	// joined: it is a character that follows another one without anything between them.
	joined bool
}

// unspaced are the scripts that are written without spaces between words.
var unspaced = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo, unicode.Yi, unicode.Nushu, unicode.Tangut, unicode.Khitan_Small_Script,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet,
	unicode.Ahom, unicode.Javanese, unicode.Balinese,
}

// prolonged is the sign that makes a syllable of Japanese long. It belongs to two scripts,
// as voiced does, so that it is in neither of their tables.
const prolonged = 'ー'

// isChar reports whether a character is a unit by itself.
func isChar(r rune) bool {
	return r >= 0x0e00 && (r == prolonged || r == voiced || r == halfVoice || unicode.In(r, unspaced...))
}

// isSymbol reports whether a character is a unit though it is no part of a word: emoji,
// and the signs of currencies.
func isSymbol(r rune) bool { return unicode.In(r, unicode.So, unicode.Sc) }

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r) }

// units calls visit for each unit of a text until it returns false.
func units(s string, visit func(unit) bool) {
	u := splitter{visit: visit}
	s = cut(s, MaxText)
	if plain, ok := foldASCII(s); ok {
		u.ascii(plain)
		return
	}
	for len(s) > 0 && !u.ended {
		end := stretch(s)
		u.text(fold(s[:end]))
		u.after = false
		s = s[end:]
	}
}

// stretch is the length of the words that a text begins with and that are all ASCII, or all are
// not: folding what is not costs 20 times as much. The next one begins with a space or a line
// end, across which nothing is folded together.
func stretch(s string) int {
	first, ascii, begin := true, true, 0
	var same bool // as the words before this one
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] != ' ' && s[i] != '\n' || i == 0 {
			ascii = ascii && s[i] < utf8.RuneSelf
			continue
		}
		if first {
			same, first = ascii, false
		} else if ascii != same {
			return begin
		}
		begin, ascii = i, true
	}
	return len(s)
}

// splitter makes units of the segments of a text. A segment may be more than a word: UAX
// #29 keeps together what apostrophes, dots and underscores join, and people look for the
// second half of l'amour and of report.pdf too.
type splitter struct {
	visit func(unit) bool
	ended bool
	after bool // the last character seen was a unit by itself
}

// text makes units of a text. Spaces and line ends end a segment whatever is around them, and
// what is ASCII between two of them has no need for the tables of Unicode.
func (u *splitter) text(s string) {
	if isASCII(s) {
		u.ascii(s)
		return
	}
	for len(s) > 0 && !u.ended {
		end := strings.IndexAny(s, " \n")
		if end < 0 {
			end = len(s)
		}
		if isASCII(s[:end]) {
			u.ascii(s[:end])
		} else {
			u.segments(s[:end])
		}
		u.after = false
		s = s[min(end+1, len(s)):]
	}
}

func (u *splitter) segments(s string) {
	for at := segments.FromString(s); at.Next() && !u.ended; {
		u.segment(at.Value())
	}
}

// ascii does what segments does, for ASCII. Letters and digits that follow each other are never
// in two segments.
func (u *splitter) ascii(s string) {
	for i := 0; i < len(s) && !u.ended; {
		end := i
		for end < len(s) && asciiInWord[s[end]] {
			end++
		}
		switch {
		case end > i:
			u.put(unit{text: cut(s[i:end], MaxWord)})
			i = end
		case s[i] == '$':
			u.put(unit{text: s[i : i+1]})
			fallthrough
		default:
			i++
		}
	}
}

// asciiInWord is inWord for ASCII.
var asciiInWord = func() (table [256]bool) {
	for c := range utf8.RuneSelf {
		table[c] = inWord(rune(c))
	}
	return table
}()

func (u *splitter) segment(s string) {
	for len(s) > 0 && !u.ended {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case isChar(r):
			u.put(unit{text: s[:n], char: true, joined: u.after})
			u.after = true
		case inWord(r):
			for n < len(s) {
				next, size := utf8.DecodeRuneInString(s[n:])
				if !inWord(next) || isChar(next) {
					break
				}
				n += size
			}
			u.put(unit{text: cut(s[:n], MaxWord)})
			u.after = false
		default:
			if isSymbol(r) {
				u.put(unit{text: s[:n]})
			}
			u.after = false
		}
		s = s[n:]
	}
}

func (u *splitter) put(next unit) { u.ended = !u.visit(next) }

// cut returns the first n bytes of a text, less where that would split a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Terms are the different terms that an index has of a text: its words, the pairs of
// neighbouring characters, and of a run of characters also the last one alone. So each
// character begins a term.
func Terms(s string) []string {
	var all []string
	seen := map[string]bool{}
	EachTerm(s, func(term string) bool {
		if seen[term] {
			return false
		}
		seen[term] = true
		all = append(all, term)
		return true
	})
	return all
}

// EachTerm calls visit for the terms of a text, some of them several times. visit reports whether
// a term is another one than those before: after MaxTerms of these it is called no more.
func EachTerm(s string, visit func(term string) (fresh bool)) {
	left := MaxTerms
	add := func(term string) (more bool) {
		if visit(term) {
			left--
		}
		return left > 0
	}
	var waiting string // a character whose neighbour is not known yet
	more := true
	units(s, func(u unit) bool {
		switch {
		case waiting != "" && u.joined:
			more = add(waiting + u.text)
		case waiting != "":
			more = add(waiting)
		}
		waiting = ""
		if u.char {
			waiting = u.text
		} else if more {
			more = add(u.text)
		}
		return more
	})
	if waiting != "" && more {
		add(waiting)
	}
}
