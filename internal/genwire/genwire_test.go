package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The generated files in the tree are those of the .proto files in the tree.
func TestGeneratedFilesAreUpToDate(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	if err := run(context.Background(), root, true); err != nil {
		t.Fatal(err)
	}
}

func TestCompareAndWrite(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, wireDir), 0o755); err != nil {
		t.Fatal(err)
	}
	put := func(name, content string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), generatedMode); err != nil {
			t.Fatal(err)
		}
	}
	put("chat/wire/changed.pb.go", "old")
	put("chat/wire/orphan.pb.go", "no .proto stands behind it")
	put("chat/wire/doc.go", "by hand")
	want := map[string][]byte{"chat/wire/changed.pb.go": []byte("new"), "chat/wire/missing.pb.go": []byte("new")}
	stale, err := compare(root, want)
	if got := strings.Join(stale, " "); err != nil || got != "chat/wire/changed.pb.go chat/wire/missing.pb.go chat/wire/orphan.pb.go" {
		t.Fatalf("stale: %s, %v", got, err)
	}
	if err := write(root, want); err != nil {
		t.Fatal(err)
	}
	if stale, err := compare(root, want); err != nil || len(stale) > 0 {
		t.Fatalf("still stale: %s, %v", stale, err)
	}
	if _, err := os.Stat(filepath.Join(root, "chat/wire/doc.go")); err != nil {
		t.Fatalf("a file written by hand is gone: %v", err)
	}
}

func TestGenerateRefuses(t *testing.T) {
	root := t.TempDir()
	if _, err := generate(context.Background(), root); err == nil {
		t.Error("generated from nothing")
	}
	if err := os.MkdirAll(filepath.Join(root, wireDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, wireDir, "bad.proto"), []byte("syntax = \"proto3\"; message {"), generatedMode); err != nil {
		t.Fatal(err)
	}
	if _, err := generate(context.Background(), root); err == nil {
		t.Error("generated from a broken file")
	}
}
