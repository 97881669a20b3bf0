package identity_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto/secp256k1"
	"github.com/multiformats/go-multibase"

	"libstatus1to1/chat/identity"
	"libstatus1to1/chat/protocol/key"
)

// A phrase everybody knows: the first of BIP-39's own vectors.
const publicPhrase = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"

func TestNewPhrase(t *testing.T) {
	for _, words := range []int{12, 15, 18, 21, 24} {
		p, err := identity.NewPhrase(rand.Reader, words)
		if err != nil || len(strings.Fields(p.Words())) != words {
			t.Fatalf("%d words: %v", words, err)
		}
		again, err := identity.ParsePhrase(p.Words())
		if err != nil || again != p {
			t.Fatalf("%d words did not come back: %v", words, err)
		}
		other, err := identity.NewPhrase(rand.Reader, words)
		if err != nil || other == p {
			t.Fatalf("the same phrase twice: %v", err)
		}
	}
	p, err := identity.NewPhrase(bytes.NewReader(make([]byte, 16)), 12)
	if err != nil || p.Words() != publicPhrase {
		t.Fatalf("zero entropy gives another phrase: %v", err)
	}
	for _, words := range []int{-3, 0, 3, 9, 11, 13, 25, 27} {
		if _, err := identity.NewPhrase(rand.Reader, words); !errors.Is(err, identity.ErrPhraseWords) {
			t.Errorf("%d words: %v", words, err)
		}
	}
	if _, err := identity.NewPhrase(strings.NewReader("too short"), 12); err == nil {
		t.Error("a phrase without randomness")
	}
}

func TestParsePhrase(t *testing.T) {
	want, err := identity.ParsePhrase(publicPhrase)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"upper case": strings.ToUpper(publicPhrase), "spacing": "\t " + strings.ReplaceAll(publicPhrase, " ", " \r\n ") + "\n",
		"wide space": strings.ReplaceAll(publicPhrase, " ", "\u3000"), "no-break space": strings.ReplaceAll(publicPhrase, " ", "\u00a0"),
		"wide letters": strings.Replace(publicPhrase, "about", "\uff41bout", 1),
	} {
		if p, err := identity.ParsePhrase(text); err != nil || p != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, c := range map[string]struct {
		text     string
		want     error
		position int
	}{
		"empty": {"", identity.ErrPhraseWords, 0}, "eleven": {strings.TrimSuffix(publicPhrase, " about"), identity.ErrPhraseWords, 0},
		"thirteen": {publicPhrase + " about", identity.ErrPhraseWords, 0},
		"huge":     {strings.Repeat(publicPhrase+" ", 1000), identity.ErrPhraseWords, 0},
		"unknown":  {strings.Replace(publicPhrase, "about", "aboot", 1), identity.ErrPhraseWord, 12},
		"first":    {strings.Replace(publicPhrase, "abandon", "xyzzy", 1), identity.ErrPhraseWord, 1},
		"checksum": {strings.Replace(publicPhrase, "about", "abandon", 1), identity.ErrPhraseChecksum, 0},
		"swapped":  {"about" + strings.TrimSuffix(strings.TrimPrefix(publicPhrase, "abandon"), "about") + "abandon", identity.ErrPhraseChecksum, 0},
	} {
		p, err := identity.ParsePhrase(c.text)
		var word *identity.PhraseWordError
		if !errors.Is(err, c.want) || !p.IsZero() || errors.As(err, &word) != (c.position > 0) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if word != nil && word.Position != c.position {
			t.Errorf("%s: word %d", name, word.Position)
		}
		for _, secret := range []string{"abandon", "about", "aboot", "xyzzy"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error repeats a word", name)
			}
		}
	}
}

// BIP-39 asks for the NFKD form of the passphrase: however it was typed, the same key.
func TestPassphraseForms(t *testing.T) {
	p, err := identity.ParsePhrase(publicPhrase)
	if err != nil {
		t.Fatal(err)
	}
	composed, err1 := identity.ChatKey(p, "caf\u00e9")
	decomposed, err2 := identity.ChatKey(p, "cafe\u0301")
	other, err3 := identity.ChatKey(p, "cafe")
	if err1 != nil || err2 != nil || err3 != nil || composed != decomposed || composed == other {
		t.Fatalf("passphrase forms: %v %v %v", err1, err2, err3)
	}
}

