package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
)

// generatedMode is the mode of a written file: source code, like any other.
const generatedMode = 0o644

// write stores the generated files below root and removes a .pb.go whose
// .proto file is gone.
func write(root string, want map[string][]byte) error {
	for name, content := range want {
		if err := os.WriteFile(filepath.Join(root, filepath.FromSlash(name)), content, generatedMode); err != nil {
			return err
		}
	}
	left, err := orphans(root, want)
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.Remove(filepath.Join(root, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	return nil
}

// compare names the files below root that differ from want, sorted.
func compare(root string, want map[string][]byte) ([]string, error) {
	stale, err := orphans(root, want)
	if err != nil {
		return nil, err
	}
	for name, content := range want {
		have, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if err != nil || !bytes.Equal(have, content) {
			stale = append(stale, name)
		}
	}
	sort.Strings(stale)
	return stale, nil
}

// orphans names the generated files on disk that no .proto file stands behind.
func orphans(root string, want map[string][]byte) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(wireDir), "*.pb.go"))
	if err != nil {
		return nil, err
	}
	var left []string
	for _, f := range found {
		name := wireDir + "/" + filepath.Base(f)
		if _, ok := want[name]; !ok {
			left = append(left, name)
		}
	}
	return left, nil
}
