package identity_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/multiformats/go-multibase"
	"github.com/tyler-smith/go-bip39"
	"github.com/tyler-smith/go-bip39/wordlists"
	"golang.org/x/text/unicode/norm"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
)

func somebody(t testing.TB) key.Public {
	t.Helper()
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k.Public()
}

// Every multibase the library has, over either form of the key, names the same key.
func TestChatKeyForms(t *testing.T) {
	p := somebody(t)
	forms := map[string]string{
		"0x, codec, compressed":   "0xe701" + hex.EncodeToString(p.Compressed()),
		"0x, codec, uncompressed": "0xe701" + hex.EncodeToString(p.Uncompressed()),
		"0x, compressed":          "0x" + hex.EncodeToString(p.Compressed()),
		"0x, uncompressed":        p.Hex(),
		"compressed":              hex.EncodeToString(p.Compressed()),
		"uncompressed":            strings.ToUpper(hex.EncodeToString(p.Uncompressed())),
	}
	for base, name := range multibase.EncodingToStr {
		for kind, raw := range map[string][]byte{"compressed": p.Compressed(), "uncompressed": p.Uncompressed()} {
			text, err := multibase.Encode(base, append([]byte{0xe7, 1}, raw...))
			if err != nil {
				t.Fatal(err)
			}
			forms[name+" "+kind] = text
		}
	}
	if len(forms) < 6+2*20 {
		t.Fatalf("only %d forms", len(forms))
	}
	for name, text := range forms {
		if got, err := identity.ParseChatKey(text); err != nil || got != p {
			t.Errorf("%s: %v", name, err)
		}
	}
	if text, err := identity.FormatChatKeyIn(p, multibase.Base64url); err != nil || text[0] != 'u' {
		t.Errorf("base64url: %q, %v", text, err)
	}
	if _, err := identity.FormatChatKeyIn(p, multibase.Base10); err == nil {
		t.Error("base10 is not in the library")
	}
}

