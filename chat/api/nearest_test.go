package api

import (
	"strings"
	"testing"
	"unicode/utf8"

	"libstatus1to1/chat"
)

// A mistyped method is repeated, and the one that was meant is named.
func TestUnknownMethodIsRepeated(t *testing.T) {
	table := map[string]Method{}
	for _, m := range Methods() {
		table[m.Name] = m
	}
	for name, near := range map[string]string{
		"messages.snd": "messages.send", "message.send": "messages.send", "Identity.get": "identity.get", "mesages.lst": "messages.list",
		"no.such": "", "": "", "quite.another": "",
	} {
		err := unknownMethod(table, name)
		if err.Code != chat.CodeUnknownMethod || err.Field != "method" || err.Details["method"] != name || !strings.Contains(err.Message, `"`+name+`"`) {
			t.Errorf("%q: %v %v", name, err, err.Details)
		}
		if got, _ := err.Details["nearest"].(string); got != near || !strings.Contains(err.Message, near) {
			t.Errorf("%q is near %q, want %q", name, got, near)
		}
	}
	for _, name := range []string{strings.Repeat("messages.send", 1<<16), "\x1b[31m\u202e", "\xff\xfe", "a\nb"} {
		err := unknownMethod(table, name)
		if len(err.Message) > 200 || !utf8.ValidString(err.Message) || strings.ContainsAny(err.Message, "\x1b\u202e\n") {
			t.Errorf("%.20q: %q", name, err.Message)
		}
	}
}

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		a, b string
		n    int
	}{{"", "", 0}, {"", "ab", 2}, {"kitten", "sitting", 3}, {"same", "same", 0}, {"ab", "ba", 2}} {
		if edits(c.a, c.b) != c.n || edits(c.b, c.a) != c.n {
			t.Errorf("%q and %q: %d", c.a, c.b, edits(c.a, c.b))
		}
	}
}