// plainDerive is BIP-32's private derivation written from its text with big integers.
func plainDerive(seed []byte, path []uint32) (k *big.Int, leadingZero bool) {
	mac := func(key, data []byte) []byte {
		h := hmac.New(sha512.New, key)
		h.Write(data)
		return h.Sum(nil)
	}
	curve := secp256k1.S256()
	out := mac([]byte("Bitcoin seed"), seed)
	k, chain := new(big.Int).SetBytes(out[:32]), out[32:]
	for _, i := range path {
		ser := make([]byte, 33)
		k.FillBytes(ser[1:])
		leadingZero = leadingZero || ser[1] == 0
		if i < 1<<31 {
			x, y := curve.ScalarBaseMult(ser[1:])
			ser[0] = byte(2 + y.Bit(0))
			x.FillBytes(ser[1:])
		}
		out = mac(chain, binary.BigEndian.AppendUint32(ser, i))
		k = new(big.Int).Add(k, new(big.Int).SetBytes(out[:32]))
		k.Mod(k, curve.N)
		chain = out[32:]
	}
	return k, leadingZero
}

// TestDeriveLeadingZeros derives until keys on the way that begin with a zero byte have
// been met, which is where other implementations leave BIP-32.
func TestDeriveLeadingZeros(t *testing.T) {
	const h = 1 << 31
	path := []uint32{h + 43, h + 60, h + 1581, h, 0}
	zeros := 0
	for n := uint64(0); zeros < 3; n++ {
		if n > 5000 {
			t.Fatal("no key with a leading zero met")
		}
		seed := binary.BigEndian.AppendUint64(make([]byte, 24), n)
		want, zero := plainDerive(seed, path)
		if zero {
			zeros++
		} else if n > 20 {
			continue
		}
		m, err := identity.MasterFromSeed(seed)
		if err != nil {
			t.Fatal(err)
		}
		k, err := m.Derive(identity.ChatPath)
		if err != nil || new(big.Int).SetBytes(k.Bytes()).Cmp(want) != 0 {
			t.Fatalf("seed %d: another key (leading zero: %v), %v", n, zero, err)
		}
	}
}

func TestPaths(t *testing.T) {
	p, err := identity.ParsePhrase(publicPhrase)
	if err != nil {
		t.Fatal(err)
	}
	m, err := identity.NewMaster(p, "")
	if err != nil {
		t.Fatal(err)
	}
	if k, err := m.Derive("m"); err != nil || k.Public() != m.Public() {
		t.Fatalf("m is not the master key: %v", err)
	}
	quoted, err1 := m.Derive("m/43'/60'/1581'/0'/0")
	lettered, err2 := m.Derive("m/43h/60h/1581h/0h/0")
	if err1 != nil || err2 != nil || quoted != lettered {
		t.Fatalf("' and h differ: %v %v", err1, err2)
	}
	for _, path := range []string{
		"", "/", "m/", "43'/60'", "m/-1", "m/+1", "m/1''", "m/1'h", "m/x", "m/2147483648", "m/0x1", "m/1_0", "m/ 1", "M/1",
		"m/'", "m//1", "m" + strings.Repeat("/1", 17),
	} {
		if _, err := m.Derive(path); !errors.Is(err, identity.ErrPath) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := identity.ChatKey(identity.Phrase{}, ""); !errors.Is(err, identity.ErrNoPhrase) {
		t.Errorf("the zero phrase: %v", err)
	}
	if _, err := (identity.Master{}).Derive("m"); !errors.Is(err, identity.ErrNoPhrase) || (identity.Master{}).KeyUID() != "" {
		t.Errorf("the zero master: %v", err)
	}
}

func TestRedacted(t *testing.T) {
	p, err := identity.ParsePhrase(publicPhrase)
	if err != nil {
		t.Fatal(err)
	}
	m, err := identity.NewMaster(p, "")
	if err != nil {
		t.Fatal(err)
	}
	masterKey, err := m.Derive("m")
	if err != nil {
		t.Fatal(err)
	}
	holder := struct {
		P identity.Phrase
		M identity.Master
		Q *identity.Phrase
	}{p, m, &p}
	js, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out := string(js)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		out += fmt.Sprintf(verb, holder) + fmt.Sprintf(verb, p) + fmt.Sprintf(verb, m)
	}
	secret := masterKey.Bytes()[:6]
	low := strings.ToLower(out)
	if strings.Contains(low, "abandon") || strings.Contains(low, hex.EncodeToString([]byte("abandon"))) ||
		strings.Contains(low, hex.EncodeToString(secret)) || strings.Contains(out, strings.Trim(fmt.Sprint(secret), "[]")) {
		t.Fatal("a secret was printed")
	}
	if !strings.Contains(out, "[redacted]") {
		t.Fatal("nothing says redacted")
	}
}

