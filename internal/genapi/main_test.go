package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/multiformats/go-multibase"

	"libstatus1to1/chat/api"
	"libstatus1to1/chat/identity"
)

const root = "../.."

// The files in git are those that the generator makes.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	if err := run(root, true); err != nil {
		t.Error(err)
	}
}

// testModel is the model of the API.
func testModel(t *testing.T) *model {
	t.Helper()
	m, _, err := readModel(root)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Every field that this project's API package adds says what it is. (The types
// of chat and chat/event sometimes explain two fields in one comment.)
func TestFieldsAreDocumented(t *testing.T) {
	m := testModel(t)
	checked := 0
	for typ, o := range m.objects {
		if !strings.HasPrefix(nameOf(typ), "chat/api.") {
			continue
		}
		for _, f := range o.fields {
			checked++
			if f.doc == "" {
				t.Errorf("%s.%s has no doc comment", nameOf(typ), f.GoName)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d fields were looked at", checked)
	}
}

// Readers of the reference know JSON names and the names of objects; a name of a Go
// field or function tells them nothing.
func TestDocumentationHasNoGoNames(t *testing.T) {
	m := testModel(t)
	known := map[string]bool{"WebP": true, "MiB": true, "KiB": true, "WakuMessage": true, "ApplicationMetadataMessage": true, "OpenRPC": true, "ChatMessage": true, "X3DH": true}
	for name := range m.names {
		known[name] = true
	}
	for _, set := range m.enums {
		known[set.name] = true
	}
	reference := regexp.MustCompile("(?s)```json.*?```").ReplaceAllString(m.reference(), "") // examples have base64 in them
	for _, word := range camelCase.FindAllString(reference+m.wrappers(), -1) {
		if !known[word] {
			t.Errorf("%s is a name of Go", word)
		}
	}
	for _, e := range m.events {
		if strings.HasPrefix(m.ofEvent(e), reflect.TypeOf(e).Name()) {
			t.Errorf("the event %s begins with its Go name", e.Type())
		}
	}
	for _, o := range m.objects {
		for _, f := range o.fields {
			if strings.HasPrefix(f.doc, f.GoName+" ") || strings.HasPrefix(f.doc, f.GoName+":") {
				t.Errorf("%s.%s begins with its Go name: %s", o.name, f.Name, f.doc)
			}
		}
	}
	if len(camelCase.FindAllString(reference, -1)) < 50 {
		t.Error("the pattern finds nothing")
	}
}

// The schema is JSON, and whatever it refers to is there.
func TestSchemaIsWhole(t *testing.T) {
	m := testModel(t)
	raw, err := m.schema()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	const start = `"$ref": "#/components/schemas/`
	parts := strings.Split(string(raw), start)
	if len(parts) < 20 {
		t.Errorf("only %d references", len(parts))
	}
	for _, part := range parts[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if doc.Components.Schemas[name] == nil {
			t.Errorf("%s is referred to but not described", name)
		}
	}
}

// What the schema says of a key holds for every form that is read.
func TestKeyPatternTakesEveryForm(t *testing.T) {
	pattern := regexp.MustCompile(texts[reflect.TypeFor[api.Key]()].pattern)
	p, err := identity.ParseChatKey("zQ3shVc2UkAfJCdc1TR8E66J85h48P43r93q8jGPkPpjF9Ef9")
	if err != nil {
		t.Fatal(err)
	}
	forms := []string{p.Hex(), strings.ToUpper(p.Hex()[2:]), "0xE701" + strings.ToUpper(p.Hex()[4:]), "status-app://u#zQ3sh", "https://status.app/u/a#b"}
	for base := range multibase.EncodingToStr {
		if form, err := identity.FormatChatKeyIn(p, base); err == nil && utf8.ValidString(form) {
			forms = append(forms, form)
		}
	}
	if len(forms) < 20 {
		t.Errorf("only %d forms", len(forms))
	}
	for _, form := range forms {
		if !pattern.MatchString(form) {
			t.Errorf("%s does not match", form)
		}
	}
	for _, bad := range []string{"", "0x", " " + p.Hex(), "https://example.org/u#zQ3sh", "nobody"} {
		if pattern.MatchString(bad) {
			t.Errorf("%q matches", bad)
		}
	}
}

func TestReplaceBetween(t *testing.T) {
	dir := t.TempDir()
	write := func(text string) {
		if err := os.WriteFile(filepath.Join(dir, "f"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a\n<begin> x\nold\n<end>\nb\n")
	got, err := replaceBetween(dir, "f", "<begin>", "<end>", "new\n")
	if err != nil || string(got) != "a\n<begin> x\nnew\n<end>\nb\n" {
		t.Errorf("%q, %v", got, err)
	}
	for _, bad := range []string{"", "<begin>\n", "<end>\n", "<end>\n<begin>\n"} {
		write(bad)
		if _, err := replaceBetween(dir, "f", "<begin>", "<end>", "new\n"); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// reserved are names that a type of a binding must not have: they would hide what programs
// use every day in Rust, TypeScript, Python or C.
var reserved = strings.Fields(`Option Result Box String Vec Some None Ok Err Self Clone Copy Send Drop Default Iterator
	Error Object Array Map Set Symbol Date Promise Function Number Boolean Record Partial
	Any Dict List Union Optional Literal Exception Warning Type Int Float Bool Bytes Struct Enum`)

// No generator breaks on a name: none is reserved, and they differ in more than case.
func TestNamesSuitEveryLanguage(t *testing.T) {
	m := testModel(t)
	all, err := m.schemas()
	if err != nil {
		t.Fatal(err)
	}
	folded := map[string]string{}
	for name := range all {
		if other := folded[strings.ToLower(name)]; other != "" {
			t.Errorf("%s and %s differ only in case", name, other)
		}
		if folded[strings.ToLower(name)] = name; slices.Contains(reserved, name) {
			t.Errorf("%s is reserved in some language", name)
		}
	}
	if len(all) < 200 {
		t.Errorf("only %d names", len(all))
	}
}

// maxSchema is the size up to which the document is in the library as it stands.
const maxSchema = 600 << 10

// The document, which is in the library, stays small.
func TestSchemaIsSmall(t *testing.T) {
	raw, err := testModel(t).schema()
	if err != nil || len(raw) > maxSchema {
		t.Errorf("%d bytes (%v): past %d it is to be compressed there", len(raw), err, maxSchema)
	}
}

func TestValuesWithoutCommentsAreOneLine(t *testing.T) {
	set := enumeration{values: []enumValue{{text: "export"}, {text: "import"}}}
	if got, want := valueList(set), "`export`, `import`\n"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	set.values[1].doc = "reads it"
	if got := valueList(set); !strings.Contains(got, "| `export` |  |\n| `import` | reads it |\n") {
		t.Errorf("%q", got)
	}
}
