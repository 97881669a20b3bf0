package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
)

// documented are the packages whose types the API shows, by import path below
// the module.
var documented = []string{"chat", "chat/api", "chat/event", "chat/port"}

// modulePath is the module's name in go.mod.
const modulePath = "libstatus1to1"

// docs are doc comments: "chat/event.Message" for a type,
// "chat/event.Message.Text" for a field.
type docs map[string]string

// readDocs reads the doc comments of the documented packages.
func readDocs(root string) (docs, error) {
	d := docs{}
	for _, pkg := range documented {
		files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(pkg), "*.go"))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			if err := d.readFile(pkg, file); err != nil {
				return nil, err
			}
		}
	}
	if len(d) == 0 {
		return nil, fs.ErrNotExist
	}
	return d, nil
}

// readFile adds the struct types of one file.
func (d docs) readFile(pkg, file string) error {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	for _, decl := range parsed.Decls {
		general, ok := decl.(*ast.GenDecl)
		if !ok || general.Tok != token.TYPE {
			continue
		}
		for _, spec := range general.Specs {
			t := spec.(*ast.TypeSpec)
			doc := t.Doc
			if doc == nil {
				doc = general.Doc
			}
			name := pkg + "." + t.Name.Name
			d[name] = flat(doc)
			if s, ok := t.Type.(*ast.StructType); ok {
				d.readFields(name, s)
			}
		}
	}
	return nil
}

// readFields adds the fields of the type called name. A comment behind a field
// counts as well as one above it.
func (d docs) readFields(name string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		text := strings.TrimSpace(flat(f.Doc) + " " + flat(f.Comment))
		for _, n := range f.Names {
			d[name+"."+n.Name] = text
		}
	}
}

// ofType is the comment of a type, and ofField that of a field.
func (d docs) ofType(t reflect.Type) string { return d[nameOf(t)] }

func (d docs) ofField(t reflect.Type, field string) string { return d[nameOf(t)+"."+field] }

// nameOf is how docs calls a type.
func nameOf(t reflect.Type) string {
	return strings.TrimPrefix(t.PkgPath(), modulePath+"/") + "." + t.Name()
}

// flat is a comment on one line.
func flat(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }
