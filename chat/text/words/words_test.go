package words

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// found are texts in many scripts, with queries that find them and queries that do not.
var found = map[string]struct {
	text    string
	by, not []string
}{
	"English": {"The Report.pdf of Dr. O'Neill isn't ready, e-mail me@example.com!",
		[]string{"report", "REPORT", "rep", "pdf", "report.pdf", "neill", "o'neill", "O’Neill", "isn't", "e-mail", "mail", "example.com", "me@example.com",
			`"isn't ready"`, `"the report"`, "ready the", "re* of", "dr"},
		[]string{"eport", "rep of", "ready-report", `"report the"`, `"the rep"`, "example.org", "reports"}},
	"German":     {"Straße, GROẞE Maße: Ärger über Öl", []string{"strasse", "STRASSE", "straße", "große", "grosse", "arger", "ÄRGER", "uber", "u\u0308ber"}, []string{"stras e", "aerger"}},
	"French":     {"J’aime l'été à Nîmes ; c'est l’amour", []string{"été", "ete", "ETE", "l'ete", "l’été", "amour", "nimes", "aime", `"a nimes"`}, []string{"jaime", "lamour"}},
	"Spanish":    {"mañana ﬁn", []string{"manana", "mañana", "MAÑANA", "man\u0303ana", "fin", "ﬁ"}, []string{"manan a"}},
	"Turkish":    {"İstanbul ISPARTA ısı Diyarbakır", []string{"istanbul", "ISTANBUL", "isparta", "ısparta", "ısı", "isi", "diyarbakir", "DİYARBAKIR"}, []string{"stanbul"}},
	"Vietnamese": {"Tiếng Việt có dấu", []string{"tieng viet", "TIẾNG VIỆT", "tiếng", `"co dau"`}, []string{"tienh"}},
	"Greek":      {"Οδυσσεύς και ΠΗΝΕΛΌΠΗ, ᾠδή", []string{"οδυσσευς", "ΟΔΥΣΣΕΎΣ", "οδυσσεύσ", "πηνελοπη", "ωδη"}, []string{"οδυσσεα"}},
	"Russian":    {"Ещё мой ёжик и МОИ книги", []string{"еще", "ЕЩЁ", "ежик", "мой", "мои", "КНИГ"}, []string{"нигами", "мойи"}},
	"Ukrainian":  {"Їжак у м'яті", []string{"їжак", "м'яті", "м’яті", "яті"}, []string{"яття"}},
	"Hebrew":     {"שָׁלוֹם עוֹלָם, צה\"ל", []string{"שלום", "שָׁלוֹם", "עולם", "שלו", `"שלום עולם"`}, []string{"לום"}},
	"Arabic":     {"السَّلامُ عَلَيْكُم أحمد إبراهيم العــربية ﻻ", []string{"السلام", "عليكم", "احمد", "أحمد", "ابراهيم", "العربية", "لا", `"السلام عليكم"`}, []string{"سلام"}},
	"Persian":    {"می\u200cخواهم کتاب", []string{"می\u200cخواهم", "میخواهم", "کتاب", "می"}, []string{"خواهم"}},
	"Hindi":      {"हिन्दी में क़लम और ज़रूर", []string{"हिन्दी", "हिन्", "क़लम", "ज़रूर", "\u0915\u093cलम"}, []string{"हन्दी", "कलम"}},
	"Tamil":      {"தமிழ் மொழி", []string{"தமிழ்", "தமி", "மொழி"}, []string{"தமழ்"}},
	"Bengali":    {"বাংলা ভাষা", []string{"বাংলা", "ভাষা", "বাং"}, []string{"বংলা"}},
	"Thai":       {"สวัสดีครับ กินข้าวหรือยัง", []string{"สวัสดี", "ครับ", "กินข้าว", "ข้าว", "ยัง", "สวัสดีครับ", "ข"}, []string{"สวัสดิ", "ครับกิน", "ขาว"}},
	"Lao":        {"ສະບາຍດີ", []string{"ສະບາຍ", "ດີ"}, []string{"ບີ"}},
	"Khmer":      {"សួស្តីពិភពលោក", []string{"សួស្តី", "ពិភព", "លោក"}, []string{"លោភ"}},
	"Burmese":    {"မင်္ဂလာပါ", []string{"မင်္ဂလာ", "ပါ"}, []string{"ပာ"}},
	"Chinese": {"我明天去北京大学，你呢？2024年iPhone手机",
		[]string{"北京", "北京大学", "大学", "学", "我", "明天", "你呢", "呢", "2024", "年", "2024年", "iphone", "iPhone手机", "手机", "机", "明天 大学", `"去北京"`},
		[]string{"学生", "北大", "京北", "学你", "去大学", "2023年", "东京"}},
	"Japanese": {"東京タワーへ行きたい。データベース ｶﾞｷﾞｸﾞ",
		[]string{"東京", "東京タワー", "タワー", "ワー", "ー", "行き", "たい", "データ", "ベース", "ガギグ", "ｶﾞｷﾞ", "い"},
		[]string{"京東", "カキク", "タワへ", "東京へ", "いデー"}},
	"Korean":   {"친구를 만났어요 ＡＢＣ", []string{"친구", "친구를", "만났어요", "만났", "abc", "\u110e\u1175\u11ab\u1100\u116e"}, []string{"구를", "친구는"}},
	"emoji":    {"Nice 👍🏽 ❤️ 👨‍👩‍👧 🇩🇪 1️⃣ 50€", []string{"👍", "👍🏿", "❤", "❤️", "👩", "👨‍👩‍👧", "🇩🇪", "1", "50€", "€", "50"}, []string{"👎", "🇫🇷", "👍👍"}},
	"code":     {"0x04ab foo_bar x=1;y=2 v1.2.3 C:\\dir", []string{"0x04", "foo", "bar", "foo_bar", "v1.2.3", "x=1", "y", "dir"}, []string{"ab", "v1.3"}},
	"Cherokee": {"ᏣᎳᎩ ꭰꮒ", []string{"ᏣᎳᎩ", "ꮳꮃꭹ", "ᎠᏂ"}, []string{"ꮃꭹ"}},
	"forms":    {"ﬃ Ⅳ ① ｗｉｄｅ ²", []string{"ffi", "iv", "1", "wide", "2"}, []string{"vi"}},
	"hidden":   {"in\u00advis\u200bib\u2060le \u202eecilA\u202c", []string{"invisible", "ecila", "in\u00advis"}, []string{"alice"}},
}

