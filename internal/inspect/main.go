// Command inspect looks at what `make dist` has built for another system: that a library
// exports the functions of the header and nothing else, has the name, the architecture and the
// oldest system it was built for, and carries no debugging information; that a program is
// linked as it should be.
//
//	inspect -target linux-aarch64 -name libstatus1to1.so.1 -exports library/exports.txt LIBRARY
//	inspect -target linux-aarch64 PROGRAM
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
)

// maxSize is the most bytes a stripped library may have.
const maxSize = 40_000_000

// wanted holds the properties that a file must have.
type wanted struct {
	target  string
	name    string   // soname or install name; empty for a program
	exports []string // sorted; of a library
}

func (w wanted) isLibrary() bool { return w.name != "" }

func main() {
	var w wanted
	flag.StringVar(&w.target, "target", "", "such as linux-x86_64")
	flag.StringVar(&w.name, "name", "", "the library's soname or install name")
	exports := flag.String("exports", "", "a file that lists what the library exports")
	flag.Parse()
	if err := run(w, *exports, flag.Arg(0)); err != nil {
		fmt.Fprintf(os.Stderr, "inspect: %s: %v\n", flag.Arg(0), err)
		os.Exit(1)
	}
}

func run(w wanted, exports, file string) error {
	if w.isLibrary() {
		list, err := os.ReadFile(exports)
		if err != nil {
			return err
		}
		w.exports = strings.Fields(string(list))
		slices.Sort(w.exports)
	}
	system, arch, _ := strings.Cut(w.target, "-")
	switch system {
	case "linux":
		return errors.Join(size(file), inspectELF(w, arch, file))
	case "macos":
		return errors.Join(size(file), inspectMachO(w, arch, file))
	}
	return fmt.Errorf("nothing is known of the target %q", w.target)
}

func size(file string) error {
	info, err := os.Stat(file)
	if err == nil && info.Size() > maxSize {
		err = fmt.Errorf("it has %d bytes, more than %d", info.Size(), maxSize)
	}
	return err
}

// sameNames compares what is exported with what should be.
func sameNames(got, want []string) error {
	var errs []error
	for _, name := range got {
		if !slices.Contains(want, name) {
			errs = append(errs, fmt.Errorf("it exports %s", name))
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			errs = append(errs, fmt.Errorf("it does not export %s", name))
		}
	}
	return errors.Join(errs...)
}

// onlyOf refuses a name of got that is not allowed.
func onlyOf(what string, got, allowed []string) error {
	for _, name := range got {
		if !slices.Contains(allowed, name) {
			return fmt.Errorf("it needs the %s %s", what, name)
		}
	}
	return nil
}
