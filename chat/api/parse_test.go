package api

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"libstatus1to1/chat"
)

func TestParseRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text, field string
		code              chat.Code
	}{
		{"nothing", ``, "", chat.CodeBadJSON},
		{"only blanks", " \n", "", chat.CodeBadJSON},
		{"half an object", `{"a":1`, "", chat.CodeBadJSON},
		{"data after the value", `{} 1`, "", chat.CodeBadJSON},
		{"another object after it", `{}{}`, "", chat.CodeBadJSON},
		{"a comma too many", `{"a":1,}`, "", chat.CodeBadJSON},
		{"a comment", `{} // x`, "", chat.CodeBadJSON},
		{"single quotes", `{'a':1}`, "", chat.CodeBadJSON},
		{"NaN", `{"a":NaN}`, "", chat.CodeBadJSON},
		{"a leading zero", `{"a":01}`, "", chat.CodeBadJSON},
		{"a raw control character", "{\"a\":\"\x01\"}", "", chat.CodeBadJSON},
		{"a byte order mark", "\ufeff{}", "", chat.CodeBadJSON},
		{"bad UTF-8", "{\"a\":\"\xff\"}", "", chat.CodeBadJSON},
		{"UTF-8 of a surrogate", "{\"a\":\"\xed\xa0\x80\"}", "", chat.CodeBadJSON},
		{"a high surrogate alone", `{"a":"\ud800"}`, "", chat.CodeBadJSON},
		{"a high surrogate before text", `{"a":"\uD83Dx"}`, "", chat.CodeBadJSON},
		{"a high surrogate before another escape", `{"a":"\ud83d\n"}`, "", chat.CodeBadJSON},
		{"two high surrogates", `{"a":"\ud83d\ud83d\ude00"}`, "", chat.CodeBadJSON},
		{"a low surrogate alone", `{"a":"\udc00"}`, "", chat.CodeBadJSON},
		{"a lone surrogate in a name", `{"\ud800":1}`, "", chat.CodeBadJSON},
		{"a lone surrogate after a pair", `{"a":"\ud83d\ude00\ude00"}`, "", chat.CodeBadJSON},
		{"a doubled field", `{"a":1,"a":1}`, "a", chat.CodeUnknownField},
		{"a doubled field deep down", `{"a":[{},{"b":1,"\u0062":2}]}`, "a[1].b", chat.CodeUnknownField},
		{"too deep", strings.Repeat("[", MaxDepth+2) + strings.Repeat("]", MaxDepth+2), "", chat.CodeBadJSON},
		{"absurdly deep", strings.Repeat("[", MaxRequest), "", chat.CodeBadJSON},
		{"too large", `"` + strings.Repeat("a", MaxRequest) + `"`, "", chat.CodeBadJSON},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parse(c.text)
			wantError(t, err, c.code, c.field)
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for _, text := range []string{
		`{}`, ` {"a" : [1, -2.5e3, "x", true, false, null, {}] } `, `"\ud83d\ude00"`, `"\uD83D\uDE00\\ud800 \\\\"`,
		`"😀"`, `"\\"`, `"\u0000"`, `"\ufffd"`, `"\ud7ff\ue000"`, `{"a":{"a":{"a":1}}}`, `null`,
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
	} {
		if _, err := parse(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
}

// Errors never repeat what was given: it may be a seed phrase in the wrong place.
func TestParseErrorsAreDiscreet(t *testing.T) {
	for _, text := range []string{`{"phrase":"hunter2`, `hunter2`, `{"a":"hunter2"} hunter2`, "{\"a\":\"hunter2\xff\"}"} {
		_, err := parse(text)
		if err == nil || strings.Contains(Failure(err), "hunter2") || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestLongNamesAreShortened(t *testing.T) {
	name := strings.Repeat("é", 5000)
	_, err := parse(`{"` + name + `":1,"` + name + `":2}`)
	if err == nil || len(err.Error()) > 300 || !utf8.ValidString(err.Error()) {
		t.Errorf("%.500v", err)
	}
}

// FuzzParse checks that parse accepts only what encoding/json accepts too, and
// keeps texts as they are.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"a":[1,"x",{"b":null}]}`, `"\ud800"`, `"\ud83d\ude00"`, `{"a":1,"a":2}`, "\"\xff\"", `[[[[[[`, `"\\ud800"`,
		`{"to":"zQ3sh","text":"hi","client_ref":"1"}`, `{"store":{"kind":"memory"}}`, `1e400`, `-0`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parse(text)
		if err != nil {
			if code := chat.CodeOf(err); code != chat.CodeBadJSON && code != chat.CodeUnknownField {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var want any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&want); err != nil {
			t.Fatalf("accepted %q: %v", text, err)
		}
		if !same(v, want) {
			t.Fatalf("%q was read as %v", text, v)
		}
	})
}

// same compares a parsed value with encoding/json's.
func same(v value, want any) bool {
	switch w := want.(type) {
	case nil:
		return v.kind == kindNull
	case bool:
		return v.kind == kindBool && v.flag == w
	case json.Number:
		return v.kind == kindNumber && v.text == w.String()
	case string:
		return v.kind == kindString && v.text == w
	case []any:
		if v.kind != kindArray || len(v.items) != len(w) {
			return false
		}
		for i := range w {
			if !same(v.items[i], w[i]) {
				return false
			}
		}
		return true
	case map[string]any:
		if v.kind != kindObject || len(v.fields) != len(w) {
			return false
		}
		for _, f := range v.fields {
			item, ok := w[f.name]
			if !ok || !same(f.value, item) {
				return false
			}
		}
		return true
	}
	return false
}
