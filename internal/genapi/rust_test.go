package main

import (
	"strings"
	"testing"
)

// Names follow the conventions of Rust and are none of its keywords.
func TestRustNames(t *testing.T) {
	for name, want := range map[string]string{
		"KDFConfig": "KdfConfig", "ReadQRResult": "ReadQrResult", "QRParams": "QrParams", "Sync": "DeviceSync", "SendParams": "SendParams",
	} {
		if got := rustName(name); got != want {
			t.Errorf("%s is called %s, not %s", name, got, want)
		}
	}
	for name, want := range map[string]string{"static": "r#static", "where": "r#where", "text": "text"} {
		if got := rustField(name); got != want {
			t.Errorf("%s is called %s, not %s", name, got, want)
		}
	}
	for text, want := range map[string]string{"bad_key": "BadKey", "self": "OwnKey", "status.prod": "StatusProd"} {
		if got := rustVariant(text); got != want {
			t.Errorf("%s is called %s, not %s", text, got, want)
		}
	}
}

// rustdoc takes nothing of a comment for a link or HTML, and lines are not too long.
func TestRustDoc(t *testing.T) {
	got := rustDoc("as [32] in enrtree://<key>@<domain>, see https://status.app/u#zQ3sh. "+strings.Repeat("word ", 40), 4)
	if !strings.HasPrefix(got, `    /// as \[32\] in enrtree://\<key\>@\<domain\>, see `+"`https://status.app/u#zQ3sh`.") {
		t.Errorf("%q", got)
	}
	for _, line := range strings.Split(got, "\n") {
		if len(line) > rustWidth {
			t.Errorf("long line %q", line)
		}
	}
}
