package main

import (
	"debug/macho"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// oldestMacOS is the version that Go 1.26 needs; packages are named after it.
const oldestMacOS = 12 << 16 // 12.0.0

// Load commands of <mach-o/loader.h> that debug/macho leaves as bytes.
const (
	idDylib       = 0xd
	uuid          = 0x1b
	codeSignature = 0x1d
	dyldInfoOnly  = 0x80000022
	buildVersion  = 0x32
)

// Where their fields lie.
const (
	nameOffset      = 8  // idDylib
	minimumVersion  = 12 // buildVersion
	exportTrie      = 40 // dyldInfoOnly
	exportTrieBytes = 44
)

var machoMachines = map[string]macho.Cpu{"x86_64": macho.CpuAmd64, "arm64": macho.CpuArm64}

// machoLibraries are those that Go's runtime and standard library use; every macOS has them.
var machoLibraries = []string{
	"/usr/lib/libSystem.B.dylib",
	"/usr/lib/libresolv.9.dylib",
	"/System/Library/Frameworks/CoreFoundation.framework/Versions/A/CoreFoundation",
	"/System/Library/Frameworks/Security.framework/Versions/A/Security",
}

// linkersOwn are labels of the file's beginning, which zig's linker exports from every library.
var linkersOwn = []string{"__mh_dylib_header", "___dso_handle"}

func inspectMachO(w wanted, arch, file string) error {
	f, err := macho.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	var errs []error
	if f.Cpu != machoMachines[arch] {
		errs = append(errs, fmt.Errorf("it is for %s", f.Cpu))
	}
	for _, s := range f.Sections {
		if s.Seg == "__DWARF" {
			errs = append(errs, fmt.Errorf("it is not stripped: it has %s", s.Name))
		}
	}
	libraries, err := f.ImportedLibraries()
	errs = append(errs, err, onlyOf("library", libraries, machoLibraries), macOSVersion(f))
	if arch == "arm64" && command(f, codeSignature) == nil {
		errs = append(errs, errors.New("it has no signature, and would not be loaded"))
	}
	if command(f, uuid) == nil {
		errs = append(errs, errors.New("it has no UUID, which new versions of macOS demand"))
	}
	if w.isLibrary() {
		errs = append(errs, installName(f, w.name), machoExports(f, w.exports))
	}
	return errors.Join(errs...)
}

// command is the first load command of a kind, or nil.
func command(f *macho.File, kind uint32) []byte {
	for _, load := range f.Loads {
		if raw := load.Raw(); len(raw) >= 8 && f.ByteOrder.Uint32(raw) == kind {
			return raw
		}
	}
	return nil
}

func macOSVersion(f *macho.File) error {
	raw := command(f, buildVersion)
	if len(raw) < minimumVersion+4 {
		return errors.New("it does not say which macOS it needs")
	}
	if v := f.ByteOrder.Uint32(raw[minimumVersion:]); v != oldestMacOS {
		return fmt.Errorf("it needs macOS %d.%d", v>>16, v>>8&0xff)
	}
	return nil
}

func installName(f *macho.File, want string) error {
	raw := command(f, idDylib)
	if len(raw) < nameOffset+4 {
		return errors.New("it is no library")
	}
	at := f.ByteOrder.Uint32(raw[nameOffset:])
	if at > uint32(len(raw)) {
		return errors.New("its install name lies outside of its load command")
	}
	if name := strings.TrimRight(string(raw[at:]), "\x00"); name != want {
		return fmt.Errorf("its install name is %s, not %s", name, want)
	}
	return nil
}

// machoExports compares the exported names, which have an underscore before them in C.
func machoExports(f *macho.File, want []string) error {
	raw := command(f, dyldInfoOnly)
	linkedit := f.Segment("__LINKEDIT")
	if len(raw) < exportTrieBytes+4 || linkedit == nil {
		return errors.New("it has no list of exports")
	}
	trie := make([]byte, f.ByteOrder.Uint32(raw[exportTrieBytes:]))
	at := int64(f.ByteOrder.Uint32(raw[exportTrie:])) - int64(linkedit.Offset)
	if _, err := linkedit.ReadAt(trie, at); err != nil {
		return err
	}
	names, err := trieNames(trie)
	if err != nil {
		return err
	}
	allowed := append([]string{}, linkersOwn...)
	for _, name := range want {
		allowed = append(allowed, "_"+name)
	}
	return sameNames(names, allowed)
}

var errTrie = errors.New("its list of exports cannot be read")

// trieNames are the names in an export trie: a node is the length of what is exported there, that,
// the number of edges, and each edge's text and the offset of its node.
func trieNames(trie []byte) ([]string, error) {
	var names []string
	visited := 0
	var walk func(at uint64, name string) error
	walk = func(at uint64, name string) error {
		if visited++; visited > len(trie) || at >= uint64(len(trie)) {
			return errTrie
		}
		exported, n := binary.Uvarint(trie[at:])
		edges := at + uint64(max(n, 0)) + exported
		if n <= 0 || exported > uint64(len(trie)) || edges >= uint64(len(trie)) {
			return errTrie
		}
		if exported > 0 {
			names = append(names, name)
		}
		rest := trie[edges+1:]
		for range trie[edges] {
			text, after, ok := strings.Cut(string(rest), "\x00")
			child, n := binary.Uvarint([]byte(after))
			if !ok || n <= 0 {
				return errTrie
			}
			if err := walk(child, name+text); err != nil {
				return err
			}
			rest = rest[len(text)+1+n:]
		}
		return nil
	}
	err := walk(0, "")
	return names, err
}
