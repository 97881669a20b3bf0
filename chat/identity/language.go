package identity

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"

	"libstatus1to1/chat/enum"
	"libstatus1to1/chat/text"
)

// Language is a BIP-39 word list, by the language's name in English.
type Language = enum.Language

// English is the language of the Status app's phrases, and the default.
const English = enum.LanguageEnglish

// languages are the word lists, English first: where a phrase is valid in several,
// all give the same key, which comes from the words and not from their numbers.
var languages = []wordList{
	newWordList(English, wordlists.English),
	newWordList(enum.LanguageChineseSimplified, wordlists.ChineseSimplified),
	newWordList(enum.LanguageChineseTraditional, wordlists.ChineseTraditional),
	newWordList(enum.LanguageCzech, wordlists.Czech),
	newWordList(enum.LanguageFrench, wordlists.French),
	newWordList(enum.LanguageItalian, wordlists.Italian),
	newWordList(enum.LanguageJapanese, wordlists.Japanese),
	newWordList(enum.LanguageKorean, wordlists.Korean),
	newWordList(enum.LanguageSpanish, wordlists.Spanish),
}

// wordList is a list of 2048 words; index finds a word, in NFKD, and plain one without its
// accents, or its first letters where they are of no other word. Both are made when they
// are first needed.
type wordList struct {
	name  Language
	words []string
	index func() map[string]int
	plain func() map[string]int
}

func newWordList(name Language, words []string) wordList {
	return wordList{name, words, sync.OnceValue(func() map[string]int {
		index := make(map[string]int, len(words))
		for i, w := range words {
			index[norm.NFKD.String(w)] = i
		}
		return index
	}), sync.OnceValue(func() map[string]int { return plainIndex(words) })}
}

// plainIndex has the words without accents, and their first letters where those are no
// word and begin only one.
func plainIndex(words []string) map[string]int {
	index, begins := make(map[string]int, len(words)), map[string][]int{}
	for i, w := range words {
		plain := text.Plain(w)
		index[plain] = i
		if len(plain) > prefixLetters {
			begins[plain[:prefixLetters]] = append(begins[plain[:prefixLetters]], i)
		}
	}
	for prefix, of := range begins {
		if _, word := index[prefix]; !word && len(of) == 1 {
			index[prefix] = of[0]
		}
	}
	return index
}

// Languages lists the languages a phrase can be in.
func Languages() []Language {
	names := make([]Language, len(languages))
	for i, l := range languages {
		names[i] = l.name
	}
	return names
}

func listOf(name Language) (wordList, bool) {
	i := slices.IndexFunc(languages, func(l wordList) bool { return l.name == name })
	if i < 0 {
		return wordList{}, false
	}
	return languages[i], true
}

// exact finds a word, in NFKD and lower case.
func (l wordList) exact(word string) (number int, ok bool) {
	number, ok = l.index()[word]
	return number, ok
}

// prefixLetters tell the words of a list in Latin letters apart.
// Spec: BIP-39, "Wordlist".
const prefixLetters = 4

// latin reports whether a list is in Latin letters: only there accents may be missing, and
// the first letters are enough. Without its marks a Japanese word is another one.
func (l wordList) latin() bool {
	first, _ := utf8.DecodeRuneInString(l.words[0])
	return unicode.Is(unicode.Latin, first)
}

// loose finds a word that may lack accents, or be cut behind prefixLetters or more.
func (l wordList) loose(word string) (number int, ok bool) {
	if number, ok = l.exact(word); ok || !l.latin() {
		return number, ok
	}
	plain := text.Plain(word)
	if number, ok = l.plain()[plain]; ok || len(plain) < prefixLetters {
		return number, ok
	}
	number, ok = l.plain()[plain[:prefixLetters]]
	return number, ok && strings.HasPrefix(text.Plain(l.words[number]), plain)
}

// numbers returns the numbers of all words; false if one is not found.
func (l wordList) numbers(find func(wordList, string) (int, bool), words []string) ([]int, bool) {
	numbers := make([]int, len(words))
	for i, w := range words {
		n, ok := find(l, w)
		if !ok {
			return nil, false
		}
		numbers[i] = n
	}
	return numbers, true
}

// spelt are the words of numbers, in NFKD.
func (l wordList) spelt(numbers []int) []string {
	words := make([]string, len(numbers))
	for i, n := range numbers {
		words[i] = norm.NFKD.String(l.words[n])
	}
	return words
}

// bitsPerWord is log2 of the 2048 words.
const bitsPerWord = 11

// encode is the words of entropy, in NFKD. Spec: BIP-39, "Generating the mnemonic".
func (l wordList) encode(entropy []byte) []string {
	sum := sha256.Sum256(entropy)
	bits := append(slices.Clone(entropy), sum[0])
	defer clear(bits)
	words := make([]string, len(entropy)*8*33/32/bitsPerWord)
	for i := range words {
		n := 0
		for b := i * bitsPerWord; b < (i+1)*bitsPerWord; b++ {
			n = n<<1 | int(bits[b/8]>>(7-b%8)&1)
		}
		words[i] = norm.NFKD.String(l.words[n])
	}
	return words
}

// valid reports whether the words of these numbers have the right checksum.
func (l wordList) valid(numbers []int) bool {
	bits := make([]byte, len(numbers)*bitsPerWord/8+1)
	defer clear(bits)
	for i, n := range numbers {
		for j := range bitsPerWord {
			b := i*bitsPerWord + j
			bits[b/8] |= byte(n>>(bitsPerWord-1-j)&1) << (7 - b%8)
		}
	}
	size := len(numbers) * bitsPerWord * 32 / 33 / 8
	sum := sha256.Sum256(bits[:size])
	checksum := 8 - size/4 // bits of the last byte that are no checksum
	return bits[size]>>checksum == sum[0]>>checksum
}
