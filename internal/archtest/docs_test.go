package archtest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Documents name code. Here everything they name must exist, so that what moves is
// followed. In Markdown a name stands between backquotes, in one of these forms:
//
//	`chat/protocol/session: Peer.Receive, MaxInstallations`  a package and what it declares
//	`ledger.Tx.AtEnd`        the same, by the last part of the package's path
//	`chat/protocol/session`  a package, a folder or a file
//	`TestBlock…`             tests; with … all that begin so
//	`make demo`              a target of the Makefile or of mk/
//
// Anything else between backquotes (values, fields, commands) is not looked at, but for
// names that look like Go's (`Tx.AtEnd`): those must be of some package. The code that a
// fence marked go shows must have the same types, with the same members.
//
// In chat/doc.go a name is "file.go: function" ("internal/outbox/rows.go: Rows.Add"), with the
// path from chat/ or from the root, or a link in brackets ([ledger.Tx.AtEnd]).

// documents are the Markdown documents whose names are looked up.
var documents = []string{"docs/specs.md", "docs/architecture.md", "docs/threat-model.md"}

// leastNames is how many names each document has at least: fewer would mean that they are
// not found any more.
const leastNames = 40

var (
	fence      = regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$")
	quoted     = regexp.MustCompile("`([^`]+)`")
	ofPackage  = regexp.MustCompile(`^([a-z0-9]+(?:/[a-z0-9]+)*): (\w+(?:\.\w+)?(?:, \w+(?:\.\w+)?)*)$`)
	qualified  = regexp.MustCompile(`^([a-z][a-z0-9]+)\.([A-Z]\w*(?:\.\w+)?)$`)
	goName     = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*(?:\.[A-Za-z]\w*)?$`)
	testName   = regexp.MustCompile(`^(Test|Fuzz|Benchmark|Example)\w*…?$`)
	target     = regexp.MustCompile(`^make ([a-z-]+)$`)
	repoPath   = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.*-]+)+/?$`)
	bareGoFile = regexp.MustCompile(`^\w+\.go$`)
	inDocGo    = regexp.MustCompile(`((?:[\w.-]+/)*\w+\.(?:go|c|h|proto))(?:: (\w+(?:\.\w+)?(?:, \w+(?:\.\w+)?)*))?`)
	docLink    = regexp.MustCompile(`\[\*?((?:[a-z][\w/]*\.)?[A-Z]\w*(?:\.\w+)?)\]`)
)

// named is a name in a document.
type named struct {
	doc  string
	line int
	text string // between the backquotes
}

func (n named) fault(format string, args ...any) string {
	return fmt.Sprintf("%s:%d: `%s`: %s", n.doc, n.line, n.text, fmt.Sprintf(format, args...))
}

// namesIn finds what stands between backquotes, outside of fences.
func namesIn(doc, text string) (all []named) {
	text = fence.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
	for _, at := range quoted.FindAllStringSubmatchIndex(text, -1) {
		all = append(all, named{doc, 1 + strings.Count(text[:at[0]], "\n"), strings.Join(strings.Fields(text[at[2]:at[3]]), " ")})
	}
	return all
}

// faults are what is untrue about a name; checked tells that it is of a form that is
// looked at.
func (x *codeIndex) faults(n named) (faults []string, checked bool) {
	switch {
	case isPlanned(n.text):
		return nil, true
	case testName.MatchString(n.text):
		if !x.hasTest(n.text) {
			faults = append(faults, n.fault("there is no such test"))
		}
	case target.MatchString(n.text):
		if !x.hasTarget(target.FindStringSubmatch(n.text)[1]) {
			faults = append(faults, n.fault("the Makefile and mk/ have no such target"))
		}
	case ofPackage.MatchString(n.text):
		m := ofPackage.FindStringSubmatch(n.text)
		if x.decls[m[1]] == nil {
			return append(faults, n.fault("there is no package %s", m[1])), true
		}
		for _, name := range strings.Split(m[2], ", ") {
			if !x.has(m[1], name) {
				faults = append(faults, n.fault("%s does not declare %s; %s", m[1], name, x.where(name)))
			}
		}
	case bareGoFile.MatchString(n.text):
		faults = append(faults, n.fault("files move: name the package and the function"))
	case qualified.MatchString(n.text):
		m := qualified.FindStringSubmatch(n.text)
		if !x.anyPackage(m[1], m[2]) {
			faults = append(faults, n.fault("no package %s declares %s; %s", m[1], m[2], x.where(m[2])))
		}
	case repoPath.MatchString(n.text) && x.isTop(n.text):
		found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(n.text)))
		if err != nil || len(found) == 0 {
			faults = append(faults, n.fault("there is no such file or folder"))
		}
	case goName.MatchString(n.text):
		if !x.anyPackage("", n.text) && !x.anyMember(n.text) {
			faults = append(faults, n.fault("no package declares it; %s", x.where(n.text)))
		}
	default:
		return nil, false
	}
	return faults, true
}

