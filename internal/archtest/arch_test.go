package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "libstatus1to1"

// floors are the floors of the house, by path below the module. Imports only go
// down; within a floor there are none, except where allowed says so. The table is also
// in docs/architecture.md.
var floors = map[string]int{
	"chat/protocol/key": 1, "chat/wire": 1, "chat/enum": 1, "chat/text": 1, "chat/text/words": 1,
	"chat/internal/parallel": 1, "chat/internal/ratelimit": 1,

	"chat/identity": 2, "chat/contact": 2, "chat/message": 2, "chat/protocol/x3dh": 2, "chat/protocol/ratchet": 2,
	"chat/protocol/payload": 2, "chat/protocol/topic": 2, "chat/protocol/datasync": 2,
	"chat/protocol/noise": 2, "chat/protocol/segment": 2,

	"chat/protocol/session": 3, "chat/event": 3, "chat/port": 3, "chat/picture": 3, "chat/media": 3,
	"chat/identity/card": 3, "chat/protocol/noise/noisesession": 3, "chat/protocol/noise/pairing": 3,

	"chat/internal/ledger": 4, "chat/internal/page": 4, "chat/internal/confirm": 4, "chat/internal/doctor": 4,
	"chat/protocol/noise/noisepeer": 4,

	"chat/internal/linking": 5, "chat/internal/devicesync": 5, "chat/internal/outbox": 5, "chat/internal/history": 5,
	"chat/internal/catchup": 5, "chat/internal/segments": 5, "chat/internal/archive": 5, "chat/internal/cards": 5, "chat/internal/noisechat": 5, "chat/internal/actions": 5,
	"chat/internal/expiry": 5, "chat/internal/attachments": 5, "chat/internal/kept": 5, "chat/internal/agree": 5, "chat/internal/search": 5,
	"chat/waku": 5, "chat/memnet": 5, "chat/external": 5, "store": 5,

	"chat": 6,

	"chat/api": 7,

	"library/host": 8, "library": 8, "rpc": 8, "rpc/status1to1-rpc": 8,
}

// planned are packages of the house that are not there yet. One that is there must be
// taken off this list: from then on it is noticed when it disappears.
var planned = []string{}

// allowed are imports within a floor: the library and the stdio server share what they open
// clients with through a package without cgo.
var allowed = [][2]string{{"library", "library/host"}, {"rpc/status1to1-rpc", "library/host"}, {"rpc/status1to1-rpc", "rpc"}}

// free are packages outside the house: helpers of tests and generators.
var free = []string{"chat/chattest", "internal/"}

// pureFloors is up to which floor packages compute only: no files, no network, no
// clock of their own.
const pureFloors = 3

// pureAbove are packages of higher floors that compute only.
var pureAbove = []string{"chat/protocol/noise/noisepeer"}

// outside are packages on the lower floors that are about the machine and not about what
// is computed: how the engine's errors name those of the system, and the system's clock.
var outside = []string{"chat/port"}

// impure are what they may not import.
var impure = []string{"os", "os/exec", "net", "net/http", "database/sql", "syscall", "crypto/rand", "math/rand", "math/rand/v2"}

// errnoNames is the exception: errors cross a port, and those of the system have names
// that only syscall knows.
var errnoNames = map[string]string{"chat/port": "syscall"}

// clockCalls are what they may not call.
var clockCalls = []string{"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"}

// foreign are packages only one adapter may import.
var foreign = map[string]string{
	"go.etcd.io/bbolt":                   "store",
	"github.com/waku-org/go-waku":        "chat/waku",
	"github.com/libp2p/go-libp2p":        "chat/waku",
	"github.com/libp2p/go-libp2p-pubsub": "chat/waku",
}

// heavy must not be linked into the library: packages, and modules with a slash at the
// end. They bring transports that nothing runs (see the comment of package chat/waku),
// megabytes of them, and with them the vulnerabilities of QUIC, TLS and RTP libraries.
var heavy = []string{
	"github.com/libp2p/go-libp2p",
	"github.com/libp2p/go-libp2p/p2p/host/basic",
	"github.com/waku-org/go-waku/waku/v2/node",
	"github.com/waku-org/go-waku/waku/v2/protocol/filter",
	"github.com/quic-go/", "github.com/pion/", "github.com/consensys/gnark-crypto/",
}

// maxLines is how long a file may get: past it, it holds more than one concept.
const maxLines = 450

// pkg is what go list tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	GoFiles    []string
	CgoFiles   []string
}