func TestChatKeyRefuses(t *testing.T) {
	k, err := key.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := k.Public()
	encode := func(base multibase.Encoding, b ...byte) string {
		text, err := multibase.Encode(base, b)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	good := identity.FormatChatKey(p)
	compressed := hex.EncodeToString(p.Compressed())
	offCurve := p.Uncompressed()
	offCurve[64] ^= 1
	for name, text := range map[string]string{
		"empty": "", "0x": "0x", "z": "z", "spaces": " " + good, "newline": good + "\n", "cut": good[:len(good)-1],
		"odd hex": compressed[1:], "short hex": compressed[2:], "long hex": compressed + "00", "two 0x": "0x0x" + compressed,
		"upper 0X": "0X" + compressed, "not base58": strings.Replace(good, "z", "z0", 1), "huge": "z" + strings.Repeat("1", 1<<20),
		"seed phrase": publicPhrase, "off the curve": hex.EncodeToString(offCurve),
		"ed25519":     encode(multibase.Base58BTC, append([]byte{0xed, 1}, p.Compressed()...)...),
		"0x, another": "0xed01" + compressed,
		"long varint": encode(multibase.Base58BTC, append([]byte{0xe7, 0x81, 0}, p.Compressed()...)...),
		"no codec":    encode(multibase.Base58BTC, p.Compressed()...),
		"no point":    encode(multibase.Base58BTC, append([]byte{0xe7, 1, 5}, p.X()...)...),
	} {
		got, err := identity.ParseChatKey(text)
		if !errors.Is(err, identity.ErrChatKey) || !got.IsZero() {
			t.Errorf("%s: %v", name, err)
		} else if len(text) > 8 && strings.Contains(err.Error(), text[:8]) || strings.Contains(err.Error(), "abandon") {
			t.Errorf("%s: the error repeats the text", name)
		}
	}
	if got, err := identity.ParseChatKey("0x" + strings.ToUpper(compressed)); err != nil || got != p {
		t.Errorf("upper-case hex: %v", err)
	}
	if identity.FormatChatKey(key.Public{}) != "" {
		t.Error("no key has a chat key")
	}
}

func TestInstallationID(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		id, err := identity.NewInstallationID(rand.Reader)
		if err != nil || len(id) != 36 || id[14] != '4' || !strings.ContainsRune("89ab", rune(id[19])) || seen[id] {
			t.Fatalf("%q: %v", id, err)
		}
		if again, err := identity.ParseInstallationID(id); err != nil || again != id {
			t.Fatalf("%q: %v", id, err)
		}
		seen[id] = true
	}
	if _, err := identity.NewInstallationID(strings.NewReader("short")); err == nil {
		t.Error("an id without randomness")
	}
	for _, id := range []string{"bob-x", "B", strings.Repeat("x", 64), "~!"} {
		if got, err := identity.ParseInstallationID(id); err != nil || got != id {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", strings.Repeat("x", 65), "a b", "a\n", "\x7f", "é", "none"} {
		if _, err := identity.ParseInstallationID(id); !errors.Is(err, identity.ErrInstallationID) {
			t.Errorf("%q: %v", id, err)
		}
	}
}

func FuzzParseChatKey(f *testing.F) {
	k, err := key.Generate(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	p := k.Public()
	for _, text := range []string{
		identity.FormatChatKey(p), p.Hex(), hex.EncodeToString(p.Compressed()), "zQ3sh", "0x04", "", publicPhrase,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := identity.ParseChatKey(text)
		if err != nil {
			if !errors.Is(err, identity.ErrChatKey) || !p.IsZero() {
				t.Fatalf("%v", err)
			}
			return
		}
		again, err := identity.ParseChatKey(identity.FormatChatKey(p))
		if err != nil || again != p {
			t.Fatalf("a parsed key does not come back: %v", err)
		}
	})
}

func FuzzParsePhrase(f *testing.F) {
	for _, text := range []string{publicPhrase, strings.ToUpper(publicPhrase), "", "legal winner thank year wave sausage worth useful legal winner thank yellow"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := identity.ParsePhrase(text)
		if err != nil {
			if !p.IsZero() || !errors.Is(err, identity.ErrPhraseWords) && !errors.Is(err, identity.ErrPhraseWord) && !errors.Is(err, identity.ErrPhraseChecksum) {
				t.Fatalf("%v", err)
			}
			return
		}
		if again, err := identity.ParsePhrase(p.Words()); err != nil || again != p {
			t.Fatalf("a parsed phrase does not come back: %v", err)
		}
	})
}
