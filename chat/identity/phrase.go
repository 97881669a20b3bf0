// Package identity holds the identity of a person: the seed phrase, the chat key
// derived from it, the written forms of a chat key, and installation ids.
//
// Phrases and master keys redact themselves; error texts contain no word and no key.
//
// Spec: 2/ACCOUNT; BIP-39, BIP-32 and BIP-43 for the derivation.
package identity

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tyler-smith/go-bip39"
	"golang.org/x/text/unicode/norm"
)

// What reading a seed phrase can fail with; see ParsePhrase.
var (
	// ErrPhraseWords: not 12, 15, 18, 21 or 24 words. From ParsePhrase it comes as a
	// *PhraseLengthError.
	ErrPhraseWords = errors.New("identity: a seed phrase has 12, 15, 18, 21 or 24 words")
	// ErrPhraseWord: a word is not in the list of its language. It comes as a *PhraseWordError.
	ErrPhraseWord = errors.New("identity: a word of the seed phrase is not in the list")
	// ErrPhraseAmbiguous: words that were cut to their first letters, or lack their accents,
	// make valid phrases in two languages.
	ErrPhraseAmbiguous = errors.New("identity: the words fit two languages")
	// ErrPhraseLanguage: there is no word list for this language.
	ErrPhraseLanguage = errors.New("identity: there is no word list of this language")
	// ErrPhraseChecksum: all words are known, but they do not belong together.
	ErrPhraseChecksum = errors.New("identity: the words of the seed phrase do not fit together (checksum)")
)

// Phrase is a BIP-39 seed phrase, valid by construction: only NewPhrase and ParsePhrase
// make one. Anybody who has it has the account, so it redacts itself; only Words shows
// it. The zero value is not a phrase.
type Phrase struct{ words string }

const (
	// maxPhraseBytes bounds what ParsePhrase looks at: 24 words of 8 letters are 215
	// bytes, and this leaves room for wide letters and generous spacing.
	maxPhraseBytes = 4096
	// bitsPerThreeWords: 33 bits of phrase are 32 of entropy and one of checksum.
	bitsPerThreeWords = 32
)

func phraseLength(words int) bool { return words >= 12 && words <= 24 && words%3 == 0 }

// NewPhrase draws an English phrase of 12, 15, 18, 21 or 24 words from rand (16 to 32
// bytes, in one read). Errors: ErrPhraseWords, or the random source's.
//
// Spec: 2/ACCOUNT, "Public/Private Keypairs"; BIP-39.
func NewPhrase(rand io.Reader, words int) (Phrase, error) {
	return NewPhraseIn(rand, words, English)
}

// NewPhraseIn is NewPhrase in another language. Errors also: ErrPhraseLanguage.
func NewPhraseIn(rand io.Reader, words int, language Language) (Phrase, error) {
	if !phraseLength(words) {
		return Phrase{}, ErrPhraseWords
	}
	list, ok := listOf(language)
	if !ok {
		return Phrase{}, ErrPhraseLanguage
	}
	entropy := make([]byte, words/3*bitsPerThreeWords/8)
	defer clear(entropy)
	if _, err := io.ReadFull(rand, entropy); err != nil {
		return Phrase{}, fmt.Errorf("identity: reading randomness: %w", err)
	}
	return Phrase{strings.Join(list.encode(entropy), " ")}, nil
}

// Words reveals the phrase: lower-case words, one space apart.
func (p Phrase) Words() string { return p.words }

// IsZero reports whether p is the zero value, which is not a phrase.
func (p Phrase) IsZero() bool { return p.words == "" }

// seed is the 64 bytes everything is derived from.
func (p Phrase) seed(passphrase string) []byte {
	return bip39.NewSeed(p.words, norm.NFKD.String(passphrase))
}