func TestScripts(t *testing.T) {
	for name, c := range found {
		terms := Terms(c.text)
		for _, s := range c.by {
			q, err := ParseQuery(s)
			if err != nil || !q.Matches(c.text) || !inTerms(q, terms) {
				t.Errorf("%s: %q does not find the text: %v, terms %v of %q", name, s, err, q.Terms(), terms)
			}
		}
		for _, s := range c.not {
			q, err := ParseQuery(s)
			if err != nil || q.Matches(c.text) || q.Exact() && inTerms(q, terms) {
				t.Errorf("%s: %q finds the text, %v", name, s, err)
			}
		}
	}
}

// inTerms reports whether a text with these terms has those of a query.
func inTerms(q Query, terms []string) bool {
	for _, want := range q.Terms() {
		if !slices.ContainsFunc(terms, func(has string) bool {
			return has == want.Text || want.Prefix && strings.HasPrefix(has, want.Text)
		}) {
			return false
		}
	}
	return true
}

func TestTerms(t *testing.T) {
	for text, want := range map[string]string{
		"":                  "",
		" \n\t…!?":          "",
		"a b A":             "a b",
		"北京":                "北京 京",
		"北京大 学":             "北京 京大 大 学",
		"x北y":               "x 北 y",
		"データ":               "デー ータ タ",
		"don't":             "don t",
		"naïve café":        "naive cafe",
		"北京2024年":           "北京 京 2024 年",
		"\u0301":            "",
		"ー":                 "ー",
		"a\u0301\u0302b":    "ab",
		"1 000 000,50 $":    "1 000 50 $",
		"http://a.b/c?d=%e": "http a b c d e",
	} {
		if got := strings.Join(Terms(text), " "); got != want {
			t.Errorf("terms of %q: %q, want %q", text, got, want)
		}
	}
}

