package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// newestGlibc is the minor version of glibc 2 that a library may need at most: that of the
// wheels' tag manylinux2014.
const newestGlibc = 17

var elfMachines = map[string]elf.Machine{"x86_64": elf.EM_X86_64, "aarch64": elf.EM_AARCH64}

// elfLibraries are glibc's.
var elfLibraries = []string{
	"libc.so.6", "libpthread.so.0", "libresolv.so.2", "libdl.so.2",
	"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
}

func inspectELF(w wanted, arch, file string) error {
	f, err := elf.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	errs := []error{stripped(f)}
	if f.Machine != elfMachines[arch] {
		errs = append(errs, fmt.Errorf("it is for %s", f.Machine))
	}
	if w.isLibrary() {
		errs = append(errs, elfName(f, w.name), elfExports(f, w.exports), glibc(f), staysLoaded(f))
	} else {
		errs = append(errs, static(f))
	}
	return errors.Join(errs...)
}

func stripped(f *elf.File) error {
	for _, s := range f.Sections {
		if s.Type == elf.SHT_SYMTAB || strings.HasPrefix(s.Name, ".debug") || strings.HasPrefix(s.Name, ".zdebug") {
			return fmt.Errorf("it is not stripped: it has %s", s.Name)
		}
	}
	return nil
}

func elfName(f *elf.File, want string) error {
	names, err := f.DynString(elf.DT_SONAME)
	if err == nil && (len(names) != 1 || names[0] != want) {
		err = fmt.Errorf("its soname is %q, not %s", names, want)
	}
	return err
}

func elfExports(f *elf.File, want []string) error {
	symbols, err := f.DynamicSymbols()
	if err != nil {
		return err
	}
	var got []string
	for _, s := range symbols {
		if s.Section != elf.SHN_UNDEF && elf.ST_BIND(s.Info) != elf.STB_LOCAL {
			got = append(got, s.Name)
		}
	}
	return sameNames(got, want)
}

// glibc checks which libraries are needed, and how new a glibc.
func glibc(f *elf.File) error {
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return err
	}
	needs, err := f.DynamicVersionNeeds()
	if err != nil {
		return err
	}
	for _, library := range needs {
		for _, version := range library.Needs {
			minor, isGlibc := strings.CutPrefix(version.Dep, "GLIBC_2.")
			minor, _, _ = strings.Cut(minor, ".") // as in 2.2.5
			if n, err := strconv.Atoi(minor); !isGlibc || err != nil || n > newestGlibc {
				return fmt.Errorf("it needs %s of %s", version.Dep, library.Name)
			}
		}
	}
	return onlyOf("library", libraries, elfLibraries)
}

// staysLoaded checks that dlclose does nothing, since Go's runtime cannot be unloaded.
func staysLoaded(f *elf.File) error {
	flags, err := f.DynValue(elf.DT_FLAGS_1)
	if err == nil && (len(flags) == 0 || elf.DynFlag1(flags[0])&elf.DF_1_NODELETE == 0) {
		err = errors.New("it could be unloaded")
	}
	return err
}

// static checks that a program needs no library and no dynamic linker.
func static(f *elf.File) error {
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("it needs a dynamic linker")
		}
	}
	libraries, _ := f.ImportedLibraries() // an error: there is no dynamic section
	return onlyOf("library", libraries, nil)
}
