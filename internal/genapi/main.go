// Command genapi generates what describes the JSON API, from the method table of
// chat/api, the event types and the doc comments of both:
//
//	chat/api/schema_gen.json   the schema (OpenRPC 1.3)
//	include/status1to1.h       a wrapper a method, between the markers
//	docs/c-api.md              the reference, between the markers
//	docs/status1to1.3          the man page, from the header and the same table
//	bindings/python            the types, events and methods of the Python package
//	bindings/rust/status1to1   those of the Rust crate
//	chat/enum/values_gen.go    the values of the closed sets, to check requests against
//
//	go run ./internal/genapi         write them
//	go run ./internal/genapi -check  exit 1 if one is out of date
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	check := flag.Bool("check", false, "change nothing; exit 1 if a generated file is out of date")
	flag.Parse()
	root, err := moduleRoot()
	if err == nil {
		err = run(root, *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "genapi:", err)
		os.Exit(1)
	}
}

// output is one generated file.
type output struct {
	path    string // below the root
	content []byte
}

// run generates all files in memory and then writes or compares them.
func run(root string, check bool) error {
	outputs, err := generate(root)
	if err != nil {
		return err
	}
	var stale []string
	for _, o := range outputs {
		path := filepath.Join(root, o.path)
		have, err := os.ReadFile(path)
		if err == nil && bytes.Equal(have, o.content) {
			continue
		}
		stale = append(stale, o.path)
		if check {
			continue
		}
		if err := os.WriteFile(path, o.content, 0o644); err != nil {
			return err
		}
	}
	if check && len(stale) > 0 {
		return fmt.Errorf("out of date, run `make generate`: %s", strings.Join(stale, ", "))
	}
	return nil
}

// generate makes every output.
func generate(root string) ([]output, error) {
	m, declared, err := readModel(root)
	if err != nil {
		return nil, err
	}
	values, err := valuesFile(declared)
	if err != nil {
		return nil, err
	}
	schema, err := m.schema()
	if err != nil {
		return nil, err
	}
	header, err := replaceBetween(root, "include/status1to1.h", "/* generated:begin", "/* generated:end", m.wrappers())
	if err != nil {
		return nil, err
	}
	reference, err := replaceBetween(root, "docs/c-api.md", "<!-- generated:begin", "<!-- generated:end", m.reference())
	if err != nil {
		return nil, err
	}
	man, err := m.manPage(root)
	if err != nil {
		return nil, err
	}
	rust, err := m.rust()
	if err != nil {
		return nil, err
	}
	outputs := []output{
		{"docs/status1to1.3", man},
		{"chat/api/schema_gen.json", schema},
		{"include/status1to1.h", header},
		{"docs/c-api.md", reference},
		{"chat/enum/values_gen.go", values},
	}
	outputs = append(outputs, m.node()...)
	outputs = append(outputs, m.python()...)
	outputs = append(outputs, rust...)
	return outputs, nil
}

// readModel reads the sources. It also returns the sets that chat/enum declares, in order.
func readModel(root string) (*model, []enumeration, error) {
	docs, err := readDocs(root)
	if err != nil {
		return nil, nil, err
	}
	declared, err := readEnums(root)
	if err != nil {
		return nil, nil, err
	}
	m, err := newModel(docs, declared)
	if err != nil {
		return nil, nil, err
	}
	return m, declared, m.readExamples(root)
}

// replaceBetween is the file with the lines between the two marker lines replaced.
func replaceBetween(root, path, begin, end, text string) ([]byte, error) {
	raw, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(raw), "\n")
	from, to := -1, -1
	for i, line := range lines {
		switch {
		case strings.HasPrefix(line, begin):
			from = i + 1
		case strings.HasPrefix(line, end):
			to = i
		}
	}
	if from < 0 || to < from {
		return nil, fmt.Errorf("%s lacks the lines %q and %q", path, begin, end)
	}
	return []byte(strings.Join(lines[:from], "") + text + strings.Join(lines[to:], "")), nil
}

// moduleRoot is the directory of the go.mod that governs the working directory.
func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	mod := strings.TrimSpace(string(out))
	if mod == "" || mod == os.DevNull {
		return "", fmt.Errorf("no go.mod here or above")
	}
	return filepath.Dir(mod), nil
}