func TestParseQuery(t *testing.T) {
	for s, want := range map[string]string{
		"a":              "a*",
		"a b":            "a b*",
		"a* b ":          "a* b*",
		`"a b"`:          "a b",
		`"a b`:           "a b",
		`x "a b" c`:      "x a b c*",
		`x "a b" `:       "x a b",
		`“a b” «c»`:      "a b c",
		`„a“`:            "a",
		"l’amour":        "l amour*",
		"a.b c":          "a b c*",
		"a a a":          "a a*",
		"***":            "",
		"北":              "北*",
		"北京大":            "北京 京大",
		"北京 大":           "北京 大*",
		"*a":             "a*",
		"-":              "",
		"":               "",
		" \" \" ":        "",
		"a !":            "a*",
		"\u200b\u0301\n": "",
	} {
		q, err := ParseQuery(s)
		var got []string
		for _, term := range q.Terms() {
			text := term.Text
			if term.Prefix {
				text += "*"
			}
			got = append(got, text)
		}
		if joined := strings.Join(got, " "); joined != want || (err == ErrEmpty) != (want == "") {
			t.Errorf("terms of %q: %q, %v; want %q", s, joined, err, want)
		}
	}
	for s, want := range map[string]error{
		strings.Repeat("x", MaxQuery+1):       ErrTooLong,
		strings.Repeat("é", MaxQuery):         nil,
		"\xff":                                ErrEncoding,
		strings.Repeat("ﷺ", MaxQuery):         nil,
		strings.Repeat("\u0301", MaxQuery):    ErrEmpty,
		strings.Repeat(`"a" `, MaxQuery/4):    nil,
		strings.Repeat("字", MaxQuery):         nil,
		"a" + strings.Repeat(`"`, MaxQuery-1): nil,
	} {
		if _, err := ParseQuery(s); err != want {
			t.Errorf("%.20q: %v, want %v", s, err, want)
		}
	}
}

// TestLongQuery: more words than are looked up must be there, too.
func TestLongQuery(t *testing.T) {
	var b strings.Builder
	for i := range 2 * MaxQueryTerms {
		b.WriteString(" w" + strings.Repeat("x", i%20) + strings.Repeat("y", i/20))
	}
	for _, text := range []string{b.String(), manyIdeographs(100)} {
		q, err := ParseQuery(text)
		if err != nil || len(q.Terms()) != MaxQueryTerms || q.Exact() || !q.Matches(text) {
			t.Errorf("%q: %d terms, exact %v, %v", text, len(q.Terms()), q.Exact(), err)
		}
		if q.Matches(cut(text, len(text)-5)) {
			t.Errorf("%q is found without its end", text)
		}
	}
}

func TestNames(t *testing.T) {
	name := Read("Bobby von Müller-Tables 山田太郎")
	for s, want := range map[string]bool{
		"bob": true, "tab bob": true, "mull vo": true, `"von mull"`: true, "müller-tab": true, "太": true, "山田": true, "bob太郎": false, "obby": false,
		"bob x": false, `"mull von"`: false,
	} {
		q, err := ParseQuery(s)
		if err != nil || q.MatchesName(name) != want {
			t.Errorf("%q: %v, want %v", s, q.MatchesName(name), want)
		}
	}
}

