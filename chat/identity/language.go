package identity

import (
	"crypto/sha256"
	"slices"
	"sync"

	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"
)

// Language is a BIP-39 word list, by the language's name in English.
type Language string

// English is the language of the Status app's phrases, and the default.
const English Language = "english"

// languages are the word lists, English first: where a phrase is valid in several,
// all give the same key, which comes from the words and not from their numbers.
var languages = []wordList{
	newWordList(English, wordlists.English),
	newWordList("chinese_simplified", wordlists.ChineseSimplified),
	newWordList("chinese_traditional", wordlists.ChineseTraditional),
	newWordList("czech", wordlists.Czech),
	newWordList("french", wordlists.French),
	newWordList("italian", wordlists.Italian),
	newWordList("japanese", wordlists.Japanese),
	newWordList("korean", wordlists.Korean),
	newWordList("spanish", wordlists.Spanish),
}

// wordList is a list of 2048 words; index finds a word, in NFKD, and is made when it is
// first needed.
type wordList struct {
	name  Language
	words []string
	index func() map[string]int
}

func newWordList(name Language, words []string) wordList {
	return wordList{name, words, sync.OnceValue(func() map[string]int {
		index := make(map[string]int, len(words))
		for i, w := range words {
			index[norm.NFKD.String(w)] = i
		}
		return index
	})}
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

// known is how many of the words are in the list, and the place of the first that is
// not, from 0.
func (l wordList) known(words []string) (count, firstUnknown int) {
	firstUnknown = len(words)
	for i, w := range words {
		if _, ok := l.index()[w]; ok {
			count++
		} else {
			firstUnknown = min(firstUnknown, i)
		}
	}
	return count, firstUnknown
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

// valid reports whether words, all known, have the right checksum.
func (l wordList) valid(words []string) bool {
	bits := make([]byte, len(words)*bitsPerWord/8+1)
	defer clear(bits)
	for i, w := range words {
		n := l.index()[w]
		for j := range bitsPerWord {
			b := i*bitsPerWord + j
			bits[b/8] |= byte(n>>(bitsPerWord-1-j)&1) << (7 - b%8)
		}
	}
	size := len(words) * bitsPerWord * 32 / 33 / 8
	sum := sha256.Sum256(bits[:size])
	checksum := 8 - size/4 // bits of the last byte that are no checksum
	return bits[size]>>checksum == sum[0]>>checksum
}
