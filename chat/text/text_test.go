package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/text/unicode/norm"

	"libstatus1to1/chat/text"
)

// nothing are characters that people see nothing of, by name.
var nothing = map[string]string{
	"empty": "", "space": " ", "tab": "\t", "line feed": "\n", "no-break space": "\u00a0", "next line": "\u0085",
	"zero width space": "\u200b", "zero width joiner": "\u200d", "zero width non-joiner": "\u200c", "word joiner": "\u2060",
	"variation selector 16": "\ufe0f", "braille blank": "\u2800", "hangul filler": "\u3164", "half width hangul filler": "\uffa0",
	"byte order mark": "\ufeff", "right-to-left override": "\u202e", "left-to-right isolate": "\u2066", "NUL": "\x00", "escape": "\x1b",
	"delete": "\x7f", "soft hyphen": "\u00ad", "grapheme joiner": "\u034f", "line separator": "\u2028", "paragraph separator": "\u2029",
	"ideographic space": "\u3000", "mongolian vowel separator": "\u180e", "tag space": "\U000e0020", "null note head": "\U0001d159",
	"arabic letter mark": "\u061c", "khmer inherent vowel": "\u17b4", "interlinear anchor": "\ufff9", "noncharacter": "\ufdd0",
}

func TestBlank(t *testing.T) {
	var all strings.Builder
	for name, s := range nothing {
		if !text.Blank(s) || !text.Blank(s+" "+s) || text.Blank(s+"a"+s) || text.Name(s) != "" || text.Squeeze(s) != "" || text.Trim(s) != "" {
			t.Errorf("%s shows nothing", name)
		}
		all.WriteString(s)
	}
	if !text.Blank(all.String()) {
		t.Error("all together")
	}
	for _, s := range []string{
		"a", ".", "👍", "❤️", "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "א", "中", "\u0301", "🇩🇪", "1️⃣", "\ufffd", "ﷺ",
	} {
		if text.Blank(s) {
			t.Errorf("%q shows something", s)
		}
	}
}

func TestSqueezeAndTrim(t *testing.T) {
	if got := text.Squeeze("\ufeff 0x\u200b04\r\n ab\u202ecd\t"); got != "0x04abcd" {
		t.Errorf("%q", got)
	}
	if got := text.Trim("\u200e\n a\u200b b \u00a0"); got != "a\u200b b" {
		t.Errorf("%q", got)
	}
}

func TestName(t *testing.T) {
	for given, want := range map[string]string{
		"Alice": "Alice", "  Alice \n": "Alice", "A\nB": "A B", "A\u2028B\u2029C": "A B C", "A\n\x1b[31mB": "A [31mB", "\u202eecilA": "ecilA",
		"a\u200bb": "ab", "a \u00a0\t b": "a b", "e\u0301": "é", "❤️": "❤️", "👨‍👩‍👧": "👨‍👩‍👧", "🏴󠁧󠁢󠁥󠁮󠁧󠁿": "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "می\u200cخواهم": "می\u200cخواهم",
		"\u2066you\u2069": "you", "   ": "", "\u3164": "", "a\x00b": "ab", "שלום": "שלום", "A\u0085B": "A B",
	} {
		if got := text.Name(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

func TestLines(t *testing.T) {
	for given, want := range map[string]string{
		"": "", " \n\u200b\r\n": "", "a\r\nb": "a\nb", "\n a\x1b \n\n\u202eb\n": "a\n\nb", "a\tb\u2028c": "a b c",
	} {
		if got := text.Lines(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

func TestPlain(t *testing.T) {
	for given, want := range map[string]string{"ÉCOLE": "ecole", "ñandu\u0301": "nandu", "ﬁn": "fin", "ａｂ": "ab", "がく": "かく"} {
		if got := text.Plain(given); got != want {
			t.Errorf("%q becomes %q, want %q", given, got, want)
		}
	}
}

// cutByRunes says what Cut gives, by converting the whole text.
func cutByRunes(s string, limit int) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), limit)])
}

func TestCut(t *testing.T) {
	for _, s := range []string{"", "a", "abc", "äöü", "a\xffb", "\xff\xfe", "中文字", "a😀b", strings.Repeat("é", 40), "\xe4\xb8"} {
		for limit := range 6 {
			if got, want := text.Cut(s, limit), cutByRunes(s, limit); got != want {
				t.Errorf("%q cut to %d is %q, want %q", s, limit, got, want)
			}
		}
	}
}

// FuzzCut compares Cut with converting the whole text.
func FuzzCut(f *testing.F) {
	f.Add("a\xff中", 2)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit = max(limit, 0); text.Cut(s, limit) != cutByRunes(s, limit) {
			t.Fatalf("%q cut to %d", s, limit)
		}
	})
}

// TestCutCopiesOnlyWhatItCuts: a text within the limit costs nothing, and of a longer one nothing
// is kept but what is left of it.
func TestCutCopiesOnlyWhatItCuts(t *testing.T) {
	within, longer := strings.Repeat("é", 100), strings.Repeat("x", 1000)
	if n := testing.AllocsPerRun(100, func() { _ = text.Cut(within, 100) }); n != 0 {
		t.Errorf("a text within the limit takes %v allocations", n)
	}
	if unsafe.StringData(text.Cut(longer, 10)) == unsafe.StringData(longer) {
		t.Error("what is cut off stays in memory")
	}
	if name := "Alice" + strings.Repeat(" ", 500); unsafe.StringData(text.Shown(name, 20, text.Name)) == unsafe.StringData(name) {
		t.Error("what is around a name stays in memory")
	}
}

// FuzzName: a clean name stays as it is, fits one line, and has nothing that a terminal or
// the direction of writing takes for an order.
func FuzzName(f *testing.F) {
	for _, s := range nothing {
		f.Add("a" + s + "b")
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		name := text.Name(s)
		if again := text.Name(name); again != name || !norm.NFC.IsNormalString(name) {
			t.Fatalf("%q becomes %q, and that %q", s, name, again)
		}
		if name != "" && text.Blank(name) || name == "" && !text.Blank(s) {
			t.Fatalf("%q becomes %q", s, name)
		}
		for _, r := range name {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == 0x2028 || r == 0x2029 {
				t.Fatalf("%q keeps %U", s, r)
			}
		}
		if squeezed := text.Squeeze(s); strings.ContainsFunc(squeezed, text.Invisible) || text.Trim(squeezed) != squeezed {
			t.Fatalf("%q is squeezed to %q", s, squeezed)
		}
	})
}