// The example of 2/ACCOUNT, "De/Serialization Process Flow".
func TestChatKeyOfTheSpecification(t *testing.T) {
	const short = "zQ3shPyZJnxZK4Bwyx9QsaksNKDYTPmpwPvGSjMYVHoXHeEgB"
	const long = "04261c55675e55ff25edb50b345cfb3a3f35f60712d251cbaaab97bd50054c6ebc3cd4e22200c68daf7493e1f8da6a190a68a671e2d3977809612424c7c3888bc6"
	for _, text := range []string{short, long, "0x" + long, "fe701" + long, "0xe70102261c55675e55ff25edb50b345cfb3a3f35f60712d251cbaaab97bd50054c6ebc"} {
		p, err := identity.ParseChatKey(text)
		if err != nil || identity.FormatChatKey(p) != short || p.Hex() != "0x"+long {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLinks(t *testing.T) {
	p := somebody(t)
	plain := identity.FormatLink(p)
	if plain != "https://status.app/u#"+identity.FormatChatKey(p) || !identity.IsLink(plain) || identity.FormatLink(key.Public{}) != "" {
		t.Fatalf("link %q", plain)
	}
	for _, l := range []identity.Link{
		{Key: p}, {Key: p, DisplayName: "Alice"}, {Key: p, Description: "בודקת"},
		{Key: p, DisplayName: "Ä😀", Description: strings.Repeat("long ", 700)},
	} {
		text, err := l.Format()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, "/u/") == (l == identity.Link{Key: p}) {
			t.Errorf("link %q", text)
		}
		for name, form := range map[string]string{
			"as it is": text, "escaped": strings.ReplaceAll(text, "=", "%3D"), "without padding": strings.ReplaceAll(text, "=", ""),
			"the app's": strings.Replace(text, "https://status.app/", "status-app://", 1),
		} {
			if got, err := identity.ParseLink(form); err != nil || got != l {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}

// The Status app reads the data of a link with one call.
func TestLinkIsReadAtOnce(t *testing.T) {
	l := identity.Link{Key: somebody(t), DisplayName: "Alice", Description: strings.Repeat("x", 3000)}
	text, err := l.Format()
	if err != nil {
		t.Fatal(err)
	}
	data, _, _ := strings.Cut(strings.TrimPrefix(text, "https://status.app/u/"), "#")
	packed, err := base64.URLEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 4096)
	n, err := brotli.NewReader(bytes.NewReader(packed)).Read(buffer)
	if err != nil || n != len(packed)-4 {
		t.Fatalf("%d of %d bytes, %v", n, len(packed)-4, err)
	}
}

// A link the Status app's own test has.
func TestLinkOfTheApp(t *testing.T) {
	const link = "https://status.app/u/G10A4B0JdgwyRww90WXtnP1oNH1ZLQNM0yX0Ja9YyAMjrqSZIYINOHCbFhrnKRAcPGStPxCMJDSZlGCKzmZrJcimHY8BbcXlORrElv_BbQEegnMDPx1g9C5VVNl0fE4y#zQ3shwQPhRuDJSjVGVBnTjCdgXy5i9WQaeVPdGJD6yTarJQSj"
	l, err := identity.ParseLink(link)
	if err != nil || l.DisplayName != "Mark Cole" || !strings.HasPrefix(l.Description, "Visual designer") {
		t.Fatalf("%+v, %v", l, err)
	}
	if !strings.HasSuffix(link, identity.FormatChatKey(l.Key)) {
		t.Error("another key")
	}
}

func TestLinksRefuse(t *testing.T) {
	p := somebody(t)
	good, err := identity.Link{Key: p, DisplayName: "Alice"}.Format()
	if err != nil {
		t.Fatal(err)
	}
	k := identity.FormatChatKey(p)
	for name, text := range map[string]string{
		"empty": "", "another site": "https://example.org/u#" + k, "a community": "https://status.app/c#" + k,
		"no key": "https://status.app/u#", "no hash": "https://status.app/u/" + k, "longer path": "https://status.app/user#" + k,
		"bad key": "https://status.app/u#zQ3shabc", "not base64": "https://status.app/u/!!!#" + k,
		"not brotli": "https://status.app/u/AAAA#" + k, "huge": good + strings.Repeat("a", 1<<20), "cut": good[:len(good)-3],
		"only a key": k,
	} {
		if got, err := identity.ParseLink(text); !errors.Is(err, identity.ErrLink) || got != (identity.Link{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if _, err := identity.ParseLink("https://status.app/u#alice.stateofus.eth"); !errors.Is(err, identity.ErrLinkENS) {
		t.Errorf("ENS: %v", err)
	}
	// A small text that unpacks to a large one.
	if _, err := (identity.Link{Key: p, Description: strings.Repeat("a", 1<<16)}).Format(); !errors.Is(err, identity.ErrLink) {
		t.Errorf("too long: %v", err)
	}
	if _, err := (identity.Link{Key: p, DisplayName: "\xff"}).Format(); !errors.Is(err, identity.ErrLink) {
		t.Errorf("not UTF-8: %v", err)
	}
}

func FuzzParseLink(f *testing.F) {
	p := somebody(f)
	for _, l := range []identity.Link{{Key: p}, {Key: p, DisplayName: "Alice", Description: "about"}} {
		text, err := l.Format()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add("https://status.app/u#alice.eth")
	f.Add("https://status.app/u/AAAA#zQ3sh")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := identity.ParseLink(text)
		if err != nil {
			if l != (identity.Link{}) || !errors.Is(err, identity.ErrLink) && !errors.Is(err, identity.ErrLinkENS) {
				t.Fatal(err)
			}
			return
		}
		again, err := l.Format()
		if err != nil {
			t.Fatalf("a parsed link is not written again: %v", err)
		}
		if back, err := identity.ParseLink(again); err != nil || back != l {
			t.Fatalf("a parsed link does not come back: %v", err)
		}
	})
}

var lists = map[identity.Language][]string{
	"english": wordlists.English, "chinese_simplified": wordlists.ChineseSimplified, "chinese_traditional": wordlists.ChineseTraditional,
	"czech": wordlists.Czech, "french": wordlists.French, "italian": wordlists.Italian, "japanese": wordlists.Japanese,
	"korean": wordlists.Korean, "spanish": wordlists.Spanish,
}

// Phrases in every language are those go-bip39 makes of the same entropy, and read
// back in either Unicode form.
func TestLanguages(t *testing.T) {
	if len(identity.Languages()) != len(lists) {
		t.Fatalf("languages %v", identity.Languages())
	}
	defer bip39.SetWordList(wordlists.English)
	for _, language := range identity.Languages() {
		bip39.SetWordList(lists[language])
		for _, words := range []int{12, 15, 18, 21, 24} {
			entropy := make([]byte, words/3*4)
			if _, err := rand.Read(entropy); err != nil {
				t.Fatal(err)
			}
			if words == 15 {
				entropy[0], entropy[1] = 0, 0
			}
			want, err := bip39.NewMnemonic(entropy)
			if err != nil {
				t.Fatal(err)
			}
			p, err := identity.NewPhraseIn(bytes.NewReader(entropy), words, language)
			if err != nil || p.Words() != norm.NFKD.String(want) {
				t.Fatalf("%s, %d words of %x: %v", language, words, entropy, err)
			}
			seed := bip39.NewSeed(norm.NFKD.String(want), norm.NFKD.String("é"))
			for name, text := range map[string]string{
				"NFC": norm.NFC.String(want), "NFKD": norm.NFKD.String(want), "wide spaces": strings.ReplaceAll(want, " ", "\u3000"),
				"upper case": strings.ToUpper(norm.NFKD.String(want)),
			} {
				got, err := identity.ParsePhrase(text)
				if err != nil || !bytes.Equal(identity.Seed(got, "é"), seed) {
					t.Errorf("%s, %s, entropy %x: %v", language, name, entropy, err)
				}
			}
			// The last word carries the checksum.
			parts := strings.Fields(p.Words())
			wrong := 0
			for i := range 40 {
				parts[len(parts)-1] = norm.NFKD.String(lists[language][i*51])
				if _, err := identity.ParsePhrase(strings.Join(parts, " ")); errors.Is(err, identity.ErrPhraseChecksum) {
					wrong++
				}
			}
			if wrong < 25 {
				t.Errorf("%s, %d words: only %d of 40 wrong checksums seen", language, words, wrong)
			}
		}
	}
	if _, err := identity.NewPhraseIn(rand.Reader, 12, "klingon"); !errors.Is(err, identity.ErrPhraseLanguage) {
		t.Errorf("a language nobody speaks: %v", err)
	}
}

// The place of a wrong word is told for the language the phrase is in.
func TestWrongWordInALanguage(t *testing.T) {
	p, err := identity.NewPhraseIn(bytes.NewReader(big.NewInt(0).FillBytes(make([]byte, 16))), 12, "french")
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(p.Words())
	words[6] = "xyzzy"
	var wrong *identity.PhraseWordError
	if _, err := identity.ParsePhrase(strings.Join(words, " ")); !errors.As(err, &wrong) || wrong.Position != 7 {
		t.Errorf("%v", err)
	}
}
