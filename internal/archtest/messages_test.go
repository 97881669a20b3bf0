package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
)

// prefix is how the errors inside the house begin: with their package. Those that leave it
// are sentences for people.
var prefix = regexp.MustCompile(`^([a-z0-9]+): `)

// packageNames are the last parts of the packages' paths.
func packageNames(all []pkg) map[string]bool {
	names := map[string]bool{}
	for _, p := range all {
		names[path.Base(p.ImportPath)] = true
	}
	return names
}

// TestErrorsForPeople: no error that can reach a caller, which is made by Errorf of package
// chat and nothing else, begins with the name of a package or has the text of another
// error in it: that one is attached with Because, for logs and errors.Is.
func TestErrorsForPeople(t *testing.T) {
	seen, all := 0, packages(t)
	names := packageNames(all)
	for _, p := range all {
		if p.isFree() {
			continue
		}
		for _, file := range append(p.GoFiles, p.CgoFiles...) {
			set := token.NewFileSet()
			tree, err := parser.ParseFile(set, filepath.Join(p.Dir, file), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if at, ok := makesError(call, p.name()); ok {
					seen++
					for _, fault := range messageFaults(call.Args[at:], names) {
						t.Errorf("%s: %s", set.Position(call.Pos()), fault)
					}
				}
				return true
			})
		}
	}
	if seen < 100 {
		t.Errorf("only %d errors were looked at", seen)
	}
}

// makers are the functions that make such errors, by package and name, with the place of
// the format among their arguments.
var makers = map[string]int{"chat.Errorf": 2, "chat.wrongState": 1, "store.corrupt": 0}

// makesError finds the format of a call to one of the makers.
func makesError(call *ast.CallExpr, in string) (format int, ok bool) {
	name := ""
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = in + "." + f.Name
	case *ast.SelectorExpr:
		if of, ok := f.X.(*ast.Ident); ok {
			name = of.Name + "." + f.Sel.Name
		}
	}
	format, ok = makers[name]
	return format, ok && format < len(call.Args)
}

// messageFaults are what is wrong with a format and what is put into it. A maker that
// hands its own format on is looked at where it is called.
func messageFaults(args []ast.Expr, packages map[string]bool) (faults []string) {
	switch format := args[0].(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(format.Value)
		if begins := prefix.FindStringSubmatch(text); err != nil || begins != nil && packages[begins[1]] {
			faults = append(faults, "the message begins with a package: "+text)
		}
	case *ast.Ident:
		if format.Name != "format" {
			faults = append(faults, "the format is no literal")
		}
	default:
		faults = append(faults, "the format is no literal")
	}
	for _, arg := range args[1:] {
		ast.Inspect(arg, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				if n.Name == "err" {
					faults = append(faults, "another error stands in the message")
				}
			case *ast.SelectorExpr:
				if n.Sel.Name == "Error" {
					faults = append(faults, "the text of another error stands in the message")
				}
			}
			return true
		})
	}
	return faults
}
