// Command genwire generates the Go of every .proto file in chat/wire. It needs
// no protoc: bufbuild/protocompile parses the files and the pinned plugin
// (`go tool protoc-gen-go`) writes the Go.
//
//	go run ./internal/genwire         write chat/wire/*.pb.go
//	go run ./internal/genwire -check  exit 1 if they are out of date
package main

import (
	"context"
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
		err = run(context.Background(), root, *check)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "genwire:", err)
		os.Exit(1)
	}
}

// run generates all files in memory and then writes or compares them.
func run(ctx context.Context, root string, check bool) error {
	want, err := generate(ctx, root)
	if err != nil {
		return err
	}
	if !check {
		return write(root, want)
	}
	stale, err := compare(root, want)
	if err != nil {
		return err
	}
	if len(stale) > 0 {
		return fmt.Errorf("out of date, run `go generate ./chat/wire`: %s", strings.Join(stale, ", "))
	}
	return nil
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
