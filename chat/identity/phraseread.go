package identity

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"libstatus1to1/chat/text"
)

// This file reads a phrase as people type it, photograph it and paste it. It ignores
// only characters that cannot be part of a word of any list.

// WordFault classifies what is wrong with a word. It reveals nothing of the word
// itself.
type WordFault string

// The faults of a word.
const (
	WordUnknown  WordFault = "unknown"        // in no list
	WordShort    WordFault = "ambiguous"      // several words of the language begin like this
	WordLanguage WordFault = "other_language" // of another language than most
)

// Text is the fault for people.
func (f WordFault) Text() string { return faultTexts[f] }

var faultTexts = map[WordFault]string{
	WordUnknown: "it is in no word list", WordShort: "several words begin like this", WordLanguage: "it is of another language than the others",
}

// PhraseWordError is an ErrPhraseWord. It names the place, not the word: a mistyped word
// still tells most of the secret.
type PhraseWordError struct {
	Position int // of the first word at fault, from 1
	Fault    WordFault
}

// Error gives the position of the word and its fault.
func (e *PhraseWordError) Error() string {
	return fmt.Sprintf("word %d: %s", e.Position, e.Fault.Text())
}

// Unwrap makes errors.Is(err, ErrPhraseWord) hold.
func (e *PhraseWordError) Unwrap() error { return ErrPhraseWord }

// PhraseLengthError is an ErrPhraseWords of ParsePhrase.
type PhraseLengthError struct {
	Words int // how many there are
}

// Error gives the number of words.
func (e *PhraseLengthError) Error() string {
	return fmt.Sprintf("a phrase has 12, 15, 18, 21 or 24 words, this text has %d", e.Words)
}

// Unwrap makes errors.Is(err, ErrPhraseWords) hold.
func (e *PhraseLengthError) Unwrap() error { return ErrPhraseWords }

// ParsePhrase reads a phrase of any language as a person may have typed it: upper or lower
// case, any Unicode form of the letters, any spacing, commas, numbers and bullets between
// the words; in the languages whose words are told apart by that, without accents or with
// the first four letters or more of each word; Chinese also without spaces.
// Errors, in this order: *PhraseLengthError, *PhraseWordError (for the language that knows
// most of the words), ErrPhraseChecksum, ErrPhraseAmbiguous.
//
// Spec: BIP-39.
func ParsePhrase(pasted string) (Phrase, error) {
	if len(pasted) > maxPhraseBytes {
		return Phrase{}, &PhraseLengthError{Words: len(strings.Fields(pasted))}
	}
	words := phraseWords(pasted)
	if !phraseLength(len(words)) {
		return Phrase{}, &PhraseLengthError{Words: len(words)}
	}
	// Whole words first: a phrase that is valid as it stands must not be read as a
	// phrase of abbreviated words.
	complete := false
	for _, find := range []func(wordList, string) (int, bool){wordList.exact, wordList.loose} {
		p, all, err := phraseBy(find, words)
		if err != nil || !p.IsZero() {
			return p, err
		}
		complete = complete || all
	}
	if complete {
		return Phrase{}, ErrPhraseChecksum
	}
	return Phrase{}, wordFault(words)
}

// phraseBy looks all words up in each list with one method of finding them. It returns
// the phrase they make, and whether any list has them all. Error: ErrPhraseAmbiguous.
func phraseBy(find func(wordList, string) (int, bool), words []string) (p Phrase, complete bool, err error) {
	for _, list := range languages {
		numbers, ok := list.numbers(find, words)
		if !ok {
			continue
		}
		complete = true
		if !list.valid(numbers) {
			continue
		}
		found := Phrase{strings.Join(list.spelt(numbers), " ")}
		if !p.IsZero() && p != found {
			return Phrase{}, true, ErrPhraseAmbiguous
		}
		p = found
	}
	return p, complete, nil
}

// wordFault finds the first word at fault, for the language that knows most of them.
func wordFault(words []string) *PhraseWordError {
	best, known := languages[0], -1
	for _, list := range languages {
		n := 0
		for _, w := range words {
			if _, ok := list.loose(w); ok {
				n++
			}
		}
		if n > known {
			best, known = list, n
		}
	}
	for i, w := range words {
		if _, ok := best.loose(w); ok {
			continue
		}
		return &PhraseWordError{Position: i + 1, Fault: best.fault(w)}
	}
	return &PhraseWordError{Position: 1, Fault: WordUnknown} // not so: then a list knows all
}

// fault classifies a word that the list does not have.
func (l wordList) fault(word string) WordFault {
	plain := text.Plain(word)
	for _, w := range l.words {
		if l.latin() && strings.HasPrefix(text.Plain(w), plain) {
			return WordShort
		}
	}
	for _, other := range languages {
		if _, ok := other.exact(word); ok {
			return WordLanguage
		}
	}
	return WordUnknown
}

// phraseWords takes a text apart: letters and their marks are words, format characters
// (zero-width, bidirectional, soft hyphens) are passed over, and all else is between the
// words, numbers too. Each character of Chinese is a word.
func phraseWords(pasted string) []string {
	var b strings.Builder
	for _, r := range strings.ToLower(norm.NFKD.String(pasted)) {
		switch {
		case unicode.In(r, unicode.Cf, unicode.Variation_Selector):
		case unicode.Is(unicode.Han, r):
			b.WriteString(" " + string(r) + " ")
		case text.Invisible(r), !unicode.In(r, unicode.L, unicode.M):
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return strings.Fields(b.String())
}