// TestBounds: what somebody sends costs no more than its first part.
func TestBounds(t *testing.T) {
	var distinct strings.Builder
	for i := range 1 << 20 {
		distinct.WriteString(string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + string(rune('a'+i/17576%26)) + " ")
	}
	for name, s := range map[string]string{
		"distinct words": distinct.String(),
		"one long word":  strings.Repeat("x", 10<<20),
		"expansion":      strings.Repeat("ﷺ", 4<<20/3),
		"marks":          "a" + strings.Repeat("\u0301\u0323", 4<<20/4),
		"kept marks":     "क" + strings.Repeat("\u093c", 1<<20),
		"ideographs":     manyIdeographs(1 << 20),
		"no UTF-8":       strings.Repeat("\xff\xc0", 1<<20),
		"symbols":        strings.Repeat("😀", 1<<20),
	} {
		start := time.Now()
		terms := Terms(s)
		size := 0
		for _, term := range terms {
			size += len(term)
			if len(term) > MaxWord {
				t.Errorf("%s: a term of %d bytes", name, len(term))
			}
		}
		t.Logf("%s: %d terms of %d bytes, %v", name, len(terms), size, time.Since(start).Round(time.Microsecond))
		if len(terms) > MaxTerms || size > 8*MaxText {
			t.Errorf("%s: %d terms of %d bytes", name, len(terms), size)
		}
	}
}

func manyIdeographs(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteRune(rune(0x4e00 + i*7919%20000))
	}
	return b.String()
}

// FuzzQuery: a text that matches a query has its terms, an exact query finds what has its
// terms, and folding twice changes nothing.
func FuzzQuery(f *testing.F) {
	for _, c := range found {
		for _, s := range append(c.by, c.not...) {
			f.Add(c.text, s)
		}
	}
	f.Add("ー\u3099a\u0301ー字ー", `"ー`)
	f.Add("ー字", `"ー"`)
	f.Add(strings.Repeat("字", 40), strings.Repeat("\u0308", 90)+"a")
	f.Fuzz(func(t *testing.T, text, query string) {
		if folded := fold(text); fold(folded) != folded {
			t.Errorf("%q folds to %q and that to %q", text, folded, fold(folded))
		}
		terms := Terms(text)
		for _, s := range []string{query, text, `"` + text + `"`} {
			q, err := ParseQuery(s)
			if err != nil {
				continue
			}
			has := inTerms(q, terms)
			if matches := q.Matches(text); matches && !has || q.Exact() && has && !matches {
				t.Errorf("%q in %q: matches %v, has the terms %v", s, text, matches, has)
			}
		}
		for i, term := range terms {
			if len(term) == 0 || len(term) > MaxWord || slices.Contains(terms[:i], term) {
				t.Errorf("term %q of %q", term, text)
			}
		}
	})
}

// unitsBySegments says what units gives, by segments of the whole text.
func unitsBySegments(s string) (all []unit) {
	u := splitter{visit: func(u unit) bool { all = append(all, u); return true }}
	u.segments(fold(cut(s, MaxText)))
	return all
}

// FuzzUnits: the units of a text are those that segments of the whole have, however it is taken
// apart.
func FuzzUnits(f *testing.F) {
	for _, c := range found {
		f.Add(c.text)
		f.Add("a $5 b_c " + c.text + "\r\n" + c.text + "x' .y")
	}
	for _, s := range []string{" \u0301a", "क \u093f", "\U0001f1e9 \U0001f1ea\U0001f1eb", "a' \u05d0", "中 国", "中\n国", "a\u0301 b", "\xff a", "$$", "1,5 1 ,5", "x\r\u0301\ny"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var all []unit
		units(s, func(u unit) bool { all = append(all, u); return true })
		if want := unitsBySegments(s); !slices.Equal(all, want) {
			t.Fatalf("%q has the units %v, want %v", s, all, want)
		}
	})
}

func BenchmarkTerms(b *testing.B) {
	for name, s := range map[string]string{
		"ascii":   "see you at the station tomorrow morning, please bring the book",
		"german":  "bis morgen früh am Bahnhof, bring bitte das Buch über Öl mit",
		"chinese": "明天早上在车站见，请把那本书带来好吗",
		"thai":    "เจอกันพรุ่งนี้เช้าที่สถานี เอาหนังสือมาด้วยนะ",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for range b.N {
				Terms(s)
			}
		})
	}
}
