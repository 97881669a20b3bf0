package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the repository, seen from this package.
var root = filepath.Join("..", "..")

// codeIndex is what the repository declares, by the folder of the package. Names are
// as a reader writes them: "Open", "Client.Send" (a method), "Turn.Now" (a field).
type codeIndex struct {
	decls map[string]map[string][]string // folder, name -> files that declare it
	tests map[string]bool                // Test…, Fuzz…, Benchmark… and Example… functions
	files map[string]bool                // all Go files, by their path
	text  map[string]string              // other sources that are looked at, by their path
}

// readCode parses every Go file of the repository, those of all systems.
func readCode(t *testing.T) *codeIndex {
	t.Helper()
	x := &codeIndex{decls: map[string]map[string][]string{}, tests: map[string]bool{}, files: map[string]bool{}, text: map[string]string{}}
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "build" || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		tree, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(root, name)
		x.add(filepath.ToSlash(below), tree)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// add notes what one file declares; of a test file only its tests are looked for.
func (x *codeIndex) add(file string, tree *ast.File) {
	x.files[file] = true
	isTest := strings.HasSuffix(file, "_test.go")
	if dir := path.Dir(file); x.decls[dir] == nil {
		x.decls[dir] = map[string][]string{}
	}
	for _, decl := range tree.Decls {
		switch d := decl.(type) {
		case *ast.FuncDecl:
			if isTest {
				x.tests[d.Name.Name] = true
			} else if d.Recv != nil {
				x.declare(file, receiver(d.Recv.List[0].Type)+"."+d.Name.Name)
			} else {
				x.declare(file, d.Name.Name)
			}
		case *ast.GenDecl:
			if !isTest {
				x.addSpecs(file, d.Specs)
			}
		}
	}
}

func (x *codeIndex) addSpecs(file string, specs []ast.Spec) {
	for _, spec := range specs {
		switch s := spec.(type) {
		case *ast.ValueSpec:
			for _, name := range s.Names {
				x.declare(file, name.Name)
			}
		case *ast.TypeSpec:
			x.declare(file, s.Name.Name)
			for _, member := range members(s.Type) {
				x.declare(file, s.Name.Name+"."+member)
			}
		}
	}
}

func (x *codeIndex) declare(file, name string) {
	of := x.decls[path.Dir(file)]
	of[name] = append(of[name], file)
}

// receiver is the type name of a method's receiver.
func receiver(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return receiver(e.X)
	case *ast.IndexExpr:
		return receiver(e.X)
	case *ast.IndexListExpr:
		return receiver(e.X)
	case *ast.SelectorExpr: // an embedded type of another package
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

// members are the names of a struct's fields or of an interface's methods.
func members(e ast.Expr) (names []string) {
	var fields *ast.FieldList
	switch e := e.(type) {
	case *ast.StructType:
		fields = e.Fields
	case *ast.InterfaceType:
		fields = e.Methods
	default:
		return nil
	}
	for _, f := range fields.List {
		for _, name := range f.Names {
			names = append(names, name.Name)
		}
		if len(f.Names) == 0 {
			names = append(names, receiver(f.Type))
		}
	}
	return names
}

// has reports whether the package in a folder declares a name. A method or field may
// also be named without its type.
func (x *codeIndex) has(dir, name string) bool {
	if x.decls[dir][name] != nil {
		return true
	}
	for full := range x.decls[dir] {
		if strings.HasSuffix(full, "."+name) {
			return true
		}
	}
	return false
}

// inFile is has for one file.
func (x *codeIndex) inFile(file, name string) bool {
	for full, files := range x.decls[path.Dir(file)] {
		if (full == name || strings.HasSuffix(full, "."+name)) && slices.Contains(files, file) {
			return true
		}
	}
	return false
}

// where lists the files that declare a name anywhere, for whoever has to put a row right
// after a function has moved.
func (x *codeIndex) where(name string) string {
	_, last, _ := strings.Cut("."+name, ".")
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		last = name[i+1:]
	}
	var all []string
	for _, decls := range x.decls {
		for full, files := range decls {
			if full == name || strings.HasSuffix(full, "."+last) || full == last {
				all = append(all, full+" is in "+strings.Join(files, ", "))
			}
		}
	}
	slices.Sort(all)
	switch {
	case len(all) == 0:
		return "nothing in the code is called so"
	case len(all) > maxPlaces:
		return "there are many of that name"
	}
	return strings.Join(all, "; ")
}

// maxPlaces is how many places are listed of a name that is not where a document says.
const maxPlaces = 4

// hasTest reports whether there is a test function. A name that ends with … stands for
// all that begin so.
func (x *codeIndex) hasTest(name string) bool {
	begin, all := strings.CutSuffix(name, "…")
	if !all {
		return x.tests[name]
	}
	for test := range x.tests {
		if strings.HasPrefix(test, begin) {
			return true
		}
	}
	return false
}

// source is the text of a file that is not Go.
func (x *codeIndex) source(file string) (string, error) {
	if text, ok := x.text[file]; ok {
		return text, nil
	}
	raw, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
	x.text[file] = string(raw)
	return string(raw), err
}