// name is the path below the module.
func (p pkg) name() string { return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/") }

func (p pkg) isFree() bool {
	return slices.ContainsFunc(free, func(f string) bool { return strings.HasPrefix(p.name(), f) })
}

// packages lists the module, without test files.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles,CgoFiles", "-tags", "gowaku_no_rln", module+"/...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if least := len(floors) - len(planned); len(all) < least {
		t.Fatalf("go list found %d packages, the house has %d", len(all), least)
	}
	return all
}

func TestImportsGoDown(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		if p.isFree() {
			continue
		}
		seen[p.name()] = true
		floor, known := floors[p.name()]
		if !known {
			t.Errorf("%s is on no floor: put it into the table here and in docs/architecture.md", p.name())
			continue
		}
		for _, path := range p.Imports {
			below, ours := strings.CutPrefix(path, module+"/")
			if !ours || slices.Contains(allowed, [2]string{p.name(), below}) {
				continue
			}
			if at, ok := floors[below]; !ok || at >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d)", p.name(), floor, below, at)
			}
		}
	}
	for name := range floors {
		switch {
		case slices.Contains(planned, name) && seen[name]:
			t.Errorf("%s is there: take it off the planned packages", name)
		case !slices.Contains(planned, name) && !seen[name]:
			t.Errorf("%s is in the table, but there is no such package", name)
		}
	}
}

func TestForeignPackagesStayInTheirAdapter(t *testing.T) {
	for _, p := range packages(t) {
		if p.isFree() {
			continue
		}
		for _, path := range p.Imports {
			for prefix, owner := range foreign {
				if (path == prefix || strings.HasPrefix(path, prefix+"/")) && p.name() != owner {
					t.Errorf("%s imports %s, which only %s may", p.name(), path, owner)
				}
			}
		}
	}
}

func TestHeavyPackagesAreNotLinked(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-tags", "gowaku_no_rln", "./library")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	linked := strings.Fields(string(out))
	if !slices.Contains(linked, module+"/chat/waku") {
		t.Fatal("go list does not name chat/waku")
	}
	for _, path := range linked {
		for _, bad := range heavy {
			if path == bad || strings.HasSuffix(bad, "/") && strings.HasPrefix(path, bad) {
				t.Errorf("%s is linked", path)
			}
		}
	}
}

func TestProtocolPackagesArePure(t *testing.T) {
	for _, p := range packages(t) {
		if floor, known := floors[p.name()]; !known || floor > pureFloors && !slices.Contains(pureAbove, p.name()) || slices.Contains(outside, p.name()) {
			continue
		}
		for _, path := range p.Imports {
			if slices.Contains(impure, path) && path != errnoNames[p.name()] {
				t.Errorf("%s imports %s", p.name(), path)
			}
		}
		for _, file := range p.GoFiles {
			raw, err := os.ReadFile(filepath.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range clockCalls {
				if bytes.Contains(raw, []byte("time."+call+"(")) {
					t.Errorf("%s/%s calls time.%s", p.name(), file, call)
				}
			}
		}
	}
}

// Only the library may need a C compiler of its own.
func TestOnlyTheLibraryHasCgo(t *testing.T) {
	for _, p := range packages(t) {
		if len(p.CgoFiles) > 0 && p.name() != "library" {
			t.Errorf("%s has cgo in %v", p.name(), p.CgoFiles)
		}
	}
}

func TestEveryPackageIsDocumented(t *testing.T) {
	for _, p := range packages(t) {
		documented := false
		for _, file := range append(p.GoFiles, p.CgoFiles...) {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			documented = documented || parsed.Doc != nil
		}
		if !documented {
			t.Errorf("%s has no package comment", p.name())
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "build") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".pb.go") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if lines := bytes.Count(raw, []byte("\n")); lines > maxLines {
			t.Errorf("%s has %s lines; %d is the most", path, strconv.Itoa(lines), maxLines)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The table of floors in docs/architecture.md is the one here.
func TestFloorsAreDocumented(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	written := map[string]int{}
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 {
			continue
		}
		floor, err := strconv.Atoi(strings.TrimSpace(cells[1]))
		if err != nil {
			continue
		}
		for _, n := range namesIn("", cells[2]) {
			written[n.text] = floor
		}
	}
	for name, floor := range floors {
		if slices.Contains(planned, name) {
			continue
		}
		if written[name] != floor {
			t.Errorf("docs/architecture.md has %s on floor %d, the table here on %d", name, written[name], floor)
		}
	}
	for name := range written {
		if _, ok := floors[name]; !ok {
			t.Errorf("docs/architecture.md has %s on a floor, the table here has not", name)
		}
	}
}
