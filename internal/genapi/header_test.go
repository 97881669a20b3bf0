package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// block is the comment of the header that begins with name (an event and an error code may have the
// same: that of the event is meant), with what follows it up to an empty line.
func block(t *testing.T, text, name string) string {
	t.Helper()
	for _, start := range []string{"\n/* " + name + " ", "\n/* " + name + ": "} {
		if _, rest, found := strings.Cut(text, start); found {
			end, _, _ := strings.Cut(rest, "\n\n")
			return name + " " + end
		}
	}
	t.Errorf("the header has no comment on %s", name)
	return ""
}

// checkFields checks that text names every field of typ, and counts them.
func checkFields(t *testing.T, m *model, text string, typ reflect.Type) int {
	t.Helper()
	for _, f := range m.objects[typ].fields {
		if !strings.Contains(text, "\n *   "+f.Name+" (") {
			t.Errorf("%s is not described in: %s", f.Name, text)
		}
	}
	return len(m.objects[typ].fields)
}

// The header is the manual: every field of every method, event and object is in it.
func TestHeaderDescribesEveryField(t *testing.T) {
	m := testModel(t)
	header := m.wrappers()
	fields := 0
	for _, method := range m.methods {
		text := block(t, header, method.Name)
		fields += checkFields(t, m, text, method.Params)
		if !strings.Contains(text, "char *"+wrapperName(method.Name)+"(") {
			t.Errorf("no function follows the comment on %s", method.Name)
		}
		if m.uses()[method.Result] == 1 {
			fields += checkFields(t, m, text, method.Result)
		} else if name := method.Result.Name(); method.Result.NumField() > 0 && !strings.Contains(text, "\n * Result: "+name) {
			t.Errorf("%s does not say that the result is a %s", method.Name, name)
		}
		for _, code := range method.Errors {
			if !strings.Contains(text, string(code)) {
				t.Errorf("%s does not list the error %s", method.Name, code)
			}
		}
	}
	for _, e := range m.events {
		fields += checkFields(t, m, block(t, header, e.Type()), reflect.TypeOf(e))
	}
	for _, o := range m.objectChapter().entries {
		fields += checkFields(t, m, block(t, header, o.name), m.names[o.name])
	}
	for _, o := range m.configuration().entries {
		fields += checkFields(t, m, block(t, header, o.name), m.names[o.name])
	}
	for _, set := range m.valueChapter().entries {
		text := block(t, header, set.name)
		for _, v := range set.lists[0].fields {
			if !strings.Contains(text, "\n *   "+v.name) {
				t.Errorf("%s lacks the value %s: %s", set.name, v.name, text)
			}
		}
	}
	all := 0
	for _, o := range m.objects {
		all += len(o.fields)
	}
	// The types of open's answer, of errors and of status1to1_info are in the hand-written part
	// or described as objects.
	if len(m.valueChapter().entries) < 20 {
		t.Errorf("only %d sets of values are described", len(m.valueChapter().entries))
	}
	if fields < all {
		t.Errorf("%d fields of %d are described", fields, all)
	}
}

// What stands in a comment neither ends it nor makes it unreadably wide.
func TestHeaderCommentsAreWhole(t *testing.T) {
	header := testModel(t).wrappers()
	if open, closed := strings.Count(header, "/*"), strings.Count(header, "*/"); open != closed || open < 200 {
		t.Errorf("%d comments begin and %d end", open, closed)
	}
	for _, line := range strings.Split(header, "\n") {
		if len(line) > headerWidth+len(" */") && strings.HasPrefix(line, " *") {
			t.Errorf("long line %q", line)
		}
	}
	got := comment("ends */ begins /* " + strings.Repeat("word ", 40))
	if strings.Count(got, "*/") != 1 || strings.Count(got, "/*") != 1 || !strings.HasPrefix(got, "/* ends * / begins / * word") {
		t.Errorf("%q", got)
	}
}

// The man page names every function, method, event and error code, and takes over every section of
// the header's manual.
func TestManPageIsWhole(t *testing.T) {
	m := testModel(t)
	page, err := m.manPage(root)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "include/status1to1.h"))
	if err != nil {
		t.Fatal(err)
	}
	exports, err := os.ReadFile(filepath.Join(root, "library/exports.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var wanted []string
	for _, f := range strings.Fields(string(exports)) {
		wanted = append(wanted, ".Fo "+f, ".It Fn "+f)
	}
	for _, line := range strings.Split(string(raw), "\n") {
		if heading := strings.TrimPrefix(line, " * "); heading != line && sectionHeading.MatchString(heading) {
			wanted = append(wanted, ".Sh "+heading)
		}
	}
	for _, method := range m.methods {
		wanted = append(wanted, ".Ss "+method.Name)
	}
	for _, e := range m.events {
		wanted = append(wanted, ".Ss "+e.Type())
	}
	for _, e := range errorChapter().entries {
		wanted = append(wanted, ".It "+e.name)
	}
	if len(wanted) < 150 {
		t.Errorf("only %d things are looked for", len(wanted))
	}
	for _, w := range wanted {
		if !strings.Contains(string(page), "\n"+w+"\n") {
			t.Errorf("the page lacks %q", w)
		}
	}
}

func TestManTextIsEscaped(t *testing.T) {
	for text, want := range map[string]string{
		"One. Two \\n":             "One.\nTwo \\en\n",
		".profile is a file":       "\\&.profile is a file\n",
		"does not survive fork().": "does not survive\n.Fn fork .\n",
		"":                         "",
	} {
		if got := manText(text); got != want {
			t.Errorf("%q became %q", text, got)
		}
	}
	if got := manArgument(`a "b" c`); got != `"a \(dqb\(dq c"` {
		t.Errorf("%s", got)
	}
	if _, err := readHeader("/* nothing */"); err == nil {
		t.Error("a header without a manual was accepted")
	}
	if got := fmt.Sprint(wrap("aa bb cc", "  ", 5)); got != "[aa bb   cc]" {
		t.Error(got)
	}
}