// hasTarget reports whether make has a target of that name.
func (x *codeIndex) hasTarget(name string) bool {
	parts, err := filepath.Glob(filepath.Join(root, "mk", "*.mk"))
	if err != nil {
		return false
	}
	files := []string{"Makefile"}
	for _, part := range parts {
		files = append(files, "mk/"+filepath.Base(part))
	}
	for _, file := range files {
		if text, err := x.source(file); err == nil && strings.Contains("\n"+text, "\n"+name+":") {
			return true
		}
	}
	return false
}

// isPlanned reports whether a name is of a package that is not there yet.
func isPlanned(text string) bool {
	of, _, _ := strings.Cut(text, ":")
	if m := qualified.FindStringSubmatch(text); m != nil {
		of = m[1]
	}
	return slices.ContainsFunc(planned, func(name string) bool { return of == name || of == path.Base(name) })
}

// anyPackage reports whether a package declares a name whose path ends with last; "" is
// any.
func (x *codeIndex) anyPackage(last, name string) bool {
	for dir := range x.decls {
		if (last == "" || path.Base(dir) == last) && x.decls[dir][name] != nil {
			return true
		}
	}
	return false
}

// anyMember reports whether some type has a method or field of that name.
func (x *codeIndex) anyMember(name string) bool {
	for dir := range x.decls {
		if x.has(dir, name) {
			return true
		}
	}
	return false
}

// isTop reports whether a path begins with a folder of the repository; others are topics,
// specs (53/WAKU2-X3DH) or of other repositories.
func (x *codeIndex) isTop(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	info, err := os.Stat(filepath.Join(root, first))
	return err == nil && info.IsDir()
}

// shown are the faults of code that fences marked go show.
func (x *codeIndex) shown(doc, text string) (faults []string) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		if m[1] != "go" {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), doc, "package p\n"+m[2], parser.SkipObjectResolution)
		if err != nil {
			faults = append(faults, fmt.Sprintf("%s: the code shown does not parse: %v", doc, err))
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			for _, member := range members(spec.Type) {
				if !x.anyPackage("", spec.Name.Name+"."+member) {
					faults = append(faults, fmt.Sprintf("%s shows %s.%s, which is not in the code", doc, spec.Name.Name, member))
				}
			}
			return true
		})
	}
	return faults
}

func TestDocumentsNameWhatExists(t *testing.T) {
	x := readCode(t)
	for _, doc := range documents {
		text, err := x.source(doc)
		if err != nil {
			t.Error(err)
			continue
		}
		seen := 0
		for _, n := range namesIn(doc, text) {
			faults, checked := x.faults(n)
			if checked {
				seen++
			}
			for _, fault := range faults {
				t.Error(fault)
			}
		}
		for _, fault := range x.shown(doc, text) {
			t.Error(fault)
		}
		if seen < leastNames {
			t.Errorf("only %d names of %s were looked up", seen, doc)
		}
	}
}

