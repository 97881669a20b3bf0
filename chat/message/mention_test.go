package message

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/multiformats/go-multibase"

	"libstatus1to1/chat/protocol/key"
	"libstatus1to1/chat/wire"
)

// compressedName is a key as chat keys are written.
func compressedName(t testing.TB, k key.Public) string {
	t.Helper()
	s, err := multibase.Encode(multibase.Base58BTC, append([]byte{0xe7, 0x01}, k.Compressed()...))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestMentions(t *testing.T) {
	bob, carol := newKey(t).Public(), newKey(t).Public()
	b, c := "@"+bob.Hex(), "@"+compressedName(t, carol)
	everyone := Mention{From: 0, Length: 8}
	for name, test := range map[string]struct {
		text string
		want []Mention
	}{
		"nothing":             {"hello", nil},
		"one":                 {"hello " + b + " and all", []Mention{{6, len(b), bob}}},
		"after wide letters":  {"👋שלום " + b, []Mention{{6, len(b), bob}}},
		"both forms":          {b + ", " + c + "!", []Mention{{0, len(b), bob}, {len(b) + 2, len(c), carol}}},
		"everyone":            {"@0x00001", []Mention{everyone}},
		"everyone and more":   {"@0x00001x @0x00001", []Mention{{10, 8, key.Public{}}}},
		"another system tag":  {"@0x00002", nil},
		"a letter follows":    {b + "a", nil},
		"a digit follows":     {b + "1", nil},
		"an underscore":       {b + "_", nil},
		"punctuation follows": {b + ".", []Mention{{0, len(b), bob}}},
		"no point":            {"@0x04" + strings.Repeat("1", 128), nil},
		"cut":                 {b[:len(b)-1], nil},
		"no @":                {bob.Hex(), nil},
		"in code":             {"`" + b + "`", nil},
		"beside code":         {"`x` " + b, []Mention{{4, len(b), bob}}},
		"in code of two":      {"``a ` " + b + "``", nil},
		"runs that differ":    {"`` " + b + " `", []Mention{{3, len(b), bob}}},
		"in a block":          {"x\n```go\n" + b + "\n```\n" + b, []Mention{{len("x\n```go\n\n```\n") + len(b), len(b), bob}}},
		"a block to the end":  {"```\n" + b, nil},
		"a fence far in":      {"    ```\n" + b, []Mention{{8, len(b), bob}}},
		"compressed, wrong":   {"@zQ3sh" + strings.Repeat("1", 20), nil},
		"base58 that goes on": {c + "1", nil},
		"after @@":            {"@" + b, []Mention{{1, len(b), bob}}},
	} {
		got := Mentions(test.text)
		if len(got) != len(test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
			continue
		}
		for i := range got {
			if got[i] != test.want[i] {
				t.Errorf("%s: %v, want %v", name, got[i], test.want[i])
			}
		}
	}
}

// TestMentionsAreBounded: neither the list nor the keys that are tried grow with the text.
func TestMentionsAreBounded(t *testing.T) {
	if got := Mentions(strings.Repeat("@0x00001 ", MaxMentions+20)); len(got) != MaxMentions {
		t.Errorf("%d mentions are listed", len(got))
	}
	// What comes after too many keys that are none is not looked at.
	bob := newKey(t).Public()
	if got := Mentions(strings.Repeat("@zQ3sh1 ", maxMentionTries) + "@" + bob.Hex()); len(got) != 0 {
		t.Errorf("%d mentions after many that are none", len(got))
	}
	if got := Mentions(strings.Repeat("@zQ3sh1 ", maxMentionTries-1) + "@" + bob.Hex()); len(got) != 1 {
		t.Errorf("%d mentions after some that are none", len(got))
	}
}

func TestWriteMentions(t *testing.T) {
	bob, carol := newKey(t).Public(), newKey(t).Public()
	for name, c := range map[string]struct {
		text     string
		mentions []Mention
		want     string
	}{
		"a name":      {"hello Bob, you", []Mention{{6, 3, bob}}, "hello @" + bob.Hex() + ", you"},
		"two, sorted": {"@Carol and שלום", []Mention{{11, 4, bob}, {0, 6, carol}}, "@" + carol.Hex() + " and @" + bob.Hex()},
		"everyone":    {"all: go", []Mention{{0, 3, key.Public{}}}, "@0x00001: go"},
		"the same":    {"B B", []Mention{{0, 1, bob}, {2, 1, bob}}, "@" + bob.Hex() + " @" + bob.Hex()},
		"none":        {"x", nil, "x"},
		// The Status app sees the end of a key only before white space and some punctuation.
		"a bracket": {"(Bob)", []Mention{{1, 3, bob}}, "(@" + bob.Hex() + " )"},
		"an emoji":  {"Bob😀", []Mention{{0, 3, bob}}, "@" + bob.Hex() + " 😀"},
		"no space":  {"BobCarol!", []Mention{{3, 5, carol}, {0, 3, bob}}, "@" + bob.Hex() + " @" + carol.Hex() + "!"},
	} {
		got, err := WriteMentions(c.text, c.mentions)
		if err != nil || got != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for name, c := range map[string]struct {
		text     string
		mentions []Mention
	}{
		"overlap":            {"abcdef", []Mention{{0, 3, bob}, {2, 2, carol}}},
		"empty":              {"abc", []Mention{{1, 0, bob}}},
		"outside":            {"abc", []Mention{{2, 2, bob}}},
		"far outside":        {"abc", []Mention{{1 << 60, 1 << 60, bob}}},
		"before":             {"abc", []Mention{{-1, 1, bob}}},
		"negative":           {"abc", []Mention{{1, -1, bob}}},
		"in code":            {"`abc`", []Mention{{1, 3, bob}}},
		"a letter follows":   {"abc", []Mention{{0, 2, bob}}},
		"too many":           {strings.Repeat("a ", MaxMentions+1), make([]Mention, MaxMentions+1)},
		"one of two in code": {"a `a`", []Mention{{0, 1, bob}, {3, 1, bob}}},
	} {
		if got, err := WriteMentions(c.text, c.mentions); !errors.Is(err, ErrMentions) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// FuzzMentions: what is found stands in the text where it is said to be, in order, and written
// anew it is found again.
func FuzzMentions(f *testing.F) {
	bob := newKey(f).Public()
	for _, s := range []string{
		"hello @" + bob.Hex() + " and all", "`@0x00001` ```\n@0x00001\n```", "@0x00001@0x00001", "@zQ3shx", "`` ` `` @" + compressedName(f, bob), "\xff@0x00001",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || utf8.RuneCountInString(s) > MaxTextLength {
			return // no text that is looked at
		}
		runes, at := []rune(s), 0
		found := Mentions(s)
		for _, m := range found {
			if m.From < at || m.Length < 2 || m.From+m.Length > len(runes) || runes[m.From] != '@' {
				t.Fatalf("%v in a text of %d", m, len(runes))
			}
			at = m.From + m.Length
			rec := &wire.MessageRecord{}
			SetText(rec, string(runes[m.From:at]), m.Key)
			if !rec.GetMentioned() || len(rec.GetMentions()) != 1 {
				t.Fatalf("%q is not read alone", string(runes[m.From:at]))
			}
		}
		if len(found) == 0 {
			return
		}
		written, err := WriteMentions(s, found)
		if err == nil && len(Mentions(written)) < len(found) {
			t.Fatalf("%q has %d mentions, written anew %d", s, len(found), len(Mentions(written)))
		}
	})
}
