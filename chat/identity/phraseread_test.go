package identity_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"libstatus1to1/chat/identity"
)

// mustPhrase draws a phrase of a language.
func mustPhrase(t testing.TB, r *rand.ChaCha8, language identity.Language, words int) identity.Phrase {
	t.Helper()
	p, err := identity.NewPhraseIn(r, words, language)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func drawn(t testing.TB) *rand.ChaCha8 {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var s [32]byte
	for i := range 8 {
		s[i] = byte(seed >> (8 * i))
	}
	return rand.NewChaCha8(s)
}

// each changes every word of a phrase.
func each(phrase string, change func(i int, w string) string) string {
	words := strings.Fields(phrase)
	for i, w := range words {
		words[i] = change(i, w)
	}
	return strings.Join(words, " ")
}

// unaccented is a word in Latin letters without its accents.
func unaccented(_ int, w string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(w))
}

// A phrase reads back however it was written down.
func TestPhraseAsItIsWritten(t *testing.T) {
	r := drawn(t)
	latin := map[identity.Language]bool{"english": true, "french": true, "spanish": true, "italian": true, "czech": true}
	for _, language := range identity.Languages() {
		for _, n := range []int{12, 15, 24} {
			p := mustPhrase(t, r, language, n)
			words := p.Words()
			forms := map[string]string{
				"commas": strings.ReplaceAll(words, " ", ","), "commas and space": strings.ReplaceAll(words, " ", ", "),
				"lines": strings.ReplaceAll(words, " ", "\r\n"), "semicolons": strings.ReplaceAll(words, " ", "; ") + ".",
				"numbers":             each(words, func(i int, w string) string { return fmt.Sprintf("%d. %s\n", i+1, w) }),
				"numbers and bracket": each(words, func(i int, w string) string { return fmt.Sprintf("(%d) %s", i+1, w) }),
				"numbers close by":    each(words, func(i int, w string) string { return fmt.Sprintf("%d)%s", i+1, w) }),
				"bullets":             each(words, func(_ int, w string) string { return "• " + w + "\n" }),
				"quotes":              each(words, func(_ int, w string) string { return "\"" + w + "\"," }),
				"JSON":                `["` + strings.ReplaceAll(words, " ", `","`) + `"]`,
				"dashes":              strings.ReplaceAll(words, " ", " - "),
				"zero width":          "\ufeff" + strings.ReplaceAll(words, " ", "\u200b \u2060") + "\u200e",
				"upper case":          strings.ToUpper(words),
				"NFC":                 norm.NFC.String(words), "NFD": norm.NFD.String(words), "NFKC": norm.NFKC.String(words), "NFKD": norm.NFKD.String(words),
				"wide": strings.ReplaceAll(words, " ", "\u3000"), "wide numbers": each(words, func(i int, w string) string { return fmt.Sprintf("%d．%s", i+1, w) }),
			}
			if latin[language] {
				forms["capitals"] = each(words, func(_ int, w string) string { return strings.ToUpper(w[:1]) + w[1:] })
				forms["no accents"] = each(words, unaccented)
				forms["four letters"] = each(words, func(_ int, w string) string {
					w = unaccented(0, w)
					return w[:min(4, len(w))]
				})
				forms["five letters in capitals"] = strings.ToUpper(each(words, func(_ int, w string) string {
					w = unaccented(0, w)
					return w[:min(5, len(w))]
				}))
			}
			if strings.HasPrefix(string(language), "chinese") {
				forms["no spaces"] = strings.ReplaceAll(words, " ", "")
				forms["ideographic commas"] = strings.ReplaceAll(words, " ", "、")
			}
			for name, form := range forms {
				got, err := identity.ParsePhrase(form)
				if err != nil && errors.Is(err, identity.ErrPhraseAmbiguous) && strings.Contains(name, "letters") {
					continue // once in many thousands
				}
				if err != nil || got != p {
					t.Errorf("%s, %d words, %s: %v", language, n, name, err)
				}
			}
		}
	}
}

// Errors name the place and the cause and repeat nothing.
func TestPhraseFaults(t *testing.T) {
	const words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
	replaced := func(n int, w string) string {
		return each(words, func(i int, old string) string {
			if i+1 == n {
				return w
			}
			return old
		})
	}
	for text, want := range map[string]identity.PhraseWordError{
		replaced(3, "abandonn"): {Position: 3, Fault: identity.WordUnknown}, replaced(12, "xyzzy"): {Position: 12, Fault: identity.WordUnknown},
		replaced(1, "ab"): {Position: 1, Fault: identity.WordShort}, replaced(7, "aba"): {Position: 7, Fault: identity.WordShort},
		replaced(5, "ábaco"): {Position: 5, Fault: identity.WordLanguage}, replaced(6, "的"): {Position: 6, Fault: identity.WordLanguage},
		"1. " + replaced(9, "zzzz"): {Position: 9, Fault: identity.WordUnknown},
	} {
		_, err := identity.ParsePhrase(text)
		var got *identity.PhraseWordError
		if !errors.As(err, &got) || *got != want || !errors.Is(err, identity.ErrPhraseWord) {
			t.Errorf("%+v: %v", want, err)
		} else if strings.Contains(err.Error(), "aba") || strings.Contains(err.Error(), "ába") || strings.Contains(err.Error(), "zz") || got.Fault.Text() == "" {
			t.Errorf("%v", err)
		}
	}
	for text, n := range map[string]int{"": 0, "1. 2. 3.": 0, "abandon": 1, words + " about": 13, strings.Repeat("a ", 4000): 4000} {
		_, err := identity.ParsePhrase(text)
		var got *identity.PhraseLengthError
		if !errors.As(err, &got) || got.Words != n || !errors.Is(err, identity.ErrPhraseWords) {
			t.Errorf("%d words: %v", n, err)
		}
	}
	if _, err := identity.ParsePhrase(replaced(12, "abandon")); !errors.Is(err, identity.ErrPhraseChecksum) {
		t.Errorf("checksum: %v", err)
	}
	// A word that is whole is that word, though others begin with it.
	if p, err := identity.ParsePhrase(strings.ReplaceAll(words, "about", "abou")); err != nil || p.Words() != words {
		t.Errorf("first letters: %v", err)
	}
}

// FuzzPhrase: what is taken is a phrase in its usual form, which reads back as itself.
func FuzzPhrase(f *testing.F) {
	for _, language := range identity.Languages() {
		p, err := identity.NewPhraseIn(bytes.NewReader(make([]byte, 16)), 12, language)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p.Words())
		f.Add(each(p.Words(), func(i int, w string) string { return fmt.Sprintf("%d) %s,", i, w) }))
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := identity.ParsePhrase(s)
		if err != nil {
			if !p.IsZero() {
				t.Fatal("a phrase with an error")
			}
			return
		}
		if again, err := identity.ParsePhrase(p.Words()); err != nil || again != p {
			t.Fatalf("a phrase does not come back: %v", err)
		}
	})
}
