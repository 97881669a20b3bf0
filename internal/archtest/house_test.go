package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"testing"
)

// adapters are the packages that implement a port. They see that, and not the engine.
var adapters = []string{"store", "chat/waku", "chat/memnet"}

// trees parses the files of a package without its tests.
func (p pkg) trees(t *testing.T) map[string]*ast.File {
	t.Helper()
	all := map[string]*ast.File{}
	for _, file := range append(p.GoFiles, p.CgoFiles...) {
		tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all[file] = tree
	}
	return all
}

func TestAdaptersSeeThePortOnly(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		if !slices.Contains(adapters, p.name()) {
			continue
		}
		seen++
		if !slices.Contains(p.Imports, module+"/chat/port") {
			t.Errorf("%s does not import chat/port", p.name())
		}
		if slices.Contains(p.Imports, module+"/chat") {
			t.Errorf("%s imports chat", p.name())
		}
	}
	if seen != len(adapters) {
		t.Errorf("%d adapters were looked at, there are %d", seen, len(adapters))
	}
}

// No package below chat names Client, also not as a type of its own: a part that needs
// something declares an interface of what it needs.
func TestNobodyBelowNamesClient(t *testing.T) {
	for _, p := range packages(t) {
		if floor, known := floors[p.name()]; !known || floor >= floors["chat"] {
			continue
		}
		for file, tree := range p.trees(t) {
			if usesName(tree, "Client") {
				t.Errorf("%s/%s names Client", p.name(), file)
			}
		}
	}
}

// usesName reports whether an identifier stands in a file; comments do not count.
func usesName(tree *ast.File, name string) (found bool) {
	ast.Inspect(tree, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return !found
	})
	return found
}

// Whoever has a *Turn holds the engine's lock. So nobody makes one: it comes from the
// lock, which is the loop's.
func TestOnlyTheLoopHasTheLock(t *testing.T) {
	locks := 0
	for _, p := range packages(t) {
		if p.name() == "chat/internal/ledger" || p.isFree() {
			continue
		}
		for file, tree := range p.trees(t) {
			if byValue(tree, "Turn") {
				t.Errorf("%s/%s makes a ledger.Turn; others take a *ledger.Turn", p.name(), file)
			}
			if !byValue(tree, "Lock") {
				continue
			}
			if locks++; p.name() != "chat" || file != "loop.go" {
				t.Errorf("%s/%s has a ledger.Lock; it is for chat/loop.go to have it", p.name(), file)
			}
		}
	}
	if locks == 0 {
		t.Error("nobody has a ledger.Lock: the test does not find it")
	}
}

// byValue reports whether a file has a type of package ledger that is not behind a
// pointer.
func byValue(tree *ast.File, name string) (found bool) {
	ast.Inspect(tree, func(n ast.Node) bool {
		if _, pointer := n.(*ast.StarExpr); pointer {
			return false
		}
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		of, ok := s.X.(*ast.Ident)
		found = found || ok && of.Name == "ledger" && s.Sel.Name == name
		return true
	})
	return found
}

func TestHouseRulesCanFail(t *testing.T) {
	parse := func(text string) *ast.File {
		tree, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		return tree
	}
	if !usesName(parse("func f(c *chat.Client) {}"), "Client") || usesName(parse("// Client\nvar a int"), "Client") {
		t.Error("Client is not found, or found where it is not")
	}
	if !byValue(parse("var t = &ledger.Turn{}"), "Turn") || !byValue(parse("var t = new(ledger.Turn)"), "Turn") || byValue(parse("func f(*ledger.Turn) {}"), "Turn") {
		t.Error("a Turn is not found, or found where it is not")
	}
	if n := fieldsOf(parse("type Client struct { a, b int; C; d struct { e, f int } }"), "Client"); n != 5 {
		t.Errorf("%d fields are counted, there are 5", n)
	}
}

// fieldsOf counts the fields of a struct that a file declares, those of structs without a
// name inside it one by one.
func fieldsOf(tree *ast.File, name string) (n int) {
	for _, decl := range tree.Decls {
		d, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.TypeSpec); ok && s.Name.Name == name {
				n += countFields(s.Type)
			}
		}
	}
	return n
}

func countFields(e ast.Expr) (n int) {
	s, ok := e.(*ast.StructType)
	if !ok {
		return 0
	}
	for _, f := range s.Fields.List {
		n += max(1, len(f.Names)) * max(1, countFields(f.Type))
	}
	return n
}
