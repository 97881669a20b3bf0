package archtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// THIRD-PARTY.md names every module that is linked into the library, and no other.
func TestThirdPartyNoticeIsComplete(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the table is of the library for Linux; other systems link a few other modules")
	}
	cmd := exec.Command("go", "list", "-deps", "-tags", "gowaku_no_rln", "-f", "{{with .Module}}{{.Path}}{{end}}", "./library")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	raw, err := os.ReadFile(filepath.Join(root, "THIRD-PARTY.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(raw), "## Modules")
	linked := map[string]bool{}
	for _, path := range strings.Fields(string(out)) {
		if path != module {
			linked[path] = true
		}
	}
	if len(linked) == 0 {
		t.Fatal("go list names no modules")
	}
	for path := range linked {
		if !strings.Contains(table, "| "+path+" |") {
			t.Errorf("%s is linked, but THIRD-PARTY.md does not name it", path)
		}
	}
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(line, "|")
		if len(cells) > 1 && strings.Contains(cells[1], ".") && !linked[strings.TrimSpace(cells[1])] {
			t.Errorf("THIRD-PARTY.md names %s, which is not linked", cells[1])
		}
	}
}
