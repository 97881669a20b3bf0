package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"sort"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/linker"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

// wireDir is where the .proto files live, below the module root. It is part of
// each file's registered name, which must be unique in the process: go-waku and
// libp2p register files of their own.
const wireDir = "chat/wire"

// generate gives the Go of every .proto file in wireDir, by path below root.
func generate(ctx context.Context, root string) (map[string][]byte, error) {
	names, err := protoNames(root)
	if err != nil {
		return nil, err
	}
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{root}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(ctx, names...)
	if err != nil {
		return nil, err
	}
	return runPlugin(ctx, root, &pluginpb.CodeGeneratorRequest{
		FileToGenerate: names,
		Parameter:      proto.String("paths=source_relative"),
		ProtoFile:      withImports(files),
	})
}

// protoNames lists the .proto files as slash paths below root, sorted.
func protoNames(root string) ([]string, error) {
	found, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(wireDir), "*.proto"))
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("no .proto files in %s", wireDir)
	}
	names := make([]string, len(found))
	for i, f := range found {
		names[i] = path.Join(wireDir, filepath.Base(f))
	}
	sort.Strings(names)
	return names, nil
}

// withImports lists the files and what they import, imports first, each once,
// as the plugin protocol asks.
func withImports(files linker.Files) []*descriptorpb.FileDescriptorProto {
	var out []*descriptorpb.FileDescriptorProto
	seen := map[string]bool{}
	var visit func(protoreflect.FileDescriptor)
	visit = func(f protoreflect.FileDescriptor) {
		if seen[f.Path()] {
			return
		}
		seen[f.Path()] = true
		imports := f.Imports()
		for i := range imports.Len() {
			visit(imports.Get(i).FileDescriptor)
		}
		out = append(out, protodesc.ToFileDescriptorProto(f))
	}
	for _, f := range files {
		visit(f)
	}
	return out
}

// runPlugin speaks the protoc plugin protocol with the pinned protoc-gen-go.
func runPlugin(ctx context.Context, root string, req *pluginpb.CodeGeneratorRequest) (map[string][]byte, error) {
	in, err := proto.Marshal(req)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, "go", "tool", "protoc-gen-go")
	cmd.Dir = root
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("protoc-gen-go: %w: %s", err, stderr.Bytes())
	}
	var resp pluginpb.CodeGeneratorResponse
	if err := proto.Unmarshal(out, &resp); err != nil {
		return nil, fmt.Errorf("protoc-gen-go answered no CodeGeneratorResponse: %w", err)
	}
	if resp.Error != nil {
		return nil, errors.New("protoc-gen-go: " + resp.GetError())
	}
	files := make(map[string][]byte, len(resp.GetFile()))
	for _, f := range resp.GetFile() {
		files[f.GetName()] = []byte(f.GetContent())
	}
	return files, nil
}