// TestSpecRows: each row of the first table of docs/specs.md names a package with what it
// declares, and a test.
func TestSpecRows(t *testing.T) {
	text, err := readCode(t).source("docs/specs.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := specRows(text)
	if len(rows) < leastNames {
		t.Fatalf("docs/specs.md has only %d rows", len(rows))
	}
	for _, row := range rows {
		if fault := rowFault(row); fault != "" {
			t.Errorf("%s: %s", fault, strings.Join(row, " | "))
		}
	}
}

// specRows are the cells of the rows of the first table.
func specRows(text string) (rows [][]string) {
	_, table, _ := strings.Cut(text, "\n|---|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	return rows
}

// rowFault says what a row lacks; "" is nothing.
func rowFault(cells []string) string {
	if len(cells) != 4 {
		return "not four cells"
	}
	code, test := false, false
	for _, n := range namesIn("", cells[2]) {
		code = code || ofPackage.MatchString(n.text)
	}
	for _, n := range namesIn("", cells[3]) {
		test = test || testName.MatchString(n.text)
	}
	switch {
	case !code:
		return "no package with what it declares"
	case !test:
		return "no test"
	}
	return ""
}

// The documents' tests can fail: each of these is untrue.
func TestUntrueNamesAreFound(t *testing.T) {
	x := readCode(t)
	for _, text := range []string{
		"`chat/protocol/session: Peer.Recieve`", "`chat/protocol/sesion: Peer.Receive`", "`chat: Open, Clowse`",
		"`chat/protocol/nothing`", "`chat/nothing.go`", "`receive.go`", "`session.Peer.Nothing`", "`Pier.Receive`",
		"`TestThatIsNotThere`", "`TestThatIsNot…`", "`make coffee`", "```go\ntype Peer interface { Nothing() }\n```",
		"```go\nthis does not parse\n```",
	} {
		faults := x.shown("a", text)
		for _, n := range namesIn("a", text) {
			more, _ := x.faults(n)
			faults = append(faults, more...)
		}
		if len(faults) == 0 {
			t.Errorf("%s passes", text)
		}
	}
	for _, cells := range [][]string{{"54", "all", "`chat`", "`TestA`"}, {"54", "all", "`chat: Open`", "none"}, {"54", "`chat: Open`", "`TestA`"}} {
		if rowFault(cells) == "" {
			t.Errorf("row %v passes", cells)
		}
	}
	for _, text := range []string{"nothing.go", "loop.go: nothing", "send.go: Client.receive", "[Klient]", "[ledger.Tx.Nothing]", "library/shim.c: status1to1_kall"} {
		if faults, _ := x.docGoFaults(text); len(faults) == 0 {
			t.Errorf("%s passes", text)
		}
	}
}

// docGoFaults looks up the names in a line of chat/doc.go; seen is how many there are.
func (x *codeIndex) docGoFaults(line string) (faults []string, seen int) {
	for _, m := range inDocGo.FindAllStringSubmatch(line, -1) {
		seen++
		file := "chat/" + m[1]
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			file = m[1]
		}
		text, err := x.source(file)
		if err != nil {
			faults = append(faults, "there is no file "+m[1])
			continue
		}
		for _, name := range strings.Split(m[2], ", ") {
			known := name == "" || x.inFile(file, name)
			if !x.files[file] { // not Go: the word is enough
				known = strings.Contains(text, name)
			}
			if !known {
				faults = append(faults, fmt.Sprintf("%s does not declare %s; %s", file, name, x.where(name)))
			}
		}
	}
	for _, m := range docLink.FindAllStringSubmatch(line, -1) {
		seen++
		of, name, found := strings.Cut(m[1], ".")
		if !found || of[0] >= 'A' && of[0] <= 'Z' {
			of, name = "chat", m[1]
		}
		if !x.anyPackage(path.Base(of), name) {
			faults = append(faults, fmt.Sprintf("%s does not declare %s; %s", of, name, x.where(name)))
		}
	}
	return faults, seen
}

// TestPackageCommentOfTheEngine: chat/doc.go names what exists.
func TestPackageCommentOfTheEngine(t *testing.T) {
	x := readCode(t)
	text, err := x.source("chat/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	all, number := 0, 0
	for line := range strings.Lines(text) {
		number++
		faults, seen := x.docGoFaults(line)
		all += seen
		for _, fault := range faults {
			t.Errorf("chat/doc.go:%d: %s\n%s", number, fault, line)
		}
	}
	if all < leastNames {
		t.Errorf("only %d names of chat/doc.go were looked up", all)
	}
}
